/* SPDX-License-Identifier: MIT */
/* initialiser/35_double_checked_relaxed: an atomic pointer, and the wrong order; right on x86 by luck.
 *
 * Lesson    atomic is not ordered. The race on the pointer is gone; the race moved to the words behind it, which no relaxed
 *           access publishes. x86 keeps stores in order and hides it; ARM, POWER and the compiler may show a half-built
 *           instance.
 * Compare   30_double_checked_plain.c
 * Protocol  `instance` is stored with `mutex` held, and loaded by everybody, both relaxed, which is the bug.
 * Promise   loads once; says nothing about what is behind the pointer. Cancellation as in 20_mutex.c.
 * Cost      get: one load and one branch.
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
		/* relaxed: THE BUG. The loader's writes may become visible after this store. */
		atomic_store_explicit(&it->instance, loaded.instance, memory_order_relaxed);
	}
	pthread_mutex_unlock(&it->mutex);
	return loaded;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	/* relaxed: THE BUG. Even after a release store, the reads behind the pointer could be from before it. */
	struct loaded loaded = {.instance = atomic_load_explicit(&it->instance, memory_order_relaxed), .error = 0};
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
INITIALISER_EXPORT(double_checked_relaxed, .about.lesson = "an atomic pointer without order publishes nothing behind it",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK |
			INITIALISER_READ_ONLY_GET,
	.about.missing = INITIALISER_FULLY_PUBLISHED | INITIALISER_SURVIVES_CANCEL | INITIALISER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .about.calls = "initialiser_load_slowly", .rearmable = true);
