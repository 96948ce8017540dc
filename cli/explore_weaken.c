/* SPDX-License-Identifier: MIT */
#include "explore_weaken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reports/result.h"
#include "../stress/child.h"
#include "../stress/explored.h"
#include "../stress/weaken.h"

enum { ITEMS_MAX = 64, WORDS_MAX = 256 };

struct subject {
	struct explore_weaken *w;
	const struct registered *about; /* NULL: the program */
	const struct scenario *scenario[ITEMS_MAX];
	size_t count;
	char title[160];
};

/* A comment may keep an order that no scenario needs: it says "kept" in one of the lines right above the operation. */
static bool kept_by_comment(const char *file, int line)
{
	bool kept = false;
	for (int above = 1; above <= 6 && line - above > 0 && !kept; above++) {
		char *text = source_line(file, line - above);
		kept = strstr(text, "kept") != NULL;
		bool end = !strchr(text, '*');
		free(text);
		if (end && above > 1)
			break;
	}
	return kept;
}

static json_t *explore_scenario(void *arg, size_t item, const char *const *words)
{
	struct subject *s = arg;
	const struct engine *engine = engine_find("explore");
	struct stress_plan plan = s->w->plan;
	plan.explore.further = words;
	/* The first round meets every operation; and what has bugs anyway must be looked at past the first. */
	plan.explore.first_only = strcmp(words[0], "--orders") != 0 && !s->about->about->missing;
	if (child_interrupted)
		return NULL;
	return engine_run(engine, s->about, s->scenario[item], &plan, helper_folder());
}

static const char *scenario_name(void *arg, size_t item)
{
	return ((const struct subject *)arg)->scenario[item]->name;
}

static json_t *explore_program(void *arg, size_t item, const char *const *further)
{
	struct subject *s = arg;
	char *words[WORDS_MAX];
	size_t n = 0;
	bool orders = strcmp(further[0], "--orders") == 0;
	(void)item;
	for (size_t i = 0; s->w->words[i]; i++)
		if (!orders || strcmp(s->w->words[i], "--first") != 0)
			words[n++] = s->w->words[i];
	for (size_t i = 0; further[i] && n < WORDS_MAX - 1; i++)
		words[n++] = (char *)further[i];
	words[n] = NULL;
	json_t *answer = NULL;
	if (child_interrupted || explore_file_run(s->w->file, words, &answer) != 0)
		return NULL;
	const struct explored what = {.module = s->w->file->built.program, .file = s->w->file->files[0], .shard = 1, .shards = 1};
	json_t *result = result_new(what.file, "program", "explore", compiler_name());
	explored_judge(result, &what, answer, "clean");
	json_object_set(result, "orders", json_object_get(answer, "orders"));
	json_object_set(result, "exhausted", json_object_get(answer, "exhausted"));
	json_decref(answer);
	return result;
}

static const char *program_name(void *arg, size_t item)
{
	(void)item;
	return ((const struct subject *)arg)->title;
}

static void began(void *arg, size_t step, const char *what)
{
	const struct subject *s = arg;
	if (s->w->text.status)
		fprintf(stderr, "\r\033[K%zu: %s", step, what);
}

static const char *member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* Why an order is needed: the first thing that broke. */
static void print_reason(const struct explore_weaken *w, const json_t *operation)
{
	size_t i;
	json_t *tried;
	json_array_foreach(json_object_get(operation, "tried"), i, tried) {
		const json_t *finding = json_object_get(tried, "finding");
		if (json_is_object(finding)) {
			printf("    as %s: %s in %s: %s\n", member(tried, "order"), member(finding, "kind"),
				member(tried, "item"), member(finding, "message"));
			if (w->text.verbose)
				stress_text_finding(&w->text, finding);
		} else {
			printf("    as %s: %s, %" JSON_INTEGER_FORMAT " executions\n", member(tried, "order"),
				strcmp(member(tried, "verdict"), "holds") == 0 ? "holds in all executions"
									       : "nothing found, not exhausted",
				json_integer_value(json_object_get(tried, "executions")));
		}
	}
}

