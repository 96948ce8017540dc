/* SPDX-License-Identifier: MIT */
/* Findings as others read them: fingerprints, advice, SARIF, annotations, job summary, page, JUnit of users' code. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <expat.h>

#include "advice.h"
#include "fingerprint.h"
#include "found.h"
#include "node.h"
#include "page_text.h"
#include "render.h"
#include "result.h"
#include "source.h"
#include "test_support.h"

/* A file name with all that a renderer has to escape. */
static const char bad_name[] = "a b/c:d,e%f/\xc3\xbc\n::error::<x>.c";

static size_t occurrences(const char *text, const char *needle)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle))
		count++;
	return count;
}

static void must_have(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		print_error("missing: %s\n", needle);
	assert_non_null(strstr(text, needle));
}

static json_t *add_result(json_t *report, const char *subject, const char *engine)
{
	return node_append(node_get(report, "results"), result_new(subject, "program", engine, "gcc 12.2.0"));
}

static json_t *add_place(json_t *finding, const char *file, int line, const char *thread, const char *access, const char *source)
{
	finding_add_location(finding, file, line, "work", thread, access);
	json_t *places = node_get(finding, "locations"), *place = json_array_get(places, json_array_size(places) - 1);
	node_set(place, "source", node_text(source));
	return place;
}

/* A race between WRITE (at LINE) and READ (at LINE + 20), in the words of the explorer. */
static json_t *add_race(json_t *result, const char *file, int line, const char *write, const char *read)
{
	json_t *race = result_add_finding(result, "data-race", "two accesses, and nothing orders the two", FAMILY_PIPELINE, 0);
	add_place(race, file, line, "T1", "writes 4 bytes", write);
	add_place(race, file, line + 20, "T2", "reads it", read);
	return race;
}

static void add_step(json_t *finding, int step, const char *thread, const char *file, int line, const char *where,
	const char *read, const char *written)
{
	node_append(node_get(finding, "interleaving"),
		node_must(json_pack("{s:i, s:s, s:o, s:i, s:s, s:s, s:s, s:s, s:s?, s:s?, s:b}", "step", step, "thread", thread,
			"file", node_text(file), "line", line, "function", "work", "source", "x = 1;", "operation",
			read ? "racy read" : "racy write", "where", where, "read", read, "written", written, "switch",
			step == 2)));
}

static json_t *race_report(const char *file)
{
	json_t *report = report_new(7), *result = add_result(report, file, "explore");
	json_t *race = add_race(result, file, 10, "x = 1;", "if (x)");
	add_step(race, 1, "T1", file, 10, "x", NULL, "1");
	add_step(race, 2, "T2", file, 30, "x", "1", NULL);
	node_set(race, "replay", node_text("onceproof replay 'it.json'"));
	result_judge(result, "bug", "clean", "1 finding in 3 executions");
	report_complete(report);
	return report;
}

/* The only finding of a race_report(); borrowed. */
static json_t *race_of(json_t *report)
{
	return json_array_get(node_get(json_array_get(node_get(report, "results"), 0), "findings"), 0);
}

static char *print_of(json_t *result, size_t index)
{
	char text[FINGERPRINT_MAX];
	result_fingerprints(result);
	finding_fingerprint(result, json_array_get(node_get(result, "findings"), index), text);
	return strdup(text);
}

/* The fingerprint of a race alone in a result. */
static char *print_of_race(const char *file, int line, const char *write, const char *read)
{
	json_t *result = result_new("q.c", "program", "explore", "gcc 12.2.0");
	add_race(result, file, line, write, read);
	char *print = print_of(result, 0);
	json_decref(result);
	return print;
}

static void expect_same(bool same, char *a, char *b)
{
	assert_int_equal(strncmp(a, "data-race:", 10), 0);
	assert_int_equal(strlen(a), strlen("data-race:") + 16);
	if ((strcmp(a, b) == 0) != same)
		print_error("%s and %s\n", a, b);
	assert_int_equal(strcmp(a, b) == 0, same);
	free(a);
	free(b);
}

static void fingerprints_survive_moved_lines(void **state)
{
	(void)state;
	expect_same(true, print_of_race("q.c", 10, "x = 1;", "if (x)"), print_of_race("q.c", 510, "x = 1;", "if (x)"));
	expect_same(true, print_of_race("q.c", 10, "x = 1;", "if (x)"), print_of_race("./q.c", 10, "\tx  =1 ;", "if(x)"));
	expect_same(false, print_of_race("q.c", 10, "x = 1;", "if (x)"), print_of_race("q.c", 10, "x = 2;", "if (x)"));
	expect_same(false, print_of_race("q.c", 10, "x = 1;", "if (x)"), print_of_race("r.c", 10, "x = 1;", "if (x)"));
	expect_same(false, print_of_race("q.c", 10, "int x;", "if (x)"), print_of_race("q.c", 10, "intx;", "if (x)"));
}

