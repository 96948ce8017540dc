/* SPDX-License-Identifier: MIT */
/* One change, tried: the explorer runs the program that is built already, and changes what it does at some instructions
 * (stress/explore/amend.h, orders.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../program_parts.h"
#include "fix_parts.h"

enum { TRIES_MAX = 40, ENOUGH = 1000 };

/* Ranges of code ------------------------------------------------------------------------------------------------------------------------ */

struct wanted {
	const char *file, *function;
	int first, last;
	FILE *out;
	uint64_t from, to; /* not written yet */
	size_t count;
};

static void write_range(struct wanted *w)
{
	if (w->to)
		fprintf(w->out, "%s0x%llx-0x%llx", w->count++ ? "," : "", (unsigned long long)w->from, (unsigned long long)w->to);
	w->to = 0;
}

static void see_row(void *arg, uint64_t from, uint64_t to, const struct source_place *places, size_t count)
{
	struct wanted *w = arg;
	bool inside = false;
	for (size_t i = 0; i < count && !inside; i++)
		inside = places[i].line >= w->first && places[i].line <= w->last &&
			 strcmp(places[i].function, w->function) == 0 && strcmp(places[i].file, w->file) == 0;
	if (w->to && (!inside || from != w->to))
		write_range(w);
	if (!inside)
		return;
	if (!w->to)
		w->from = from;
	w->to = to;
}

const char *fix_ranges(struct fixing *f, const char *file, const char *function, int first, int last)
{
	char *text = NULL;
	size_t bytes;
	struct wanted w = {
		.file = file, .function = function, .first = first, .last = last, .out = open_memstream(&text, &bytes)};
	char **texts = realloc(f->texts, (f->text_count + 1) * sizeof *texts);
	if (!w.out || !texts) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	f->texts = texts;
	symbolise_rows(f->traces.module, file, see_row, &w);
	write_range(&w);
	fclose(w.out);
	f->texts[f->text_count++] = text;
	return *text ? text : NULL;
}

/* Trying -------------------------------------------------------------------------------------------------------------------------------- */

static void add_edit(struct words *words, const struct fix_edit *e)
{
	for (unsigned i = 0; i < e->site_count; i++) {
		unsigned long long site = e->site[i], second = e->second[i], third = e->third[i];
		words_add(words, e->kind == FIX_EDIT_ORDER ? "-W" : "-A");
		if (e->kind == FIX_EDIT_ORDER)
			words_add(words, "0x%llx=%s,%s", site, e->order, e->order_failed ? e->order_failed : e->order);
		else if (e->kind == FIX_EDIT_UPDATE && third)
			words_add(words, "0x%llx=%s,0x%llx,0x%llx", site, e->order, second, third);
		else if (e->kind == FIX_EDIT_UPDATE)
			words_add(words, "0x%llx=%s,0x%llx", site, e->order, second);
		else
			words_add(words, "0x%llx=%s", site, e->order);
	}
	if (e->kind != FIX_EDIT_LOCK)
		return;
	words_add(words, "-G");
	if (e->mutex)
		words_add(words, "0x%llx%s=%s", (unsigned long long)e->mutex, e->how >= FIX_LOCK_FIRST ? "!" : "", e->ranges);
	else
		words_add(words, "0=%s", e->ranges);
}

json_t *fix_explore(struct fixing *f, const struct fix_change *change, double limit_s, bool first)
{
	struct check_plan plan = *f->plan;
	struct check_explore_options options;
	struct words words = {0};
	json_t *answer = NULL;
	if (f->executions)
		plan.executions = f->executions;
	check_explore_options(&plan, limit_s, &options);
	/* A status that is never 0 is the program's own, and no reason to stop. */
	for (size_t i = 0; options.words[i]; i++)
		if (!first || f->ever_zero || strcmp(options.words[i], "--failing-status") != 0)
			words_add(&words, "%s", options.words[i]);
	if (first)
		words_add(&words, "--first");
	for (unsigned i = 0; change && i < change->count; i++)
		if (!change->edit[i].off)
			add_edit(&words, &change->edit[i]);
	f->file->time_limit_s = limit_s;
	f->file->quiet = true;
	explore_file_run(f->file, words.at, &answer);
	words_free(&words);
	return answer;
}

/* Is what speaks against a proof only what the program as it is has, too? */
static bool same_limits(const struct fixing *f, const json_t *answer)
{
	return json_equal(node_get(f->traces.answer, "caveat"), node_get(answer, "caveat")) &&
	       json_integer_value(node_get(answer, "cut")) == 0 && json_integer_value(node_get(answer, "diverged")) == 0 &&
	       !json_is_true(node_get(answer, "out_of_time"));
}

