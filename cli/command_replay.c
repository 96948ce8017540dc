/* SPDX-License-Identifier: MIT */
/* onceproof replay: repeats the interleaving of a witness, step by step, and says whether the finding occurred again. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../reports/node.h"
#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/batches.h"
#include "../stress/check/executable.h"
#include "../stress/child.h"
#include "../stress/explore_file.h"
#include "../stress/explored_batch.h"
#include "../stress/implementation_build.h"
#include "../stress/witness.h"
#include "cli.h"
#include "stress_text.h"

enum { WORDS_MAX = 16, TIMEOUT_S = 120 };

struct arguments {
	struct common common;
	const char *path;
	bool gdb;
	json_t *witness;
	struct explored what;
	struct choice_subject batch;    /* of a batch: its subject */
	struct explore_file file;       /* of a whole program */
	struct implementation_file own; /* a user\'s implementation */
	struct executable executable;   /* that a build system made */
	char module[PATH_MAX + 64];
};

enum { KEY_GDB = 0x100 };

static const struct argp_option options[] = {
	{"gdb", KEY_GDB, NULL, 0, "in the debugger, stopping at each step", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->common;
		return 0;
	case KEY_GDB:
		a->gdb = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->path) {
			complain("replay: '%s': one witness at a time", arg);
			exit(EXIT_USAGE);
		}
		a->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The subject and scenario that the witness names, in this build. */
static int find_scenario(struct arguments *a)
{
	const char *subject = node_string(a->witness, "subject"), *scenario = node_string(a->witness, "scenario");
	const char *slash = strchr(subject, '/');
	for (int family = 0; slash && family < FAMILY_COUNT; family++) {
		const char *name = family_name((enum family)family);
		if (strlen(name) != (size_t)(slash - subject) || strncmp(name, subject, strlen(name)) != 0)
			continue;
		a->what.subject = registry_find((enum family)family, slash + 1);
		a->what.scenario = scenario_find((enum family)family, scenario);
	}
	struct choice choice;
	if (choice_find(subject, &choice) && strcmp(scenario, explored_batch_scenario.name) == 0) {
		choice_subject(&choice, &a->batch);
		a->what.subject = &a->batch.registered;
		a->what.scenario = &explored_batch_scenario;
	}
	if (!a->what.subject || !a->what.scenario || !scenario_applies(a->what.scenario, a->what.subject->about)) {
		complain("%s: it is about %.100s %.100s, which this build does not have; use the source tree that it came from",
			a->path, subject, scenario);
		return EXIT_USAGE;
	}
	const struct engine *engine = engine_find("explore");
	if (engine->missing()) {
		complain("replay: %s", engine->missing());
		return EXIT_USAGE;
	}
	a->what.file = a->what.subject->file;
	explored_worker(a->what.scenario, helper_folder(), a->module, sizeof a->module);
	a->what.module = a->module;
	return EXIT_HOLDS;
}

/* The texts of LIST as an array of words that borrows them. */
static char **words_of(const json_t *list)
{
	size_t count = json_array_size(list), i;
	char **words = calloc(count + 1, sizeof *words);
	const json_t *word;
	json_array_foreach(list, i, word)
		if (words)
			words[i] = (char *)json_string_value(word);
	return words;
}

/* How the files of the program EXE are compiled, as its build system has it now. */
static int read_executable(struct arguments *a, const char *exe, const char *database)
{
	int status = executable_read(exe, database, &a->executable);
	if (!status && *a->executable.why) {
		complain("%s: it cannot be built anew: %s", exe, a->executable.why);
		status = EXIT_USAGE;
	}
	if (status)
		return status;
	a->file.files = a->executable.source.files;
	a->file.file_count = a->executable.source.file_count;
	a->file.flags = a->executable.source.flags;
	a->file.flag_count = a->executable.source.flag_count;
	a->file.units = a->executable.source.units;
	return 0;
}

/* A user's implementation: its worker is built again, and takes the place of that of the lessons. */
static int build_implementation(struct arguments *a)
{
	const struct program_source source = {.files = a->file.files,
		.file_count = a->file.file_count,
		.flags = a->file.flags,
		.flag_count = a->file.flag_count,
		.compiler = a->file.compiler,
		.optimise = a->file.optimise,
		.helpers = a->file.helpers};
	int status = implementation_open(&source, &a->own);
	if (!status)
		status = implementation_part(&a->own, IMPLEMENTATION_EXPLORE);
	if (status)
		return status;
	a->what.subject = &a->own.described.entry;
	a->what.scenario = scenario_find(a->own.family, node_string(a->witness, "scenario"));
	a->what.file = a->what.subject->file;
	if (!a->what.scenario || !scenario_applies(a->what.scenario, a->what.subject->about)) {
		complain("%s: it is about the scenario %.100s, which says nothing about %s as it is now", a->path,
			node_string(a->witness, "scenario"), a->what.file);
		return EXIT_USAGE;
	}
	explored_worker(a->what.scenario, a->own.folder.path, a->module, sizeof a->module);
	a->what.module = a->module;
	return EXIT_HOLDS;
}

/* The program that the witness is of, built again from its files. */
static int build_program(struct arguments *a)
{
	static const char *const keys[] = {"files", "flags", "arguments"};
	const json_t *program = node_get(a->witness, "program");
	size_t i;
	const json_t *word;
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
		json_array_foreach(node_get(program, keys[k]), i, word)
			if (!json_is_string(word)) {
				complain("%s: program.%s[%zu] is no text; was the file edited by hand?", a->path, keys[k], i);
				return EXIT_USAGE;
			}
	if (json_array_size(node_get(program, "files")) == 0) {
		complain("%s: it names no files of its program", a->path);
		return EXIT_USAGE;
	}
	a->file.file_count = json_array_size(node_get(program, "files"));
	a->file.flag_count = json_array_size(node_get(program, "flags"));
	a->file.argument_count = json_array_size(node_get(program, "arguments"));
	a->file.files = words_of(node_get(program, "files"));
	a->file.flags = words_of(node_get(program, "flags"));
	a->file.arguments = words_of(node_get(program, "arguments"));
	a->file.input = json_string_value(node_get(program, "input"));
	const char *exe = json_string_value(node_get(program, "exe"));
	if (exe && read_executable(a, exe, json_string_value(node_get(program, "database"))) != 0)
		return EXIT_USAGE;
	a->file.compiler = json_string_value(node_get(program, "compiler"));
	a->file.optimise = json_string_value(node_get(program, "optimise"));
	if (!a->file.files || (!a->file.flags && a->file.flag_count) || !a->file.arguments) {
		complain("replay: %s", strerror(ENOMEM));
		return EXIT_USAGE;
	}
	a->file.helpers = helper_folder();
	if (json_is_string(node_get(program, "implementation")))
		return build_implementation(a);
	int status = explore_file_build(&a->file);
	a->what.file = a->file.files[0];
	a->what.module = a->file.built.program;
	return status;
}

/* Options of the worker, in SEED's and WORDS' storage. */
static size_t replay_words(const struct arguments *a, char *seed, size_t bytes, char **words)
{
	size_t n = 0;
	const char *model = node_string(a->witness, "model");
	snprintf(seed, bytes, "--seed=%lld", (long long)json_integer_value(node_get(a->witness, "seed")));
	words[n++] = (char *)"-m";
	words[n++] = (char *)(strcmp(model, "sc") == 0 ? "sc" : "rc11");
	words[n++] = seed;
	if (json_is_true(node_get(node_get(a->witness, "program"), "failing_status")))
		words[n++] = (char *)"--failing-status";
	words[n++] = (char *)"--replay";
	words[n++] = (char *)a->path;
	words[n] = NULL;
	return n;
}

/* The whole command line for a scenario. SUBJECT etc. are the witness's. */
static void scenario_words(const struct arguments *a, char *seed, size_t bytes, char **words)
{
	words[0] = (char *)a->module;
	words[1] = (char *)node_string(a->witness, "subject");
	words[2] = (char *)node_string(a->witness, "scenario");
	replay_words(a, seed, bytes, words + 3);
}

static int run_scenario(const struct arguments *a, json_t **answer)
{
	char *words[WORDS_MAX], seed[48];
	scenario_words(a, seed, sizeof seed, words);
	const struct child_options child_options = {
		.argv = words, .timeout_s = TIMEOUT_S, .fixed_addresses = true, .output_max = (size_t)256 << 20};
	struct child_result child;
	int why = child_run(&child_options, &child);
	if (why) {
		complain("%s: cannot be started: %s", a->module, strerror(why));
		return EXIT_USAGE;
	}
	*answer = child.timed_out || child.interrupted ? NULL : json_loads(child.out, JSON_REJECT_DUPLICATES, NULL);
	int status = *answer ? EXIT_HOLDS : EXIT_INCONCLUSIVE;
	if (!*answer) {
		child.err[strcspn(child.err, "\n")] = '\0';
		complain("%s: the replay gave no answer: %s", a->path,
			child.timed_out             ? "it did not end"
			: child.interrupted         ? "interrupted"
			: WIFSIGNALED(child.status) ? strsignal(WTERMSIG(child.status))
						    : child.err);
		if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == EXIT_USAGE)
			status = EXIT_USAGE;
	}
	child_free(&child);
	return status;
}

