/* SPDX-License-Identifier: MIT */
/* A batch as an entry of `batches[]` in results.json. */
#ifndef ONCEPROOF_BATCH_JSON_H
#define ONCEPROOF_BATCH_JSON_H

#include <jansson.h>

#include "batch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A new reference, or NULL when out of memory: initialiser, counter, progress, workers, items, done, failed, not_started, counted,
 * models_made, wasted_bytes, anomalies, seconds, and more detail; with JUDGEMENT (may be NULL) `refuted`, `as_stated` and sentences. */
json_t *batch_json(
	const struct batch_options *options, const struct batch_summary *summary, const struct batch_judgement *judgement);

#ifdef __cplusplus
}
#endif
#endif
