/* SPDX-License-Identifier: MIT */
/* initialiser/50_pthread_once: let the C library do it.
 *
 * Lesson    pthread_once() runs a routine once, makes the others wait, and orders what it wrote before every return. The routine
 *           takes no argument and returns nothing: what to load goes in through a thread-local pointer (as in std::call_once),
 *           and a failure has nowhere to go, so it is kept and told to everyone for ever.
 * Compare   40_atomic.c
 * Protocol  `instance` and `error` are written by the routine and read after pthread_once() has returned.
 * Promise   loads once; never retries a failure. The library undoes a routine whose thread is cancelled, and the next caller
 *           runs it.
 * Cost      get: a call into the library and a thread-local store, about ten times the floor.
 */
#include <pthread.h>

#include "load.h"

struct initialiser {
	pthread_once_t once;                     /* the library's */
	void *instance;                          /* owned; written by the routine, read once it has run */
	int error;                               /* likewise: why the only load failed */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

/* The calling thread's hand-over to the routine, which runs on the same thread. Read at once, so that a loader may itself use an
 * initialiser. */
static _Thread_local struct initialiser *handed_over;

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	it->once = (pthread_once_t)PTHREAD_ONCE_INIT;
	it->instance = NULL;
	it->error = 0;
	it->loader = loader;
	return 0;
}

static SLOW_PATH void initialiser_load_slowly(void)
{
	struct initialiser *it = handed_over;
	struct loaded loaded = initialiser_load(it->loader);
	it->instance = loaded.instance;
	it->error = loaded.error;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	handed_over = it;
	pthread_once(&it->once, initialiser_load_slowly);
	*error = it->error;
	return it->instance;
}

static void initialiser_close(struct initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(pthread_once, .about.lesson = "the library runs it once, and has no way to say that it failed",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_NO_LEAK |
			INITIALISER_SURVIVES_CANCEL | INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_RETRIES_FAILURE, .about.features = FEATURE_PTHREAD_ONCE | FEATURE_TLS,
	.about.calls = "pthread_once", .rearmable = true);
