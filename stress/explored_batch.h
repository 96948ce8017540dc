/* SPDX-License-Identifier: MIT */
/* A small batch of the pipeline as a scenario of the explorer: two workers, three items, reader and front end. */
#ifndef ONCEPROOF_EXPLORED_BATCH_H
#define ONCEPROOF_EXPLORED_BATCH_H

#include <stdbool.h>

#include "scenario.h"

/* What was seen in a batch; its outcome in the scenario. */
enum explored_batch {
	BATCH_AS_STATED,
	BATCH_TOLD_WRONG, /* the front end was told what the progress does not promise to avoid */
	BATCH_HALF_SEEN,  /* an item saw a half-built model; this refutes a claim of the initialiser, if it has it */
	BATCH_MODELS,     /* more or fewer than one model */
	BATCH_TOTALS,
	BATCH_MODELS_AND_TOTALS,
	BATCH_ITEMS, /* the pipeline's own promises, from here on */
	BATCH_FAILURES,
	BATCH_LOG,
	BATCH_INITIALISER_BROKEN, /* a part broke its own claim, from here on */
	BATCH_COUNTER_BROKEN,
	BATCH_PROGRESS_BROKEN,
	BATCH_OUTCOMES
};

/* Outcomes and names for the engine; it has no actors of its own. */
extern const struct scenario explored_batch_scenario;

struct batch_parts;
/* The pipeline's own parts, but for a synthesis that only looks at the model. Explored code. */
void explored_batch_parts(struct batch_parts *parts);

#endif
