/* SPDX-License-Identifier: MIT */
/* Unnamed semaphores. Value: the count. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>

#include "sync.h"

static void read_memory(struct sync_object *o)
{
	/* glibc on 64-bit machines: the count is the low half of a 64-bit word. */
	o->value = *(const uint32_t *)o->address;
}

static struct sync_object *use(sem_t *s, const void *site)
{
	return sync_use(s, SYNC_SEMAPHORE, read_memory, site);
}

static enum applied apply_wait(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = value - 1;
	if (value == SYNC_DESTROYED)
		return APPLIED_READ;
	return value ? sync_available(op) : sync_unavailable(op);
}

static enum applied apply_post(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value + 1;
	return value >= SEM_VALUE_MAX ? APPLIED_READ : APPLIED_WRITE;
}

static int failed(int why)
{
	errno = why;
	return -1;
}

static int wait(sem_t *s, bool tries, const struct sync_limit *limit, const void *site)
{
	struct sync_object *o = use(s, site);
	struct operation op = sync_operation(o, tries ? STEP_SEM_TRYWAIT : STEP_SEM_WAIT, ORDER_ACQUIRE, apply_wait, site);
	uint64_t value;
	bool wrote;
	op.expected = SYNC_TRIES;
	int late = 0;
	if (tries)
		value = sync_poll(o, &op, &wrote);
	else
		late = sync_acquire(o, &op, limit, true, &value, &wrote);
	if (wrote)
		return 0;
	if (value != SYNC_DESTROYED)
		return failed(late ? late : EAGAIN);
	sync_misuse(o, site, "waits for a semaphore that was destroyed");
	sync_undefined();
}

static int wait_until(sem_t *s, clockid_t clock, const struct timespec *at, const void *site)
{
	struct sync_limit limit;
	runtime_enter();
	sync_read(at, sizeof *at, site);
	int why = sync_limit(at, clock, &limit);
	return why ? failed(why) : wait(s, false, &limit, site);
}

static int post(sem_t *s, const void *site)
{
	struct sync_object *o = use(s, site);
	struct operation op = sync_operation(o, STEP_SEM_POST, ORDER_RELEASE, apply_post, site);
	bool wrote;
	uint64_t value = sync_perform(o, &op, &wrote);
	if (wrote)
		return 0;
	if (value == SYNC_DESTROYED) {
		sync_misuse(o, site, "posts a semaphore that was destroyed");
		sync_undefined();
	}
	sync_misuse(o, site, "posts a semaphore beyond its greatest value");
	return failed(EOVERFLOW);
}

int explored_sem_init(sem_t *s, int shared, unsigned value);
int explored_sem_init(sem_t *s, int shared, unsigned value)
{
	if (runtime_on() && value <= SEM_VALUE_MAX)
		sync_make(s, sizeof *s, SYNC_SEMAPHORE, value, SYNC_SITE);
	return sem_init(s, shared, value);
}

/* Waiters do not show in the value; one that is there when it is destroyed finds it destroyed. */
static bool never(uint64_t value)
{
	(void)value;
	return false;
}

int explored_sem_destroy(sem_t *s);
int explored_sem_destroy(sem_t *s)
{
	if (!runtime_on())
		return sem_destroy(s);
	return sync_destroy(use(s, SYNC_SITE), sizeof *s, never, "", SYNC_SITE) ? 0 : failed(EINVAL);
}

int explored_sem_wait(sem_t *s);
int explored_sem_wait(sem_t *s)
{
	return runtime_on() ? wait(s, false, NULL, SYNC_SITE) : sem_wait(s);
}

SYNC_KEEPS_REGISTERS(sem_trywait);
int kept_sem_trywait(sem_t *s);
int kept_sem_trywait(sem_t *s)
{
	return runtime_on() ? wait(s, true, NULL, SYNC_SITE) : sem_trywait(s);
}

int explored_sem_timedwait(sem_t *s, const struct timespec *at);
int explored_sem_timedwait(sem_t *s, const struct timespec *at)
{
	return runtime_on() ? wait_until(s, CLOCK_REALTIME, at, SYNC_SITE) : sem_timedwait(s, at);
}

int explored_sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *at);
int explored_sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *at)
{
	return runtime_on() ? wait_until(s, clock, at, SYNC_SITE) : sem_clockwait(s, clock, at);
}

int explored_sem_post(sem_t *s);
int explored_sem_post(sem_t *s)
{
	return runtime_on() ? post(s, SYNC_SITE) : sem_post(s);
}

SYNC_KEEPS_REGISTERS(sem_getvalue);
int kept_sem_getvalue(sem_t *s, int *value);
int kept_sem_getvalue(sem_t *s, int *value)
{
	if (!runtime_on())
		return sem_getvalue(s, value);
	struct sync_object *o = use(s, SYNC_SITE);
	struct operation op = sync_operation(o, STEP_OTHER, ORDER_RELAXED, NULL, SYNC_SITE);
	op.kind = EVENT_READ;
	int count = (int)sync_poll(o, &op, NULL);
	sync_write(value, &count, sizeof count, SYNC_SITE);
	return 0;
}

/* Named ones are shared with other processes, which nobody controls. */
sem_t *explored_sem_open(const char *name, int flags, ...);
sem_t *explored_sem_open(const char *name, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	unsigned value = flags & O_CREAT ? va_arg(args, unsigned) : 0;
	va_end(args);
	if (runtime_on())
		runtime_uncontrolled("sem_open");
	return sem_open(name, flags, mode, value);
}
