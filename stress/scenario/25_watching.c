/* SPDX-License-Identifier: MIT */
/* Watching: a thread sleeps until the value changes. A wake-up that is lost leaves it asleep for ever. */
#include "count.h"

struct watching {
	struct count_seen seen[2];
};

static bool has_watch(const struct implementation *subject)
{
	return ((const struct counter_implementation *)(const void *)subject)->watch != NULL;
}

static int setup(const struct execution *x)
{
	return count_open(x, 2);
}

static void watch(const struct execution *x)
{
	((struct watching *)x->local)->seen[0].value[0] = count_subject(x)->watch(x->object, 0);
}

static void increment(const struct execution *x)
{
	count_one(x, 1);
}

enum { WOKEN, WOKEN_WRONGLY };

static const struct outcome_rule outcomes[] = {
	[WOKEN] = {"woken at 1", GRADE_ACCEPTABLE, 0, "the watcher saw the increment, whether it slept or came after it"},
	[WOKEN_WRONGLY] = {"woken wrongly", GRADE_FORBIDDEN, COUNTER_LINEARIZABLE_VALUE,
		"the watcher returned with a value that the counter never had, or had before it was called"},
};

static unsigned check(const struct execution *x)
{
	uint64_t value = ((struct watching *)x->local)->seen[0].value[0];
	uint64_t rest = count_close(x);
	return value == 1 && rest == 1 ? WOKEN : WOKEN_WRONGLY;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "watched",
		.shows = "one thread sleeps until the value is no longer 0 while another increments",
		.checks = COUNTER_LINEARIZABLE_VALUE | COUNTER_RACE_FREE,
		.applies = has_watch,
		.local_bytes = sizeof(struct watching),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup,
		.actor = {watch, increment},
		.check = check,
	},
};

SCENARIO_GROUP(watching, scenarios);
