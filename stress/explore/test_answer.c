/* SPDX-License-Identifier: MIT */
/* The explorer's answer: every member, values that JSON's numbers cannot hold, addresses that do not depend on where the program lies,
 * text that is no text, and schedules that are read back as they were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "explore.h"

static int global_of_this_program;

static struct recorded steps[] = {
	{.thread = 1,
		.tag = STEP_STORE,
		.order = ORDER_RELEASE,
		.event = 4,
		.bytes = 8,
		.write = true,
		.has_written = true,
		.written = UINT64_MAX},
	{.thread = 2, .plain = true, .address = 0x1000, .bytes = 4, .has_read = true, .read = 3},
	{.thread = 2,
		.tag = STEP_LOAD,
		.order = ORDER_ACQUIRE,
		.event = 7,
		.bytes = 8,
		.has_read = true,
		.read = UINT64_MAX,
		.source = 4,
		.stale = true,
		.note = "thread 1 stored \xff later"},
	{.thread = 2, .tag = STEP_LOAD, .order = ORDER_RELAXED, .event = 8, .bytes = 8, .has_read = true, .source = 2},
};
static struct schedule_step rows[] = {
	{.thread = 0,
		.kind = EVENT_CREATE,
		.tag = STEP_THREAD_CREATE,
		.source_thread = GRAPH_NOBODY,
		.place_thread = GRAPH_NOBODY},
	{.thread = 1, .kind = EVENT_WRITE, .tag = STEP_STORE, .place_thread = 3, .place_number = UINT32_MAX},
	{.thread = 2, .kind = EVENT_BEGIN, .tag = STEP_THREAD_BEGIN}, /* not recorded */
	{.thread = 2, .kind = EVENT_READ, .tag = STEP_LOAD, .source_thread = 1, .source_number = 4, .choice = 2},
	{.thread = 2, .kind = EVENT_READ, .tag = STEP_LOAD},
};

static unsigned no_outcome(void *arg)
{
	(void)arg;
	return 0;
}

/* The answer of a result with one finding. */
static json_t *answer(void)
{
	struct explored_finding found = {
		.finding = {.kind = FINDING_DEADLOCK, .outcome = UINT32_MAX, .place_count = 1, .after_race = true},
		.executions = 3,
		.first = 5,
		.schedule = {sizeof rows / sizeof *rows, rows},
		.recorded_count = sizeof steps / sizeof *steps,
		.recorded = steps,
		.preemptions = 2};
	struct place *place = &found.finding.place[0];
	place->thread = 1;
	place->frame_count = 2;
	place->frame[0] = &global_of_this_program;
	place->frame[1] = (const void *)&puts; /* in a library */
	snprintf(place->role, sizeof place->role, "waits for mutex 0x%zx", (size_t)&global_of_this_program);
	snprintf(found.finding.message, sizeof found.finding.message, "nobody can move");
	steps[0].address = (uintptr_t)&global_of_this_program;
	struct explore_result result = {
		.executions = 10, .distinct = 4, .outcomes = {7, 3}, .exhausted = true, .finding_count = 1, .findings = &found};
	result.probability_depth[1] = 0.5;
	const struct explore_program program = {.outcome = no_outcome, .outcome_count = 2};
	const struct explore_options options = {.model = MODEL_RC11, .strategy = "auto", .seed = 9};
	return explore_answer(&program, &options, &result);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

static void numbers_and_words_arrive(void **state)
{
	(void)state;
	json_t *it = answer();
	assert_string_equal(text(it, "model"), "rc11");
	assert_int_equal(json_integer_value(json_object_get(it, "seed")), 9);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(it, "outcomes"), 1)), 3);
	assert_true(json_is_true(json_object_get(it, "exhausted")));
	assert_int_equal(json_array_size(json_object_get(it, "probability")), 1);
	assert_true(json_is_null(json_object_get(it, "skip")));
	const json_t *found = json_array_get(json_object_get(it, "findings"), 0);
	assert_string_equal(text(found, "kind"), "deadlock");
	assert_int_equal(json_integer_value(json_object_get(found, "outcome")), -1);
	assert_true(json_is_true(json_object_get(found, "after_race")));
	json_decref(it);
}

