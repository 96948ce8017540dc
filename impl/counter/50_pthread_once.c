/* SPDX-License-Identifier: MIT */
/* counter/50_pthread_once: a slot for each thread, found through a key that is created once.
 *
 * Lesson    some things a process must do once, however many threads ask for them: here, creating the thread-specific key
 *           behind which each thread finds a slot of its own. With it counting needs no seat, no lock, and no locked
 *           instruction.
 * Compare   40_atomic.c
 * Protocol  pthread_once() creates `key`; a thread's first increment makes or takes over a slot, and only that thread writes
 *           it. When the thread ends, the key's destructor retires the slot, and its share stays. `lock` guards the list, not
 *           the counts.
 * Promise   loses nothing, never runs backwards, exact at rest; not linearizable (see 70). One counter per process, as the key
 *           is one.
 * Cost      increment: a call to find the slot, a load and a store of the thread's own line. value: one line per slot.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "counter.h"

enum { CACHE_LINE_BYTES = 64 };

struct slot {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t
		count;     /* written by its thread, and by open at rest; read by counter_value() */
	bool taken;        /* a live thread has it; guarded by lock */
	struct slot *next; /* guarded by lock; constant while the counter is open */
};

struct counter {
	_Atomic uint64_t elsewhere; /* increments of threads that got no slot, for want of memory */
};

struct counter_seat {
	char unused;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* written by make_key(), once */
static int key_error;     /* likewise; 0 or an errno value */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_open;                 /* guarded by lock */
static _Atomic(struct slot *) slots; /* owned; written under lock, read by counter_value() */

/* Under the lock: frees the slots that no thread has. A live thread's slot goes with its thread. */
static void free_retired(void)
{
	/* relaxed, both: written under the lock only, and counter_value() does not run, as the counter is closed. */
	struct slot *keep = NULL, *next;
	for (struct slot *slot = atomic_load_explicit(&slots, memory_order_relaxed); slot; slot = next) {
		next = slot->next;
		if (slot->taken) {
			slot->next = keep;
			keep = slot;
		} else {
			free(slot);
		}
	}
	atomic_store_explicit(&slots, keep, memory_order_relaxed);
}

/* The key's destructor, on a thread that ends. */
static void retire(void *mine)
{
	struct slot *slot = mine;
	pthread_mutex_lock(&lock);
	slot->taken = false;
	if (!is_open)
		free_retired();
	pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
	key_error = pthread_key_create(&key, retire);
}

static int counter_open(struct counter *c)
{
	pthread_once(&once, make_key);
	if (key_error)
		return key_error;
	pthread_mutex_lock(&lock);
	if (is_open) {
		pthread_mutex_unlock(&lock);
		return EBUSY;
	}
	is_open = true;
	/* relaxed, both: written under the lock only; nobody counts yet, and who will is told of the open counter by other
	 * means. */
	for (struct slot *slot = atomic_load_explicit(&slots, memory_order_relaxed); slot; slot = slot->next)
		atomic_store_explicit(&slot->count, 0, memory_order_relaxed);
	pthread_mutex_unlock(&lock);
	atomic_init(&c->elsewhere, 0);
	return 0;
}

static void counter_close(struct counter *c)
{
	(void)c;
	pthread_mutex_lock(&lock);
	is_open = false;
	free_retired();
	pthread_mutex_unlock(&lock);
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

/* The first increment of a thread: takes over a retired slot, with the share in it, or makes one. NULL: no memory. */
__attribute__((noinline, cold)) static struct slot *make_slot(void)
{
	pthread_mutex_lock(&lock);
	/* relaxed: written under the lock only. */
	struct slot *first = atomic_load_explicit(&slots, memory_order_relaxed), *slot = first;
	while (slot && slot->taken)
		slot = slot->next;
	if (!slot && (slot = aligned_alloc(_Alignof(struct slot), sizeof *slot))) {
		atomic_init(&slot->count, 0);
		slot->taken = false;
		slot->next = first;
		/* release: pairs with the acquire in counter_value(); a slot is complete before it can be found. */
		atomic_store_explicit(&slots, slot, memory_order_release);
	}
	if (slot) {
		slot->taken = pthread_setspecific(key, slot) == 0;
		if (!slot->taken)
			slot = NULL;
	}
	pthread_mutex_unlock(&lock);
	return slot;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	struct slot *slot = pthread_getspecific(key);
	if (__builtin_expect(!slot, 0) && !(slot = make_slot())) {
		/* relaxed: the count guards no other memory. */
		atomic_fetch_add_explicit(&c->elsewhere, 1, memory_order_relaxed);
		return 0;
	}
	/* relaxed, both: only this thread writes the slot, and the count guards no other memory. */
	uint64_t count = atomic_load_explicit(&slot->count, memory_order_relaxed);
	atomic_store_explicit(&slot->count, count + 1, memory_order_relaxed);
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	/* relaxed: as the slots below. */
	uint64_t sum = atomic_load_explicit(&c->elsewhere, memory_order_relaxed);
	/* acquire: pairs with the release in make_slot(); a slot is complete before it can be found. */
	for (struct slot *slot = atomic_load_explicit(&slots, memory_order_acquire); slot; slot = slot->next)
		/* relaxed: each slot only grows, and coherence keeps this thread's reads of it in order; so the sum never
		 * runs backwards. */
		sum += atomic_load_explicit(&slot->count, memory_order_relaxed);
	return sum;
}

#include "counter_export.h"
COUNTER_EXPORT(pthread_once, .about.lesson = "a slot for each thread, behind a key that the process creates once",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_PTHREAD_ONCE | FEATURE_ATOMIC | FEATURE_TLS,
	.about.instances = INSTANCES_ONE_PER_PROCESS, .about.calls = "pthread_getspecific make_slot");
