/* SPDX-License-Identifier: MIT */
/* onceproof stress: runs scenarios by engines and holds the contracts against what they saw. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/child.h"
#include "../stress/contracts.h"
#include "../stress/suite.h"
#include "cli.h"
#include "stress_text.h"

struct arguments {
	struct common common;
	struct suite_options suite;
	char **globs;
	size_t glob_count;
	const char *engines;
	struct stress_text text;
	const char *html; /* --html FILE or NULL */
};

enum { KEY_ENGINE = 0x100, KEY_SECONDS, KEY_EFFORT, KEY_FULL, KEY_WITNESS, KEY_HTML };

static const struct argp_option options[] = {
	{"engine", KEY_ENGINE, "LIST", 0,
		"engines, separated by commas: native, tsan, explore, sequential, helgrind, drd (default: the first four)", 0},
	{"seconds", KEY_SECONDS, "S", 0, "start nothing new after S seconds; what was not reached is inconclusive", 0},
	{"effort", KEY_EFFORT, "F", 0, "multiply the planned executions by F, 0.001 to 1000 (default 1)", 0},
	{"full", KEY_FULL, NULL, 0,
		"every choice of initialiser x counter x progress in the pipeline, instead of a covering selection", 0},
	{"witness", KEY_WITNESS, "DIR", 0,
		"write a witness for each finding of the explorer there, for `onceproof replay` (default: none)", 0},
	{"html", KEY_HTML, "FILE", 0, "write the findings as one page, with source and interleaving", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->common;
		return 0;
	case KEY_ENGINE:
		a->engines = arg;
		return 0;
	case KEY_SECONDS:
		a->suite.seconds = parse_fraction("--seconds", arg, 0.001, 1e6);
		return 0;
	case KEY_EFFORT:
		a->suite.plan.effort = parse_fraction("--effort", arg, 0.001, 1000);
		return 0;
	case KEY_FULL:
		a->suite.all_batches = true;
		return 0;
	case KEY_HTML:
		a->html = output_file("--html", arg);
		return 0;
	case KEY_WITNESS:
		a->suite.plan.explore.witness_folder = arg;
		return 0;
	case ARGP_KEY_ARGS:
		a->globs = state->argv + state->next;
		a->glob_count = (size_t)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void choose_engines(struct arguments *a)
{
	char *list = strdup(a->engines), *rest = list;
	size_t count = 0;
	for (char *name; (name = strsep(&rest, ",")) != NULL;) {
		const struct engine *engine = engine_find(name);
		if (!engine) {
			complain(
				"--engine: there is no engine '%s'; choose from native, tsan, explore, sequential, helgrind, drd",
				name);
			exit(EXIT_USAGE);
		}
		for (size_t i = 0; i < count; i++)
			if (a->suite.engines[i] == engine)
				engine = NULL;
		if (engine)
			a->suite.engines[count++] = engine;
	}
	free(list);
}

static bool wanted(void *arg, const char *subject, const char *scenario)
{
	struct arguments *a = arg;
	return filter_matches(a->globs, a->glob_count, subject, scenario);
}

static void began(void *arg, size_t index, size_t count, const char *engine, const char *subject, const char *scenario)
{
	struct arguments *a = arg;
	stress_text_began(&a->text, index, count, engine, subject, scenario);
}

static void ended(void *arg, const json_t *result)
{
	struct arguments *a = arg;
	stress_text_ended(&a->text, result);
}

static int run(int argc, char **argv)
{
	struct arguments a = {.common = common_defaults(), .engines = "native,tsan,explore,sequential"};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {options, parse, "[FILTER...]",
		"Runs scenarios on implementations, by engines, and holds what they promise against what was seen.\v"
		"FILTER is a glob on family/implementation[/scenario], for example 'counter/*' or "
		"'initialiser/naive/first_use'.\n\n"
		"Exit status: 0 contracts as stated, 1 a contract broken, 2 usage or environment, 3 inconclusive.",
		children, NULL, NULL};
	a.suite.plan.effort = 1;
	command_parse(&argp, argc, argv, &a);
	choose_engines(&a);
	a.suite.plan.seed = a.common.seed;
	a.suite.shard = a.common.shard;
	a.suite.shards = a.common.shards;
	a.suite.programs = helper_folder();
	a.suite.wanted = wanted;
	a.suite.began = began;
	a.suite.ended = ended;
	a.suite.arg = &a;
	bool to_stdout = a.common.json && strcmp(a.common.json, "-") == 0;
	a.text = stress_text_new(&a.common, !to_stdout);
	if (suite_count(&a.suite) == 0) {
		complain("stress: no implementation and scenario of these engines match '%s'; try 'counter/*', or 'onceproof "
			 "list'",
			a.glob_count ? a.globs[0] : "");
		return EXIT_USAGE;
	}
	child_catch_interrupts();
	json_t *report = report_new(a.common.seed);
	int complaints_before = complaints();
	bool whole = suite_run(&a.suite, report);
	json_t *contracts = contracts_from(json_object_get(report, "results"));
	json_object_set_new(report, "contracts", contracts);
	if (a.common.shards > 1)
		json_object_set_new(report, "shard", json_sprintf("%u/%u", a.common.shard, a.common.shards));
	stress_text_summary(&a.text, report, a.common.seed);
	int failed = a.suite.plan.explore.witness_folder && complaints() > complaints_before; /* one that could not be written */
	report_complete(report);
	if (a.common.json)
		failed |= report_write(report, a.common.json);
	if (a.common.junit)
		failed |= render_junit(report, a.common.junit);
	if (a.common.sarif)
		failed |= render_sarif(report, a.common.sarif);
	if (a.html)
		failed |= render_witness_page(report, a.html);
	int status = failed ? EXIT_USAGE : stress_exit_status(report);
	if (!failed && !whole) {
		complain("stress: interrupted: what was measured so far is reported, marked partial");
		status = status == EXIT_BROKEN ? status : EXIT_INCONCLUSIVE;
	}
	json_decref(report);
	return status;
}

extern const struct command command_stress;
const struct command command_stress = {"stress", "run scenarios by engines and check every promise", run};
