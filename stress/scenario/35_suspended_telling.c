/* SPDX-License-Identifier: MIT */
/* Progress in forced orders: one thread is suspended inside the front end or the counter, while another takes a whole step.
 *
 * A preempted thread, a slow terminal or a full pipe do the same to a real batch; here it happens in every run. The suspended
 * thread parks inside the sink or the source, which belong to the test, so the implementation under test is the one that ships.
 */
#include "../forced.h"
#include "telling.h"

enum { TOTAL_OF_TWO = 2, TOTAL_OF_ONE_WORKER = 3 };

/* The script's state. Only one thread moves at a time. */
struct suspended {
	struct telling telling;
	const struct execution *x;       /* borrowed; for the helpers */
	_Atomic bool parks_in_tell;      /* the next call of tell parks before it is recorded */
	_Atomic bool parks_in_increment; /* the next increment parks when it has counted */
	struct forced_thread first, second;
};

static void tell_or_park(void *arg, uint64_t done, uint64_t total)
{
	struct suspended *s = arg;
	/* relaxed: only one thread moves; parking and settling order it. */
	if (atomic_exchange_explicit(&s->parks_in_tell, false, memory_order_relaxed))
		forced_park();
	telling_record(&s->telling, done, total);
}

static uint64_t increment_and_park(void *arg)
{
	struct suspended *s = arg;
	uint64_t step = telling_increment(&s->telling);
	/* relaxed: as above. */
	if (atomic_exchange_explicit(&s->parks_in_increment, false, memory_order_relaxed))
		forced_park();
	return step;
}

static uint64_t value(void *arg)
{
	struct suspended *s = arg;
	return telling_value(&s->telling);
}

static void step(void *arg)
{
	struct suspended *s = arg;
	telling_subject(s->x)->step(s->x->object, &s->telling.source);
}

static void poll(void *arg)
{
	struct suspended *s = arg;
	telling_subject(s->x)->poll(s->x->object, &s->telling.source);
}

static struct suspended *begin(const struct execution *x, uint64_t total)
{
	struct suspended *s = x->local;
	s->x = x;
	s->telling.sink = (struct progress_sink){tell_or_park, s};
	s->telling.source = (struct progress_source){increment_and_park, value, s};
	return telling_subject(x)->open(x->object, &s->telling.sink, total) == 0 ? s : NULL;
}

/* The front end's last look, and the judgement. */
static unsigned end(struct suspended *s, uint64_t total)
{
	const struct progress_implementation *subject = telling_subject(s->x);
	subject->finish(s->x->object, &s->telling.source);
	subject->close(s->x->object);
	return telling_judge(&s->telling, total);
}

/* Lets FIRST go on to its end and then waits for SECOND. */
static bool both_end(struct suspended *s)
{
	forced_release(&s->first);
	return forced_settle(&s->first) == FORCED_DONE && forced_settle(&s->second) == FORCED_DONE;
}

enum { BLOCKED = TOLD_KINDS, SUSPENDED_OUTCOMES };

/* FIRST is parked inside tell. SECOND takes a whole step: can it? Then FIRST goes on and the record is judged. */
static unsigned step_meanwhile(struct suspended *s)
{
	forced_start(&s->second, step, s);
	enum forced_state state = forced_settle(&s->second);
	bool ended = both_end(s);
	if (state == FORCED_ASLEEP)
		return BLOCKED;
	if (state != FORCED_DONE || !ended)
		return SCENARIO_SKIPPED; /* it spins: perhaps for ever, perhaps not */
	return end(s, TOTAL_OF_TWO);
}

static unsigned suspended_teller(const struct execution *x)
{
	struct suspended *s = begin(x, TOTAL_OF_TWO);
	if (!s)
		return SCENARIO_SKIPPED;
	atomic_store_explicit(&s->parks_in_tell, true, memory_order_relaxed); /* relaxed: starting the helper orders it */
	forced_start(&s->first, step, s);
	if (forced_settle(&s->first) != FORCED_PARKED)
		return SCENARIO_SKIPPED; /* a worker does not tell */
	return step_meanwhile(s);
}

enum { NEIGHBOUR_GOES_ON, NEIGHBOUR_BLOCKED };

static const struct outcome_rule neighbour[] = {
	[NEIGHBOUR_GOES_ON] = {"goes on", GRADE_ACCEPTABLE, 0, "the other worker finishes its step"},
	[NEIGHBOUR_BLOCKED] = {"blocked", GRADE_FORBIDDEN, PROGRESS_DOES_NOT_BLOCK_WORKERS,
		"the other worker sleeps until the suspended one goes on"},
};

