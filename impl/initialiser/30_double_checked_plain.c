/* SPDX-License-Identifier: MIT */
/* initialiser/30_double_checked_plain: look before locking; the classic mistake.
 *
 * Lesson    the second look, under the lock, keeps the load single. The first look is a data race: nothing orders the pointer
 *           after the words it points to, so a thread may get the pointer and read a half-built instance. The compiler may also
 *           assume that a plain variable does not change under it.
 * Compare   20_mutex.c
 * Protocol  `instance` is written with `mutex` held, and read by everybody with nothing held, which is the bug.
 * Promise   loads once. What a get without the lock may see is undefined. Cancellation as in 20_mutex.c.
 * Cost      get: one load and one branch. 40_atomic.c costs the same on x86 and is right.
 */
#include <pthread.h>

#include "load.h"

struct initialiser {
	void *instance;                          /* owned; written with the mutex held, read without: the bug */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
	pthread_mutex_t mutex;                   /* held while loading */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	it->instance = NULL;
	it->loader = loader;
	return pthread_mutex_init(&it->mutex, NULL);
}

static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	pthread_mutex_lock(&it->mutex);
	struct loaded loaded = {.instance = it->instance, .error = 0};
	if (!loaded.instance) {
		loaded = initialiser_load(it->loader);
		it->instance = loaded.instance;
	}
	pthread_mutex_unlock(&it->mutex);
	return loaded;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	struct loaded loaded = {.instance = it->instance, .error = 0};
	if (!loaded.instance)
		loaded = initialiser_load_slowly(it);
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
INITIALISER_EXPORT(double_checked_plain, .about.lesson = "a look without the lock at a plain pointer is a data race",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK |
			INITIALISER_READ_ONLY_GET,
	.about.missing = INITIALISER_FULLY_PUBLISHED | INITIALISER_SURVIVES_CANCEL | INITIALISER_RACE_FREE,
	.about.calls = "initialiser_load_slowly", .rearmable = true);
