/* SPDX-License-Identifier: MIT */
/* What C++ needs besides pthread: guards of local static variables, ends of thread-local ones, counts that the library keeps. The functions
 * are called by those in cxx/.
 *
 * Guard (Itanium C++ ABI, 3.3.3): its first byte is 1 when the variable is there, which compiled code looks at by itself; whoever finds 0
 * comes here. Value of the object: 0, GUARD_RUNS + the thread + 1 that initialises, GUARD_DONE.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sync.h"

enum { GUARD_DONE = 1, GUARD_RUNS = 1 << 16, GUARD_OBJECT_AT = 4 };

int explored_guard_acquire(uint64_t *guard, const void *site);
void explored_guard_release(uint64_t *guard, bool done, const void *site);
void explored_count(void *at, const void *site);

static void read_memory(struct sync_object *o)
{
	o->value = *(const char *)(o->address - GUARD_OBJECT_AT) ? GUARD_DONE : 0;
}

static enum applied apply_begin(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	if (value == 0)
		return APPLIED_WRITE;
	return value == GUARD_DONE ? APPLIED_READ : APPLIED_BLOCK;
}

static enum applied apply_end(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)value;
	*written = op->operand;
	return APPLIED_WRITE;
}

/* The object's location cannot be the byte's own, which holds the program's value. */
static struct sync_object *object_of(uint64_t *guard)
{
	return sync_object((const char *)guard + GUARD_OBJECT_AT, SYNC_ONCE, read_memory);
}

int explored_guard_acquire(uint64_t *guard, const void *site)
{
	if (!runtime_on()) /* one thread alone */
		return *(const char *)guard == 0;
	runtime_enter();
	struct sync_object *o = object_of(guard);
	if (o->owner == runtime->current + 1) {
		sync_misuse(o, site, "initialises a static variable while it initialises it already");
		sync_undefined();
	}
	struct operation op = sync_operation(o, STEP_ONCE, ORDER_ACQUIRE, apply_begin, site);
	op.order_failed = ORDER_ACQUIRE;
	op.operand = GUARD_RUNS + runtime->current + 1;
	op.waits = true;
	bool wrote;
	sync_perform(o, &op, &wrote);
	if (wrote) {
		o->owner = (uint16_t)(runtime->current + 1);
		o->site = site;
	}
	return wrote;
}

void explored_guard_release(uint64_t *guard, bool done, const void *site)
{
	if (!runtime_on()) {
		*(char *)guard = done;
		return;
	}
	runtime_enter();
	struct sync_object *o = object_of(guard);
	struct operation end = sync_operation(o, STEP_ONCE_DONE, ORDER_RELEASE, apply_end, site);
	end.operand = done ? GUARD_DONE : 0;
	o->owner = 0;
	sync_perform(o, &end, NULL);
	if (!done)
		return;
	struct operation store = {.kind = EVENT_WRITE,
		.tag = STEP_STORE,
		.order = ORDER_RELEASE,
		.bytes = 1,
		.address = (uint64_t)guard,
		.location = UINT32_MAX,
		.operand = 1,
		.site = site};
	runtime_atomic(&store, NULL);
}

static enum applied apply_count(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = (uint32_t)(value + 1);
	return APPLIED_WRITE;
}

void explored_count(void *at, const void *site)
{
	if (!runtime_on())
		return;
	runtime_enter();
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = STEP_OTHER,
		.order = ORDER_ACQ_REL,
		.order_failed = ORDER_ACQUIRE,
		.chain = true,
		.bytes = 4,
		.address = (uintptr_t)at,
		.apply = apply_count,
		.site = site};
	runtime_perform(&op, 0, NULL, NULL, NULL);
}

/* Thread-local variables -------------------------------------------------------------------------------------------------------------- */

enum { ENDS_MAX = 256 };

struct ends {
	uint32_t generation; /* of the execution */
	uint32_t count;
	struct {
		void (*run)(void *);
		void *object;
	} at[ENDS_MAX];
};

static struct ends *ends; /* by thread; set once, by the first use; mapped */

int explored___cxa_thread_atexit_impl(void (*run)(void *), void *object, void *module);
int __cxa_thread_atexit_impl(void (*run)(void *), void *object, void *module);
int explored___cxa_thread_atexit_impl(void (*run)(void *), void *object, void *module)
{
	if (!runtime_on())
		return __cxa_thread_atexit_impl(run, object, module);
	runtime_enter();
	size_t bytes = sizeof *ends * GRAPH_THREADS_MAX;
	if (!ends)
		ends = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ends == MAP_FAILED) {
		ends = NULL;
		return ENOMEM;
	}
	struct ends *own = &ends[runtime->current];
	if (own->generation != sync_state->generation)
		*own = (struct ends){.generation = sync_state->generation};
	if (own->count == ENDS_MAX) {
		runtime_uncontrolled("more thread-local variables with destructors than the explorer has room for");
		return ENOMEM;
	}
	own->at[own->count].run = run;
	own->at[own->count++].object = object;
	return 0;
}

void sync_locals_end(void)
{
	struct ends *own = ends ? &ends[runtime->current] : NULL;
	/* One may make another. */
	while (own && own->generation == sync_state->generation && own->count) {
		own->count--;
		own->at[own->count].run(own->at[own->count].object);
		runtime_enter();
	}
}
