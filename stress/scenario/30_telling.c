/* SPDX-License-Identifier: MIT */
/* Progress under real concurrency: workers step, a front end may look, and the record of what was told is judged.
 *
 * The counter behind it is perfect (stress/scenario/telling.h), so whatever is wrong in the record went wrong in the telling.
 */
#include "telling.h"

enum {
	ORDER_OF_TELLING = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL,
	POLLS = 3,
};

static int setup(const struct execution *x, uint64_t total)
{
	struct telling *t = x->local;
	t->sink = (struct progress_sink){telling_record, t};
	t->source = (struct progress_source){telling_increment, telling_value, t};
	return telling_subject(x)->open(x->object, &t->sink, total);
}

static unsigned check(const struct execution *x, uint64_t total)
{
	struct telling *t = x->local;
	const struct progress_implementation *subject = telling_subject(x);
	subject->finish(x->object, &t->source);
	subject->close(x->object);
	return telling_judge(t, total);
}

static int setup_two(const struct execution *x)
{
	return setup(x, 2);
}

static unsigned check_two(const struct execution *x)
{
	return check(x, 2);
}

static int setup_four(const struct execution *x)
{
	return setup(x, 4);
}

static unsigned check_four(const struct execution *x)
{
	return check(x, 4);
}

static void step_once(const struct execution *x)
{
	struct telling *t = x->local;
	telling_subject(x)->step(x->object, &t->source);
}

static void step_twice(const struct execution *x)
{
	step_once(x);
	step_once(x);
}

static void look_often(const struct execution *x)
{
	struct telling *t = x->local;
	for (int i = 0; i < POLLS; i++)
		telling_subject(x)->poll(x->object, &t->source);
}

static bool is_polled(const struct implementation *about)
{
	return ((const struct progress_implementation *)(const void *)about)->polled;
}

static const struct outcome_rule two_steps[] = {
	[TOLD_IN_ORDER] = {"1, 2", GRADE_ACCEPTABLE, 0, "both steps were told, in order"},
	[TOLD_SKIPS] = {"2", GRADE_FORBIDDEN, TOLD_SKIPS_REFUTES, "two steps were told as one: the user never sees 1"},
	[TOLD_WRONG_LAST] = {"1", GRADE_FORBIDDEN, TOLD_WRONG_LAST_REFUTES, "the batch is over and the display does not say 2"},
	[TOLD_BACKWARDS_LAST] = {"2, 1", GRADE_FORBIDDEN, TOLD_BACKWARDS_LAST_REFUTES,
		"a worker that counted first told last: the display ran backwards and stays at 1 of 2"},
	[TOLD_REPEATS] = {"a repeat", GRADE_FORBIDDEN, TOLD_REPEATS_REFUTES, "the same number was told twice"},
};

static const struct outcome_rule four_steps[] = {
	[TOLD_IN_ORDER] = {"1, 2, 3, 4", GRADE_ACCEPTABLE, 0, "every step was told, in order"},
	[TOLD_SKIPS] = {"skips", GRADE_FORBIDDEN, TOLD_SKIPS_REFUTES, "upwards to the total, but a number is left out"},
	[TOLD_WRONG_LAST] = {"wrong last", GRADE_FORBIDDEN, TOLD_WRONG_LAST_REFUTES,
		"the batch is over and the display does not say 4"},
	[TOLD_BACKWARDS_LAST] = {"backwards at the end", GRADE_FORBIDDEN, TOLD_BACKWARDS_LAST_REFUTES,
		"an earlier step was told last: the display ran backwards and stays there"},
	[TOLD_REPEATS] = {"repeats", GRADE_FORBIDDEN, TOLD_REPEATS_REFUTES, "a number was told twice"},
	[TOLD_BACKWARDS] = {"backwards", GRADE_FORBIDDEN, TOLD_BACKWARDS_REFUTES,
		"a higher step overtook a lower one: the display ran backwards on its way to 4"},
};

static const struct scenario list[] = {
	{
		.family = FAMILY_PROGRESS,
		.name = "two_workers",
		.shows = "two workers finish one item each; the front end looks when both have ended",
		.checks = ORDER_OF_TELLING | PROGRESS_RACE_FREE,
		.local_bytes = sizeof(struct telling),
		.outcome_count = sizeof two_steps / sizeof *two_steps,
		.outcomes = two_steps,
		.actor_count = 2,
		.setup = setup_two,
		.actor = {step_once, step_once},
		.check = check_two,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "two_by_two",
		.shows = "two workers finish two items each; the front end looks when both have ended",
		.checks = ORDER_OF_TELLING | PROGRESS_RACE_FREE,
		.local_bytes = sizeof(struct telling),
		.outcome_count = sizeof four_steps / sizeof *four_steps,
		.outcomes = four_steps,
		.actor_count = 2,
		.setup = setup_four,
		.actor = {step_twice, step_twice},
		.check = check_four,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "workers_and_front_end",
		.shows = "two workers finish one item each while the front end looks three times",
		.checks = ORDER_OF_TELLING | PROGRESS_RACE_FREE,
		.applies = is_polled,
		.local_bytes = sizeof(struct telling),
		.outcome_count = sizeof two_steps / sizeof *two_steps,
		.outcomes = two_steps,
		.actor_count = 3,
		.setup = setup_two,
		.actor = {step_once, step_once, look_often},
		.check = check_two,
	},
};
SCENARIO_GROUP(telling, list);
