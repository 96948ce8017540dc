/* SPDX-License-Identifier: MIT */
/* counter/92_aggregating_funnel: one fetch_add for a whole batch, and each finds its own step.
 *
 * Lesson    if all draw numbers elsewhere first, one of them can draw for all on the shared word, and where a thread stood in the
 *           batch says which step is its own. The hot line is visited once per batch (Roh, Wei, Ruppert, Fatourou, Jayanti &
 *           Shun, "Aggregating Funnels", PPoPP 2025; there batches are a list with epoch-based reclamation, here a ring).
 * Compare   91_combining.c
 * Protocol  eight seats share a funnel. `arrivals` gives a position; the first position beyond all batches is the delegate's: it
 *           adds the number of those who have arrived to `value`, notes the batch, and closes it. The others wait for that. A
 *           batch stays while a seat `needs` it. Who is alone in a funnel adds to `value` at once.
 * Promise   everything a counter can promise: a batch is counted at once, while each of its increments is under way.
 * Cost      increment: a locked instruction on a line of eight, and a share of one on the hot line. Where few threads count, that
 *           is more than 40_atomic's one. Waiters depend on a delegate that may not be running. Memory: 2 kB per 8 seats.
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "counter.h"

enum { CACHE_LINE_BYTES = 64 };
enum {
	SEATS = 8
}; /* of a funnel: so many visitors has its line, and the hot line one per funnel; so about the root of the threads */
enum { BATCHES = 16 }; /* that a funnel remembers; more than its seats, so that a slow waiter seldom holds the others up */
enum { PAUSES = 200 }; /* looks before the rest of the time slice goes to others: 3 to 10 us */

#define NOTHING UINT64_MAX

/* The increments at positions `before` to `after` - 1 of a funnel were counted at once, when the value was `value`. */
struct batch {
	uint64_t before, after,
		value; /* written by the delegate before it closes the batch; read by its members and later ones */
};

struct place {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t
		needs;     /* no batch that ends behind this position may go; written by the seat */
	_Atomic int taken; /* 1 while a seat has it; set and cleared by whoever joins and leaves */
};

struct funnel {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t arrivals; /* the next position; drawn by all seats of the funnel */
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t
		closed; /* where the newest batch ends, times BATCHES, plus its place in `batch`;
								 written by the delegate */
	uint64_t safe;  /* batches that end here or before are needed by nobody; the delegate's */
	_Alignas(CACHE_LINE_BYTES) struct batch batch[BATCHES];
	_Alignas(CACHE_LINE_BYTES) _Atomic int seats; /* taken; written by joins and leaves, read by all: a hint */
	struct funnel *next;                          /* written before the funnel is published, then constant */
	struct place place[SEATS];
};

struct counter {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t value;           /* written by delegates, read by everybody */
	_Alignas(CACHE_LINE_BYTES) _Atomic(struct funnel *) funnels; /* owned; grows while threads join, shrinks in close only */
};

struct counter_seat {
	struct funnel *funnel; /* borrowed, both; written by join */
	struct place *place;
	uint64_t bound; /* our next position is not below; written and read by the thread in the seat */
};

static int counter_open(struct counter *c)
{
	atomic_init(&c->value, 0);
	atomic_init(&c->funnels, NULL);
	return 0;
}

static void counter_close(struct counter *c)
{
	/* relaxed: no thread is using the counter any more. */
	struct funnel *funnel = atomic_load_explicit(&c->funnels, memory_order_relaxed);
	while (funnel) {
		struct funnel *next = funnel->next;
		free(funnel);
		funnel = next;
	}
}

