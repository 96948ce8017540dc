/* SPDX-License-Identifier: MIT */
/* onceproof witness: shows a witness to people, or turns it into a standalone C test that forces its interleaving. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../reports/node.h"
#include "../stress/check/forced_test.h"
#include "../stress/child.h"
#include "../stress/explore_file.h"
#include "../stress/witness.h"
#include "cli.h"
#include "stress_text.h"

enum { WORDS_MAX = 16, ROUNDS = 3, SAID_MAX = 1024 };

struct arguments {
	struct common common;
	const char *path, *out;
	bool c;
	json_t *witness;
	char **files, **flags, **words;
	struct explore_file file;
	struct explored what;
};

enum { KEY_C = 0x100, KEY_OUT };

static const struct argp_option options[] = {
	{"c", KEY_C, NULL, 0, "write a C test that forces the interleaving on the program's own threads", 0},
	{"out", KEY_OUT, "FILE", 0, "where to (default: stdout)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->common;
		return 0;
	case KEY_C:
		a->c = true;
		return 0;
	case KEY_OUT:
		a->out = output_file("--out", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (a->path) {
			complain("witness: '%s': one witness at a time", arg);
			exit(EXIT_USAGE);
		}
		a->path = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The witness as it was written, without running anything. */
static int show(const struct arguments *a)
{
	struct stress_text text = stress_text_new(&a->common, true);
	printf("%s %s\n", node_string(a->witness, "subject"), node_string(a->witness, "scenario"));
	stress_text_finding(&text, a->witness);
	printf("again: onceproof replay %s\n", a->path);
	return fflush(stdout) == 0 ? EXIT_HOLDS : EXIT_USAGE;
}

static int texts_of(const struct arguments *a, const char *key, char ***words, size_t *count)
{
	const json_t *list = node_get(node_get(a->witness, "program"), key), *word;
	size_t i;
	*count = json_array_size(list);
	*words = calloc(*count + 1, sizeof **words);
	json_array_foreach(list, i, word) {
		if (!*words || !json_is_string(word)) {
			complain("%s: program.%s[%zu] is no text; was the file edited by hand?", a->path, key, i);
			return EXIT_USAGE;
		}
		(*words)[i] = (char *)json_string_value(word);
	}
	return *words ? 0 : EXIT_USAGE;
}

/* Why there is no test of this witness; NULL: there may be one. */
static const char *missing(const struct arguments *a)
{
	const json_t *program = node_get(a->witness, "program");
	if (!json_is_object(program))
		return "it is about a scenario of onceproof's own, which lives in its source tree";
	if (json_is_string(node_get(program, "implementation")))
		return "it is about an implementation, whose scenarios are onceproof's own";
	if (json_is_string(node_get(program, "exe")))
		return "its files are compiled in ways that only its build system knows; name the files to `onceproof check`";
	return forced_test_missing(node_string(a->witness, "kind"));
}

static int read_program(struct arguments *a)
{
	const json_t *program = node_get(a->witness, "program");
	const char *why = missing(a);
	if (why) {
		complain("%s: no test can be made of it: %s; `onceproof replay` repeats it", a->path, why);
		return EXIT_USAGE;
	}
	if (texts_of(a, "files", &a->files, &a->file.file_count) != 0 ||
		texts_of(a, "flags", &a->flags, &a->file.flag_count) != 0 ||
		texts_of(a, "arguments", &a->words, &a->file.argument_count) != 0)
		return EXIT_USAGE;
	if (a->file.file_count == 0) {
		complain("%s: it names no files of its program", a->path);
		return EXIT_USAGE;
	}
	a->file.files = a->files;
	a->file.flags = a->flags;
	a->file.arguments = a->words;
	a->file.input = json_string_value(node_get(program, "input"));
	a->file.compiler = json_string_value(node_get(program, "compiler"));
	a->file.helpers = helper_folder();
	a->file.verbosity = a->common.verbosity > 0 ? a->common.verbosity : 0;
	a->what.file = a->files[0];
	if (*node_string(a->witness, "scenario"))
		a->what.part = node_string(a->witness, "scenario");
	return 0;
}

