/* SPDX-License-Identifier: MIT */
/* initialiser/55_call_once: the same from the C11 standard.
 *
 * Lesson    call_once() is pthread_once() under a portable name: same promise, same silence about failure. Tools know it less
 *           well: ThreadSanitizer (gcc 12's and clang 14's) does not see its order and accuses this correct file.
 * Compare   50_pthread_once.c
 * Protocol  `instance` and `error` are written by the routine and read after call_once() has returned.
 * Promise   as 50_pthread_once.c. C11 says nothing about cancellation; glibc undoes a cancelled routine here too.
 * Cost      get: a call into the library and a thread-local store.
 */
#include <threads.h>

#include "load.h"

struct initialiser {
	once_flag once;                          /* the library's */
	void *instance;                          /* owned; written by the routine, read once it has run */
	int error;                               /* likewise: why the only load failed */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

/* The calling thread's hand-over to the routine, which runs on the same thread. Read at once, so that a loader may itself use an
 * initialiser. */
static _Thread_local struct initialiser *handed_over;

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	it->once = (once_flag)ONCE_FLAG_INIT;
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
	call_once(&it->once, initialiser_load_slowly);
	*error = it->error;
	return it->instance;
}

static void initialiser_close(struct initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
}

#include "initialiser_export.h"
INITIALISER_EXPORT(call_once, .about.lesson = "C11's name for pthread_once, which fewer tools understand",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_NO_LEAK |
			INITIALISER_SURVIVES_CANCEL | INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.missing = INITIALISER_RETRIES_FAILURE, .about.features = FEATURE_CALL_ONCE | FEATURE_TLS,
	.about.calls = "call_once", .rearmable = true);
