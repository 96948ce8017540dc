/* SPDX-License-Identifier: MIT */
/* initialiser/80_eager: load before main, while there is one thread; the import-time singleton.
 *
 * Lesson    no race without a second thread. The price: every run of the program loads, also `--help`; what to load is fixed
 *           when the program is linked; and a load that fails has nobody to tell and no second try.
 * Compare   10_naive.c
 * Protocol  written by a constructor, before any thread is started; read only from then on. Starting a thread orders the two.
 * Promise   loaded once, by nobody's first get. The instance stays until the process ends: open names no loader, close releases
 *           nothing.
 * Cost      get: one load and one branch. Start-up: the whole load, needed or not.
 */
#include "load.h"

struct initialiser {
	char unused;
};

/* One per process. Written by initialiser_load_early() alone. */
static struct loaded loaded_early;

__attribute__((constructor)) static void initialiser_load_early(void)
{
	loaded_early = initialiser_load(&initialiser_linked_loader);
}

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	(void)it;
	(void)loader;
	return 0;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	(void)it;
	struct loaded loaded = {.instance = loaded_early.instance, .error = 0};
	if (!loaded.instance)
		loaded.error = loaded_early.error;
	*error = loaded.error;
	return loaded.instance;
}

static void initialiser_close(struct initialiser *it)
{
	(void)it;
}

#include "initialiser_export.h"
INITIALISER_EXPORT(eager, .about.lesson = "no race before the second thread starts, and every start pays",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.instances = INSTANCES_ONE_PER_PROCESS, .loading = LOADER_LINK_TIME, .rearmable = false);