static const json_t *found_in(const struct arguments *a, const json_t *answer)
{
	size_t i;
	const json_t *found;
	json_array_foreach(node_get(answer, "findings"), i, found)
		if (strcmp(node_string(found, "kind"), node_string(a->witness, "kind")) == 0)
			return found;
	return NULL;
}

/* Builds the program with OPTIMISE and runs it with the options FIRST and then what tells its model and what fails. */
static const json_t *run_with(struct arguments *a, const char *optimise, char *const *first, json_t **answer)
{
	static const char *const failing = "--failing-status";
	char *words[WORDS_MAX];
	size_t n = 0;
	if (a->what.module) {
		explore_file_close(&a->file);
		a->what.module = NULL;
	}
	a->file.optimise = optimise;
	if (explore_file_build(&a->file) != 0)
		return NULL;
	a->what.module = a->file.built.program;
	words[n++] = (char *)"-m";
	words[n++] = (char *)(strcmp(node_string(a->witness, "model"), "sc") == 0 ? "sc" : "rc11");
	if (json_is_true(node_get(node_get(a->witness, "program"), "failing_status")))
		words[n++] = (char *)failing;
	while (*first)
		words[n++] = *first++;
	words[n] = NULL;
	a->file.quiet = true;
	a->file.time_limit_s = 20;
	if (explore_file_run(&a->file, words, answer) != 0)
		return NULL;
	return found_in(a, *answer);
}

/* An execution that shows the finding, of a build whose steps are those of the source as nearly as can be: without optimisation each
 * access stands at its line, and compilers agree. Its steps go to *STEPS. */
static const json_t *repeat(struct arguments *a, json_t **answer, const json_t **steps)
{
	const char *own = json_string_value(node_get(node_get(a->witness, "program"), "optimise"));
	char seed[48];
	snprintf(seed, sizeof seed, "--seed=%lld", (long long)json_integer_value(node_get(a->witness, "seed")));
	char *replay[] = {seed, (char *)"--replay", (char *)a->path, NULL};
	char *search[] = {seed, (char *)"-n", (char *)"4000", (char *)"--soon", (char *)"--no-leaks", NULL};
	const struct {
		const char *optimise;
		char **words;
	} ways[] = {{"-O0", replay}, {"-O0", search}, {own, replay}};
	for (size_t i = 0; i < sizeof ways / sizeof *ways && !child_interrupted; i++) {
		const json_t *found = run_with(a, ways[i].optimise, ways[i].words, answer);
		if (found) {
			*steps = node_get(ways[i].words == replay ? *answer : found, "steps");
			return found;
		}
		json_decref(*answer);
		*answer = NULL;
	}
	return NULL;
}

/* Writes TEXT to a private place and tries it there. */
static int try_text(const struct forced_source *source, const char *text, size_t bytes, char *said)
{
	struct private_folder folder = {0};
	char *file = NULL;
	int status = private_folder_make(&folder);
	if (status)
		return status;
	if (asprintf(&file, "%s/forced.c", folder.path) < 0)
		file = NULL;
	FILE *draft = file ? fopen(file, "we") : NULL;
	bool written = draft && fwrite(text, 1, bytes, draft) == bytes;
	if (!draft || fclose(draft) != 0 || !written) {
		complain("witness: the test cannot be written: %s", strerror(errno));
		status = EXIT_USAGE;
	} else {
		status = forced_test_try(source, file, ROUNDS, said, SAID_MAX);
	}
	free(file);
	private_folder_remove(&folder);
	return status;
}

static int give_away(const struct arguments *a, const char *text, size_t bytes)
{
	struct draft draft;
	int why = a->out ? draft_open(&draft, a->out) : 0;
	if (a->out && !why) {
		fwrite(text, 1, bytes, draft.stream);
		why = draft_commit(&draft);
	} else if (!a->out && (fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout) != 0)) {
		why = errno;
	}
	if (why)
		complain("%s: %s", a->out ? a->out : "stdout", strerror(why));
	return why ? EXIT_USAGE : 0;
}

/* Makes the test, and gives it away if it fails as it should. Races on a thread's own stack are rare, and what else lies there would only
 * be counted differently by other compilers: it counts in a second try. */
