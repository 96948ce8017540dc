/* SPDX-License-Identifier: MIT */
/* counter/96_tally_fenced: the header's tally, and a fence in each value().
 *
 * Lesson    as 77: two threads that count and then look can each miss the other, while both stores wait in their buffers. Who must not
 *           miss pays for it where it reads, not where it counts.
 * Compare   95_tally.c
 * Protocol  of two reads one has its fence first; what came before it is in the other's sum.
 * Promise   as 95, and linearizable.
 * Cost      increment: one store. value: that of 95 and a fence, which waits until the thread's own stores are visible.
 */
#include <onceproof/tally.h>

#include "counter.h"

struct counter {
	struct tally tally;
};

struct counter_seat {
	struct tally_seat *seat; /* borrowed; used by the thread in it */
};

static int counter_open(struct counter *c)
{
	c->tally = (struct tally)TALLY_INITIALISER;
	return 0;
}

static void counter_close(struct counter *c)
{
	tally_close(&c->tally);
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	seat->seat = tally_join(&c->tally);
	return seat->seat ? 0 : ENOMEM;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	tally_leave(seat->seat);
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	tally_add(seat->seat);
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	return tally_value_fenced(&c->tally);
}

/* In a loop: the count in a variable. */
#define COUNTER_HAND
struct counter_hand {
	struct tally_seat *seat;
	uint64_t own;
};

static inline struct counter_hand counter_take_in_hand(struct counter_seat *seat)
{
	return (struct counter_hand){seat->seat, tally_own(seat->seat)};
}

static inline uint64_t counter_increment_in_hand(struct counter *c, struct counter_hand *hand)
{
	(void)c;
	tally_put(hand->seat, ++hand->own);
	return 0;
}

#include "counter_export.h"
COUNTER_EXPORT(tally_fenced, .about.lesson = "a fence in each read buys a value that is linearizable",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE |
			COUNTER_LINEARIZABLE_VALUE,
	.about.features = FEATURE_ATOMIC | FEATURE_FENCE);
