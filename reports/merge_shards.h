/* SPDX-License-Identifier: MIT */
/* Shards of searches: which belong together, which are there twice, which are missing. */
#ifndef ONCEPROOF_MERGE_SHARDS_H
#define ONCEPROOF_MERGE_SHARDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Are A and B shards of one search: of the same subject, scenario, engine and compiler, of as many, and of the same `search`, which stands
 * for code, version, seed and options? */
bool shards_of_one_search(const json_t *a, const json_t *b);

/* Complains, with the NAMES of the files that they come from, about each shard that is there twice with different content. false: there
 * was one. */
bool shards_agree(json_t *const *reports, const char *const *names, size_t n);

/* Removes from RESULTS the shards that are there twice. */
void shards_drop_doubles(json_t *results);

/* What RESULTS, joined as far as that goes (explored_join_shards), lack: an array of texts, "shard 3/8 of counter/mutex two_increments",
 * with what is there instead, if something is. Results that wait for it say so in their evidence. New reference. */
json_t *shards_lost(json_t *results);

/* The rows of `checks[]` of all REPORTS, each subject and build once. New reference; their verdicts are still those of one of them. */
json_t *shards_checks(json_t *const *reports, size_t n);

#endif
