/* SPDX-License-Identifier: MIT */
/* Batches that are watched while they run, through the pipeline's own table of parts: when each item ended, when the front end was told,
 * when each worker had its model. One batch at a time in a process; from any thread. C and C++. */
#ifndef ONCEPROOF_BENCH_PROBE_H
#define ONCEPROOF_BENCH_PROBE_H

#include "../impl/pipeline/batch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The floor of a batch: nothing.c. */
extern const struct initialiser_implementation initialiser_nothing;
extern const struct counter_implementation counter_nothing;
extern const struct progress_implementation progress_nothing;

/* Runs a batch and finds for about POINTS of its items, evenly spread over their number, how old the news of it was: the time from the end
 * of the k-th item that ended to the first telling of k or more, in ns, at AGES[0..]; *count is how many (at most POINTS; fewer where not
 * all was told). What is not looked at costs a worker a store per item and a teller a load and a branch per telling. 0 or an errno value
 * after a complaint. */
int probe_ages(const struct batch_options *options, struct batch_summary *summary, uint64_t *ages, size_t points, size_t *count);

/* Runs a batch of one item per worker, in which all workers ask for the model at the same moment, and finds how long it took from there
 * until the last of them had it, in ns. 0 or an errno value after a complaint. */
int probe_first_use(const struct batch_options *options, struct batch_summary *summary, uint64_t *all_have_ns);

#ifdef __cplusplus
}
#endif
#endif
