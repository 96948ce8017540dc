/* SPDX-License-Identifier: MIT */
/* progress/60_sampler: workers only count; the front end asks.
 *
 * Lesson    the cheapest news is none: the counter already knows. Shown is what is true when the user looks; what lies between
 *           two looks is skipped.
 * Compare   50_channel.c
 * Protocol  workers touch nothing but the counter; the rest belongs to the front end.
 * Promise   everything but `no_gaps`, given a counter that loses none.
 * Cost      step: the counter's alone. poll: one value().
 */
#include "progress.h"

struct progress {
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
	uint64_t told;                    /* the last number told; the front end's own */
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->sink = sink;
	p->total = total;
	p->told = 0;
	return 0;
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	(void)p;
	mine->increment(mine->arg);
}

static void progress_poll(struct progress *p, const struct progress_source *any)
{
	uint64_t value = any->value(any->arg);
	/* Greater, not different: a counter whose value() may run backwards does not take the display with it. */
	if (value <= p->told)
		return;
	p->told = value;
	p->sink->tell(p->sink->arg, value, p->total);
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
PROGRESS_EXPORT(sampler, .about.lesson = "workers only count; the front end asks",
	.about.claims = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_LAST_IS_TOTAL |
			PROGRESS_DOES_NOT_BLOCK_WORKERS | PROGRESS_RACE_FREE,
	.needs = PROGRESS_NEEDS_VALUE, .polled = true);
