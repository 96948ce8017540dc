/* SPDX-License-Identifier: MIT */
/* `onceproof bench`: what each fix costs. onceproof-bench measures, with Google Benchmark; this command turns what it measured into a
 * report like every other command's. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../reports/result.h"
#include "cli.h"
#include "users.h"

struct bench_options {
	struct common common;
	bool quick, full, list, goals;
	struct users users;
	const char *threads; /* borrowed, like those below; onceproof-bench checks them */
	const char *save, *processes;
	const char *compare; /* A; B is the first of the globs */
	const char *at_least, *by, *fail_on, *markdown;
	bool all;
	char **globs; /* borrowed from argv; the list is owned */
	size_t glob_count;
	char **flags; /* Google Benchmark's, after "--"; borrowed from argv */
	size_t flag_count;
};

enum {
	KEY_INITIALISER = 0x1f00,
	KEY_COUNTER,
	KEY_PROGRESS,
	KEY_QUICK = 0x2000,
	KEY_FULL,
	KEY_LIST,
	KEY_THREADS,
	KEY_PROCESSES,
	KEY_SAVE,
	KEY_COMPARE,
	KEY_AT_LEAST,
	KEY_BY,
	KEY_FAIL_ON,
	KEY_MARKDOWN,
	KEY_ALL,
	KEY_GOALS
};

static const struct argp_option bench_argp_options[] = {
	{"quick", KEY_QUICK, NULL, 0,
		"the rows that most readers need, in 9 processes with short windows: under 90 s on two cores", 0},
	{"full", KEY_FULL, NULL, 0, "every row, in 15 processes with long windows: under 15 minutes", 0},
	{"goals", KEY_GOALS, NULL, 0, "only what the goals of `once` and `tally` need", 0},
	{"threads", KEY_THREADS, "LIST", 0, "numbers of threads (default: powers of two up to the cores, and four for each core)",
		0},
	{"initialiser", KEY_INITIALISER, "FILE", 0, "an initialiser of your own, beside the others", 0},
	{"counter", KEY_COUNTER, "FILE", 0, "a counter of your own", 0},
	{"progress", KEY_PROGRESS, "FILE", 0, "a progress implementation of your own", 0},
	{"processes", KEY_PROCESSES, "N", 0, "measure every row in N processes", 0},
	{"list", KEY_LIST, NULL, 0, "only name the rows", 0},
	{NULL, 0, NULL, 0, "Comparing over time:", 1},
	{"save", KEY_SAVE, "NAME", 0,
		"keep the result as NAME, or in NAME if that is a path ending in .json; 10 processes or more", 1},
	{"compare", KEY_COMPARE, "A B", 0,
		"measure nothing; tell which rows changed from saved result A to B. A whole run without a filter is kept as "
		"'latest'. "
		"Status 0: no change beyond noise; 1: a row is slower; 2: they cannot be compared; 3: nothing can be said",
		1},
	{"all", KEY_ALL, NULL, 0, "every row, with its false-alarm rate and the smallest slowdown it can show", 1},
	{"at-least", KEY_AT_LEAST, "PERCENT", 0, "smaller changes are negligible (default 2%)", 1},
	{"by", KEY_BY, "WHAT", 0, "'ratio' to the floor of the same process (default) or 'time'", 1},
	{"fail-on", KEY_FAIL_ON, "WHAT", 0, "'slower' (default) or 'change': status 1 for faster rows, too", 1},
	{"markdown", KEY_MARKDOWN, "FILE", 0, "append the comparison as Markdown, such as to $GITHUB_STEP_SUMMARY", 1},
	{0},
};

static void add_file(struct bench_options *options, const char *option, enum family family, const char *path)
{
	if (users_add(&options->users, option, family, path) != 0) {
		users_close(&options->users);
		exit(EXIT_USAGE);
	}
}

/* Options that make no sense together end the program. */
static void check_together(const struct bench_options *options)
{
	const bool comparing = options->at_least || options->by || options->fail_on || options->markdown || options->all;
	const bool measuring_too = options->quick || options->full || options->save || options->processes || options->threads ||
				   options->list || options->users.count;
	const char *why = NULL;
	if (options->quick && options->full)
		why = "--quick and --full exclude each other";
	else if (comparing && !options->compare)
		why = "--all, --at-least, --by, --fail-on and --markdown belong to --compare A B";
	else if (options->compare && measuring_too)
		why = "--compare measures nothing: it takes two results that --save kept, and filters";
	else if (options->compare && !options->glob_count)
		why = "--compare takes two saved results, such as `onceproof bench --compare before latest`";
	if (!why)
		return;
	complain("bench: %s", why);
	exit(EXIT_USAGE);
}

