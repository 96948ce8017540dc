/* SPDX-License-Identifier: MIT */
/* counter/30_load_store: an atomic load, then an atomic store.
 *
 * Lesson    atomic accesses end the data race, and race detectors fall silent; the update still has a gap between its load and
 *           its store into which another thread's whole update fits. Atomic parts do not make an atomic whole.
 * Compare   10_naive.c
 * Protocol  none: every thread loads the word, and stores what it makes of it.
 * Promise   race_free, and nothing else with more than one thread.
 * Cost      increment: one load and one store, as in the naive counter.
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
	/* relaxed, both: the count guards no other memory. No order would help: the gap is between the two. */
	uint64_t step = atomic_load_explicit(&c->value, memory_order_relaxed) + 1;
	atomic_store_explicit(&c->value, step, memory_order_relaxed);
	return step;
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: coherence keeps the values that a thread reads in modification order, but that order may run 2, 3, 4, 2. */
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	/* relaxed, both: as in counter_increment(). */
	uint64_t left = atomic_load_explicit(&c->value, memory_order_relaxed) - 1;
	atomic_store_explicit(&c->value, left, memory_order_relaxed);
}

static void counter_reset(struct counter *c)
{
	/* relaxed: one store in the word's modification order; an increment that loaded before it undoes it. */
	atomic_store_explicit(&c->value, 0, memory_order_relaxed);
}

#include "counter_export.h"
COUNTER_EXPORT(load_store, .about.lesson = "no data race, and updates are lost all the same", .about.claims = COUNTER_RACE_FREE,
	.about.missing = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			 COUNTER_EXACT_AT_REST,
	.about.features = FEATURE_ATOMIC, .steps = true, .decrement = counter_decrement, .reset = counter_reset);
