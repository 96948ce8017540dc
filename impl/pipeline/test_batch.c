/* SPDX-License-Identifier: MIT */
/* Whole batches with real parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_batch.h"

/* The whole file, owned by the caller; fails the test if it is not there. */
static char *slurp(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "r");
	if (!file)
		print_message("%s: %s\n", path, strerror(errno));
	assert_non_null(file);
	struct stat info;
	assert_int_equal(fstat(fileno(file), &info), 0);
	*bytes = (size_t)info.st_size;
	char *data = malloc(*bytes + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *bytes, file), *bytes);
	data[*bytes] = '\0';
	fclose(file);
	return data;
}

static void expect_same_audio(const char *one, const char *other, uint64_t items)
{
	for (uint64_t i = 1; i <= items; i++) {
		char a[512], b[512];
		snprintf(a, sizeof a, "%s/audio/%06" PRIu64 ".wav", one, i);
		snprintf(b, sizeof b, "%s/audio/%06" PRIu64 ".wav", other, i);
		size_t a_bytes, b_bytes;
		char *a_data = slurp(a, &a_bytes), *b_data = slurp(b, &b_bytes);
		assert_int_equal(a_bytes, b_bytes);
		assert_memory_equal(a_data, b_data, a_bytes);
		free(a_data);
		free(b_data);
	}
}

/* File by file, for several choices that claim what it takes. */
static void parallel_equals_serial(void **state)
{
	(void)state;
	static const char *const choices[][3] = {
		{"mutex", "atomic", "under_lock"}, {"pthread_once", "pthread_once", "channel"}, {"eager", "mutex", "sampler"}};
	struct batch_options serial = batch_of("atomic", "atomic", "monotone");
	struct batch_summary base, other;
	serial.serial = true;
	serial.output = scratch("serial");
	assert_true(run_and_check(&serial, &base).as_stated);
	assert_int_equal(base.done, base.items);
	for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
		struct batch_options parallel = batch_of(choices[i][0], choices[i][1], choices[i][2]);
		parallel.output = scratch(choices[i][0]);
		parallel.workers = 8;
		assert_true(run_and_check(&parallel, &other).as_stated);
		assert_int_equal(other.audio_print, base.audio_print);
		expect_same_audio(scratch("serial"), scratch(choices[i][0]), base.items);
	}
}

/* By hash, for every initialiser with every size of model, and for every counter and progress that can go together. */
/* A harness that is itself built with ThreadSanitizer would be stopped by every data race that a lesson has, and by those that it sees where
 * it is blind to what orders the accesses. */
static bool may_run(const struct registered *entry)
{
#ifdef __SANITIZE_THREAD__
	static const unsigned race_free[] = {[FAMILY_INITIALISER] = INITIALISER_RACE_FREE,
		[FAMILY_COUNTER] = COUNTER_RACE_FREE,
		[FAMILY_PROGRESS] = PROGRESS_RACE_FREE};
	const unsigned blind = FEATURE_CALL_ONCE | FEATURE_FENCE | FEATURE_INLINE_ASM;
	return (entry->about->claims & race_free[entry->about->family]) != 0 && !(entry->about->features & blind);
#else
	return entry != NULL;
#endif
}

static void every_choice_speaks_alike(void **state)
{
	(void)state;
	struct batch_summary base, other;
	struct batch_options options = batch_of("mutex", "mutex", "under_lock");
	options.serial = true;
	run_and_check(&options, &base);
	options.serial = false;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		struct batch_options one = options;
		if (!may_run(entry))
			continue;
		if (entry->about->family == FAMILY_INITIALISER) {
			one.initialiser = initialiser_of(entry);
			one.model_bytes = one.initialiser->loading == LOADER_LINK_TIME ? 0 : (size_t)BATCH_MODEL_MIN << i % 8;
		} else if (entry->about->family == FAMILY_COUNTER) {
			one.counter = counter_of(entry);
			one.progress = batch_of("mutex", "mutex", "sampler").progress;
		} else {
			one.progress = progress_of(entry);
		}
		int why = batch_run(&one, &other);
		if (why == ENOSYS || why == ENOTSUP)
			continue; /* this machine lacks what the implementation needs */
		assert_int_equal(why, 0);
		struct batch_judgement judgement;
		assert_int_equal(batch_check(&one, &other, &judgement), 0);
		if (!judgement.as_stated)
			print_message("%s: %s%s%s %s%s\n", entry->file, judgement.initialiser, judgement.counter,
				judgement.progress, judgement.sentence[0], judgement.sentence[2]);
		assert_true(judgement.as_stated);
		assert_int_equal(other.audio_print, base.audio_print);
		assert_int_equal(other.items, other.done + other.failed + other.not_started);
	}
}

