/* SPDX-License-Identifier: MIT */
/* What the repetitions of several runs say together. */
#ifndef ONCEPROOF_POOL_H
#define ONCEPROOF_POOL_H

#include <jansson.h>

/* The aggregates _median _mean _stddev _cv _min _max of LINES (repetitions of one row, in Google Benchmark's form, each with `process`),
 * as bench/result.cc makes them, appended to TO. LIKE is an older median of the row, whose counters the new one has too, or NULL. */
void pool_aggregates(json_t *to, const json_t *lines, const json_t *like);

/* The distribution of A and B together: buckets summed, percentiles anew. New reference. */
json_t *pool_distributions(const json_t *a, const json_t *b);

#endif
