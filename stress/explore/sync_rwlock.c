/* SPDX-License-Identifier: MIT */
/* Read-write locks.
 *
 * Value: how many read, or RWLOCK_WRITTEN + the writer + 1. Readers do not give way to waiting writers, as in glibc's default.
 */
#include <errno.h>

#include "sync.h"

enum { RWLOCK_WRITTEN = 1 << 16 };

static struct sync_object *use(pthread_rwlock_t *l, const void *site)
{
	return sync_use(l, SYNC_RWLOCK, NULL, site);
}

static enum applied apply_read_lock(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = value + 1;
	if (value == SYNC_DESTROYED)
		return APPLIED_READ;
	return value & RWLOCK_WRITTEN ? sync_unavailable(op) : sync_available(op);
}

static enum applied apply_write_lock(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	if (value == SYNC_DESTROYED)
		return APPLIED_READ;
	return value ? sync_unavailable(op) : sync_available(op);
}

static enum applied apply_unlock(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value & RWLOCK_WRITTEN ? 0 : value - 1;
	return value == 0 || value == SYNC_DESTROYED ? APPLIED_READ : APPLIED_WRITE;
}

static int lock(pthread_rwlock_t *l, bool write, bool tries, const struct sync_limit *limit, const void *site)
{
	struct sync_object *o = use(l, site);
	if (l->__data.__flags != PTHREAD_RWLOCK_PREFER_READER_NP)
		runtime_uncontrolled("a read-write lock that prefers writers");
	unsigned self = runtime->current;
	if (o->owner == self + 1)
		return tries ? EBUSY : EDEADLK;
	struct operation op = sync_operation(
		o, write ? STEP_WRITE_LOCK : STEP_READ_LOCK, ORDER_ACQUIRE, write ? apply_write_lock : apply_read_lock, site);
	op.operand = RWLOCK_WRITTEN + self + 1;
	op.expected = SYNC_TRIES;
	op.lock = !limit;
	if (!op.lock)
		runtime_effect();
	uint64_t value;
	bool wrote;
	int late = 0;
	if (tries)
		value = sync_poll(o, &op, &wrote);
	else
		late = sync_acquire(o, &op, limit, false, &value, &wrote);
	if (late || (!wrote && value != SYNC_DESTROYED))
		return late ? late : EBUSY;
	if (!wrote) {
		sync_misuse(o, site, "locks a read-write lock that was destroyed");
		sync_undefined();
	}
	if (write)
		o->owner = (uint16_t)(self + 1);
	else
		o->queue[self]++;
	o->site = site;
	sync_self()->held++;
	return 0;
}

static int lock_until(pthread_rwlock_t *l, bool write, clockid_t clock, const struct timespec *at, const void *site)
{
	struct sync_limit limit;
	sync_read(at, sizeof *at, site);
	int why = sync_limit(at, clock, &limit);
	return why ? why : lock(l, write, false, &limit, site);
}

static int unlock(pthread_rwlock_t *l, const void *site)
{
	struct sync_object *o = use(l, site);
	unsigned self = runtime->current;
	if (o->value == SYNC_DESTROYED) {
		sync_misuse(o, site, "unlocks a read-write lock that was destroyed");
		return EINVAL;
	}
	if (o->owner != self + 1 && !o->queue[self]) {
		if (o->owner)
			sync_misuse(o, site, "unlocks a read-write lock that thread %u holds", o->owner - 1u);
		else
			sync_misuse(NULL, site, "unlocks a read-write lock that it does not hold");
		return EPERM;
	}
	struct operation op = sync_operation(o, STEP_RW_UNLOCK, ORDER_RELEASE, apply_unlock, site);
	op.lock = true;
	sync_perform(o, &op, NULL);
	if (o->owner == self + 1)
		o->owner = 0;
	else
		o->queue[self]--;
	sync_self()->held--;
	return 0;
}

int explored_pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr);
int explored_pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr)
{
	if (runtime_on())
		sync_make(l, sizeof *l, SYNC_RWLOCK, 0, SYNC_SITE);
	return pthread_rwlock_init(l, attr);
}

static bool is_locked(uint64_t value)
{
	return value != 0;
}

int explored_pthread_rwlock_destroy(pthread_rwlock_t *l);
int explored_pthread_rwlock_destroy(pthread_rwlock_t *l)
{
	if (!runtime_on())
		return pthread_rwlock_destroy(l);
	return sync_destroy(use(l, SYNC_SITE), sizeof *l, is_locked, "that is locked", SYNC_SITE) ? 0 : EBUSY;
}

SYNC_KEEPS_REGISTERS(pthread_rwlock_rdlock);
int kept_pthread_rwlock_rdlock(pthread_rwlock_t *l);
int kept_pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	return runtime_on() ? lock(l, false, false, NULL, SYNC_SITE) : pthread_rwlock_rdlock(l);
}

SYNC_KEEPS_REGISTERS(pthread_rwlock_wrlock);
int kept_pthread_rwlock_wrlock(pthread_rwlock_t *l);
int kept_pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	return runtime_on() ? lock(l, true, false, NULL, SYNC_SITE) : pthread_rwlock_wrlock(l);
}

SYNC_KEEPS_REGISTERS(pthread_rwlock_tryrdlock);
int kept_pthread_rwlock_tryrdlock(pthread_rwlock_t *l);
int kept_pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
	return runtime_on() ? lock(l, false, true, NULL, SYNC_SITE) : pthread_rwlock_tryrdlock(l);
}

SYNC_KEEPS_REGISTERS(pthread_rwlock_trywrlock);
int kept_pthread_rwlock_trywrlock(pthread_rwlock_t *l);
int kept_pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
	return runtime_on() ? lock(l, true, true, NULL, SYNC_SITE) : pthread_rwlock_trywrlock(l);
}

int explored_pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *at);
int explored_pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *at)
{
	return runtime_on() ? lock_until(l, false, CLOCK_REALTIME, at, SYNC_SITE) : pthread_rwlock_timedrdlock(l, at);
}

int explored_pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *at);
int explored_pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *at)
{
	return runtime_on() ? lock_until(l, true, CLOCK_REALTIME, at, SYNC_SITE) : pthread_rwlock_timedwrlock(l, at);
}

int explored_pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *at);
int explored_pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *at)
{
	return runtime_on() ? lock_until(l, false, clock, at, SYNC_SITE) : pthread_rwlock_clockrdlock(l, clock, at);
}

int explored_pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *at);
int explored_pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *at)
{
	return runtime_on() ? lock_until(l, true, clock, at, SYNC_SITE) : pthread_rwlock_clockwrlock(l, clock, at);
}

int explored_pthread_rwlock_unlock(pthread_rwlock_t *l);
int explored_pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	return runtime_on() ? unlock(l, SYNC_SITE) : pthread_rwlock_unlock(l);
}
