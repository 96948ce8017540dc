/* SPDX-License-Identifier: MIT */
/* Judges a batch by its own evidence. Items are compared as multisets in constant memory: a count, and a sum of 64-bit hashes. Two
 * different multisets of one size agree by chance once in 2^64. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/say.h"
#include "parts.h"

enum { ITEMS_NAMED = 10 * 1000 * 1000 }; /* up to here a broken batch is read again to name the item */

static bool same(struct batch_tally a, struct batch_tally b)
{
	return a.count == b.count && a.print == b.print;
}

uint32_t batch_claims(const struct batch_options *o)
{
	uint32_t claims = PIPELINE_EACH_ITEM_ONCE | PIPELINE_FAILURES_ISOLATED | PIPELINE_LOG_COMPLETE;
	uint32_t exact = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST;
	if ((o->counter->about.claims & exact) == exact)
		claims |= PIPELINE_TOTALS_ADD_UP;
	if (o->initialiser->about.claims & INITIALISER_EXACTLY_ONCE)
		claims |= PIPELINE_MODEL_LOADED_ONCE;
	if ((o->initialiser->about.claims & INITIALISER_RACE_FREE) && (o->counter->about.claims & COUNTER_RACE_FREE) &&
		(o->progress->about.claims & PROGRESS_RACE_FREE))
		claims |= PIPELINE_RACE_FREE;
	return claims;
}

/* Calls visit(arg, line) for every line of a file of the batch. */
static int each_line(const char *directory, const char *name, void (*visit)(void *arg, const char *line), void *arg)
{
	char *path = output_path(directory, name);
	FILE *file = path ? fopen(path, "re") : NULL;
	int why = file ? 0 : path ? errno : ENOMEM;
	char line[OUTPUT_LINE + 1];
	while (!why && fgets(line, sizeof line, file))
		visit(arg, line);
	if (file && ferror(file))
		why = EIO;
	if (why)
		complain("%s: cannot read back: %s", path ? path : name, strerror(why));
	if (file)
		fclose(file);
	free(path);
	return why;
}

static void see_result(void *arg, const char *line)
{
	struct batch_evidence *e = arg;
	uint64_t item;
	char status[24];
	if (sscanf(line, "{\"item\":%" SCNu64 ",\"line\":%*u,\"status\":\"%23[a-z_]\"", &item, status) != 2)
		return;
	tally_add(&e->results, item);
	if (strcmp(status, "failed") == 0)
		tally_add(&e->failed, item);
	else if (strcmp(status, "failed_elsewhere") == 0)
		tally_add(&e->elsewhere, item);
}

static void see_log(void *arg, const char *line)
{
	struct batch_evidence *e = arg;
	uint64_t item = 0;
	char event[16];
	int got = sscanf(line, "{\"t_us\":%*[0-9.],\"event\":\"%15[a-z_]\",\"item\":%" SCNu64, event, &item);
	if (got == 2 && strcmp(event, "start") == 0)
		tally_add(&e->log_starts, item);
	else if (got == 2 && strcmp(event, "end") == 0)
		tally_add(&e->log_ends, item);
	else if (got == 1 && strncmp(event, "load", 4) == 0)
		e->log_loads++;
}

/* Replaces what was tallied on the way by what the files hold. */
static int read_files(const struct batch_options *o, const struct batch_summary *s, struct batch_evidence *e)
{
	e->results = e->failed = e->elsewhere = e->log_starts = e->log_ends = (struct batch_tally){0};
	e->log_loads = 0;
	int why = each_line(o->output, s->partial ? "results.partial.jsonl" : "results.jsonl", see_result, e);
	return why ? why : each_line(o->output, "log.jsonl", see_log, e);
}

struct times {
	unsigned char *of; /* results of each item, up to 255 */
	uint64_t items;
};

static void count_result(void *arg, const char *line)
{
	struct times *times = arg;
	uint64_t item;
	if (sscanf(line, "{\"item\":%" SCNu64, &item) == 1 && item >= 1 && item <= times->items && times->of[item - 1] < 255)
		times->of[item - 1]++;
}

