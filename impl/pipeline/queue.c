/* SPDX-License-Identifier: MIT */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>

/* Held for a few instructions, so a thread that meets it taken pauses a little before it sleeps: a futex sleep and its wake-up would
 * cost more than a short item. */
static void open_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
#endif
	pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

int queue_open(struct queue *q, size_t capacity)
{
	*q = (struct queue){.capacity = capacity};
	q->ring = calloc(capacity, sizeof *q->ring);
	if (!q->ring)
		return ENOMEM;
	open_lock(&q->lock);
	pthread_cond_init(&q->not_empty, NULL);
	pthread_cond_init(&q->not_full, NULL);
	return 0;
}

void queue_close(struct queue *q)
{
	if (!q->ring)
		return;
	for (size_t i = 0; i < q->capacity; i++)
		line_free(&q->ring[i]);
	free(q->ring);
	q->ring = NULL;
	pthread_cond_destroy(&q->not_full);
	pthread_cond_destroy(&q->not_empty);
	pthread_mutex_destroy(&q->lock);
}

static void swap(struct line *a, struct line *b)
{
	struct line old = *a;
	*a = *b;
	*b = old;
}

bool queue_put(struct queue *q, struct line *line)
{
	pthread_mutex_lock(&q->lock);
	q->putter_waiting = true;
	while (q->count == q->capacity && !q->stopped)
		pthread_cond_wait(&q->not_full, &q->lock);
	q->putter_waiting = false;
	bool ok = !q->stopped;
	if (ok) {
		swap(&q->ring[(q->head + q->count++) % q->capacity], line);
		/* Half full before a taker is woken, so that one is not woken for every item. Nobody is forgotten: the putter goes on
		 * until the queue is full, or ends it. */
		if (q->takers_waiting && q->count > q->capacity / 2)
			pthread_cond_signal(&q->not_empty);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

bool queue_take(struct queue *q, struct line *line)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == 0 && !q->closed && !q->stopped) {
		q->takers_waiting++;
		pthread_cond_wait(&q->not_empty, &q->lock);
		q->takers_waiting--;
	}
	bool ok = q->count > 0 && !q->stopped;
	if (ok) {
		swap(&q->ring[q->head], line);
		q->head = (q->head + 1) % q->capacity;
		q->count--;
		/* Half empty before the reader is woken, so that it is not woken for every item. */
		if (q->putter_waiting && q->count <= q->capacity / 2)
			pthread_cond_signal(&q->not_full);
	}
	pthread_mutex_unlock(&q->lock);
	return ok;
}

static void wake_all(struct queue *q, bool *flag)
{
	pthread_mutex_lock(&q->lock);
	*flag = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->lock);
}

void queue_end(struct queue *q)
{
	wake_all(q, &q->closed);
}

void queue_stop(struct queue *q)
{
	wake_all(q, &q->stopped);
}

const struct line *queue_left(struct queue *q)
{
	if (q->count == 0)
		return NULL;
	const struct line *left = &q->ring[q->head];
	q->head = (q->head + 1) % q->capacity;
	q->count--;
	return left;
}
