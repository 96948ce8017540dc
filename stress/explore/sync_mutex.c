/* SPDX-License-Identifier: MIT */
/* Mutexes of pthread and C11: all types, timed, robust.
 *
 * Value: 0, or holder + 1; of a robust mutex also MUTEX_DIED (its holder ended) and MUTEX_LOST (not made consistent: never usable
 * again). Attributes are the C library's, read from the object as its initialiser left it.
 */
#include <errno.h>
#include <string.h>
#include <threads.h>

#include "amend.h"
#include "sync.h"
#include "sync_mutex.h"

enum { MUTEX_DIED = 1 << 16, MUTEX_LOST = 1 << 17 };
/* Bits of __data.__kind in glibc: the type, and robustness. */
enum { KIND_TYPE = 3, KIND_ROBUST = 16 };

static void read_kind(struct sync_object *o)
{
	const pthread_mutex_t *m = (const pthread_mutex_t *)o->address;
	o->type = (uint8_t)(m->__data.__kind & KIND_TYPE);
	o->robust = (m->__data.__kind & KIND_ROBUST) != 0;
}

static struct sync_object *use(const void *m, const void *site)
{
	return sync_use(m, SYNC_MUTEX, read_kind, site);
}

static bool strict(const struct sync_object *o)
{
	return o->type == PTHREAD_MUTEX_RECURSIVE || o->type == PTHREAD_MUTEX_ERRORCHECK || o->robust;
}

static enum applied apply_lock(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	if (value == SYNC_DESTROYED || value == MUTEX_LOST)
		return APPLIED_READ;
	return value == 0 || value == MUTEX_DIED ? sync_available(op) : sync_unavailable(op);
}

/* What a lock operation that read VALUE returns; the running thread holds it if it WROTE. */
static int locked(struct sync_object *o, uint64_t value, bool wrote, const void *site)
{
	if (wrote) {
		o->owner = (uint16_t)(runtime->current + 1);
		o->nested = 0;
		o->site = site;
		o->died = value == MUTEX_DIED;
		sync_self()->held++;
		return o->died ? EOWNERDEAD : 0;
	}
	if (value == MUTEX_LOST)
		return ENOTRECOVERABLE;
	if (value != SYNC_DESTROYED)
		return EBUSY;
	sync_misuse(o, site, "locks a mutex that was destroyed");
	sync_undefined();
}

/* The owner comes again. Returns false if that is an ordinary operation, which blocks. */
static bool again(struct sync_object *o, int other, int *returned)
{
	if (o->owner != runtime->current + 1)
		return false;
	if (o->type == PTHREAD_MUTEX_RECURSIVE || amend_holds(o->address))
		*returned = o->nested == UINT32_MAX ? EAGAIN : (runtime_effect(), o->nested++, 0);
	else if (o->type == PTHREAD_MUTEX_ERRORCHECK)
		*returned = other;
	else
		return false;
	return true;
}

static int acquire(struct sync_object *o, const struct sync_limit *limit, const void *site)
{
	struct operation op = sync_operation(o, STEP_LOCK, ORDER_ACQUIRE, apply_lock, site);
	op.operand = runtime->current + 1;
	op.lock = !limit && !o->robust;
	if (!op.lock)
		runtime_effect();
	uint64_t value;
	bool wrote;
	int late = sync_acquire(o, &op, limit, false, &value, &wrote);
	return late ? late : locked(o, value, wrote, site);
}

static int lock(struct sync_object *o, const struct sync_limit *limit, const void *site)
{
	int returned;
	return again(o, EDEADLK, &returned) ? returned : acquire(o, limit, site);
}

static int trylock(struct sync_object *o, const void *site)
{
	int returned;
	if (again(o, EBUSY, &returned))
		return returned;
	struct operation op = sync_operation(o, STEP_TRYLOCK, ORDER_ACQUIRE, apply_lock, site);
	op.operand = runtime->current + 1;
	op.expected = SYNC_TRIES;
	op.lock = !o->robust;
	bool wrote;
	uint64_t value = sync_poll(o, &op, &wrote);
	return locked(o, value, wrote, site);
}

static int lock_until(void *m, clockid_t clock, const struct timespec *at, const void *site)
{
	struct sync_object *o = use(m, site);
	struct sync_limit limit;
	sync_read(at, sizeof *at, site);
	int why = sync_limit(at, clock, &limit);
	return why ? why : lock(o, &limit, site);
}

