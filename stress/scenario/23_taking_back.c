/* SPDX-License-Identifier: MIT */
/* Taking back: decrement and reset, against an increment. The count starts at 1, so that no order goes below zero. */
#include "count.h"

static bool has_decrement(const struct implementation *subject)
{
	return ((const struct counter_implementation *)(const void *)subject)->decrement != NULL;
}

static bool has_reset(const struct implementation *subject)
{
	return ((const struct counter_implementation *)(const void *)subject)->reset != NULL;
}

static int setup(const struct execution *x)
{
	int why = count_open(x, 2);
	if (!why)
		count_one(x, 0);
	return why;
}

static void increment(const struct execution *x)
{
	count_one(x, 0);
}

static void decrement(const struct execution *x)
{
	count_subject(x)->decrement(x->object, x->seat[1]);
}

static void reset(const struct execution *x)
{
	count_subject(x)->reset(x->object);
}

enum { UP_AND_DOWN, LOST_DECREMENT, LOST_INCREMENT, UP_DOWN_OTHER };

static const struct outcome_rule up_down_outcomes[] = {
	[UP_AND_DOWN] = {"1", GRADE_ACCEPTABLE, 0, "one up and one down cancel out"},
	[LOST_DECREMENT] = {"2", GRADE_FORBIDDEN, COUNTER_EXACT_AT_REST, "the decrement is lost under the increment's write"},
	[LOST_INCREMENT] = {"0", GRADE_FORBIDDEN, COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST,
		"the increment is lost under the decrement's write"},
	[UP_DOWN_OTHER] = {"other", GRADE_FORBIDDEN, COUNTER_EXACT_AT_REST,
		"a value that one up and one down from 1 cannot give"},
};

static unsigned check_up_down(const struct execution *x)
{
	uint64_t value = count_close(x);
	return value == 1 ? UP_AND_DOWN : value == 2 ? LOST_DECREMENT : value == 0 ? LOST_INCREMENT : UP_DOWN_OTHER;
}

enum { RESET_LAST, RESET_FIRST, LOST_RESET, RESET_OTHER };

static const struct outcome_rule reset_outcomes[] = {
	[RESET_LAST] = {"0", GRADE_ACCEPTABLE, 0, "the increment came before the reset"},
	[RESET_FIRST] = {"1", GRADE_ACCEPTABLE, 0, "the increment came after the reset"},
	[LOST_RESET] = {"2", GRADE_FORBIDDEN, COUNTER_EXACT_AT_REST, "the increment had read 1 and wrote 2 over the reset"},
	[RESET_OTHER] = {"other", GRADE_FORBIDDEN, COUNTER_EXACT_AT_REST, "a value that an increment and a reset cannot give"},
};

static unsigned check_reset(const struct execution *x)
{
	uint64_t value = count_close(x);
	return value == 0 ? RESET_LAST : value == 1 ? RESET_FIRST : value == 2 ? LOST_RESET : RESET_OTHER;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "up_and_down",
		.shows = "one thread increments while another takes one back",
		.checks = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
		.applies = has_decrement,
		.outcome_count = sizeof up_down_outcomes / sizeof *up_down_outcomes,
		.outcomes = up_down_outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {increment, decrement},
		.check = check_up_down,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "reset_races",
		.shows = "one thread increments while another resets the counter",
		.checks = COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
		.applies = has_reset,
		.outcome_count = sizeof reset_outcomes / sizeof *reset_outcomes,
		.outcomes = reset_outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {increment, reset},
		.check = check_reset,
	},
};

SCENARIO_GROUP(taking_back, scenarios);
