/* SPDX-License-Identifier: MIT */
/* What the repetitions of several runs say together. */
#ifndef ONCEPROOF_POOL_H
#define ONCEPROOF_POOL_H

#include <jansson.h>
#include <stddef.h>

/* Of COUNT values, which are sorted on the way; 0 for none. */
double pool_median(double *values, size_t count);

/* The 95 % interval of the median by the same draws as bench/statistics.h, so that two halves of a run say what the whole did. Both 0 for
 * fewer than three values. */
void pool_interval(const double *values, size_t count, double *low, double *high);

/* Into how many values, from the least on, the lower of two modes reaches; 0: there is one mode. As find_modes in bench/statistics.h.
 * Sorts VALUES. */
size_t pool_split(double *values, size_t count);

/* The aggregates _median _mean _stddev _cv _min _max of LINES (repetitions of one row, in Google Benchmark's form, each with `process`),
 * as bench/result.cc makes them, appended to TO. LIKE is an older median of the row, whose counters the new one has too, or NULL. */
void pool_aggregates(json_t *to, const json_t *lines, const json_t *like);

/* The distribution of A and B together: buckets summed, percentiles anew. New reference. */
json_t *pool_distributions(const json_t *a, const json_t *b);

#endif
