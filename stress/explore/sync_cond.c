/* SPDX-License-Identifier: MIT */
/* Condition variables of pthread and C11.
 *
 * Value: how many wait. A waiter joins the queue before it releases the mutex; a signal takes one out, which one is a free choice; with
 * nobody in the queue it is a read and orders nothing. A wait that will time out, wake for no reason or be cancelled never joins.
 */
#include <errno.h>
#include <string.h>
#include <threads.h>

#include "sync.h"
#include "sync_mutex.h"

static void read_clock(struct sync_object *o)
{
	/* Bit 1 of __wrefs in glibc: the monotonic clock. */
	const pthread_cond_t *c = (const pthread_cond_t *)o->address;
	o->clock = c->__data.__wrefs & 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

static struct sync_object *use(const void *c, const void *site)
{
	return sync_use(c, SYNC_COND, read_clock, site);
}

static enum applied apply_join(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value + 1;
	return value == SYNC_DESTROYED ? APPLIED_READ : APPLIED_WRITE;
}

/* A signal, or a waiter that leaves unwoken (operand 1); a broadcast (operand 0). */
static enum applied apply_leave(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand ? value - 1 : 0;
	return value == 0 || value == SYNC_DESTROYED ? APPLIED_READ : APPLIED_WRITE;
}

static void join(struct sync_object *o, struct sync_object *mutex, const void *site)
{
	struct operation op = sync_operation(o, STEP_COND_WAIT, ORDER_RELAXED, apply_join, site);
	bool wrote;
	sync_perform(o, &op, &wrote);
	if (!wrote) {
		sync_misuse(o, site, "waits on a condition variable that was destroyed");
		sync_undefined();
	}
	if (o->queued && o->mutex != mutex->address)
		sync_misuse(NULL, site, "waits on a condition variable with another mutex than others do now");
	o->mutex = mutex->address;
	sync_queue_join(o, "condition variable");
}

static void leave(struct sync_object *o, const void *site)
{
	struct operation op = sync_operation(o, STEP_COND_TIMEOUT, ORDER_RELAXED, apply_leave, site);
	op.operand = 1;
	sync_perform(o, &op, NULL);
}

/* Waits in the way that was chosen, without the mutex. */
static enum sync_way wait_out(
	struct sync_object *o, enum sync_way way, const struct sync_limit *limit, bool cancellable, const void *site)
{
	if (way == SYNC_CANCELLED)
		sync_cancel_await(site);
	if (way == SYNC_TIME_OUT || way == SYNC_SPURIOUS)
		runtime_step(way == SYNC_TIME_OUT ? STEP_COND_TIMEOUT : STEP_COND_WAKE, EVENT_LOCAL, ORDER_RELAXED, site);
	if (way != SYNC_PLAIN)
		return way;
	way = sync_queue_wait(o, STEP_COND_WAKE, limit, cancellable, site);
	if (way != SYNC_PLAIN)
		leave(o, site);
	return way;
}

static int wait(void *c, void *m, const struct sync_limit *limit, bool cancellable, const void *site)
{
	struct sync_object *o = use(c, site), *mutex = sync_mutex_waited_with(m, site);
	cancellable = cancellable && sync_cancel_possible();
	if (cancellable)
		sync_cancel_point(site);
	if (mutex->owner != runtime->current + 1) {
		sync_misuse(mutex, site, "waits on a condition variable without holding the mutex");
		sync_undefined();
	}
	enum sync_way way = sync_choose_way(o, limit, runtime->spurious, cancellable);
	if (way == SYNC_PLAIN)
		join(o, mutex, site);
	sync_mutex_release(mutex, site);
	way = wait_out(o, way, limit, cancellable, site);
	int why = sync_mutex_take_back(mutex, site);
	if (way == SYNC_CANCELLED)
		sync_cancel_act(site);
	return why ? why : way == SYNC_TIME_OUT ? ETIMEDOUT : 0;
}

static int wait_until(void *c, void *m, const clockid_t *clock, const struct timespec *at, bool cancellable, const void *site)
{
	struct sync_object *o = use(c, site);
	struct sync_limit limit;
	sync_read(at, sizeof *at, site);
	int why = sync_limit(at, clock ? *clock : o->clock, &limit);
	return why ? why : wait(c, m, &limit, cancellable, site);
}

static int wake(void *c, bool all, const void *site)
{
	struct sync_object *o = use(c, site);
	struct operation op = sync_operation(o, all ? STEP_COND_BROADCAST : STEP_COND_SIGNAL, ORDER_RELAXED, apply_leave, site);
	op.operand = !all;
	bool wrote;
	uint64_t value = sync_perform(o, &op, &wrote);
	if (!wrote && value == SYNC_DESTROYED) {
		sync_misuse(o, site, "signals a condition variable that was destroyed");
		sync_undefined();
	}
	o->unheard += !wrote;
	if (wrote && !all && o->queued)
		sync_queue_wake(o, runtime_choose(o->queued));
	while (wrote && all && o->queued)
		sync_queue_wake(o, 0);
	return 0;
}

/* pthread --------------------------------------------------------------------------------------------------------------------------- */

int explored_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr);
int explored_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr)
{
	if (!runtime_on())
		return pthread_cond_init(c, attr);
	struct sync_object *o = sync_make(c, sizeof *c, SYNC_COND, 0, SYNC_SITE);
	int why = pthread_cond_init(c, attr);
	read_clock(o);
	return why;
}

