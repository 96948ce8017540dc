/* SPDX-License-Identifier: MIT */
/* counter/20_mutex: every update and every read under one lock.
 *
 * Lesson    what must not be interrupted is put under a lock; what more than one word must agree on (here the count and whoever
 *           waits for it to change) stays one step.
 * Compare   10_naive.c
 * Protocol  `lock` guards every field. A watcher sleeps on `changed`; who changes the value wakes the watchers, if there are
 *           any.
 * Promise   everything a counter can promise, and a watch that misses no change.
 * Cost      increment: one lock and one unlock, two locked instructions; a sleep and a wake-up through the kernel when threads
 *           collide.
 */
#include <pthread.h>

#include "counter.h"

struct counter {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* the value changed */
	uint64_t value;         /* written and read by every thread; guarded by lock */
	unsigned watchers;      /* threads that sleep on `changed`; guarded by lock */
};

struct counter_seat {
	char unused;
};

static int counter_open(struct counter *c)
{
	int error = pthread_mutex_init(&c->lock, NULL);
	if (error)
		return error;
	error = pthread_cond_init(&c->changed, NULL);
	if (error) {
		pthread_mutex_destroy(&c->lock);
		return error;
	}
	c->value = 0;
	c->watchers = 0;
	return 0;
}

static void counter_close(struct counter *c)
{
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}

/* Under the lock, so that no watcher can look, see the old value, and fall asleep after the wake-up. */
static void wake_watchers(struct counter *c)
{
	if (c->watchers)
		pthread_cond_broadcast(&c->changed);
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	pthread_mutex_lock(&c->lock);
	uint64_t step = ++c->value;
	wake_watchers(c);
	pthread_mutex_unlock(&c->lock);
	return step;
}

static uint64_t counter_value(struct counter *c)
{
	pthread_mutex_lock(&c->lock);
	uint64_t value = c->value;
	pthread_mutex_unlock(&c->lock);
	return value;
}

static void counter_decrement(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	pthread_mutex_lock(&c->lock);
	c->value--;
	wake_watchers(c);
	pthread_mutex_unlock(&c->lock);
}

static void counter_reset(struct counter *c)
{
	pthread_mutex_lock(&c->lock);
	c->value = 0;
	wake_watchers(c);
	pthread_mutex_unlock(&c->lock);
}

static uint64_t counter_watch(struct counter *c, uint64_t seen)
{
	pthread_mutex_lock(&c->lock);
	c->watchers++;
	while (c->value == seen)
		pthread_cond_wait(&c->changed, &c->lock);
	c->watchers--;
	uint64_t value = c->value;
	pthread_mutex_unlock(&c->lock);
	return value;
}

#include "counter_export.h"
COUNTER_EXPORT(mutex, .about.lesson = "one lock makes every update one step, and lets a reader sleep until something changes",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE |
			COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.calls = "pthread_mutex_lock pthread_mutex_unlock pthread_cond_broadcast", .steps = true,
	.decrement = counter_decrement, .reset = counter_reset, .watch = counter_watch);
