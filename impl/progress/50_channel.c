/* SPDX-License-Identifier: MIT */
/* progress/50_channel: workers send "one more is done", the front end takes the messages out and numbers them itself.
 *
 * Lesson    do not send numbers that can overtake one another; send the event, and let the one who shows it count. Then order,
 *           gaps and repeats are matters of one thread, where they cannot go wrong.
 * Compare   40_monotone.c
 * Protocol  workers only add to `sent`; `told` belongs to the front end. A message says nothing but that it is there, so a queue
 *           of them is its two ends: no nodes, no lock, never full. (Messages with a content would need all that.)
 * Promise   everything.
 * Cost      step: one locked instruction beside the counter's. The front end tells every single number, at its own pace.
 */
#include <stdatomic.h>

#include "progress.h"

struct progress {
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
	_Atomic uint64_t sent;            /* messages put in; added to by every worker, read by the front end */
	uint64_t told;                    /* messages taken out, each told; the front end's own */
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->sink = sink;
	p->total = total;
	atomic_init(&p->sent, 0);
	p->told = 0;
	return 0;
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	mine->increment(mine->arg);
	/* relaxed: a message brings no other memory along, and a read-modify-write loses none. */
	atomic_fetch_add_explicit(&p->sent, 1, memory_order_relaxed);
}

static void progress_poll(struct progress *p, const struct progress_source *any)
{
	(void)any;
	/* relaxed: an older value only leaves messages for the next poll; in finish, every worker has ended and no newer one exists. */
	uint64_t sent = atomic_load_explicit(&p->sent, memory_order_relaxed);
	while (p->told < sent) {
		p->told++;
		p->sink->tell(p->sink->arg, p->told, p->total);
	}
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
PROGRESS_EXPORT(channel, .about.lesson = "send the event, not the number: the front end counts what arrives",
	.about.claims = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL |
			PROGRESS_DOES_NOT_BLOCK_WORKERS | PROGRESS_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .needs = PROGRESS_NEEDS_VALUE, .polled = true);
