/* SPDX-License-Identifier: MIT */
/* counter/15_volatile: add one to a volatile variable.
 *
 * Lesson    `volatile` forbids the compiler to drop, merge or reorder these accesses. It makes none of them one step with the
 *           next: read, add and write are still three, and to C11 (5.1.2.4) they are still a data race.
 * Compare   10_naive.c
 * Protocol  none: every thread reads and writes the same word.
 * Promise   none with more than one thread. `volatile` is for memory-mapped devices and signal handlers.
 * Cost      increment: one load and one store that no compiler may hoist out of a loop.
 */
#include "counter.h"

struct counter {
	volatile uint64_t value; /* written and read by every thread; guarded by nothing, which is the bug */
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
	return c->value = c->value + 1;
}

static uint64_t counter_value(struct counter *c)
{
	return c->value;
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	c->value = c->value - 1;
}

static void counter_reset(struct counter *c)
{
	c->value = 0;
}

#include "counter_export.h"
COUNTER_EXPORT(volatile, .about.lesson = "volatile orders the compiler, not the threads",
	.about.missing = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			 COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.steps = true, .decrement = counter_decrement, .reset = counter_reset);
