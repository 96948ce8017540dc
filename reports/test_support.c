/* SPDX-License-Identifier: MIT */
#include "test_support.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "node.h"
#include "result.h"

const char hostile[] =
	"</script><img src=x onerror=alert(1)>\"'&]]>|`*[x](http://evil.example/)\x01\x1b[2J<!--\n# title\r--><svg/onload=1>";

void add_contract(json_t *report, const char *subject, const char *promise, const char *claim, const char *status, const char *by)
{
	node_append(node_get(report, "contracts"), json_pack("{s:s, s:s, s:s, s:s, s:s}", "subject", subject, "promise", promise,
							   "claim", claim, "status", status, "by", by));
}

static json_t *add_result(json_t *report, json_t *result)
{
	return node_append(node_get(report, "results"), result);
}

static void add_batch(
	json_t *report, const char *initialiser, const char *counter, const char *progress, int models, int backwards)
{
	node_append(node_get(report, "batches"),
		json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i, s:i}, s:f, s:b}",
			"initialiser", initialiser, "counter", counter, "progress", progress, "workers", 8, "items", 200, "done",
			199, "failed", 1, "not_started", 0, "counted", backwards ? 197 : 200, "models_made", models,
			"wasted_bytes", (models - 1) * 4194304, "anomalies", "duplicate", backwards, "gap", 0, "backwards",
			backwards, "missing_last", 0, "seconds", 0.5, "as_stated", true));
}

static void add_row(json_t *report, const char *name, double ns, double ratio)
{
	json_t *row =
		json_pack("{s:s, s:s, s:f, s:i}", "name", name, "run_type", "iteration", "wall_ns_per_op", ns, "ops", 1000000);
	if (ratio > 0)
		node_set(row, "ratio_to_floor", json_real(ratio));
	node_append(node_get(node_get(report, "benchmarks"), "benchmarks"), row);
}

static void add_naive(json_t *report)
{
	json_t *result = add_result(report, result_new("counter/naive", "two_increments", "native", "gcc 12.2.0"));
	result_add_outcome(result, "2", "acceptable", 979000, "both counted", FAMILY_COUNTER, 0);
	result_add_outcome(result, "1", "forbidden", 21000, "one update was lost", FAMILY_COUNTER, 1);
	json_t *finding = result_add_finding(result, "forbidden-outcome", "an update was lost", FAMILY_COUNTER, 1);
	(void)finding;
	node_set(result, "executions", json_integer(1000000));
	result_judge(result, "bug", "bug", "1000000 executions on 2 threads");
	result = add_result(report, result_new("counter/naive", "two_increments", "tsan", "clang 14.0.6"));
	finding = result_add_finding(result, "data-race", "write and write of 8 bytes", FAMILY_COUNTER, 32);
	finding_add_location(finding, "impl/counter/10_naive.c", 3, "counter_increment", "T1", "write of 8 bytes");
	finding_add_location(finding, "impl/counter/10_naive.c", 3, "counter_increment", "T2", "write of 8 bytes");
	result_judge(result, "bug", "bug", "reported in 1 execution");
	result = add_result(report, result_new("counter/naive", "two_increments", "explore", "gcc 12.2.0"));
	finding = result_add_finding(result, "forbidden-outcome", "an increment was lost on the way", FAMILY_COUNTER, 1);
	for (int step = 4; step < 7; step++)
		node_append(node_get(finding, "interleaving"),
			json_pack("{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s?, s:s?, s:b, s:b, s:s}", "step", step, "thread",
				step == 5 ? "T2" : "T1", "file", "impl/counter/10_naive.c", "line", 3, "function",
				"counter_increment", "source", "return ++c->value;", "operation", "racy read", "where", "[a]",
				"read", step < 6 ? "0" : NULL, "written", step < 6 ? NULL : "1", "switch", step > 4, "stale",
				step == 5, "note", step == 5 ? "nothing orders this load behind that store" : ""));
	node_set(finding, "hidden_steps", json_integer(12));
	node_set(finding, "replay", json_string("onceproof replay it.json"));
	result_judge(result, "bug", "bug", "1 finding in 7 executions");
	add_contract(report, "counter/naive", "no_lost_update", "missing", "refuted", "sequential two_increments");
	add_contract(report, "counter/naive", "race_free", "missing", "unshown", "");
	node_append(node_get(report, "implementations"),
		json_pack("{s:s, s:s, s:s, s:{s:[s,s], s:[]}, s:s}", "subject", "counter/naive", "file",
			"impl/counter/10_naive.c", "lesson", "two threads that both read 2 both write 3", "promises", "missing",
			"no_lost_update", "race_free", "claimed", "source",
			"line one\nline two\n\treturn ++c->value;\nline four\n"));
}