/* Whoever holds it: an ordinary mutex does not ask. */
static enum applied apply_unlock(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	return value == 0 || value == SYNC_DESTROYED || value == MUTEX_DIED || value == MUTEX_LOST ? APPLIED_READ : APPLIED_WRITE;
}

static int unlock(struct sync_object *o, const void *site)
{
	unsigned self = runtime->current + 1;
	if (strict(o) && o->owner != self && o->value != SYNC_DESTROYED)
		return EPERM;
	if (o->nested) {
		o->nested--;
		return 0;
	}
	struct operation op = sync_operation(o, STEP_UNLOCK, ORDER_RELEASE, apply_unlock, site);
	op.operand = o->died && o->owner == self ? MUTEX_LOST : 0;
	op.lock = !o->robust && o->owner == self;
	bool wrote;
	uint64_t value = sync_perform(o, &op, &wrote);
	if (__builtin_expect(value == self, 1)) {
		sync_self()->held--;
		o->owner = 0;
		return 0;
	}
	if (value == SYNC_DESTROYED)
		sync_misuse(o, site, "unlocks a mutex that was destroyed");
	else if (!wrote)
		sync_misuse(NULL, site, "unlocks a mutex that is not locked");
	else
		sync_misuse(o, site, "unlocks a mutex that thread %u holds", (unsigned)value - 1);
	if (wrote) {
		sync_thread((unsigned)value - 1)->held--;
		o->owner = 0;
	}
	return 0;
}

/* For condition variables ----------------------------------------------------------------------------------------------------------- */

struct sync_object *sync_mutex_waited_with(void *m, const void *site)
{
	return use(m, site);
}

int sync_mutex_release(struct sync_object *o, const void *site)
{
	amend_lend(o->address, &o->nested);
	return unlock(o, site);
}

int sync_mutex_take_back(struct sync_object *o, const void *site)
{
	int why = lock(o, NULL, site);
	amend_restore(o->address, &o->nested);
	return why;
}

/* For code that is to be under a mutex ---------------------------------------------------------------------------------------------- */

void sync_mutex_enter(void *m, const void *site)
{
	struct sync_object *o = sync_object(m, SYNC_MUTEX, read_kind);
	if (o->owner == runtime->current + 1)
		o->nested++;
	else
		acquire(o, NULL, site);
}

bool sync_mutex_leave(void *m, const void *site)
{
	struct sync_object *o = sync_object(m, SYNC_MUTEX, read_kind);
	if (o->owner == runtime->current + 1)
		unlock(o, site);
	return o->owner == runtime->current + 1;
}

/* The end of a thread --------------------------------------------------------------------------------------------------------------- */

static void pass_on(struct sync_object *o)
{
	struct operation op = sync_operation(o, STEP_UNLOCK, ORDER_RELEASE, apply_unlock, o->site);
	op.operand = MUTEX_DIED;
	sync_perform(o, &op, NULL);
	o->owner = 0;
	o->nested = 0;
}

static void left_locked(const struct sync_object *o)
{
	struct place place = {.thread = runtime->current, .frame_count = 1, .frame[0] = o->site};
	__builtin_snprintf(place.role, sizeof place.role, "locked it");
	runtime_finding(FINDING_MISUSE, &place, 1, "thread %u ends while it holds a %s", runtime->current, sync_kind_name(o));
}

void sync_locks_end(void)
{
	unsigned self = runtime->current + 1;
	if (!sync_self()->held)
		return;
	for (uint32_t i = 0; i < sync_state->count; i++) {
		struct sync_object *o = &sync_state->object[i];
		bool reads = o->kind == SYNC_RWLOCK && o->queue[self - 1];
		bool holds = o->owner == self && (o->kind == SYNC_MUTEX || o->kind == SYNC_RWLOCK || o->kind == SYNC_SPIN);
		if (holds && o->kind == SYNC_MUTEX && o->robust)
			pass_on(o);
		else if (holds || reads)
			left_locked(o);
	}
}

/* pthread --------------------------------------------------------------------------------------------------------------------------- */

int explored_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
int explored_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
	if (!runtime_on())
		return pthread_mutex_init(m, attr);
	struct sync_object *o = sync_make(m, sizeof *m, SYNC_MUTEX, 0, SYNC_SITE);
	int why = pthread_mutex_init(m, attr);
	read_kind(o);
	return why;
}