/* Did the finding of the witness occur in ANSWER? The one that did, borrowed; or NULL. */
static const json_t *found_again(const struct arguments *a, const json_t *answer)
{
	size_t i;
	const json_t *found;
	const char *label = node_string(a->witness, "outcome");
	json_array_foreach(node_get(answer, "findings"), i, found) {
		if (strcmp(node_string(found, "kind"), node_string(a->witness, "kind")) != 0)
			continue;
		int outcome = (int)node_number(found, "outcome", -1);
		bool named = a->what.scenario && outcome >= 0 && outcome < (int)a->what.scenario->outcome_count;
		if (strcmp(named ? a->what.scenario->outcomes[outcome].label : "", label) == 0)
			return found;
	}
	return NULL;
}

/* Where the program left the witness, in words; the row of the witness' own table is the best that is known. */
static void describe_divergence(const struct arguments *a, const json_t *answer, char *text, size_t bytes)
{
	json_int_t at = json_integer_value(node_get(answer, "diverged"));
	size_t i;
	const json_t *row;
	char source[17];
	witness_source_hash(a->what.file, source);
	bool edited = strcmp(source, node_string(a->witness, "source")) != 0;
	snprintf(text, bytes, "the program went another way at step %lld of the schedule%s", (long long)at + 1,
		edited ? "; it was edited since" : "");
	json_array_foreach(node_get(a->witness, "interleaving"), i, row) {
		if (!json_is_integer(node_get(row, "at")) || json_integer_value(node_get(row, "at")) < at)
			continue;
		snprintf(text + strlen(text), bytes - strlen(text), ": the witness has %s there: %s, %s:%lld %s",
			node_string(row, "thread"), node_string(row, "operation"), node_string(row, "file"),
			(long long)json_integer_value(node_get(row, "line")), node_string(row, "source"));
		return;
	}
}