static void failures_stay_with_their_items(void **state)
{
	(void)state;
	static const char text[] = "one\ntwo\n \t \nfour\nfi\xffve\nsix\nseven\neight\n";
	static const uint64_t failing[] = {2, 7};
	struct batch_options options = batch_of("atomic", "atomic", "channel");
	struct batch_summary summary;
	options.text = text;
	options.text_bytes = sizeof text - 1;
	options.fail_lines = failing;
	options.fail_line_count = 2;
	options.output = scratch("failures");
	assert_true(run_and_check(&options, &summary).as_stated);
	assert_int_equal(summary.items, 8);
	assert_int_equal(summary.done, 4);
	assert_int_equal(summary.failed, 4);
	assert_int_equal(summary.failed_by[BATCH_BLANK], 1);
	assert_int_equal(summary.failed_by[BATCH_NOT_UTF8], 1);
	assert_int_equal(summary.failed_by[BATCH_INJECTED], 2);
	assert_int_equal(summary.first_bad_line, 3);
	assert_int_equal(summary.counted, 8);
	assert_int_equal(summary.last_told, 8);
	static const bool done[] = {true, false, false, true, false, true, false, true};
	for (int i = 0; i < 8; i++) {
		char name[64];
		snprintf(name, sizeof name, "failures/audio/%06d.wav", i + 1);
		assert_int_equal(access(scratch(name), F_OK) == 0, done[i]);
	}
}

/* The share is about what was asked for, the same for one seed, another for another. */
static void injected_failures_follow_the_seed(void **state)
{
	(void)state;
	struct batch_options options = batch_of("atomic", "atomic", "monotone");
	struct batch_summary first, again, other;
	options.synthetic_items = 2000;
	options.item_cost_ns = -1;
	options.failure_rate = 0.25;
	options.seed = 1;
	assert_true(run_and_check(&options, &first).as_stated);
	assert_true(run_and_check(&options, &again).as_stated);
	options.seed = 2;
	assert_true(run_and_check(&options, &other).as_stated);
	assert_in_range(first.failed, 400, 600);
	assert_int_equal(first.evidence.failed.print, again.evidence.failed.print);
	assert_true(first.evidence.failed.print != other.evidence.failed.print);
}

static void failed_loads_fail_their_items_only(void **state)
{
	(void)state;
	struct batch_options options = batch_of("mutex", "atomic", "monotone");
	struct batch_summary summary;
	options.failing_loads = 3;
	options.synthetic_items = 50;
	options.output = scratch("loads");
	assert_true(run_and_check(&options, &summary).as_stated);
	assert_int_equal(summary.failed_by[BATCH_NO_MODEL], 3);
	assert_int_equal(summary.done, 47);
	assert_int_equal(summary.loads_failed, 3);
	assert_int_equal(summary.models_made, 1);
	assert_int_equal(summary.models_alive, 0);
}

static void results_in_submission_order(void **state)
{
	(void)state;
	struct batch_options options = batch_of("atomic", "atomic", "monotone");
	struct batch_summary summary;
	options.synthetic_items = 3000;
	options.item_cost_ns = -1;
	options.workers = 8;
	options.order = BATCH_SUBMISSION;
	options.output = scratch("ordered");
	assert_true(run_and_check(&options, &summary).as_stated);
	FILE *file = fopen(scratch("ordered/results.jsonl"), "r");
	assert_non_null(file);
	char line[OUTPUT_LINE + 1];
	uint64_t expected = 0, item;
	while (fgets(line, sizeof line, file)) {
		assert_int_equal(sscanf(line, "{\"item\":%" SCNu64, &item), 1);
		assert_int_equal(item, ++expected);
	}
	fclose(file);
	assert_int_equal(expected, 3000);
}