/* ": item 7 has 2", for the first item that has not one result; "" where that cannot be told. */
static void name_item(const struct batch_options *o, const struct batch_summary *s, char *text, size_t bytes)
{
	text[0] = '\0';
	struct times times = {.items = s->items};
	if (!o->output || s->partial || s->items > ITEMS_NAMED || !(times.of = calloc(s->items, 1)))
		return;
	if (each_line(o->output, "results.jsonl", count_result, &times) == 0)
		for (uint64_t i = 0; i < times.items && !text[0]; i++)
			if (times.of[i] != 1)
				snprintf(text, bytes, ": item %" PRIu64 " has %u", i + 1, times.of[i]);
	free(times.of);
}

static void refute(struct batch_judgement *j, uint32_t promise, const char *sentence)
{
	j->refuted |= promise;
	char *to = j->sentence[__builtin_ctz(promise)];
	snprintf(to, sizeof j->sentence[0], "%s", sentence);
}

static void check_items(
	const struct batch_options *o, const struct batch_summary *s, const struct batch_evidence *e, struct batch_judgement *j)
{
	struct batch_tally ended = {e->results.count + e->dropped.count, e->results.print + e->dropped.print};
	if (same(ended, e->handed))
		return;
	char item[64], text[200];
	name_item(o, s, item, sizeof item);
	snprintf(text, sizeof text, "%" PRIu64 " items were handed out and %" PRIu64 " results came back%s",
		e->handed.count - e->dropped.count, e->results.count, item);
	if (e->results.count == e->handed.count - e->dropped.count && !item[0])
		snprintf(text, sizeof text, "the %" PRIu64 " results are not those of the %" PRIu64 " items", e->results.count,
			e->results.count);
	refute(j, PIPELINE_EACH_ITEM_ONCE, text);
}

static void check_failures(const struct batch_summary *s, const struct batch_evidence *e, struct batch_judgement *j)
{
	char text[200];
	bool ok = e->elsewhere.count == 0 ? same(e->failed, e->should_fail)
					  : e->failed.count <= e->should_fail.count &&
						    e->should_fail.count <= e->failed.count + e->elsewhere.count;
	if (!ok) {
		snprintf(text, sizeof text, "%" PRIu64 " items had to fail, %" PRIu64 " did%s", e->should_fail.count,
			e->failed.count, e->should_fail.count == e->failed.count ? ", but not the same ones" : "");
		refute(j, PIPELINE_FAILURES_ISOLATED, text);
	} else if (s->failed_by[BATCH_NO_MODEL] > 0 && s->loads_failed == 0) {
		snprintf(
			text, sizeof text, "%" PRIu64 " items got no model, though no load failed", s->failed_by[BATCH_NO_MODEL]);
		refute(j, PIPELINE_FAILURES_ISOLATED, text);
	}
}

static void check_totals(const struct batch_summary *s, const struct batch_evidence *e, struct batch_judgement *j)
{
	char text[200] = "";
	uint64_t failed = e->failed.count + e->elsewhere.count, done = e->results.count - failed;
	if (s->done != done || s->failed != failed)
		snprintf(text, sizeof text,
			"the totals say %" PRIu64 " done and %" PRIu64 " failed, the results %" PRIu64 " and %" PRIu64, s->done,
			s->failed, done, failed);
	else if (s->counted != e->results.count)
		snprintf(text, sizeof text, "the counter says %" PRIu64 ", and there are %" PRIu64 " results", s->counted,
			e->results.count);
	else if (!(j->refuted & PIPELINE_EACH_ITEM_ONCE) && s->items != s->done + s->failed + s->not_started)
		snprintf(text, sizeof text,
			"%" PRIu64 " items are not %" PRIu64 " done + %" PRIu64 " failed + %" PRIu64 " not started", s->items,
			s->done, s->failed, s->not_started);
	if (text[0])
		refute(j, PIPELINE_TOTALS_ADD_UP, text);
}

static void check_model(const struct batch_summary *s, const struct batch_evidence *e, struct batch_judgement *j)
{
	char text[200];
	bool needed = e->results.count > e->failed.count + e->elsewhere.count;
	if (s->models_made > 1) {
		snprintf(text, sizeof text, "%" PRIu64 " models were made; %" PRIu64 " bytes wasted", s->models_made,
			s->wasted_bytes);
		refute(j, PIPELINE_MODEL_LOADED_ONCE, text);
	} else if (s->models_made == 0 && needed) {
		refute(j, PIPELINE_MODEL_LOADED_ONCE, "items were done without any model");
	}
}

