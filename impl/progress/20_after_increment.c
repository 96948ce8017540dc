/* SPDX-License-Identifier: MIT */
/* progress/20_after_increment: count atomically, then tell the step that came back.
 *
 * Lesson    the textbook fix has the textbook gap. Every step is right, but between getting it and telling it another worker can
 *           do both: the user sees 2, then 1, and perhaps 9 of 10 as the last word. No data race, so no race detector speaks.
 * Compare   10_plain_global.c
 * Protocol  none needed: nothing is shared but the counter and the front end.
 * Promise   each number is told, and told once; in any order (given a counter whose steps are 1..N). No worker waits for another.
 * Cost      step: the counter's, and the front end's on the worker's own time.
 */
#include "progress.h"

struct progress {
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->sink = sink;
	p->total = total;
	return 0;
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	uint64_t step = mine->increment(mine->arg);
	/* Here another worker may get the next step and tell it first. */
	p->sink->tell(p->sink->arg, step, p->total);
}

static void progress_poll(struct progress *p, const struct progress_source *any)
{
	(void)p;
	(void)any;
}

static void progress_finish(struct progress *p, const struct progress_source *any)
{
	(void)p;
	(void)any;
}

static void progress_close(struct progress *p)
{
	(void)p;
}

/* A number told late was skipped when the higher one was told, so `no_gaps` falls with `never_backwards`. */
#include "progress_export.h"
PROGRESS_EXPORT(after_increment, .about.lesson = "counted in order, told out of order: two steps are not one",
	.about.claims = PROGRESS_NO_DUPLICATES | PROGRESS_DOES_NOT_BLOCK_WORKERS | PROGRESS_RACE_FREE,
	.about.missing = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL, .needs = PROGRESS_NEEDS_STEP);
