/* SPDX-License-Identifier: MIT */
/* Seats: threads come and go, and what they counted stays counted. */
#include "count.h"

struct seats {
	struct count_seen seen[3];
};

static struct count_seen *seen_by(const struct execution *x, unsigned actor)
{
	return &((struct seats *)x->local)->seen[actor];
}

static int setup(const struct execution *x)
{
	return count_open(x, 1);
}

static int setup_nobody(const struct execution *x)
{
	return count_open(x, 0);
}

/* Without memory for a seat an actor counts nothing, and the check knows. */
static void join_and_count(const struct execution *x, unsigned actor)
{
	if (count_subject(x)->join(x->object, x->seat[actor]))
		return;
	count_one(x, actor);
	seen_by(x, actor)->counted++;
}

static void count_and_leave_0(const struct execution *x)
{
	count_one(x, 0);
	seen_by(x, 0)->counted++;
	count_subject(x)->leave(x->object, x->seat[0]);
}

static void leave_and_return_0(const struct execution *x)
{
	count_and_leave_0(x);
	join_and_count(x, 0);
}

static void join_and_count_1(const struct execution *x)
{
	join_and_count(x, 1);
}

static void do_nothing(const struct execution *x)
{
	(void)x;
}

static void join_and_count_2(const struct execution *x)
{
	join_and_count(x, 2);
}

static void read_twice(const struct execution *x)
{
	seen_by(x, 2)->value[0] = count_value(x);
	seen_by(x, 2)->value[1] = count_value(x);
}

enum { STAYED, LOST_SHARE, COUNTED_TWICE, BACKWARDS };

static const struct outcome_rule outcomes[] = {
	[STAYED] = {"all counted", GRADE_ACCEPTABLE, 0, "what was counted before the seat was given up is still counted"},
	[LOST_SHARE] = {"lost share", GRADE_FORBIDDEN, COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST,
		"increments are missing in the end: a share left with its thread, or its new owner went on from an old count"},
	[COUNTED_TWICE] = {"counted twice", GRADE_FORBIDDEN, COUNTER_EXACT_AT_REST, "more is counted in the end than was done"},
	[BACKWARDS] = {"backwards", GRADE_FORBIDDEN, COUNTER_MONOTONE_VALUE | COUNTER_LINEARIZABLE_VALUE,
		"the value shrank while a seat changed hands"},
};

static unsigned check(const struct execution *x)
{
	const uint64_t *value = seen_by(x, 2)->value;
	uint64_t counted = seen_by(x, 0)->counted + seen_by(x, 1)->counted, rest = count_close(x);
	if (rest != counted)
		return rest < counted ? LOST_SHARE : COUNTED_TWICE;
	return value[0] > value[1] || value[1] > rest ? BACKWARDS : STAYED;
}

/* Nobody read on the way. */
static unsigned check_joined(const struct execution *x)
{
	uint64_t counted = seen_by(x, 1)->counted + seen_by(x, 2)->counted, rest = count_close(x);
	return rest == counted ? STAYED : rest < counted ? LOST_SHARE : COUNTED_TWICE;
}

enum { CHECKS = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_MONOTONE_VALUE | COUNTER_RACE_FREE };

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "leave_and_return",
		.shows = "a thread counts, gives its seat up, takes one again and counts, while another reads twice",
		.checks = CHECKS,
		.local_bytes = sizeof(struct seats),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {leave_and_return_0, read_twice},
		.check = check,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "hand_over",
		.shows = "a thread counts and gives its seat up while another takes one and counts, and a third reads twice",
		.checks = CHECKS,
		.local_bytes = sizeof(struct seats),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 3,
		.setup = setup,
		.actor = {count_and_leave_0, join_and_count_1, read_twice},
		.check = check,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "join_at_once",
		.shows = "two threads take a seat at once beside one that is taken already, and count",
		.checks = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
		.local_bytes = sizeof(struct seats),
		.outcome_count = BACKWARDS, /* the first three: nobody reads on the way */
		.outcomes = outcomes,
		.actor_count = 3,
		.setup = setup,
		.actor = {do_nothing, join_and_count_1, join_and_count_2},
		.check = check_joined,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "join_first",
		.shows = "the first two threads that take a seat do so at once, and count",
		.checks = COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
		.local_bytes = sizeof(struct seats),
		.outcome_count = BACKWARDS, /* the first three: nobody reads on the way */
		.outcomes = outcomes,
		.actor_count = 3,
		.setup = setup_nobody,
		.actor = {do_nothing, join_and_count_1, join_and_count_2},
		.check = check_joined,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "first_seat",
		.shows = "the first thread takes a seat and counts, while another reads twice",
		.checks = CHECKS,
		.local_bytes = sizeof(struct seats),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 3,
		.setup = setup_nobody,
		.actor = {do_nothing, join_and_count_1, read_twice},
		.check = check,
	},
};

SCENARIO_GROUP(seats, scenarios);
