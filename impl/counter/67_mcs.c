/* SPDX-License-Identifier: MIT */
/* counter/67_mcs: a fair spin lock in which each waiter watches a word of its own.
 *
 * Lesson    the waiters form a linked queue, and each spins on a flag in its own node until the one before it clears it. A
 *           hand-over then touches one line of one waiter instead of one line of all (Mellor-Crummey & Scott, ACM TOCS 9(1),
 *           1991).
 * Compare   65_ticket.c
 * Protocol  who puts its node behind the former `tail` waits until that node's owner clears `waits`; `value` belongs to the
 *           head of the queue. The node lives on the stack: nobody touches it once counter_unlock() is past it.
 * Promise   everything a counter can promise, in the order of arrival.
 * Cost      increment: two locked instructions alone, the second to leave. With more threads than cores, slow as every fair
 *           lock.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "counter.h"

struct node {
	_Atomic(struct node *) next; /* written by the successor, read by the owner; NULL until a successor has come */
	_Atomic bool waits;          /* written by the owner, then by its predecessor; read by the owner */
};

struct counter {
	_Atomic(struct node *)
		tail;   /* the last in the queue, borrowed; NULL: free. Written by arrivals and by the last to leave */
	uint64_t value; /* written and read by the head of the queue */
};

struct counter_seat {
	char unused;
};

static void counter_lock(struct counter *c, struct node *node)
{
	/* relaxed, both: the exchange publishes them. */
	atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&node->waits, true, memory_order_relaxed);
	/* acq_rel: release publishes our node to the next arrival; acquire pairs with the release of the former tail's
	 * exchange, so that its node is ready, and of the last holder's leaving, so that its `value` is seen. */
	struct node *before = atomic_exchange_explicit(&c->tail, node, memory_order_acq_rel);
	if (!before)
		return;
	/* release: pairs with the acquire in counter_unlock(); our node is ready before its address is known there. */
	atomic_store_explicit(&before->next, node, memory_order_release);
	/* acquire: pairs with the release in counter_unlock(); no access to `value` moves up, before the lock is ours. */
	while (atomic_load_explicit(&node->waits, memory_order_acquire))
		cpu_relax();
}

static void counter_unlock(struct counter *c, struct node *node)
{
	/* acquire: pairs with the release in counter_lock(). */
	struct node *after = atomic_load_explicit(&node->next, memory_order_acquire);
	if (!after) {
		struct node *last = node;
		/* release: pairs with the acquire of the next exchange; `value` is written before the lock is free. relaxed
		 * on failure: the loop below looks again. */
		if (atomic_compare_exchange_strong_explicit(&c->tail, &last, NULL, memory_order_release, memory_order_relaxed))
			return;
		/* A successor has taken the tail and is about to tell us its name. acquire: as above. */
		while (!(after = atomic_load_explicit(&node->next, memory_order_acquire)))
			cpu_relax();
	}
	/* release: pairs with the acquire in counter_lock(); no access to `value` moves down, after the successor has the
	 * lock. */
	atomic_store_explicit(&after->waits, false, memory_order_release);
}

static int counter_open(struct counter *c)
{
	atomic_init(&c->tail, NULL);
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
	struct node node;
	counter_lock(c, &node);
	uint64_t step = ++c->value;
	counter_unlock(c, &node);
	return step;
}

static uint64_t counter_value(struct counter *c)
{
	struct node node;
	counter_lock(c, &node);
	uint64_t value = c->value;
	counter_unlock(c, &node);
	return value;
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	struct node node;
	counter_lock(c, &node);
	c->value--;
	counter_unlock(c, &node);
}

static void counter_reset(struct counter *c)
{
	struct node node;
	counter_lock(c, &node);
	c->value = 0;
	counter_unlock(c, &node);
}

#include "counter_export.h"
COUNTER_EXPORT(mcs, .about.lesson = "a fair queue in which each waiter watches a word of its own",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .steps = true, .decrement = counter_decrement, .reset = counter_reset);
