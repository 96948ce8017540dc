/* SPDX-License-Identifier: MIT */
/* Makers, files and merging. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host.h"
#include "merge.h"
#include "node.h"
#include "result.h"
#include "test_support.h"

static void judging_follows_the_table(void **state)
{
	(void)state;
	static const struct {
		const char *verdict, *expected;
		int as_expected; /* -1: null */
	} table[] = {{"bug", "bug", 1}, {"bug", "clean", 0}, {"proved", "clean", 1}, {"proved", "bug", 0},
		{"not-found", "clean", 1}, {"not-found", "bug", -1}, {"inconclusive", "clean", -1}, {"inconclusive", "bug", -1},
		{"skipped", "clean", -1}, {"skipped", "bug", -1}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		json_t *result = result_new("counter/naive", "two", "native", "gcc");
		result_judge(result, table[i].verdict, table[i].expected, "because");
		const json_t *as_expected = node_get(result, "as_expected");
		int got = json_is_null(as_expected) ? -1 : json_is_true(as_expected);
		assert_int_equal(got, table[i].as_expected);
		assert_string_equal(node_string(result, "verdict"), table[i].verdict);
		assert_string_equal(node_string(result, "evidence"), "because");
		json_decref(result);
	}
}

static void a_new_result_decides_nothing(void **state)
{
	(void)state;
	json_t *result = result_new("counter/naive", "two", "native", "gcc");
	assert_string_equal(node_string(result, "verdict"), "inconclusive");
	assert_true(json_is_null(node_get(result, "as_expected")));
	json_decref(result);
}

static void makers_keep_every_part(void **state)
{
	(void)state;
	json_t *result = result_new("counter/naive", "two", "tsan", "gcc");
	json_t *finding = result_add_finding(result, "data-race", "a race", FAMILY_COUNTER, 1u << 0 | 1u << 5);
	finding_add_location(finding, "a.c", 12, "f", "T1", NULL);
	result_add_outcome(result, "1", "forbidden", UINT64_MAX, "lost", FAMILY_COUNTER, 1);
	char *text = json_dumps(result, JSON_COMPACT);
	assert_non_null(
		strstr(text, "\"refutes\":[\"no_lost_update\",\"race_free\"],\"locations\":[{\"file\":\"a.c\",\"line\":12,"
			     "\"function\":\"f\",\"thread\":\"T1\",\"access\":null}]"));
	/* Jansson's integers end below; the number must not turn negative. */
	assert_non_null(strstr(text, "\"count\":\"18446744073709551615\""));
	free(text);
	json_decref(result);
}

static void text_that_is_not_utf8_is_repaired(void **state)
{
	(void)state;
	json_t *node = node_text("ok\xff\xc0\xaf\xed\xa0\x80 \xe2\x82\xac");
	assert_string_equal(json_string_value(node),
		"ok\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xe2\x82\xac");
	json_decref(node);
}

