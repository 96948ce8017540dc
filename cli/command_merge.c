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
#include "../reports/render.h"
#include "../reports/result.h"
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
	if (i == NAMED && json_array_size(lost) > NAMED)
		complain("merge: missing shards: %s and %zu more; the report is marked partial: merge them too", names,
			json_array_size(lost) - NAMED);
	else if (i)
		complain("merge: missing shards: %s; the report is marked partial: merge them too", names);
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
		printf("%zu files: %zu results, %zu contracts, %zu batches, %zu broken%s\n", options->count,
			json_array_size(json_object_get(report, "results")),
			json_array_size(json_object_get(report, "contracts")),
			json_array_size(json_object_get(report, "batches")), broken, partial ? "; partial" : "");
		if (options->out)
			printf("%s/index.html\n", options->out);
	}
	tell_lost_shards(report);
	int status = stress_exit_status(report);
	return broken ? EXIT_BROKEN : status == EXIT_HOLDS && partial ? EXIT_INCONCLUSIVE : status;
}

static int merge_run(int argc, char **argv)
{
	struct merge_options options = {.common = common_defaults()};
	static const struct argp_option own[] = {
		{"out", 'o', "DIR", 0, "write results.json, index.html, summary.md, junit.xml and results.sarif there", 0}, {0}};
	static const struct argp_child children[] = {{&common_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {own, merge_parse, "RESULT.json... --out DIR|--json FILE",
		"Makes one report of several: shards of one plan, or the same plan on several machines.\v"
		"Results of different machines stay apart. A contract that any of them refutes is refuted. The whole is partial "
		"when any part is, or when a shard of a plan is not there.\n"
		"Exit status: 0 contracts as stated, 1 a contract broken, 2 a file cannot be read or written, 3 inconclusive or "
		"partial.",
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
	if (status == EXIT_HOLDS) {
		json_t *merged = report_merge(reports, options.count);
		if (json_object_get(merged, "joined")) {
			json_object_set_new(merged, "contracts", contracts_from(json_object_get(merged, "results")));
			json_object_del(merged, "joined");
		}
		status = write_all(&options, merged);
		json_decref(merged);
	}
	for (size_t i = 0; i < options.count; i++)
		json_decref(reports[i]);
	free(reports);
	return status;
}

const struct command command_merge = {"merge", "results of shards or machines as one report", merge_run};
