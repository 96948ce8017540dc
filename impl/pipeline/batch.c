/* SPDX-License-Identifier: MIT */
/* A batch from start to end: opens the chosen parts, runs reader, workers and front end, and adds up. */
#include "batch.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/say.h"
#include "clock.h"
#include "parts.h"
#include "voice.h"

enum { LINE_OF_CACHE = 64 };

static _Atomic int one_per_process_users; /* batches that run on an implementation of which a process has one */

/* Zeroed memory for an object of an implementation, on cache lines of its own. */
static void *object_new(size_t bytes, size_t align)
{
	if (align < LINE_OF_CACHE)
		align = LINE_OF_CACHE;
	bytes = (bytes + align - 1) / align * align;
	void *object = aligned_alloc(align, bytes ? bytes : align);
	if (object)
		memset(object, 0, bytes ? bytes : align);
	return object;
}

static unsigned usable_cpus(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	return count > 0 ? (unsigned)count : 1;
}

const char *batch_impossible(const struct batch_options *o)
{
	if (!o->initialiser || !o->counter || !o->progress)
		return "an initialiser, a counter and a progress must be chosen";
	if (o->progress->needs == PROGRESS_NEEDS_STEP && !o->counter->steps)
		return "this progress needs the step that each increment returns, and this counter returns none";
	if (o->initialiser->loading == LOADER_LINK_TIME && !&onceproof_linked_maker)
		return "this initialiser loads a model that is linked into the program, and this program links none";
	if (o->initialiser->loading == LOADER_LINK_TIME && (o->model_bytes || o->model_wait_ms || o->failing_loads))
		return "this initialiser loads its model before main, so nothing about that load can be chosen now";
	if (o->workers > BATCH_WORKERS_MAX)
		return "too many workers";
	if (o->model_bytes && o->model_bytes < BATCH_MODEL_MIN)
		return "the model is smaller than what the synthesiser needs of it";
	return NULL;
}

static uint64_t source_increment(void *arg)
{
	struct batch_worker *w = arg;
	return w->batch->options->counter->increment(w->batch->counter, w->seat);
}

static uint64_t source_value(void *arg)
{
	struct batch_worker *w = arg;
	return w->batch->options->counter->value(w->batch->counter);
}

static void log_plain(struct batch *b, const char *event, const char *rest)
{
	char line[OUTPUT_LINE];
	int length = snprintf(line, sizeof line, "{\"t_us\":%.1f,\"event\":\"%s\"%.200s}\n",
		(double)(now_ns() - b->start_ns) / 1e3, event, rest);
	output_log(&b->output, line, (size_t)length);
}

/* Opens the chosen objects; those that were opened are noted in *opened, in this order. */
static int open_choice(struct batch *b, unsigned *opened)
{
	const struct batch_options *o = b->options;
	int why = o->initialiser->open(b->initialiser, &b->loader);
	const char *name = o->initialiser->about.name;
	if (!why) {
		*opened = 1;
		name = o->counter->about.name;
		why = o->counter->open(b->counter);
	}
	if (!why) {
		*opened = 2;
		name = o->progress->about.name;
		why = o->progress->open(b->progress, &b->progress_sink, b->manifest.items);
	}
	if (!why)
		*opened = 3;
	else
		complain("%s: cannot open: %s: choose another implementation", name,
			why == ENOSYS ? "this machine lacks what it needs" : strerror(why));
	return why;
}

static void close_choice(struct batch *b, unsigned opened)
{
	if (opened > 2)
		b->options->progress->close(b->progress);
	if (opened > 1)
		b->options->counter->close(b->counter);
	if (opened > 0)
		b->options->initialiser->close(b->initialiser);
}

/* Seats for all, the front end's last; each worker's own memory. */
static int seat_workers(struct batch *b, struct batch_worker *workers, unsigned *seated)
{
	const struct counter_implementation *counter = b->options->counter;
	int why = 0;
	for (*seated = 0; *seated <= b->workers && !why; *seated += why ? 0 : 1) {
		struct batch_worker *w = &workers[*seated];
		w->batch = b;
		w->number = *seated + 1;
		w->source = (struct progress_source){source_increment, source_value, w};
		w->seat = object_new(counter->seat_bytes, counter->seat_align);
		w->wav = b->options->item_cost_ns == 0 ? malloc(WAV_MAX) : NULL;
		why = w->seat && (w->wav || b->options->item_cost_ns != 0) ? counter->join(b->counter, w->seat) : ENOMEM;
		if (why)
			complain("%s: no seat for worker %u: %s: ask for fewer with --workers", counter->about.name, *seated + 1,
				strerror(why));
	}
	return why;
}