/* A place of FUNNEL that no seat has, or NULL. */
static struct place *take_place(struct funnel *funnel)
{
	for (struct place *place = funnel->place; place < funnel->place + SEATS; place++) {
		int free_now = 0;
		/* acquire: pairs with the release in counter_leave(); our stores to `needs` come after the former owner's; kept for
		 * rings that go round, as in test_small_ring.sh. relaxed on failure: not ours. */
		if (!atomic_compare_exchange_strong_explicit(
			    &place->taken, &free_now, 1, memory_order_acquire, memory_order_relaxed))
			continue;
		/* relaxed: a hint. */
		atomic_fetch_add_explicit(&funnel->seats, 1, memory_order_relaxed);
		return place;
	}
	return NULL;
}

static struct funnel *make_funnel(void)
{
	struct funnel *funnel = aligned_alloc(_Alignof(struct funnel), sizeof *funnel);
	if (!funnel)
		return NULL;
	atomic_init(&funnel->arrivals, 0);
	atomic_init(&funnel->closed, 0);
	atomic_init(&funnel->seats, 0);
	funnel->safe = 0;
	for (int i = 0; i < BATCHES; i++)
		funnel->batch[i] = (struct batch){0, 0, 0};
	for (int i = 0; i < SEATS; i++) {
		atomic_init(&funnel->place[i].needs, NOTHING);
		atomic_init(&funnel->place[i].taken, 0);
	}
	return funnel;
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	seat->bound = 0;
	/* acquire: pairs with the release below; a funnel is complete before it can be found. */
	struct funnel *funnel = atomic_load_explicit(&c->funnels, memory_order_acquire);
	for (; funnel; funnel = funnel->next) {
		seat->funnel = funnel;
		seat->place = take_place(funnel);
		if (seat->place)
			return 0;
	}
	funnel = make_funnel();
	if (!funnel)
		return ENOMEM;
	seat->funnel = funnel;
	seat->place = take_place(funnel);
	/* relaxed: a guess; the compare-and-swap finds out whether it still holds. */
	funnel->next = atomic_load_explicit(&c->funnels, memory_order_relaxed);
	/* release: pairs with the acquire above. relaxed on failure: it is tried again. */
	while (!atomic_compare_exchange_weak_explicit(
		&c->funnels, &funnel->next, funnel, memory_order_release, memory_order_relaxed))
		continue;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	/* relaxed: a hint. */
	atomic_fetch_sub_explicit(&seat->funnel->seats, 1, memory_order_relaxed);
	/* release: pairs with the acquire in take_place(); kept for rings that go round, as in test_small_ring.sh. */
	atomic_store_explicit(&seat->place->taken, 0, memory_order_release);
}

/* Until every position before MINE is in a batch. Returns `closed`, which is beyond that. */
static uint64_t counter_wait(struct funnel *funnel, uint64_t mine)
{
	for (;; sched_yield())
		for (int i = 0; i < PAUSES; i++) {
			/* acquire: as in counter_pass(). */
			uint64_t closed = atomic_load_explicit(&funnel->closed, memory_order_acquire);
			if (closed / BATCHES >= mine)
				return closed;
			cpu_relax();
		}
}

/* Until nobody needs BATCH any more; by the delegate, whose place is OWN and whose position is MINE. */
static void counter_make_room(struct funnel *funnel, const struct batch *batch, const struct place *own, uint64_t mine)
{
	for (;; sched_yield())
		for (int i = 0; i < PAUSES; i++) {
			uint64_t safe = mine; /* whoever is not seen below has a later position, and so a later batch */
			for (const struct place *place = funnel->place; place < funnel->place + SEATS; place++) {
				/* acquire: pairs with the releases in counter_pass(); what that seat read of old batches it has
				 * read. A seat that needs a batch said so before it arrived, and we know of its arrival from who
				 * closed the batch. */
				uint64_t needs = atomic_load_explicit(&place->needs, memory_order_acquire);
				if (place != own && needs < safe)
					safe = needs;
			}
			if (batch->after <= safe) {
				funnel->safe = safe;
				return;
			}
			cpu_relax();
		}
}

