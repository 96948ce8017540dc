/* SPDX-License-Identifier: MIT */
/* progress/70_teller: the header to take along, <onceproof/tally.h>: the newest number, told by one at a time and not too often.
 *
 * Lesson    nobody can read a thousand numbers a second. A worker looks at a cheap clock every few items of its own, and only when it is
 *           time it asks for the value and offers it. So telling costs next to nothing, and each item no more than its own count.
 * Compare   40_monotone.c
 * Protocol  the highest number offered and one bit share a word: who raises it while nobody tells becomes the teller, the others leave
 *           their number there and go. finish offers the total.
 * Promise   never backwards, no repeats, the last is the total, nobody waits, given a counter that loses none. Numbers are skipped.
 * Cost      step: the counter's, and a thread's own count of items until its next look; every 16 a look at the clock.
 */
#include <onceproof/tally.h>

#include "progress.h"

enum { EVERY_MS = 100 };

struct progress {
	struct teller teller;
	uint64_t id;                      /* of this opening; written by open only */
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
};

static void tell(void *arg, uint64_t done)
{
	const struct progress *p = arg;
	p->sink->tell(p->sink->arg, done, p->total);
}

/* A worker's pace, for the opening that it stepped last; id 0 is nobody's. (Those who count by the header's seats have it there.) */
static _Thread_local struct {
	uint64_t id;
	struct teller_pace pace;
} worker;

static uint64_t last_id; /* atomic; of any opening in the process */

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->teller = (struct teller)TELLER_INITIALISER(NULL, tell, p, TELLER_MS(EVERY_MS));
	/* relaxed: ids must differ, and order nothing. */
	p->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	p->sink = sink;
	p->total = total;
	return 0;
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	mine->increment(mine->arg);
	if (worker.id != p->id) {
		worker.id = p->id;
		worker.pace = (struct teller_pace){0};
	}
	if (teller_due(&p->teller, &worker.pace))
		teller_offer(&p->teller, mine->value(mine->arg));
}

static void progress_poll(struct progress *p, const struct progress_source *any)
{
	(void)p;
	(void)any;
}

static void progress_finish(struct progress *p, const struct progress_source *any)
{
	teller_offer(&p->teller, any->value(any->arg));
}

static void progress_close(struct progress *p)
{
	(void)p;
}

#include "progress_export.h"
PROGRESS_EXPORT(teller, .about.lesson = "the newest number, by one at a time and not too often",
	.about.claims = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_LAST_IS_TOTAL |
			PROGRESS_DOES_NOT_BLOCK_WORKERS | PROGRESS_RACE_FREE,
	.about.features = FEATURE_ATOMIC | FEATURE_TLS, .about.calls = "teller_look_ teller_offer", .needs = PROGRESS_NEEDS_VALUE);