/* The manifest's reader met an error on its way. */
static void say_unread(const struct batch *b, int why)
{
	const char *name = manifest_name(b->options);
	if (why == ESTALE)
		complain("%s: changed while it was read: what was done is kept: run again with a manifest that nobody writes to",
			name);
	else
		complain("%s: could not be read to its end: %s: what was done is kept", name, strerror(why));
}

/* With everything open: runs, tells the end, adds up. */
static int run_opened(struct batch *b, struct batch_worker *workers, struct batch_summary *s)
{
	const struct batch_options *o = b->options;
	const struct progress_source *any = &workers[b->workers].source;
	char rest[128];
	snprintf(rest, sizeof rest, ",\"items\":%" PRIu64 ",\"workers\":%u,\"seed\":%" PRIu64, s->items, b->workers, o->seed);
	log_plain(b, "begin", rest);
	uint64_t start = now_ns();
	if (o->serial) {
		batch_work_all(b, &workers[0]);
		o->counter->leave(b->counter, workers[0].seat);
	} else {
		batch_move_gate(b, BATCH_GATE_OPEN);
		batch_front_end(b, any);
		batch_join_threads(b, workers);
	}
	o->progress->finish(b->progress, any);
	s->seconds = (double)(now_ns() - start) / 1e9;
	batch_add_up(b, workers, s);
	o->counter->leave(b->counter, workers[b->workers].seat);
	int why = b->manifest.error;
	if (why)
		say_unread(b, why);
	snprintf(rest, sizeof rest, ",\"done\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"not_started\":%" PRIu64, s->done, s->failed,
		s->not_started);
	log_plain(b, s->partial || why ? "stopped" : "finished", rest);
	return why;
}

/* The last step before the first item, when all else has been opened: from here on an earlier run's files are gone. */
static int begin(struct batch *b)
{
	const struct batch_options *o = b->options;
	int why = output_begin(&b->output);
	if (why)
		return why;
	sink_begin(&b->sink, b->manifest.items);
	b->begun = true;
	if (o->begun)
		o->begun(o->begun_arg);
	return 0;
}

/* With queue, output and front end ready: makes the chosen objects, runs, takes them down again. */
static int run_chosen(struct batch *b, struct batch_summary *s)
{
	const struct batch_options *o = b->options;
	/* One more seat than workers: the front end's. */
	struct batch_worker *workers = calloc(b->workers + 1, sizeof *workers);
	b->initialiser = object_new(o->initialiser->bytes, o->initialiser->align);
	b->counter = object_new(o->counter->counter_bytes, o->counter->counter_align);
	b->progress = object_new(o->progress->bytes, o->progress->align);
	unsigned opened = 0, seated = 0;
	int why = workers && b->initialiser && b->counter && b->progress ? 0 : ENOMEM;
	if (why)
		complain("not enough memory for %u workers: ask for fewer with --workers", b->workers);
	if (!why)
		why = open_choice(b, &opened);
	if (!why)
		why = seat_workers(b, workers, &seated);
	if (!why && !o->serial)
		why = batch_start_threads(b, workers);
	if (!why)
		why = begin(b);
	if (!why) {
		why = run_opened(b, workers, s);
	} else {
		batch_move_gate(b, BATCH_GATE_CLOSED);
		batch_join_threads(b, workers);
		for (unsigned i = 0; i < seated; i++)
			o->counter->leave(b->counter, workers[i].seat);
	}
	close_choice(b, opened);
	batch_add_up_models(b, s);
	for (unsigned i = 0; workers && i <= b->workers; i++) {
		line_free(&workers[i].item);
		free(workers[i].seat);
		free(workers[i].wav);
	}
	free(workers);
	free(b->initialiser);
	free(b->counter);
	free(b->progress);
	return why;
}

/* After a run that began: what it leaves behind. WHY: how it ended so far. */
static int leave_files(struct batch *b, struct batch_summary *s, int why)
{
	const struct batch_options *o = b->options;
	bool partial = s->partial || why;
	int told = sink_close(&b->sink, s->evidence.results.count, b->manifest.items, s);
	if (told) {
		complain("%s: progress is incomplete: %s: the items are not concerned",
			o->progress_path ? o->progress_path : "the terminal", strerror(told));
		why = why ? why : told;
	}
	int lost = output_finish(&b->output, partial);
	s->partial = partial || lost;
	if (!lost && b->output.directory)
		lost = batch_write_summary(b, s);
	if (lost) {
		complain("%s: cannot write: %s: free some space or choose another directory with --out; the %" PRIu64
			 " items that are done are kept",
			o->output, strerror(lost), s->done);
		why = lost;
	}
	return why;
}

