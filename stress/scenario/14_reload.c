/* SPDX-License-Identifier: MIT */
/* Close, and open again on the same memory: the instance is released and loaded anew. */
#include "model.h"

struct reload {
	struct model_source source;
};

enum { LOADED_ANEW, STALE, NOT_RELEASED, LOADED_TOO_OFTEN };

static const struct outcome_rule outcomes[] = {
	[LOADED_ANEW] = {"released and loaded anew", GRADE_ACCEPTABLE, 0,
		"close released the first instance and the next get loaded another"},
	[STALE] = {"stale instance", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE,
		"after close and open, get gave the released instance and nothing was loaded"},
	[NOT_RELEASED] = {"not released", GRADE_FORBIDDEN, INITIALISER_NO_LEAK,
		"after both closes an instance was left, or released twice"},
	[LOADED_TOO_OFTEN] = {"loaded too often", GRADE_FORBIDDEN, INITIALISER_EXACTLY_ONCE,
		"one thread alone made the object load more than once"},
};

static unsigned script(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct reload *local = x->local;
	model_source_open(&local->source);
	for (uint32_t turn = 1; turn <= 2; turn++) {
		if (subject->open(x->object, &local->source.loader) != 0)
			return SCENARIO_SKIPPED;
		struct model_seen seen = model_get(x), again = model_get(x);
		if (model_made(&local->source) < turn || !seen.model || !seen.whole)
			return STALE;
		if (model_made(&local->source) > turn || seen.model != again.model)
			return LOADED_TOO_OFTEN;
		subject->close(x->object);
		if (model_released(&local->source) != turn)
			return NOT_RELEASED;
	}
	return LOADED_ANEW;
}

static bool rearmable(const struct implementation *subject)
{
	return model_at_run_time(subject) && ((const struct initialiser_implementation *)(const void *)subject)->rearmable;
}

static const struct scenario scenarios[] = {
	{
		.family = FAMILY_INITIALISER,
		.name = "reload",
		.shows = "one thread opens, gets twice and closes, and does it all again on the same memory",
		.checks = INITIALISER_EXACTLY_ONCE | INITIALISER_NO_LEAK,
		.applies = rearmable,
		.local_bytes = sizeof(struct reload),
		.outcome_count = sizeof outcomes / sizeof *outcomes,
		.outcomes = outcomes,
		.script = script,
	},
};

SCENARIO_GROUP(reload, scenarios);
