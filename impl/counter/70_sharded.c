/* SPDX-License-Identifier: MIT */
/* counter/70_sharded: a line of its own for each thread; the reader adds up.
 *
 * Lesson    what nobody shares needs no locked instruction. A single writer's load and store cannot lose an update, because
 *           nobody else writes (McKenney, perfbook, 5.2).
 * Compare   50_pthread_once.c
 * Protocol  a seat's owner is the only writer of its shard; value() reads every shard. Who leaves leaves the share in place,
 *           and the next to join goes on from it.
 * Promise   loses nothing, never runs backwards, exact at rest. Not linearizable: a store may wait in its core's store buffer
 *           while that core already reads, so two threads that each count one and then read can both read 1. No steps, no
 *           decrement, no reset: a sum taken shard by shard would be wrong in between.
 * Cost      increment: one load and one store of a line that is at home, until a reader has fetched it. value: one line per
 *           shard.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "counter.h"

enum { CACHE_LINE_BYTES = 64 };

struct shard {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t count; /* written by the thread in the seat, read by counter_value() */
	_Atomic int taken;  /* 1 while a seat has it; set and cleared by whoever joins and leaves */
	struct shard *next; /* written before the shard is published, then constant */
};

struct counter {
	_Atomic(struct shard *) shards; /* owned; grows while threads join, shrinks in counter_close() only */
};

struct counter_seat {
	struct shard *shard; /* borrowed; written by this thread's increments alone */
};

static int counter_open(struct counter *c)
{
	atomic_init(&c->shards, NULL);
	return 0;
}

static void counter_close(struct counter *c)
{
	/* relaxed: no thread is using the counter any more. */
	struct shard *shard = atomic_load_explicit(&c->shards, memory_order_relaxed);
	while (shard) {
		struct shard *next = shard->next;
		free(shard);
		shard = next;
	}
}

/* A shard that was given up, or NULL. Its count goes on from where it stands: a share never leaves the sum. */
static struct shard *take_retired(struct counter *c)
{
	/* acquire: pairs with the release in counter_join(); `next` is written before a shard can be found. */
	for (struct shard *shard = atomic_load_explicit(&c->shards, memory_order_acquire); shard; shard = shard->next) {
		int free_now = 0;
		/* acquire: pairs with the release in counter_leave(); the former owner's last count is seen. relaxed on
		 * failure: not ours. */
		if (atomic_compare_exchange_strong_explicit(
			    &shard->taken, &free_now, 1, memory_order_acquire, memory_order_relaxed))
			return shard;
	}
	return NULL;
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	seat->shard = take_retired(c);
	if (seat->shard)
		return 0;
	struct shard *shard = aligned_alloc(_Alignof(struct shard), sizeof *shard);
	if (!shard)
		return ENOMEM;
	atomic_init(&shard->count, 0);
	atomic_init(&shard->taken, 1);
	/* relaxed: a guess; the compare-and-swap finds out whether it still holds. */
	shard->next = atomic_load_explicit(&c->shards, memory_order_relaxed);
	/* release: pairs with the acquires in take_retired() and counter_value(). relaxed on failure: it is tried again. */
	while (!atomic_compare_exchange_weak_explicit(
		&c->shards, &shard->next, shard, memory_order_release, memory_order_relaxed))
		continue;
	seat->shard = shard;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	/* release: pairs with the acquire in take_retired(); the next owner goes on from our last count. */
	atomic_store_explicit(&seat->shard->taken, 0, memory_order_release);
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	/* relaxed, both: only this thread writes the shard, and the count guards no other memory. */
	uint64_t count = atomic_load_explicit(&seat->shard->count, memory_order_relaxed);
	atomic_store_explicit(&seat->shard->count, count + 1, memory_order_relaxed);
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	uint64_t sum = 0;
	/* acquire: pairs with the release in counter_join(); a shard is complete before it can be found. */
	for (struct shard *shard = atomic_load_explicit(&c->shards, memory_order_acquire); shard; shard = shard->next)
		/* relaxed: each shard only grows, and coherence keeps this thread's reads of it in order; so the sum never
		 * runs backwards. */
		sum += atomic_load_explicit(&shard->count, memory_order_relaxed);
	return sum;
}

#include "counter_export.h"
COUNTER_EXPORT(sharded, .about.lesson = "a line of its own for each thread, and the reader adds up",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_ATOMIC);