static bool has_waiters(uint64_t value)
{
	return value != 0;
}

int explored_pthread_cond_destroy(pthread_cond_t *c);
int explored_pthread_cond_destroy(pthread_cond_t *c)
{
	if (!runtime_on())
		return pthread_cond_destroy(c);
	return sync_destroy(use(c, SYNC_SITE), sizeof *c, has_waiters, "that has waiters", SYNC_SITE) ? 0 : EBUSY;
}

int explored_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int explored_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	if (!runtime_on())
		return pthread_cond_wait(c, m);
	return wait(c, m, NULL, true, SYNC_SITE);
}

int explored_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *at);
int explored_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *at)
{
	if (!runtime_on())
		return pthread_cond_timedwait(c, m, at);
	return wait_until(c, m, NULL, at, true, SYNC_SITE);
}

int explored_pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *at);
int explored_pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *at)
{
	if (!runtime_on())
		return pthread_cond_clockwait(c, m, clock, at);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return EINVAL;
	return wait_until(c, m, &clock, at, true, SYNC_SITE);
}

int explored_pthread_cond_signal(pthread_cond_t *c);
int explored_pthread_cond_signal(pthread_cond_t *c)
{
	return runtime_on() ? wake(c, false, SYNC_SITE) : pthread_cond_signal(c);
}

int explored_pthread_cond_broadcast(pthread_cond_t *c);
int explored_pthread_cond_broadcast(pthread_cond_t *c)
{
	return runtime_on() ? wake(c, true, SYNC_SITE) : pthread_cond_broadcast(c);
}

/* C11: glibc's cnd_t is a pthread_cond_t; not a cancellation point by the standard, but one in glibc ------------------------------------ */

static int as_thrd(int why)
{
	return why == 0 ? thrd_success : why == ETIMEDOUT ? thrd_timedout : thrd_error;
}

int explored_cnd_init(cnd_t *c);
int explored_cnd_init(cnd_t *c)
{
	if (!runtime_on())
		return cnd_init(c);
	struct sync_object *o = sync_make(c, sizeof *c, SYNC_COND, 0, SYNC_SITE);
	o->clock = CLOCK_REALTIME;
	return cnd_init(c);
}

void explored_cnd_destroy(cnd_t *c);
void explored_cnd_destroy(cnd_t *c)
{
	if (!runtime_on())
		cnd_destroy(c);
	else
		sync_destroy(use(c, SYNC_SITE), sizeof *c, has_waiters, "that has waiters", SYNC_SITE);
}

int explored_cnd_wait(cnd_t *c, mtx_t *m);
int explored_cnd_wait(cnd_t *c, mtx_t *m)
{
	return runtime_on() ? as_thrd(wait(c, m, NULL, true, SYNC_SITE)) : cnd_wait(c, m);
}

int explored_cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *at);
int explored_cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *at)
{
	return runtime_on() ? as_thrd(wait_until(c, m, NULL, at, true, SYNC_SITE)) : cnd_timedwait(c, m, at);
}

int explored_cnd_signal(cnd_t *c);
int explored_cnd_signal(cnd_t *c)
{
	return runtime_on() ? as_thrd(wake(c, false, SYNC_SITE)) : cnd_signal(c);
}

int explored_cnd_broadcast(cnd_t *c);
int explored_cnd_broadcast(cnd_t *c)
{
	return runtime_on() ? as_thrd(wake(c, true, SYNC_SITE)) : cnd_broadcast(c);
}
