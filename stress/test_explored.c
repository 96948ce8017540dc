/* SPDX-License-Identifier: MIT */
/* The explorer's answers, made by hand: verdicts, what findings refute, source lines, the interleaving, witnesses. */
#include <dirent.h>
#include <limits.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../reports/node.h"
#include "../reports/result.h"
#include "explored.h"
#include "witness.h"

static char self[PATH_MAX], folder[64];

/* A place in this very program that frames can name: the line of its first statement. */
enum { HERE = __LINE__ + 4 };
__attribute__((noinline)) static int here(int x)
{
	__asm__ volatile("");
	return x + 1; /* counted once */
}

/* Counted from the start of the program, as answers count; one on, for frames are return addresses. */
static json_t *frame_of(int (*function)(int))
{
	extern const char __executable_start[];
	char text[32];
	snprintf(text, sizeof text, "0x%zx", (size_t)((const char *)(size_t)function - __executable_start) + 1);
	return json_pack("[s]", text);
}

static struct explored about(const char *name, const char *scenario)
{
	const struct registered *subject = registry_find(FAMILY_COUNTER, name);
	assert_non_null(subject);
	const struct scenario *it = scenario_find(FAMILY_COUNTER, scenario);
	assert_non_null(it);
	return (struct explored){
		.module = self, .subject = subject, .scenario = it, .file = subject->file, .shard = 1, .shards = 1};
}

static json_t *answer_new(void)
{
	return json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:[i,i,i], s:b, s:s, s:b, s:s, s:[], s:f, s:i, s:n, s:[]}",
		"model", "rc11", "strategy", "auto", "plan", "random 10", "seed", 5, "executions", 10, "blocked", 2, "abandoned",
		0, "cut", 0, "diverged", 0, "distinct", 3, "outcomes", 7, 3, 0, "exhausted", 0, "bound", "", "out_of_time", 0,
		"caveat", "", "probability", "seconds", 0.5, "peak_bytes", 4096, "skip", "findings");
}

static json_t *add_found(json_t *answer, const char *kind, int outcome, bool after_race)
{
	return node_append(node_get(answer, "findings"),
		json_pack("{s:s, s:s, s:i, s:b, s:i, s:i, s:i, s:i, s:[{s:i, s:s, s:o}], s:[], s:[]}", "kind", kind, "message",
			"said so", "outcome", outcome, "after_race", after_race, "executions", 2, "first", 4, "stale", 0,
			"preemptions", 1, "places", "thread", 1, "role", "writes 8 bytes", "frames", frame_of(here), "schedule",
			"steps"));
}

/* Judges and frees ANSWER. */
static json_t *judged(const struct explored *what, json_t *answer, const char *expected)
{
	char subject[128];
	snprintf(subject, sizeof subject, "%s/%s", family_name(what->subject->about->family), what->subject->about->name);
	json_t *result = result_new(subject, what->scenario->name, "explore", "gcc 1");
	json_object_set_new(result, "claims", promise_names(what->scenario->family, what->subject->about->claims));
	explored_judge(result, what, answer, expected);
	json_decref(answer);
	return result;
}

static void expect_verdict(json_t *result, const char *verdict, int as_expected, const char *evidence)
{
	assert_string_equal(node_string(result, "verdict"), verdict);
	const json_t *it = node_get(result, "as_expected");
	assert_int_equal(json_is_null(it) ? -1 : json_is_true(it), as_expected);
	if (!strstr(node_string(result, "evidence"), evidence))
		fail_msg("'%s' lacks '%s'", node_string(result, "evidence"), evidence);
	json_decref(result);
}

static void clean_answers_say_what_they_rest_on(void **state)
{
	(void)state;
	struct explored atomic = about("atomic", "two_increments"), naive = about("naive", "two_increments");
	json_t *answer = answer_new();
	expect_verdict(judged(&atomic, answer, "clean"), "not-found", 1, "10 schedules sampled under rc11");
	expect_verdict(judged(&naive, answer_new(), "bug"), "not-found", -1, "3 distinct behaviours; no probability bound");
	answer = answer_new();
	node_set(answer, "model", node_text("sc"));
	node_set(answer, "probability", json_pack("[f, f]", 0.75, 0.125));
	expect_verdict(judged(&atomic, answer, "clean"), "not-found", 1,
		"a bug of depth 1, 2 would have been found with a probability of at least 0.75, 0.125");
	answer = answer_new();
	node_set(answer, "exhausted", json_true());
	expect_verdict(judged(&atomic, answer, "clean"), "proved", 1, "was explored: 10 executions, 2 blocked");
	answer = answer_new();
	node_set(answer, "exhausted", json_true());
	/* One scenario that cannot break a promise does not prove that it holds: that is for contracts to say. */
	expect_verdict(judged(&naive, answer, "bug"), "proved", -1, "no load buffering");
}

