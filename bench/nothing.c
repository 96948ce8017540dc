/* SPDX-License-Identifier: MIT */
/* No initialiser, no counter and no progress: what a batch costs when it does not do what the price list compares. Not in the registry:
 * a floor is no choice. The model is loaded when the batch is opened; nothing is counted and nothing told. */
#include <errno.h>

#include "../impl/counter/counter.h"
#include "../impl/initialiser/initialiser.h"
#include "../impl/progress/progress.h"

struct initialiser {
	const struct initialiser_loader *loader; /* borrowed; written by open only */
	void *instance;                          /* owned; written by open only, before any thread can ask */
};

static int initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
{
	int error = 0;
	it->loader = loader;
	it->instance = loader->load(loader->arg, &error);
	return it->instance ? 0 : error ? error : EIO;
}

static void *initialiser_get(struct initialiser *it, int *error)
{
	*error = 0;
	return it->instance;
}

static void initialiser_close(struct initialiser *it)
{
	it->loader->unload(it->loader->arg, it->instance);
}

struct counter {
	char nothing;
};

struct counter_seat {
	char nothing;
};

static int counter_open(struct counter *c)
{
	(void)c;
	return 0;
}

static void counter_close(struct counter *c)
{
	(void)c;
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	(void)c;
	return 0;
}

struct progress {
	char nothing;
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	(void)p;
	(void)sink;
	(void)total;
	return 0;
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	(void)p;
	(void)mine;
}

static void progress_poll(struct progress *p, const struct progress_source *any)
{
	(void)p;
	(void)any;
}

static void progress_finish(struct progress *p, const struct progress_source *any)
{
	(void)p;
	(void)any;
}

static void progress_close(struct progress *p)
{
	(void)p;
}

#include "../impl/initialiser/initialiser_export.h"
INITIALISER_EXPORT(nothing, .about.lesson = "the model is there before the batch", .loading = LOADER_RUN_TIME, .rearmable = true);
#include "../impl/counter/counter_export.h"
COUNTER_EXPORT(nothing, .about.lesson = "nothing is counted");
#include "../impl/progress/progress_export.h"
PROGRESS_EXPORT(nothing, .about.lesson = "nothing is told", .needs = PROGRESS_NEEDS_VALUE);
