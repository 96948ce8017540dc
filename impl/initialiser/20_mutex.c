/* SPDX-License-Identifier: MIT */
/* initialiser/20_mutex: take a lock on every get.
 *
 * Lesson    check and set become one step when nobody else can be between them. Right, simple, and paid for by every get for
 *           ever.
 * Compare   10_naive.c
 * Protocol  `instance` is read and written only with `mutex` held; the loader runs with it held.
 * Promise   loads once, retries a failure. A thread cancelled inside the loader dies with the mutex locked, and every later get
 *           sleeps for ever: a cleanup handler would unlock it, and most code has none (see 90_futex.c, which does).
 * Cost      get: two locked instructions, and under contention a queue in the kernel. Each get writes the shared lock word.
 */
#include <pthread.h>

#include "load.h"

struct initialiser {
	pthread_mutex_t mutex;                   /* guards instance */
	void *instance;                          /* owned; any thread, with the mutex held */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	it->instance = NULL;
	it->loader = loader;
	return pthread_mutex_init(&it->mutex, NULL);
}

/* With the mutex held. */
static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	struct loaded loaded = initialiser_load(it->loader);
	it->instance = loaded.instance;
	return loaded;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	pthread_mutex_lock(&it->mutex);
	struct loaded loaded = {.instance = it->instance, .error = 0};
	if (!loaded.instance)
		loaded = initialiser_load_slowly(it);
	pthread_mutex_unlock(&it->mutex);
	*error = loaded.error;
	return loaded.instance;
}

static void initialiser_close(struct initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
	pthread_mutex_destroy(&it->mutex);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(mutex, .about.lesson = "a lock makes check and set one step, and every get pays for it",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_SURVIVES_CANCEL | INITIALISER_READ_ONLY_GET,
	.about.calls = "pthread_mutex_lock pthread_mutex_unlock initialiser_load_slowly", .rearmable = true);
