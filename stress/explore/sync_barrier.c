/* SPDX-License-Identifier: MIT */
/* Barriers.
 *
 * Value: arrivals so far. The last arrival of a round wakes the others of it; its thread is the one that is told so.
 */
#include <errno.h>

#include "sync.h"

static void read_memory(struct sync_object *o)
{
	/* glibc's struct pthread_barrier: in, current_round, count, … */
	o->parties = ((const unsigned *)o->address)[2];
}

static struct sync_object *use(pthread_barrier_t *b, const void *site)
{
	return sync_use(b, SYNC_BARRIER, read_memory, site);
}

static enum applied apply_arrive(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value + 1;
	return value == SYNC_DESTROYED ? APPLIED_READ : APPLIED_WRITE;
}

static int arrive(pthread_barrier_t *b, const void *site)
{
	struct sync_object *o = use(b, site);
	if (!o->parties) {
		sync_misuse(NULL, site, "waits at a barrier that was never initialised");
		sync_undefined();
	}
	struct operation op = sync_operation(o, STEP_BARRIER_WAIT, ORDER_ACQ_REL, apply_arrive, site);
	bool wrote;
	sync_perform(o, &op, &wrote);
	if (!wrote) {
		sync_misuse(o, site, "waits at a barrier that was destroyed");
		sync_undefined();
	}
	if (o->value % o->parties == 0) {
		while (o->queued)
			sync_queue_wake(o, 0);
		return PTHREAD_BARRIER_SERIAL_THREAD;
	}
	sync_queue_join(o, "barrier");
	sync_queue_wait(o, STEP_BARRIER_LEAVE, NULL, false, site);
	return 0;
}

int explored_pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count);
int explored_pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count)
{
	if (!runtime_on())
		return pthread_barrier_init(b, attr, count);
	if (count == 0)
		return EINVAL;
	sync_make(b, sizeof *b, SYNC_BARRIER, 0, SYNC_SITE)->parties = count;
	return pthread_barrier_init(b, attr, count);
}

/* A value alone does not tell how many wait: the caller asks the queue. */
static bool never(uint64_t value)
{
	(void)value;
	return false;
}

int explored_pthread_barrier_destroy(pthread_barrier_t *b);
int explored_pthread_barrier_destroy(pthread_barrier_t *b)
{
	if (!runtime_on())
		return pthread_barrier_destroy(b);
	struct sync_object *o = use(b, SYNC_SITE);
	if (o->queued) {
		sync_misuse(o, SYNC_SITE, "destroys a barrier that has waiters");
		return EBUSY;
	}
	return sync_destroy(o, sizeof *b, never, "", SYNC_SITE) ? 0 : EINVAL;
}

int explored_pthread_barrier_wait(pthread_barrier_t *b);
int explored_pthread_barrier_wait(pthread_barrier_t *b)
{
	return runtime_on() ? arrive(b, SYNC_SITE) : pthread_barrier_wait(b);
}
