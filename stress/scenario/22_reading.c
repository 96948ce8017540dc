/* SPDX-License-Identifier: MIT */
/* Reading while others count: is a value that is read one that the count had, and does it only grow? */
#include "count.h"

struct reading {
	struct count_seen seen[3];
};

static struct count_seen *seen_by(const struct execution *x, unsigned actor)
{
	return &((struct reading *)x->local)->seen[actor];
}

static int setup_two(const struct execution *x)
{
	return count_open(x, 2);
}

static int setup_three(const struct execution *x)
{
	return count_open(x, 3);
}

static void increment_read_0(const struct execution *x)
{
	count_one(x, 0);
	seen_by(x, 0)->value[0] = count_value(x);
}

static void increment_read_1(const struct execution *x)
{
	count_one(x, 1);
	seen_by(x, 1)->value[0] = count_value(x);
}

static void increment_read_2(const struct execution *x)
{
	count_one(x, 2);
	seen_by(x, 2)->value[0] = count_value(x);
}

enum { ONE_TWO, TWO_ONE, TWO_TWO, ONE_ONE, TWO_LOST, TWO_OTHER };

static const struct outcome_rule two_outcomes[] = {
	[ONE_TWO] = {"(1, 2)", GRADE_ACCEPTABLE, 0, "the first thread was done before the second counted"},
	[TWO_ONE] = {"(2, 1)", GRADE_ACCEPTABLE, 0, "the second thread was done before the first counted"},
	[TWO_TWO] = {"(2, 2)", GRADE_ACCEPTABLE, 0, "both counted before either read"},
	[ONE_ONE] = {"(1, 1)", GRADE_FORBIDDEN, COUNTER_LINEARIZABLE_VALUE,
		"each thread counted and then missed the other's increment: whichever came second had to read 2 (store "
		"buffering)"},
	[TWO_LOST] = {"lost", GRADE_FORBIDDEN, COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_LINEARIZABLE_VALUE,
		"in the end the value is not 2, whatever was read: the count never was what two increments make"},
	[TWO_OTHER] = {"other", GRADE_FORBIDDEN, COUNTER_LINEARIZABLE_VALUE,
		"a thread read 0 after it had counted, or more than were counted"},
};

static unsigned check_two(const struct execution *x)
{
	uint64_t a = seen_by(x, 0)->value[0], b = seen_by(x, 1)->value[0];
	if (count_close(x) != 2)
		return TWO_LOST;
	if (a < 1 || a > 2 || b < 1 || b > 2)
		return TWO_OTHER;
	return a == 1 ? (b == 1 ? ONE_ONE : ONE_TWO) : (b == 1 ? TWO_ONE : TWO_TWO);
}

enum { THREE_IN_ORDER, THREE_NO_ORDER, THREE_LOST };

static const struct outcome_rule three_outcomes[] = {
	[THREE_IN_ORDER] = {"an order exists", GRADE_ACCEPTABLE, 0,
		"the k-th smallest value read is at least k, and none is above 3"},
	[THREE_NO_ORDER] = {"no order", GRADE_FORBIDDEN, COUNTER_LINEARIZABLE_VALUE,
		"in any order the k-th read comes after k increments, those of the k threads that read: these values fit no "
		"order"},
	[THREE_LOST] = {"lost", GRADE_FORBIDDEN, COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_LINEARIZABLE_VALUE,
		"in the end the value is not 3, whatever was read: the count never was what three increments make"},
};

