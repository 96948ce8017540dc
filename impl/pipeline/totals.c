/* SPDX-License-Identifier: MIT */
/* Adding up, once everybody has ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/file.h"
#include "batch_json.h"
#include "parts.h"

static void tally_merge(struct batch_tally *to, const struct batch_tally *from)
{
	to->count += from->count;
	to->print += from->print;
}

static void merge_worker(struct batch_summary *s, const struct batch_worker *w)
{
	const struct batch_evidence *from = &w->evidence;
	struct batch_evidence *to = &s->evidence;
	tally_merge(&to->should_fail, &from->should_fail);
	tally_merge(&to->results, &from->results);
	tally_merge(&to->failed, &from->failed);
	tally_merge(&to->elsewhere, &from->elsewhere);
	tally_merge(&to->log_starts, &from->log_starts);
	tally_merge(&to->log_ends, &from->log_ends);
	s->done += w->totals.done;
	s->failed += w->totals.failed;
	for (int i = 0; i < BATCH_REASONS; i++)
		s->failed_by[i] += w->totals.failed_by[i];
	if (w->totals.first_bad_line && (!s->first_bad_line || w->totals.first_bad_line < s->first_bad_line))
		s->first_bad_line = w->totals.first_bad_line;
	s->audio_bytes += w->audio_bytes;
	s->audio_print += w->audio_print;
}

void batch_add_up(struct batch *b, const struct batch_worker *workers, struct batch_summary *s)
{
	s->evidence = b->reader;
	for (unsigned i = 0; i < b->workers; i++)
		merge_worker(s, &workers[i]);
	s->failed_by[BATCH_DONE] = 0;
	if (!b->options->serial)
		for (const struct line *left; (left = queue_left(&b->queue));)
			tally_add(&s->evidence.dropped, left->index);
	s->not_started = s->items - s->evidence.handed.count + s->evidence.dropped.count;
	s->partial = s->not_started > 0;
	s->counted = b->options->counter->value(b->counter);
	s->evidence.log_loads = atomic_load_explicit(&b->log_loads, memory_order_relaxed); /* relaxed: workers were joined */
}

void batch_add_up_models(const struct batch *b, struct batch_summary *s)
{
	/* relaxed, all: no loader runs any more. */
	const struct model_maker *m = b->model;
	s->models_made = atomic_load_explicit(&m->made, memory_order_relaxed);
	s->models_destroyed = atomic_load_explicit(&m->destroyed, memory_order_relaxed);
	s->models_alive = s->models_made - s->models_destroyed;
	s->loads_failed = atomic_load_explicit(&m->failed, memory_order_relaxed);
	s->load_ns = atomic_load_explicit(&m->longest_ns, memory_order_relaxed);
	s->model_bytes = m->bytes;
	s->wasted_bytes = s->models_made > 1 ? (s->models_made - 1) * m->bytes : 0;
}

int batch_write_summary(const struct batch *b, const struct batch_summary *s)
{
	char *path = output_path(b->output.directory, "summary.json");
	json_t *json = batch_json(b->options, s, NULL);
	struct draft draft;
	int why = path && json ? draft_open(&draft, path) : ENOMEM;
	if (!why) {
		if (json_dumpf(json, draft.stream, JSON_INDENT(2)) != 0 || fputc('\n', draft.stream) == EOF) {
			why = errno ? errno : EIO;
			draft_abandon(&draft);
		} else {
			why = draft_commit(&draft);
		}
	}
	json_decref(json);
	free(path);
	return why;
}