static bool is_locked(uint64_t value)
{
	return value != 0 && value != MUTEX_DIED && value != MUTEX_LOST;
}

int explored_pthread_mutex_destroy(pthread_mutex_t *m);
int explored_pthread_mutex_destroy(pthread_mutex_t *m)
{
	if (!runtime_on())
		return pthread_mutex_destroy(m);
	return sync_destroy(use(m, SYNC_SITE), sizeof *m, is_locked, "that is locked", SYNC_SITE) ? 0 : EBUSY;
}

SYNC_KEEPS_REGISTERS(pthread_mutex_lock);
int kept_pthread_mutex_lock(pthread_mutex_t *m);
int kept_pthread_mutex_lock(pthread_mutex_t *m)
{
	if (!runtime_on())
		return pthread_mutex_lock(m);
	return lock(use(m, SYNC_SITE), NULL, SYNC_SITE);
}

SYNC_KEEPS_REGISTERS(pthread_mutex_trylock);
int kept_pthread_mutex_trylock(pthread_mutex_t *m);
int kept_pthread_mutex_trylock(pthread_mutex_t *m)
{
	if (!runtime_on())
		return pthread_mutex_trylock(m);
	return trylock(use(m, SYNC_SITE), SYNC_SITE);
}

int explored_pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *at);
int explored_pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *at)
{
	if (!runtime_on())
		return pthread_mutex_timedlock(m, at);
	return lock_until(m, CLOCK_REALTIME, at, SYNC_SITE);
}

int explored_pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *at);
int explored_pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *at)
{
	if (!runtime_on())
		return pthread_mutex_clocklock(m, clock, at);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return EINVAL;
	return lock_until(m, clock, at, SYNC_SITE);
}

int explored_pthread_mutex_unlock(pthread_mutex_t *m);
int explored_pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (!runtime_on())
		return pthread_mutex_unlock(m);
	return unlock(use(m, SYNC_SITE), SYNC_SITE);
}

int explored_pthread_mutex_consistent(pthread_mutex_t *m);
int explored_pthread_mutex_consistent(pthread_mutex_t *m)
{
	if (!runtime_on())
		return pthread_mutex_consistent(m);
	struct sync_object *o = use(m, SYNC_SITE);
	if (!o->robust || !o->died || o->owner != runtime->current + 1)
		return EINVAL;
	o->died = false;
	return 0;
}

/* C11: glibc's mtx_t is a pthread_mutex_t ------------------------------------------------------------------------------------------- */

static int as_thrd(int why)
{
	switch (why) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

int explored_mtx_init(mtx_t *m, int type);
int explored_mtx_init(mtx_t *m, int type)
{
	if (!runtime_on())
		return mtx_init(m, type);
	struct sync_object *o = sync_make(m, sizeof *m, SYNC_MUTEX, 0, SYNC_SITE);
	int why = mtx_init(m, type);
	read_kind(o);
	return why;
}

void explored_mtx_destroy(mtx_t *m);
void explored_mtx_destroy(mtx_t *m)
{
	if (!runtime_on())
		mtx_destroy(m);
	else
		sync_destroy(use(m, SYNC_SITE), sizeof *m, is_locked, "that is locked", SYNC_SITE);
}

SYNC_KEEPS_REGISTERS(mtx_lock);
int kept_mtx_lock(mtx_t *m);
int kept_mtx_lock(mtx_t *m)
{
	return runtime_on() ? as_thrd(lock(use(m, SYNC_SITE), NULL, SYNC_SITE)) : mtx_lock(m);
}

SYNC_KEEPS_REGISTERS(mtx_trylock);
int kept_mtx_trylock(mtx_t *m);
int kept_mtx_trylock(mtx_t *m)
{
	return runtime_on() ? as_thrd(trylock(use(m, SYNC_SITE), SYNC_SITE)) : mtx_trylock(m);
}

int explored_mtx_timedlock(mtx_t *m, const struct timespec *at);
int explored_mtx_timedlock(mtx_t *m, const struct timespec *at)
{
	return runtime_on() ? as_thrd(lock_until(m, CLOCK_REALTIME, at, SYNC_SITE)) : mtx_timedlock(m, at);
}

int explored_mtx_unlock(mtx_t *m);
int explored_mtx_unlock(mtx_t *m)
{
	return runtime_on() ? as_thrd(unlock(use(m, SYNC_SITE), SYNC_SITE)) : mtx_unlock(m);
}
