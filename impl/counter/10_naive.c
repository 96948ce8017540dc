/* SPDX-License-Identifier: MIT */
/* counter/10_naive: add one to a plain variable.
 *
 * Lesson    `++` is three steps: read, add, write. Two threads that both read 2 both write 3, and one item is never counted.
 * Protocol  none: every thread reads and writes the same word.
 * Promise   none with more than one thread.
 * Cost      increment: one load and one store, of a cache line that all threads fight for.
 */
#include "counter.h"

struct counter {
	uint64_t value; /* written and read by every thread; guarded by nothing, which is the bug */
};

struct counter_seat {
	char unused;
};

static int counter_open(struct counter *c)
{
	c->value = 0;
	return 0;
}

static void counter_close(struct counter *c)
{
	(void)c;
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
	return ++c->value;
}

static uint64_t counter_value(struct counter *c)
{
	return c->value;
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	c->value--;
}

static void counter_reset(struct counter *c)
{
	c->value = 0;
}

#include "counter_export.h"
COUNTER_EXPORT(naive, .about.lesson = "two threads that both read 2 both write 3",
	.about.missing = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			 COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.steps = true, .decrement = counter_decrement, .reset = counter_reset);
