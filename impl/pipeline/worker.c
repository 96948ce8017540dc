/* SPDX-License-Identifier: MIT */
/* What happens to an item, from the queue to its counting. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "parts.h"
#include "voice.h"

static _Thread_local unsigned this_worker; /* 0: not a worker */

static const char *const reason_texts[BATCH_REASONS] = {
	"done",
	"only spaces",
	"not valid UTF-8",
	"longer than 65536 bytes",
	"contains a NUL byte",
	"failed on request",
	"the model did not load",
	"the model was handed out half built",
	"its output could not be written",
};
_Static_assert(BATCH_LINE_MAX == 65536, "the text above names the limit");

const char *batch_reason_text(enum batch_reason reason)
{
	return reason_texts[reason];
}

void tally_add(struct batch_tally *tally, uint64_t index)
{
	tally->count++;
	tally->print += mix64(index);
}

bool batch_stopping(struct batch *b)
{
	const int *asked = b->options->stop;
	/* relaxed, both: a request to end soon; nothing is published with it. */
	return (asked && __atomic_load_n(asked, __ATOMIC_RELAXED)) ||
	       atomic_load_explicit(&b->output.error, memory_order_relaxed);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

enum batch_reason batch_expected(const struct batch_options *o, const struct line *item)
{
	if (item->fault != BATCH_DONE)
		return item->fault;
	if (o->fail_line_count && bsearch(&item->number, o->fail_lines, o->fail_line_count, sizeof item->number, by_number))
		return BATCH_INJECTED;
	/* 53 bits make a fraction below 1 exactly. */
	double draw = (double)(mix64(o->seed ^ mix64(item->index)) >> 11) / 9007199254740992.0;
	return draw < o->failure_rate ? BATCH_INJECTED : BATCH_DONE;
}

void batch_log_load(void *arg, const struct model *model, uint64_t load_ns)
{
	struct batch *b = arg;
	/* relaxed: read after joining. */
	atomic_fetch_add_explicit(&b->log_loads, 1, memory_order_relaxed);
	if (!b->output.directory)
		return;
	char line[OUTPUT_LINE];
	double at = (double)(now_ns() - b->start_ns) / 1e3;
	int length = model ? snprintf(line, sizeof line,
				     "{\"t_us\":%.1f,\"event\":\"load\",\"worker\":%u,\"instance\":%" PRIu64
				     ",\"bytes\":%zu,\"ms\":%.3f}\n",
				     at, this_worker, model->instance, model->bytes, (double)load_ns / 1e6)
			   : snprintf(line, sizeof line, "{\"t_us\":%.1f,\"event\":\"load_failed\",\"worker\":%u,\"ms\":%.3f}\n",
				     at, this_worker, (double)load_ns / 1e6);
	output_log(&b->output, line, (size_t)length);
}

static bool take(struct batch *b, struct batch_worker *w)
{
	if (!b->options->serial)
		return queue_take(&b->queue, &w->item);
	if (!manifest_next(&b->manifest, &w->item))
		return false;
	tally_add(&b->reader.handed, w->item.index);
	return true;
}

static void *model(struct batch *b, int *error)
{
	return b->options->initialiser->get(b->initialiser, error);
}

static void slot_take(struct batch *b)
{
	if (!b->slots_bounded)
		return;
	pthread_mutex_lock(&b->slots_lock);
	while (b->slots_free == 0)
		pthread_cond_wait(&b->slot_free, &b->slots_lock);
	b->slots_free--;
	pthread_mutex_unlock(&b->slots_lock);
}

static void slot_give(struct batch *b)
{
	if (!b->slots_bounded)
		return;
	pthread_mutex_lock(&b->slots_lock);
	b->slots_free++;
	pthread_cond_signal(&b->slot_free);
	pthread_mutex_unlock(&b->slots_lock);
}

static void busy_wait(uint64_t ns)
{
	for (uint64_t end = now_ns() + ns; now_ns() < end;)
		cpu_relax();
}

/* What an item costs inside a model slot. */
static void speak(struct batch *b, struct batch_worker *w, const struct model *instance, const struct line *item,
	struct batch_result *result)
{
	if (b->options->item_cost_ns == 0)
		result->bytes = voice_speak(w->wav, instance->weights, item->text, item->length);
	else if (b->options->item_cost_ns > 0)
		busy_wait((uint64_t)b->options->item_cost_ns);
}

static uint64_t hash_bytes(const unsigned char *data, size_t bytes)
{
	uint64_t hash = bytes;
	for (size_t i = 0; i < bytes; i += 4) {
		uint32_t word = 0;
		memcpy(&word, data + i, bytes - i < 4 ? bytes - i : 4);
		hash = (hash ^ word) * 0x100000001b3u;
	}
	return mix64(hash);
}

static void work(struct batch *b, struct batch_worker *w, const struct line *item, struct batch_result *result)
{
	result->reason = batch_expected(b->options, item);
	if (result->reason != BATCH_DONE && result->reason != BATCH_INJECTED)
		return;
	struct model *instance = b->parts.model(b, &result->error);
	if (!instance)
		result->reason = BATCH_NO_MODEL;
	else if (b->options->item_cost_ns == 0 && !model_whole(instance))
		result->reason = BATCH_HALF_MODEL;
	if (result->reason != BATCH_DONE)
		return;
	slot_take(b);
	b->parts.speak(b, w, instance, item, result);
	slot_give(b);
	if (!result->bytes)
		return;
	result->audio = hash_bytes(w->wav, result->bytes);
	result->error = output_audio(&b->output, item->index, w->wav, result->bytes);
	if (result->error)
		result->reason = BATCH_NOT_WRITTEN;
}

static void deliver(struct batch *b, struct batch_worker *w, const struct batch_result *r)
{
	struct batch_evidence *e = &w->evidence;
	tally_add(&e->results, r->index);
	if (r->reason > BATCH_INJECTED)
		tally_add(&e->elsewhere, r->index);
	else if (r->reason != BATCH_DONE)
		tally_add(&e->failed, r->index);
	if (r->reason == BATCH_DONE && r->bytes) {
		w->audio_bytes += r->bytes;
		w->audio_print += mix64(r->audio ^ mix64(r->index));
	}
	if (!b->output.directory)
		return;
	char line[OUTPUT_LINE];
	double ms = (double)(r->end_ns - r->start_ns) / 1e6;
	int length =
		snprintf(line, sizeof line, "{\"item\":%" PRIu64 ",\"line\":%" PRIu64 ",\"status\":\"%s\",", r->index, r->line,
			r->reason == BATCH_DONE      ? "done"
			: r->reason > BATCH_INJECTED ? "failed_elsewhere"
						     : "failed");
	size_t used = (size_t)length;
	if (r->reason != BATCH_DONE)
		length = snprintf(line + used, sizeof line - used, "\"reason\":\"%s\",\"errno\":%d,\"worker\":%u,\"ms\":%.3f}\n",
			batch_reason_text(r->reason), r->error, w->number, ms);
	else if (b->output.audio)
		length = snprintf(line + used, sizeof line - used,
			"\"file\":\"audio/%06" PRIu64 ".wav\",\"bytes\":%zu,\"audio\":\"%016" PRIx64
			"\",\"worker\":%u,\"ms\":%.3f}\n",
			r->index, r->bytes, r->audio, w->number, ms);
	else
		length = snprintf(line + used, sizeof line - used,
			"\"bytes\":%zu,\"audio\":\"%016" PRIx64 "\",\"worker\":%u,\"ms\":%.3f}\n", r->bytes, r->audio, w->number,
			ms);
	output_result(&b->output, r->index, line, used + (size_t)length);
}

static void log_item(struct batch *b, struct batch_worker *w, enum batch_event event, const struct batch_result *r)
{
	tally_add(event == BATCH_STARTED ? &w->evidence.log_starts : &w->evidence.log_ends, r->index);
	if (!b->output.directory)
		return;
	char line[OUTPUT_LINE];
	uint64_t at = (event == BATCH_STARTED ? r->start_ns : r->end_ns) - b->start_ns;
	int length = snprintf(line, sizeof line,
		"{\"t_us\":%.1f,\"event\":\"%s\",\"item\":%" PRIu64 ",\"line\":%" PRIu64 ",\"worker\":%u", (double)at / 1e3,
		event == BATCH_STARTED ? "start" : "end", r->index, r->line, w->number);
	size_t used = (size_t)length;
	if (event == BATCH_ENDED)
		used += (size_t)snprintf(line + used, sizeof line - used, ",\"status\":\"%s\"", batch_reason_text(r->reason));
	used += (size_t)snprintf(line + used, sizeof line - used, "}\n");
	output_log(&b->output, line, used);
}

static void total(struct batch_totals *t, const struct batch_result *r)
{
	if (r->reason == BATCH_DONE)
		t->done++;
	else
		t->failed++;
	t->failed_by[r->reason]++;
	bool bad_text = r->reason >= BATCH_BLANK && r->reason <= BATCH_NUL_BYTE;
	if (bad_text && (t->first_bad_line == 0 || r->line < t->first_bad_line))
		t->first_bad_line = r->line;
}

const struct batch_parts batch_real_parts = {
	.take = take,
	.model = model,
	.work = work,
	.speak = speak,
	.deliver = deliver,
	.log = log_item,
	.total = total,
};

void batch_start_line(struct batch *b, bool wait)
{
	pthread_mutex_lock(&b->ended_lock);
	if (++b->at_start == b->workers)
		pthread_cond_broadcast(&b->all_at_start);
	while (wait && b->at_start < b->workers)
		pthread_cond_wait(&b->all_at_start, &b->ended_lock);
	pthread_mutex_unlock(&b->ended_lock);
}

void batch_work_all(struct batch *b, struct batch_worker *w)
{
	const struct batch_parts *parts = &b->parts;
	bool started = false;
	this_worker = w->number;
	while (!batch_stopping(b) && parts->take(b, w)) {
		if (!started)
			batch_start_line(b, true);
		started = true;
		struct batch_result result = {.index = w->item.index, .line = w->item.number, .start_ns = now_ns()};
		enum batch_reason expected = batch_expected(b->options, &w->item);
		if (expected != BATCH_DONE)
			tally_add(&w->evidence.should_fail, w->item.index);
		parts->log(b, w, BATCH_STARTED, &result);
		parts->work(b, w, &w->item, &result);
		result.end_ns = now_ns();
		/* The result first, then the count: what is counted is on its way to the disk. Nothing between here and the end of the
		 * loop orders this worker with another, except what the chosen counter and progress do themselves. */
		parts->deliver(b, w, &result);
		parts->log(b, w, BATCH_ENDED, &result);
		parts->total(&w->totals, &result);
		b->options->progress->step(b->progress, &w->source);
		if (b->options->serial)
			b->options->progress->poll(b->progress, &w->source);
	}
	if (!started)
		batch_start_line(b, false);
	output_leave(&b->output);
	this_worker = 0;
}
