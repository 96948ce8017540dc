/* SPDX-License-Identifier: MIT */
/* The driver on real programs: what is found, counted, minimised, repeated. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exploring.h"
#include "test_explore_programs.h"

static unsigned outcome(void *arg)
{
	(void)arg;
	return explored_outcome;
}

static bool forbidden(void *arg, unsigned shown)
{
	(void)arg;
	return shown == 1;
}

static const char *label(void *arg, unsigned shown)
{
	(void)arg;
	return shown ? "bad" : "good";
}

static struct explore_program program_of(void (*body)(void *))
{
	return (struct explore_program){
		.body = body, .outcome = outcome, .forbidden = forbidden, .label = label, .outcome_count = 2};
}

static struct explore_options options_of(const char *strategy, enum memory_model model)
{
	return (struct explore_options){
		.model = model, .strategy = strategy, .seed = 1, .executions = 2000, .shard = 1, .shards = 1, .minimise = true};
}

static struct explore_result explored(void (*body)(void *), const struct explore_options *options)
{
	struct explore_program program = program_of(body);
	struct explore_result result;
	assert_int_equal(explore(&program, options, &result), 0);
	return result;
}

static const struct explored_finding *finding_of(const struct explore_result *result, enum finding_kind kind)
{
	for (unsigned i = 0; i < result->finding_count; i++)
		if (result->findings[i].finding.kind == kind)
			return &result->findings[i];
	return NULL;
}

static const char *const strategies[] = {"auto", "bound", "dpor", "random", "pct", "pos", "surw", "rff"};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };

/* --- what is found ---------------------------------------------------------------------------------------------------------------- */

/* The program, the finding, and what its smallest witness needs. */
static const struct {
	void (*body)(void *);
	enum finding_kind kind;
	unsigned stale, preemptions;
} bugs[] = {
	{explored_lost_update, FINDING_FORBIDDEN_OUTCOME, 0, 1},
	{explored_racing_update, FINDING_DATA_RACE, 0, 0},
	{explored_racing_update, FINDING_FORBIDDEN_OUTCOME, 0, 1},
	{explored_there_and_back, FINDING_FORBIDDEN_OUTCOME, 0, 2},
	{explored_passing, FINDING_FORBIDDEN_OUTCOME, 1, 0},
	{explored_deadlock, FINDING_DEADLOCK, 0, 1},
};
enum { BUGS = sizeof bugs / sizeof *bugs };

static void every_strategy_finds_every_bug_with_the_same_witness(void **state)
{
	(void)state;
	for (unsigned b = 0; b < BUGS; b++) {
		struct schedule witness = {0};
		for (unsigned i = 0; i < STRATEGIES; i++) {
			struct explore_options options = options_of(strategies[i], MODEL_RC11);
			options.executions = 20000;
			struct explore_result result = explored(bugs[b].body, &options);
			const struct explored_finding *found = finding_of(&result, bugs[b].kind);
			if (!found)
				fail_msg("%s does not find bug %u", strategies[i], b);
			if (found->stale != bugs[b].stale || found->preemptions != bugs[b].preemptions)
				fail_msg("bug %u by %s: %u stale, %u preemptions", b, strategies[i], found->stale,
					found->preemptions);
			if (i == 0 && found->first > 100)
				fail_msg("bug %u by %s: execution %u", b, strategies[i], (unsigned)found->first);
			assert_true(found->recorded_count > 0);
			if (!witness.count)
				assert_true(schedule_copy(&witness, &found->schedule));
			if (witness.count != found->schedule.count ||
				memcmp(witness.steps, found->schedule.steps, witness.count * sizeof *witness.steps) != 0)
				fail_msg("bug %u by %s: another witness", b, strategies[i]);
			explore_free(&result);
		}
		schedule_free(&witness);
	}
}