static void a_bound_does_not_break_a_contract(void **state)
{
	(void)state;
	struct explored atomic = about("atomic", "two_increments"), naive = about("naive", "two_increments");
	for (int missing = 0; missing < 2; missing++) {
		json_t *answer = answer_new();
		node_set(answer, "exhausted", json_true());
		node_set(answer, "bound", node_text("preemptions <= 2"));
		expect_verdict(judged(missing ? &naive : &atomic, answer, missing ? "bug" : "clean"),
			missing ? "not-found" : "proved", missing ? -1 : 1, "preemptions <= 2");
	}
}

static void doubts_are_inconclusive(void **state)
{
	(void)state;
	static const struct {
		const char *key, *says;
		json_int_t value;
	} doubts[] = {{"out_of_time", "the time limit stopped it", -1}, {"cut", "3 executions were longer", 3},
		{"diverged", "1 execution went another way", 1}, {"caveat", "calls socket()", -2}};
	for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
		struct explored atomic = about("atomic", "two_increments");
		json_t *answer = answer_new();
		node_set(answer, "exhausted", json_true());
		node_set(answer, doubts[i].key,
			doubts[i].value == -1   ? json_true()
			: doubts[i].value == -2 ? node_text("calls socket()")
						: json_integer(doubts[i].value));
		expect_verdict(judged(&atomic, answer, "clean"), "inconclusive", -1, doubts[i].says);
	}
	struct explored shard = about("atomic", "two_increments");
	shard.shard = 2;
	shard.shards = 3;
	json_t *answer = answer_new();
	node_set(answer, "exhausted", json_true());
	expect_verdict(judged(&shard, answer, "clean"), "inconclusive", -1, "shard 2/3 of a whole, explored to its end");
	answer = answer_new();
	node_set(answer, "skip", node_text("no membarrier here"));
	struct explored atomic = about("atomic", "two_increments");
	expect_verdict(judged(&atomic, answer, "clean"), "skipped", -1, "no membarrier here");
}

/* What the first finding of the result of one found KIND refutes, joined by commas. */
static void expect_refutes(const struct explored *what, const char *kind, int outcome, bool after_race, const char *expected)
{
	json_t *answer = answer_new();
	add_found(answer, kind, outcome, after_race);
	json_t *result = judged(what, answer, "bug");
	const json_t *finding = json_array_get(node_get(result, "findings"), 0), *name;
	char all[256] = "";
	size_t i;
	json_array_foreach(node_get(finding, "refutes"), i, name)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? "," : "", json_string_value(name));
	assert_string_equal(all, expected);
	assert_string_equal(node_string(result, "verdict"), "bug");
	assert_int_equal(after_race, strstr(node_string(finding, "message"), "after a data race") != NULL);
	json_decref(result);
}

static void findings_name_what_they_refute(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	expect_refutes(&naive, "forbidden-outcome", 1, false, "no_lost_update,exact_at_rest");
	expect_refutes(&naive, "forbidden-outcome", 1, true, "no_lost_update,exact_at_rest");
	expect_refutes(&naive, "data-race", -1, false, "race_free");
	expect_refutes(&naive, "deadlock", -1, false, "");
	expect_refutes(&naive, "crash", -1, false, "");
	expect_refutes(&naive, "crash", -1, true, "race_free");
	expect_refutes(&naive, "use-after-free", -1, true, "race_free");
	expect_refutes(&naive, "misuse", -1, true, "");
	struct scenario waiting = *naive.scenario;
	waiting.blocked_refutes = COUNTER_EXACT_AT_REST;
	naive.scenario = &waiting;
	expect_refutes(&naive, "deadlock", -1, false, "exact_at_rest");
	expect_refutes(&naive, "lost-wakeup", -1, false, "exact_at_rest");
	expect_refutes(&naive, "misuse", -1, false, "exact_at_rest");
	struct explored model = about("naive", "two_increments");
	model.subject = registry_find(FAMILY_INITIALISER, "naive");
	model.scenario = scenario_find(FAMILY_INITIALISER, "first_use");
	assert_non_null(model.scenario);
	expect_refutes(&model, "leak", -1, false, "no_leak");
}