static double share(const struct fixing *f)
{
	double left = f->until - check_clock();
	return left > 2 ? left / 2 : left;
}

static void tell(struct fixing *f, const struct fix_change *change, const struct fix_trial *trial)
{
	if (f->plan->verbosity < 1)
		return;
	json_t *words = fix_change_short(&f->traces, change);
	const json_t *first = json_array_get(node_get(trial->result, "findings"), 0);
	fprintf(stderr, "onceproof: %s: %s: %s, %lld executions%s%s\n", f->subject->name, json_string_value(words),
		node_string(trial->result, "verdict"), trial->executions, first ? ": " : "",
		first ? node_string(first, "message") : "");
	json_decref(words);
}

static bool has_line(const json_t *finding, const json_t *line)
{
	size_t i;
	const json_t *other;
	json_array_foreach(node_get(finding, "locations"), i, other)
		if (json_equal(node_get(line, "file"), node_get(other, "file")) &&
			json_equal(node_get(line, "line"), node_get(other, "line")))
			return true;
	return false;
}

bool fix_same(const json_t *a, const json_t *b)
{
	size_t i;
	const json_t *line;
	if (!json_equal(node_get(a, "kind"), node_get(b, "kind")))
		return false;
	json_array_foreach(node_get(a, "locations"), i, line)
		if (!has_line(b, line))
			return false;
	json_array_foreach(node_get(b, "locations"), i, line)
		if (!has_line(a, line))
			return false;
	return true;
}

/* Has FINDING nothing to do with F's target? What goes wrong with values could come of it, whatever was changed to silence that. */
static bool independent(const struct fixing *f, const json_t *finding)
{
	static const char *const kinds[] = {"data-race", "deadlock", "lost-wakeup", "misuse", "leak"};
	size_t i;
	const json_t *line;
	bool fits = false;
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		fits |= strcmp(kinds[i], node_string(finding, "kind")) == 0;
	json_array_foreach(node_get(finding, "locations"), i, line)
		fits &= !has_line(f->target, line);
	return fits;
}

/* Is all that RESULT has known, and independent of F's target? */
static bool only_others(const struct fixing *f, const json_t *result)
{
	size_t i, k;
	const json_t *finding, *old;
	json_array_foreach(node_get(result, "findings"), i, finding) {
		bool known = false;
		json_array_foreach(node_get(f->baseline, "findings"), k, old)
			known |= fix_same(old, finding);
		if (!known || !independent(f, finding))
			return false;
	}
	return true;
}

static void conclude(const struct fixing *f, const json_t *answer, bool clean, struct fix_trial *out)
{
	const char *verdict = node_string(out->result, "verdict");
	bool whole = json_is_true(node_get(answer, "exhausted")) && !*node_string(answer, "bound");
	out->timed_out = json_is_true(node_get(answer, "out_of_time"));
	out->executions = (long long)json_integer_value(node_get(out->result, "executions"));
	snprintf(out->bound, sizeof out->bound, "%s", node_string(out->result, "bound"));
	out->proved = f->target ? whole && same_limits(f, answer) : strcmp(verdict, "proved") == 0;
	clean = clean || (f->target && only_others(f, out->result));
	out->proved = out->proved && clean;
	out->broken = !clean;
	/* What was looked for only briefly says nothing. */
	out->holds = out->proved || (clean && out->executions >= ENOUGH && same_limits(f, answer));
}

bool fix_try(struct fixing *f, const struct fix_change *change, struct fix_trial *out)
{
	*out = (struct fix_trial){0};
	double limit_s = share(f);
	if (f->tries >= TRIES_MAX || limit_s < 0.05)
		return false;
	f->tries++;
	/* Where others stay, the first one says nothing. */
	json_t *answer = fix_explore(f, change, limit_s, !f->target);
	if (!answer)
		return false;
	struct check_plan plan = *f->plan;
	plan.witness_folder = NULL;
	plan.shard = plan.shards = 1;
	bool clean = json_array_size(node_get(answer, "findings")) == 0;
	out->result = result_new(f->subject->name, f->subject->scenario, "explore", f->file->built.compiler);
	check_explore_judge(f->subject, &plan, f->file, answer, out->result);
	out->answer = answer;
	conclude(f, answer, clean, out);
	tell(f, change, out);
	return true;
}

void fix_trial_close(struct fix_trial *trial)
{
	json_decref(trial->result);
	json_decref(trial->answer);
	trial->result = trial->answer = NULL;
}
