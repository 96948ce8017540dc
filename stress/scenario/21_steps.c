/* SPDX-License-Identifier: MIT */
/* Steps: what increment returns must be 1..N, each once, or "item 3 of 10" is said twice or never. */
#include "count.h"

struct steps {
	struct count_seen seen[2];
};

static bool has_steps(const struct implementation *subject)
{
	return ((const struct counter_implementation *)(const void *)subject)->steps;
}

static int setup(const struct execution *x)
{
	return count_open(x, 2);
}

static void step_0(const struct execution *x)
{
	((struct steps *)x->local)->seen[0].value[0] = count_one(x, 0);
}

static void step_1(const struct execution *x)
{
	((struct steps *)x->local)->seen[1].value[0] = count_one(x, 1);
}

enum { FIRST_THEN_SECOND, SECOND_THEN_FIRST, DUPLICATE, GAP };

static const struct outcome_rule outcomes[] = {
	[FIRST_THEN_SECOND] = {"(1, 2)", GRADE_ACCEPTABLE, 0, "the first thread came first"},
	[SECOND_THEN_FIRST] = {"(2, 1)", GRADE_ACCEPTABLE, 0, "the second thread came first"},
	[DUPLICATE] = {"duplicate", GRADE_FORBIDDEN, COUNTER_UNIQUE_STEPS, "both threads were given the same step"},
	[GAP] = {"gap", GRADE_FORBIDDEN, COUNTER_UNIQUE_STEPS,
		"two different steps, but not 1 and 2: a number below N is never given"},
};

static unsigned check(const struct execution *x)
{
	const struct steps *local = x->local;
	uint64_t a = local->seen[0].value[0], b = local->seen[1].value[0];
	count_close(x);
	if (a == b)
		return DUPLICATE;
	if (a == 1 && b == 2)
		return FIRST_THEN_SECOND;
	return a == 2 && b == 1 ? SECOND_THEN_FIRST : GAP;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "steps",
		.shows = "two threads increment once each and keep the step that they are given",
		.checks = COUNTER_UNIQUE_STEPS | COUNTER_RACE_FREE,
		.applies = has_steps,
		.local_bytes = sizeof(struct steps),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {step_0, step_1},
		.check = check,
	},
};

SCENARIO_GROUP(steps, scenarios);