static void bugs_are_as_stated_where_they_were_stated(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments"), atomic = about("atomic", "two_increments");
	json_t *answer = answer_new();
	add_found(answer, "data-race", -1, false);
	expect_verdict(
		judged(&naive, answer, "bug"), "bug", 1, "1 finding in 10 executions under rc11; the first in execution 4");
	answer = answer_new();
	add_found(answer, "forbidden-outcome", 1, false);
	expect_verdict(judged(&atomic, answer, "clean"), "bug", 0, "1 finding");
	/* One race seen from both sides, or twice by one line, is one finding. */
	answer = answer_new();
	add_found(answer, "data-race", -1, false);
	node_set(json_array_get(node_get(add_found(answer, "data-race", -1, false), "places"), 0), "thread", json_integer(2));
	expect_verdict(judged(&naive, answer, "bug"), "bug", 1, "1 finding in 10 executions");
	/* What breaks no promise by name is never as stated. */
	answer = answer_new();
	add_found(answer, "data-race", -1, false);
	add_found(answer, "deadlock", -1, false);
	expect_verdict(judged(&naive, answer, "bug"), "bug", 0, "2 findings");
}

static void places_become_source_lines(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	json_t *answer = answer_new(), *found = add_found(answer, "data-race", -1, false);
	json_t *result = judged(&naive, json_incref(answer), "bug");
	const json_t *place = json_array_get(node_get(json_array_get(node_get(result, "findings"), 0), "locations"), 0);
	assert_string_equal(node_string(place, "file"), "stress/test_explored.c");
	assert_string_equal(node_string(place, "function"), "here");
	assert_in_range((int)node_number(place, "line", 0), HERE - 3, HERE);
	assert_string_equal(node_string(place, "thread"), "T1");
	assert_non_null(strstr(node_string(json_array_get(node_get(result, "findings"), 0), "message"),
		"T1 writes 8 bytes in here (stress/test_explored.c:"));
	char text[160], expected[160];
	const char *frame =
		json_string_value(json_array_get(node_get(json_array_get(node_get(found, "places"), 0), "frames"), 0));
	snprintf(
		text, sizeof text, "thread 12 waits for a thread at @%s, lock 0x7f0000001000, 0x7f0000001000, value 0x12", frame);
	snprintf(expected, sizeof expected, "T12 waits for a thread at stress/test_explored.c:%d, lock [a], [a], value 0x12",
		(int)node_number(place, "line", 0));
	struct explored_names *names = explored_names_new(&naive);
	json_t *words = explored_words(names, text);
	assert_string_equal(json_string_value(words), expected);
	json_decref(words);
	free(names);
	json_decref(result);
	json_decref(answer);
	char *line = source_line(naive.file, 1);
	assert_string_equal(line, "/* SPDX-License-Identifier: MIT */");
	free(line);
	line = source_line("no/such/file.c", 3);
	assert_string_equal(line, "");
	free(line);
}

static json_t *add_step(json_t *steps, int thread, const char *tag, const char *address, const char *read, const char *written)
{
	return node_append(steps,
		json_pack("{s:i, s:i, s:s, s:s, s:s, s:n, s:n, s:i, s:b, s:b, s:s?, s:s?, s:n, s:b, s:b, s:s, s:o}", "at",
			(int)json_array_size(steps), "thread", thread, "tag", tag, "order", *tag ? "relaxed" : "", "address",
			address, "global", "where", "bytes", 8, "write", written != NULL, "plain", *tag == '\0', "read", read,
			"written", written, "source", "stale", false, "blocked", false, "note", "", "frames", frame_of(here)));
}

