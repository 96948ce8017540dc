/* SPDX-License-Identifier: MIT */
/* The table of searches, and how one is opened, told its options and closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "searches.h"

const struct search_kind *const search_kinds[] = {
	&search_dpor, &search_bound, &search_random, &search_pct, &search_pos, &search_surw, &search_rff};
const unsigned search_kind_count = sizeof search_kinds / sizeof *search_kinds;

const struct search_kind *search_find(const char *name)
{
	for (unsigned i = 0; i < search_kind_count; i++)
		if (strcmp(search_kinds[i]->name, name) == 0)
			return search_kinds[i];
	return NULL;
}

struct search *search_open(const struct search_kind *kind, uint64_t seed, unsigned shard, unsigned shards)
{
	struct search *s = memory_calloc(1, kind->bytes);
	if (!s)
		return NULL;
	s->kind = kind;
	s->seed = seed;
	s->shard = shard;
	s->shards = shards;
	return s;
}

int search_option(struct search *s, const char *key, const char *value)
{
	return s->kind->option ? s->kind->option(s, key, value) : EINVAL;
}

void search_close(struct search *s)
{
	if (s && s->kind->close)
		s->kind->close(s);
	memory_free(s);
}
