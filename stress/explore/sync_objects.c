/* SPDX-License-Identifier: MIT */
/* The table of synchronisation objects, and operations on them in general. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amend.h"
#include "memory.h"
#include "runtime_private.h"
#include "sync.h"

struct sync *sync_state;

static uint32_t slot_of(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 47);
}

static struct sync_object *add(uint64_t address, struct sync_slot *slot)
{
	if (sync_state->count == SYNC_OBJECTS_MAX) {
		runtime_uncontrolled("more than 65,536 synchronisation objects");
		runtime_stop(ENDING_CUT);
	}
	slot->key = address;
	slot->generation = sync_state->generation;
	slot->index = sync_state->count;
	return &sync_state->object[sync_state->count++];
}

static void begin_object(struct sync_object *o, uint64_t address, enum sync_kind kind, void (*initial)(struct sync_object *o))
{
	unsigned layer = o->layer;
	memset(o, 0, offsetof(struct sync_object, queue));
	if (kind == SYNC_RWLOCK)
		memset(o->queue, 0, sizeof o->queue);
	o->address = address;
	o->layer = (uint8_t)layer;
	o->location = address ^ (uint64_t)layer << 56;
	o->kind = (uint8_t)kind;
	if (initial)
		initial(o);
}

struct sync_object *sync_object(const void *address, enum sync_kind kind, void (*initial)(struct sync_object *o))
{
	uint64_t key = (uint64_t)address;
	uint32_t at = slot_of(key);
	struct sync_slot *slot;
	for (; (slot = &sync_state->slot[at])->generation == sync_state->generation; at = (at + 1) % SYNC_SLOTS) {
		if (slot->key != key)
			continue;
		struct sync_object *known = &sync_state->object[slot->index];
		if (__builtin_expect(known->kind != kind, 0)) {
			/* The memory was something else before: a stack that was used again. */
			known->layer++;
			begin_object(known, key, kind, initial);
		}
		return known;
	}
	struct sync_object *o = add(key, slot);
	o->layer = 0;
	begin_object(o, key, kind, initial);
	return o;
}

void sync_touch(uint64_t address, size_t bytes, bool write, const void *site)
{
	if (heap_owns(address))
		heap_check(address, bytes, write, site);
	if (runtime->quiet)
		return;
	struct race race;
	unsigned self = runtime->current;
	if (!races_access(address, bytes, write, false, false, self, graph_clock(runtime->graph, self),
		    runtime->graph->done[self], site, &race))
		return;
	findings_race(&race, address, bytes, write, false, site);
}

/* Any value becomes the operand. */
static enum applied apply_make(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)value;
	*written = op->operand;
	return APPLIED_WRITE;
}

static void set_value(struct sync_object *o, uint64_t value, const void *site)
{
	struct operation op = sync_operation(o, STEP_OTHER, ORDER_RELAXED, apply_make, site);
	op.operand = value;
	sync_perform(o, &op, NULL);
}

/* Is the memory still as sync_destroy() left it? */
static bool is_ruin(const struct sync_object *o)
{
	uint32_t word;
	memcpy(&word, (const void *)o->address, sizeof word);
	return word == UINT32_MAX;
}

static __attribute__((noinline)) void made_anew(
	struct sync_object *o, enum sync_kind kind, void (*initial)(struct sync_object *o), const void *site)
{
	struct sync_object fresh = *o;
	begin_object(&fresh, o->address, kind, initial);
	set_value(o, fresh.value, site);
	*o = fresh;
}

struct sync_object *sync_use(const void *address, enum sync_kind kind, void (*initial)(struct sync_object *o), const void *site)
{
	amend_step(site);
	runtime_enter();
	struct sync_thread *self = sync_self();
	if (__builtin_expect(self->cancel_now, 0))
		sync_cancel_point(site);
	struct sync_object *o = sync_object(address, kind, initial);
	/* An object with a static initialiser outside of the heap cannot be touched before it is there. */
	if (o->made || heap_owns(o->address))
		sync_touch(o->address, 1, false, site);
	if (__builtin_expect(o->value == SYNC_DESTROYED, 0) && !is_ruin(o))
		made_anew(o, kind, initial, site);
	return o;
}

struct sync_object *sync_make(void *address, size_t bytes, enum sync_kind kind, uint64_t value, const void *site)
{
	runtime_enter();
	sync_touch((uint64_t)address, bytes, true, site);
	struct sync_object *o = sync_object(address, kind, NULL);
	set_value(o, value, site);
	begin_object(o, o->address, kind, NULL);
	o->value = value;
	o->made = true;
	runtime_save(address, bytes);
	return o;
}

struct operation sync_operation(const struct sync_object *o, enum step_tag tag, enum order order,
	enum applied (*apply)(const struct operation *op, uint64_t value, uint64_t *written), const void *site)
{
	return (struct operation){.kind = EVENT_UPDATE,
		.tag = (uint8_t)tag,
		.order = (uint8_t)order,
		.order_failed = ORDER_RELAXED,
		.waits = false,
		.chain = true,
		.bytes = 4,
		.address = o->location,
		.location = UINT32_MAX,
		.apply = apply,
		.site = site};
}