json_t *sample_report(void)
{
	json_t *report = report_new(7);
	node_set(report, "implementations", json_array());
	add_naive(report);
	json_t *result = add_result(report, result_new("counter/atomic", "two_increments", "native", "gcc 12.2.0"));
	result_add_outcome(result, "2", "acceptable", 1000000, "both counted", FAMILY_COUNTER, 0);
	result_judge(result, "not-found", "clean", "1000000 executions on 2 threads");
	add_contract(report, "counter/atomic", "no_lost_update", "claimed", "upheld", "native two_increments");
	add_contract(report, "counter/atomic", "unique_steps", "claimed", "upheld", "native steps");
	result = add_result(report, result_new("initialiser/naive", "first_use", "native", "gcc 12.2.0"));
	result_add_outcome(result, "loaded once", "acceptable", 999, "one load", FAMILY_INITIALISER, 0);
	result_add_outcome(result, "loaded twice", "forbidden", 1, "two loads", FAMILY_INITIALISER, 1);
	result_judge(result, "bug", "bug", "1000 executions");
	add_contract(report, "initialiser/naive", "exactly_once", "missing", "refuted", "sequential suspended_load");
	result = add_result(report, result_new("initialiser/call_once", "first_use", "tsan", "gcc 12.2.0"));
	result_judge(result, "skipped", "clean", "tsan is blind to call_once");
	add_contract(report, "initialiser/call_once", "exactly_once", "claimed", "unshown", "");
	add_batch(report, "naive", "naive", "plain_global", 3, 2);
	add_batch(report, "naive", "naive", "plain_global", 1, 0);
	add_batch(report, "atomic", "atomic", "monotone", 1, 0);
	add_row(report, "floor/lock_xadd/threads:1", 2.5, 0);
	add_row(report, "counter/naive/increment/threads:1", 0.5, 0.2);
	add_row(report, "counter/atomic/increment/threads:1", 2.6, 1.04);
	add_row(report, "counter/atomic/increment/threads:1", 2.4, 0.96);
	add_row(report, "counter/atomic/increment/threads:1", 9.9, 3.96);
	add_row(report, "counter/atomic/increment/threads:2/real_time", 12.5, 5);
	return report;
}

/* Every string below NODE becomes hostile, but for those that the reader checks for shape or the renderers take as names of things. */
static void poison(json_t *node, const char *key)
{
	static const char *const kept[] = {
		"schema", "verdict", "expected", "claim", "status", "promise", "grade", "engine", "run_type", "name", NULL};
	if (json_is_string(node)) {
		for (size_t i = 0; kept[i]; i++)
			if (strcmp(kept[i], key) == 0)
				return;
		char text[512];
		snprintf(text, sizeof text, "%s%s", json_string_value(node), hostile);
		json_string_set_nocheck(node, text);
	}
	size_t i;
	json_t *value;
	const char *name;
	json_array_foreach(node, i, value)
		poison(value, key);
	json_object_foreach(node, name, value)
		poison(value, name);
}

json_t *hostile_report(void)
{
	json_t *report = sample_report();
	const char *name;
	json_t *value;
	json_object_foreach(report, name, value) {
		/* The source stays beside a location that names it. */
		poison(value, name);
	}
	char row[512];
	snprintf(row, sizeof row, "counter/%s/increment/threads:1", hostile);
	add_row(report, row, 1, 1);
	return report;
}

static char folder[200];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	if (!*folder) {
		const char *temporary = getenv("TMPDIR");
		snprintf(folder, sizeof folder, "%s/onceproof-test-XXXXXX", temporary && *temporary ? temporary : "/tmp");
		if (!mkdtemp(folder))
			abort();
		atexit(remove_folder);
	}
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	char *text = NULL;
	size_t bytes = 0;
	ssize_t got = getdelim(&text, &bytes, '\0', file);
	fclose(file);
	assert_true(got > 0);
	return text;
}
