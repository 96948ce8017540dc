/* SPDX-License-Identifier: MIT */
/* counter/40_atomic: one atomic read-modify-write.
 *
 * Lesson    fetch_add makes read, add and write one step, so no update is lost and every step is returned once.
 * Compare   30_load_store.c
 * Protocol  all threads add to one word; its modification order is the count.
 * Promise   everything a counter can promise.
 * Cost      increment: one locked instruction, and the cache line travels to whoever counts.
 */
#include <stdatomic.h>

#include "counter.h"

struct counter {
	_Atomic uint64_t value; /* written and read by every thread, atomically */
};

struct counter_seat {
	char unused;
};

static int counter_open(struct counter *c)
{
	atomic_init(&c->value, 0);
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
	/* relaxed: the count guards no other memory; a read-modify-write always reads the latest value in modification order. */
	return atomic_fetch_add_explicit(&c->value, 1, memory_order_relaxed) + 1;
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: coherence of this one word keeps the values that a thread reads in modification order. */
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	/* relaxed: as in counter_increment(). */
	atomic_fetch_sub_explicit(&c->value, 1, memory_order_relaxed);
}

static void counter_reset(struct counter *c)
{
	/* relaxed: one store in the word's modification order; increments fall before it or after it. */
	atomic_store_explicit(&c->value, 0, memory_order_relaxed);
}

#include "counter_export.h"
COUNTER_EXPORT(atomic, .about.lesson = "read, add and write become one step",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .steps = true, .decrement = counter_decrement, .reset = counter_reset);