/* The same race as another engine tells it: other words, other threads, the other order; and with where it was called from. */
static void fingerprints_are_one_for_all_engines(void **state)
{
	(void)state;
	json_t *result = result_new("q.c", "program", "tsan", "clang 14.0.6");
	json_t *race = result_add_finding(result, "data-race", "read of 4 bytes by T7 and write", FAMILY_PIPELINE, 0);
	add_place(race, "q.c", 30, "T7", "read of 4 bytes", "if (x)");
	add_place(race, "q.c", 80, "T7", "called from here", "work();");
	add_place(race, "q.c", 10, "T3", "atomic write of 4 bytes", "x = 1;");
	node_set(json_array_get(node_get(race, "locations"), 0), "function", node_text("work.part.0"));
	char *told = print_of(result, 0);
	json_decref(result);
	expect_same(true, told, print_of_race("q.c", 10, "x = 1;", "if (x)"));
}

/* Two lines with the same text are two findings; which is found first does not matter, and neither that one is told twice. */
static void same_looking_findings_are_counted(void **state)
{
	(void)state;
	json_t *one = result_new("q.c", "program", "explore", "gcc"), *other = result_new("q.c", "program", "explore", "gcc");
	add_race(one, "q.c", 10, "x = 1;", "if (x)");
	add_race(one, "q.c", 50, "x = 1;", "if (x)");
	add_race(one, "q.c", 10, "x = 1;", "if (x)");
	add_race(other, "q.c", 57, "x = 1;", "if (x)");
	add_race(other, "q.c", 17, "x = 1;", "if (x)");
	expect_same(false, print_of(one, 0), print_of(one, 1));
	expect_same(true, print_of(one, 0), print_of(one, 2));
	expect_same(true, print_of(one, 0), print_of(other, 1));
	expect_same(true, print_of(one, 1), print_of(other, 0));
	json_decref(one);
	json_decref(other);
}

static char *print_of_message(const char *kind, const char *message)
{
	json_t *result = result_new("counter/naive", "two", "native", "gcc");
	result_add_finding(result, kind, message, FAMILY_COUNTER, 1);
	char *print = print_of(result, 0);
	json_decref(result);
	return print;
}

static void findings_without_places_have_fingerprints(void **state)
{
	(void)state;
	char *a = print_of_message("forbidden-outcome", "outcome '1': lost (3 of 40000 executions)"),
	     *b = print_of_message("forbidden-outcome", "outcome '1': lost (after a data race)"),
	     *c = print_of_message("forbidden-outcome", "outcome '2': lost (3 of 40000 executions)");
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	free(a), free(b), free(c);
	a = print_of_message("crash", "T1 reads 0x7f00 at q.c:12 (signal 11)");
	b = print_of_message("crash", "T4 reads 0x5500 at q.c:99 (signal 11)");
	assert_string_equal(a, b);
	free(a), free(b);
}

