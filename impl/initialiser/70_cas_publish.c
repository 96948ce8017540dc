/* SPDX-License-Identifier: MIT */
/* initialiser/70_cas_publish: everybody builds, one publishes, the rest throw theirs away.
 *
 * Lesson    without a lock nobody waits and nobody can be left hanging. The price is work done twice: this is right for a small
 *           table and wrong for a model of two gigabytes.
 * Compare   40_atomic.c
 * Protocol  `instance` goes from NULL to an instance once, by compare-and-swap; who loses unloads its own and takes the
 *           winner's.
 * Promise   one instance is ever seen; several may be loaded. Nothing is locked, so failure and cancellation leave nothing
 *           behind.
 * Cost      get: one load and one branch. First use: as many loads as threads that meet, and their memory at the peak.
 */
#include <stdatomic.h>

#include "load.h"

struct initialiser {
	_Atomic(void *) instance;                /* owned; written once, by the winner */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	atomic_init(&it->instance, NULL);
	it->loader = loader;
	return 0;
}

static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	struct loaded loaded = initialiser_load(it->loader);
	if (!loaded.instance)
		return loaded;
	void *winner = NULL;
	/* release when it wins: pairs with the acquire in initialiser_get(); publishes what the loader wrote.
	 * acquire when it loses: pairs with the winner's release; the winner's instance is used next. */
	if (!atomic_compare_exchange_strong_explicit(
		    &it->instance, &winner, loaded.instance, memory_order_release, memory_order_acquire)) {
		it->loader->unload(it->loader->arg, loaded.instance);
		loaded.instance = winner;
	}
	return loaded;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	/* acquire: pairs with the winner's release; no read of the instance may rise above it. */
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
INITIALISER_EXPORT(cas_publish, .about.lesson = "nobody waits: everybody builds, one publishes, the rest throw theirs away",
	.about.claims = INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_RETRIES_FAILURE |
			INITIALISER_NO_LEAK | INITIALISER_SURVIVES_CANCEL | INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_EXACTLY_ONCE, .about.features = FEATURE_ATOMIC, .about.calls = "initialiser_load_slowly",
	.rearmable = true);
