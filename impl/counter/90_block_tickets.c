/* SPDX-License-Identifier: MIT */
/* counter/90_block_tickets: steps by the block; the count apart from them.
 *
 * Lesson    one fetch_add can hand out many numbers. They are unique, and cheap, and no longer a count: a thread that holds 1
 *           to 64 says 2 while another has said 65, and who leaves takes the rest of a block along. Good for identities, wrong
 *           for "3 of 10".
 * Compare   75_sharded_store.c
 * Protocol  a thread takes a block of tickets from `drawn` and returns them one by one; how many it used is stored in its
 *           shard.
 * Promise   no step twice, but gaps (unique_steps is missing: not 1..N). The value is that of 75: it counts the tickets used.
 * Cost      increment: one store to the shard; one locked instruction on a shared line every BLOCK_TICKETS.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "counter.h"

enum { CACHE_LINE_BYTES = 64, BLOCK_TICKETS = 64 };

struct shard {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t count; /* written by the thread in the seat, read by counter_value() */
	_Atomic int taken;  /* 1 while a seat has it; set and cleared by whoever joins and leaves */
	struct shard *next; /* written before the shard is published, then constant */
};

struct counter {
	_Atomic(struct shard *) shards;                    /* owned; grows while threads join, shrinks in counter_close() only */
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t drawn; /* tickets handed out in blocks; written by every thread */
};

struct counter_seat {
	_Alignas(CACHE_LINE_BYTES) struct shard *shard; /* borrowed; written by this thread's increments alone */
	uint64_t own;                                   /* this shard's count; written and read by the thread in the seat */
	uint64_t step, last;                            /* the ticket returned last, and the last of its block; likewise */
};

static int counter_open(struct counter *c)
{
	atomic_init(&c->shards, NULL);
	atomic_init(&c->drawn, 0);
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
	seat->step = seat->last = 0; /* nothing in hand */
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
	if (seat->step == seat->last) {
		/* relaxed: only hands out distinct blocks. */
		seat->step = atomic_fetch_add_explicit(&c->drawn, BLOCK_TICKETS, memory_order_relaxed);
		seat->last = seat->step + BLOCK_TICKETS;
	}
	/* relaxed: only this thread writes the shard, and the count guards no other memory. */
	atomic_store_explicit(&seat->shard->count, ++seat->own, memory_order_relaxed);
	return ++seat->step;
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
COUNTER_EXPORT(block_tickets, .about.lesson = "one shared add hands out many steps: unique, cheap, and not dense",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_ATOMIC, .steps = true,
	.tickets = true);
