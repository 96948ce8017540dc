/* SPDX-License-Identifier: MIT */
/* What the progress scenarios share: a perfect counter, a front end that records what it is told, and the record's judge. */
#ifndef ONCEPROOF_STRESS_TELLING_H
#define ONCEPROOF_STRESS_TELLING_H

#include <stdatomic.h>

#include "../scenario.h"

enum { TOLD_MAX = 6 };

/* Counter and front end of one execution. Neither orders anything between threads (all relaxed): only the telling is tested. */
struct telling {
	struct progress_sink sink;
	struct progress_source source;
	_Alignas(64) _Atomic uint64_t counted; /* the counter: every increment is counted and its step is unique */
	_Atomic uint64_t told_count;           /* a call of tell takes its place in the record here */
	uint64_t told[TOLD_MAX];               /* place i is written by the call that took it, read by the check */
};

static inline uint64_t telling_increment(void *arg)
{
	struct telling *t = arg;
	/* relaxed: on purpose, see above. */
	return atomic_fetch_add_explicit(&t->counted, 1, memory_order_relaxed) + 1;
}

static inline uint64_t telling_value(void *arg)
{
	struct telling *t = arg;
	/* relaxed: on purpose, see above. */
	return atomic_load_explicit(&t->counted, memory_order_relaxed);
}

static inline void telling_record(void *arg, uint64_t done, uint64_t total)
{
	(void)total;
	struct telling *t = arg;
	/* relaxed: on purpose, see above; the order of the record is this word's modification order. */
	uint64_t place = atomic_fetch_add_explicit(&t->told_count, 1, memory_order_relaxed);
	if (place < TOLD_MAX)
		t->told[place] = done;
}

static inline const struct progress_implementation *telling_subject(const struct execution *x)
{
	return (const struct progress_implementation *)(const void *)x->subject;
}

/* What a record amounts to: the worst that is true of it, as telling_judge() ranks them. Two steps cannot show the last kind. */
enum told {
	TOLD_IN_ORDER,       /* 1, 2, 3 … total */
	TOLD_SKIPS,          /* a number above all that were told before, but not the next one */
	TOLD_WRONG_LAST,     /* the last number told is not the total, although nothing ran backwards */
	TOLD_BACKWARDS_LAST, /* as below, and the last number told is not the total */
	TOLD_REPEATS,        /* a number that was told before */
	TOLD_BACKWARDS,      /* a number below one that was told before; the last is the total */
	TOLD_KINDS,
};

/* Judges the record of an execution in which TOTAL items were counted. No thread may be telling. */
static inline enum told telling_judge(const struct telling *t, uint64_t total)
{
	/* relaxed: every thread that told has ended, which the engine has ordered before this. */
	uint64_t count = atomic_load_explicit(&t->told_count, memory_order_relaxed);
	bool repeats = count > TOLD_MAX; /* more calls than numbers */
	bool backwards = false, skips = false;
	uint64_t last = 0, highest = 0;
	for (uint64_t i = 0; i < count && i < TOLD_MAX; i++) {
		last = t->told[i];
		for (uint64_t before = 0; before < i; before++)
			repeats |= t->told[before] == last;
		backwards |= last < highest;
		skips |= last > highest + 1;
		highest = last > highest ? last : highest;
	}
	if (repeats)
		return TOLD_REPEATS;
	if (backwards)
		return last == total ? TOLD_BACKWARDS : TOLD_BACKWARDS_LAST;
	if (last != total)
		return TOLD_WRONG_LAST;
	return skips ? TOLD_SKIPS : TOLD_IN_ORDER;
}

/* A number that is told late without having been told before was skipped first, so the backwards outcomes break no_gaps too. */
enum {
	TOLD_SKIPS_REFUTES = PROGRESS_NO_GAPS,
	TOLD_WRONG_LAST_REFUTES = PROGRESS_LAST_IS_TOTAL,
	TOLD_BACKWARDS_LAST_REFUTES = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL,
	TOLD_REPEATS_REFUTES = PROGRESS_NO_DUPLICATES,
	TOLD_BACKWARDS_REFUTES = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_GAPS,
};

#endif