static void correct_programs_have_no_findings(void **state)
{
	(void)state;
	static void (*const correct[])(void *) = {explored_locked_update, explored_three_updates};
	for (unsigned c = 0; c < 2; c++)
		for (unsigned i = 0; i < STRATEGIES; i++) {
			struct explore_options options = options_of(strategies[i], MODEL_RC11);
			struct explore_result result = explored(correct[c], &options);
			assert_int_equal(result.finding_count, 0);
			assert_int_equal(result.outcomes[1], 0);
			assert_int_equal(result.outcomes[0], result.executions);
			assert_string_equal(result.caveat, "");
			bool enumerates = i < 3;
			assert_int_equal(result.exhausted, enumerates);
			explore_free(&result);
		}
}

static void a_witness_replays_in_a_fresh_state(void **state)
{
	(void)state;
	for (unsigned b = 0; b < BUGS; b++) {
		struct explore_options options = options_of("auto", MODEL_RC11);
		struct explore_program program = program_of(bugs[b].body);
		struct explore_result result = explored(bugs[b].body, &options);
		const struct explored_finding *found = finding_of(&result, bugs[b].kind);
		assert_non_null(found);
		races_forget_promoted();
		uint32_t diverged;
		enum ending how = explore_replay(&program, &options, &found->schedule, &diverged);
		assert_int_equal(diverged, UINT32_MAX);
		assert_true(explore_shows(&program, how, found->finding.key, NULL));
		explore_free(&result);
	}
}

/* Where no bounded search gets far enough, what chance found is full of switches that mean nothing: single changes take them out. */
static void a_witness_is_minimal_also_where_chance_found_it(void **state)
{
	(void)state;
	static const char *const by_chance[] = {"random", "pos", "surw", "rff"};
	for (unsigned i = 0; i < sizeof by_chance / sizeof *by_chance; i++) {
		struct explore_options options = options_of(by_chance[i], MODEL_SC);
		options.executions = 20000;
		options.first_only = true;
		struct explore_result result = explored(explored_combination, &options);
		const struct explored_finding *found = finding_of(&result, FINDING_FORBIDDEN_OUTCOME);
		if (!found)
			fail_msg("%s does not find it", by_chance[i]);
		assert_int_equal(found->stale, 0);
		assert_int_equal(found->preemptions, 4);
		explore_free(&result);
	}
}

/* A search that enumerates starts again when a race changes what a step is; what it counted before is not in the result. */
static void a_late_race_starts_the_search_again(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		struct explore_options options = options_of(strategies[i], MODEL_SC);
		struct explore_result result = explored(explored_late_race, &options);
		assert_non_null(finding_of(&result, FINDING_DATA_RACE));
		assert_true(result.exhausted);
		assert_true(result.abandoned > 0);
		assert_int_equal(result.outcomes[0], result.executions);
		/* Exhaustive search: one execution for each behaviour. */
		if (i == 2)
			assert_int_equal(result.executions, result.distinct);
		explore_free(&result);
	}
}

/* --- what is counted ---------------------------------------------------------------------------------------------------------------- */

static void budgets_count_executions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STRATEGIES; i++) {
		struct explore_options options = options_of(strategies[i], MODEL_RC11);
		options.executions = 57;
		struct explore_result result = explored(explored_there_and_back, &options);
		assert_true(result.executions + result.blocked + result.cut <= 57);
		if (!result.exhausted)
			assert_int_equal(result.executions + result.blocked + result.cut, 57);
		assert_true(result.distinct <= result.executions && result.distinct > 1);
		explore_free(&result);
	}
}

static void samplers_shards_add_up(void **state)
{
	(void)state;
	static const char *const independent[] = {"random", "pct", "pos", "surw"};
	for (unsigned i = 0; i < 4; i++) {
		struct explore_options options = options_of(independent[i], MODEL_RC11);
		options.executions = 101;
		options.minimise = false;
		struct explore_result whole = explored(explored_lost_update, &options);
		const struct explored_finding *found = finding_of(&whole, FINDING_FORBIDDEN_OUTCOME);
		uint64_t executions = 0, bad = 0, first = UINT64_MAX;
		options.shards = 3;
		for (options.shard = 1; options.shard <= 3; options.shard++) {
			struct explore_result part = explored(explored_lost_update, &options);
			const struct explored_finding *here = finding_of(&part, FINDING_FORBIDDEN_OUTCOME);
			executions += part.executions;
			bad += part.outcomes[1];
			if (here && here->first < first)
				first = here->first;
			explore_free(&part);
		}
		assert_int_equal(executions, whole.executions);
		assert_int_equal(bad, whole.outcomes[1]);
		assert_int_equal(first, found->first);
		explore_free(&whole);
	}
}

