/* SPDX-License-Identifier: MIT */
/* One thread: what a counter must do before concurrency comes into it. Fixed orders, so the evidence is deterministic. */
#include "count.h"

enum { MANY = 200 }; /* more than a block of tickets, or any other batch */

enum { EXACT, LOST, NOT_THE_COUNT, BACKWARDS, DUPLICATE, GAP };

static const struct outcome_rule outcomes[] = {
	[EXACT] = {"exact", GRADE_ACCEPTABLE, 0, "each value is the count, and each step the next number"},
	[LOST] = {"lost", GRADE_FORBIDDEN, COUNTER_NO_LOST_UPDATE | COUNTER_EXACT_AT_REST,
		"the value at rest is not what was counted"},
	[NOT_THE_COUNT] = {"not the count", GRADE_FORBIDDEN, COUNTER_LINEARIZABLE_VALUE,
		"a value read between two operations is not the count at that moment"},
	[BACKWARDS] = {"backwards", GRADE_FORBIDDEN, COUNTER_MONOTONE_VALUE, "a value read is smaller than one read before"},
	[DUPLICATE] = {"duplicate", GRADE_FORBIDDEN, COUNTER_UNIQUE_STEPS, "a step was given twice"},
	[GAP] = {"gap", GRADE_FORBIDDEN, COUNTER_UNIQUE_STEPS,
		"a step beyond the number of increments was given, so one below it never is"},
};

/* Remembers the steps given and the values read; the worst thing seen is the outcome. */
struct account {
	const struct execution *x;
	uint64_t counted, read;
	unsigned outcome;
	bool given[2 * MANY + 1];
};

static void note(struct account *a, unsigned outcome)
{
	if (a->outcome == EXACT)
		a->outcome = outcome;
}

static void count(struct account *a, unsigned seat)
{
	const struct counter_implementation *subject = count_subject(a->x);
	uint64_t step = count_one(a->x, seat);
	a->counted++;
	if (!subject->steps)
		return;
	if (step == 0 || step > a->counted)
		note(a, GAP);
	if (step <= 2 * MANY && a->given[step])
		note(a, DUPLICATE);
	if (step <= 2 * MANY)
		a->given[step] = true;
}

static void look(struct account *a)
{
	uint64_t value = count_value(a->x);
	if (value < a->read)
		note(a, BACKWARDS);
	if (value != a->counted)
		note(a, NOT_THE_COUNT);
	a->read = value;
}

static unsigned finish(struct account *a)
{
	uint64_t value = count_close(a->x);
	/* A value that is wrong at rest is the worst: it explains all others. */
	return value != a->counted ? LOST : a->outcome;
}

static unsigned one_thread(const struct execution *x)
{
	struct account a = {.x = x};
	if (count_open(x, 1))
		return SCENARIO_SKIPPED;
	look(&a);
	for (unsigned i = 0; i < MANY; i++) {
		count(&a, 0);
		look(&a);
	}
	return finish(&a);
}

static unsigned two_seats(const struct execution *x)
{
	struct account a = {.x = x};
	if (count_open(x, 2))
		return SCENARIO_SKIPPED;
	count(&a, 0);
	count(&a, 1);
	look(&a);
	count(&a, 0);
	count_subject(x)->leave(x->object, x->seat[0]);
	look(&a);
	count(&a, 1);
	if (count_subject(x)->join(x->object, x->seat[0])) {
		count_close(x);
		return SCENARIO_SKIPPED;
	}
	look(&a);
	count(&a, 0);
	count_subject(x)->leave(x->object, x->seat[1]);
	count_subject(x)->leave(x->object, x->seat[0]);
	look(&a);
	return finish(&a);
}

static bool takes_back(const struct implementation *subject)
{
	const struct counter_implementation *it = (const void *)subject;
	return it->decrement && it->reset;
}

static unsigned one_thread_updown(const struct execution *x)
{
	const struct counter_implementation *subject = count_subject(x);
	if (count_open(x, 1))
		return SCENARIO_SKIPPED;
	unsigned outcome = EXACT;
	uint64_t expected = 0;
	for (unsigned i = 1; i <= MANY; i++) {
		count_one(x, 0);
		expected++;
		if (i % 3 == 0) {
			subject->decrement(x->object, x->seat[0]);
			expected--;
		}
		if (i == MANY / 2) {
			subject->reset(x->object);
			expected = 0;
		}
		if (count_value(x) != expected)
			outcome = NOT_THE_COUNT;
	}
	return count_close(x) == expected ? outcome : LOST;
}

enum { CHECKS = COUNTER_NO_LOST_UPDATE | COUNTER_LINEARIZABLE_VALUE | COUNTER_EXACT_AT_REST };

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_COUNTER,
		.name = "one_thread",
		.shows = "one thread increments many times and reads the value each time",
		.checks = CHECKS | COUNTER_MONOTONE_VALUE | COUNTER_UNIQUE_STEPS,
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = one_thread,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "two_seats",
		.shows = "one thread counts from two seats in turn, leaves one and takes it again",
		.checks = CHECKS | COUNTER_MONOTONE_VALUE | COUNTER_UNIQUE_STEPS,
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = two_seats,
	},
	{
		.family = FAMILY_COUNTER,
		.name = "one_thread_updown",
		.shows = "one thread increments, takes back and resets, and reads the value each time",
		.checks = CHECKS,
		.applies = takes_back,
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = one_thread_updown,
	},
};

SCENARIO_GROUP(one_thread, scenarios);