uint64_t sync_perform(struct sync_object *o, struct operation *op, bool *wrote)
{
	bool has_written;
	uint64_t value = runtime_perform(op, o->value, &has_written, sync_describe, o);
	if (has_written)
		op->apply(op, value, &o->value);
	if (wrote)
		*wrote = has_written;
	return value;
}

uint64_t sync_poll(struct sync_object *o, struct operation *op, bool *wrote)
{
	bool has_written;
	uint64_t value = runtime_poll(op, o->value, &has_written);
	if (has_written)
		op->apply(op, value, &o->value);
	if (wrote)
		*wrote = has_written;
	return value;
}

/* An object that BUSY does not hold becomes destroyed. */
static enum applied apply_destroy(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = SYNC_DESTROYED;
	bool (*busy)(uint64_t) = (bool (*)(uint64_t))op->operand;
	return value == SYNC_DESTROYED || busy(value) ? APPLIED_READ : APPLIED_WRITE;
}

bool sync_destroy(struct sync_object *o, size_t bytes, bool (*busy)(uint64_t value), const char *use, const void *site)
{
	struct operation op = sync_operation(o, STEP_OTHER, ORDER_RELAXED, apply_destroy, site);
	op.operand = (uint64_t)busy;
	bool wrote;
	uint64_t value = sync_perform(o, &op, &wrote);
	if (!wrote) {
		if (value == SYNC_DESTROYED)
			sync_misuse(o, site, "destroys a %s that was destroyed already", sync_kind_name(o));
		else
			sync_misuse(o, site, "destroys a %s %s", sync_kind_name(o), use);
		return false;
	}
	sync_touch(o->address, bytes, true, site);
	runtime_save((void *)o->address, bytes);
	memset((void *)o->address, 0xff, bytes);
	o->made = true;
	return true;
}

const char *sync_kind_name(const struct sync_object *o)
{
	static const char *const names[] = {
		[SYNC_MUTEX] = "mutex",
		[SYNC_COND] = "condition variable",
		[SYNC_RWLOCK] = "read-write lock",
		[SYNC_SPIN] = "spin lock",
		[SYNC_BARRIER] = "barrier",
		[SYNC_ONCE] = "once",
		[SYNC_SEMAPHORE] = "semaphore",
		[SYNC_FUTEX] = "futex",
		[SYNC_KEYS] = "table of keys",
		[SYNC_CANCEL] = "request to cancel",
	};
	return names[o->kind];
}

static unsigned first_reader(const struct sync_object *o)
{
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++)
		if (o->queue[t])
			return t;
	return GRAPH_THREADS_MAX;
}

void sync_describe(void *object, char *text, size_t bytes)
{
	const struct sync_object *o = object;
	const void *at = (const void *)o->address;
	unsigned reader = o->kind == SYNC_RWLOCK ? first_reader(o) : GRAPH_THREADS_MAX;
	if (o->owner && runtime->thread[o->owner - 1].ended)
		snprintf(text, bytes, "waits for %s %p held by thread %u, which has ended (locked at %p)", sync_kind_name(o), at,
			o->owner - 1u, o->site);
	else if (o->owner)
		snprintf(text, bytes, "waits for %s %p held by thread %u (locked at %p)", sync_kind_name(o), at, o->owner - 1u,
			o->site);
	else if (reader < GRAPH_THREADS_MAX)
		snprintf(text, bytes, "waits for %s %p held for reading by thread %u", sync_kind_name(o), at, reader);
	else
		snprintf(text, bytes, "waits for %s %p", sync_kind_name(o), at);
}

void sync_misuse(const struct sync_object *o, const void *site, const char *format, ...)
{
	char what[128];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	struct place places[2];
	unsigned count = 1;
	places[0] = runtime_place(site, "%s", what);
	if (o && o->owner && o->site && o->site != site) {
		memset(&places[1], 0, sizeof places[1]);
		places[1].thread = o->owner - 1u;
		places[1].frame_count = 1;
		places[1].frame[0] = o->site;
		snprintf(places[1].role, sizeof places[1].role, "locked it");
		count = 2;
	}
	runtime_finding(FINDING_MISUSE, places, count, "thread %u %s", runtime->current, what);
}

void sync_undefined(void)
{
	if (runtime->findings)
		runtime->finding[runtime->findings - 1].ends = true;
	runtime_stop(ENDING_FINDING);
}

void sync_read(const void *from, size_t bytes, const void *site)
{
	runtime_access(from, bytes, false, site);
}

void sync_write(void *to, const void *value, size_t bytes, const void *site)
{
	runtime_access(to, bytes, true, site);
	memcpy(to, value, bytes);
	runtime_wrote();
}

void sync_clear(void)
{
	if (!sync_state) {
		void *made = memory_map(sizeof *sync_state);
		if (!made) {
			fprintf(stderr, "onceproof: the explorer: no memory for synchronisation objects\n");
			abort();
		}
		sync_state = made;
	}
	struct sync *s = sync_state;
	s->generation++;
	s->count = 0;
	s->cancel_modelled = s->cancel_seen && runtime->graph->full;
	sync_keys_clear();
}

void sync_finish(void)
{
	/* Locks that a thread held when it ended were found then. */
}

void sync_forget(void)
{
	if (sync_state)
		sync_state->cancel_seen = sync_state->cancel_modelled = false;
}
