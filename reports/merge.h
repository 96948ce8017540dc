/* SPDX-License-Identifier: MIT */
/* Shards of one plan, or the same plan on several machines, as one report. */
#ifndef ONCEPROOF_MERGE_H
#define ONCEPROOF_MERGE_H

#include <jansson.h>
#include <stddef.h>

/* One report made of N (at least 1) reports, which are borrowed and not changed. A new reference. The rules:
 *
 * host       the first report's. With more than one machine, hosts[] lists each once (by id, or by everything but the date), and every
 *            result, batch and benchmark row says "host": its id; so the same test on two machines stays two results.
 * results    all of them, in the order of the files. Only a report that is equal to an earlier one as a whole is left out. The shards of one
 *            explored search become one result where all of them are there; then `joined` is true, and contracts[] should be made anew
 *            from the results (stress/contracts.h).
 * contracts  one row for each subject, promise and claim: refuted by any is refuted, else upheld by any is upheld, else unshown; `by`
 *            comes from the report that decided; seen[] is what any of them saw.
 * batches    all of them.
 * benchmarks runs of one machine, build and plan are pooled, others stay side by side (merge_benchmarks.h).
 * seed       the first report's; where seeds differ, seeds[] lists each.
 * partial    true when any is, and when shards are missing.
 * shards     what any report says of its `shard` ("2/3") is collected, apart for benchmarks and for everything else, whatever machine
 *            ran it. A complete set leaves no trace. Otherwise missing_shards[] names the lost ones ("bench 3/3" for benchmarks) and
 *            shards[] those that are there, so that a later merge can fill the hole.
 * lost[]     what searches lack, "shard 3/8 of counter/mutex two_increments"; absent where they lack nothing. A shard that is there twice
 *            counts once (shards_agree says whether the two say the same).
 * checks[]   each subject and build once, its verdict still that of one report: who can conclude again must (check_conclude).
 * implementations[] and scenarios[], where present: each once; one that brings its source text wins over one without. */
json_t *report_merge(json_t **reports, size_t n);

#endif