static void host_says_what_matters_and_not_its_name(void **state)
{
	(void)state;
	json_t *host = host_describe();
	static const char *const keys[] = {"id", "os", "kernel", "architecture", "cpu", "cores_online", "cores_usable",
		"cpu_quota", "memory_bytes", "page_bytes", "compiler", "onceproof", "date"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_non_null(node_get(host, keys[i]));
	assert_int_equal(strlen(node_string(host, "date")), strlen("2026-01-02T03:04:05Z"));
	char name[256] = "";
	gethostname(name, sizeof name - 1);
	const char *key;
	json_t *value;
	json_object_foreach(host, key, value)
		assert_true(!json_is_string(value) || strcmp(json_string_value(value), name) != 0);
	json_decref(host);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void cpu_quota_of_both_layouts_is_read(void **state)
{
	(void)state;
	mkdir(scratch("groups"), 0777);
	mkdir(scratch("groups/a"), 0777);
	mkdir(scratch("groups/a/b"), 0777);
	mkdir(scratch("groups/cpu,cpuacct"), 0777);
	mkdir(scratch("groups/cpu,cpuacct/c"), 0777);
	put(scratch("groups/a/cpu.max"), "150000 100000\n");
	put(scratch("groups/a/b/cpu.max"), "400000 100000\n");
	mkdir(scratch("groups/a/c"), 0777);
	put(scratch("groups/a/c/cpu.max"), "max 100000\n");
	put(scratch("groups/cpu,cpuacct/c/cpu.cfs_quota_us"), "50000\n");
	put(scratch("groups/cpu,cpuacct/c/cpu.cfs_period_us"), "100000\n");
	const char *root = scratch("groups");
	assert_true(host_cpu_quota(root, "0::/a/b\n") == 1.5); /* the parent's tighter limit holds below it */
	assert_true(host_cpu_quota(root, "0::/a/c\n") == 1.5);
	assert_true(host_cpu_quota(root, "0::/a/c\n3:cpu,cpuacct:/c\n") == 0.5);
	assert_true(host_cpu_quota(root, "4:memory:/c\n3:cpu,cpuacct:/c\n") == 0.5);
	assert_true(host_cpu_quota(root, "3:cpuset:/c\n0::/\n") == 0);
}

static void written_reports_read_back_equal(void **state)
{
	(void)state;
	json_t *report = sample_report();
	assert_int_equal(report_write(report, scratch("results.json")), 0);
	json_t *again = report_read(scratch("results.json"));
	assert_true(json_equal(report, again));
	json_decref(again);
	json_decref(report);
}

static size_t files_in(const char *path)
{
	DIR *directory = opendir(path);
	assert_non_null(directory);
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

/* A child with a file-size limit meets EFBIG in the middle of the file, which to the writer is the same as a full disk. */
static void a_failed_write_keeps_the_earlier_file(void **state)
{
	(void)state;
	mkdir(scratch("full"), 0777);
	put(scratch("full/results.json"), "earlier");
	/* The large report fails on the way, the small one only when its buffer is written out at the end. */
	json_t *reports[] = {sample_report(), report_new(1)};
	for (size_t i = 0; i < 2; i++) {
		pid_t child = fork();
		if (child == 0) {
			struct rlimit limit = {200, 200};
			setrlimit(RLIMIT_FSIZE, &limit);
			signal(SIGXFSZ, SIG_IGN);
			int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
			dup2(null, STDERR_FILENO);
			_exit(report_write(reports[i], scratch("full/results.json")) == EFBIG ? 0 : 1);
		}
		int status;
		waitpid(child, &status, 0);
		assert_int_equal(status, 0);
		char *text = read_text(scratch("full/results.json"));
		assert_string_equal(text, "earlier");
		free(text);
		assert_int_equal(files_in(scratch("full")), 1);
		json_decref(reports[i]);
	}
}

static void unwritable_places_are_refused(void **state)
{
	(void)state;
	json_t *report = sample_report();
	assert_int_equal(report_write(report, scratch("no/such/folder/results.json")), ENOENT);
	assert_int_not_equal(report_write(report, "/proc/onceproof/results.json"), 0);
	json_decref(report);
}

static void stdout_that_is_full_is_noticed(void **state)
{
	(void)state;
	json_t *report = sample_report();
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		int full = open("/dev/full", O_WRONLY | O_CLOEXEC), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(full, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		_exit(report_write(report, "-") == ENOSPC ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	json_decref(report);
}

static void refuses(const char *text)
{
	put(scratch("bad.json"), text);
	json_t *report = report_read(scratch("bad.json"));
	if (report)
		print_error("accepted: %.80s\n", text);
	assert_null(report);
}

static void readers_refuse_what_is_no_report(void **state)
{
	(void)state;
	refuses("");
	refuses("not json");
	refuses("[]");
	refuses("{}");
	refuses("\"onceproof/1\"");
	refuses("{\"schema\": \"onceproof/2\"}");
	assert_null(report_read(scratch("missing.json")));
	assert_null(report_read("/proc/self/mem"));
	size_t deep = 1000000;
	char *nested = malloc(deep + 1);
	memset(nested, '[', deep);
	nested[deep] = '\0';
	refuses(nested);
	free(nested);
}

/* Takes one member out of a good report, or gives it the wrong type; each time the reader must refuse. */
static void readers_check_every_member(void **state)
{
	(void)state;
	static const char *const top[] = {"schema", "host", "seed", "partial", "results", "contracts", "batches", "benchmarks"};
	static const char *const inner[] = {"subject", "scenario", "engine", "compiler", "verdict", "expected", "as_expected",
		"findings", "outcomes", "executions"};
	for (size_t i = 0; i < sizeof top / sizeof *top + sizeof inner / sizeof *inner; i++) {
		bool outer = i < sizeof top / sizeof *top;
		json_t *report = sample_report();
		json_object_del(outer ? report : json_array_get(node_get(report, "results"), 0),
			outer ? top[i] : inner[i - sizeof top / sizeof *top]);
		char *text = json_dumps(report, 0);
		refuses(text);
		free(text);
		json_decref(report);
	}
	json_t *report = sample_report();
	node_set(json_array_get(node_get(report, "results"), 2), "verdict", json_string("certain"));
	char *text = json_dumps(report, 0);
	refuses(text);
	free(text);
	json_decref(report);
}

static const json_t *merged_contract(const json_t *merged, const char *promise)
{
	size_t i;
	const json_t *contract;
	json_array_foreach(node_get(merged, "contracts"), i, contract) {
		if (strcmp(node_string(contract, "promise"), promise) == 0)
			return contract;
	}
	return NULL;
}

static void merging_shards_of_one_machine(void **state)
{
	(void)state;
	json_t *parts[] = {report_new(7), report_new(7), NULL};
	node_append(node_get(parts[0], "results"), result_new("counter/naive", "two", "native", "gcc"));
	node_append(node_get(parts[1], "results"), result_new("counter/naive", "three", "native", "gcc"));
	add_contract(parts[0], "counter/naive", "no_lost_update", "missing", "unshown", "");
	add_contract(parts[1], "counter/naive", "no_lost_update", "missing", "refuted", "sequential two");
	node_set(json_array_get(node_get(parts[0], "contracts"), 0), "seen", json_pack("[s, s]", "native two", "tsan two"));
	node_set(json_array_get(node_get(parts[1], "contracts"), 0), "seen", json_pack("[s]", "tsan two"));
	add_contract(parts[0], "counter/naive", "exact_at_rest", "claimed", "refuted", "native two");
	add_contract(parts[1], "counter/naive", "exact_at_rest", "claimed", "upheld", "tsan two");
	node_append(node_get(node_get(parts[1], "benchmarks"), "benchmarks"), json_pack("{s:s}", "name", "floor/x/threads:1"));
	node_set(node_get(parts[1], "benchmarks"), "context", json_pack("{s:i}", "num_cpus", 2));
	parts[2] = json_deep_copy(parts[0]); /* the same file, given twice */
	json_t *before = json_deep_copy(parts[1]);
	json_t *merged = report_merge(parts, 3);
	assert_true(json_equal(before, parts[1]));
	assert_int_equal(json_array_size(node_get(merged, "results")), 2);
	assert_null(node_get(merged, "hosts"));
	assert_null(node_get(json_array_get(node_get(merged, "results"), 0), "host"));
	assert_int_equal(json_array_size(node_get(merged, "contracts")), 2);
	assert_string_equal(node_string(merged_contract(merged, "no_lost_update"), "status"), "refuted");
	assert_string_equal(node_string(merged_contract(merged, "no_lost_update"), "by"), "sequential two");
	assert_int_equal(json_array_size(node_get(merged_contract(merged, "no_lost_update"), "seen")), 2);
	assert_string_equal(node_string(merged_contract(merged, "exact_at_rest"), "status"), "refuted");
	assert_int_equal(json_array_size(node_get(node_get(merged, "benchmarks"), "benchmarks")), 1);
	assert_true(node_number(node_get(node_get(merged, "benchmarks"), "context"), "num_cpus", 0) == 2);
	assert_true(json_is_false(node_get(merged, "partial")));
	assert_null(node_get(merged, "seeds"));
	/* What was merged can be read, and merged again. */
	assert_int_equal(report_write(merged, scratch("merged.json")), 0);
	json_t *again = report_read(scratch("merged.json"));
	assert_non_null(again);
	json_decref(again);
	json_decref(before);
	json_decref(merged);
	for (size_t i = 0; i < 3; i++)
		json_decref(parts[i]);
}

static json_t *merge_both(json_t *a, json_t *b)
{
	return report_merge((json_t *[]){a, b}, 2);
}

static void missing_shards_are_named(void **state)
{
	(void)state;
	json_t *parts[] = {report_new(7), report_new(7), report_new(7), report_new(7)};
	for (size_t i = 0; i < 3; i++) {
		char shard[16];
		snprintf(shard, sizeof shard, "%zu/3", i + 1);
		node_set(parts[i], "shard", node_text(shard));
	}
	node_set(parts[3], "shard", json_string("1/2"));
	node_set(node_get(parts[3], "benchmarks"), "context", json_pack("{s:s}", "plan", "quick"));
	json_t *alone = report_merge(parts, 1), *most = merge_both(alone, parts[2]), *all = merge_both(parts[1], most);
	assert_true(json_is_true(node_get(alone, "partial")));
	assert_null(node_get(alone, "shard"));
	assert_int_equal(json_array_size(node_get(alone, "missing_shards")), 2);
	assert_true(json_is_true(node_get(most, "partial")));
	assert_int_equal(json_array_size(node_get(most, "missing_shards")), 1);
	assert_string_equal(json_string_value(json_array_get(node_get(most, "missing_shards"), 0)), "2/3");
	/* A complete set, in whatever order and steps it came together, is as good as one run. */
	assert_true(json_is_false(node_get(all, "partial")));
	static const char *const gone[] = {"shard", "shards", "missing_shards", "ended_early"};
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
		assert_null(node_get(all, gone[i]));
	/* Benchmarks have a plan of their own. */
	json_t *timed = merge_both(all, parts[3]);
	assert_string_equal(json_string_value(json_array_get(node_get(timed, "missing_shards"), 0)), "bench 2/2");
	/* A shard that ended early stays so. */
	node_set(parts[1], "partial", json_true());
	json_t *early = merge_both(parts[1], most);
	assert_true(json_is_true(node_get(early, "partial")));
	json_t *const made[] = {alone, most, all, timed, early};
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		json_decref(made[i]);
	for (size_t i = 0; i < 4; i++)
		json_decref(parts[i]);
}

static void merging_machines_keeps_them_apart(void **state)
{
	(void)state;
	json_t *parts[] = {sample_report(), sample_report(), NULL};
	node_set(node_get(parts[1], "host"), "id", json_string("elsewhere"));
	node_set(parts[1], "seed", json_integer(8));
	node_set(parts[1], "partial", json_true());
	size_t each = json_array_size(node_get(parts[0], "results"));
	json_t *merged = report_merge(parts, 2);
	const json_t *results = node_get(merged, "results");
	assert_int_equal(json_array_size(results), 2 * each);
	assert_int_equal(json_array_size(node_get(merged, "hosts")), 2);
	assert_string_equal(node_string(json_array_get(results, 0), "host"), node_string(node_get(parts[0], "host"), "id"));
	assert_string_equal(node_string(json_array_get(results, each), "host"), "elsewhere");
	assert_int_equal(json_array_size(node_get(merged, "seeds")), 2);
	assert_true(json_is_true(node_get(merged, "partial")));
	assert_int_equal(json_array_size(node_get(merged, "implementations")), 1);
	/* A third machine joins; the marks of the first two stay. */
	json_t *more[] = {merged, sample_report()};
	node_set(node_get(more[1], "host"), "id", json_string("third"));
	parts[2] = report_merge(more, 2);
	assert_int_equal(json_array_size(node_get(parts[2], "hosts")), 3);
	assert_string_equal(node_string(json_array_get(node_get(parts[2], "results"), each), "host"), "elsewhere");
	json_decref(more[1]);
	json_decref(merged);
	for (size_t i = 0; i < 3; i++)
		json_decref(parts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judging_follows_the_table),
		cmocka_unit_test(a_new_result_decides_nothing),
		cmocka_unit_test(makers_keep_every_part),
		cmocka_unit_test(text_that_is_not_utf8_is_repaired),
		cmocka_unit_test(host_says_what_matters_and_not_its_name),
		cmocka_unit_test(cpu_quota_of_both_layouts_is_read),
		cmocka_unit_test(written_reports_read_back_equal),
		cmocka_unit_test(a_failed_write_keeps_the_earlier_file),
		cmocka_unit_test(unwritable_places_are_refused),
		cmocka_unit_test(stdout_that_is_full_is_noticed),
		cmocka_unit_test(readers_refuse_what_is_no_report),
		cmocka_unit_test(readers_check_every_member),
		cmocka_unit_test(merging_shards_of_one_machine),
		cmocka_unit_test(missing_shards_are_named),
		cmocka_unit_test(merging_machines_keeps_them_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
