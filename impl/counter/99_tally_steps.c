/* SPDX-License-Identifier: MIT */
/* counter/99_tally_steps: 1, 2, 3 … from the header's tally, for those who must have them.
 *
 * Lesson    "item 3 of 10", each number once and none left out, is an agreement of all threads, and one shared word is where they reach
 *           it. The header offers it beside the cheap increments, at the hardware's price, not instead of them.
 * Compare   98_tally_tickets.c
 * Protocol  all threads add to one word; its modification order is the count. There are no seats.
 * Promise   everything a counter can promise.
 * Cost      increment: one locked instruction, and the line travels to whoever counts.
 */
#include <onceproof/tally.h>

#include "counter.h"

struct counter {
	struct tally tally;
};

struct counter_seat {
	char unused;
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
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	return tally_step(&c->tally);
}

static uint64_t counter_value(struct counter *c)
{
	return tally_value(&c->tally);
}

#include "counter_export.h"
COUNTER_EXPORT(tally_steps, .about.lesson = "steps without a gap have one price: a line that all must have in turn",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .steps = true);
