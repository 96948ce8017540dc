/* SPDX-License-Identifier: MIT */
/* The threads of a batch: pool, reader, and what the calling thread does in the meantime. */
#include <string.h>
#include <time.h>

#include "../support/say.h"
#include "clock.h"
#include "parts.h"

enum { IDLE_POLL_US = 20 * 1000 };

/* Where threads wait until everything a batch needs has been opened. False: something could not be, go home. */
static bool pass_gate(struct batch *b)
{
	pthread_mutex_lock(&b->ended_lock);
	while (b->gate == BATCH_GATE_SHUT)
		pthread_cond_wait(&b->gate_moved, &b->ended_lock);
	bool open = b->gate == BATCH_GATE_OPEN;
	pthread_mutex_unlock(&b->ended_lock);
	return open;
}

void batch_move_gate(struct batch *b, enum batch_gate gate)
{
	pthread_mutex_lock(&b->ended_lock);
	b->gate = gate;
	pthread_cond_broadcast(&b->gate_moved);
	pthread_mutex_unlock(&b->ended_lock);
}

static void *worker_main(void *arg)
{
	struct batch_worker *w = arg;
	struct batch *b = w->batch;
	if (!pass_gate(b))
		return NULL;
	batch_work_all(b, w);
	b->options->counter->leave(b->counter, w->seat);
	pthread_mutex_lock(&b->ended_lock);
	if (++b->ended == b->workers)
		pthread_cond_signal(&b->all_ended);
	pthread_mutex_unlock(&b->ended_lock);
	return NULL;
}

static void *reader_main(void *arg)
{
	struct batch *b = arg;
	struct line line = {0};
	if (!pass_gate(b))
		return NULL;
	while (!batch_stopping(b) && manifest_next(&b->manifest, &line)) {
		uint64_t index = line.index;
		if (!queue_put(&b->queue, &line))
			break;
		tally_add(&b->reader.handed, index);
	}
	queue_end(&b->queue);
	line_free(&line);
	return NULL;
}

void batch_front_end(struct batch *b, const struct progress_source *any)
{
	const struct progress_implementation *progress = b->options->progress;
	uint64_t pause = progress->polled ? b->options->poll_us ? b->options->poll_us : 1000 : IDLE_POLL_US;
	bool stopped = false;
	pthread_mutex_lock(&b->ended_lock);
	while (b->ended < b->workers) {
		uint64_t until = now_ns() + pause * 1000;
		struct timespec when = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
		pthread_cond_timedwait(&b->all_ended, &b->ended_lock, &when);
		pthread_mutex_unlock(&b->ended_lock);
		progress->poll(b->progress, any);
		if (!stopped && batch_stopping(b)) {
			stopped = true;
			queue_stop(&b->queue);
		}
		pthread_mutex_lock(&b->ended_lock);
	}
	pthread_mutex_unlock(&b->ended_lock);
}

int batch_start_threads(struct batch *b, struct batch_worker *workers)
{
	int why = 0;
	while (b->started < b->workers && !why) {
		why = pthread_create(&workers[b->started].thread, NULL, worker_main, &workers[b->started]);
		b->started += why ? 0 : 1;
	}
	if (!why)
		why = pthread_create(&b->reader_thread, NULL, reader_main, b);
	b->reading = !why;
	if (why)
		complain("cannot start %u workers and a reader: %s: ask for fewer with --workers", b->workers, strerror(why));
	return why;
}

void batch_join_threads(struct batch *b, struct batch_worker *workers)
{
	for (unsigned i = 0; i < b->started; i++)
		pthread_join(workers[i].thread, NULL);
	queue_stop(&b->queue);
	if (b->reading)
		pthread_join(b->reader_thread, NULL);
}
