/* SPDX-License-Identifier: MIT */
/* Adaptive sampling (Wegman; analysed by Flajolet, Computing 43, 1990): when the set is full, hashes with one more bit set are
 * dropped, half of them; the count is that of the kept ones times two for every halving. With 2^18 kept the standard error stays below
 * a quarter of a percent.
 */
#include "behaviours.h"

#include <stdlib.h>

enum { ROOM_MIN = 1 << 10, ROOM_MAX = 1 << 20 };

static bool sampled(const struct behaviours *b, uint64_t hash)
{
	return (hash & ((1ull << b->sampling) - 1)) == 0;
}

/* Where HASH is, or would be. */
static uint64_t *find(const struct behaviours *b, uint64_t hash)
{
	/* The lowest bits decide what is kept: the place comes from the others. */
	uint32_t at = (uint32_t)(hash >> 32) & (b->room - 1);
	while (b->slot[at] && b->slot[at] != hash)
		at = (at + 1) & (b->room - 1);
	return &b->slot[at];
}

static void insert(struct behaviours *b, uint64_t hash)
{
	uint64_t *slot = find(b, hash);
	b->count += !*slot;
	*slot = hash;
}

/* Moves what is sampled into ROOM slots. */
static bool rebuild(struct behaviours *b, uint32_t room)
{
	uint64_t *old = b->slot, *slot = calloc(room, sizeof *slot);
	uint32_t old_room = b->room;
	if (!slot)
		return false;
	b->slot = slot;
	b->room = room;
	b->count = 0;
	for (uint32_t i = 0; i < old_room; i++)
		if (old[i] && sampled(b, old[i]))
			insert(b, old[i]);
	free(old);
	return true;
}

bool behaviours_add(struct behaviours *b, uint64_t hash)
{
	hash = hash ? hash : 1ull << 63;
	if (!sampled(b, hash))
		return true;
	/* Only what is new asks for room, so that it does not matter in which order hashes come. */
	if (b->count >= b->room / 2 && !(b->room && *find(b, hash))) {
		bool full = b->room == ROOM_MAX;
		b->sampling += full;
		if (!rebuild(b, full ? ROOM_MAX : b->room ? b->room * 2 : ROOM_MIN)) {
			b->sampling -= full;
			return false;
		}
		/* Half of them may be gone, or by chance fewer. */
		return behaviours_add(b, hash);
	}
	insert(b, hash);
	return true;
}

uint64_t behaviours_count(const struct behaviours *b)
{
	return (uint64_t)b->count << b->sampling;
}

void behaviours_clear(struct behaviours *b)
{
	for (uint32_t i = 0; i < b->room; i++)
		b->slot[i] = 0;
	b->count = 0;
	b->sampling = 0;
}

void behaviours_free(struct behaviours *b)
{
	free(b->slot);
	*b = (struct behaviours){0};
}