static void enumerating_shards_add_up(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 2; i++) {
		struct explore_options options = options_of(strategies[i], MODEL_SC);
		options.executions = 0;
		struct explore_result whole = explored(explored_three_updates, &options);
		assert_true(whole.exhausted);
		uint64_t executions = 0;
		options.shards = 4;
		for (options.shard = 1; options.shard <= 4; options.shard++) {
			struct explore_result part = explored(explored_three_updates, &options);
			assert_true(part.exhausted);
			executions += part.executions;
			explore_free(&part);
		}
		assert_int_equal(executions, whole.executions);
		explore_free(&whole);
	}
}

/* Where auto's first phase finds something, its shards tell the same first execution as the whole. */
static void automatic_shards_agree_on_the_first(void **state)
{
	(void)state;
	for (unsigned b = 0; b < BUGS; b++) {
		struct explore_options options = options_of("auto", MODEL_SC);
		if (bugs[b].stale)
			continue;
		struct explore_result whole = explored(bugs[b].body, &options);
		const struct explored_finding *found = finding_of(&whole, bugs[b].kind);
		uint64_t first = UINT64_MAX;
		options.shards = 3;
		for (options.shard = 1; options.shard <= 3; options.shard++) {
			struct explore_result part = explored(bugs[b].body, &options);
			const struct explored_finding *here = finding_of(&part, bugs[b].kind);
			if (here && here->first < first)
				first = here->first;
			explore_free(&part);
		}
		assert_int_equal(first, found->first);
		explore_free(&whole);
	}
}

/* The whole result as text, times apart. */
static char *told(const struct explore_result *result, const struct explore_options *options, void (*body)(void *))
{
	struct explore_program program = program_of(body);
	json_t *answer = explore_answer(&program, options, result);
	json_object_del(answer, "seconds");
	json_object_del(answer, "peak_bytes");
	char *text = json_dumps(answer, JSON_SORT_KEYS);
	json_decref(answer);
	assert_non_null(text);
	return text;
}

static void the_same_seed_gives_the_same_result(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STRATEGIES; i++)
		for (unsigned b = 0; b < BUGS; b++) {
			struct explore_options options = options_of(strategies[i], MODEL_RC11);
			options.executions = 500;
			struct explore_result one = explored(bugs[b].body, &options), two = explored(bugs[b].body, &options);
			char *first = told(&one, &options, bugs[b].body), *second = told(&two, &options, bugs[b].body);
			assert_string_equal(first, second);
			free(first);
			free(second);
			explore_free(&one);
			explore_free(&two);
		}
}

static void pct_states_its_bound_under_sc_only(void **state)
{
	(void)state;
	for (unsigned model = 0; model < 2; model++) {
		struct explore_options options = options_of("pct", model ? MODEL_RC11 : MODEL_SC);
		struct explore_result result = explored(explored_three_updates, &options);
		for (unsigned depth = 1; depth <= 3; depth++)
			assert_int_equal(result.probability_depth[depth] > 0, options.model == MODEL_SC);
		assert_true(result.probability_depth[1] >= result.probability_depth[2]);
		explore_free(&result);
	}
}

static void first_only_stops_at_the_first(void **state)
{
	(void)state;
	struct explore_options options = options_of("auto", MODEL_RC11);
	options.first_only = true;
	struct explore_result result = explored(explored_lost_update, &options);
	assert_int_equal(result.finding_count, 1);
	assert_int_equal(result.findings[0].executions, 1);
	assert_int_equal(result.findings[0].first, result.executions + result.blocked + result.cut);
	assert_false(result.exhausted);
	explore_free(&result);
}