static error_t bench_parse(int key, char *arg, struct argp_state *state)
{
	static const char *const names[] = {"--initialiser", "--counter", "--progress"};
	struct bench_options *options = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		return 0;
	case KEY_INITIALISER:
	case KEY_COUNTER:
	case KEY_PROGRESS:
		add_file(options, names[key - KEY_INITIALISER], (enum family)(key - KEY_INITIALISER), arg);
		return 0;
	case KEY_QUICK:
		options->quick = true;
		return 0;
	case KEY_FULL:
		options->full = true;
		return 0;
	case KEY_GOALS:
		options->goals = true;
		return 0;
	case KEY_LIST:
		options->list = true;
		return 0;
	case KEY_THREADS:
		options->threads = arg;
		return 0;
	case KEY_PROCESSES:
		options->processes = arg;
		return 0;
	case KEY_SAVE:
		if (!*arg) {
			complain("--save: '' is no name: take one for the result, such as `onceproof bench --save before`, or a "
				 "path that "
				 "ends in .json");
			exit(EXIT_USAGE);
		}
		options->save = arg;
		return 0;
	case KEY_COMPARE:
		options->compare = arg;
		return 0;
	case KEY_AT_LEAST:
		options->at_least = arg;
		return 0;
	case KEY_BY:
		options->by = arg;
		return 0;
	case KEY_FAIL_ON:
		options->fail_on = arg;
		return 0;
	case KEY_MARKDOWN:
		options->markdown = appended_file("--markdown", arg);
		return 0;
	case KEY_ALL:
		options->all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (users_is_file(arg))
			add_file(options, "bench", FAMILY_COUNT, arg);
		else
			options->globs[options->glob_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		check_together(options);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void *must(void *memory)
{
	if (memory)
		return memory;
	complain("bench: out of memory");
	exit(EXIT_USAGE);
}

static char *joined(const char *option, const char *value)
{
	char *word = NULL;
	if (asprintf(&word, "%s%s", option, value) < 0)
		word = NULL;
	return must(word);
}

/* The measuring program's command line, with its JSON going to PATH unless that is NULL. Kept until this process ends. */
static char **bench_words(const struct bench_options *options, const char *path)
{
	char number[64];
	static char **words;
	words = must(calloc(options->glob_count + options->flag_count + 2 * USERS_MAX + 16, sizeof *words));
	size_t n = 0;
	words[n++] = helper_program("onceproof-bench");
	if (options->quick || options->full)
		words[n++] = joined(options->quick ? "--quick" : "--full", "");
	for (size_t i = 0; i < options->users.count; i++)
		words[n++] = users_option(&options->users, i);
	if (options->threads)
		words[n++] = joined("--threads=", options->threads);
	if (options->processes)
		words[n++] = joined("--processes=", options->processes);
	if (options->save)
		words[n++] = joined("--save=", options->save);
	if (options->list)
		words[n++] = joined("--list", "");
	if (options->goals)
		words[n++] = joined("--goals", "");
	if (options->common.verbosity < 0)
		words[n++] = joined("--quiet", "");
	if (path)
		words[n++] = joined("--json=", path);
	if (options->common.json && strcmp(options->common.json, "-") == 0)
		words[n++] = joined("--no-table", "");
	if (options->common.verbosity > 0)
		words[n++] = joined("--verbose", "");
	snprintf(number, sizeof number, "%u/%u", options->common.shard, options->common.shards);
	words[n++] = joined("--shard=", number);
	for (size_t i = 0; i < options->glob_count; i++)
		words[n++] = options->globs[i];
	/* Beside a file of the user's own: its family. */
	for (size_t i = 0; i < options->users.count && !options->glob_count; i++)
		words[n++] = joined(family_name(options->users.files[i].family), "/*");
	words[n++] = joined("--", "");
	for (size_t i = 0; i < options->flag_count; i++)
		words[n++] = options->flags[i];
	return words;
}

/* The same for a comparison. */
static char **compare_words(const struct bench_options *options, const char *path)
{
	const struct {
		const char *option, *value;
	} pairs[] = {{"--at-least=", options->at_least}, {"--by=", options->by}, {"--fail-on=", options->fail_on},
		{"--markdown=", options->markdown}, {"--json=", path}};
	static char **words; /* kept, as those above */
	words = must(calloc(options->glob_count + sizeof pairs / sizeof *pairs + 8, sizeof *words));
	size_t n = 0;
	words[n++] = helper_program("onceproof-bench");
	words[n++] = joined("--compare", "");
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i].value)
			words[n++] = joined(pairs[i].option, pairs[i].value);
	if (options->all || options->common.verbosity > 0)
		words[n++] = joined("--all", "");
	if (options->common.json && strcmp(options->common.json, "-") == 0)
		words[n++] = joined("--no-table", "");
	words[n++] = joined("--", "");
	words[n++] = joined(options->compare, "");
	for (size_t i = 0; i < options->glob_count; i++)
		words[n++] = options->globs[i];
	return words;
}

