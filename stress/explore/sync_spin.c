/* SPDX-License-Identifier: MIT */
/* Spin locks of pthread: a waiting thread waits, it does not spin; who wins is the search's choice either way.
 *
 * Value: 0, or holder + 1. glibc's memory of one that was never initialised says "locked".
 */
#include <errno.h>

#include "sync.h"

static void read_memory(struct sync_object *o)
{
	/* 1: initialised by code that is not explored. */
	o->made = *(const volatile int *)o->address == 1;
}

static struct sync_object *use(pthread_spinlock_t *l, const void *site)
{
	struct sync_object *o = sync_use((const void *)l, SYNC_SPIN, read_memory, site);
	if (!o->made) {
		sync_misuse(NULL, site, "uses a spin lock that was never initialised");
		o->made = true;
	}
	return o;
}

static enum applied apply_lock(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	if (value == SYNC_DESTROYED)
		return APPLIED_READ;
	return value ? sync_unavailable(op) : sync_available(op);
}

static enum applied apply_unlock(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = 0;
	return value == 0 || value == SYNC_DESTROYED ? APPLIED_READ : APPLIED_WRITE;
}

static int lock(pthread_spinlock_t *l, bool tries, const void *site)
{
	struct sync_object *o = use(l, site);
	struct operation op = sync_operation(o, tries ? STEP_SPIN_TRYLOCK : STEP_SPIN_LOCK, ORDER_ACQUIRE, apply_lock, site);
	op.operand = runtime->current + 1;
	op.waits = !tries;
	op.lock = true;
	op.expected = tries ? SYNC_TRIES : SYNC_WAITS;
	bool wrote;
	uint64_t value = tries ? sync_poll(o, &op, &wrote) : sync_perform(o, &op, &wrote);
	if (!wrote && value != SYNC_DESTROYED)
		return EBUSY;
	if (!wrote) {
		sync_misuse(o, site, "locks a spin lock that was destroyed");
		sync_undefined();
	}
	o->owner = (uint16_t)(runtime->current + 1);
	o->site = site;
	sync_self()->held++;
	return 0;
}

static int unlock(pthread_spinlock_t *l, const void *site)
{
	struct sync_object *o = use(l, site);
	struct operation op = sync_operation(o, STEP_SPIN_UNLOCK, ORDER_RELEASE, apply_unlock, site);
	op.lock = true;
	bool wrote;
	uint64_t value = sync_perform(o, &op, &wrote);
	if (!wrote)
		sync_misuse(NULL, site, "unlocks a spin lock that %s", value ? "was destroyed" : "is not locked");
	else if (value != runtime->current + 1)
		sync_misuse(o, site, "unlocks a spin lock that thread %u holds", (unsigned)value - 1);
	if (wrote) {
		sync_thread((unsigned)value - 1)->held--;
		o->owner = 0;
	}
	return 0;
}

static bool is_locked(uint64_t value)
{
	return value != 0;
}

int explored_pthread_spin_init(pthread_spinlock_t *l, int shared);
int explored_pthread_spin_init(pthread_spinlock_t *l, int shared)
{
	if (runtime_on())
		sync_make((void *)l, sizeof *l, SYNC_SPIN, 0, SYNC_SITE);
	return pthread_spin_init(l, shared);
}

int explored_pthread_spin_destroy(pthread_spinlock_t *l);
int explored_pthread_spin_destroy(pthread_spinlock_t *l)
{
	if (!runtime_on())
		return pthread_spin_destroy(l);
	return sync_destroy(use(l, SYNC_SITE), sizeof *l, is_locked, "that is locked", SYNC_SITE) ? 0 : EBUSY;
}

SYNC_KEEPS_REGISTERS(pthread_spin_lock);
int kept_pthread_spin_lock(pthread_spinlock_t *l);
int kept_pthread_spin_lock(pthread_spinlock_t *l)
{
	return runtime_on() ? lock(l, false, SYNC_SITE) : pthread_spin_lock(l);
}

SYNC_KEEPS_REGISTERS(pthread_spin_trylock);
int kept_pthread_spin_trylock(pthread_spinlock_t *l);
int kept_pthread_spin_trylock(pthread_spinlock_t *l)
{
	return runtime_on() ? lock(l, true, SYNC_SITE) : pthread_spin_trylock(l);
}

int explored_pthread_spin_unlock(pthread_spinlock_t *l);
int explored_pthread_spin_unlock(pthread_spinlock_t *l)
{
	return runtime_on() ? unlock(l, SYNC_SITE) : pthread_spin_unlock(l);
}