/* The same order, judged for the other worker alone: what the front end shows is another promise. */
static unsigned suspended_neighbour(const struct execution *x)
{
	unsigned outcome = suspended_teller(x);
	return outcome == SCENARIO_SKIPPED ? outcome : outcome == BLOCKED ? NEIGHBOUR_BLOCKED : NEIGHBOUR_GOES_ON;
}

static unsigned suspended_front_end(const struct execution *x)
{
	struct suspended *s = begin(x, TOTAL_OF_TWO);
	if (!s)
		return SCENARIO_SKIPPED;
	step(s);
	atomic_store_explicit(&s->parks_in_tell, true, memory_order_relaxed); /* relaxed: starting the helper orders it */
	forced_start(&s->first, poll, s);
	if (forced_settle(&s->first) != FORCED_PARKED)
		return SCENARIO_SKIPPED; /* nothing to tell after a step */
	return step_meanwhile(s);
}

static unsigned suspended_counter(const struct execution *x)
{
	struct suspended *s = begin(x, TOTAL_OF_TWO);
	if (!s)
		return SCENARIO_SKIPPED;
	atomic_store_explicit(&s->parks_in_increment, true, memory_order_relaxed); /* relaxed: starting the helper orders it */
	forced_start(&s->first, step, s);
	if (forced_settle(&s->first) != FORCED_PARKED)
		return SCENARIO_SKIPPED;
	forced_start(&s->second, step, s);
	/* It may have to wait: then counting and telling are one step, and the first has not ended its own. */
	enum forced_state state = forced_settle(&s->second);
	if (state == FORCED_DONE)
		poll(s);
	if (!both_end(s))
		return SCENARIO_SKIPPED;
	return end(s, TOTAL_OF_TWO);
}

static unsigned late_front_end(const struct execution *x)
{
	struct suspended *s = begin(x, TOTAL_OF_TWO);
	if (!s)
		return SCENARIO_SKIPPED;
	step(s);
	step(s);
	poll(s);
	return end(s, TOTAL_OF_TWO);
}

static unsigned one_worker(const struct execution *x)
{
	struct suspended *s = begin(x, TOTAL_OF_ONE_WORKER);
	if (!s)
		return SCENARIO_SKIPPED;
	for (int i = 0; i < TOTAL_OF_ONE_WORKER; i++) {
		step(s);
		poll(s);
	}
	return end(s, TOTAL_OF_ONE_WORKER);
}

static bool is_polled(const struct implementation *about)
{
	return ((const struct progress_implementation *)(const void *)about)->polled;
}

static bool is_pushed(const struct implementation *about)
{
	return !is_polled(about);
}

static const struct outcome_rule two_steps[] = {
	[TOLD_IN_ORDER] = {"1, 2", GRADE_ACCEPTABLE, 0, "nobody waited for the suspended thread, and the numbers came in order"},
	[TOLD_SKIPS] = {"2", GRADE_FORBIDDEN, TOLD_SKIPS_REFUTES, "two steps were told as one: the user never sees 1"},
	[TOLD_WRONG_LAST] = {"1", GRADE_FORBIDDEN, TOLD_WRONG_LAST_REFUTES, "the batch is over and the display does not say 2"},
	[TOLD_BACKWARDS_LAST] = {"2, 1", GRADE_FORBIDDEN, TOLD_BACKWARDS_LAST_REFUTES,
		"the suspended thread tells its older number last: the display ran backwards and stays at 1 of 2"},
	[TOLD_REPEATS] = {"a repeat", GRADE_FORBIDDEN, TOLD_REPEATS_REFUTES, "the same number was told twice"},
	[TOLD_BACKWARDS] = {"backwards", GRADE_FORBIDDEN, TOLD_BACKWARDS_REFUTES, "a lower number was told after a higher one"},
	[BLOCKED] = {"blocked", GRADE_FORBIDDEN, PROGRESS_DOES_NOT_BLOCK_WORKERS,
		"a worker that only finished an item sleeps until the thread inside the front end is done"},
};

static const struct outcome_rule counted_first[] = {
	[TOLD_IN_ORDER] = {"1, 2", GRADE_ACCEPTABLE, 0, "the numbers came in order"},
	[TOLD_SKIPS] = {"2", GRADE_FORBIDDEN, TOLD_SKIPS_REFUTES, "two steps were told as one: the user never sees 1"},
	[TOLD_WRONG_LAST] = {"1", GRADE_FORBIDDEN, TOLD_WRONG_LAST_REFUTES, "the batch is over and the display does not say 2"},
	[TOLD_BACKWARDS_LAST] = {"2, 1", GRADE_FORBIDDEN, TOLD_BACKWARDS_LAST_REFUTES,
		"the thread that counted 1 passes it on after 2 was told: the display ran backwards and stays at 1 of 2"},
	[TOLD_REPEATS] = {"a repeat", GRADE_FORBIDDEN, TOLD_REPEATS_REFUTES, "the same number was told twice"},
};

