/* SPDX-License-Identifier: MIT */
/* The explorer on a user's program. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "../engine.h"
#include "../explore_file.h"
#include "../explored.h"
#include "engines.h"

/* What fits one second on a slow and loaded machine: so the plan, not the clock, ends most searches. */
enum { EXECUTIONS_PER_S = 20000, STEPS_PER_S = 600000 };
#define FIX_SHARE 0.4

static json_t *word_list(char *const *words, size_t count)
{
	json_t *list = node_must(json_array());
	for (size_t i = 0; i < count; i++)
		node_append(list, node_text(words[i]));
	return list;
}

/* What a witness needs to be run again. */
static json_t *recipe(const struct check_subject *subject)
{
	const struct program_source *source = &subject->source;
	json_t *program = node_must(json_object());
	node_set(program, "files", word_list(source->files, source->file_count));
	node_set(program, "flags", word_list(source->flags, source->flag_count));
	node_set(program, "arguments", word_list(subject->arguments, subject->argument_count));
	node_set(program, "input", node_text(subject->input));
	node_set(program, "compiler", node_text(source->compiler));
	node_set(program, "optimise", node_text(source->optimise));
	if (subject->exe) {
		node_set(program, "exe", node_text(subject->exe));
		node_set(program, "database", node_text(subject->database));
	}
	node_set(program, "failing_status", json_true());
	return program;
}

void check_explore_options(const struct check_plan *plan, double limit_s, struct check_explore_options *o)
{
	uint64_t executions = plan->executions ? plan->executions : (uint64_t)(plan->budget_s * EXECUTIONS_PER_S);
	size_t n = 0;
	snprintf(o->store[0], sizeof o->store[0], "--executions=%llu", (unsigned long long)(executions ? executions : 1));
	snprintf(o->store[1], sizeof o->store[1], "--seed=%llu", (unsigned long long)plan->seed);
	snprintf(o->store[2], sizeof o->store[2], "--time-limit=%g", limit_s);
	o->words[n++] = o->store[0];
	o->words[n++] = o->store[1];
	o->words[n++] = o->store[2];
	o->words[n++] = (char *)"-m";
	o->words[n++] = (char *)(plan->model ? plan->model : "rc11");
	o->words[n++] = (char *)"-S";
	o->words[n++] = (char *)(plan->strategy ? plan->strategy : "auto");
	if (!check_promised(plan, "leak"))
		o->words[n++] = (char *)"--no-leaks";
	o->words[n++] = (char *)"--failing-status";
	if (plan->progress)
		o->words[n++] = (char *)"--progress";
	if (plan->shards > 1) {
		snprintf(o->store[3], sizeof o->store[3], "--shard=%u/%u", plan->shard, plan->shards);
		o->words[n++] = o->store[3];
	}
	if (plan->jobs > 1) {
		snprintf(o->store[4], sizeof o->store[4], "--jobs=%u", plan->jobs);
		o->words[n++] = o->store[4];
	}
	if (!plan->executions) {
		snprintf(o->store[5], sizeof o->store[5], "--steps=%llu", (unsigned long long)(plan->budget_s * STEPS_PER_S));
		o->words[n++] = o->store[5];
	}
	o->words[n++] = (char *)"--soon";
	o->words[n] = NULL;
}

/* An exit status that is the same whatever the schedule is the program's own business; one that differs is a finding. */
static void judge_statuses(json_t *answer, json_t *result)
{
	json_t *findings = json_object_get(answer, "findings"), *counts = json_object_get(answer, "outcomes"), *it;
	size_t i;
	bool zero = false;
	long long status = 0;
	json_array_foreach(json_object_get(answer, "statuses"), i, it) {
		zero |= json_integer_value(it) == 0 && json_integer_value(json_array_get(counts, i)) > 0;
		if (json_integer_value(it) != 0)
			status = json_integer_value(it);
	}
	char text[160];
	for (i = 0; i < json_array_size(findings);) {
		json_t *found = json_array_get(findings, i);
		if (strcmp(node_string(found, "kind"), "forbidden-outcome") != 0) {
			i++;
		} else if (zero) {
			snprintf(text, sizeof text,
				"the exit status depends on the schedule: it is %lld here, and 0 in other executions", status);
			json_object_set_new(found, "message", node_text(text));
			i++;
		} else {
			json_array_remove(findings, i);
		}
	}
	bool alone = json_integer_value(json_object_get(answer, "threads")) == 1;
	if (alone)
		check_note(result, "no thread was started: there was nothing to meet");
	/* Most likely a usage message: nothing of interest was checked. */
	bool nothing = alone && !zero && status && !*node_string(answer, "caveat");
	if (nothing)
		node_set(result, "nothing_ran", json_true());
	if (nothing)
		json_object_set_new(answer, "caveat",
			json_sprintf("the program ended with exit status %lld before it started a thread: does it need arguments "
				     "(--arg) or input (--input)?",
				status));
	else if (!zero && status) {
		snprintf(text, sizeof text,
			"the program ended with exit status %lld in every execution: does it need arguments (--arg) or input "
			"(--input)?",
			status);
		check_note(result, text);
	}
}