/* The replay as a result, with the interleaving as it was this time. */
static json_t *judge(const struct arguments *a, const json_t *answer, const json_t *found, int *status)
{
	char why[1024], where[800];
	bool diverged = json_is_integer(node_get(answer, "diverged"));
	json_t *result =
		result_new(node_string(a->witness, "subject"), node_string(a->witness, "scenario"), "explore", compiler_name());
	json_int_t hidden;
	enum family family = a->what.scenario ? a->what.scenario->family : FAMILY_PIPELINE;
	*where = '\0';
	if (diverged)
		describe_divergence(a, answer, where, sizeof where);
	json_t *finding =
		result_add_finding(result, node_string(a->witness, "kind"), node_string(a->witness, "message"), family, 0);
	if (node_get(a->witness, "refutes"))
		node_set(finding, "refutes", json_incref(node_get(a->witness, "refutes")));
	if (node_get(a->witness, "locations"))
		node_set(finding, "locations", json_incref(node_get(a->witness, "locations")));
	struct explored_names *names = explored_names_new(&a->what);
	bool waits = explored_waits(node_string(a->witness, "kind"));
	json_t *steps = explored_told(node_get(answer, "steps"), found);
	json_t *rows = explored_interleaving(&a->what, waits ? TABLE_WAITING : TABLE_MEMORY, steps, names, &hidden);
	json_decref(steps);
	if (waits && found)
		explored_add_waiting(&a->what, rows, node_get(found, "places"), names);
	node_set(finding, "interleaving", rows);
	free(names);
	node_set(finding, "hidden_steps", json_integer(hidden));
	node_set(result, "executions", json_integer(1));
	node_set(result, "reproduced", json_boolean(found != NULL));
	node_set(result, "diverged", json_incref(node_get(answer, "diverged")));
	if (found) {
		snprintf(why, sizeof why, "it occurred again%s%s", diverged ? ", although " : "", where);
		result_judge(result, "bug", "bug", why);
		*status = EXIT_HOLDS;
	} else if (diverged) {
		result_judge(result, "inconclusive", "bug", where);
		*status = EXIT_INCONCLUSIVE;
	} else {
		result_judge(result, "not-found", "bug", "the same steps were taken, and it did not occur again");
		*status = EXIT_BROKEN;
	}
	return result;
}

static int write_results(const struct arguments *a, json_t *result, int status)
{
	json_t *report = report_new((uint64_t)json_integer_value(node_get(a->witness, "seed")));
	json_array_append(json_object_get(report, "results"), result);
	int failed = 0;
	report_complete(report);
	if (a->common.json)
		failed |= report_write(report, a->common.json);
	if (a->common.junit)
		failed |= render_junit(report, a->common.junit);
	if (a->common.sarif)
		failed |= render_sarif(report, a->common.sarif);
	json_decref(report);
	return failed ? EXIT_USAGE : status;
}

