/* SPDX-License-Identifier: MIT */
/* What an item costs in an explored batch. Explored code, as the rest of the pipeline is: its accesses to the model are watched. */
#include "../impl/pipeline/parts.h"
#include "explored_batch.h"

/* Reads of the model what every synthesis reads first. The whole synthesis would read the same few thousand words again and again, each
 * of them one more place of the same race. */
static void speak(struct batch *batch, struct batch_worker *worker, const struct model *instance, const struct line *item,
	struct batch_result *result)
{
	(void)batch;
	(void)worker;
	(void)item;
	bool whole = instance->magic && instance->weights && instance->weights[0] && instance->checksum;
	result->reason = whole ? BATCH_DONE : BATCH_HALF_MODEL;
}

void explored_batch_parts(struct batch_parts *parts)
{
	*parts = batch_real_parts;
	parts->speak = speak;
}