/* Findings that refute nothing that was asked for are notes. */
static void drop_unasked(const struct check_plan *plan, json_t *answer, json_t *result)
{
	json_t *findings = json_object_get(answer, "findings");
	for (size_t i = 0; i < json_array_size(findings);) {
		const char *kind = node_string(json_array_get(findings, i), "kind");
		char text[96];
		/* That a schedule led elsewhere than before makes the search doubtful, not the program wrong. */
		if (strcmp(kind, "nondeterminism") == 0) {
			check_note(result, "an execution went another way than its schedule says: the program depends on "
					   "something that is not under control");
			json_array_remove(findings, i);
			continue;
		}
		if (check_promised(plan, kind)) {
			i++;
			continue;
		}
		snprintf(text, sizeof text, "a finding of kind %.40s was seen, which --promise leaves out", kind);
		check_note(result, text);
		json_array_remove(findings, i);
	}
}

/* As a user would write PATH: relative to the current folder where it lies there. */
static const char *relative(const char *path)
{
	char here[PATH_MAX];
	size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
	return length > 1 && strncmp(path, here, length) == 0 && path[length] == '/' ? path + length + 1 : path;
}

void check_explore_judge(const struct check_subject *subject, const struct check_plan *plan, const struct explore_file *file,
	json_t *answer, json_t *result)
{
	json_t *program = recipe(subject);
	const struct explored what = {.module = file->built.program,
		.file = relative(subject->source.files[0]),
		.part = strcmp(subject->scenario, "program") != 0 ? subject->scenario : NULL,
		.shard = plan->shard ? plan->shard : 1,
		.shards = plan->shards ? plan->shards : 1,
		.witness_folder = plan->witness_folder,
		.program = program};
	judge_statuses(answer, result);
	drop_unasked(plan, answer, result);
	explored_judge(result, &what, answer, "clean");
	node_set(result, "output", json_incref(json_object_get(answer, "output")));
	json_decref(program);
}

/* A line of progress from the worker. */
static bool hear(void *arg, const char *line)
{
	const struct check_plan *plan = arg;
	unsigned long long executions, distinct;
	double estimate;
	if (sscanf(line, "progress %llu %llu %lf", &executions, &distinct, &estimate) != 3)
		return false;
	plan->progress(plan->arg, executions, estimate);
	return true;
}

int check_run_explore(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result)
{
	const struct program_source *source = &subject->source;
	char reason[512] = "";
	struct explore_file file = {.files = source->files,
		.file_count = source->file_count,
		.flags = source->flags,
		.flag_count = source->flag_count,
		.units = source->units,
		.compiler = source->compiler,
		.optimise = source->optimise,
		.helpers = plan->helpers,
		.arguments = subject->arguments,
		.argument_count = subject->argument_count,
		.input = subject->input,
		.time_limit_s = limit_s,
		.quiet = true,
		.reason = reason,
		.reason_bytes = sizeof reason,
		.checkpoint = plan->checkpoint,
		.checkpoint_name = subject->scenario,
		.heard = plan->progress ? hear : NULL,
		.heard_arg = (void *)(uintptr_t)plan,
		.verbosity = plan->verbosity};
	const char *why = program_unexplored(source->flags, source->flag_count);
	if (!why && engine_find("explore")->missing())
		why = engine_find("explore")->missing();
	if (why) {
		result_judge(result, "skipped", "clean", why);
		return 0;
	}
	double began = check_clock();
	int status = explore_file_build(&file);
	if (status)
		return status;
	node_set(result, "compiler", node_text(file.built.compiler));
	if (file.built.reads_files)
		node_set(result, "reads_files", json_true());
	/* Compiling belongs to the budget, but a slow compiler must not leave nothing for the search. */
	double until = began + limit_s;
	limit_s = until - check_clock();
	struct check_explore_options options;
	check_explore_options(plan, limit_s > 0.5 ? limit_s : 0.5, &options);
	json_t *answer = NULL;
	file.time_limit_s = limit_s > 0.5 ? limit_s : 0.5;
	if (explore_file_run(&file, options.words, &answer) == 0)
		check_explore_judge(subject, plan, &file, answer, result);
	else
		result_judge(result, "inconclusive", "clean", *reason ? reason : "the explorer could not be run");
	/* A finding is the answer; looking for its change may take what the search left, but nobody waits long for it. */
	double left = until - check_clock(), most = plan->budget_s * FIX_SHARE;
	if (plan->fixes && answer && left > 0.5 && strcmp(node_string(result, "verdict"), "bug") == 0) {
		json_t *first = json_array_get(node_get(result, "findings"), 0);
		check_fix_bounded(subject, plan, result, first, left < most ? left : most);
	}
	json_decref(answer);
	explore_file_close(&file);
	return 0;
}
