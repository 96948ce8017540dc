/* SPDX-License-Identifier: MIT */
/* Each promise of the pipeline is guarded by a part that is broken on purpose: the judge must name that promise and no other, whether it
 * judges from the files or, where nothing is written, from what was tallied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "test_batch.h"

enum { ITEMS = 60, VICTIM = 17 };

/* A pool that hands one item out twice. */
static bool take_twice(struct batch *batch, struct batch_worker *worker)
{
	static _Thread_local bool again;
	if (again) {
		again = false;
		return true; /* the item is still in its place */
	}
	bool ok = batch_real_parts.take(batch, worker);
	again = ok && worker->item.index == VICTIM;
	return ok;
}

/* A pool that loses one. */
static bool take_and_lose(struct batch *batch, struct batch_worker *worker)
{
	bool ok = batch_real_parts.take(batch, worker);
	return ok && worker->item.index == VICTIM ? batch_real_parts.take(batch, worker) : ok;
}

/* A pool that hands out one item in the place of another: the numbers agree, the items do not. */
static bool take_another(struct batch *batch, struct batch_worker *worker)
{
	bool ok = batch_real_parts.take(batch, worker);
	if (ok && worker->item.index == VICTIM)
		worker->item.index++;
	return ok;
}

/* A failure that stays behind in its worker, and takes the next item with it. */
static void work_and_infect(
	struct batch *batch, struct batch_worker *worker, const struct line *item, struct batch_result *result)
{
	static _Thread_local bool ill;
	batch_real_parts.work(batch, worker, item, result);
	bool failed = result->reason != BATCH_DONE;
	if (ill)
		result->reason = BATCH_INJECTED;
	ill = failed;
}

/* A failure that is swallowed. */
static void work_and_hush(struct batch *batch, struct batch_worker *worker, const struct line *item, struct batch_result *result)
{
	batch_real_parts.work(batch, worker, item, result);
	if (item->index == VICTIM)
		result->reason = BATCH_DONE;
}

/* Totals that forget an item … */
static void total_and_forget(struct batch_totals *totals, const struct batch_result *result)
{
	if (result->index != VICTIM + 1)
		batch_real_parts.total(totals, result);
}

/* … and totals that call a failure a success. */
static void total_and_praise(struct batch_totals *totals, const struct batch_result *result)
{
	struct batch_result better = *result;
	if (result->index == VICTIM)
		better.reason = BATCH_DONE;
	batch_real_parts.total(totals, &better);
}

/* A model that is loaded once more, beside the initialiser. */
static void *model_twice(struct batch *batch, int *error)
{
	static _Thread_local struct batch *done;
	if (done != batch) {
		done = batch;
		void *extra = batch->loader.load(batch->loader.arg, error);
		if (extra)
			batch->loader.unload(batch->loader.arg, extra);
	}
	return batch_real_parts.model(batch, error);
}

/* A log that drops one line: a start, or an end. */
static void log_no_start(
	struct batch *batch, struct batch_worker *worker, enum batch_event event, const struct batch_result *result)
{
	if (event != BATCH_STARTED || result->index != VICTIM)
		batch_real_parts.log(batch, worker, event, result);
}

static void log_no_end(
	struct batch *batch, struct batch_worker *worker, enum batch_event event, const struct batch_result *result)
{
	if (event != BATCH_ENDED || result->index != VICTIM)
		batch_real_parts.log(batch, worker, event, result);
}

/* A result that is not delivered. */
static void deliver_and_lose(struct batch *batch, struct batch_worker *worker, const struct batch_result *result)
{
	if (result->index != VICTIM + 1)
		batch_real_parts.deliver(batch, worker, result);
}

static struct batch_options request(void)
{
	static const uint64_t failing[] = {VICTIM, 40};
	struct batch_options options = batch_of("atomic", "atomic", "monotone");
	options.synthetic_items = ITEMS;
	options.fail_lines = failing;
	options.fail_line_count = 2;
	return options;
}

/* Runs PARTS with files and without, serial and parallel, in both orders, and expects REFUTED each time. */
static void expect(const char *name, const struct batch_parts *parts, uint32_t refuted)
{
	for (unsigned how = 0; how < 6; how++) {
		struct batch_options options = request();
		struct batch_summary summary;
		char folder[64];
		snprintf(folder, sizeof folder, "%s-%u", name, how);
		options.parts = parts;
		options.serial = how % 3 == 0;
		options.order = how % 3 == 1 ? BATCH_SUBMISSION : BATCH_COMPLETION;
		options.output = how >= 3 ? scratch(folder) : NULL;
		struct batch_judgement judgement = run_and_check(&options, &summary);
		if (judgement.refuted != refuted)
			print_message("%s: refuted %#x instead of %#x: %s %s %s %s %s\n", folder, judgement.refuted, refuted,
				judgement.sentence[0], judgement.sentence[1], judgement.sentence[2], judgement.sentence[3],
				judgement.sentence[4]);
		assert_int_equal(judgement.refuted, refuted);
		assert_int_equal(judgement.broken, refuted);
		assert_int_equal(judgement.as_stated, refuted == 0);
		for (int i = 0; i < PIPELINE_PROMISES; i++)
			assert_int_equal(judgement.sentence[i][0] != '\0', (refuted >> i) & 1);
	}
}

