/* SPDX-License-Identifier: MIT */
/* onceproof check: a user's own code, one verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/digest.h"
#include "../reports/node.h"
#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/check/baseline.h"
#include "../stress/check/cache.h"
#include "../stress/check/check.h"
#include "../stress/check/executable.h"
#include "../stress/checkpoint.h"
#include "../stress/child.h"
#include "check_text.h"
#include "cli.h"
#include "stress_text.h"

enum { DEFAULT_BUDGET_S = 10, BUILDS_MAX = 16 };

struct arguments {
	struct common common;
	struct check_subject subject;
	struct check_plan plan;
	struct stress_text text;
	char **files, **program_arguments;
	size_t program_argument_count;
	bool expect_bug, inconclusive_passes, matrix, cache, github;
	unsigned kinds; /* a bit for what --kind names, by its place in the option's list; 0: anything */
	const char *baseline_path, *html, *exe, *database, *checkpoint;
	bool resume;
	struct executable executable;
	json_t *baseline;
};

enum {
	KEY_ENGINE = 0x100,
	KEY_EXPECT,
	KEY_BUDGET,
	KEY_FAIL_ON,
	KEY_MODEL,
	KEY_STRATEGY,
	KEY_EXECUTIONS,
	KEY_WITNESS,
	KEY_ARG,
	KEY_INPUT,
	KEY_NO_FIX,
	KEY_KIND,
	KEY_MATRIX,
	KEY_BASELINE,
	KEY_PROMISE,
	KEY_GITHUB,
	KEY_HTML,
	KEY_NO_CACHE,
	KEY_EXE,
	KEY_CHECKPOINT,
	KEY_RESUME,
	KEY_DATABASE,
};

static const struct argp_option options[] = {
	{"engine", KEY_ENGINE, "LIST", 0,
		"explore, tsan, native, helgrind, drd, or all, separated by commas (default: explore,tsan,native; each only as "
		"long as "
		"the answer is not final)",
		0},
	{"budget", KEY_BUDGET, "TIME", 0, "time for everything: 30, 30s, 5m, 1h (default 10s)", 0},
	{"kind", KEY_KIND, "KIND", 0,
		"program, scenario or implementation: refuse files that are something else (default: what they are is taken, and "
		"said)",
		0},
	{"expect", KEY_EXPECT, "WHAT", 0, "clean (default) or bug: then it is a finding that passes", 0},
	{"fail-on", KEY_FAIL_ON, "WHAT", 0,
		"inconclusive (default): a check that decides nothing ends with status 3; finding: it passes, and only findings "
		"fail",
		0},
	{"baseline", KEY_BASELINE, "FILE", 0, "results of an earlier check (its --json): only findings that it has not fail", 0},
	{"promise", KEY_PROMISE, "LIST", 0,
		"what is judged, separated by commas. Of a program: race_free, no_deadlock, no_crash, asserts_hold, same_status "
		"(by "
		"default all of these), no_leak. Of an implementation: promises of its family (by default those that it claims)",
		0},
	{"matrix", KEY_MATRIX, NULL, 0,
		"repeat with gcc and clang, at -O0 to -O3, and show where they disagree; the budget is for each", 0},
	{"no-cache", KEY_NO_CACHE, NULL, 0, "neither use nor keep results of earlier checks of the same code", 0},
	{"html", KEY_HTML, "FILE", 0, "write a page that shows the findings step by step", 0},
	{"github", KEY_GITHUB, NULL, 0, "annotations and a job summary for GitHub Actions (by default there)", 0},
	{NULL, 0, NULL, 0, "For a program:", 10},
	{"exe", KEY_EXE, "TARGET", 0,
		"a program that a build system made, instead of FILE.c: its files (by its debug information) are compiled anew, "
		"each as "
		"compile_commands.json says",
		10},
	{"compile-commands", KEY_DATABASE, "FILE", 0, "that file (default: the one in TARGET's folder, above it, or here)", 10},
	{"arg", KEY_ARG, "WORD", 0, "an argument of the program; may be repeated", 10},
	{"input", KEY_INPUT, "FILE", 0, "its standard input (default: empty)", 10},
	{NULL, 0, NULL, 0, "For the explorer:", 20},
	{"model", KEY_MODEL, "MODEL", 0, "sc or rc11 (default)", 20},
	{"strategy", KEY_STRATEGY, "NAME", 0, "auto (default), dpor, bound, random, pct, pos, surw or rff", 20},
	{"executions", KEY_EXECUTIONS, "N", 0, "executions of each search (default: 20000 for each second of the budget)", 20},
	{"jobs", 'j', "N", 0, "processes at once, 1 to 256 (default 1); results stay the same", 20},
	{"checkpoint", KEY_CHECKPOINT, "FILE", 0, "keep what was explored there, for --resume after any kind of end", 20},
	{"resume", KEY_RESUME, NULL, 0, "go on from the file of --checkpoint", 20},
	{"witness", KEY_WITNESS, "DIR", 0, "where witnesses go, for `onceproof replay` (default onceproof-witness)", 20},
	{"no-fix", KEY_NO_FIX, NULL, 0, "do not look for a change that helps", 20},
	{0},
};

