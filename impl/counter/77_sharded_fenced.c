/* SPDX-License-Identifier: MIT */
/* counter/77_sharded_fenced: the sum of single-writer shards, made linearizable by a fence in the reader.
 *
 * Lesson    two threads that each count one and then read must not both read 1. A fence between a thread's own store and its
 *           reading of the others' shards forbids that (store buffering), and costs the increment nothing.
 * Compare   75_sharded_store.c
 * Protocol  as 75, and value() starts with a seq_cst fence; counts are stored with release and read with acquire.
 * Promise   a linearizable value. The fences of all reads stand in one total order S. A read sees each increment that happens
 *           before its fence or an earlier one in S (C++20 [atomics.order]/4), and release/acquire forbids two reads that each
 *           see what came after the other. So the reads, in the order of their values, have a total to stand for.
 * Cost      increment: one store, as before. value: a full fence, and one line per shard.
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
	_Alignas(CACHE_LINE_BYTES) struct shard *shard; /* borrowed; written by this thread's increments alone */
	uint64_t own;                                   /* this shard's count; written and read by the thread in the seat */
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
	if (seat->shard) {
		/* relaxed: the acquire in take_retired() has ordered it. */
		seat->own = atomic_load_explicit(&seat->shard->count, memory_order_relaxed);
		return 0;
	}
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
	seat->own = 0;
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
	/* release: pairs with the acquire in counter_value(); a read that sees this increment also sees all that this thread
	 * saw before. kept for ISO C11, see there. */
	atomic_store_explicit(&seat->shard->count, ++seat->own, memory_order_release);
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	uint64_t sum = 0;
	/* seq_cst: this thread's own increments are visible to every value() whose fence comes later, before we read the
	 * others' shards. */
	atomic_thread_fence(memory_order_seq_cst);
	/* acquire: pairs with the release in counter_join(); a shard is complete before it can be found. */
	for (struct shard *shard = atomic_load_explicit(&c->shards, memory_order_acquire); shard; shard = shard->next)
		/* acquire: pairs with the release in counter_increment(); the fence alone would let two reads each see the
		 * other's later increment. kept for ISO C11: RC11, the explorer's model, rules that out by itself (no load
		 * buffering), so no schedule there shows the need. */
		sum += atomic_load_explicit(&shard->count, memory_order_acquire);
	return sum;
}

#include "counter_export.h"
COUNTER_EXPORT(sharded_fenced, .about.lesson = "a fence in the reader makes the sum linearizable",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE |
			COUNTER_LINEARIZABLE_VALUE,
	.about.features = FEATURE_ATOMIC | FEATURE_FENCE);
