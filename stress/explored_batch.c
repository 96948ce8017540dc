/* SPDX-License-Identifier: MIT */
#include "explored_batch.h"

#include "../impl/pipeline/batch.h"

static const struct outcome_rule outcomes[BATCH_OUTCOMES] = {
	[BATCH_AS_STATED] = {"as stated", GRADE_ACCEPTABLE, 0, "everything that a batch can see about itself is right"},
	[BATCH_TOLD_WRONG] = {"told wrong", GRADE_INTERESTING, 0,
		"the front end was told a number out of order, or not the last one, as this progress says that it may"},
	[BATCH_HALF_SEEN] = {"half-built model", GRADE_INTERESTING, 0,
		"an item met a model that was published before it was complete, and failed"},
	[BATCH_MODELS] = {"not one model", GRADE_FORBIDDEN, PIPELINE_MODEL_LOADED_ONCE, "the model was not loaded exactly once"},
	[BATCH_TOTALS] = {"wrong total", GRADE_FORBIDDEN, PIPELINE_TOTALS_ADD_UP,
		"the counter does not say how many items were finished"},
	[BATCH_MODELS_AND_TOTALS] = {"not one model, wrong total", GRADE_FORBIDDEN,
		PIPELINE_MODEL_LOADED_ONCE | PIPELINE_TOTALS_ADD_UP,
		"the model was not loaded exactly once, and the counter does not say how many items were finished"},
	[BATCH_ITEMS] = {"items differ", GRADE_FORBIDDEN, PIPELINE_EACH_ITEM_ONCE, "the results are not those of the items"},
	[BATCH_FAILURES] = {"failures differ", GRADE_FORBIDDEN, PIPELINE_FAILURES_ISOLATED, "other items failed than had to"},
	[BATCH_LOG] = {"log incomplete", GRADE_FORBIDDEN, PIPELINE_LOG_COMPLETE, "the log does not have what happened"},
	[BATCH_INITIALISER_BROKEN] = {"initialiser broken", GRADE_FORBIDDEN, 0, "the initialiser broke a claim of its own"},
	[BATCH_COUNTER_BROKEN] = {"counter broken", GRADE_FORBIDDEN, 0, "the counter broke a claim of its own"},
	[BATCH_PROGRESS_BROKEN] = {"progress broken", GRADE_FORBIDDEN, 0, "the progress broke a claim of its own"},
};

const struct scenario explored_batch_scenario = {
	.family = FAMILY_PIPELINE,
	.name = "batch",
	.shows = "two workers take three items from a queue that a reader fills, and a front end is told",
	.checks = (1u << PIPELINE_PROMISES) - 1,
	/* Whoever waits for ever leaves an item without a result. */
	.blocked_refutes = PIPELINE_EACH_ITEM_ONCE,
	.outcome_count = BATCH_OUTCOMES,
	.outcomes = outcomes,
};
