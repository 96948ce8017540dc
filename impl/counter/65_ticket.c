/* SPDX-License-Identifier: MIT */
/* counter/65_ticket: a spin lock that serves in order of arrival.
 *
 * Lesson    draw a number, wait until it is called: first come, first served, nobody starves. The price of fairness is that the
 *           lock can only go to the next in line, also when that thread is not running (Reed & Kanodia 1979; Mellor-Crummey &
 *           Scott 1991).
 * Compare   60_spinlock.c
 * Protocol  the lock belongs to the thread whose ticket equals `serving`; it guards `value`. Numbers wrap, equality does not
 *           care.
 * Promise   everything a counter can promise, in the order of arrival.
 * Cost      increment: one locked instruction and one store; all waiters watch one word, so each hand-over goes to all of them.
 *           With more threads than cores a hand-over can take a whole time slice.
 */
#include <stdatomic.h>

#include "counter.h"

struct counter {
	_Atomic uint32_t next;    /* the number that the next arrival draws; written by every thread */
	_Atomic uint32_t serving; /* the number that is being served; written by the holder only, read by whoever waits */
	uint64_t value;           /* written and read by the holder of the lock */
};

struct counter_seat {
	char unused;
};

static void counter_lock(struct counter *c)
{
	/* relaxed: only hands out distinct numbers; the wait below orders. */
	uint32_t mine = atomic_fetch_add_explicit(&c->next, 1, memory_order_relaxed);
	/* acquire: pairs with the release in counter_unlock(); no access to `value` moves up, before our number is called. */
	while (atomic_load_explicit(&c->serving, memory_order_acquire) != mine)
		cpu_relax();
}

static void counter_unlock(struct counter *c)
{
	/* relaxed: only the holder writes it. */
	uint32_t mine = atomic_load_explicit(&c->serving, memory_order_relaxed);
	/* release: pairs with the acquire in counter_lock(); no access to `value` moves down, after the next number is
	 * called. */
	atomic_store_explicit(&c->serving, mine + 1, memory_order_release);
}

static int counter_open(struct counter *c)
{
	atomic_init(&c->next, 0);
	atomic_init(&c->serving, 0);
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
COUNTER_EXPORT(ticket, .about.lesson = "first come, first served, by drawing a number",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .steps = true, .decrement = counter_decrement, .reset = counter_reset);
