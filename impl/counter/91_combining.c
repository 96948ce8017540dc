/* SPDX-License-Identifier: MIT */
/* counter/91_combining: whoever has the lock does the work of those who wait.
 *
 * Lesson    a lock that changes hands takes the data along each time. Let the requests travel instead: who waits leaves its
 *           request, and the holder serves the whole queue before it hands over (CC-Synch: Fatourou & Kallimanis, PPoPP 2012;
 *           after Hendler et al., "Flat Combining", SPAA 2010).
 * Compare   67_mcs.c
 * Protocol  the queue ends in an empty node. An arrival brings a new end, writes its request into the old one, keeps that node
 *           and waits for its `state`. The first in line combines: it serves up to the empty end, or SERVED_MAX requests, and
 *           leaves the next node as the combiner's. Only a combiner writes `value`.
 * Promise   everything a counter can promise, in the order of arrival. No reset: it would need a seat to ask from.
 * Cost      increment: one locked instruction; two line transfers when another serves it. With more threads than cores, as slow
 *           as a fair lock when the next in line is not running. Memory: a line per thread.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "counter.h"

enum { CACHE_LINE_BYTES = 64 };
enum { PAUSES = 200 };      /* looks at a node before the rest of the time slice goes to others: 3 to 10 us */
enum { SERVED_MAX = 1024 }; /* requests before a combiner goes back to work of its own; several times any number of cores */

enum { WAITS, SERVED, COMBINES };

/* One request. A node is in the queue, or the empty end, or kept by a seat, or (not `taken`) by nobody. */
struct node {
	_Alignas(CACHE_LINE_BYTES) _Atomic(struct node *)
		next;        /* written by the owner, read by the combiner; NULL: no request yet */
	_Atomic int state;   /* written by who brings it as the new end, then by the combiner; read by the owner */
	int64_t add;         /* the request; written by the owner before `next`, read by the combiner */
	uint64_t step;       /* the answer; written by the combiner before `state`, read by the owner */
	_Atomic int taken;   /* 0 while no seat keeps it and it is not in the queue; set and cleared by joins and leaves */
	struct node *former; /* the node made before; written before the node is published, then constant */
};

struct counter {
	_Alignas(CACHE_LINE_BYTES) _Atomic(struct node *) end; /* of the queue; exchanged by every arrival */
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t value;     /* written by the combiner alone, read by everybody */
	_Atomic(struct node *) nodes; /* all of them, owned; grows while threads join, shrinks in counter_close() only */
	struct node first;            /* the last of them, so that opening takes no memory */
};

struct counter_seat {
	struct node *node; /* borrowed; to be brought as the next end. Written by this thread's increments alone */
};

static int counter_open(struct counter *c)
{
	c->first.former = NULL;
	atomic_init(&c->first.next, NULL);
	atomic_init(&c->first.state, COMBINES); /* whoever comes first */
	atomic_init(&c->first.taken, 1);
	atomic_init(&c->end, &c->first);
	atomic_init(&c->nodes, &c->first);
	atomic_init(&c->value, 0);
	return 0;
}

static void counter_close(struct counter *c)
{
	/* relaxed: no thread is using the counter any more. */
	struct node *node = atomic_load_explicit(&c->nodes, memory_order_relaxed);
	while (node != &c->first) {
		struct node *former = node->former;
		free(node);
		node = former;
	}
}

