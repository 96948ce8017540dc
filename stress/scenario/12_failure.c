/* SPDX-License-Identifier: MIT */
/* The first load fails: its caller is told, nobody else is, and the next get tries again. */
#include "model.h"

enum { ACTORS = 2, GETS = 2 * ACTORS };

struct failure {
	struct model_source source;
	struct model_seen seen[GETS]; /* two by each actor, read by the check */
	const struct execution *x;    /* from here on, the script's */
	struct forced_thread thread;
};

enum {
	RETRIED,
	CACHED,
	TOLD_TO_ANOTHER,
	SWALLOWED,
	LOADED_AGAIN,
	TWO_INSTANCES,
	TWO_INSTANCES_LEAKED,
	LEAKED,
	NO_INSTANCE,
	NOT_WHOLE,
	HANGS,
};

static const struct outcome_rule outcomes[] = {
	[RETRIED] = {"reported, then loaded", GRADE_ACCEPTABLE, 0,
		"the failed load's own caller got its error; another get loaded, and from then on there is one instance"},
	[CACHED] = {"failure kept", GRADE_FORBIDDEN, INITIALISER_RETRIES_FAILURE,
		"a later get was told the old failure and nothing was tried again"},
	[TOLD_TO_ANOTHER] = {"failure told to another", GRADE_FORBIDDEN, INITIALISER_RETRIES_FAILURE,
		"a thread whose own load did not fail was given the error of another one"},
	[SWALLOWED] = {"failure not reported", GRADE_FORBIDDEN, INITIALISER_RETRIES_FAILURE,
		"the caller of the failed load was not given the loader's error"},
	[LOADED_AGAIN] = {"loaded again", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE,
		"more than one load succeeded; everyone got the same instance and the others were released"},
	[TWO_INSTANCES] = {"two instances", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE,
		"more than one load succeeded, and threads work with different instances"},
	[TWO_INSTANCES_LEAKED] = {"two instances, one leaked", GRADE_FORBIDDEN,
		INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_NO_LEAK,
		"two loads succeeded, and the last pointer won: another load's, or the failed one's NULL; an instance is never "
		"released"},
	[LEAKED] = {"leaked", GRADE_FORBIDDEN, INITIALISER_NO_LEAK, "what was made and what was released by close do not agree"},
	[NO_INSTANCE] = {"no instance", GRADE_FORBIDDEN, INITIALISER_SAME_INSTANCE,
		"a get that succeeded gave another instance than the rest"},
	[NOT_WHOLE] = {"not whole", GRADE_FORBIDDEN, INITIALISER_FULLY_PUBLISHED,
		"a thread got the pointer and read words of a half-built or released instance"},
	[HANGS] = {"hangs", GRADE_FORBIDDEN, INITIALISER_RETRIES_FAILURE, "after the failed load a get sleeps for ever"},
};

static int setup(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct failure *local = x->local;
	local->source.failing = 1;
	/* Who loads exactly once tries one load after the other, and what a failed one left must be seen by the next. */
	local->source.in_turn = x->subject->claims & INITIALISER_EXACTLY_ONCE;
	model_source_open(&local->source);
	return subject->open(x->object, &local->source.loader);
}

static void actor_0(const struct execution *x)
{
	struct failure *local = x->local;
	local->seen[0] = model_get(x);
	local->seen[1] = model_get(x);
}

static void actor_1(const struct execution *x)
{
	struct failure *local = x->local;
	local->seen[2] = model_get(x);
	local->seen[3] = model_get(x);
}

/* SEEN are the gets around the one load that fails; LATER came when they had all ended. */
static unsigned account(struct model_source *source, const struct model_seen *seen, const struct model_seen *later)
{
	uint32_t made = model_made(source), released = model_released(source), errors = 0;
	bool whole = later->whole, same = true, odd = false;
	for (unsigned i = 0; i < GETS; i++) {
		whole &= seen[i].whole;
		errors += !seen[i].model && seen[i].error == EIO;
		odd |= !seen[i].model != (seen[i].error == EIO) || (seen[i].model && seen[i].error);
		same &= !seen[i].model || seen[i].model == later->model;
	}
	if (!whole)
		return NOT_WHOLE;
	if (!later->model)
		return CACHED;
	if (errors > 1)
		return TOLD_TO_ANOTHER;
	if (errors == 0 || odd || later->error)
		return SWALLOWED;
	if (made < 2 && !same)
		return NO_INSTANCE;
	if (released != made)
		return same ? LEAKED : TWO_INSTANCES_LEAKED;
	if (made > 1)
		return same ? LOADED_AGAIN : TWO_INSTANCES;
	return RETRIED;
}

static unsigned check(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct failure *local = x->local;
	struct model_seen later = model_get(x);
	subject->close(x->object);
	return account(&local->source, local->seen, &later);
}

static void get_in_turn(void *arg)
{
	struct failure *local = arg;
	for (unsigned i = 0; i < GETS; i++)
		local->seen[i] = model_get(local->x);
}

/* One thread: the first get fails, the second one loads, the others find it. */
static unsigned script(const struct execution *x)
{
	struct failure *local = x->local;
	local->x = x;
	if (setup(x) != 0)
		return SCENARIO_SKIPPED;
	forced_start(&local->thread, get_in_turn, local);
	enum forced_state state = forced_settle(&local->thread);
	if (state == FORCED_ASLEEP)
		return HANGS;
	return state == FORCED_DONE ? check(x) : SCENARIO_SKIPPED;
}

enum {
	CHECKS = INITIALISER_RETRIES_FAILURE | INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_NO_LEAK |
		 INITIALISER_FULLY_PUBLISHED,
};

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_INITIALISER,
		.name = "failed_first_load",
		.shows = "two threads get twice each, at once, and the first load to start fails; later somebody gets again",
		.checks = CHECKS | INITIALISER_RACE_FREE,
		.applies = model_at_run_time,
		.local_bytes = offsetof(struct failure, x),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = ACTORS,
		.setup = setup,
		.actor = {actor_0, actor_1},
		.check = check,
	},
	{
		.family = FAMILY_INITIALISER,
		.name = "failed_load",
		.shows = "one thread gets several times and the first load fails",
		.checks = INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK,
		.applies = model_at_run_time,
		.local_bytes = sizeof(struct failure),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = script,
	},
};

SCENARIO_GROUP(failure, scenarios);