static json_t *add_steps(json_t *steps)
{
	add_step(steps, 0, "", "0x1000", NULL, "0");      /* 1: set-up */
	add_step(steps, 1, "begins", "0x0", NULL, NULL);  /* 2 */
	add_step(steps, 1, "", "0x2000", NULL, "9");      /* 3: nobody else touches it */
	add_step(steps, 1, "load", "0x1000", "0", NULL);  /* 4 */
	add_step(steps, 2, "load", "0x1000", "0", NULL);  /* 5 */
	add_step(steps, 2, "store", "0x1000", NULL, "1"); /* 6 */
	node_set(add_step(steps, 1, "store", "0x1000", NULL, "1"), "note", node_text(""));
	node_set(add_step(steps, 0, "load", "0x1000", "1", NULL), "source", json_integer(6)); /* 8: the check */
	for (int thread = 0; thread < 3; thread++) /* 9 to 11: everybody reads it, nobody writes */
		add_step(steps, thread, "", "0x3000", "4", NULL);
	return steps;
}

static void only_steps_that_matter_are_shown(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	json_t *steps = add_steps(json_array());
	struct explored_names *names = explored_names_new(&naive);
	json_int_t hidden;
	json_t *rows = explored_interleaving(&naive, TABLE_MEMORY, steps, names, &hidden);
	static const int shown[] = {4, 5, 6, 7, 8};
	static const bool switches[] = {false, true, false, true, true};
	assert_int_equal(json_array_size(rows), 5);
	assert_int_equal(hidden, 6);
	for (size_t i = 0; i < 5; i++) {
		const json_t *row = json_array_get(rows, i);
		assert_int_equal((int)node_number(row, "step", 0), shown[i]);
		assert_int_equal(json_is_true(node_get(row, "switch")), switches[i]);
		assert_string_equal(node_string(row, "file"), "stress/test_explored.c");
	}
	const json_t *check = json_array_get(rows, 4);
	assert_int_equal((int)node_number(check, "from", 0), 7);
	assert_string_equal(node_string(check, "operation"), "load relaxed");
	assert_string_equal(node_string(check, "where"), node_string(json_array_get(rows, 0), "where"));
	assert_string_equal(node_string(check, "read"), "1");
	free(names);
	json_decref(rows);
	json_decref(steps);
}

/* A loop over an array is one row. */
static void repeated_accesses_are_one_row(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	json_t *steps = json_array();
	char address[32];
	struct explored_names *names = explored_names_new(&naive);
	for (int thread = 1; thread <= 2; thread++)
		for (int i = 0; i < 50; i++) {
			snprintf(address, sizeof address, "0x%x", 0x4000 + 8 * i);
			add_step(steps, thread, "", address, thread == 1 ? NULL : "1", thread == 1 ? "1" : NULL);
		}
	json_int_t hidden;
	json_t *rows = explored_interleaving(&naive, TABLE_MEMORY, steps, names, &hidden);
	assert_int_equal(json_array_size(rows), 2);
	assert_int_equal((int)node_number(json_array_get(rows, 1), "times", 0), 50);
	free(names);
	json_decref(rows);
	json_decref(steps);
}

/* Who waits for what in the end stands behind what the locks did, though each lock was taken by one thread only. */
static void waiting_is_shown(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	json_t *answer = answer_new(), *found = add_found(answer, "deadlock", -1, false), *steps = node_get(found, "steps");
	node_set(json_array_get(node_get(found, "places"), 0), "role",
		node_text("waits for mutex 0x7f0000001000 held by thread 2"));
	node_append(node_get(found, "places"),
		json_pack("{s:i, s:s, s:o}", "thread", 0, "role", "waits for thread 1 to end", "frames", frame_of(here)));
	add_step(steps, 1, "lock", "0x7f0000002000", "0", "1");
	add_step(steps, 1, "store", "0x7f0000003000", NULL, "1");
	add_step(steps, 2, "lock", "0x7f0000001000", "0", "1");
	json_t *result = judged(&naive, answer, "bug");
	const json_t *finding = json_array_get(node_get(result, "findings"), 0), *rows = node_get(finding, "interleaving");
	assert_string_equal(node_string(finding, "message"), "T1 waits for mutex [b] held by T2: nobody can move");
	assert_int_equal(json_array_size(node_get(finding, "locations")), 1);
	assert_int_equal(json_array_size(rows), 3);
	assert_true(json_is_null(node_get(json_array_get(rows, 0), "read")));
	const json_t *last = json_array_get(rows, 2);
	assert_string_equal(node_string(last, "thread"), "T1");
	assert_string_equal(node_string(last, "operation"), "waits for mutex [b] held by T2");
	assert_true(json_is_true(node_get(last, "switch")));
	json_decref(result);
}