static unsigned check_three(const struct execution *x)
{
	unsigned at_most[3] = {0}; /* how many read k + 1 or less */
	bool impossible = false;
	for (unsigned actor = 0; actor < 3; actor++) {
		uint64_t value = seen_by(x, actor)->value[0];
		impossible |= value < 1 || value > 3;
		for (unsigned k = 0; k < 3; k++)
			at_most[k] += value <= k + 1;
	}
	if (count_close(x) != 3)
		return THREE_LOST;
	return impossible || at_most[0] > 1 || at_most[1] > 2 ? THREE_NO_ORDER : THREE_IN_ORDER;
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

static void read_twice(const struct execution *x)
{
	seen_by(x, 2)->value[0] = count_value(x);
	seen_by(x, 2)->value[1] = count_value(x);
}

static void twice_read_twice(const struct execution *x)
{
	twice_1(x);
	read_twice(x);
}

enum { GREW, STOOD, BACKWARDS, BACKWARDS_AT_REST, BEYOND };

static const struct outcome_rule watch_outcomes[] = {
	[GREW] = {"grew", GRADE_INTERESTING, 0, "the second value read is larger: the reader saw the count move"},
	[STOOD] = {"stood", GRADE_ACCEPTABLE, 0, "the same value was read twice"},
	[BACKWARDS] = {"backwards", GRADE_FORBIDDEN, COUNTER_MONOTONE_VALUE | COUNTER_LINEARIZABLE_VALUE,
		"the second value read is smaller than the first"},
	[BACKWARDS_AT_REST] = {"backwards at rest", GRADE_FORBIDDEN, COUNTER_MONOTONE_VALUE | COUNTER_LINEARIZABLE_VALUE,
		"the value at rest is smaller than one that was read before"},
	[BEYOND] = {"beyond the total", GRADE_FORBIDDEN, COUNTER_LINEARIZABLE_VALUE, "more was read than was ever counted"},
};

static unsigned check_watch(const struct execution *x)
{
	const uint64_t *value = seen_by(x, 2)->value;
	uint64_t rest = count_close(x);
	if (value[0] > 4 || value[1] > 4)
		return BEYOND;
	if (value[0] > value[1])
		return BACKWARDS;
	if (value[1] > rest)
		return BACKWARDS_AT_REST;
	return value[0] < value[1] ? GREW : STOOD;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "increment_then_read",
		.shows = "two threads increment, then read the value",
		.checks = COUNTER_LINEARIZABLE_VALUE | COUNTER_RACE_FREE,
		.local_bytes = sizeof(struct reading),
		.outcome_count = sizeof two_outcomes / sizeof *two_outcomes,
		.outcomes = two_outcomes,
		.actor_count = 2,
		.setup = setup_two,
		.actor = {increment_read_0, increment_read_1},
		.check = check_two,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "three_increment_then_read",
		.shows = "three threads increment, then read the value",
		.checks = COUNTER_LINEARIZABLE_VALUE | COUNTER_RACE_FREE,
		.local_bytes = sizeof(struct reading),
		.outcome_count = sizeof three_outcomes / sizeof *three_outcomes,
		.outcomes = three_outcomes,
		.actor_count = 3,
		.setup = setup_three,
		.actor = {increment_read_0, increment_read_1, increment_read_2},
		.check = check_three,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "watch_it_grow",
		.shows = "two threads increment twice each while a third reads the value twice",
		.checks = COUNTER_MONOTONE_VALUE | COUNTER_RACE_FREE,
		.local_bytes = sizeof(struct reading),
		.outcome_count = sizeof watch_outcomes / sizeof *watch_outcomes,
		.outcomes = watch_outcomes,
		.actor_count = 3,
		.setup = setup_two,
		.actor = {twice_0, twice_1, read_twice},
		.check = check_watch,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "count_and_watch",
		.shows = "two threads increment twice each, and one of them then reads the value twice",
		.checks = COUNTER_MONOTONE_VALUE | COUNTER_RACE_FREE,
		.local_bytes = sizeof(struct reading),
		.outcome_count = sizeof watch_outcomes / sizeof *watch_outcomes,
		.outcomes = watch_outcomes,
		.actor_count = 2,
		.setup = setup_two,
		.actor = {twice_0, twice_read_twice},
		.check = check_watch,
	},
};

SCENARIO_GROUP(reading, scenarios);
