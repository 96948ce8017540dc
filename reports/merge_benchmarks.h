/* SPDX-License-Identifier: MIT */
/* Benchmarks of several reports as one. */
#ifndef ONCEPROOF_MERGE_BENCHMARKS_H
#define ONCEPROOF_MERGE_BENCHMARKS_H

#include <jansson.h>
#include <stdbool.h>

/* What was measured on one machine by one build under one plan belongs together: runs of that are pooled, their processes numbered on,
 * and the aggregates of rows that several of them have are made anew. Runs that differ in any of it stay apart, also on one machine. A
 * ratio to a floor is of one process, so none is ever made between machines.
 *
 * A group is an object {key, host, context, lines[], distributions[], studies {}, goals[], runs}; key is the host's id, or for further
 * groups on it "ID/2", "ID/3".
 *
 * Adds the benchmarks of REPORT, whose own host is called ID, to GROUPS (an array). REPORT is not changed. */
void benchmarks_gather(json_t *groups, const json_t *report, const char *id);

/* The `benchmarks` of a report that holds GROUPS. New reference. With APART (several hosts), or of more than one group, rows,
 * distributions and goals say `host`: the key, and `contexts` and `studies` are objects {key: …}; `context` is then the first. */
json_t *benchmarks_joined(const json_t *groups, bool apart);

#endif