/* Items in the queue at most: enough for reader and workers to wake each other once per many items, not so many that memory notices. */
static size_t queue_capacity(unsigned workers)
{
	enum { LEAST = 128, EACH = 4, MOST = 256 };
	size_t capacity = EACH * (size_t)workers;
	return capacity < LEAST ? LEAST : capacity > MOST ? MOST : capacity;
}

/* The output files, the front end and the queue around the run. */
static int run_with_output(struct batch *b, struct batch_summary *s)
{
	const struct batch_options *o = b->options;
	int why = output_open(&b->output, o, b->workers);
	if (why)
		return why;
	why = sink_open(&b->sink, o);
	if (why) {
		output_abandon(&b->output);
		return why;
	}
	why = queue_open(&b->queue, queue_capacity(b->workers));
	if (!why)
		why = run_chosen(b, s);
	if (b->begun) {
		why = leave_files(b, s, why);
		output_close(&b->output);
	} else {
		sink_abandon(&b->sink, o);
		output_abandon(&b->output);
	}
	queue_close(&b->queue);
	return why;
}

static void open_locks(struct batch *b)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&b->ended_lock, NULL);
	pthread_cond_init(&b->all_ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&b->all_at_start, NULL);
	pthread_cond_init(&b->gate_moved, NULL);
	pthread_mutex_init(&b->slots_lock, NULL);
	pthread_cond_init(&b->slot_free, NULL);
}

static void close_locks(struct batch *b)
{
	pthread_cond_destroy(&b->slot_free);
	pthread_mutex_destroy(&b->slots_lock);
	pthread_cond_destroy(&b->gate_moved);
	pthread_cond_destroy(&b->all_at_start);
	pthread_cond_destroy(&b->all_ended);
	pthread_mutex_destroy(&b->ended_lock);
}

static bool one_per_process(const struct batch_options *o)
{
	return o->initialiser->about.instances == INSTANCES_ONE_PER_PROCESS ||
	       o->counter->about.instances == INSTANCES_ONE_PER_PROCESS ||
	       o->progress->about.instances == INSTANCES_ONE_PER_PROCESS;
}

/* Which model the initialiser loads, and what is told about it. */
static void choose_model(struct batch *b)
{
	const struct batch_options *o = b->options;
	b->maker = (struct model_maker){
		.bytes = (o->model_bytes ? o->model_bytes : BATCH_MODEL_DEFAULT) / sizeof(uint64_t) * sizeof(uint64_t),
		.wait_ms = o->model_wait_ms,
		.failing_loads = o->failing_loads,
		.told = batch_log_load,
		.told_arg = b,
	};
	b->model = o->initialiser->loading == LOADER_LINK_TIME ? &onceproof_linked_maker : &b->maker;
	b->loader = (struct initialiser_loader){model_load, model_unload, &b->maker};
}

int batch_run(const struct batch_options *o, struct batch_summary *s)
{
	*s = (struct batch_summary){0};
	const char *impossible = batch_impossible(o);
	if (impossible) {
		complain("this batch cannot run: %s", impossible);
		return EINVAL;
	}
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		return ENOMEM;
	b->options = o;
	b->parts = o->parts ? *o->parts : batch_real_parts;
	b->workers = o->serial ? 1 : o->workers ? o->workers : usable_cpus();
	b->slots_free = o->model_slots;
	b->slots_bounded = o->model_slots > 0 && o->model_slots < b->workers;
	b->progress_sink = (struct progress_sink){sink_tell, &b->sink};
	choose_model(b);
	/* relaxed: only this count itself matters, and its changes have one order. */
	bool alone = one_per_process(o);
	int why = alone && atomic_fetch_add_explicit(&one_per_process_users, 1, memory_order_relaxed) > 0 ? EBUSY : 0;
	if (why)
		complain("another batch uses an implementation of which a process can have one: run them one after the other");
	if (!why)
		why = manifest_open(&b->manifest, o);
	if (!why) {
		s->items = b->manifest.items;
		b->start_ns = now_ns();
		open_locks(b);
		why = run_with_output(b, s);
		s->workers = b->begun ? b->workers : 0;
		close_locks(b);
		manifest_close(&b->manifest);
	}
	if (alone)
		atomic_fetch_sub_explicit(&one_per_process_users, 1, memory_order_relaxed);
	model_maker_close(&b->maker);
	free(b);
	return why;
}