static int replay(struct arguments *a)
{
	json_t *answer = NULL;
	char *words[WORDS_MAX], seed[48];
	child_catch_interrupts();
	int status;
	if (a->what.subject) {
		status = run_scenario(a, &answer);
	} else {
		replay_words(a, seed, sizeof seed, words);
		status = explore_file_run(&a->file, words, &answer);
	}
	if (status)
		return status;
	json_t *result = judge(a, answer, found_again(a, answer), &status);
	struct stress_text text = stress_text_new(&a->common, !(a->common.json && strcmp(a->common.json, "-") == 0));
	if (text.lines) {
		printf("%s %s\n", node_string(a->witness, "subject"), node_string(a->witness, "scenario"));
		stress_text_finding(&text, json_array_get(node_get(result, "findings"), 0));
		printf("%s: %s\n", status == EXIT_HOLDS ? "Reproduced" : "NOT reproduced", node_string(result, "evidence"));
	}
	status = write_results(a, result, status);
	json_decref(result);
	json_decref(answer);
	return status;
}

/* Runs gdb, which starts the replay and stops at each step; the runtime calls onceproof_step() there. Its commands lie in memory. */
static int debug(struct arguments *a)
{
	static const char script[] =
		"set pagination off\n"
		"set startup-with-shell off\n"
		"set print thread-events off\n"
		"set breakpoint pending on\n"
		"break onceproof_step\n"
		"commands\n"
		"silent\n"
		"printf \"step %u, thread T%u\\n\", step, thread\n"
		"backtrace 8\n"
		"end\n"
		"echo \\nThe replay stops at each step: 'continue' goes to the next one, 'up' to its source line.\\n\n"
		"run\n";
	char *words[WORDS_MAX + 8], *scenario[WORDS_MAX], seed[48], file[48];
	int fd = memfd_create("onceproof.gdb", 0);
	if (fd < 0 || write(fd, script, sizeof script - 1) != (ssize_t)(sizeof script - 1)) {
		complain("replay: cannot make gdb's commands: %s", strerror(errno));
		return EXIT_USAGE;
	}
	snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
	const char *const front[] = {"gdb", "-q", "-x", file, "--args"};
	size_t n = 0;
	for (size_t i = 0; i < sizeof front / sizeof *front; i++)
		words[n++] = (char *)front[i];
	char **command = scenario;
	if (a->what.subject) {
		scenario_words(a, seed, sizeof seed, scenario);
	} else {
		char *own[WORDS_MAX];
		replay_words(a, seed, sizeof seed, own);
		command = explore_file_command(&a->file, own);
	}
	for (size_t i = 0; command && command[i] && n < sizeof words / sizeof *words - 1; i++)
		words[n++] = command[i];
	words[n] = NULL;
	fflush(stdout);
	/* The terminal is gdb's; Ctrl-C is for what it debugs. */
	signal(SIGINT, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		execvp(words[0], words);
		complain("gdb: cannot be started: %s (Debian package: gdb)", strerror(errno));
		_exit(EXIT_USAGE);
	}
	int status = 0;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(fd);
	if (command != scenario)
		free(command);
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	struct arguments a = {.common = common_defaults(), .what = {.shard = 1, .shards = 1}};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {options, parse, "WITNESS",
		"Repeats the interleaving of a witness that `onceproof explore` wrote, and shows it.\v"
		"Exit status: 0 the finding occurred again, 1 it did not although the same steps were taken, 2 usage or "
		"environment, 3 "
		"the program "
		"went another way, at a line that is named.",
		children, NULL, NULL};
	command_parse(&argp, argc, argv, &a);
	if (!a.path || a.common.shards > 1) {
		complain("replay: %s",
			a.path ? "--shard has no meaning here" : "name a witness: a file that `onceproof explore` wrote");
		return EXIT_USAGE;
	}
	a.witness = witness_read(a.path);
	if (!a.witness)
		return EXIT_USAGE;
	int status = json_is_object(node_get(a.witness, "program")) ? build_program(&a) : find_scenario(&a);
	if (status == EXIT_HOLDS)
		status = a.gdb ? debug(&a) : replay(&a);
	if (a.file.files)
		explore_file_close(&a.file);
	implementation_close(&a.own);
	free((void *)a.file.files);
	free((void *)a.file.flags);
	free((void *)a.file.arguments);
	json_decref(a.witness);
	return status;
}

extern const struct command command_replay;
const struct command command_replay = {"replay", "repeat the interleaving of a witness, also in gdb", run};
