/* SPDX-License-Identifier: MIT */
/* initialiser/60_spinlock: a lock that waits by looking again (test and test-and-set).
 *
 * Lesson    a spinlock is one word and never sleeps. That suits a critical section of a few nanoseconds; here the first one
 *           holds a whole model's load, and every waiter burns a core until it ends.
 * Compare   20_mutex.c
 * Protocol  `instance` is read and written only with `locked` held; the loader runs with it held.
 * Promise   as 20_mutex.c. A thread cancelled inside the loader leaves `locked` set, and every later get spins for ever.
 * Cost      get: one locked instruction and a store, which write the shared word. Waiting costs a core.
 */
#include <stdatomic.h>

#include "load.h"

struct initialiser {
	_Atomic bool locked;                     /* taken and given back by every get; guards instance */
	void *instance;                          /* owned; any thread, with the lock held */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	atomic_init(&it->locked, false);
	it->instance = NULL;
	it->loader = loader;
	return 0;
}

/* With the lock held. */
static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	struct loaded loaded = initialiser_load(it->loader);
	it->instance = loaded.instance;
	return loaded;
}

/* inline: a function with loops is one that gcc would otherwise call, also from the measured loop. */
static inline void *initialiser_get(struct initialiser *it, int *error)
{
	/* acquire: pairs with the release below; what the last holder did happens before what this one does. */
	while (atomic_exchange_explicit(&it->locked, true, memory_order_acquire))
		/* relaxed: a hint. Waiters share the line by reading it, and write only when the lock looks free. */
		while (atomic_load_explicit(&it->locked, memory_order_relaxed))
			cpu_relax();
	struct loaded loaded = {.instance = it->instance, .error = 0};
	if (!loaded.instance)
		loaded = initialiser_load_slowly(it);
	/* release: pairs with the acquire above; nothing done under the lock may sink below it. */
	atomic_store_explicit(&it->locked, false, memory_order_release);
	*error = loaded.error;
	return loaded.instance;
}

static void initialiser_close(struct initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(spinlock, .about.lesson = "waiting by looking again burns a core for as long as the load takes",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_SURVIVES_CANCEL | INITIALISER_READ_ONLY_GET, .about.features = FEATURE_ATOMIC,
	.about.calls = "initialiser_load_slowly", .rearmable = true);
