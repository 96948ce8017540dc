/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/pipeline/clock.h"
#include "../impl/pipeline/parts.h"

/* Points FROM .. UP_TO, both told at NS. */
struct telling {
	uint64_t from, up_to, ns;
};

/* The ends of one worker's items; its own until the batch is over. */
struct ends {
	uint64_t *list; /* owned; room for all items */
	size_t count;
	char separate[128];
};

struct watch {
	const struct progress_implementation *progress; /* the chosen one */
	const struct progress_sink *front;              /* the batch's own front end; written by open only */
	struct progress_sink sink;                      /* stands before it */
	struct ends *ends;                              /* one per worker */
	struct telling *tellings;                       /* owned; one per point */
	uint64_t stride;                                /* between two points, in items */
	_Alignas(128) _Atomic uint64_t next;            /* the next point; moved by whoever tells it first */
	_Alignas(128) _Atomic size_t used;              /* of tellings */
};

static struct watch watch; /* of the batch that runs */

/* relaxed, all: what is noted here is read after the batch's threads were joined, and must put no order between them before. */
static void told(void *arg, uint64_t done, uint64_t total)
{
	struct watch *w = arg;
	w->front->tell(w->front->arg, done, total);
	uint64_t next = atomic_load_explicit(&w->next, memory_order_relaxed);
	while (done >= next) {
		uint64_t after = (done / w->stride + 1) * w->stride;
		if (!atomic_compare_exchange_weak_explicit(&w->next, &next, after, memory_order_relaxed, memory_order_relaxed))
			continue;
		size_t at = atomic_fetch_add_explicit(&w->used, 1, memory_order_relaxed);
		w->tellings[at] = (struct telling){next, after - w->stride, now_ns()};
		return;
	}
}

static int watched_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	watch.front = sink;
	return watch.progress->open(p, &watch.sink, total);
}

static void watched_deliver(struct batch *batch, struct batch_worker *worker, const struct batch_result *result)
{
	struct ends *ends = &watch.ends[worker->number - 1];
	ends->list[ends->count++] = result->end_ns;
	batch_real_parts.deliver(batch, worker, result);
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The ends of all workers' items in order of time; owned by the caller, NULL without memory. */
static uint64_t *sorted_ends(unsigned workers, size_t *count)
{
	*count = 0;
	for (unsigned i = 0; i < workers; i++)
		*count += watch.ends[i].count;
	uint64_t *all = malloc((*count + 1) * sizeof *all);
	size_t at = 0;
	for (unsigned i = 0; all && i < workers; i++) {
		memcpy(all + at, watch.ends[i].list, watch.ends[i].count * sizeof *all);
		at += watch.ends[i].count;
	}
	if (all)
		qsort(all, *count, sizeof *all, by_time);
	return all;
}

static int collect_ages(unsigned workers, uint64_t *ages, size_t points, size_t *count)
{
	size_t ended;
	uint64_t *ends = sorted_ends(workers, &ended);
	if (!ends)
		return ENOMEM;
	size_t tellings = atomic_load_explicit(&watch.used, memory_order_relaxed); /* relaxed: all threads were joined */
	for (size_t i = 0; i < tellings; i++) {
		const struct telling *t = &watch.tellings[i];
		for (uint64_t k = t->from; k <= t->up_to && k <= ended && *count < points; k += watch.stride)
			/* A number that was told too early, by a broken counter, is not old. */
			ages[(*count)++] = t->ns > ends[k - 1] ? t->ns - ends[k - 1] : 0;
	}
	free(ends);
	return 0;
}

static int open_watch(const struct batch_options *options, size_t points)
{
	const uint64_t items = options->synthetic_items;
	watch.progress = options->progress;
	watch.sink = (struct progress_sink){told, &watch};
	watch.stride = items > points ? (items + points - 1) / points : 1;
	atomic_init(&watch.next, watch.stride);
	atomic_init(&watch.used, 0);
	watch.ends = calloc(options->workers, sizeof *watch.ends);
	watch.tellings = calloc(items / watch.stride + 1, sizeof *watch.tellings);
	bool whole = watch.ends && watch.tellings;
	/* Touched now, so that no page is faulted in while the batch runs. */
	for (unsigned i = 0; whole && i < options->workers; i++) {
		watch.ends[i].list = malloc(items * sizeof(uint64_t));
		whole = watch.ends[i].list != NULL;
		if (whole)
			memset(watch.ends[i].list, 0xff, items * sizeof(uint64_t));
	}
	return whole ? 0 : ENOMEM;
}

static void close_watch(unsigned workers)
{
	for (unsigned i = 0; watch.ends && i < workers; i++)
		free(watch.ends[i].list);
	free(watch.ends);
	free(watch.tellings);
	memset(&watch, 0, sizeof watch);
}

int probe_ages(const struct batch_options *options, struct batch_summary *summary, uint64_t *ages, size_t points, size_t *count)
{
	struct batch_options own = *options;
	struct batch_parts parts = batch_real_parts;
	struct progress_implementation progress = *options->progress;
	*count = 0;
	progress.open = watched_open;
	parts.deliver = watched_deliver;
	own.progress = &progress;
	own.parts = &parts;
	int why = open_watch(options, points);
	if (!why)
		why = batch_run(&own, summary);
	if (!why)
		why = collect_ages(options->workers, ages, points, count);
	close_watch(options->workers);
	return why;
}

/* The moment at which all workers of a batch ask. */
static struct storm {
	unsigned workers;
	_Alignas(128) _Atomic unsigned here;
	_Alignas(128) _Atomic uint64_t first_ns; /* when the first of them asked */
	_Alignas(128) _Atomic uint64_t last_ns;  /* when the last of them had it */
} storm;

static void *storming_model(struct batch *batch, int *error)
{
	enum { PAUSES = 2000 };
	/* relaxed, all: times are read after joining; a line to stand at must not order the first uses that follow it. */
	atomic_fetch_add_explicit(&storm.here, 1, memory_order_relaxed);
	for (unsigned round = 0; atomic_load_explicit(&storm.here, memory_order_relaxed) < storm.workers; round++)
		if (round < PAUSES)
			cpu_relax();
		else
			sched_yield();
	uint64_t asked = now_ns();
	void *model = batch_real_parts.model(batch, error);
	uint64_t had = now_ns();
	uint64_t first = atomic_load_explicit(&storm.first_ns, memory_order_relaxed);
	while (asked < first && !atomic_compare_exchange_weak_explicit(
					&storm.first_ns, &first, asked, memory_order_relaxed, memory_order_relaxed))
		continue;
	uint64_t last = atomic_load_explicit(&storm.last_ns, memory_order_relaxed);
	while (had > last &&
		!atomic_compare_exchange_weak_explicit(&storm.last_ns, &last, had, memory_order_relaxed, memory_order_relaxed))
		continue;
	return model;
}

int probe_first_use(const struct batch_options *options, struct batch_summary *summary, uint64_t *all_have_ns)
{
	struct batch_options own = *options;
	struct batch_parts parts = batch_real_parts;
	parts.model = storming_model;
	own.parts = &parts;
	own.synthetic_items = options->workers;
	storm.workers = options->workers;
	atomic_init(&storm.here, 0);
	atomic_init(&storm.first_ns, UINT64_MAX);
	atomic_init(&storm.last_ns, 0);
	int why = batch_run(&own, summary);
	/* relaxed, both: all threads were joined. */
	*all_have_ns = atomic_load_explicit(&storm.last_ns, memory_order_relaxed) -
		       atomic_load_explicit(&storm.first_ns, memory_order_relaxed);
	return why;
}
