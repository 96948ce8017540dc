/* SPDX-License-Identifier: MIT */
/* Cancellation: where the running thread may act on a request, and how.
 *
 * A sampling search looks at a flag at each cancellation point, and a cancelled wait becomes ready. An exhaustive search has to see the
 * question: it is a read of the request, an object with value 0 or 1, and a wait that a request ends is another way that the wait can go
 * (sync_choose_way). Those reads and ways are only there once the program has been seen to cancel at all in this exploration; when it
 * first does, searches begin again, as they do when a race was found.
 */
#include <errno.h>
#include <stdio.h>

#include "sync.h"

/* Only there if the program calls it: sync_cancel_call.c is a member of the library of its own. */
int explored_pthread_cancel(pthread_t handle) __attribute__((weak));

bool sync_cancel_possible(void)
{
	const struct sync_thread *self = sync_self();
	return explored_pthread_cancel != NULL && !self->cancel_off && !self->unwinding &&
	       (!runtime->graph->full || sync_state->cancel_modelled || self->cancel_pending);
}

bool sync_cancel_asked(const struct sync_thread *self)
{
	return self->cancel_pending && !self->cancel_off && !self->unwinding;
}

static struct sync_object *request(unsigned thread)
{
	return sync_object((const void *)sync_handle(thread), SYNC_CANCEL, NULL);
}

static enum applied apply_look(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)written;
	return op->waits && value == 0 ? APPLIED_BLOCK : APPLIED_READ;
}

static struct operation look(const struct sync_object *o, bool waits, const void *site)
{
	struct operation op = sync_operation(o, STEP_THREAD_CANCEL, ORDER_ACQUIRE, apply_look, site);
	op.kind = EVENT_READ;
	op.order_failed = ORDER_ACQUIRE;
	op.waits = waits;
	return op;
}

void sync_cancel_await(const void *site)
{
	struct sync_object *o = request(runtime->current);
	struct operation op = look(o, true, site);
	sync_self()->timed = true;
	sync_perform(o, &op, NULL);
	sync_self()->timed = false;
}

static bool at_once(void *arg, event_id *from)
{
	*from = ((struct sync_thread *)arg)->cancel_by;
	return true;
}

void sync_cancel_act(const void *site)
{
	struct sync_thread *self = sync_self();
	/* Behind the request, unless a wait or a look came behind it already. */
	if (!sync_state->cancel_modelled && self->cancel_by)
		runtime_wait(STEP_THREAD_CANCEL, site, at_once, NULL, self);
	runtime_thread()->cancelled = true;
	sync_exit(PTHREAD_CANCELED);
}

static void point(bool polls, const void *site)
{
	if (!sync_cancel_possible())
		return;
	bool asked = sync_cancel_asked(sync_self());
	if (sync_state->cancel_modelled) {
		struct sync_object *o = request(runtime->current);
		struct operation op = look(o, false, site);
		asked = (polls ? sync_poll(o, &op, NULL) : sync_perform(o, &op, NULL)) == 1;
	}
	if (asked)
		sync_cancel_act(site);
}

void sync_cancel_point(const void *site)
{
	point(false, site);
}

void sync_cancel_poll(const void *site)
{
	point(true, site);
}

SYNC_KEEPS_REGISTERS(pthread_testcancel);
void kept_pthread_testcancel(void);
void kept_pthread_testcancel(void)
{
	if (!runtime_on()) {
		pthread_testcancel();
		return;
	}
	runtime_enter();
	sync_cancel_poll(SYNC_SITE);
}

int explored_pthread_setcancelstate(int state, int *old);
int explored_pthread_setcancelstate(int state, int *old)
{
	if (!runtime_on())
		return pthread_setcancelstate(state, old);
	runtime_enter();
	if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
		return EINVAL;
	struct sync_thread *self = sync_self();
	int was = self->cancel_off ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
	if (old)
		sync_write(old, &was, sizeof was, SYNC_SITE);
	self->cancel_off = state == PTHREAD_CANCEL_DISABLE;
	if (self->cancel_now)
		sync_cancel_point(SYNC_SITE);
	return 0;
}

int explored_pthread_setcanceltype(int type, int *old);
int explored_pthread_setcanceltype(int type, int *old)
{
	if (!runtime_on())
		return pthread_setcanceltype(type, old);
	runtime_enter();
	if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
		return EINVAL;
	struct sync_thread *self = sync_self();
	int was = self->cancel_now ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
	if (old)
		sync_write(old, &was, sizeof was, SYNC_SITE);
	self->cancel_now = type == PTHREAD_CANCEL_ASYNCHRONOUS;
	if (self->cancel_now)
		sync_cancel_point(SYNC_SITE);
	return 0;
}
