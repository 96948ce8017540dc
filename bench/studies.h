/* SPDX-License-Identifier: MIT */
/* Studies of whole batches. Not for several threads at once. */
#ifndef ONCEPROOF_BENCH_STUDIES_H
#define ONCEPROOF_BENCH_STUDIES_H

#include <jansson.h>

namespace bench
{

struct plan;

/* From which item cost on a choice no longer matters (crossings.cc): {limit, against, choices[] {choice, threads, found, item_ns, low, high,
 * points[] {item_ns, items_per_s, overhead, low, high (null for fewer than six pairs), pairs, progress_latency_ns {p50, p99, count}},
 * broken}, missing[] {choice, why}, sentences[], partial}.
 *
 * overhead is the share of time that the choice adds to a batch that counts nothing and tells nothing; low and high are its 95 % interval.
 * The choice's own low and high are item costs: the dearest at which it was certainly above the limit, the cheapest from which on
 * it was certainly below. found: "between"; "below" (the limit at every cost), "above" (at every cost), "open" (the time ended). */
json_t *study_crossings(const plan &plan);

/* The first use of a model in a pipeline (first_use.cc): {workers, choices[] {initialiser, points[] {load_ns, all_have_ns, low, high, p99,
 * ratio, extra_loads, batches}, sentence}, missing[] {initialiser, why}, sentences[], partial}. all_have_ns is the median time from the
 * moment at which all workers ask until the last of them has the model; ratio is to the load that the batch itself timed. */
json_t *study_first_use(const plan &plan);

} // namespace bench
#endif