static int stop_flag;

static void deliver_and_stop(struct batch *batch, struct batch_worker *worker, const struct batch_result *result)
{
	batch_real_parts.deliver(batch, worker, result);
	if (result->index >= 20)
		__atomic_store_n(&stop_flag, 1, __ATOMIC_RELAXED); /* relaxed: a request */
}

/* Items in flight are finished, no new ones started, and the sums still hold: with files, without, in order, one by one. */
static void a_stop_ends_in_order(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.deliver = deliver_and_stop;
	for (unsigned how = 0; how < 4; how++) {
		struct batch_options options = batch_of("atomic", "atomic", "monotone");
		struct batch_summary summary;
		char folder[32];
		snprintf(folder, sizeof folder, "stop-%u", how);
		options.synthetic_items = 100000;
		options.parts = &parts;
		options.stop = &stop_flag;
		options.serial = how == 1;
		options.order = how == 2 ? BATCH_SUBMISSION : BATCH_COMPLETION;
		options.output = how == 3 ? NULL : scratch(folder);
		options.no_audio = true;
		stop_flag = 0;
		assert_true(run_and_check(&options, &summary).as_stated);
		assert_true(summary.partial);
		/* Who has delivered one of these takes no other. */
		assert_in_range(summary.done, 1, 19 + 4);
		assert_in_range(summary.not_started, 100000 - 19 - 4, 100000 - 1);
		assert_int_equal(summary.items, summary.done + summary.failed + summary.not_started);
		assert_int_equal(summary.anomalies.missing_last, 0);
		if (!options.output)
			continue;
		char name[64];
		snprintf(name, sizeof name, "%s/results.partial.jsonl", folder);
		assert_int_equal(access(scratch(name), F_OK), 0);
		snprintf(name, sizeof name, "%s/results.jsonl", folder);
		assert_int_not_equal(access(scratch(name), F_OK), 0);
	}
	stop_flag = 0;
}

static _Atomic int inside, most_inside;

static void speak_and_look(struct batch *batch, struct batch_worker *worker, const struct model *instance,
	const struct line *item, struct batch_result *result)
{
	int now = atomic_fetch_add_explicit(&inside, 1, memory_order_seq_cst) + 1; /* seq_cst, all: a test's own tally */
	int most = atomic_load_explicit(&most_inside, memory_order_seq_cst);
	while (now > most &&
		!atomic_compare_exchange_weak_explicit(&most_inside, &most, now, memory_order_seq_cst, memory_order_seq_cst))
		;
	batch_real_parts.speak(batch, worker, instance, item, result);
	sched_yield();
	atomic_fetch_sub_explicit(&inside, 1, memory_order_seq_cst);
}

static void slots_bound_the_synthesis(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.speak = speak_and_look;
	struct batch_options options = batch_of("atomic", "atomic", "monotone");
	struct batch_summary summary;
	options.parts = &parts;
	options.workers = 8;
	run_and_check(&options, &summary);
	assert_in_range(most_inside, 3, 8); /* unbounded: the look itself works */
	for (unsigned slots = 1; slots <= 2; slots++) {
		most_inside = 0;
		options.model_slots = slots;
		run_and_check(&options, &summary);
		assert_int_equal(summary.done, summary.items);
		assert_int_equal(most_inside, slots);
	}
}

static void what_cannot_go_together_is_refused(void **state)
{
	(void)state;
	struct batch_summary summary;
	struct batch_options options = batch_of("eager", "atomic", "monotone");
	assert_null(batch_impossible(&options));
	options.model_bytes = 1 << 20;
	assert_non_null(batch_impossible(&options));
	assert_int_equal(batch_run(&options, &summary), EINVAL);
	struct batch_options stepless = batch_of("atomic", "sharded", "under_lock");
	assert_int_equal(batch_run(&stepless, &summary), EINVAL);
	struct batch_options valued = batch_of("atomic", "sharded", "sampler");
	assert_null(batch_impossible(&valued));
}

