/* SPDX-License-Identifier: MIT */
/* initialiser/40_atomic: double-checked locking as it should be; the pointer is the flag.
 *
 * Lesson    release on the store and acquire on the load: who sees the pointer sees everything that was written before it. With
 *           the pointer as the flag there is one word to read, and on x86 neither order costs an instruction.
 * Compare   35_double_checked_relaxed.c
 * Protocol  `instance` goes from NULL to the instance once, under `mutex`; everybody reads it with acquire.
 * Promise   loads once, retries a failure, get writes nothing. A thread cancelled inside the loader leaves the mutex locked, as
 *           in 20_mutex.c: threads that come later sleep for ever.
 * Cost      get: one load and one branch. First use: a mutex.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "load.h"

struct initialiser {
	_Atomic(void *) instance;                /* owned; written with the mutex held, read by everybody */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
	pthread_mutex_t mutex;                   /* held while loading */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	atomic_init(&it->instance, NULL);
	it->loader = loader;
	return pthread_mutex_init(&it->mutex, NULL);
}

static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	pthread_mutex_lock(&it->mutex);
	/* relaxed: written only under this mutex, which orders it. */
	struct loaded loaded = {.instance = atomic_load_explicit(&it->instance, memory_order_relaxed), .error = 0};
	if (!loaded.instance) {
		loaded = initialiser_load(it->loader);
		/* release: pairs with the acquire in initialiser_get(); nothing that the loader wrote may sink below it. */
		atomic_store_explicit(&it->instance, loaded.instance, memory_order_release);
	}
	pthread_mutex_unlock(&it->mutex);
	return loaded;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	/* acquire: pairs with the release in initialiser_load_slowly(); no read of the instance may rise above it. */
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
	pthread_mutex_destroy(&it->mutex);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(atomic,
	.about.lesson = "release and acquire on the pointer publish what is behind it, for one load and one branch",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_SURVIVES_CANCEL, .about.features = FEATURE_ATOMIC, .about.calls = "initialiser_load_slowly",
	.rearmable = true);
