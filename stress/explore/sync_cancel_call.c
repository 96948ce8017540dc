/* SPDX-License-Identifier: MIT */
/* pthread_cancel, alone in its file: sync_cancel.c learns from its presence whether a program can cancel at all. */
#include <errno.h>

#include "sync.h"

static enum applied apply_request(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = 1;
	return value ? APPLIED_READ : APPLIED_WRITE;
}

int explored_pthread_cancel(pthread_t handle);
int explored_pthread_cancel(pthread_t handle)
{
	if (!runtime_on())
		return pthread_cancel(handle);
	runtime_enter();
	struct thread *target = sync_by_handle(handle);
	if (!target)
		return ESRCH;
	if (!sync_state->cancel_seen) {
		sync_state->cancel_seen = true;
		/* Exhaustive searches begin again: later executions have another shape. */
		races_promote(0, 0);
	}
	struct sync_object *o = sync_object((const void *)handle, SYNC_CANCEL, NULL);
	struct operation op = sync_operation(o, STEP_THREAD_CANCEL, ORDER_RELEASE, apply_request, SYNC_SITE);
	bool wrote;
	sync_perform(o, &op, &wrote);
	struct sync_thread *asked = sync_thread(target->id);
	if (wrote && !target->ended) {
		asked->cancel_pending = true;
		asked->cancel_by = runtime->graph->last[runtime->current];
	}
	if (target->id == runtime->current && asked->cancel_now)
		sync_cancel_point(SYNC_SITE);
	return 0;
}
