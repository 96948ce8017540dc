/* SPDX-License-Identifier: MIT */
/* What the searches share, and what the driver asks single searches for. */
#ifndef ONCEPROOF_EXPLORE_SEARCHES_H
#define ONCEPROOF_EXPLORE_SEARCHES_H

#include <stddef.h>

#include "search.h"

extern const struct search_kind search_dpor, search_bound, search_random, search_pct, search_pos, search_surw, search_rff;

static inline bool search_enabled(const struct moment *at, unsigned thread)
{
	return at->enabled >> thread & 1;
}

/* The N-th of the threads in SET, from 0, in cyclic order: FIRST, FIRST + 1, …, 63, 0, … N is below their number. */
static inline unsigned search_nth_thread(uint64_t set, unsigned first, unsigned n)
{
	uint64_t later = set & (UINT64_MAX << first);
	unsigned there = (unsigned)__builtin_popcountll(later);
	uint64_t rest = n < there ? later : set & ~later;
	for (n = n < there ? n : n - there; n; n--)
		rest &= rest - 1;
	return (unsigned)__builtin_ctzll(rest);
}

/* The thread that moves if nobody interferes: the one that moved last, else the next one in cyclic order. */
static inline unsigned search_plain_thread(const struct moment *at)
{
	bool leaves = at->current_yields && search_enabled(at, at->current) && (at->enabled & (at->enabled - 1));
	return search_nth_thread(at->enabled, at->current, leaves ? 1 : 0);
}

/* Does moving THREAD next interrupt another one that could go on? */
static inline bool search_preempts(const struct moment *at, unsigned thread)
{
	return thread != at->current && search_enabled(at, at->current) && !at->current_yields;
}

/* Can two operations race, in the sense of the samplers: does their order mean anything? */
static inline bool search_conflict(const struct operation *a, const struct operation *b)
{
	if (!a->address || !b->address)
		return false;
	if (a->address + a->bytes <= b->address || b->address + b->bytes <= a->address)
		return false;
	return a->chain || b->chain || a->kind != EVENT_READ || b->kind != EVENT_READ;
}

/* How a sampler reads older stores: half of the executions never do, so that they are plain interleavings; the others in one choice of
 * three. */
struct staleness {
	bool allowed;
};

static inline struct staleness stale_begin(struct stream *random)
{
	return (struct staleness){.allowed = stream_next(random) >> 63};
}

static inline uint32_t stale_index(const struct staleness *stale, struct stream *random, unsigned count)
{
	if (count < 2 || !stale->allowed || stream_below(random, 3) != 0)
		return 0;
	return 1 + stream_below(random, count - 1);
}

/* A free choice: the plain alternative in half of the cases. */
static inline uint32_t choice_index(struct stream *random, unsigned count)
{
	return stream_next(random) >> 63 ? 0 : 1 + stream_below(random, count - 1);
}

/* search_bound.c: what was explored when begin() returned false: "" for everything, else "at most 2 preemptions". */
void search_bound_text(const struct search *s, char *text, size_t bytes);

/* search_pct.c: the chance that the executions so far would have shown a bug of DEPTH (1 .. 3) at least once, if there is one. 0: no
 * statement; below 0: none can be made about this program. */
double search_pct_chance(const struct search *s, unsigned depth);

/* dpor_share.c: what is left of an exhaustive search, a stack that is explored from its top down, as blocks of memory that free() frees
 * and that other processes of this program understand. NULL or false: no memory. */
struct search_rest;
/* Has it begun, and is nothing but its stack left to be told? */
bool search_dpor_steady(const struct search *s);
struct search_rest *search_dpor_rest(const struct search *s);
/* Nothing is left. */
void search_dpor_forget(struct search *s);
/* REST is left, too, and comes first. */
bool search_dpor_push(struct search *s, const struct search_rest *rest);
uint64_t search_rest_bytes(const struct search_rest *rest);
uint64_t search_rest_items(const struct search_rest *rest);
/* The part of the whole search that it is thought to be: 0 to 1. */
double search_rest_share(const struct search_rest *rest);
/* In two, neither of them empty if there are two items: the first one, which comes first, about SHARE of the whole search. */
bool search_rest_split(const struct search_rest *whole, double share, struct search_rest **first, struct search_rest **then);
struct search_rest *search_rest_join(const struct search_rest *first, const struct search_rest *then);

/* The search's own save and load; and save of a search whose stack is in RESTS, the top first. */
void search_dpor_save(const struct search *s, struct search_state *to);
bool search_dpor_load(struct search *s, struct search_state_reader *from);
void search_dpor_save_rests(
	const struct search *s, struct search_rest *const *rests, size_t count, struct search_state *to);

/* What the estimate rests on. An integer, so that a sum does not depend on its order. */
struct search_progress {
	unsigned __int128 explored;
	uint64_t executions;
};
/* Takes it out of the search, and adds some. */
struct search_progress search_dpor_progress(struct search *s);
void search_dpor_advance(struct search *s, const struct search_progress *progress);

/* search_pct.c: adds to S what happened in a copy of it since that was as BEFORE and until it was as AFTER. */
void search_pct_absorb(struct search *s, const struct search *before, const struct search *after);

/* search_replay.c: as search_replay(), but only the first ORDERED steps prescribe who moves; of the others only the sources, places and
 * choices are followed. SCHEDULE stays the caller's and must outlive the search. */
struct schedule;
struct search *search_replay_first(const struct schedule *schedule, uint32_t ordered, bool strict, bool full);
unsigned search_replay_preemptions(const struct search *s);

#endif
