/* SPDX-License-Identifier: MIT */
/* `onceproof merge`: results of shards or machines as one report. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../impl/support/file.h"
#include "../reports/facts.h"
#include "../reports/merge.h"
#include "../reports/merge_shards.h"
#include "../reports/node.h"
#include "../reports/render.h"
#include "../reports/result.h"
#include "../stress/check/check.h"
#include "../stress/contracts.h"
#include "cli.h"
#include "stress_text.h"

struct merge_options {
	struct common common;
	const char *out; /* --out DIR or NULL */
	char **files;    /* borrowed from argv */
	size_t count;
};

static error_t merge_parse(int key, char *arg, struct argp_state *state)
{
	struct merge_options *options = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		return 0;
	case 'o':
		options->out = arg;
		return 0;
	case ARGP_KEY_ARGS:
		options->files = state->argv + state->next;
		options->count = (size_t)(state->argc - state->next);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Is PATH one of the files that are read? Then writing it would lose a shard. */
static bool is_input(const struct merge_options *options, const char *path)
{
	struct stat target, input;
	if (strcmp(path, "-") == 0 || stat(path, &target) != 0)
		return false;
	for (size_t i = 0; i < options->count; i++) {
		if (stat(options->files[i], &input) == 0 && input.st_dev == target.st_dev && input.st_ino == target.st_ino) {
			complain("merge: %s is one of the files to be merged; write to another place", path);
			return true;
		}
	}
	return false;
}

/* DIR/NAME, owned by the caller. */
static char *inside(const char *directory, const char *name)
{
	char *path;
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		complain("merge: out of memory");
		exit(EXIT_USAGE);
	}
	return path;
}

static int write_directory(const json_t *report, const char *directory)
{
	static const struct {
		const char *name;
		int (*write)(const json_t *report, const char *path);
	} files[] = {{"results.json", report_write}, {"index.html", render_html}, {"summary.md", render_markdown},
		{"junit.xml", render_junit}, {"results.sarif", render_sarif}};
	int why = make_directories(directory);
	if (why) {
		complain("merge: --out %s: cannot make the directory: %s", directory, strerror(why));
		return why;
	}
	for (size_t i = 0; !why && i < sizeof files / sizeof *files; i++) {
		char *path = inside(directory, files[i].name);
		why = files[i].write(report, path);
		free(path);
	}
	return why;
}

/* Before anything is read or written: are the outputs apart from the inputs? */
static bool outputs_are_apart(const struct merge_options *options)
{
	if ((options->common.json && is_input(options, options->common.json)) ||
		(options->common.junit && is_input(options, options->common.junit)) ||
		(options->common.sarif && is_input(options, options->common.sarif)))
		return false;
	char *path = options->out ? inside(options->out, "results.json") : NULL;
	bool apart = !path || !is_input(options, path);
	free(path);
	return apart;
}

/* A set with a hole must not look whole to somebody who only reads the terminal. */
static void tell_lost_shards(const json_t *report)
{
	enum { NAMED = 12 };
	const json_t *lost = json_object_get(report, "missing_shards");
	char names[NAMED * 32] = "";
	size_t used = 0, i;
	json_t *one;
	json_array_foreach(lost, i, one) {
		if (i == NAMED)
			break;
		used += (size_t)snprintf(names + used, sizeof names - used, "%s%.24s", i ? ", " : "", json_string_value(one));
	}
	/* Searches say for themselves which shards they lack. */
	if (json_object_get(report, "lost"))
		return;
	if (i == NAMED && json_array_size(lost) > NAMED)
		complain("merge: missing shards: %s and %zu more; the report is marked partial: merge them too", names,
			json_array_size(lost) - NAMED);
	else if (i)
		complain("merge: missing shards: %s; the report is marked partial: merge them too", names);
}

/* Each search that lacks a shard is named, and each file that was cut short. */
static void tell_holes(const struct merge_options *options, json_t **reports, const json_t *merged)
{
	enum { NAMED = 12 };
	const json_t *lost = json_object_get(merged, "lost"), *one;
	size_t i;
	for (i = 0; i < options->count; i++)
		if (json_is_true(json_object_get(reports[i], "partial")) && !json_object_get(reports[i], "missing_shards") &&
			!json_object_get(reports[i], "lost"))
			complain("merge: %s is partial: its run was ended early; what it had not come to is missing",
				options->files[i]);
	json_array_foreach(lost, i, one) {
		if (i == NAMED) {
			complain("merge: … and %zu more are missing", json_array_size(lost) - NAMED);
			break;
		}
		/* "shard 3/8 of counter/mutex two_increments[; the one that is there is …]" */
		const char *text = json_string_value(one), *instead = strchr(text, ';');
		complain("merge: %.*s is missing%s", instead ? (int)(instead - text) : (int)strlen(text), text,
			instead ? instead : "");
	}
}

