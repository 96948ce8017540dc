/* SPDX-License-Identifier: MIT */
/* Many results in one go: every engine × subject × scenario that is asked for and fits, and with native, tsan and explore the pipeline's batches. */
#ifndef ONCEPROOF_SUITE_H
#define ONCEPROOF_SUITE_H

#include "engine.h"

struct suite_options {
	const struct engine *engines[8]; /* NULL-terminated, in order */
	struct stress_plan plan;
	bool all_batches;       /* every choice of the pipeline's parts instead of a covering selection */
	double seconds;         /* stop starting new work after this time; 0: no limit */
	unsigned shard, shards; /* one-based; 1, 1: everything */
	unsigned jobs;          /* workers at once; 0, 1: one after the other. Results come in the same order */
	const char *programs;   /* folder of the workers */
	bool (*wanted)(void *arg, const char *subject, const char *scenario); /* NULL: everything */
	void (*began)(void *arg, size_t index, size_t count, const char *engine, const char *subject, const char *scenario);
	void (*ended)(void *arg, const json_t *result); /* either may be NULL; both are called by the caller's thread, in order */
	void *arg;
};

/* How many results these options ask for (before sharding). */
size_t suite_count(const struct suite_options *options);

/* Runs them in a fixed order and appends them to REPORT's results. What time or an interrupt left undone is said by one inconclusive
 * result each for the time limit, and by `partial` for an interrupt. Returns false when interrupted. */
bool suite_run(const struct suite_options *options, json_t *report);

#endif