/* A node that was given up, or NULL. */
static struct node *take_retired(struct counter *c)
{
	/* acquire: pairs with the release in counter_join(); `former` is written before a node can be found. */
	for (struct node *node = atomic_load_explicit(&c->nodes, memory_order_acquire); node; node = node->former) {
		int free_now = 0;
		/* acquire: pairs with the release in counter_leave(); the former owner has read its last answer. relaxed on
		 * failure: not ours. */
		if (atomic_compare_exchange_strong_explicit(
			    &node->taken, &free_now, 1, memory_order_acquire, memory_order_relaxed))
			return node;
	}
	return NULL;
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	seat->node = take_retired(c);
	if (seat->node)
		return 0;
	struct node *node = aligned_alloc(_Alignof(struct node), sizeof *node);
	if (!node)
		return ENOMEM;
	atomic_init(&node->next, NULL);
	atomic_init(&node->state, WAITS);
	atomic_init(&node->taken, 1);
	/* relaxed: a guess; the compare-and-swap finds out whether it still holds. */
	node->former = atomic_load_explicit(&c->nodes, memory_order_relaxed);
	/* release: pairs with the acquire in take_retired(). relaxed on failure: it is tried again. */
	while (!atomic_compare_exchange_weak_explicit(&c->nodes, &node->former, node, memory_order_release, memory_order_relaxed))
		continue;
	seat->node = node;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	/* release: pairs with the acquire in take_retired(); our reads of the node come before its next owner's writes. */
	atomic_store_explicit(&seat->node->taken, 0, memory_order_release);
}

/* Until NODE is served, or its owner is to combine; which of the two. */
static __attribute__((noinline)) int counter_wait(struct node *node)
{
	for (;; sched_yield())
		for (int i = 0; i < PAUSES; i++) {
			/* acquire: as in counter_ask(). */
			int state = atomic_load_explicit(&node->state, memory_order_acquire);
			if (state != WAITS)
				return state;
			cpu_relax();
		}
}

/* Serves the queue from NODE on, which is the caller's own request. */
static void counter_combine(struct counter *c, struct node *node)
{
	/* relaxed: only combiners write it, and the acquire of COMBINES came after the last one's release. */
	uint64_t value = atomic_load_explicit(&c->value, memory_order_relaxed);
	struct node *own = node, *next;
	/* acquire: pairs with the release in counter_ask(); the request is complete. */
	for (int served = 0; served < SERVED_MAX && (next = atomic_load_explicit(&node->next, memory_order_acquire)); served++) {
		value += (uint64_t)node->add;
		node->step = value;
		/* relaxed: the count guards no other memory. Before the answer's release, so that whoever has its step finds it
		 * in the value. */
		atomic_store_explicit(&c->value, value, memory_order_relaxed);
		/* release: pairs with the acquires of `state`; the answer is written, and we do not touch the node again. */
		if (node != own)
			atomic_store_explicit(&node->state, SERVED, memory_order_release);
		node = next;
	}
	/* release: pairs with the acquires of `state`; the next combiner finds our `value`. */
	atomic_store_explicit(&node->state, COMBINES, memory_order_release);
}

static uint64_t counter_ask(struct counter *c, struct counter_seat *seat, int64_t add)
{
	struct node *end = seat->node;
	/* relaxed, both: the exchange publishes them. */
	atomic_store_explicit(&end->next, NULL, memory_order_relaxed);
	atomic_store_explicit(&end->state, WAITS, memory_order_relaxed);
	/* acq_rel: release publishes the new end to the next arrival; acquire pairs with the release of whoever brought ours, so
	 * that our writes to it come after theirs. */
	struct node *node = atomic_exchange_explicit(&c->end, end, memory_order_acq_rel);
	seat->node = node;
	node->add = add;
	/* release: pairs with the acquire in counter_combine(); publishes the request. */
	atomic_store_explicit(&node->next, end, memory_order_release);
	/* acquire: pairs with the releases in counter_combine(); the answer, or the last combiner's `value`, is seen. */
	int state = atomic_load_explicit(&node->state, memory_order_acquire);
	if (state == WAITS)
		state = counter_wait(node);
	if (state == COMBINES)
		counter_combine(c, node);
	return node->step;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	return counter_ask(c, seat, 1);
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: coherence of this one word; an increment is over only after it was stored. */
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	counter_ask(c, seat, -1);
}

#include "counter_export.h"
COUNTER_EXPORT(combining, .about.lesson = "whoever has the lock does the work of those who wait",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .about.calls = "counter_wait", .steps = true, .decrement = counter_decrement);
