/* SPDX-License-Identifier: MIT */
/* Counting: some threads increment, and afterwards the value is read. */
#include "count.h"

enum {
	CHECKS = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	REFUTES = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST
};

static int setup_two(const struct execution *x)
{
	return count_open(x, 2);
}

static int setup_three(const struct execution *x)
{
	return count_open(x, 3);
}

static void increment_0(const struct execution *x)
{
	count_one(x, 0);
}

static void increment_1(const struct execution *x)
{
	count_one(x, 1);
}

static void increment_2(const struct execution *x)
{
	count_one(x, 2);
}

static void twice_0(const struct execution *x)
{
	count_one(x, 0);
	count_one(x, 0);
}

static void twice_1(const struct execution *x)
{
	count_one(x, 1);
	count_one(x, 1);
}

enum { TWO_ALL, TWO_LOST_ONE, TWO_OTHER };

static const struct outcome_rule two_outcomes[] = {
	[TWO_ALL] = {"2", GRADE_ACCEPTABLE, 0, "both increments count"},
	[TWO_LOST_ONE] = {"1", GRADE_FORBIDDEN, REFUTES, "both threads read 0 and both wrote 1: one increment is lost"},
	[TWO_OTHER] = {"other", GRADE_FORBIDDEN, REFUTES, "a value that two increments cannot give"},
};

static unsigned check_two(const struct execution *x)
{
	uint64_t value = count_close(x);
	return value == 2 ? TWO_ALL : value == 1 ? TWO_LOST_ONE : TWO_OTHER;
}

enum { THREE_ALL, THREE_LOST_ONE, THREE_LOST_TWO, THREE_OTHER };

static const struct outcome_rule three_outcomes[] = {
	[THREE_ALL] = {"3", GRADE_ACCEPTABLE, 0, "all three increments count"},
	[THREE_LOST_ONE] = {"2", GRADE_FORBIDDEN, REFUTES, "two threads read the same value: one increment is lost"},
	[THREE_LOST_TWO] = {"1", GRADE_FORBIDDEN, REFUTES, "all threads read 0 and all wrote 1: two increments are lost"},
	[THREE_OTHER] = {"other", GRADE_FORBIDDEN, REFUTES, "a value that three increments cannot give"},
};

static unsigned check_three(const struct execution *x)
{
	uint64_t value = count_close(x);
	return value == 3 ? THREE_ALL : value == 2 ? THREE_LOST_ONE : value == 1 ? THREE_LOST_TWO : THREE_OTHER;
}

enum { FOUR_ALL, FOUR_LOST_ONE, FOUR_LOST_TWO, FOUR_LOST_THREE, FOUR_OTHER };

static const struct outcome_rule four_outcomes[] = {
	[FOUR_ALL] = {"4", GRADE_ACCEPTABLE, 0, "all four increments count"},
	[FOUR_LOST_ONE] = {"3", GRADE_FORBIDDEN, REFUTES, "one increment is lost"},
	[FOUR_LOST_TWO] = {"2", GRADE_FORBIDDEN, REFUTES, "two increments are lost: a late write undid the other thread's work"},
	[FOUR_LOST_THREE] = {"1", GRADE_FORBIDDEN, REFUTES,
		"three increments are lost; coherence forbids it even to plain accesses, as a thread's second read sees its "
		"first write"},
	[FOUR_OTHER] = {"other", GRADE_FORBIDDEN, REFUTES, "a value that four increments cannot give"},
};

static unsigned check_four(const struct execution *x)
{
	uint64_t value = count_close(x);
	return value == 0 || value > 4 ? FOUR_OTHER : (unsigned)(4 - value);
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "two_increments",
		.shows = "two threads increment once each",
		.checks = CHECKS,
		.outcome_count = sizeof two_outcomes / sizeof *two_outcomes,
		.outcomes = two_outcomes,
		.actor_count = 2,
		.setup = setup_two,
		.actor = {increment_0, increment_1},
		.check = check_two,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "two_by_two",
		.shows = "two threads increment twice each",
		.checks = CHECKS,
		.outcome_count = sizeof four_outcomes / sizeof *four_outcomes,
		.outcomes = four_outcomes,
		.actor_count = 2,
		.setup = setup_two,
		.actor = {twice_0, twice_1},
		.check = check_four,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "three_threads",
		.shows = "three threads increment once each",
		.checks = CHECKS,
		.outcome_count = sizeof three_outcomes / sizeof *three_outcomes,
		.outcomes = three_outcomes,
		.actor_count = 3,
		.setup = setup_three,
		.actor = {increment_0, increment_1, increment_2},
		.check = check_three,
	},
};

SCENARIO_GROUP(counting, scenarios);
