/* SPDX-License-Identifier: MIT */
/* counter/45_cas_loop: read, add, and publish only if nobody came between.
 *
 * Lesson    compare-and-swap closes the gap of load and store by noticing who jumped in, and trying again. It can make any
 *           update atomic (a maximum, a saturating count); for adding one, fetch_add does the same without a retry.
 * Compare   40_atomic.c
 * Protocol  a thread may replace the value only while it is still the one that the thread read.
 * Promise   everything a counter can promise. Lock-free: a failed attempt means that another thread's succeeded.
 * Cost      increment: one locked instruction, and one more for each time another thread came first.
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
	/* relaxed: a guess; the compare-and-swap finds out whether it still holds. */
	uint64_t seen = atomic_load_explicit(&c->value, memory_order_relaxed);
	/* relaxed, both: the count guards no other memory. A failure puts the latest value into `seen`; weak, since the loop
	 * is there anyway. */
	while (!atomic_compare_exchange_weak_explicit(&c->value, &seen, seen + 1, memory_order_relaxed, memory_order_relaxed))
		continue;
	return seen + 1;
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: coherence of this one word keeps the values that a thread reads in modification order. */
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	/* relaxed, all: as in counter_increment(). */
	uint64_t seen = atomic_load_explicit(&c->value, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&c->value, &seen, seen - 1, memory_order_relaxed, memory_order_relaxed))
		continue;
}

static void counter_reset(struct counter *c)
{
	/* relaxed: one store in the word's modification order; an update that read before it fails its swap. */
	atomic_store_explicit(&c->value, 0, memory_order_relaxed);
}

#include "counter_export.h"
COUNTER_EXPORT(cas_loop, .about.lesson = "publish only if nobody came between, else try again",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .steps = true, .decrement = counter_decrement, .reset = counter_reset);
