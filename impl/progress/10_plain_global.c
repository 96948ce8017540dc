/* SPDX-License-Identifier: MIT */
/* progress/10_plain_global: workers write the step into a variable, the front end looks at it now and then.
 *
 * Lesson    counting is one step and storing the result is another: a worker that counted 1 can store it after another stored 2,
 *           and the user sees 2, then 1. The counter may be perfect; the variable beside it is not.
 * Protocol  none: every worker writes the word, the front end reads it.
 * Promise   no number is shown twice (a step is stored once, and only a change is told), and no worker waits. Nothing else.
 * Cost      step: one store, of a cache line that all workers fight for. poll: one load.
 */
#include "progress.h"

struct progress {
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
	uint64_t shown; /* written by every worker, read by the front end; guarded by nothing, which is the bug */
	uint64_t told;  /* the last number told; the front end's own */
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->sink = sink;
	p->total = total;
	p->shown = 0;
	p->told = 0;
	return 0;
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	p->shown = mine->increment(mine->arg);
}

static void progress_poll(struct progress *p, const struct progress_source *any)
{
	(void)any;
	uint64_t shown = p->shown;
	if (shown == p->told)
		return;
	p->told = shown;
	p->sink->tell(p->sink->arg, shown, p->total);
}

static void progress_finish(struct progress *p, const struct progress_source *any)
{
	progress_poll(p, any);
}

static void progress_close(struct progress *p)
{
	(void)p;
}

#include "progress_export.h"
PROGRESS_EXPORT(plain_global, .about.lesson = "the worker that counted 1 stores it after the one that counted 2",
	.about.claims = PROGRESS_NO_DUPLICATES | PROGRESS_DOES_NOT_BLOCK_WORKERS,
	.about.missing = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL | PROGRESS_RACE_FREE,
	.needs = PROGRESS_NEEDS_STEP, .polled = true);