/* The results of the build that CHECK is about. New reference. */
static json_t *results_of_check(const json_t *report, const json_t *check)
{
	json_t *results = json_array(), *it;
	size_t i;
	json_array_foreach(json_object_get(report, "results"), i, it) {
		const json_t *flags = json_object_get(it, "flags");
		if (strcmp(node_string(it, "subject"), node_string(check, "subject")) == 0 &&
			strcmp(node_string(it, "compiler"), node_string(check, "compiler")) == 0 &&
			(!flags || json_equal(flags, json_object_get(check, "flags"))))
			json_array_append(results, it);
	}
	return results;
}

/* As `onceproof check` ends: known findings pass, and a bug that is expected. */
static int check_status(const json_t *check)
{
	const char *verdict = node_string(check, "verdict");
	bool bug = strcmp(verdict, "bug") == 0, expected = strcmp(node_string(check, "expected"), "bug") == 0;
	if (bug && json_object_get(check, "new") && json_integer_value(json_object_get(check, "new")) == 0)
		return EXIT_HOLDS;
	if (bug || strcmp(verdict, "proved") == 0 || strcmp(verdict, "not-found") == 0)
		return bug == expected ? EXIT_HOLDS : EXIT_BROKEN;
	return EXIT_INCONCLUSIVE;
}

/* The conclusion over all shards. While one of them is missing, nothing but a finding is final. */
static void conclude_again(const json_t *report, json_t *check)
{
	static const char *const kinds[] = {"program", "scenario-file", "implementation", "executable"};
	enum { FLAGS_MAX = 256 };
	char *flags[FLAGS_MAX];
	struct check_subject subject = {.name = node_string(check, "subject"), .source = {.flags = flags}};
	enum check_kind kind = CHECK_PROGRAM;
	json_t *results = results_of_check(report, check), *it, *finding;
	const json_t *waits = NULL;
	json_int_t known = 0, new = 0;
	size_t i, j;
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i], node_string(check, "kind")) == 0)
			kind = (enum check_kind)i;
	json_array_foreach(json_object_get(check, "flags"), i, it)
		if (i < FLAGS_MAX && json_is_string(it))
			flags[subject.source.flag_count++] = (char *)json_string_value(it);
	json_t *whole = check_conclude(&subject, kind, results);
	json_array_foreach(results, i, it) {
		waits = *node_string(it, "shard") && !waits ? it : waits;
		json_array_foreach(json_object_get(it, "findings"), j, finding) {
			known += strcmp(node_string(finding, "baseline"), "known") == 0;
			new += strcmp(node_string(finding, "baseline"), "new") == 0;
		}
	}
	if (waits && strcmp(node_string(whole, "verdict"), "bug") != 0) {
		json_object_set_new(whole, "verdict", json_string("inconclusive"));
		json_object_set(whole, "engine", json_object_get(waits, "engine"));
		json_object_set(whole, "evidence", json_object_get(waits, "evidence"));
	}
	if (json_object_get(check, "known")) {
		json_object_set_new(whole, "known", json_integer(known));
		json_object_set_new(whole, "new", json_integer(new));
	}
	json_object_update(check, whole);
	json_object_set_new(check, "exit_status", json_integer(check_status(check)));
	json_decref(whole);
	json_decref(results);
}

/* Of a report with checks these say what it comes to: their results may hold what is excused. */
static int status_of_checks(const json_t *report)
{
	int status = EXIT_HOLDS;
	size_t i;
	const json_t *check;
	json_array_foreach(json_object_get(report, "checks"), i, check) {
		int its = (int)json_integer_value(json_object_get(check, "exit_status"));
		if (its == EXIT_BROKEN || (its == EXIT_INCONCLUSIVE && status == EXIT_HOLDS))
			status = its;
	}
	return status;
}