static uint32_t parse_engines(const char *list)
{
	uint32_t engines = 0;
	char *copy = strdup(list), *at = copy;
	for (char *word; copy && (word = strsep(&at, ",")) != NULL;) {
		uint32_t engine = strcmp(word, "all") == 0 ? CHECK_DEFAULT | CHECK_HELGRIND | CHECK_DRD : 0;
		for (uint32_t bit = 1; !engine && check_engine_name(bit); bit <<= 1)
			engine = strcmp(check_engine_name(bit), word) == 0 ? bit : 0;
		if (!engine) {
			complain("--engine: there is no '%s'; choose from explore, tsan, native, helgrind, drd, all", word);
			exit(EXIT_USAGE);
		}
		engines |= engine;
	}
	free(copy);
	return engines;
}

/* "30", "30s", "5m", "1.5h". */
static double parse_time(const char *option, const char *text)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	size_t length = strlen(text);
	double unit = 1;
	char *number = strdup(text);
	for (size_t i = 0; number && length && i < sizeof units / sizeof *units; i++)
		if (text[length - 1] == units[i].unit) {
			unit = units[i].seconds;
			number[length - 1] = '\0';
			break;
		}
	double value = parse_fraction(option, number ? number : text, 0.1 / unit, 1e6 / unit);
	free(number);
	return value * unit;
}

/* One of the words of CHOICES (NULL-terminated). */
static size_t parse_choice(const char *option, const char *text, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++)
		if (strcmp(choices[i], text) == 0)
			return i;
	char list[256] = "";
	for (size_t i = 0; choices[i]; i++)
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", choices[i]);
	complain("%s: '%s' is none of %s", option, text, list);
	exit(EXIT_USAGE);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const expectations[] = {"clean", "bug", NULL}, *const failures[] = {"inconclusive", "finding", NULL},
				 *const models[] = {"sc", "rc11", NULL},
				 *const kinds[] = {"program", "scenario", "implementation", NULL},
				 *const strategies[] = {"auto", "dpor", "bound", "random", "pct", "pos", "surw", "rff", NULL};
	struct arguments *a = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->common;
		return 0;
	case KEY_ENGINE:
		a->plan.engines = parse_engines(arg);
		return 0;
	case KEY_BUDGET:
		a->plan.budget_s = parse_time("--budget", arg);
		return 0;
	case KEY_EXPECT:
		a->expect_bug = parse_choice("--expect", arg, expectations) == 1;
		return 0;
	case KEY_KIND:
		a->kinds = 1u << parse_choice("--kind", arg, kinds);
		return 0;
	case KEY_FAIL_ON:
		a->inconclusive_passes = parse_choice("--fail-on", arg, failures) == 1;
		return 0;
	case KEY_MODEL:
		a->plan.model = models[parse_choice("--model", arg, models)];
		return 0;
	case KEY_STRATEGY:
		a->plan.strategy = strategies[parse_choice("--strategy", arg, strategies)];
		return 0;
	case KEY_EXECUTIONS:
		a->plan.executions = parse_number("--executions", arg, 1, UINT64_MAX >> 1);
		return 0;
	case 'j':
		a->plan.jobs = (unsigned)parse_number("--jobs", arg, 1, 256);
		return 0;
	case KEY_WITNESS:
		a->plan.witness_folder = arg;
		return 0;
	case KEY_ARG:
		a->program_arguments[a->program_argument_count++] = arg;
		return 0;
	case KEY_INPUT:
		a->subject.input = arg;
		return 0;
	case KEY_NO_FIX:
		a->plan.fixes = false;
		return 0;
	case KEY_MATRIX:
		a->matrix = true;
		return 0;
	case KEY_BASELINE:
		a->baseline_path = arg;
		return 0;
	case KEY_PROMISE:
		a->plan.promises = arg;
		return 0;
	case KEY_GITHUB:
		a->github = true;
		return 0;
	case KEY_HTML:
		a->html = arg;
		return 0;
	case KEY_EXE:
		a->exe = arg;
		return 0;
	case KEY_DATABASE:
		a->database = arg;
		return 0;
	case KEY_CHECKPOINT:
		a->checkpoint = arg;
		return 0;
	case KEY_RESUME:
		a->resume = true;
		return 0;
	case KEY_NO_CACHE:
		a->cache = false;
		return 0;
	case ARGP_KEY_ARGS:
		a->files = state->argv + state->next;
		a->subject.source.files = a->files;
		a->subject.source.file_count = (size_t)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Does stdout hold JSON, and nothing else? */
