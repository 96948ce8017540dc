/* SPDX-License-Identifier: MIT */
/* progress/30_under_lock: count and tell inside one mutex.
 *
 * Lesson    counting and telling become one step, so numbers are told in the order in which they were counted. The price: a slow
 *           terminal, or a thread that is descheduled while it tells, now stops every worker.
 * Compare   20_after_increment.c
 * Protocol  the mutex is held from before the increment until after tell.
 * Promise   everything but `does_not_block_workers`, given a counter whose steps are 1..N.
 * Cost      step: a lock and an unlock, and the wait for every other worker's turn with the front end.
 */
#include <pthread.h>

#include "progress.h"

struct progress {
	const struct progress_sink *sink; /* borrowed; written by open only */
	uint64_t total;                   /* written by open only */
	pthread_mutex_t telling;          /* guards the counter's increments and the calls of tell, as one */
};

static int progress_open(struct progress *p, const struct progress_sink *sink, uint64_t total)
{
	p->sink = sink;
	p->total = total;
	return pthread_mutex_init(&p->telling, NULL);
}

static void progress_step(struct progress *p, const struct progress_source *mine)
{
	pthread_mutex_lock(&p->telling);
	uint64_t step = mine->increment(mine->arg);
	/* Nobody can get the next step before this one is told. */
	p->sink->tell(p->sink->arg, step, p->total);
	pthread_mutex_unlock(&p->telling);
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
	pthread_mutex_destroy(&p->telling);
}

#include "progress_export.h"
PROGRESS_EXPORT(under_lock, .about.lesson = "counting and telling become one step, and everyone waits for the front end",
	.about.claims = PROGRESS_NEVER_BACKWARDS | PROGRESS_NO_DUPLICATES | PROGRESS_NO_GAPS | PROGRESS_LAST_IS_TOTAL |
			PROGRESS_RACE_FREE,
	.about.missing = PROGRESS_DOES_NOT_BLOCK_WORKERS, .about.calls = "pthread_mutex_lock pthread_mutex_unlock",
	.needs = PROGRESS_NEEDS_STEP);