static void steps_point_to_their_sources_and_rows(void **state)
{
	(void)state;
	json_t *it = answer();
	const json_t *list = json_object_get(json_array_get(json_object_get(it, "findings"), 0), "steps");
	const json_t *store = json_array_get(list, 0), *plain = json_array_get(list, 1), *load = json_array_get(list, 2);
	assert_string_equal(text(store, "written"), "18446744073709551615");
	assert_string_equal(text(store, "order"), "release");
	assert_int_equal(json_integer_value(json_object_get(store, "at")), 1);
	assert_true(json_is_null(json_object_get(plain, "at")));
	assert_int_equal(json_integer_value(json_object_get(plain, "source")), -1);
	assert_int_equal(json_integer_value(json_object_get(load, "source")), 0);
	assert_int_equal(json_integer_value(json_object_get(load, "at")), 3);
	assert_string_equal(text(load, "note"), "thread 1 stored ? later");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 3), "source")), -1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 3), "at")), 4);
	json_decref(it);
}

static void addresses_are_counted_from_the_start(void **state)
{
	(void)state;
	extern const char __executable_start[];
	char offset[32], role[64];
	snprintf(offset, sizeof offset, "0x%zx", (size_t)((const char *)&global_of_this_program - __executable_start));
	snprintf(role, sizeof role, "waits for mutex @%s", offset);
	json_t *it = answer();
	const json_t *found = json_array_get(json_object_get(it, "findings"), 0);
	const json_t *place = json_array_get(json_object_get(found, "places"), 0), *frames = json_object_get(place, "frames");
	assert_string_equal(json_string_value(json_array_get(frames, 0)), offset);
	assert_true(json_is_null(json_array_get(frames, 1)));
	assert_string_equal(text(place, "role"), role);
	assert_string_equal(text(json_array_get(json_object_get(found, "steps"), 0), "global"), offset);
	json_decref(it);
}

static char path[64];

static int read_back(const char *content, struct schedule *schedule, char *why, size_t bytes)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
	int status = explore_read_witness(path, schedule, why, bytes);
	unlink(path);
	return status;
}

static void schedules_are_read_as_written(void **state)
{
	(void)state;
	json_t *it = answer();
	char *content = json_dumps(json_array_get(json_object_get(it, "findings"), 0), 0), why[128];
	struct schedule schedule;
	assert_int_equal(read_back(content, &schedule, why, sizeof why), 0);
	assert_int_equal(schedule.count, sizeof rows / sizeof *rows);
	for (uint32_t i = 0; i < schedule.count; i++) {
		assert_int_equal(schedule.steps[i].thread, rows[i].thread);
		assert_int_equal(schedule.steps[i].kind, rows[i].kind);
		assert_int_equal(schedule.steps[i].tag, rows[i].tag);
		assert_int_equal(schedule.steps[i].source_thread, rows[i].source_thread);
		assert_int_equal(schedule.steps[i].source_number, rows[i].source_number);
		assert_int_equal(schedule.steps[i].place_thread, rows[i].place_thread);
		assert_int_equal(schedule.steps[i].place_number, rows[i].place_number);
		assert_int_equal(schedule.steps[i].choice, rows[i].choice);
	}
	free(schedule.steps);
	free(content);
	json_decref(it);
}

static void other_files_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *content, *says;
	} files[] = {{"", "line 1"}, {"[]", "has no schedule"}, {"{\"schedule\": 3}", "has no schedule"},
		{"{\"schedule\": [[1,2,3]]}", "step 1"}, {"{\"schedule\": [[0,3,12,0,0,0,0,0],[64,3,12,0,0,0,0,0]]}", "step 2"},
		{"{\"schedule\": [[0,3,12,0,4294967296,0,0,0]]}", "step 1"}, {"{\"schedule\": [[0,3,12,-1,0,0,0,0]]}", "step 1"},
		{"{\"schedule\": [[0,3,12,0,0,0,0,\"0\"]]}", "step 1"}};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct schedule schedule = {.count = 1};
		char why[128] = "";
		assert_int_equal(read_back(files[i].content, &schedule, why, sizeof why), -1);
		assert_non_null(strstr(why, files[i].says));
		assert_null(schedule.steps);
		assert_int_equal(schedule.count, 0);
	}
}

static int prepare(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/onceproof-test-%d.json", (int)getpid());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_words_arrive),
		cmocka_unit_test(steps_point_to_their_sources_and_rows),
		cmocka_unit_test(addresses_are_counted_from_the_start),
		cmocka_unit_test(schedules_are_read_as_written),
		cmocka_unit_test(other_files_are_refused),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