static bool json_only(const struct arguments *a)
{
	return a->common.json && strcmp(a->common.json, "-") == 0;
}

static void began(void *arg, const char *subject, const char *scenario, const char *engine)
{
	const struct arguments *a = arg;
	stress_text_began(&a->text, 0, 1, engine, subject, scenario);
}

static void progress(void *arg, unsigned long long executions, double estimate)
{
	const struct arguments *a = arg;
	char of[48] = "";
	if (estimate > 0)
		snprintf(of, sizeof of, " of about %.3g", estimate);
	fprintf(stderr, "\r\033[K%s: %llu executions%s", a->subject.name, executions, of);
}

static void ended(void *arg, const json_t *result)
{
	const struct arguments *a = arg;
	check_text_result(&a->text, result);
}

static int check_kind(const struct check_subject *subject, enum check_kind kind, const struct check_plan *plan, json_t *results)
{
	switch (kind) {
	case CHECK_PROGRAM:
		return check_program(subject, plan, results);
	case CHECK_SCENARIO_FILE:
		return check_scenario_file(subject, plan, results);
	case CHECK_IMPLEMENTATION:
		return check_implementation(subject, plan, results);
	case CHECK_EXECUTABLE:
		break;
	}
	complain("%s: %s cannot be checked", subject->name, check_kind_words(kind));
	return EXIT_USAGE;
}

/* Opens the checkpoint that was asked for. The key of the cache says what it is of. 0, or EXIT_USAGE after one complaint. */
static int open_checkpoint(struct arguments *a, const struct check_subject *subject)
{
	struct cache_key key;
	struct digest digest;
	char code[DIGEST_TEXT_BYTES];
	if (!cache_key_make(subject, &a->plan, &key)) {
		complain("%s: no checkpoint can be kept: its sources cannot be preprocessed, or its flags name folders of "
			 "libraries",
			subject->name);
		return EXIT_USAGE;
	}
	digest_begin(&digest);
	digest_add(&digest, key.text, key.bytes);
	digest_end(&digest, code);
	cache_key_free(&key);
	json_t *identity =
		node_must(json_pack("{s:s, s:s, s:I}", "command", "check", "code", code, "seed", (json_int_t)a->plan.seed));
	a->plan.checkpoint = checkpoint_open(a->checkpoint, identity, a->resume, 1);
	json_decref(identity);
	return a->plan.checkpoint ? 0 : EXIT_USAGE;
}

