/* SPDX-License-Identifier: MIT */
/* counter/60_spinlock: a lock that waits without sleeping.
 *
 * Lesson    an exchange takes the lock; whoever fails looks on with plain loads, which share the cache line instead of tearing
 *           it from the holder (test and test-and-set: Rudolph & Segall 1984; Anderson 1990). No system call, and no use of the
 *           time spent waiting.
 * Compare   20_mutex.c
 * Protocol  `locked` is true while a thread is inside; it guards `value`.
 * Promise   everything a counter can promise. Not fair: a thread may be passed over again and again. A holder that the kernel
 *           suspends keeps all others spinning.
 * Cost      increment: one locked instruction and one store; more lines travel with every thread that waits.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "counter.h"

struct counter {
	_Atomic bool locked; /* written by whoever takes or frees the lock, read by whoever waits */
	uint64_t value;      /* written and read by the holder of the lock */
};

struct counter_seat {
	char unused;
};

static void counter_lock(struct counter *c)
{
	/* acquire: pairs with the release in counter_unlock(); no access to `value` moves up, before the lock is held. */
	while (atomic_exchange_explicit(&c->locked, true, memory_order_acquire))
		/* relaxed: only a hint that another attempt is worth its price. */
		while (atomic_load_explicit(&c->locked, memory_order_relaxed))
			cpu_relax();
}

static void counter_unlock(struct counter *c)
{
	/* release: pairs with the acquire in counter_lock(); no access to `value` moves down, after the lock is free. */
	atomic_store_explicit(&c->locked, false, memory_order_release);
}

static int counter_open(struct counter *c)
{
	atomic_init(&c->locked, false);
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
	counter_lock(c);
	uint64_t step = ++c->value;
	counter_unlock(c);
	return step;
}

static uint64_t counter_value(struct counter *c)
{
	counter_lock(c);
	uint64_t value = c->value;
	counter_unlock(c);
	return value;
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	counter_lock(c);
	c->value--;
	counter_unlock(c);
}

static void counter_reset(struct counter *c)
{
	counter_lock(c);
	c->value = 0;
	counter_unlock(c);
}

#include "counter_export.h"
COUNTER_EXPORT(spinlock, .about.lesson = "a lock that spins, reading until it looks free",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .steps = true, .decrement = counter_decrement, .reset = counter_reset);
