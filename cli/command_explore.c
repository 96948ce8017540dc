/* SPDX-License-Identifier: MIT */
/* onceproof explore: scenarios, or a whole program, under every schedule that a search comes to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/build_identity.h"
#include "../stress/child.h"
#include "../stress/contracts.h"
#include "../stress/explore_file.h"
#include "../stress/explored.h"
#include "../stress/suite.h"
#include "cli.h"
#include "explore_checkpoint.h"
#include "explore_fix.h"
#include "explore_weaken.h"
#include "stress_text.h"

enum { SEARCH_OPTIONS_MAX = 16, PROGRAM_BUDGET = 400000 };

struct arguments {
	struct common common;
	struct suite_options suite;
	struct explore_file file; /* of a whole program: files and what stands behind -- */
	const char *search_options[SEARCH_OPTIONS_MAX + 1];
	size_t search_option_count;
	char **words; /* filters or files */
	size_t word_count, program_arguments;
	struct stress_text text;
	const char *html; /* --html FILE or NULL */
	bool weaken, fix;
	struct explore_checkpoint checkpoint;
};

enum {
	KEY_STRATEGY = 0x100,
	KEY_BUDGET,
	KEY_TIME_LIMIT,
	KEY_MODEL,
	KEY_WITNESS,
	KEY_FIRST,
	KEY_WEAKEN,
	KEY_ARG,
	KEY_INPUT,
	KEY_FIX,
	KEY_ISOLATE,
	KEY_HTML,
	KEY_CHECKPOINT,
	KEY_RESUME,
	KEY_CHECKPOINT_EVERY
};

static const struct argp_option options[] = {
	{"strategy", KEY_STRATEGY, "NAME", 0,
		"auto (a plan of the others), dpor (all executions, each class once), bound (few preemptions first), random, "
		"pct, "
		"pos, surw or rff (default auto)",
		0},
	{"model", KEY_MODEL, "MODEL", 0, "sc (sequential consistency) or rc11 (C11 without load buffering; default)", 0},
	{"budget", KEY_BUDGET, "N", 0,
		"executions of each search (default: 2000000 for a scenario, 5000 for a batch, 400000 for a program)", 0},
	{"time-limit", KEY_TIME_LIMIT, "S", 0, "stop each search after S seconds; then it is inconclusive", 0},
	{"option", 'o', "KEY=VALUE", 0, "an option of the search, for example depth=3 of pct", 0},
	{"weaken", KEY_WEAKEN, NULL, 0,
		"try every atomic operation with weaker memory orders: which are needed, and which could be weaker?", 0},
	{"first", KEY_FIRST, NULL, 0, "end each search with its first finding", 0},
	{"jobs", 'j', "N", 0,
		"processes at once, 1 to 256 (default 1): one for each search, and several in one where there are fewer "
		"searches; "
		"results stay the same",
		0},
	{"witness", KEY_WITNESS, "DIR", 0, "where witnesses go, for `onceproof replay` (default onceproof-witness)", 0},
	{"html", KEY_HTML, "FILE", 0, "write the findings as one page, with source and interleaving", 0},
	{"checkpoint", KEY_CHECKPOINT, "FILE", 0,
		"keep what was done there, so that --resume can go on from it after any kind of end", 0},
	{"resume", KEY_RESUME, NULL, 0,
		"go on from the file of --checkpoint, with its seed if none is given; the result is that of a run without "
		"interruption",
		0},
	{"checkpoint-every", KEY_CHECKPOINT_EVERY, "S", 0, "how often something is kept (default 1 second)", 0},
	{NULL, 0, NULL, 0, "For a program FILE.c:", 10},
	{"arg", KEY_ARG, "WORD", 0, "an argument of the program; may be repeated", 10},
	{"fix", KEY_FIX, NULL, 0, "look for a change that mends what was found, and explore the changed program to verify it",
		10},
	{"input", KEY_INPUT, "FILE", 0, "its standard input (default: empty)", 10},
	{"isolate", KEY_ISOLATE, NULL, OPTION_HIDDEN,
		"each execution in a process of its own, also where the program does not need it", 10},
	{0},
};