/* By the delegate: counts everybody who has arrived since the newest batch was CLOSED. Returns the value before. */
static uint64_t counter_delegate(struct counter *c, struct counter_seat *seat, uint64_t closed)
{
	struct funnel *funnel = seat->funnel;
	struct batch *batch = &funnel->batch[(closed + 1) % BATCHES];
	uint64_t before = closed / BATCHES;
	if (batch->after > funnel->safe)
		counter_make_room(funnel, batch, seat->place, before);
	/* acquire: pairs with the release of the arrivals; who makes room after this batch knows what its members `need`;
	 * kept for rings that go round, as in test_small_ring.sh. */
	uint64_t after = atomic_load_explicit(&funnel->arrivals, memory_order_acquire);
	/* relaxed: the count guards no other memory, as in 40_atomic. */
	uint64_t value = atomic_fetch_add_explicit(&c->value, after - before, memory_order_relaxed);
	*batch = (struct batch){before, after, value};
	/* release: pairs with the acquires of `closed`; the batch is written, and so is all that a delegate leaves the next. */
	atomic_store_explicit(&funnel->closed, after * BATCHES + (closed + 1) % BATCHES, memory_order_release);
	return value;
}

/* The step of position MINE, in the batch that was CLOSED last or in one before. */
static uint64_t counter_find(const struct funnel *funnel, uint64_t closed, uint64_t mine)
{
	const struct batch *batch = &funnel->batch[closed % BATCHES];
	while (batch->before > mine)
		batch = batch == funnel->batch ? batch + BATCHES - 1 : batch - 1;
	return batch->value + (mine - batch->before) + 1;
}

/* An increment by way of the funnel. */
static __attribute__((noinline)) uint64_t counter_pass(struct counter *c, struct counter_seat *seat)
{
	struct funnel *funnel = seat->funnel;
	/* release, here and at the other two: pairs with the acquire in counter_make_room(); the batches that we have read we have
	 * read; kept for rings that go round, as in test_small_ring.sh. */
	atomic_store_explicit(&seat->place->needs, seat->bound, memory_order_release);
	/* release: pairs with the acquire in counter_delegate(); what we need is known; kept for rings that go round. */
	uint64_t mine = atomic_fetch_add_explicit(&funnel->arrivals, 1, memory_order_release);
	/* release: see above; kept for rings that go round. */
	atomic_store_explicit(&seat->place->needs, mine, memory_order_release);
	/* acquire: pairs with the release in counter_delegate(); the batch is written. */
	uint64_t closed = atomic_load_explicit(&funnel->closed, memory_order_acquire), step;
	if (closed / BATCHES < mine)
		closed = counter_wait(funnel, mine);
	if (closed / BATCHES == mine)
		step = counter_delegate(c, seat, closed) + 1;
	else
		step = counter_find(funnel, closed, mine);
	/* release: see above; kept for rings that go round. */
	atomic_store_explicit(&seat->place->needs, NOTHING, memory_order_release);
	seat->bound = mine + 1;
	return step;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	/* relaxed, both: a hint, and both ways are right at any time; for the count, as in counter_delegate(). */
	if (atomic_load_explicit(&seat->funnel->seats, memory_order_relaxed) == 1)
		return atomic_fetch_add_explicit(&c->value, 1, memory_order_relaxed) + 1;
	return counter_pass(c, seat);
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: coherence of this one word; an increment is over only after its batch was added. */
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	/* relaxed: as in counter_delegate(). */
	atomic_fetch_sub_explicit(&c->value, 1, memory_order_relaxed);
}

static void counter_reset(struct counter *c)
{
	/* relaxed: one store in the word's modification order; batches fall before it or after it. */
	atomic_store_explicit(&c->value, 0, memory_order_relaxed);
}

#include "counter_export.h"
COUNTER_EXPORT(aggregating_funnel, .about.lesson = "one fetch_add for a whole batch, and each finds its own step",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .about.calls = "counter_pass", .steps = true, .decrement = counter_decrement,
	.reset = counter_reset);
