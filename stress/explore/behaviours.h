/* SPDX-License-Identifier: MIT */
/* How many different behaviours were seen: a set of hashes of constant memory, which counts exactly up to its room and estimates beyond.
 */
#ifndef ONCEPROOF_EXPLORE_BEHAVIOURS_H
#define ONCEPROOF_EXPLORE_BEHAVIOURS_H

#include <stdbool.h>
#include <stdint.h>

struct behaviours {
	uint64_t *slot;    /* open addressing; 0: empty */
	uint32_t room;     /* of slots, a power of two */
	uint32_t count;    /* hashes kept */
	unsigned sampling; /* only hashes whose lowest SAMPLING bits are 0 are kept */
};

/* Notes HASH. false: no memory; it is not counted then. */
bool behaviours_add(struct behaviours *b, uint64_t hash);
/* Exact as long as all hashes were kept; then an estimate. */
uint64_t behaviours_count(const struct behaviours *b);
void behaviours_clear(struct behaviours *b);
void behaviours_free(struct behaviours *b);

#endif
