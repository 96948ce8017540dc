/* SPDX-License-Identifier: MIT */
/* counter/95_tally: the header to take along, <onceproof/tally.h>: a line for each thread, stored to by that thread alone.
 *
 * Lesson    75 as a library: the value is the same sum, but seats lie side by side instead of in a list, so that a reader's loads do not
 *           wait for one another; and the store releases what was counted, so that who reads "3 of 10" may use the three.
 * Compare   75_sharded_store.c
 * Protocol  a seat's thread is the only one to store its count. In a loop that the compiler sees whole, it keeps the count in a register.
 * Promise   loses nothing, never runs backwards, exact at rest, publishes; not linearizable: 96 is. The proof is in the header.
 * Cost      increment: one store. value: one line per seat, all on their way at once. Memory: two lines per thread, eight seats at a time.
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
	return tally_value(&c->tally);
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
COUNTER_EXPORT(tally, .about.lesson = "a header to take along: one store per increment",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_ATOMIC);
