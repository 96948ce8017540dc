/* SPDX-License-Identifier: MIT */
/* A thread is stopped in the middle of its load; another one asks. No timing: the first one stops inside the loader. */
#include "model.h"

struct suspended {
	struct model_source source;
	struct forced_thread first, second;
	const struct execution *x;
	struct model_seen first_seen, second_seen; /* each written by its thread, read once that has settled */
};

enum { WAITED, DISCARDED, TWICE_LEAKED, TWO_INSTANCES_LEAKED, TWO_INSTANCES, LEAKED, NO_INSTANCE, NOT_WHOLE, STUCK };

static const struct outcome_rule outcomes[] = {
	[WAITED] = {"the second waited", GRADE_ACCEPTABLE, 0,
		"the second thread waited until the first had loaded, and both got that instance"},
	[DISCARDED] = {"loaded twice, one discarded", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE,
		"the second thread loaded too; both got the same instance and the other one was released"},
	[TWICE_LEAKED] = {"loaded twice, one leaked", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE | INITIALISER_NO_LEAK,
		"the second thread loaded too; both got the same instance and nobody released the other one"},
	[TWO_INSTANCES_LEAKED] = {"two instances, one leaked", GRADE_FORBIDDEN,
		INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_NO_LEAK,
		"the second thread saw that nothing was loaded and loaded; then the first one went on, and its pointer overwrote "
		"the other"},
	[TWO_INSTANCES] = {"two instances", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE,
		"the second thread loaded too; the two work with different instances"},
	[LEAKED] = {"loaded once, leaked", GRADE_FORBIDDEN, INITIALISER_NO_LEAK, "close did not release the only instance"},
	[NO_INSTANCE] = {"no instance", GRADE_FORBIDDEN, INITIALISER_SAME_INSTANCE,
		"a get gave no instance, or one that no load made, although no load failed"},
	[NOT_WHOLE] = {"not whole", GRADE_FORBIDDEN, INITIALISER_FULLY_PUBLISHED,
		"the second thread got the instance that was still being built"},
	[STUCK] = {"stuck", GRADE_FORBIDDEN, INITIALISER_SAME_INSTANCE, "the load ended and a thread inside get never came back"},
};

static void first_get(void *arg)
{
	struct suspended *local = arg;
	local->first_seen = model_get(local->x);
}

static void second_get(void *arg)
{
	struct suspended *local = arg;
	local->second_seen = model_get(local->x);
}

static unsigned account(struct suspended *local)
{
	uint32_t made = model_made(&local->source), released = model_released(&local->source);
	bool same = local->first_seen.model == local->second_seen.model;
	if (!local->first_seen.whole || !local->second_seen.whole)
		return NOT_WHOLE;
	if (!local->first_seen.model || !local->second_seen.model || (made < 2 && !same))
		return NO_INSTANCE;
	if (made == 1)
		return released == 1 ? WAITED : LEAKED;
	if (same)
		return released == made ? DISCARDED : TWICE_LEAKED;
	return released == made ? TWO_INSTANCES : TWO_INSTANCES_LEAKED;
}

static unsigned script(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct suspended *local = x->local;
	local->x = x;
	local->source.parking = 1;
	model_source_open(&local->source);
	if (subject->open(x->object, &local->source.loader) != 0)
		return SCENARIO_SKIPPED;
	forced_start(&local->first, first_get, local);
	if (forced_settle(&local->first) != FORCED_PARKED)
		return SCENARIO_SKIPPED;
	forced_start(&local->second, second_get, local);
	/* Done, asleep or spinning: whichever it is, what counts is what both have in the end. */
	forced_settle(&local->second);
	forced_release(&local->first);
	enum forced_state first = forced_settle(&local->first), second = forced_settle(&local->second);
	if (first == FORCED_SPINS || second == FORCED_SPINS)
		return SCENARIO_SKIPPED; /* it may yet end */
	if (first != FORCED_DONE || second != FORCED_DONE)
		return STUCK;
	subject->close(x->object);
	return account(local);
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_INITIALISER,
		.name = "suspended_load",
		.shows = "a thread stops inside its load, a second one gets, then the first one goes on",
		.checks =
			INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_NO_LEAK,
		.applies = model_at_run_time,
		.local_bytes = sizeof(struct suspended),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = script,
	},
};

SCENARIO_GROUP(suspended, scenarios);