/* The only file in the folder of witnesses. */
static char *only_file(void)
{
	static char path[512];
	DIR *list = opendir(folder);
	int count = 0;
	assert_non_null(list);
	for (struct dirent *entry; (entry = readdir(list));)
		if (*entry->d_name != '.') {
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			count++;
		}
	closedir(list);
	assert_int_equal(count, 1);
	return path;
}

static void witnesses_are_written_and_read(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	naive.witness_folder = folder;
	char *path = NULL, first[512] = "";
	/* Twice the same finding: one name, one file. */
	for (int turn = 0; turn < 2; turn++) {
		json_t *answer = answer_new(), *found = add_found(answer, "forbidden-outcome", 1, false);
		add_steps(node_get(found, "steps"));
		node_set(found, "schedule", json_pack("[[i,i,i,i,i,i,i,i]]", 1, 3, 1, 65535, 0, 0, 0, 0));
		json_t *result = judged(&naive, answer, "bug");
		path = only_file();
		char replay[600];
		snprintf(replay, sizeof replay, "onceproof replay %s", path);
		assert_string_equal(node_string(json_array_get(node_get(result, "findings"), 0), "replay"), replay);
		if (turn)
			assert_string_equal(path, first);
		snprintf(first, sizeof first, "%s", path);
		json_decref(result);
	}
	assert_non_null(strstr(path, "/counter-naive-two_increments-forbidden-outcome-"));
	json_t *witness = witness_read(path);
	assert_non_null(witness);
	assert_string_equal(node_string(witness, "subject"), "counter/naive");
	assert_string_equal(node_string(witness, "outcome"), "1");
	assert_string_equal(node_string(witness, "model"), "rc11");
	assert_int_equal(json_array_size(node_get(witness, "interleaving")), 5);
	assert_int_equal(json_array_size(node_get(witness, "schedule")), 1);
	json_decref(witness);
	unlink(path);
}

/* Another outcome of the same scenario is another file. */
static void witnesses_have_names_of_their_own(void **state)
{
	(void)state;
	struct explored naive = about("naive", "two_increments");
	naive.witness_folder = folder;
	char names[2][512];
	for (int outcome = 1; outcome <= 2; outcome++) {
		json_t *answer = answer_new(), *found = add_found(answer, "forbidden-outcome", outcome, false);
		node_set(found, "places", json_array());
		json_decref(judged(&naive, answer, "bug"));
		snprintf(names[outcome - 1], sizeof names[0], "%s", only_file());
		unlink(names[outcome - 1]);
	}
	assert_string_not_equal(names[0], names[1]);
}

static void what_is_no_witness_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "[1]", "{", "{\"schema\": \"onceproof-witness/9\"}",
		"{\"schema\": \"onceproof/1\"}", "{\"schema\": \"onceproof-witness/1\", \"subject\": 3}",
		"{\"schema\": \"onceproof-witness/1\", \"subject\": \"a\", \"scenario\": \"b\", \"model\": \"sc\", \"kind\": "
		"\"k\", "
		"\"message\": \"m\"}"};
	char path[128];
	snprintf(path, sizeof path, "%s/not.json", folder);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		FILE *file = fopen(path, "we");
		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
		assert_null(witness_read(path));
	}
	unlink(path);
	assert_null(witness_read(path));
	assert_null(witness_read(folder));
}

static int prepare(void **state)
{
	(void)state;
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	self[length > 0 ? length : 0] = '\0';
	snprintf(folder, sizeof folder, "/tmp/onceproof-test-XXXXXX");
	return here(0) == 1 && length > 0 && mkdtemp(folder) ? 0 : -1;
}

static int clean(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_answers_say_what_they_rest_on),
		cmocka_unit_test(a_bound_does_not_break_a_contract),
		cmocka_unit_test(doubts_are_inconclusive),
		cmocka_unit_test(findings_name_what_they_refute),
		cmocka_unit_test(bugs_are_as_stated_where_they_were_stated),
		cmocka_unit_test(places_become_source_lines),
		cmocka_unit_test(only_steps_that_matter_are_shown),
		cmocka_unit_test(repeated_accesses_are_one_row),
		cmocka_unit_test(waiting_is_shown),
		cmocka_unit_test(witnesses_are_written_and_read),
		cmocka_unit_test(witnesses_have_names_of_their_own),
		cmocka_unit_test(what_is_no_witness_is_refused),
	};
	return cmocka_run_group_tests(tests, prepare, clean);
}
