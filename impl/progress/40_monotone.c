/* SPDX-License-Identifier: MIT */
/* progress/40_monotone: count first; whoever finds no teller becomes the teller, the others leave their news and go.
 *
 * Lesson    to tell in order, tell one at a time; and for that nobody has to wait. The teller asks for the newest value and counts
 *           up to it, so that steps which came meanwhile are told too.
 * Compare   30_under_lock.c
 * Protocol  `news` counts steps announced and not yet covered. Who moves it from 0 is elected; it tells up to the value until it
 *           can take `news` from what it saw back to 0. `told` passes from teller to teller through `news`.
 * Promise   everything, given a counter that loses none.
 * Cost      step: one locked instruction beside the counter's; the teller pays for the others, for as long as they bring news.
 */
#include <stdatomic.h>

#include "progress.h"

struct progress {
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
	_Atomic uint64_t news;            /* added to by every worker, taken back to 0 by the teller; not 0: there is a teller */
	uint64_t told;                    /* the last number told; the teller's own while it is elected */
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->sink = sink;
	p->total = total;
	atomic_init(&p->news, 0);
	p->told = 0;
	return 0;
}

/* Why the last number told is the total. After open, `news` changes through read-modify-writes only. So they form one chain, in
 * which each worker's release heads a release sequence that never ends: an acquire of any later value synchronizes with it. Take
 * the last announcement. Its sender saw 0 and was elected, or a teller was on duty. That teller cannot have left without it: it
 * leaves only by changing `news` from what it saw to 0, and it saw that with an acquire. Either way a teller calls value() after
 * an acquire that synchronizes with every announcement, hence after every increment, and reads the total. */
static void progress_step(struct progress *p, const struct progress_source *mine)
{
	mine->increment(mine->arg);
	/* release: pairs with the teller's acquires; my increment happens before the value() that answers this news.
	 * acquire, for the one who sees 0: pairs with the release of the teller before; hands over `told` and the turn to tell. */
	if (atomic_fetch_add_explicit(&p->news, 1, memory_order_acq_rel) != 0)
		return;
	uint64_t seen = 1;
	do {
		uint64_t value = mine->value(mine->arg);
		while (p->told < value)
			p->sink->tell(p->sink->arg, ++p->told, p->total);
		/* success, release: pairs with the acquire of the next one elected; publishes `told`. It needs no acquire: nothing was
		 * announced since SEEN. failure, acquire: pairs with the release of those who announced; the next value() counts them. */
	} while (!atomic_compare_exchange_strong_explicit(&p->news, &seen, 0, memory_order_release, memory_order_acquire));
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

#include "progress_export.h"
PROGRESS_EXPORT(monotone, .about.lesson = "one elected teller at a time; the others leave their news and go",
	.about.claims = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL |
			PROGRESS_DOES_NOT_BLOCK_WORKERS | PROGRESS_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .needs = PROGRESS_NEEDS_VALUE);
