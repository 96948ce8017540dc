/* SPDX-License-Identifier: MIT */
/* initialiser/85_thread_cached: each thread remembers that it has seen the instance.
 *
 * Lesson    what a thread has seen itself needs no ordering again. Once a thread holds a witness, its get reads no word that
 *           another thread may still write: no atomic at all, on any machine. (On x86 an acquire load is free anyway, see
 *           40_atomic.c.)
 * Compare   40_atomic.c
 * Protocol  a witness is {id of the open initialiser, instance}, in thread-local storage. Ids are never used twice, so the
 *           witness of a closed initialiser matches nothing. A thread's first get is double-checked, as in 40_atomic.c.
 * Promise   as 40_atomic.c; its own thread's witness is all that a get writes after the load. A cancelled load leaves the mutex
 *           locked.
 * Cost      get: two loads and one branch. A thread that goes to and fro between two initialisers takes the slow path each time.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "load.h"

struct initialiser {
	uint64_t id;                             /* of this opening; written by open only */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
	_Atomic(void *) instance;                /* owned; written with the mutex held, read by everybody's slow path */
	pthread_mutex_t mutex;                   /* held while loading */
};

/* The thread's own: which opening it saw loaded, and the instance. Id 0 is nobody's. */
static _Thread_local struct {
	uint64_t id;
	void *instance;
} witness;

static _Atomic uint64_t last_id; /* of any opening in the process */

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	/* relaxed: ids must differ, and order nothing. */
	it->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
	it->loader = loader;
	atomic_init(&it->instance, NULL);
	return pthread_mutex_init(&it->mutex, NULL);
}

/* With the mutex held: somebody else's instance, or a new one. */
static struct loaded initialiser_load_locked(struct initialiser *it)
{
	/* relaxed: written only under the mutex, which orders it. */
	struct loaded loaded = {.instance = atomic_load_explicit(&it->instance, memory_order_relaxed), .error = 0};
	if (!loaded.instance) {
		loaded = initialiser_load(it->loader);
		/* release: pairs with the acquire in initialiser_load_slowly(); publishes what the loader wrote. */
		atomic_store_explicit(&it->instance, loaded.instance, memory_order_release);
	}
	return loaded;
}

static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	/* acquire: pairs with the release in initialiser_load_locked(). It covers this thread's later gets too, which come after it in
	 * program order. */
	struct loaded loaded = {.instance = atomic_load_explicit(&it->instance, memory_order_acquire), .error = 0};
	if (!loaded.instance) {
		pthread_mutex_lock(&it->mutex);
		loaded = initialiser_load_locked(it);
		pthread_mutex_unlock(&it->mutex);
	}
	if (loaded.instance) {
		witness.id = it->id;
		witness.instance = loaded.instance;
	}
	return loaded;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	struct loaded loaded = {.instance = witness.instance, .error = 0};
	if (witness.id != it->id)
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
	pthread_mutex_destroy(&it->mutex);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(thread_cached, .about.lesson = "what a thread has seen itself needs no ordering again",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_SURVIVES_CANCEL, .about.features = FEATURE_ATOMIC | FEATURE_TLS,
	.about.calls = "initialiser_load_slowly", .rearmable = true);
