/* SPDX-License-Identifier: MIT */
/* initialiser/10_naive: not loaded yet? Then load.
 *
 * Lesson    check and set are two steps. Two threads that both see "not loaded" both load: the second pointer overwrites the
 *           first, whose instance is never released, and the two threads work with two different instances.
 * Protocol  none: every thread reads and writes the same pointer.
 * Promise   right for one thread. Locks nothing, so a failed or cancelled load leaves nothing behind.
 * Cost      get: one load and one branch. It is as fast as it is wrong.
 */
#include "load.h"

struct initialiser {
	void *instance;                          /* owned; read and written by every thread; guarded by nothing: the bug */
	const struct initialiser_loader *loader; /* borrowed; written by open only */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	it->instance = NULL;
	it->loader = loader;
	return 0;
}

static SLOW_PATH struct loaded initialiser_load_slowly(struct initialiser *it)
{
	struct loaded loaded = initialiser_load(it->loader);
	it->instance = loaded.instance;
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
}

#include "initialiser_export.h"
INITIALISER_EXPORT(naive, .about.lesson = "two threads that both see \"not loaded\" both load",
	.about.claims = INITIALISER_RETRIES_FAILURE | INITIALISER_SURVIVES_CANCEL | INITIALISER_READ_ONLY_GET,
	.about.missing = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			 INITIALISER_NO_LEAK | INITIALISER_RACE_FREE,
	.about.calls = "initialiser_load_slowly", .rearmable = true);
