/* SPDX-License-Identifier: MIT */
/* The explorer's worker for the pipeline: a batch of two workers and three items with one choice of parts. Reader, queue, workers and
 * front end are the pipeline's own. Nothing is written, the model is the smallest one, and synthesis only looks at it.
 */
#include <stdio.h>
#include <string.h>

#include "../impl/pipeline/parts.h"
#include "explore_command.h"
#include "explored_batch.h"

static const char items[] = "a\ne\no\n";

struct stage {
	struct batch_options options;
	struct batch_summary summary;
	struct batch_judgement judgement;
	int why; /* what batch_run said */
};

static void body(void *arg)
{
	struct stage *stage = arg;
	stage->why = batch_run(&stage->options, &stage->summary);
}

/* Does what was told break a promise that the progress does not give? */
static bool told_wrong(const struct stage *stage)
{
	const struct batch_anomalies *told = &stage->summary.anomalies;
	uint32_t missing = stage->options.progress->about.missing;
	return (told->backwards && (missing & PROGRESS_NEVER_BACKWARDS)) ||
	       (told->duplicate && (missing & PROGRESS_NO_DUPLICATES)) || (told->gap && (missing & PROGRESS_NO_GAPS)) ||
	       (told->missing_last && (missing & PROGRESS_LAST_IS_TOTAL));
}

static unsigned outcome(void *arg)
{
	struct stage *stage = arg;
	struct batch_judgement *j = &stage->judgement;
	if (stage->why || batch_check(&stage->options, &stage->summary, j) != 0)
		return UINT32_MAX;
	bool models = j->refuted & PIPELINE_MODEL_LOADED_ONCE, totals = j->refuted & PIPELINE_TOTALS_ADD_UP;
	if (models || totals)
		return models && totals ? BATCH_MODELS_AND_TOTALS : models ? BATCH_MODELS : BATCH_TOTALS;
	if (j->refuted)
		return j->refuted & PIPELINE_EACH_ITEM_ONCE      ? BATCH_ITEMS
		       : j->refuted & PIPELINE_FAILURES_ISOLATED ? BATCH_FAILURES
								 : BATCH_LOG;
	if (!j->as_stated)
		return *j->initialiser ? BATCH_INITIALISER_BROKEN : *j->counter ? BATCH_COUNTER_BROKEN : BATCH_PROGRESS_BROKEN;
	if (stage->summary.failed_by[BATCH_HALF_MODEL])
		return BATCH_HALF_SEEN;
	return told_wrong(stage) ? BATCH_TOLD_WRONG : BATCH_AS_STATED;
}

static bool forbidden(void *arg, unsigned seen)
{
	(void)arg;
	return explored_batch_scenario.outcomes[seen].grade == GRADE_FORBIDDEN;
}

static const char *label(void *arg, unsigned seen)
{
	(void)arg;
	return explored_batch_scenario.outcomes[seen].label;
}

static const char *refused(void *arg)
{
	const struct stage *stage = arg;
	return stage->why ? strerror(stage->why) : NULL;
}

/* "pipeline/INITIALISER+COUNTER+PROGRESS". */
static bool choose(const char *subject, struct batch_options *options)
{
	char names[3][64];
	if (sscanf(subject, "pipeline/%63[^+]+%63[^+]+%63s", names[0], names[1], names[2]) != 3)
		return false;
	const struct registered *initialiser = registry_find(FAMILY_INITIALISER, names[0]);
	const struct registered *counter = registry_find(FAMILY_COUNTER, names[1]);
	const struct registered *progress = registry_find(FAMILY_PROGRESS, names[2]);
	if (!initialiser || !counter || !progress)
		return false;
	options->initialiser = initialiser_of(initialiser);
	options->counter = counter_of(counter);
	options->progress = progress_of(progress);
	return true;
}

int main(int argc, char **argv)
{
	struct explore_command command;
	explore_command_parse(&command, argc, argv, "onceproof-explore-batch", "Explores one choice of the pipeline's parts.");
	struct batch_parts parts;
	struct stage stage = {.options = {.workers = 2,
				      .seed = 1,
				      .item_cost_ns = -1,
				      .parts = &parts,
				      .quiet = true,
				      .text = items,
				      .text_bytes = sizeof items - 1}};
	explored_batch_parts(&parts);
	if (!choose(command.subject, &stage.options) || strcmp(command.scenario, "batch") != 0) {
		fprintf(stderr, "%s: no '%s' for '%s'\n", command.program, command.scenario, command.subject);
		return 2;
	}
	if (stage.options.initialiser->loading == LOADER_RUN_TIME)
		stage.options.model_bytes = BATCH_MODEL_MIN;
	const char *impossible = batch_impossible(&stage.options);
	if (impossible)
		explore_command_finish(&command, json_object(), impossible);
	const struct explore_program program = {.body = body,
		.outcome = outcome,
		.forbidden = forbidden,
		.label = label,
		.outcome_count = BATCH_OUTCOMES,
		.arg = &stage};
	explore_command_run(&command, &program, refused);
}
