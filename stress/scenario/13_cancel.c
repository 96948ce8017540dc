/* SPDX-License-Identifier: MIT */
/* A thread is cancelled in the middle of its load. Somebody else must still be able to load. */
#include "model.h"

struct cancel {
	struct model_source source;
	struct forced_thread loading, other;
	const struct execution *x;
	struct model_seen seen; /* written by `other`, read once it is done */
};

enum { SURVIVED, BLOCKED, REFUSED };

static const struct outcome_rule outcomes[] = {
	[SURVIVED] = {"the next one loads", GRADE_ACCEPTABLE, 0,
		"the loading thread was cancelled, and another thread loaded and got its instance"},
	[BLOCKED] = {"blocked for ever", GRADE_FORBIDDEN, INITIALISER_SURVIVES_CANCEL,
		"the loading thread was cancelled; another thread sleeps inside get and waits for it for ever"},
	[REFUSED] = {"no instance", GRADE_FORBIDDEN, INITIALISER_SURVIVES_CANCEL,
		"the loading thread was cancelled; another thread's get gave no complete instance"},
};

static void load_and_be_cancelled(void *arg)
{
	struct cancel *local = arg;
	model_get(local->x);
}

static void get_instead(void *arg)
{
	struct cancel *local = arg;
	local->seen = model_get(local->x);
}

/* A blocked thread stays where it is, and so does the object: the process ends with them. */
static unsigned judge(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct cancel *local = x->local;
	enum forced_state state = forced_settle(&local->other);
	if (state == FORCED_ASLEEP)
		return BLOCKED;
	if (state != FORCED_DONE)
		return SCENARIO_SKIPPED;
	unsigned outcome = local->seen.model && local->seen.whole && !local->seen.error ? SURVIVED : REFUSED;
	subject->close(x->object);
	return outcome;
}

static bool start(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct cancel *local = x->local;
	local->x = x;
	local->source.parking = 1;
	model_source_open(&local->source);
	if (subject->open(x->object, &local->source.loader) != 0)
		return false;
	forced_start(&local->loading, load_and_be_cancelled, local);
	return forced_settle(&local->loading) == FORCED_PARKED;
}

static unsigned script_before(const struct execution *x)
{
	struct cancel *local = x->local;
	if (!start(x))
		return SCENARIO_SKIPPED;
	forced_cancel(&local->loading);
	forced_start(&local->other, get_instead, local);
	return judge(x);
}

static unsigned script_awaited(const struct execution *x)
{
	struct cancel *local = x->local;
	if (!start(x))
		return SCENARIO_SKIPPED;
	forced_start(&local->other, get_instead, local);
	forced_settle(&local->other);
	forced_cancel(&local->loading);
	return judge(x);
}

/* Without a script: whoever loads first is cancelled inside its load, wherever the others are then. */
struct cancelled_inside {
	struct model_source source;
	_Atomic bool cancelled;
	struct model_seen seen[2]; /* each written by its actor, read by the check; error is EINTR until get returns */
};

static void *load_cancelled_once(void *arg, int *error)
{
	struct cancelled_inside *local = arg;
	/* relaxed: says who comes first, and publishes nothing. */
	if (!atomic_exchange_explicit(&local->cancelled, true, memory_order_relaxed)) {
		pthread_cancel(pthread_self());
		pthread_testcancel();
	}
	return model_load(&local->source, error);
}

static void unload(void *arg, void *instance)
{
	struct cancelled_inside *local = arg;
	model_unload(&local->source, instance);
}

static int setup_inside(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct cancelled_inside *local = x->local;
	local->source.loader = (struct initialiser_loader){load_cancelled_once, unload, local};
	local->seen[0].error = local->seen[1].error = EINTR;
	return subject->open(x->object, &local->source.loader);
}

static void get_0(const struct execution *x)
{
	((struct cancelled_inside *)x->local)->seen[0] = model_get(x);
}

static void get_1(const struct execution *x)
{
	((struct cancelled_inside *)x->local)->seen[1] = model_get(x);
}

static unsigned check_inside(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct cancelled_inside *local = x->local;
	struct model_seen later = model_get(x);
	bool served = later.model && later.whole && !later.error;
	/* One of them was cancelled; nobody else may have come back without an instance. */
	for (unsigned i = 0; i < 2; i++)
		served &= local->seen[i].error == EINTR || (local->seen[i].model && local->seen[i].whole);
	subject->close(x->object);
	return served ? SURVIVED : REFUSED;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_INITIALISER,
		.name = "cancelled_inside",
		.shows = "two threads get, and the one whose load starts first is cancelled inside it; later somebody gets again",
		.checks = INITIALISER_SURVIVES_CANCEL,
		.applies = model_at_run_time,
		.local_bytes = sizeof(struct cancelled_inside),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.actor_count = 2,
		.ends_threads = true,
		.blocked_refutes = INITIALISER_SURVIVES_CANCEL,
		.setup = setup_inside,
		.actor = {get_0, get_1},
		.check = check_inside,
	},
	{
		.family = FAMILY_INITIALISER,
		.name = "cancelled_load",
		.shows = "a thread is cancelled inside its load, then another one gets",
		.checks = INITIALISER_SURVIVES_CANCEL,
		.applies = model_at_run_time,
		.local_bytes = sizeof(struct cancel),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = script_before,
	},
	{
		.family = FAMILY_INITIALISER,
		.name = "cancelled_load_awaited",
		.shows = "a thread is cancelled inside its load while another one is already inside get",
		.checks = INITIALISER_SURVIVES_CANCEL,
		.applies = model_at_run_time,
		.local_bytes = sizeof(struct cancel),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = script_awaited,
	},
};

SCENARIO_GROUP(cancel, scenarios);
