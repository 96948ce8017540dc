/* SPDX-License-Identifier: MIT */
/* initialiser/90_futex: spin a little, then sleep; and nobody is left behind.
 *
 * Lesson    a sleep and a wake in the kernel cost more than a short load takes, so look again for a moment first. And count on
 *           the loading thread's end: a cleanup handler puts the state back, so that a failed or cancelled load lets the next
 *           thread try.
 * Compare   40_atomic.c
 * Protocol  `state` elects the loader: EMPTY -> LOADING (-> AWAITED, once somebody sleeps) -> READY, or back to EMPTY after a
 *           failure. `instance` is published first, then READY. Only who finds AWAITED calls the kernel to wake. After U.
 *           Drepper, "Futexes Are Tricky" (2011).
 * Promise   everything an initialiser can promise.
 * Cost      get: one load and one branch. First use: a compare-and-swap, and a system call only if somebody sleeps.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "load.h"

enum { EMPTY, LOADING, AWAITED, READY };
/* Looks before it sleeps: together about what a sleep and a wake cost, 10 to 40 us, as a pause takes 10 to 40 ns. So whoever waits pays at
 * most twice what the best choice in hindsight would have cost (A. Karlin et al., "Empirical Studies of Competitive Spinning", 1991). */
enum { PAUSES = 1000 };

struct initialiser {
	_Atomic(void *) instance;                /* owned; written once, by the elected loader; the fast path's flag */
	_Atomic uint32_t state;                  /* who may load, and whether somebody sleeps */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	atomic_init(&it->instance, NULL);
	atomic_init(&it->state, EMPTY);
	it->loader = loader;
	return 0;
}

/* The elected loader's last step. */
static void initialiser_settle(struct initialiser *it, uint32_t state)
{
	/* release: pairs with the acquire in initialiser_load_slowly(); what a failed attempt did happens before the next one. */
	if (atomic_exchange_explicit(&it->state, state, memory_order_release) == AWAITED)
		syscall(SYS_futex, &it->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void initialiser_give_up(void *it)
{
	initialiser_settle(it, EMPTY);
}

/* By the elected loader alone. */
static struct loaded initialiser_load_elected(struct initialiser *it)
{
	struct loaded loaded;
	pthread_cleanup_push(initialiser_give_up, it);
	loaded = initialiser_load(it->loader);
	pthread_cleanup_pop(0);
	/* release: pairs with the acquire in initialiser_get(); publishes what the loader wrote. */
	if (loaded.instance)
		atomic_store_explicit(&it->instance, loaded.instance, memory_order_release);
	initialiser_settle(it, loaded.instance ? READY : EMPTY);
	return loaded;
}

/* Until the elected loader has settled; may return early. */
static void initialiser_wait(struct initialiser *it)
{
	uint32_t seen = LOADING;
	for (int i = 0; i < PAUSES; i++) {
		/* relaxed: only says when to look again; the instance is published by its own release and acquire. */
		seen = atomic_load_explicit(&it->state, memory_order_relaxed);
		if (seen != LOADING && seen != AWAITED)
			return;
		cpu_relax();
	}
	seen = LOADING;
	/* relaxed, both: only asks to be woken. The kernel compares again before it sleeps, so a change in between is not missed. */
	if (atomic_compare_exchange_strong_explicit(&it->state, &seen, AWAITED, memory_order_relaxed, memory_order_relaxed) ||
		seen == AWAITED)
		syscall(SYS_futex, &it->state, FUTEX_WAIT_PRIVATE, AWAITED, NULL, NULL, 0);
}

static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	for (;;) {
		/* acquire: as in initialiser_get(). */
		struct loaded loaded = {.instance = atomic_load_explicit(&it->instance, memory_order_acquire), .error = 0};
		if (loaded.instance)
			return loaded;
		uint32_t seen = EMPTY;
		/* acquire: pairs with the release of an attempt that failed. relaxed when it is not EMPTY: nothing is read on its word. */
		if (atomic_compare_exchange_strong_explicit(
			    &it->state, &seen, LOADING, memory_order_acquire, memory_order_relaxed))
			return initialiser_load_elected(it);
		initialiser_wait(it);
	}
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	/* acquire: pairs with the release in initialiser_load_elected(); no read of the instance may rise above it. */
	struct loaded loaded = {.instance = atomic_load_explicit(&it->instance, memory_order_acquire), .error = 0};
	if (!loaded.instance)
		loaded = initialiser_load_slowly(it);
	*error = loaded.error;
	return loaded.instance;
}

static void initialiser_close(struct initialiser *it)
{
	/* relaxed: close runs alone; whoever arranged that has ordered it. */
	void *instance = atomic_load_explicit(&it->instance, memory_order_relaxed);
	if (instance)
		it->loader->unload(it->loader->arg, instance);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(futex, .about.lesson = "spin a little, then sleep; a failed or cancelled load lets the next thread try",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_SURVIVES_CANCEL |
			INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.features = FEATURE_ATOMIC | FEATURE_FUTEX, .about.calls = "initialiser_load_slowly", .rearmable = true);