/* The results of SUBJECT, from the cache if they are there; *CACHED says so. */
static int results_of(
	struct arguments *a, const struct check_subject *subject, enum check_kind kind, json_t *results, bool *cached)
{
	struct cache_key key = {0};
	int before = complaints();
	char why[512];
	bool has_key = a->cache && cache_key_make(subject, &a->plan, &key);
	if (complaints() > before)
		return EXIT_USAGE;
	json_t *kept = has_key ? cache_find(&key) : NULL;
	if (a->matrix && a->text.lines)
		printf("%s %s\n", subject->source.compiler, subject->source.optimise);
	size_t i;
	json_t *result;
	*cached = kept != NULL;
	json_array_foreach(kept, i, result) {
		check_text_result(&a->text, result);
		node_append(results, json_incref(result));
	}
	int status = a->checkpoint ? open_checkpoint(a, subject) : 0;
	if (!kept && !status)
		status = check_kind(subject, kind, &a->plan, results);
	checkpoint_close(a->plan.checkpoint);
	a->plan.checkpoint = NULL;
	if (!kept && has_key && !status && !child_interrupted) {
		cache_keep(&key, results, why, sizeof why);
		if (*why && a->common.verbosity >= 0)
			fprintf(stderr, "onceproof: note: the cache cannot be written: %s\n", why);
	}
	json_decref(kept);
	cache_key_free(&key);
	return status;
}

/* What of one build counts: its exit status. */
static int status_of(const struct arguments *a, const json_t *check)
{
	const char *verdict = node_string(check, "verdict");
	bool bug = strcmp(verdict, "bug") == 0;
	/* Known findings pass. */
	if (bug && a->baseline && node_number(check, "new", 1) == 0)
		return EXIT_HOLDS;
	if (bug || strcmp(verdict, "proved") == 0 || strcmp(verdict, "not-found") == 0)
		return bug == a->expect_bug ? EXIT_HOLDS : EXIT_BROKEN;
	return a->inconclusive_passes ? EXIT_HOLDS : EXIT_INCONCLUSIVE;
}

/* Checks SUBJECT, one build of it; its conclusion goes to `checks[]` of REPORT. *STATUS becomes the worse of itself and this one's. */
static int check_build(
	struct arguments *a, const struct check_subject *subject, enum check_kind kind, json_t *report, int *status)
{
	json_t *results = node_must(json_array()), *result = NULL;
	bool cached;
	size_t i;
	int failed = results_of(a, subject, kind, results, &cached);
	if (!failed) {
		json_t *check = node_append(node_get(report, "checks"), check_conclude(subject, kind, results));
		node_set(check, "cached", json_boolean(cached));
		json_array_foreach(results, i, result) {
			node_append(node_get(report, "results"), json_incref(result));
			/* Of an implementation; of the first build, if there are several: contracts name none. */
			if (!json_array_size(node_get(report, "contracts")) && node_get(result, "contracts"))
				json_array_extend(json_object_get(report, "contracts"), node_get(result, "contracts"));
			json_object_del(result, "contracts");
			/* Results of several builds are told apart by them, also by merge. */
			node_set(result, "flags", json_incref(node_get(check, "flags")));
		}
		report_complete(report);
		if (a->baseline)
			baseline_compare(a->baseline, results, check);
		if (!a->matrix && !json_only(a))
			check_text_verdict(&a->text, check);
		int its = status_of(a, check);
		node_set(check, "expected", node_text(a->expect_bug ? "bug" : "clean"));
		node_set(check, "exit_status", json_integer(its));
		if (its == EXIT_BROKEN || (its == EXIT_INCONCLUSIVE && *status == EXIT_HOLDS))
			*status = its;
	}
	json_decref(results);
	return failed;
}

/* The builds of --matrix, in STORE; how many. */
static size_t matrix_of(const struct check_subject *subject, struct check_subject *store)
{
	static const char *const compilers[] = {"gcc", "clang"}, *const levels[] = {"-O0", "-O1", "-O2", "-O3"};
	size_t count = 0;
	for (size_t c = 0; c < sizeof compilers / sizeof *compilers; c++) {
		if (!program_found(compilers[c]))
			continue;
		for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
			store[count] = *subject;
			store[count].source.compiler = compilers[c];
			store[count++].source.optimise = levels[l];
		}
	}
	return count;
}