/* Prints and counts; returns an exit status. */
static int tell(const struct explore_weaken *w, const char *title, json_t *operations)
{
	size_t i, weaker = 0, open = 0, needed = 0, kept = 0;
	json_t *operation;
	if (w->text.status)
		fputs("\r\033[K", stderr);
	if (w->text.lines)
		printf("%s\n", title);
	json_array_foreach(operations, i, operation) {
		const char *verdict = member(operation, "verdict"), *half = member(operation, "half");
		int line = (int)json_integer_value(json_object_get(operation, "line"));
		bool could = strcmp(verdict, "weaker") == 0, excused = could && kept_by_comment(member(operation, "file"), line);
		json_object_set_new(operation, "kept", json_boolean(excused));
		kept += excused;
		weaker += could && !excused;
		open += strcmp(verdict, "open") == 0;
		needed += strcmp(verdict, "needed") == 0;
		if (!w->text.lines || strcmp(verdict, "weakest") == 0)
			continue;
		const char *order = strcmp(half, "failure") == 0 ? member(operation, "order_failed") : member(operation, "order");
		printf("  %s:%d  %s%s%s %s: ", member(operation, "file"), line, member(operation, "operation"),
			*half ? " on " : "", half, order);
		if (could)
			printf("could be %s%s\n", member(operation, "could_be"), excused ? " (kept: the comment says why)" : "");
		else
			printf("%s\n", strcmp(verdict, "open") == 0 ? "not refuted and not proved" : "needed");
		print_reason(w, operation);
	}
	if (w->text.lines)
		printf("  %zu needed, %zu could be weaker, %zu kept by a comment, %zu open\n", needed, weaker, kept, open);
	return weaker ? EXIT_BROKEN : open ? EXIT_INCONCLUSIVE : EXIT_HOLDS;
}

static int worse(int a, int b)
{
	static const int order[] = {EXIT_HOLDS, EXIT_INCONCLUSIVE, EXIT_BROKEN, EXIT_USAGE};
	int rank_a = 0, rank_b = 0;
	for (int i = 0; i < 4; i++) {
		rank_a = order[i] == a ? i : rank_a;
		rank_b = order[i] == b ? i : rank_b;
	}
	return rank_a > rank_b ? a : b;
}

/* WEAKEN is complete but for what subject S adds. */
static int one(struct subject *s, struct weaken *weaken, json_t *all)
{
	weaken->items = s->count;
	weaken->began = began;
	weaken->arg = s;
	json_t *operations = weaken_all(weaken);
	if (!operations)
		return EXIT_INCONCLUSIVE;
	int status = child_interrupted ? EXIT_INCONCLUSIVE : tell(s->w, s->title, operations);
	json_array_append_new(all, json_pack("{s:s, s:o}", "subject", s->title, "operations", operations));
	return status;
}

static int finish(const struct explore_weaken *w, json_t *all, int status)
{
	json_t *report = report_new(w->plan.seed);
	json_object_set_new(report, "orders", all);
	if (w->json && report_write(report, w->json) != 0)
		status = EXIT_USAGE;
	json_decref(report);
	return status;
}

int explore_weaken_subjects(struct explore_weaken *w)
{
	const struct engine *engine = engine_find("explore");
	char *worker = helper_program(engine->worker);
	json_t *all = json_array();
	int status = EXIT_HOLDS;
	size_t matched = 0;
	if (engine->missing()) {
		complain("explore: %s", engine->missing());
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < onceproof_registry_count && !child_interrupted; i++) {
		struct subject s = {.w = w, .about = &onceproof_registry[i]};
		snprintf(s.title, sizeof s.title, "%s/%s", family_name(s.about->about->family), s.about->about->name);
		for (size_t g = 0; g < scenario_group_count; g++)
			for (size_t k = 0; k < scenario_groups[g]->count; k++) {
				const struct scenario *scenario = &scenario_groups[g]->list[k];
				if (s.count < ITEMS_MAX && scenario_applies(scenario, s.about->about) &&
					engine_runs(engine, scenario) &&
					filter_matches(w->globs, w->glob_count, s.title, scenario->name))
					s.scenario[s.count++] = scenario;
			}
		if (!s.count || (engine_blind_spots(engine) & s.about->about->features))
			continue;
		matched++;
		struct weaken weaken = {
			.explore = explore_scenario, .item_name = scenario_name, .module = worker, .file = s.about->file};
		status = worse(status, one(&s, &weaken, all));
	}
	free(worker);
	if (!matched) {
		complain("explore: no implementation and scenario match; try 'counter/*', or 'onceproof list'");
		status = EXIT_USAGE;
	}
	return finish(w, all, status);
}

int explore_weaken_program(struct explore_weaken *w)
{
	struct subject s = {.w = w, .count = 1};
	json_t *all = json_array();
	snprintf(s.title, sizeof s.title, "%s", w->file->files[0]);
	struct weaken weaken = {.explore = explore_program, .item_name = program_name, .module = w->file->built.program};
	int status = one(&s, &weaken, all);
	return finish(w, all, status);
}
