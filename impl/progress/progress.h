/* SPDX-License-Identifier: MIT */
/* The progress contract: tell the front end how far a batch is, once per finished item or when it asks.
 *
 * Every implementation file defines `struct progress` and the functions below, in this order, all static.
 *
 *   int  progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
 *          nothing told yet; SINK is borrowed until close; TOTAL items will be counted. 0 or an errno value.
 *   void progress_step(struct progress *p, const struct progress_source *mine)
 *          a worker has finished an item: counts it through MINE (exactly one call of mine->increment) and passes the news on.
 *   void progress_poll(struct progress *p, const struct progress_source *any)
 *          the front end's turn: called again and again by one thread, the front end's, while workers run. Those that push do nothing.
 *   void progress_finish(struct progress *p, const struct progress_source *any)
 *          every worker has ended and its memory is visible: tells what is still untold. Called once, by the front end's thread.
 *   void progress_close(struct progress *p)
 *
 * `tell` is the front end: the number that it is given last is what the user sees. Unless the implementation prevents it, several
 * threads may be inside `tell` at once.
 */
#ifndef ONCEPROOF_PROGRESS_H
#define ONCEPROOF_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../contract.h"

#ifdef __cplusplus
extern "C" {
#endif

struct progress; /* complete in each implementation's file */

/* The front end. */
struct progress_sink {
	void (*tell)(void *arg, uint64_t done, uint64_t total); /* shows "done/total" */
	void *arg;
};

/* The counter, as one thread sees it. */
struct progress_source {
	uint64_t (*increment)(void *arg); /* counts one; the step, or 0 from a counter without steps */
	uint64_t (*value)(void *arg);     /* how many were counted */
	void *arg;
};

enum progress_promise {
	PROGRESS_NEVER_BACKWARDS = 1u << 0,
	PROGRESS_NO_DUPLICATES = 1u << 1,
	PROGRESS_NO_GAPS = 1u << 2,
	PROGRESS_LAST_IS_TOTAL = 1u << 3,
	PROGRESS_DOES_NOT_BLOCK_WORKERS = 1u << 4,
	PROGRESS_RACE_FREE = 1u << 5,
};

/* What it needs of the counter. */
enum progress_needs { PROGRESS_NEEDS_STEP, PROGRESS_NEEDS_VALUE };

struct progress_implementation {
	struct implementation about;
	enum progress_needs needs;
	bool polled; /* the front end learns of news only in progress_poll */
	size_t bytes, align;
	int (*open)(struct progress *p, const struct progress_sink *sink, uint64_t total);
	void (*step)(struct progress *p, const struct progress_source *mine);
	void (*poll)(struct progress *p, const struct progress_source *any);
	void (*finish)(struct progress *p, const struct progress_source *any);
	void (*close)(struct progress *p);
	/* Measured loop over step, compiled beside it. OPS is a multiple of 64. */
	void (*loop_step)(struct progress *p, const struct progress_source *mine, uint64_t ops);
};

/* The descriptor behind a registry entry of the progress family. */
static inline const struct progress_implementation *progress_of(const struct registered *entry)
{
	return (const struct progress_implementation *)(const void *)entry->about;
}

#ifdef __cplusplus
}
#endif
#endif
