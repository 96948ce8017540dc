/* SPDX-License-Identifier: MIT */
/* The bounded queue between the manifest's reader and the workers. Buffers are swapped, never copied, and never more than its capacity.
 * One lock, held for a few instructions; it orders the taking of items only, not what the workers do with them afterwards. */
#ifndef ONCEPROOF_QUEUE_H
#define ONCEPROOF_QUEUE_H

#include <pthread.h>

#include "manifest.h"

struct queue {
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t not_empty, not_full;
	struct line *ring; /* owned */
	size_t capacity, head, count;
	unsigned takers_waiting;
	bool putter_waiting;
	bool closed;  /* nothing more will be put */
	bool stopped; /* nothing more may be taken */
};

int queue_open(struct queue *q, size_t capacity);
void queue_close(struct queue *q);

/* Puts *line in and leaves an old buffer in its place; waits while the queue is full. False once it is stopped. */
bool queue_put(struct queue *q, struct line *line);

/* Takes the oldest item into *line, whose buffer the queue keeps; waits while it is empty. False at the end, or once it is stopped. */
bool queue_take(struct queue *q, struct line *line);

void queue_end(struct queue *q);  /* no more input */
void queue_stop(struct queue *q); /* no more taking: what is inside stays there, for queue_left */

/* Hands out what is left after a stop, one item at a time; NULL when there is no more. Only when no other thread uses the queue. */
const struct line *queue_left(struct queue *q);

#endif