static volatile sig_atomic_t measuring; /* process id of onceproof-bench, for the signal handler; 0: none */

static void pass_on(int signal_number)
{
	int kept = errno;
	if (measuring)
		kill(measuring, signal_number);
	errno = kept;
}

/* Runs the measuring program to its end; Ctrl-C ends it in order. Returns its exit status. */
static int measure(char **words)
{
	struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	sigset_t both, before;
	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &before);
	pid_t pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		execv(words[0], words);
		complain("bench: %s: %s; was the whole project built?", words[0], strerror(errno));
		_exit(EXIT_USAGE);
	}
	measuring = pid > 0 ? (sig_atomic_t)pid : 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		complain("bench: cannot start a process: %s", strerror(errno));
		return EXIT_USAGE;
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_USAGE;
	measuring = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGPIPE) { /* who read has enough; end like any program that writes on */
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	complain("bench: onceproof-bench was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return EXIT_USAGE;
}

/* The report of what is in PATH. 0 or an errno value after a complaint. */
static int write_benchmarks(const struct bench_options *options, const char *path)
{
	json_error_t error;
	json_t *benchmarks = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!benchmarks) {
		complain("bench: what was measured cannot be read: %s", error.text);
		return EIO;
	}
	json_t *report = report_new(options->common.seed);
	const char *partial = json_string_value(json_object_get(json_object_get(benchmarks, "context"), "partial"));
	if (partial && strcmp(partial, "true") == 0)
		json_object_set_new(report, "partial", json_true());
	if (options->compare) {
		json_object_set(report, "comparisons", json_object_get(benchmarks, "comparisons"));
		json_decref(benchmarks);
	} else {
		json_object_set_new(report, "benchmarks", benchmarks);
	}
	if (options->common.shards > 1)
		json_object_set_new(report, "shard", json_sprintf("%u/%u", options->common.shard, options->common.shards));
	int why = report_write(report, options->common.json);
	json_decref(report);
	return why;
}

/* A private empty file in the folder for temporary files. */
static char *temporary_file(void)
{
	const char *folder = getenv("TMPDIR");
	char *path = joined(folder && *folder ? folder : "/tmp", "/onceproof-bench-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0) {
		complain("bench: %s: %s; set TMPDIR to a folder that can be written to", path, strerror(errno));
		exit(EXIT_USAGE);
	}
	close(fd);
	return path;
}

static int ended(struct bench_options *options, int status)
{
	users_close(&options->users);
	free(options->globs);
	return status;
}

static int bench_run(int argc, char **argv)
{
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {.options = bench_argp_options,
		.parser = bench_parse,
		.children = children,
		.args_doc = "[FILTER|FILE.c...] [-- GOOGLE-BENCHMARK-FLAGS...]\n--compare A B [FILTER...]",
		.doc = "Measures what each implementation costs, next to the least that this machine could ask.\v"
		       "FILTER is a glob on family/implementation[/operation], such as 'counter/*/increment'. FILE.c is an "
		       "implementation of your own: it is measured beside the others of its family. Behind \"--\", "
		       "--benchmark_out=FILE writes Google Benchmark's own JSON, for its compare.py."};
	static struct bench_options options;
	options.common = common_defaults();
	options.globs = must(calloc((size_t)argc + 1, sizeof *options.globs));
	int words = 1;
	while (words < argc && strcmp(argv[words], "--") != 0)
		words++;
	if (words < argc) {
		options.flags = argv + words + 1;
		options.flag_count = (size_t)(argc - words - 1);
	}
	command_parse(&argp, words, argv, &options);
	if (options.list && options.common.json) {
		complain("bench: --list: names only, no JSON; `onceproof list --json FILE` has the implementations");
		return EXIT_USAGE;
	}
	if (options.common.junit || options.common.sarif) {
		complain("bench: --junit, --sarif: a price is no test; use --json, or `onceproof stress --junit`");
		return EXIT_USAGE;
	}
	char **(*const make_words)(const struct bench_options *, const char *) = options.compare ? compare_words : bench_words;
	if (!options.common.json || options.list)
		return ended(&options, measure(make_words(&options, NULL)));
	char *path = temporary_file();
	int status = measure(make_words(&options, path));
	/* Whatever was measured is kept: with a lost update (1) and after Ctrl-C (3) too, unless that came before anything was. */
	struct stat about;
	const bool nothing = status == EXIT_INCONCLUSIVE && stat(path, &about) == 0 && about.st_size == 0;
	if (status != EXIT_USAGE && !nothing && write_benchmarks(&options, path) != 0)
		status = EXIT_USAGE;
	unlink(path);
	free(path);
	return ended(&options, status);
}

const struct command command_bench = {"bench", "measure what each implementation costs, next to the machine's floor", bench_run};