static const struct outcome_rule late_look[] = {
	[TOLD_IN_ORDER] = {"1, 2", GRADE_ACCEPTABLE, 0, "both steps were kept for the front end"},
	[TOLD_SKIPS] = {"2", GRADE_FORBIDDEN, TOLD_SKIPS_REFUTES, "only the newest number was kept: the user never sees 1"},
	[TOLD_WRONG_LAST] = {"1", GRADE_FORBIDDEN, TOLD_WRONG_LAST_REFUTES, "the batch is over and the display does not say 2"},
	[TOLD_BACKWARDS_LAST] = {"2, 1", GRADE_FORBIDDEN, TOLD_BACKWARDS_LAST_REFUTES,
		"the display ran backwards and stays at 1 of 2"},
	[TOLD_REPEATS] = {"a repeat", GRADE_FORBIDDEN, TOLD_REPEATS_REFUTES, "the same number was told twice"},
};

static const struct outcome_rule three_steps[] = {
	[TOLD_IN_ORDER] = {"1, 2, 3", GRADE_ACCEPTABLE, 0, "every step was told, in order"},
	[TOLD_SKIPS] = {"skips", GRADE_FORBIDDEN, TOLD_SKIPS_REFUTES, "upwards to the total, but a number is left out"},
	[TOLD_WRONG_LAST] = {"wrong last", GRADE_FORBIDDEN, TOLD_WRONG_LAST_REFUTES,
		"the batch is over and the display does not say 3"},
	[TOLD_BACKWARDS_LAST] = {"backwards at the end", GRADE_FORBIDDEN, TOLD_BACKWARDS_LAST_REFUTES,
		"the display ran backwards and stays there"},
	[TOLD_REPEATS] = {"repeats", GRADE_FORBIDDEN, TOLD_REPEATS_REFUTES, "a number was told twice"},
	[TOLD_BACKWARDS] = {"backwards", GRADE_FORBIDDEN, TOLD_BACKWARDS_REFUTES, "a lower number was told after a higher one"},
};

#define RULES(array) .outcome_count = sizeof(array) / sizeof *(array), .outcomes = (array)

enum { ORDER_OF_TELLING = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL };

static const struct scenario list[] = {
	{
		.family = FAMILY_PROGRESS,
		.name = "suspended_teller",
		.shows = "a worker is suspended inside the front end with its number untold; another takes a whole step",
		.checks = ORDER_OF_TELLING | PROGRESS_DOES_NOT_BLOCK_WORKERS,
		.applies = is_pushed,
		.local_bytes = sizeof(struct suspended),
		RULES(two_steps),
		.script = suspended_teller,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "suspended_neighbour",
		.shows = "a worker is suspended inside the front end; can another take a whole step?",
		.checks = PROGRESS_DOES_NOT_BLOCK_WORKERS,
		.applies = is_pushed,
		.local_bytes = sizeof(struct suspended),
		RULES(neighbour),
		.script = suspended_neighbour,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "suspended_front_end",
		.shows = "the front end's thread is suspended while it shows a number; a worker takes a whole step",
		.checks = PROGRESS_DOES_NOT_BLOCK_WORKERS,
		.applies = is_polled,
		.local_bytes = sizeof(struct suspended),
		RULES(two_steps),
		.script = suspended_front_end,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "suspended_counter",
		.shows = "a worker is suspended between counting 1 and passing it on; another takes a whole step",
		.checks = ORDER_OF_TELLING,
		.local_bytes = sizeof(struct suspended),
		RULES(counted_first),
		.script = suspended_counter,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "late_front_end",
		.shows = "one worker finishes two items before the front end looks",
		.checks = PROGRESS_NO_GAPS,
		.applies = is_polled,
		.local_bytes = sizeof(struct suspended),
		RULES(late_look),
		.script = late_front_end,
	},
	{
		.family = FAMILY_PROGRESS,
		.name = "one_worker",
		.shows = "one worker finishes three items and the front end looks after each: even the broken ones are right",
		.checks = PROGRESS_NO_DUPLICATES,
		.local_bytes = sizeof(struct suspended),
		RULES(three_steps),
		.script = one_worker,
	},
};
SCENARIO_GROUP(suspended_telling, list);