static void check_log(
	const struct batch_options *o, const struct batch_summary *s, const struct batch_evidence *e, struct batch_judgement *j)
{
	char text[200];
	uint64_t loads = o->initialiser->loading == LOADER_LINK_TIME ? 0 : s->models_made + s->loads_failed;
	if (!same(e->log_starts, e->results) || !same(e->log_ends, e->results)) {
		snprintf(text, sizeof text, "%" PRIu64 " results, but %" PRIu64 " starts and %" PRIu64 " ends in the log",
			e->results.count, e->log_starts.count, e->log_ends.count);
		refute(j, PIPELINE_LOG_COMPLETE, text);
	} else if (e->log_loads != loads) {
		snprintf(text, sizeof text, "%" PRIu64 " loads, but %" PRIu64 " in the log", loads, e->log_loads);
		refute(j, PIPELINE_LOG_COMPLETE, text);
	}
}

/* The chosen parts' own claims, as far as a batch can see them. */
static void check_choice(const struct batch_options *o, const struct batch_summary *s, struct batch_judgement *j)
{
	uint32_t claims = o->initialiser->about.claims;
	const char *name = o->initialiser->about.name;
	enum { N = sizeof j->initialiser };
	if ((claims & INITIALISER_EXACTLY_ONCE) && s->models_made > 1)
		snprintf(j->initialiser, N, "initialiser/%s claims exactly_once and made %" PRIu64 " models", name,
			s->models_made);
	else if ((claims & INITIALISER_NO_LEAK) && o->initialiser->loading == LOADER_RUN_TIME && s->models_alive > 0)
		snprintf(j->initialiser, N, "initialiser/%s claims no_leak and left %" PRIu64 " models", name, s->models_alive);
	else if ((claims & INITIALISER_FULLY_PUBLISHED) && s->failed_by[BATCH_HALF_MODEL] > 0)
		snprintf(j->initialiser, N, "initialiser/%s claims fully_published and %" PRIu64 " items saw a half-built model",
			name, s->failed_by[BATCH_HALF_MODEL]);

	uint32_t counted = o->counter->about.claims;
	bool exact = (counted & COUNTER_NO_LOST_UPDATE) && (counted & COUNTER_EXACT_AT_REST);
	if (exact && s->counted != s->evidence.results.count)
		snprintf(j->counter, N, "counter/%s claims exact_at_rest and says %" PRIu64 " for %" PRIu64 " finished items",
			o->counter->about.name, s->counted, s->evidence.results.count);

	/* What a progress claims, it claims on a counter that gives what it needs. */
	uint32_t needed = o->progress->needs == PROGRESS_NEEDS_STEP ? COUNTER_UNIQUE_STEPS : COUNTER_MONOTONE_VALUE;
	claims = o->progress->about.claims;
	name = o->progress->about.name;
	if (!exact || !(counted & needed))
		return;
	if ((claims & PROGRESS_NEVER_BACKWARDS) && s->anomalies.backwards)
		snprintf(j->progress, N, "progress/%s claims never_backwards and ran backwards %" PRIu64 " times", name,
			s->anomalies.backwards);
	else if ((claims & PROGRESS_NO_DUPLICATES) && s->anomalies.duplicate)
		snprintf(j->progress, N, "progress/%s claims no_duplicates and repeated %" PRIu64 " numbers", name,
			s->anomalies.duplicate);
	else if ((claims & PROGRESS_NO_GAPS) && s->anomalies.gap)
		snprintf(j->progress, N, "progress/%s claims no_gaps and skipped %" PRIu64 " times", name, s->anomalies.gap);
	else if ((claims & PROGRESS_LAST_IS_TOTAL) && s->anomalies.missing_last)
		snprintf(j->progress, N,
			"progress/%s claims last_is_total and told %" PRIu64 " last, after %" PRIu64 " finished items", name,
			s->last_told, s->evidence.results.count);
}

int batch_check(const struct batch_options *o, const struct batch_summary *s, struct batch_judgement *j)
{
	*j = (struct batch_judgement){0};
	struct batch_evidence e = s->evidence;
	int why = o->output ? read_files(o, s, &e) : 0;
	if (why)
		return why;
	check_items(o, s, &e, j);
	check_failures(s, &e, j);
	check_totals(s, &e, j);
	check_model(s, &e, j);
	check_log(o, s, &e, j);
	check_choice(o, s, j);
	j->broken = j->refuted & batch_claims(o);
	j->as_stated = !j->broken && !j->initialiser[0] && !j->counter[0] && !j->progress[0];
	return 0;
}