/* A thread that only joins may have come to its join, or not yet: it is no part of the deadlock. */
static void deadlocks_are_known_by_their_circle(void **state)
{
	(void)state;
	char *prints[2];
	for (int joins = 0; joins < 2; joins++) {
		json_t *result = result_new("q.c", "program", "explore", "gcc");
		json_t *it = result_add_finding(result, "deadlock", "nobody can move", FAMILY_PIPELINE, 0);
		if (joins)
			add_place(it, "q.c", 90, "T0", "waits for T1 to end", "pthread_join(t, NULL);");
		add_place(it, "q.c", 10, "T1", "waits for mutex b held by T2 (locked at q.c:20)", "lock(&b);");
		add_place(it, "q.c", 21, "T2", "waits for mutex a held by T1 (locked at q.c:9)", "lock(&a);");
		prints[joins] = print_of(result, 0);
		json_decref(result);
	}
	assert_string_equal(prints[0], prints[1]);
	free(prints[0]);
	free(prints[1]);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* The lines come from the file, and stay in the report when the file has gone. */
static void source_lines_are_kept(void **state)
{
	(void)state;
	char path[256], text[4096] = "";
	snprintf(path, sizeof path, "%s", scratch("source.c"));
	for (int line = 1; line <= 100; line++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "\tline %d;\r\n", line);
	write_text(path, text);
	json_t *result = result_new("q.c", "program", "explore", "gcc");
	json_t *race = result_add_finding(result, "data-race", "m", FAMILY_PIPELINE, 0);
	finding_add_location(race, path, 50, "work", "T1", "writes");
	finding_add_location(race, path, 500, "work", "T2", "reads");
	finding_add_location(race, scratch("nowhere.c"), 1, "work", "T2", "reads");
	result_fingerprints(result);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(node_string(json_array_get(node_get(race, "locations"), 0), "source"), "line 50;");
	assert_string_equal(node_string(json_array_get(node_get(race, "locations"), 1), "source"), "");
	char *line = finding_source_line(race, path, 53);
	assert_string_equal(line, "\tline 53;");
	free(line);
	assert_null(finding_source_line(race, path, 54));
	json_t *lines = finding_lines(race, path);
	assert_int_equal(json_array_size(lines), 7);
	json_decref(lines);
	json_decref(result);
}

/* A report may name any file: folders, pipes and what is no text are not read. */
static void only_text_files_are_read(void **state)
{
	(void)state;
	char names[3][256];
	for (int i = 0; i < 3; i++)
		snprintf(names[i], sizeof names[i], "%s", scratch(i == 0 ? "folder" : i == 1 ? "pipe" : "binary"));
	assert_int_equal(mkdir(names[0], 0700), 0);
	assert_int_equal(mkfifo(names[1], 0600), 0);
	FILE *file = fopen(names[2], "we");
	assert_non_null(file);
	fwrite("a\0b\n", 1, 4, file);
	fclose(file);
	json_t *result = result_new("q.c", "program", "explore", "gcc");
	json_t *race = result_add_finding(result, "data-race", "m", FAMILY_PIPELINE, 0);
	for (int i = 0; i < 3; i++)
		finding_add_location(race, names[i], 1, "work", "T1", "writes");
	result_fingerprints(result);
	assert_int_equal(json_array_size(node_get(race, "sources")), 0);
	json_decref(result);
}

static void every_kind_has_advice(void **state)
{
	(void)state;
	static const char *const kinds[] = {"data-race", "forbidden-outcome", "assertion", "deadlock", "livelock", "lost-wakeup",
		"use-after-free", "double-free", "leak", "misuse", "crash", "nondeterminism"};
	assert_int_equal(advice_count, sizeof kinds / sizeof *kinds);
	for (size_t i = 0; i < advice_count; i++) {
		const struct advice *about = advice_for(kinds[i]);
		assert_string_equal(about->kind, kinds[i]);
		assert_true(*about->title && *about->meaning && *about->change && *about->example && *about->cwe);
		assert_int_equal(about->meaning[strlen(about->meaning) - 1], '.');
		assert_int_equal(about->change[strlen(about->change) - 1], '.');
	}
	assert_string_equal(advice_for("of-the-future")->kind, "finding");
	json_t *report = race_report("q.c"), *race = race_of(report);
	char *words = advice_words(race);
	assert_string_equal(words, advice_for("data-race")->change);
	free(words);
	node_set(race, "fixes",
		node_must(json_pack("[{s:s, s:[], s:s, s:i}]", "change", "with line 10 release and line 30 acquire", "edits",
			"verdict", "proved", "executions", 212)));
	words = advice_words(race);
	assert_string_equal(words, "Verified: with line 10 release and line 30 acquire: proved, 212 executions.");
	free(words);
	json_decref(report);
}

/* ---- SARIF */

static json_t *sarif_of(const json_t *report)
{
	assert_int_equal(render_sarif(report, scratch("it.sarif")), 0);
	json_t *log = json_load_file(scratch("it.sarif"), 0, NULL);
	assert_non_null(log);
	return log;
}

static json_t *run_of(json_t *log)
{
	assert_string_equal(node_string(log, "version"), "2.1.0");
	assert_int_equal(json_array_size(node_get(log, "runs")), 1);
	return json_array_get(node_get(log, "runs"), 0);
}

/* Follows a path like "locations.0.physicalLocation" from NODE. */
static json_t *at(json_t *node, const char *path)
{
	char copy[256];
	snprintf(copy, sizeof copy, "%s", path);
	for (char *rest = copy, *name; node && (name = strsep(&rest, "/"));)
		node = *name >= '0' && *name <= '9' ? json_array_get(node, (size_t)atoi(name)) : json_object_get(node, name);
	if (!node)
		print_error("nothing at %s\n", path);
	assert_non_null(node);
	return node;
}

static const char *text_at(json_t *node, const char *path)
{
	const char *text = json_string_value(at(node, path));
	assert_non_null(text);
	return text;
}

static void sarif_says_it_all(void **state)
{
	(void)state;
	json_t *report = race_report("q.c"), *undecided = add_result(report, "q.c", "tsan");
	result_judge(undecided, "inconclusive", "clean", "out of time");
	json_t *log = sarif_of(report), *run = run_of(log), *result = at(run, "results/0");
	assert_int_equal(json_array_size(at(run, "results")), 1);
	assert_int_equal(json_array_size(at(run, "tool/driver/rules")), advice_count);
	assert_string_equal(text_at(result, "ruleId"), "data-race");
	assert_string_equal(text_at(at(run, "tool/driver/rules"), "0/id"), "data-race");
	assert_int_equal(json_integer_value(at(result, "ruleIndex")), 0);
	assert_string_equal(text_at(result, "level"), "error");
	must_have(text_at(result, "message/text"), "two accesses, and nothing orders the two. Take the same lock");
	assert_string_equal(text_at(result, "locations/0/physicalLocation/artifactLocation/uri"), "q.c");
	assert_string_equal(text_at(result, "locations/0/physicalLocation/artifactLocation/uriBaseId"), "SRCROOT");
	assert_null(node_get(at(run, "originalUriBaseIds/SRCROOT"), "uri"));
	assert_int_equal(json_integer_value(at(result, "relatedLocations/0/physicalLocation/region/startLine")), 30);
	assert_string_equal(text_at(result, "relatedLocations/0/message/text"), "T2 reads it");
	json_t *flows = at(result, "codeFlows/0/threadFlows");
	assert_int_equal(json_array_size(flows), 2);
	assert_string_equal(text_at(flows, "1/id"), "T2");
	assert_int_equal(json_integer_value(at(flows, "1/locations/0/executionOrder")), 2);
	assert_string_equal(text_at(flows, "1/locations/0/location/message/text"), "T2: racy read x = 1");
	assert_string_equal(text_at(flows, "0/locations/0/state/x/text"), "1");
	assert_string_equal(text_at(flows, "0/locations/0/importance"), "essential");
	assert_string_equal(text_at(result, "properties/replay"), "onceproof replay 'it.json'");
	assert_string_equal(
		node_string(at(result, "partialFingerprints"), "onceproof/1"), node_string(race_of(report), "fingerprint"));
	assert_null(node_get(result, "baselineState"));
	assert_null(node_get(result, "suppressions"));
	json_t *notes = at(run, "invocations/0/toolExecutionNotifications");
	assert_int_equal(json_array_size(notes), 1);
	assert_string_equal(text_at(notes, "0/message/text"), "q.c, tsan: inconclusive: out of time");
	assert_true(json_is_true(at(run, "invocations/0/executionSuccessful")));
	json_decref(log);
	json_decref(report);
}

static void sarif_knows_the_baseline(void **state)
{
	(void)state;
	json_t *report = race_report("q.c"), *result = json_array_get(node_get(report, "results"), 0);
	json_t *known = add_race(result, "q.c", 60, "y = 1;", "if (y)");
	node_set(race_of(report), "baseline", json_string("new"));
	node_set(known, "baseline", json_string("known"));
	node_set(report, "checks",
		node_must(json_pack("[{s:s, s:s, s:[{s:s, s:s, s:s}]}]", "subject", "q.c", "verdict", "bug", "vanished",
			"fingerprint", "leak:0123456789abcdef", "kind", "leak", "message", "gone")));
	json_t *log = sarif_of(report), *run = run_of(log);
	assert_string_equal(text_at(run, "results/0/baselineState"), "new");
	assert_string_equal(text_at(run, "results/1/baselineState"), "unchanged");
	assert_string_equal(text_at(run, "results/2/baselineState"), "absent");
	assert_string_equal(text_at(run, "results/2/ruleId"), "leak");
	assert_string_equal(text_at(run, "results/2/message/text"), "gone");
	assert_int_equal(json_integer_value(at(run, "results/2/ruleIndex")), advice_index("leak"));
	json_decref(log);
	json_decref(report);
}

static void sarif_names_files_as_uris(void **state)
{
	(void)state;
	json_t *report = race_report(bad_name), *log = sarif_of(report), *run = run_of(log);
	assert_string_equal(text_at(run, "results/0/locations/0/physicalLocation/artifactLocation/uri"),
		"a%20b/c%3Ad%2Ce%25f/%C3%BC%0A%3A%3Aerror%3A%3A%3Cx%3E.c");
	json_decref(log);
	json_decref(report);
	report = race_report("/usr/include/x.h");
	log = sarif_of(report);
	json_t *artifact = at(run_of(log), "results/0/locations/0/physicalLocation/artifactLocation");
	assert_string_equal(text_at(artifact, "uri"), "file:///usr/include/x.h");
	assert_null(node_get(artifact, "uriBaseId"));
	json_decref(log);
	json_decref(report);
}

/* What was stated beforehand fails nothing; one finding of several engines is one result. */
static void sarif_grades_and_joins(void **state)
{
	(void)state;
	json_t *report = race_report("q.c"), *again = add_result(report, "q.c", "tsan");
	add_race(again, "q.c", 10, "x = 1;", "if (x)");
	result_judge(again, "bug", "clean", "seen");
	json_t *stated = add_result(report, "counter/naive", "explore");
	result_add_finding(stated, "forbidden-outcome", "lost", FAMILY_COUNTER, 1);
	result_judge(stated, "bug", "bug", "seen");
	report_complete(report);
	json_t *log = sarif_of(report), *run = run_of(log);
	assert_int_equal(json_array_size(at(run, "results")), 2);
	assert_int_equal(json_array_size(at(run, "results/0/properties/seenBy")), 2);
	assert_string_equal(text_at(run, "results/1/level"), "note");
	/* Without a place of its own it is shown at the implementation. */
	assert_string_equal(
		text_at(run, "results/1/locations/0/physicalLocation/artifactLocation/uri"), "impl/counter/10_naive.c");
	json_decref(log);
	json_decref(report);
}

static json_t *many(size_t count)
{
	json_t *report = race_report("q.c"), *result = json_array_get(node_get(report, "results"), 0);
	for (size_t i = 1; i < count; i++) {
		char write[64];
		snprintf(write, sizeof write, "x[%zu] = 1;", i);
		json_t *race = add_race(result, "q.c", (int)(10 * i), write, "if (x)");
		for (int step = 1; step < 12; step++)
			add_step(race, step, step % 2 ? "T1" : "T2", "q.c", step, "x", NULL, "1");
	}
	report_complete(report);
	return report;
}

static void sarif_has_an_end(void **state)
{
	(void)state;
	json_t *report = many(5003), *log = sarif_of(report), *run = run_of(log);
	assert_int_equal(json_array_size(at(run, "results")), 5000);
	must_have(text_at(run, "invocations/0/toolExecutionNotifications/0/message/text"), "3 more findings are left out");
	json_decref(log);
	json_decref(report);
}

/* ---- GitHub */

static char *github_of(const json_t *report)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	assert_int_equal(render_github(report, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void annotations_are_escaped(void **state)
{
	(void)state;
	json_t *report = race_report(bad_name);
	node_set(race_of(report), "message", json_string("100%\r\n::warning::it, or: not"));
	char *text = github_of(report);
	must_have(text, "::error file=a b/c%3Ad%2Ce%25f/\xc3\xbc%0A%3A%3Aerror%3A%3A<x>.c,line=10,endLine=10,title=Data race::"
			"100%25%0D%0A::warning::it, or: not.%0ATake the same lock");
	must_have(text, "%0AReplay: onceproof replay 'it.json'\n");
	assert_int_equal(occurrences(text, "\n"), 1);
	assert_null(strchr(text, '\r'));
	free(text);
	json_decref(report);
}

static void annotations_are_few(void **state)
{
	(void)state;
	json_t *report = many(25);
	for (size_t i = 0; i < 3; i++)
		node_set(json_array_get(node_get(json_array_get(node_get(report, "results"), 0), "findings"), i), "baseline",
			json_string("known"));
	char *text = github_of(report);
	assert_int_equal(occurrences(text, "::error "), 10);
	assert_int_equal(occurrences(text, "::notice "), 3);
	assert_int_equal(occurrences(text, "title=Data race (known)::"), 3);
	must_have(text, "\n12 more findings are not annotated");
	free(text);
	json_decref(report);
	report = report_new(1);
	text = github_of(report);
	assert_string_equal(text, "");
	free(text);
	json_decref(report);
}

/* A step may run in a folder of the repository; annotations are about files of the repository. */
static void annotations_start_at_the_repository(void **state)
{
	(void)state;
	char before[256], below[256], *file;
	assert_non_null(getcwd(before, sizeof before));
	snprintf(below, sizeof below, "%s", scratch("in"));
	assert_int_equal(mkdir(below, 0700), 0);
	assert_int_equal(chdir(below), 0);
	assert_int_equal(setenv("GITHUB_WORKSPACE", scratch("."), 1), 0);
	file = found_file("./x.c");
	assert_string_equal(file, "x.c");
	free(file);
	assert_int_equal(setenv("GITHUB_ACTIONS", "true", 1), 0);
	assert_true(github_actions());
	static const char *const names[][2] = {{"x.c", "in/x.c"}, {"../y/./x.c", "y/x.c"}, {"a/../../../x.c", "../x.c"},
		{"/usr/x.h", "/usr/x.h"}, {"..x/y.c", "in/..x/y.c"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		file = found_file(names[i][0]);
		assert_string_equal(file, names[i][1]);
		free(file);
	}
	char whole[512];
	snprintf(whole, sizeof whole, "%s/z.c", below);
	file = found_file(whole);
	assert_string_equal(file, "in/z.c");
	free(file);
	assert_int_equal(unsetenv("GITHUB_ACTIONS"), 0);
	assert_int_equal(unsetenv("GITHUB_WORKSPACE"), 0);
	assert_false(github_actions());
	assert_int_equal(chdir(before), 0);
}

/* ---- the job summary */

static size_t size_of(const char *path)
{
	struct stat info;
	assert_int_equal(stat(path, &info), 0);
	return (size_t)info.st_size;
}

static void summaries_fit(void **state)
{
	(void)state;
	enum { FINDINGS = 1000, STEP_MAX = 1024 * 1024 };
	json_t *report = many(FINDINGS);
	const char *path = scratch("fits.md");
	assert_int_equal(render_summary(report, path, false), 0);
	assert_true(size_of(path) < STEP_MAX);
	char *text = read_text(path);
	must_have(text, "## onceproof: 1,000 findings\n");
	size_t shown = occurrences(text, "\n### Data race in q.c\n"), left_out = 0;
	const char *rest = strstr(text, "\xe2\x80\xa6 and ");
	if (rest)
		assert_int_equal(sscanf(rest, "\xe2\x80\xa6 and %zu more finding", &left_out), 1);
	assert_true(shown > 100);
	assert_int_equal(shown + left_out, FINDINGS);
	/* Whole findings: each one that begins has its replay or its advice, and its table is closed. */
	assert_int_equal(occurrences(text, "**What to change"), shown);
	assert_int_equal(occurrences(text, "<details>"), occurrences(text, "</details>"));
	free(text);
	/* Once more behind it: what is there counts. */
	assert_int_equal(render_summary(report, path, true), 0);
	assert_true(size_of(path) < STEP_MAX);
	json_decref(report);
}

static void summaries_are_appended(void **state)
{
	(void)state;
	json_t *report = race_report("q.c");
	const char *path = scratch("appended.md");
	write_text(path, "# what was there\n");
	assert_int_equal(render_summary(report, path, true), 0);
	char *text = read_text(path);
	assert_int_equal(strncmp(text, "# what was there\n", 17), 0);
	must_have(text, "## onceproof: 1 finding\n");
	must_have(text, "| ❌ bug | <code>q.c</code> | explore | gcc 12.2.0 | 1 finding in 3 executions |");
	must_have(text, "| → 2 |  | q.c:30 <code>x = 1;</code><br>racy read x = 1 |");
	must_have(text, "**Replay:** <code>onceproof replay 'it.json'</code>");
	free(text);
	assert_int_equal(render_summary(report, scratch("nowhere/x.md"), true), ENOENT);
	json_decref(report);
}

/* ---- the page */

static char *page_of(const json_t *report)
{
	assert_int_equal(render_witness_page(report, scratch("witness.html")), 0);
	return read_text(scratch("witness.html"));
}

static void the_page_shows_both_lines(void **state)
{
	(void)state;
	char path[256];
	snprintf(path, sizeof path, "%s", scratch("shown.c"));
	write_text(path,
		"int x;\nvoid *work(void *arg)\n{\n\tx = 1;\n\treturn arg;\n}\nint other(void)\n{\n\tif (x)\n\t\treturn 1;\n}\n");
	json_t *report = report_new(7), *result = add_result(report, "shown.c", "explore");
	json_t *race = result_add_finding(result, "data-race", "T1 writes it, T2 reads it", FAMILY_PIPELINE, 0);
	finding_add_location(race, path, 4, "work", "T1", "writes 4 bytes");
	finding_add_location(race, path, 9, "other", "T2", "reads it");
	add_step(race, 1, "T1", path, 4, "x", NULL, "1");
	add_step(race, 2, "T2", path, 9, "x", "1", NULL);
	result_judge(result, "bug", "clean", "1 finding");
	report_complete(report);
	char *page = page_of(report);
	static const char *const wanted[] = {"<h1 id=\"headline\">Data race in shown.c</h1>",
		"<span class=\"line named\" data-line=\"4\">", "<span class=\"line named\" data-line=\"9\">",
		"<span class=\"who t1\"><b>T1</b> writes 4 bytes</span>", "<span class=\"who t2\"><b>T2</b> reads it</span>",
		"T1 writes it, T2 reads it.", "data-where=\"x\" data-written=\"1\"", "What to change", "Fingerprint",
		"class=\"stepper\" hidden", "<html lang=\"en\">"};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		must_have(page, wanted[i]);
	static const char *const loaders[] = {
		"src=", "srcset=", "<link", "<iframe", "url(", "@import", "fetch(", "http://", "https://"};
	for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
		assert_null(strstr(page, loaders[i]));
	free(page);
	json_decref(report);
}

static void the_page_without_findings(void **state)
{
	(void)state;
	json_t *report = report_new(7), *result = add_result(report, "q.c", "explore");
	result_judge(result, "proved", "clean", "all 12 executions");
	char *page = page_of(report);
	must_have(page, "<h1 id=\"headline\">q.c: no finding (proved)</h1>");
	must_have(page, "tone-holds");
	free(page);
	json_decref(report);
}

/* ---- text from outside */

/* Hostile text wherever a finding can hold text. */
static json_t *hostile_race(void)
{
	json_t *report = race_report(bad_name), *race = race_of(report);
	char path[256];
	snprintf(path, sizeof path, "%s", scratch("hostile.c"));
	char source[1024];
	snprintf(source, sizeof source, "%s\n]]></failure>\n::error::x\n</script><script>alert(1)</script>\n%s\n", hostile,
		hostile);
	write_text(path, source);
	json_t *result = json_array_get(node_get(report, "results"), 0);
	json_t *other = result_add_finding(result, "data-race", hostile, FAMILY_PIPELINE, 0);
	finding_add_location(other, path, 3, hostile, hostile, hostile);
	finding_add_location(other, path, 4, hostile, "T2", hostile);
	add_step(other, 1, hostile, path, 3, hostile, hostile, hostile);
	node_set(other, "replay", node_text(hostile));
	node_set(other, "fixes",
		node_must(json_pack("[{s:o, s:[{s:o, s:i, s:o}], s:o, s:i, s:o}]", "change", node_text(hostile), "edits", "file",
			node_text(hostile), "line", 3, "change", node_text(hostile), "verdict", node_text(hostile), "executions",
			2, "evidence", node_text(hostile))));
	(void)race;
	json_t *strange = result_add_finding(result, hostile, hostile, FAMILY_PIPELINE, 0);
	(void)strange;
	result_judge(result, "bug", "clean", hostile);
	report_complete(report);
	return report;
}

static void hostile_text_stays_text(void **state)
{
	(void)state;
	json_t *report = hostile_race();
	char *page = page_of(report), *end = strrchr(page, '\n');
	assert_non_null(end);
	assert_int_equal(occurrences(page, "<script"), 1);
	assert_int_equal(occurrences(page, "</script"), 1);
	assert_null(strstr(page, "<img"));
	assert_null(strstr(page, "<svg"));
	assert_null(strchr(page, '\x1b'));
	must_have(page, "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
	free(page);
	assert_int_equal(render_summary(report, scratch("hostile.md"), false), 0);
	char *summary = read_text(scratch("hostile.md"));
	assert_null(strstr(summary, "<script"));
	assert_null(strstr(summary, "<img"));
	assert_null(strchr(summary, '\x1b'));
	free(summary);
	char *lines = github_of(report);
	/* Each line is one of ours. */
	assert_int_equal(occurrences(lines, "\n::error "), occurrences(lines, "\n") - 1);
	assert_int_equal(strncmp(lines, "::error ", 8), 0);
	assert_null(strchr(lines, '\x1b'));
	free(lines);
	json_t *log = sarif_of(report);
	assert_int_equal(json_array_size(at(run_of(log), "results")), 3);
	assert_string_equal(text_at(run_of(log), "results/2/ruleId"), "finding");
	json_decref(log);
	json_decref(report);
}

/* ---- JUnit */

struct xml {
	size_t suites, cases, failures, errors, skipped, outs;
	char text[65536];
	size_t used;
};

static void on_start(void *data, const char *name, const char **attributes)
{
	struct xml *xml = data;
	(void)attributes;
	xml->suites += strcmp(name, "testsuite") == 0;
	xml->cases += strcmp(name, "testcase") == 0;
	xml->failures += strcmp(name, "failure") == 0;
	xml->errors += strcmp(name, "error") == 0;
	xml->skipped += strcmp(name, "skipped") == 0;
	xml->outs += strcmp(name, "system-out") == 0;
}

static void on_text(void *data, const char *text, int length)
{
	struct xml *xml = data;
	for (int i = 0; i < length && xml->used + 1 < sizeof xml->text; i++)
		xml->text[xml->used++] = text[i];
}

static struct xml *junit_of(const json_t *report)
{
	static struct xml xml;
	memset(&xml, 0, sizeof xml);
	assert_int_equal(render_junit(report, scratch("it.xml")), 0);
	char *text = read_text(scratch("it.xml"));
	XML_Parser parser = XML_ParserCreate(NULL);
	XML_SetUserData(parser, &xml);
	XML_SetElementHandler(parser, on_start, NULL);
	XML_SetCharacterDataHandler(parser, on_text);
	if (XML_Parse(parser, text, (int)strlen(text), 1) != XML_STATUS_OK)
		print_error("line %lu: %s\n", XML_GetCurrentLineNumber(parser), XML_ErrorString(XML_GetErrorCode(parser)));
	assert_int_equal(XML_GetErrorCode(parser), XML_ERROR_NONE);
	XML_ParserFree(parser);
	free(text);
	return &xml;
}

static void junit_of_users_code(void **state)
{
	(void)state;
	json_t *report = race_report("q.c"), *result;
	result = add_result(report, "q.c", "tsan");
	result_judge(result, "skipped", "clean", "no runtime");
	result = add_result(report, "r.c", "explore");
	result_judge(result, "inconclusive", "clean", "out of time");
	result = add_result(report, "s.c", "explore");
	result_judge(result, "proved", "clean", "all of them");
	result = add_result(report, "s.c", "drd");
	add_race(result, "s.c", 1, "x = 1;", "if (x)");
	result_judge(result, "bug", "clean", "it takes atomics for plain accesses");
	struct xml *xml = junit_of(report);
	assert_int_equal(xml->suites, 3);
	assert_int_equal(xml->cases, 5);
	assert_int_equal(xml->failures, 1);
	assert_int_equal(xml->errors, 1);
	assert_int_equal(xml->skipped, 2);
	must_have(xml->text, "  q.c:10 work: T1 writes 4 bytes\n");
	must_have(xml->text, "racy read x = 1");
	must_have(xml->text, "What to change: Take the same lock");
	json_decref(report);
}

/* What passes for the check passes here, too. */
static void junit_passes_where_the_check_does(void **state)
{
	(void)state;
	json_t *report = race_report("q.c"), *check;
	check = node_must(json_pack("{s:s, s:s, s:s, s:s, s:i}", "subject", "q.c", "compiler", "gcc 12.2.0", "verdict", "bug",
		"expected", "bug", "exit_status", 0));
	node_set(report, "checks", node_must(json_pack("[o]", check)));
	assert_int_equal(junit_of(report)->failures, 0);
	node_set(check, "expected", json_string("clean"));
	node_set(check, "exit_status", json_integer(1));
	assert_int_equal(junit_of(report)->failures, 1);
	node_set(race_of(report), "baseline", json_string("known"));
	assert_int_equal(junit_of(report)->failures, 0);
	json_t *result = add_result(report, "q.c", "native");
	result_judge(result, "inconclusive", "clean", "out of time");
	assert_int_equal(junit_of(report)->errors, 0);
	node_set(check, "exit_status", json_integer(3));
	assert_int_equal(junit_of(report)->errors, 1);
	json_decref(report);
	report = hostile_race();
	assert_int_equal(junit_of(report)->cases, 1);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints_survive_moved_lines),
		cmocka_unit_test(fingerprints_are_one_for_all_engines),
		cmocka_unit_test(same_looking_findings_are_counted),
		cmocka_unit_test(findings_without_places_have_fingerprints),
		cmocka_unit_test(deadlocks_are_known_by_their_circle),
		cmocka_unit_test(source_lines_are_kept),
		cmocka_unit_test(only_text_files_are_read),
		cmocka_unit_test(every_kind_has_advice),
		cmocka_unit_test(sarif_says_it_all),
		cmocka_unit_test(sarif_knows_the_baseline),
		cmocka_unit_test(sarif_names_files_as_uris),
		cmocka_unit_test(sarif_grades_and_joins),
		cmocka_unit_test(sarif_has_an_end),
		cmocka_unit_test(annotations_are_escaped),
		cmocka_unit_test(annotations_are_few),
		cmocka_unit_test(annotations_start_at_the_repository),
		cmocka_unit_test(summaries_fit),
		cmocka_unit_test(summaries_are_appended),
		cmocka_unit_test(the_page_shows_both_lines),
		cmocka_unit_test(the_page_without_findings),
		cmocka_unit_test(hostile_text_stays_text),
		cmocka_unit_test(junit_of_users_code),
		cmocka_unit_test(junit_passes_where_the_check_does),
	};
	/* What is tested may itself be tested in a workflow. */
	unsetenv("GITHUB_ACTIONS");
	unsetenv("GITHUB_WORKSPACE");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