static void set_model(struct arguments *a, const char *model)
{
	if (strcmp(model, "sc") != 0 && strcmp(model, "rc11") != 0) {
		complain("--model: '%s' is not sc or rc11", model);
		exit(EXIT_USAGE);
	}
	a->suite.plan.explore.model = model;
}

static void set_strategy(struct arguments *a, const char *name)
{
	static const char *const names[] = {"auto", "dpor", "bound", "random", "pct", "pos", "surw", "rff"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			a->suite.plan.explore.strategy = names[i];
			return;
		}
	complain("--strategy: there is no '%s'; choose from auto, dpor, bound, random, pct, pos, surw, rff", name);
	exit(EXIT_USAGE);
}

static void add_search_option(struct arguments *a, const char *word)
{
	const char *equals = strchr(word, '=');
	if (!equals || equals == word || a->search_option_count == SEARCH_OPTIONS_MAX) {
		complain("--option: '%s' is not KEY=VALUE, or there are more than %d", word, SEARCH_OPTIONS_MAX);
		exit(EXIT_USAGE);
	}
	a->search_options[a->search_option_count++] = word;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	struct explore_plan *plan = &a->suite.plan.explore;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->common;
		return 0;
	case KEY_STRATEGY:
		set_strategy(a, arg);
		return 0;
	case KEY_MODEL:
		set_model(a, arg);
		return 0;
	case KEY_BUDGET:
		plan->executions = parse_number("--budget", arg, 1, UINT64_MAX >> 1);
		return 0;
	case KEY_TIME_LIMIT:
		a->suite.plan.time_limit_s = parse_fraction("--time-limit", arg, 0.001, 1e6);
		return 0;
	case 'o':
		add_search_option(a, arg);
		return 0;
	case KEY_FIRST:
		plan->first_only = true;
		return 0;
	case KEY_WEAKEN:
		a->weaken = true;
		return 0;
	case 'j':
		a->suite.jobs = (unsigned)parse_number("--jobs", arg, 1, 256);
		return 0;
	case KEY_CHECKPOINT:
		a->checkpoint.path = arg;
		return 0;
	case KEY_RESUME:
		a->checkpoint.resume = true;
		return 0;
	case KEY_CHECKPOINT_EVERY:
		a->checkpoint.every_s = parse_fraction("--checkpoint-every", arg, 0, 86400);
		return 0;
	case KEY_WITNESS:
		plan->witness_folder = arg;
		return 0;
	case KEY_HTML:
		a->html = output_file("--html", arg);
		return 0;
	case KEY_FIX:
		a->fix = true;
		return 0;
	case KEY_ARG:
		((char **)a->file.arguments)[a->program_arguments++] = arg;
		return 0;
	case KEY_INPUT:
		a->file.input = arg;
		return 0;
	case KEY_ISOLATE:
		a->file.isolate = true;
		return 0;
	case ARGP_KEY_ARGS:
		a->words = state->argv + state->next;
		a->word_count = (size_t)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool is_file(const char *word)
{
	static const char *const ends[] = {".c", ".cc", ".cpp", ".cxx"};
	size_t length = strlen(word);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (length > strlen(ends[i]) && strcmp(word + length - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static bool wanted(void *arg, const char *subject, const char *scenario)
{
	struct arguments *a = arg;
	return filter_matches(a->words, a->word_count, subject, scenario);
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

static void progress(
	void *arg, const char *subject, const char *scenario, uint64_t executions, uint64_t distinct, double estimate)
{
	char of[48] = "";
	(void)arg;
	if (estimate > 0)
		snprintf(of, sizeof of, " of about %.3g", estimate);
	fprintf(stderr, "\r\033[K%s %s: %llu executions%s, %llu distinct", subject, scenario, (unsigned long long)executions, of,
		(unsigned long long)distinct);
}

/* The same from a whole program's worker. */
static bool hear_program(void *arg, const char *line)
{
	const struct arguments *a = arg;
	unsigned long long executions, distinct;
	double estimate;
	if (sscanf(line, "progress %llu %llu %lf", &executions, &distinct, &estimate) != 3)
		return false;
	progress(arg, a->words[0], "", executions, distinct, estimate);
	return true;
}

/* Writes what was asked for; an exit status. */
static int finish(struct arguments *a, json_t *report, int status, bool whole, int complaints_before)
{
	/* A witness that could not be written has complained. */
	int failed = complaints() > complaints_before;
	if (a->common.shards > 1)
		json_object_set_new(report, "shard", json_sprintf("%u/%u", a->common.shard, a->common.shards));
	report_complete(report);
	if (a->common.json)
		failed |= report_write(report, a->common.json);
	if (a->common.junit)
		failed |= render_junit(report, a->common.junit);
	if (a->common.sarif)
		failed |= render_sarif(report, a->common.sarif);
	if (a->html)
		failed |= render_witness_page(report, a->html);
	if (!failed && !whole) {
		complain("explore: interrupted: what was explored so far is reported, marked partial%s",
			a->checkpoint.path ? "; --resume goes on from its checkpoint" : "");
		status = status == EXIT_BROKEN ? status : EXIT_INCONCLUSIVE;
	}
	json_decref(report);
	return failed ? EXIT_USAGE : status;
}

/* The workers that explore scenarios and batches. */
static json_t *scenarios_build(const char *programs)
{
	static const char *const workers[] = {"onceproof-explore", "onceproof-explore-batch"};
	json_t *list = json_array();
	for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
		char path[4096], build[BUILD_IDENTITY_BYTES];
		snprintf(path, sizeof path, "%s/%s", programs, workers[i]);
		build_identity(path, build);
		json_array_append_new(list, json_string(build));
	}
	return list;
}

static int explore_scenarios(struct arguments *a)
{
	a->suite.engines[0] = engine_find("explore");
	a->suite.shard = a->suite.shards = 1; /* shards split each search, not the list */
	a->suite.programs = helper_folder();
	a->suite.wanted = wanted;
	a->suite.began = began;
	a->suite.ended = ended;
	a->suite.arg = a;
	size_t count = suite_count(&a->suite);
	if (count == 0) {
		complain("explore: no implementation and scenario match '%s'; try 'counter/*', or 'onceproof list'",
			a->word_count ? a->words[0] : "");
		return EXIT_USAGE;
	}
	if (!explore_checkpoint_open(&a->checkpoint, &a->common, &a->suite.plan.explore, a->words, a->word_count,
		    scenarios_build(a->suite.programs)))
		return EXIT_USAGE;
	a->suite.plan.explore.checkpoint = a->checkpoint.file;
	if (count < a->suite.jobs)
		a->suite.plan.explore.jobs = a->suite.jobs / (unsigned)count;
	child_catch_interrupts();
	json_t *report = report_new(a->common.seed);
	int before = complaints();
	bool whole = suite_run(&a->suite, report);
	checkpoint_close(a->checkpoint.file);
	json_object_set_new(report, "contracts", contracts_from(json_object_get(report, "results")));
	stress_text_summary(&a->text, report, a->common.seed);
	return finish(a, report, stress_exit_status(report), whole, before);
}

/* The options of the worker that runs a whole program; `store` keeps the words that are made here. */
static void program_words(const struct arguments *a, char **words, char store[5][48])
{
	const struct stress_plan *plan = &a->suite.plan;
	size_t n = 0;
	snprintf(store[0], sizeof store[0], "--executions=%llu",
		(unsigned long long)(plan->explore.executions ? plan->explore.executions : PROGRAM_BUDGET));
	snprintf(store[1], sizeof store[1], "--seed=%llu", (unsigned long long)plan->seed);
	snprintf(store[2], sizeof store[2], "--time-limit=%g", plan->time_limit_s);
	snprintf(store[3], sizeof store[3], "--shard=%u/%u", a->common.shard, a->common.shards);
	words[n++] = store[0];
	words[n++] = store[1];
	words[n++] = (char *)"-m";
	words[n++] = (char *)plan->explore.model;
	words[n++] = (char *)"-S";
	words[n++] = (char *)plan->explore.strategy;
	if (plan->time_limit_s > 0)
		words[n++] = store[2];
	if (a->common.shards > 1)
		words[n++] = store[3];
	if (a->suite.jobs > 1 && !a->weaken) {
		snprintf(store[4], sizeof store[4], "--jobs=%u", a->suite.jobs);
		words[n++] = store[4];
	}
	if (plan->explore.first_only)
		words[n++] = (char *)"--first";
	if (plan->explore.progress)
		words[n++] = (char *)"--progress";
	for (size_t i = 0; i < a->search_option_count; i++) {
		words[n++] = (char *)"-o";
		words[n++] = (char *)a->search_options[i];
	}
	words[n] = NULL;
}

static json_t *word_list(char *const *words, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

/* --weaken: of every subject that matches, or of a program. */
static int weaken(struct arguments *a)
{
	struct explore_weaken w = {
		.globs = a->words, .glob_count = a->word_count, .plan = a->suite.plan, .json = a->common.json, .text = a->text};
	w.plan.explore.progress = NULL;
	w.plan.explore.first_only = true;
	child_catch_interrupts();
	if (!a->word_count || !is_file(a->words[0]))
		return explore_weaken_subjects(&w);
	char *words[2 * SEARCH_OPTIONS_MAX + 16], store[5][48];
	a->file.verbosity = a->common.verbosity;
	a->file.helpers = helper_folder();
	int status = explore_file_build(&a->file);
	if (status)
		return status;
	a->suite.plan.explore.first_only = true;
	program_words(a, words, store);
	w.file = &a->file;
	w.words = words;
	status = explore_weaken_program(&w);
	explore_file_close(&a->file);
	return status;
}

/* Users' files: 0 clean, 1 a finding, 3 inconclusive. */
static int explore_program(struct arguments *a)
{
	char *words[2 * SEARCH_OPTIONS_MAX + 16], store[5][48];
	json_t *answer = NULL;
	a->file.time_limit_s = a->suite.plan.time_limit_s;
	a->file.verbosity = a->common.verbosity;
	a->file.helpers = helper_folder();
	a->file.heard = a->suite.plan.explore.progress ? hear_program : NULL;
	a->file.heard_arg = a;
	child_catch_interrupts();
	int status = explore_file_build(&a->file);
	if (status)
		return status;
	json_t *program = json_pack("{s:o, s:o, s:o, s:s?, s:s?, s:s?}", "files", word_list(a->file.files, a->file.file_count),
		"flags", word_list(a->file.flags, a->file.flag_count), "arguments",
		word_list(a->file.arguments, a->file.argument_count), "input", a->file.input, "compiler", a->file.compiler,
		"optimise", a->file.optimise);
	program_words(a, words, store);
	char build[BUILD_IDENTITY_BYTES];
	build_identity_of_program(a->file.built.program, program, build);
	status = explore_checkpoint_open(
			 &a->checkpoint, &a->common, &a->suite.plan.explore, a->words, a->word_count, json_string(build))
			 ? 0
			 : EXIT_USAGE;
	a->file.checkpoint = a->checkpoint.file;
	a->file.checkpoint_name = a->words[0];
	if (!status)
		status = explore_file_run(&a->file, words, &answer);
	checkpoint_close(a->checkpoint.file);
	if (status) {
		json_decref(program);
		explore_file_close(&a->file);
		return status;
	}
	explore_checkpoint_tell(&a->checkpoint, &a->common, answer);
	const struct explored what = {.module = a->file.built.program,
		.file = a->file.files[0],
		.shard = a->common.shard,
		.shards = a->common.shards,
		.witness_folder = a->suite.plan.explore.witness_folder,
		.program = program};
	int before = complaints();
	json_t *report = report_new(a->common.seed),
	       *result = result_new(what.file, "program", "explore", a->file.built.compiler);
	explored_judge(result, &what, answer, "clean");
	json_object_set(result, "output", json_object_get(answer, "output"));
	json_array_append(json_object_get(report, "results"), result);
	if (a->fix)
		explore_fix(&a->file, &a->suite.plan, result);
	stress_text_ended(&a->text, result);
	if (a->text.lines)
		explore_fix_tell(result);
	if (a->text.lines)
		printf("\nThe same plan again: --seed=%llu (the same schedules, and so the same results)\n",
			(unsigned long long)a->common.seed);
	const char *verdict = json_string_value(json_object_get(result, "verdict"));
	status = strcmp(verdict, "bug") == 0            ? EXIT_BROKEN
		 : strcmp(verdict, "inconclusive") == 0 ? EXIT_INCONCLUSIVE
							: EXIT_HOLDS;
	json_decref(result);
	json_decref(answer);
	json_decref(program);
	explore_file_close(&a->file);
	return finish(a, report, status, true, before);
}

/* What stands behind `--` is the compiler's, and argp must not see it. */
static int split(int argc, char **argv, struct arguments *a)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			a->file.flags = argv + i + 1;
			a->file.flag_count = (size_t)(argc - i - 1);
			return i;
		}
	return argc;
}

static int check_words(const struct arguments *a)
{
	size_t files = 0;
	for (size_t i = 0; i < a->word_count; i++)
		files += is_file(a->words[i]);
	if (files != 0 && files != a->word_count) {
		complain("explore: files and filters exclude each other; explore them one after the other");
		return EXIT_USAGE;
	}
	if (a->weaken && (a->checkpoint.path || a->checkpoint.resume)) {
		complain("explore: --weaken keeps no checkpoint");
		return EXIT_USAGE;
	}
	if (!explore_checkpoint_check(&a->checkpoint))
		return EXIT_USAGE;
	if (files == 0 && (a->file.flag_count || a->program_arguments || a->file.input || a->fix)) {
		complain("explore: compiler flags, --arg, --input and --fix are for a program: name its FILE.c");
		return EXIT_USAGE;
	}
	return EXIT_HOLDS;
}

static int run(int argc, char **argv)
{
	struct arguments a = {.common = common_defaults()};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {options, parse, "[FILTER...]\nFILE.c... [-- COMPILER FLAGS]",
		"Runs scenarios, or a program with a main of its own, under one schedule after the other, with a memory model of "
		"its "
		"own, until "
		"everything was seen or the budget is spent. Deterministic: one seed gives one result on any machine.\v"
		"FILTER is a glob on family/implementation[/scenario]. A finding is printed as a table with one column per "
		"thread, and its "
		"witness is a file for `onceproof replay`. --shard I/N explores part I of each search; a shard alone never says "
		"proved, `onceproof merge` of all of them may.\n"
		"A checkpoint loses a second or so of work at a kill or a crash, and is of use for the same code, options and "
		"version only.\n\n"
		"Exit status for scenarios: 0 contracts as stated, 1 a contract broken; for a program: 0 clean, 1 a finding. For "
		"both: 2 usage "
		"or environment, 3 inconclusive.",
		children, NULL, NULL};
	struct explore_plan *plan = &a.suite.plan.explore;
	a.suite.plan.effort = 1;
	a.checkpoint.every_s = 1;
	*plan = (struct explore_plan){.model = "rc11", .strategy = "auto", .witness_folder = "onceproof-witness"};
	a.file.arguments = calloc((size_t)argc + 1, sizeof(char *));
	command_parse(&argp, split(argc, argv, &a), argv, &a);
	a.file.argument_count = a.program_arguments;
	int status = check_words(&a);
	if (status) {
		free((void *)a.file.arguments);
		return status;
	}
	explore_checkpoint_seed(&a.checkpoint, &a.common);
	a.suite.plan.seed = a.common.seed;
	plan->shard = a.common.shard;
	plan->shards = a.common.shards;
	plan->search_options = a.search_options;
	a.text = stress_text_new(&a.common, !(a.common.json && strcmp(a.common.json, "-") == 0));
	a.text.tables = true;
	a.text.deterministic = true;
	plan->progress = a.text.status ? progress : NULL;
	plan->progress_arg = &a;
	a.file.files = a.words;
	a.file.file_count = a.word_count;
	if (a.weaken)
		status = weaken(&a);
	else
		status = a.word_count && is_file(a.words[0]) ? explore_program(&a) : explore_scenarios(&a);
	free((void *)a.file.arguments);
	return status;
}

extern const struct command command_explore;
const struct command command_explore = {"explore", "every interleaving that matters, of scenarios or of a C program", run};