static int write_outputs(const struct arguments *a, const json_t *report)
{
	int failed = 0;
	const char *summary = getenv("GITHUB_STEP_SUMMARY");
	if (a->common.json)
		failed |= report_write(report, a->common.json);
	if (a->common.junit)
		failed |= render_junit(report, a->common.junit);
	if (a->common.sarif)
		failed |= render_sarif(report, a->common.sarif);
	if (a->html)
		failed |= render_witness_page(report, a->html);
	if (a->github)
		failed |= render_github(report, json_only(a) ? stderr : stdout);
	if (a->github && summary && *summary)
		failed |= render_summary(report, summary, true);
	return failed;
}

/* --kind, against what the files are. 0, or EXIT_USAGE after a complaint. */
static int check_wanted(const struct arguments *a, enum check_kind kind)
{
	static const enum check_kind of[] = {CHECK_PROGRAM, CHECK_SCENARIO_FILE, CHECK_IMPLEMENTATION};
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		if (a->kinds == 1u << i && of[i] != kind) {
			complain("%s: is %s, and --kind asks for %s", a->subject.name, check_kind_words(kind),
				check_kind_words(of[i]));
			return EXIT_USAGE;
		}
	return 0;
}

/* Refuses names that no promise has. */
static int check_promises(const struct arguments *a, enum check_kind kind)
{
	char wrong[64];
	if (!a->plan.promises || kind == CHECK_IMPLEMENTATION ||
		check_program_promises_valid(a->plan.promises, wrong, sizeof wrong))
		return 0;
	complain("--promise: '%s' is no promise of a program: choose from %s", wrong, check_program_promises());
	return EXIT_USAGE;
}

/* What is to be checked, and of what kind. */
static int recognise(struct arguments *a, enum check_kind *kind)
{
	if (!a->exe)
		return check_recognise(&a->subject, kind);
	int status = executable_read(a->exe, a->database, &a->executable);
	if (status)
		return status;
	if (*a->executable.why) {
		complain("--exe: %s: it cannot be built anew: %s", a->exe, a->executable.why);
		return EXIT_USAGE;
	}
	const struct program_source given = a->subject.source;
	a->subject.source = a->executable.source;
	a->subject.source.helpers = given.helpers;
	a->subject.source.verbosity = given.verbosity;
	a->subject.exe = a->exe;
	a->subject.database = a->database;
	*kind = CHECK_PROGRAM;
	return 0;
}

static int check(struct arguments *a)
{
	enum check_kind kind;
	struct check_subject builds[BUILDS_MAX];
	size_t count = 1;
	int status = recognise(a, &kind), before = complaints(), failed = 0;
	if (!status)
		status = check_wanted(a, kind);
	if (!status)
		status = check_promises(a, kind);
	builds[0] = a->subject;
	if (!status && a->baseline_path) {
		a->baseline = report_read(a->baseline_path);
		status = a->baseline ? 0 : EXIT_USAGE;
	}
	if (status)
		return status;
	if (a->text.lines)
		printf("%s: %s\n", a->subject.name, check_kind_words(kind));
	if (a->matrix)
		count = matrix_of(&a->subject, builds);
	json_t *report = report_new(a->common.seed);
	node_set(report, "checks", node_must(json_array()));
	for (size_t i = 0; i < count && !failed && !child_interrupted; i++)
		failed = check_build(a, &builds[i], kind, report, &status);
	if (count > 1 && !failed && !json_only(a))
		check_text_matrix(&a->text, node_get(report, "checks"));
	node_set(report, "partial", json_boolean(child_interrupted != 0));
	if (a->common.shards > 1)
		node_set(report, "shard", node_must(json_sprintf("%u/%u", a->common.shard, a->common.shards)));
	if (failed || write_outputs(a, report) || complaints() > before)
		status = EXIT_USAGE;
	else if (child_interrupted && status == EXIT_HOLDS)
		status = EXIT_INCONCLUSIVE;
	json_decref(report);
	json_decref(a->baseline);
	return status;
}