static void deliver_and_nest(struct batch *batch, struct batch_worker *worker, const struct batch_result *result)
{
	batch_real_parts.deliver(batch, worker, result);
	if (result->index != 3)
		return;
	struct batch_options inner = batch_of("atomic", "pthread_once", "sampler");
	struct batch_summary summary;
	inner.synthetic_items = 2;
	assert_int_equal(batch_run(&inner, &summary), EBUSY);
}

static void one_per_process_runs_alone(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.deliver = deliver_and_nest;
	struct batch_options outer = batch_of("eager", "atomic", "monotone");
	struct batch_summary summary;
	outer.parts = &parts;
	outer.serial = true;
	outer.synthetic_items = 5;
	assert_true(run_and_check(&outer, &summary).as_stated);
	assert_int_equal(summary.models_made, 1);
	assert_int_equal(summary.model_bytes, BATCH_LINKED_MODEL);
}

static void a_directory_has_one_run(void **state)
{
	(void)state;
	struct batch_options options = batch_of("atomic", "atomic", "monotone");
	struct batch_summary summary;
	options.synthetic_items = 3;
	options.output = scratch("alone");
	int lock = batch_lock_directory(options.output, false);
	assert_true(lock >= 0);
	assert_int_equal(batch_run(&options, &summary), EBUSY);
	close(lock);
	run_and_check(&options, &summary);
	size_t bytes;
	char *before = slurp(scratch("alone/results.jsonl"), &bytes);
	assert_int_equal(batch_run(&options, &summary), EEXIST);
	char *after = slurp(scratch("alone/results.jsonl"), &bytes);
	assert_string_equal(before, after);
	free(before);
	free(after);
	FILE *foreign = fopen(scratch("alone/audio/mine.wav"), "w");
	assert_non_null(foreign);
	fclose(foreign);
	options.synthetic_items = 2;
	options.force = true;
	assert_int_equal(run_and_check(&options, &summary).refuted, 0);
	assert_int_equal(access(scratch("alone/audio/mine.wav"), F_OK), 0);
	assert_int_equal(access(scratch("alone/audio/000002.wav"), F_OK), 0);
	assert_int_not_equal(access(scratch("alone/audio/000003.wav"), F_OK), 0);
}

static void progress_goes_to_its_file(void **state)
{
	(void)state;
	struct batch_options options = batch_of("atomic", "atomic", "under_lock");
	struct batch_summary summary;
	options.synthetic_items = 30;
	options.progress_path = scratch("progress.jsonl");
	run_and_check(&options, &summary);
	FILE *file = fopen(options.progress_path, "r");
	assert_non_null(file);
	char line[256];
	assert_non_null(fgets(line, sizeof line, file));
	assert_string_equal(line, "{\"event\":\"begin\",\"total\":30}\n");
	uint64_t expected = 0, done;
	while (fgets(line, sizeof line, file)) {
		assert_int_equal(sscanf(line, "{\"t_us\":%*[0-9.],\"done\":%" SCNu64 ",\"total\":30}", &done), 1);
		assert_int_equal(done, ++expected);
	}
	assert_int_equal(expected, 30);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parallel_equals_serial),
		cmocka_unit_test(every_choice_speaks_alike),
		cmocka_unit_test(failures_stay_with_their_items),
		cmocka_unit_test(injected_failures_follow_the_seed),
		cmocka_unit_test(failed_loads_fail_their_items_only),
		cmocka_unit_test(results_in_submission_order),
		cmocka_unit_test(a_stop_ends_in_order),
		cmocka_unit_test(slots_bound_the_synthesis),
		cmocka_unit_test(what_cannot_go_together_is_refused),
		cmocka_unit_test(one_per_process_runs_alone),
		cmocka_unit_test(a_directory_has_one_run),
		cmocka_unit_test(progress_goes_to_its_file),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