static void a_bound_is_told(void **state)
{
	(void)state;
	static const char *const one_preemption[] = {"preemptions=1", NULL};
	struct explore_options options = options_of("bound", MODEL_SC);
	options.search_options = one_preemption;
	struct explore_result result = explored(explored_there_and_back, &options);
	assert_true(result.exhausted);
	assert_int_equal(strncmp(result.bound, "at most 1 preemption", 20), 0);
	assert_int_equal(result.finding_count, 0);
	explore_free(&result);
}

static void bad_options_are_refused(void **state)
{
	(void)state;
	static const char *const unknown[] = {"colour=blue", NULL}, *const no_value[] = {"preemptions", NULL};
	struct explore_program program = program_of(explored_lost_update);
	struct explore_result result;
	struct explore_options options = options_of("nobody", MODEL_SC);
	assert_int_equal(explore(&program, &options, &result), EINVAL);
	options = options_of("bound", MODEL_SC);
	options.search_options = unknown;
	assert_int_equal(explore(&program, &options, &result), EINVAL);
	options.search_options = no_value;
	assert_int_equal(explore(&program, &options, &result), EINVAL);
	options.search_options = NULL;
	options.shard = 3;
	options.shards = 2;
	assert_int_equal(explore(&program, &options, &result), EINVAL);
}

static unsigned turn;

static void next_turn(void *arg)
{
	(void)arg;
	turn++;
}

static void a_program_that_does_not_repeat_itself_is_told(void **state)
{
	(void)state;
	struct explore_program program = program_of(explored_by_turn);
	program.reset = next_turn;
	program.arg = &turn;
	struct explore_options options = options_of("bound", MODEL_SC);
	struct explore_result result;
	assert_int_equal(explore(&program, &options, &result), 0);
	assert_non_null(finding_of(&result, FINDING_NONDETERMINISM));
	assert_true(result.diverged > 0);
	assert_false(result.exhausted);
	explore_free(&result);
}

/* --- behaviours -------------------------------------------------------------------------------------------------------------------- */

static void behaviours_are_counted_exactly_then_estimated(void **state)
{
	(void)state;
	struct behaviours b = {0};
	struct stream random = {1};
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t hash = stream_next(&random);
		assert_true(behaviours_add(&b, hash));
		assert_true(behaviours_add(&b, hash));
	}
	assert_true(behaviours_add(&b, 0));
	assert_int_equal(behaviours_count(&b), 100001);
	for (uint64_t i = 0; i < 1900000; i++)
		assert_true(behaviours_add(&b, stream_next(&random)));
	double estimate = (double)behaviours_count(&b);
	assert_true(estimate > 1.98e6 && estimate < 2.02e6);
	behaviours_clear(&b);
	assert_int_equal(behaviours_count(&b), 0);
	behaviours_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_strategy_finds_every_bug_with_the_same_witness),
		cmocka_unit_test(correct_programs_have_no_findings),
		cmocka_unit_test(a_witness_replays_in_a_fresh_state),
		cmocka_unit_test(a_witness_is_minimal_also_where_chance_found_it),
		cmocka_unit_test(a_late_race_starts_the_search_again),
		cmocka_unit_test(budgets_count_executions),
		cmocka_unit_test(samplers_shards_add_up),
		cmocka_unit_test(enumerating_shards_add_up),
		cmocka_unit_test(automatic_shards_agree_on_the_first),
		cmocka_unit_test(the_same_seed_gives_the_same_result),
		cmocka_unit_test(pct_states_its_bound_under_sc_only),
		cmocka_unit_test(first_only_stops_at_the_first),
		cmocka_unit_test(a_bound_is_told),
		cmocka_unit_test(bad_options_are_refused),
		cmocka_unit_test(a_program_that_does_not_repeat_itself_is_told),
		cmocka_unit_test(behaviours_are_counted_exactly_then_estimated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
