/* SPDX-License-Identifier: MIT */
/* Publishing: who reads that an item was counted may use what was made of it. A count alone need not say so; <onceproof/tally.h> does.
 *
 * The made thing is a plain word. A data race here is a release too few where it is counted, or an acquire too few where the value is
 * read.
 */
#include <string.h>

#include "count.h"

struct publishing {
	struct count_seen seen;
	uint64_t made[2]; /* each written by one actor before it counts, read by another that saw the count */
};

static int setup_one(const struct execution *x)
{
	return count_open(x, 1);
}

static void make_and_count(const struct execution *x)
{
	struct publishing *p = x->local;
	p->made[0] = 1;
	count_one(x, 0);
}

static void read_and_use(const struct execution *x)
{
	struct publishing *p = x->local;
	p->seen.value[0] = count_value(x);
	if (p->seen.value[0])
		p->seen.value[1] = p->made[0];
}

static void make_count_and_leave(const struct execution *x)
{
	make_and_count(x);
	count_subject(x)->leave(x->object, x->seat[0]);
}

/* Perhaps in the seat that the other actor has left. */
static void join_make_and_count(const struct execution *x)
{
	struct publishing *p = x->local;
	if (count_subject(x)->join(x->object, x->seat[1]))
		return;
	p->made[1] = 1;
	count_one(x, 1);
}

static void read_and_use_both(const struct execution *x)
{
	struct publishing *p = x->local;
	p->seen.value[0] = count_value(x);
	if (p->seen.value[0] == 2)
		p->seen.value[1] = p->made[0] + p->made[1];
}

enum { NOT_COUNTED, USED, NOT_THERE };

static const struct outcome_rule outcomes[] = {
	[NOT_COUNTED] = {"not counted yet", GRADE_ACCEPTABLE, 0, "the reader came before the count, and used nothing"},
	[USED] = {"used", GRADE_ACCEPTABLE, 0, "the reader saw the count, and what was made before it"},
	[NOT_THERE] = {"not there", GRADE_FORBIDDEN, COUNTER_RACE_FREE,
		"the reader saw the count, and what was made before it was not there"},
};

static unsigned check_one(const struct execution *x)
{
	const struct publishing *p = x->local;
	count_close(x);
	return p->seen.value[0] == 0 ? NOT_COUNTED : p->seen.value[1] == 1 ? USED : NOT_THERE;
}

static unsigned check_both(const struct execution *x)
{
	const struct publishing *p = x->local;
	count_close(x);
	return p->seen.value[0] < 2 ? NOT_COUNTED : p->seen.value[1] == 2 ? USED : NOT_THERE;
}

static bool publishes(const struct implementation *about)
{
	return strncmp(about->name, "tally", strlen("tally")) == 0;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "make_then_count",
		.shows = "a thread makes something and counts it; another uses it if it is counted",
		.checks = COUNTER_RACE_FREE,
		.applies = publishes,
		.local_bytes = sizeof(struct publishing),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.setup = setup_one,
		.actor = {make_and_count, read_and_use},
		.check = check_one,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "make_then_hand_over",
		.shows = "a thread counts what it made and gives its seat up; another takes one and does the same; a third uses "
			 "both",
		.checks = COUNTER_RACE_FREE,
		.applies = publishes,
		.local_bytes = sizeof(struct publishing),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 3,
		.setup = setup_one,
		.actor = {make_count_and_leave, join_make_and_count, read_and_use_both},
		.check = check_both,
	},
};

SCENARIO_GROUP(publishing, scenarios);
