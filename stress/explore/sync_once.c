/* SPDX-License-Identifier: MIT */
/* pthread_once and call_once.
 *
 * Value: 0, ONCE_RUNS + the thread + 1 that runs the routine, ONCE_DONE. The memory says 2 when it is done, as glibc's does, so that
 * assigning PTHREAD_ONCE_INIT arms it again.
 */
#include <threads.h>

#include "sync.h"

enum { ONCE_DONE = 1, ONCE_RUNS = 1 << 16, MEMORY_DONE = 2 };

static void read_memory(struct sync_object *o)
{
	o->value = *(const int *)o->address & MEMORY_DONE ? ONCE_DONE : 0;
}

static enum applied apply_begin(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	if (value == 0)
		return APPLIED_WRITE;
	return value == ONCE_DONE ? APPLIED_READ : APPLIED_BLOCK;
}

/* By the thread that runs it. */
static enum applied apply_end(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)value;
	*written = op->operand;
	return APPLIED_WRITE;
}

static void end(struct sync_object *o, uint64_t value, const void *site)
{
	struct operation op = sync_operation(o, STEP_ONCE_DONE, ORDER_RELEASE, apply_end, site);
	op.operand = value;
	o->owner = 0;
	sync_perform(o, &op, NULL);
}

/* Cancelled or ended inside: as if it had never begun. */
static void undone(void *arg)
{
	struct sync_object *o = arg;
	end(o, 0, o->site);
}

/* C++ (cxx/plain/once.cc): an exception leaves the routine. */
void explored_once_left(void);
void explored_once_left(void)
{
	struct sync_handler *handler = runtime_on() ? sync_self()->handler : NULL;
	if (!handler || handler->run != undone)
		return;
	runtime_enter();
	sync_self()->handler = handler->previous;
	undone(handler->arg);
}

static void once(int *flag, void (*routine)(void), const void *site)
{
	struct sync_object *o = sync_use(flag, SYNC_ONCE, read_memory, site);
	if (o->value == ONCE_DONE && !(*flag & MEMORY_DONE))
		end(o, 0, site);
	struct operation op = sync_operation(o, STEP_ONCE, ORDER_ACQUIRE, apply_begin, site);
	op.order_failed = ORDER_ACQUIRE;
	op.operand = ONCE_RUNS + runtime->current + 1;
	op.waits = true;
	bool wrote;
	sync_perform(o, &op, &wrote);
	if (!wrote)
		return;
	struct sync_thread *self = sync_self();
	struct sync_handler handler = {.previous = self->handler, .run = undone, .arg = o};
	o->owner = (uint16_t)(runtime->current + 1);
	o->site = site;
	self->handler = &handler;
	routine();
	runtime_enter();
	self->handler = handler.previous;
	end(o, ONCE_DONE, site);
	runtime_save(flag, sizeof *flag);
	*flag = MEMORY_DONE;
}

int explored_pthread_once(pthread_once_t *flag, void (*routine)(void));
int explored_pthread_once(pthread_once_t *flag, void (*routine)(void))
{
	if (!runtime_on())
		return pthread_once(flag, routine);
	once(flag, routine, SYNC_SITE);
	return 0;
}

void explored_call_once(once_flag *flag, void (*routine)(void));
void explored_call_once(once_flag *flag, void (*routine)(void))
{
	_Static_assert(sizeof(once_flag) == sizeof(int), "glibc's once_flag holds an int");
	if (!runtime_on())
		call_once(flag, routine);
	else
		once((int *)(void *)flag, routine, SYNC_SITE);
}