static int make(const struct arguments *a, const struct forced_source *source)
{
	struct forced_plan plan;
	char *text = NULL, said[SAID_MAX] = "";
	size_t bytes = 0;
	int status = forced_plan_make(source, &plan);
	if (status)
		return status;
	do {
		FILE *out = open_memstream(&text, &bytes);
		status = out ? forced_test_write(source, &plan, out) : EXIT_USAGE;
		if (out)
			fclose(out);
		if (!status)
			status = try_text(source, text, bytes, said);
		if (!status)
			status = give_away(a, text, bytes);
		free(text);
		text = NULL;
		plan.stacks = !plan.stacks;
	} while (status == EXIT_INCONCLUSIVE && plan.stacks && !child_interrupted);
	if (status == EXIT_INCONCLUSIVE)
		complain(
			"%s: the interleaving cannot be forced on real threads: the test said: %s; `onceproof replay` repeats it",
			a->path, said);
	if (!status && a->common.verbosity >= 0)
		fprintf(stderr,
			"onceproof: %s: a test of %zu turns, tried %d times with %s: %s; how to build it stands in its head\n",
			a->out ? a->out : "stdout", plan.point_count, ROUNDS, source->tried, said);
	forced_plan_free(&plan);
	return status;
}

static int make_c(struct arguments *a)
{
	json_t *answer = NULL;
	const json_t *steps = NULL;
	child_catch_interrupts();
	int status = read_program(a);
	if (status)
		return status;
	const json_t *found = repeat(a, &answer, &steps);
	if (!found) {
		complain("%s: the finding does not occur any more: the code has changed too much, or it was mended; make a new "
			 "witness: "
			 "onceproof check %s",
			a->path, a->files[0]);
		status = EXIT_INCONCLUSIVE;
	} else {
		const struct forced_source source = {.path = a->path,
			.witness = a->witness,
			.what = &a->what,
			.steps = steps,
			.places = node_get(found, "places"),
			.program = {.files = a->file.files,
				.file_count = a->file.file_count,
				.flags = a->file.flags,
				.flag_count = a->file.flag_count,
				.compiler = a->file.compiler,
				.optimise = a->file.optimise,
				.helpers = a->file.helpers,
				.verbosity = a->file.verbosity},
			.arguments = a->words,
			.argument_count = a->file.argument_count,
			.input = a->file.input,
			.tried = a->file.built.compiler};
		status = make(a, &source);
	}
	json_decref(answer);
	explore_file_close(&a->file);
	return status;
}

static int run(int argc, char **argv)
{
	struct arguments a = {.common = common_defaults(), .what = {.shard = 1, .shards = 1}};
	const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	const struct argp argp = {options, parse, "WITNESS",
		"Shows a witness that `onceproof check` or `explore` wrote. With --c, makes a standalone C test of it for the "
		"program's own "
		"suite: one file that forces the interleaving on real threads, red while the bug is there, green once it is "
		"mended. It is "
		"tried before it is written.\v"
		"The head of the test says how to build it with gcc, clang and CMake, and what its exit status means. Witnesses "
		"of whole "
		"programs and of scenario files can be made tests of.\n\n"
		"Exit status: 0 done, 2 usage or environment, 3 the finding does not occur any more, or cannot be forced on real "
		"threads.",
		children, NULL, NULL};
	command_parse(&argp, argc, argv, &a);
	if (!a.path || a.common.shards > 1 || a.common.json || a.common.junit || a.common.sarif || (a.out && !a.c)) {
		complain("witness: %s", !a.path               ? "name a witness: a file that `onceproof check` wrote"
					: a.common.shards > 1 ? "--shard has no meaning here"
					: a.out && !a.c       ? "--out is for --c"
							      : "reports are made by `onceproof replay`");
		return EXIT_USAGE;
	}
	a.witness = witness_read(a.path);
	if (!a.witness)
		return EXIT_USAGE;
	int status = a.c ? make_c(&a) : show(&a);
	json_decref(a.witness);
	free(a.files);
	free(a.flags);
	free(a.words);
	return status;
}

extern const struct command command_witness;
const struct command command_witness = {"witness", "a witness for people, or as a C test that forces it", run};
