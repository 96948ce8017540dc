/* SPDX-License-Identifier: MIT */
/* The native method itself: every planned execution is run once and judged once, on memory of its own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "native/run.h"

/* A scenario that judges the engine: each actor must have run exactly once on this state, after one set-up. */
struct seen {
	_Atomic int setups, first, second;
};

static int refuse_with;

static int setup(const struct execution *x)
{
	struct seen *seen = x->local;
	/* relaxed, here and below: the engine's line-ups order set-up, actors and check. */
	atomic_fetch_add_explicit(&seen->setups, 1, memory_order_relaxed);
	return refuse_with;
}

static void first(const struct execution *x)
{
	atomic_fetch_add_explicit(&((struct seen *)x->local)->first, 1, memory_order_relaxed);
}

static void second(const struct execution *x)
{
	atomic_fetch_add_explicit(&((struct seen *)x->local)->second, 1, memory_order_relaxed);
}

static unsigned check(const struct execution *x)
{
	struct seen *seen = x->local;
	return atomic_load_explicit(&seen->setups, memory_order_relaxed) == 1 &&
			       atomic_load_explicit(&seen->first, memory_order_relaxed) == 1 &&
			       atomic_load_explicit(&seen->second, memory_order_relaxed) == 1
		       ? 0
		       : 1;
}

static const struct outcome_rule outcomes[] = {
	{"once", GRADE_ACCEPTABLE, 0, "each part ran once"},
	{"else", GRADE_FORBIDDEN, 1, "the engine lost or repeated a part"},
};

static const struct scenario scenario = {.family = FAMILY_COUNTER,
	.name = "engine",
	.checks = 1,
	.local_bytes = sizeof(struct seen),
	.outcome_count = 2,
	.outcomes = outcomes,
	.actor_count = 2,
	.setup = setup,
	.actor = {first, second},
	.check = check};

static const struct implementation *subject(const char *name)
{
	return registry_find(FAMILY_COUNTER, name)->about;
}

static struct run_result run(const struct implementation *about, struct run_options options)
{
	struct run_result result;
	assert_int_equal(run_actors(&scenario, about, &options, &result), 0);
	return result;
}

static void every_execution_is_run_and_judged_once(void **state)
{
	(void)state;
	/* Below one round, one round, and rounds with a rest; packed and padded; both barriers. */
	static const uint64_t plans[] = {1, 63, 64, 4097, 300001};
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct run_result result =
				run(subject("naive"), (struct run_options){.executions = plans[i],
							      .seed = seed,
							      .pin = seed == 1,
							      .line_up = seed == 2 ? LINE_UP_PTHREAD : LINE_UP_SPIN});
			assert_int_equal(result.executions, plans[i]);
			assert_int_equal(result.counts[0], plans[i]);
			assert_int_equal(result.counts[1], 0);
		}
}

static void one_object_per_process_is_used_one_at_a_time(void **state)
{
	(void)state;
	struct run_result result = run(subject("pthread_once"), (struct run_options){.executions = 500, .seed = 1});
	assert_int_equal(result.counts[0], 500);
}

static void a_refused_set_up_ends_the_run(void **state)
{
	(void)state;
	refuse_with = ENOSYS;
	struct run_result result = run(subject("naive"), (struct run_options){.executions = 100000, .seed = 1});
	refuse_with = 0;
	assert_int_equal(result.refused, ENOSYS);
	assert_int_equal(result.counts[0], 0);
}

static void a_time_limit_says_that_the_plan_was_not_reached(void **state)
{
	(void)state;
	struct run_result result =
		run(subject("naive"), (struct run_options){.executions = UINT64_MAX / 2, .seed = 1, .time_limit_s = 0.05});
	assert_true(result.out_of_time);
	assert_int_equal(result.counts[0], result.executions);
}

static void memory_for_one_execution_is_aligned(void **state)
{
	(void)state;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		struct execution x;
		assert_int_equal(execution_allocate(&x, &scenario, onceproof_registry[i].about), 0);
		assert_int_equal((uintptr_t)x.object % 64, 0);
		assert_int_equal((uintptr_t)x.local % 64, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_execution_is_run_and_judged_once),
		cmocka_unit_test(one_object_per_process_is_used_one_at_a_time),
		cmocka_unit_test(a_refused_set_up_ends_the_run),
		cmocka_unit_test(a_time_limit_says_that_the_plan_was_not_reached),
		cmocka_unit_test(memory_for_one_execution_is_aligned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
