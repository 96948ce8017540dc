/* SPDX-License-Identifier: MIT */
/* The verdict of the explorer, from what a result holds; the same for a search and for the shards of one put together.
 *
 * Members of an explored result beside those of every result: model ("sc", "rc11"), strategy, plan, bound, exhausted, distinct,
 * probability[] (by depth of a bug), limits (why it decides nothing although nothing was found, "" if it decides), shard ("2/3", absent
 * for a whole), build (digest of what was explored), seed, search (digest of all that a search's result depends on: build, version, seed,
 * options, number of shards; only shards of one search make a whole). Findings have executions, first, stale, preemptions, after_race, hidden_steps as well.
 */
#ifndef ONCEPROOF_EXPLORED_VERDICT_H
#define ONCEPROOF_EXPLORED_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

/* Sets verdict, evidence and as_expected of RESULT; EXPECTED as for result_judge. */
void explored_verdict(json_t *result, const char *expected);

/* Puts the results of a search's shards together where all of them are in RESULTS: the one that stands first becomes the whole, the
 * others go. Returns whether there were any. */
bool explored_join_shards(json_t *results);

#endif