static int write_all(const struct merge_options *options, const json_t *report)
{
	const char *json = options->common.json;
	if ((json && report_write(report, json) != 0) ||
		(options->common.junit && render_junit(report, options->common.junit) != 0) ||
		(options->common.sarif && render_sarif(report, options->common.sarif) != 0) ||
		(options->out && write_directory(report, options->out) != 0))
		return EXIT_USAGE; /* the writer has said why */
	size_t broken = facts_broken(report);
	bool partial = json_is_true(json_object_get(report, "partial"));
	if (options->common.verbosity >= 0 && !(json && strcmp(json, "-") == 0)) {
		printf("%zu files: %zu results, %zu contracts, %zu batches, %zu benchmark rows, %zu broken%s\n", options->count,
			json_array_size(json_object_get(report, "results")),
			json_array_size(json_object_get(report, "contracts")),
			json_array_size(json_object_get(report, "batches")),
			json_array_size(json_object_get(json_object_get(report, "benchmarks"), "benchmarks")), broken,
			partial ? "; partial" : "");
		if (options->out)
			printf("%s/index.html\n", options->out);
	}
	bool checks = json_array_size(json_object_get(report, "checks")) > 0;
	int status = checks ? status_of_checks(report) : stress_exit_status(report);
	if (status == EXIT_HOLDS && partial)
		status = EXIT_INCONCLUSIVE;
	return broken && !checks ? EXIT_BROKEN : status;
}

static int merge_run(int argc, char **argv)
{
	struct merge_options options = {.common = common_defaults()};
	static const struct argp_option own[] = {
		{"out", 'o', "DIR", 0, "write results.json, index.html, summary.md, junit.xml and results.sarif there", 0}, {0}};
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {own, merge_parse, "RESULT.json... --out DIR|--json FILE",
		"Makes one report of several: shards of one plan, or the same plan on several machines.\v"
		"Results of different machines stay apart. Benchmarks of one machine, build and plan are pooled; of another "
		"build or "
		"plan they stand side by side, like those of another machine. A contract that any of them refutes is refuted. "
		"The whole is partial "
		"when any part is, or when a shard of a plan is not there.\n"
		"The shards of a search become one result where all of them are there, and only then it may say proved; a shard "
		"that is missing is named. Shards of other code, seeds, options or versions make no whole. One that is there "
		"twice counts once; if the two differ, nothing is written.\n"
		"Exit status: 0 contracts as stated and checks clean, 1 a contract broken or a finding, 2 a file cannot be read "
		"or written or contradicts another, 3 inconclusive or partial.",
		children, NULL, NULL};
	if (command_parse(&argp, argc, argv, &options) != 0)
		return EXIT_USAGE;
	if (options.count == 0) {
		complain("merge: no files: name the results.json of each shard or machine");
		return EXIT_USAGE;
	}
	if (!options.out && !options.common.json && !options.common.junit && !options.common.sarif) {
		complain("merge: nowhere to write to: give --out DIR or --json FILE");
		return EXIT_USAGE;
	}
	if (options.common.shards > 1) {
		complain("merge: --shard has no meaning here: it puts shards together");
		return EXIT_USAGE;
	}
	if (!outputs_are_apart(&options))
		return EXIT_USAGE;
	json_t **reports = calloc(options.count, sizeof(json_t *));
	if (!reports) {
		complain("merge: out of memory");
		return EXIT_USAGE;
	}
	int status = EXIT_HOLDS;
	for (size_t i = 0; i < options.count; i++) {
		reports[i] = report_read(options.files[i]);
		if (!reports[i])
			status = EXIT_USAGE; /* every bad file is named before the command ends */
	}
	if (status == EXIT_HOLDS && !shards_agree(reports, (const char *const *)options.files, options.count))
		status = EXIT_USAGE;
	if (status == EXIT_HOLDS) {
		json_t *merged = report_merge(reports, options.count);
		if (json_object_get(merged, "joined")) {
			json_object_set_new(merged, "contracts", contracts_from(json_object_get(merged, "results")));
			json_object_del(merged, "joined");
		}
		size_t k;
		json_t *check;
		json_array_foreach(json_object_get(merged, "checks"), k, check)
			conclude_again(merged, check);
		status = write_all(&options, merged);
		tell_lost_shards(merged);
		tell_holes(&options, reports, merged);
		json_decref(merged);
	}
	for (size_t i = 0; i < options.count; i++)
		json_decref(reports[i]);
	free(reports);
	return status;
}

const struct command command_merge = {"merge", "results of shards or machines as one report", merge_run};