static void real_parts_keep_every_promise(void **state)
{
	(void)state;
	expect("real", NULL, 0);
}

static void a_pool_that_runs_an_item_twice(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.take = take_twice;
	expect("twice", &parts, PIPELINE_EACH_ITEM_ONCE);
}

static void a_pool_that_skips_an_item(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.take = take_and_lose;
	expect("skip", &parts, PIPELINE_EACH_ITEM_ONCE);
}

static void a_pool_that_confuses_two_items(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.take = take_another;
	expect("confuse", &parts, PIPELINE_EACH_ITEM_ONCE);
}

static void a_failure_that_spreads(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.work = work_and_infect;
	expect("infect", &parts, PIPELINE_FAILURES_ISOLATED);
}

static void a_failure_that_is_swallowed(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.work = work_and_hush;
	expect("hush", &parts, PIPELINE_FAILURES_ISOLATED);
}

static void totals_that_forget(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.total = total_and_forget;
	expect("forget", &parts, PIPELINE_TOTALS_ADD_UP);
}

static void totals_that_praise(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.total = total_and_praise;
	expect("praise", &parts, PIPELINE_TOTALS_ADD_UP);
}

static void a_model_that_is_loaded_twice(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.model = model_twice;
	for (unsigned files = 0; files < 2; files++) {
		struct batch_options options = request();
		struct batch_summary summary;
		options.parts = &parts;
		options.output = files ? scratch("model") : NULL;
		struct batch_judgement judgement = run_and_check(&options, &summary);
		assert_int_equal(judgement.refuted, PIPELINE_MODEL_LOADED_ONCE);
		assert_int_equal(judgement.broken, PIPELINE_MODEL_LOADED_ONCE);
		assert_false(judgement.as_stated);
		assert_int_equal(summary.wasted_bytes, (summary.models_made - 1) * options.model_bytes);
		assert_int_equal(summary.models_alive, 0);
	}
}

static void a_log_that_drops_a_line(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.log = log_no_start;
	expect("nostart", &parts, PIPELINE_LOG_COMPLETE);
	parts.log = log_no_end;
	expect("noend", &parts, PIPELINE_LOG_COMPLETE);
}

/* A result that is lost is lost to the item, to the totals beside it, and to the log: all three disagree with the results. */
static void a_result_that_is_lost(void **state)
{
	(void)state;
	struct batch_parts parts = batch_real_parts;
	parts.deliver = deliver_and_lose;
	expect("lose", &parts, PIPELINE_EACH_ITEM_ONCE | PIPELINE_TOTALS_ADD_UP | PIPELINE_LOG_COMPLETE);
}

/* The judge reads what is on the disk, not what was meant to be there. */
static void a_file_that_lost_a_line(void **state)
{
	(void)state;
	struct batch_options options = request();
	struct batch_summary summary;
	struct batch_judgement judgement;
	options.serial = true;
	options.output = scratch("edited");
	assert_int_equal(run_and_check(&options, &summary).refuted, 0);
	const char *path = scratch("edited/results.jsonl"), *edited = scratch("edited/edited");
	FILE *from = fopen(path, "r"), *to = fopen(edited, "w");
	assert_true(from && to);
	char line[1024];
	for (unsigned n = 1; fgets(line, sizeof line, from); n++)
		if (n != VICTIM + 3)
			fputs(line, to);
	fclose(from);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(rename(edited, path), 0);
	assert_int_equal(batch_check(&options, &summary, &judgement), 0);
	assert_true(judgement.refuted & PIPELINE_EACH_ITEM_ONCE);
	assert_non_null(strstr(judgement.sentence[0], "item 20 has 0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_parts_keep_every_promise),
		cmocka_unit_test(a_pool_that_runs_an_item_twice),
		cmocka_unit_test(a_pool_that_skips_an_item),
		cmocka_unit_test(a_pool_that_confuses_two_items),
		cmocka_unit_test(a_failure_that_spreads),
		cmocka_unit_test(a_failure_that_is_swallowed),
		cmocka_unit_test(totals_that_forget),
		cmocka_unit_test(totals_that_praise),
		cmocka_unit_test(a_model_that_is_loaded_twice),
		cmocka_unit_test(a_log_that_drops_a_line),
		cmocka_unit_test(a_result_that_is_lost),
		cmocka_unit_test(a_file_that_lost_a_line),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
