/* SPDX-License-Identifier: MIT */
/* What a graph says to people, and its hash. */
#include <inttypes.h>
#include <stdio.h>

#include "graph_private.h"

/* The newest store that was there when the read was added, if it did not return that one. Ids grow in the order of adding. */
static event_id passed_over(const struct graph *g, event_id read)
{
	event_id newest = 0;
	for (event_id s = g->events[g->events[read].source].after; s; s = g->events[s].after)
		if (s < read)
			newest = s;
	return newest == read ? 0 : newest;
}

void graph_explain(const struct graph *g, event_id read, char *text, unsigned bytes)
{
	const struct event *e = &g->events[read];
	if (bytes)
		text[0] = '\0';
	if (e->kind != EVENT_READ && e->kind != EVENT_UPDATE)
		return;
	event_id newer = passed_over(g, read);
	if (!newer)
		return;
	const struct event *source = &g->events[e->source], *n = &g->events[newer];
	char whose[32] = "the initial value ";
	if (source->kind != EVENT_INITIAL)
		snprintf(whose, sizeof whose, "thread %u's ", source->thread);
	snprintf(text, bytes,
		"returns %s%" PRIu64 " although thread %u stored %" PRIu64 " later: nothing orders this %s behind that store",
		whose, source->value, n->thread, n->value, e->kind == EVENT_READ ? "load" : "read-modify-write");
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

/* Where an event is, independent of when it was added. */
static uint64_t name(const struct graph *g, event_id id)
{
	return id ? (uint64_t)g->events[id].thread << 32 | g->events[id].number : UINT64_MAX;
}

/* Which location an event is on, what it returns and all else follows from what its thread did before, so threads, numbers, sources
 * and places are enough. Events are summed up, for the order of adding is not to matter. */
uint64_t graph_hash(const struct graph *g)
{
	uint64_t sum = 0;
	for (event_id id = 1; id <= g->count; id++) {
		const struct event *e = &g->events[id];
		if (e->kind == EVENT_INITIAL)
			continue;
		uint64_t h = mix(name(g, id) << 8 | e->kind | (uint64_t)e->blocked << 7);
		h = mix(h ^ name(g, e->source));
		if (e->kind == EVENT_WRITE)
			h = mix(h ^ name(g, e->before));
		if (e->kind == EVENT_LOCAL)
			h = mix(h ^ e->value);
		sum += h;
	}
	return mix(sum);
}