/* Flags of a compiler in front of `--` would be taken for something else. */
static void refuse_flags(int argc, char **argv)
{
	static const char *const flags[] = {"-I", "-D", "-O", "-U", "-W", "-f", "-l", "-L", "-std=", "-pthread", "-m", "-g"};
	for (int i = 1; i < argc; i++)
		for (size_t f = 0; f < sizeof flags / sizeof *flags; f++)
			if (strncmp(argv[i], flags[f], strlen(flags[f])) == 0) {
				complain("check: %s: flags of the compiler go behind --: onceproof check FILE.c -- %s", argv[i],
					argv[i]);
				exit(EXIT_USAGE);
			}
}

/* What stands behind `--` is the compiler's, and argp must not see it. */
static int split(int argc, char **argv, struct arguments *a)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			a->subject.source.flags = argv + i + 1;
			a->subject.source.flag_count = (size_t)(argc - i - 1);
			return i;
		}
	return argc;
}

/* A run that goes on without a --seed has that of the checkpoint. */
static void take_seed(struct arguments *a)
{
	json_t *identity = checkpoint_identity(a->checkpoint), *seed = json_object_get(identity, "seed");
	if (json_is_integer(seed))
		a->common.seed = (uint64_t)json_integer_value(seed);
	json_decref(identity);
}

static int run(int argc, char **argv)
{
	struct arguments a = {.common = common_defaults(),
		.cache = true,
		.github = github_actions(),
		.plan = {.budget_s = DEFAULT_BUDGET_S,
			.engines = CHECK_DEFAULT,
			.witness_folder = "onceproof-witness",
			.fixes = true,
			.helpers = helper_folder()}};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {options, parse, "FILE.c... [-- COMPILER FLAGS]\n--exe TARGET",
		"Looks for concurrency bugs in your own code: a whole program (with a main), a scenario file (with "
		"<onceproof.h>), or an "
		"implementation of a family (that ends with its export line). Runs engines in order of cost until the answer is "
		"final, and "
		"prints one verdict with its evidence.\v"
		"The files are compiled by CC (CXX for C++), with -O1 -g in front of your flags. They run in a child with "
		"limits. A "
		"finding is printed as a table with one column per thread; its witness is a file for `onceproof replay`.\n\n"
		"Exit status: 0 clean, 1 a finding (with --expect=bug the other way round), 2 usage or environment, 3 "
		"inconclusive.",
		children, NULL, NULL};
	a.program_arguments = calloc((size_t)argc + 1, sizeof *a.program_arguments);
	int own = split(argc, argv, &a);
	refuse_flags(own, argv);
	command_parse(&argp, own, argv, &a);
	if (!a.subject.source.file_count == !a.exe) {
		complain(a.exe ? "check: --exe: a program is checked, or files are: not both"
			       : "check: name the C files: onceproof check FILE.c... [-- compiler flags]");
		return EXIT_USAGE;
	}
	if ((a.resume && !a.checkpoint) || (a.checkpoint && a.matrix)) {
		complain(a.matrix ? "check: --checkpoint is of one build: not with --matrix"
				  : "check: --resume goes on from a file: name it with --checkpoint");
		return EXIT_USAGE;
	}
	a.subject.name = a.exe ? a.exe : a.files[0];
	a.subject.scenario = "program";
	a.subject.arguments = a.program_arguments;
	a.subject.argument_count = a.program_argument_count;
	a.subject.source.helpers = a.plan.helpers;
	a.subject.source.verbosity = a.plan.verbosity = a.common.verbosity;
	if (a.resume && !a.common.seed_given)
		take_seed(&a);
	/* The seed belongs to what a checkpoint is of. */
	a.common.seed_given |= a.checkpoint != NULL;
	a.cache &= a.checkpoint == NULL;
	a.plan.seed = a.common.seed;
	a.plan.seed_given = a.common.seed_given;
	a.plan.shard = a.common.shard;
	a.plan.shards = a.common.shards;
	a.plan.began = began;
	a.plan.ended = ended;
	a.plan.arg = &a;
	a.text = stress_text_new(&a.common, !json_only(&a));
	a.text.tables = true;
	a.plan.progress = a.text.status ? progress : NULL;
	child_catch_interrupts();
	int status = check(&a);
	executable_free(&a.executable);
	free(a.program_arguments);
	return status;
}

const struct command command_check = {.name = "check", .summary = "look for concurrency bugs in your own C code", .run = run};
