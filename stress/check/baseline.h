/* SPDX-License-Identifier: MIT */
/* Known findings: a results file of an earlier check (its --json), compared by fingerprint. */
#ifndef ONCEPROOF_CHECK_BASELINE_H
#define ONCEPROOF_CHECK_BASELINE_H

#include <jansson.h>

/* Marks every finding of RESULTS with `baseline`: "new" or "known", and sets `known`, `new` and `vanished[]` ({fingerprint, kind, message} of
 * findings that BASELINE, a report, has of the same subject, and RESULTS have not) of CHECK, their conclusion. */
void baseline_compare(const json_t *baseline, json_t *results, json_t *check);

#endif
