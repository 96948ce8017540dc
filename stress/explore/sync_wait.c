/* SPDX-License-Identifier: MIT */
/* How threads wait: time limits, queues, ways in which a wait ends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sync.h"

/* So often in a row may waits of one thread on one object end by themselves (time out, wake for no reason) in an exhaustive search; then
 * only their other end is explored. */
enum { LATE_MAX = 3 };

struct sync_thread *sync_thread(unsigned thread)
{
	struct sync_thread *t = &sync_state->thread[thread];
	if (__builtin_expect(t->generation != sync_state->generation, 0)) {
		memset(t, 0, offsetof(struct sync_thread, nap));
		t->name[0] = '\0';
		t->generation = sync_state->generation;
	}
	return t;
}

struct thread *sync_by_handle(pthread_t handle)
{
	uint64_t n = handle >> 12;
	if (n == 0 || n > GRAPH_THREADS_MAX || handle != sync_handle((unsigned)n - 1))
		return NULL;
	struct thread *t = &runtime->thread[n - 1];
	return n - 1 < runtime->moment.threads && t->exists ? t : NULL;
}

int sync_limit(const struct timespec *at, clockid_t clock, struct sync_limit *limit)
{
	*limit = (struct sync_limit){.timed = at != NULL};
	if (!at)
		return 0;
	if (at->tv_nsec < 0 || at->tv_nsec >= 1000000000)
		return EINVAL;
	/* Virtual time begins far behind every clock's zero: earlier limits have passed. */
	uint64_t base = sync_clock_base(clock), ns;
	if (at->tv_sec < 0)
		ns = 0;
	else if (__builtin_mul_overflow((uint64_t)at->tv_sec, 1000000000u, &ns) ||
		 __builtin_add_overflow(ns, (uint64_t)at->tv_nsec, &ns))
		ns = UINT64_MAX;
	limit->deadline_ns = ns > base ? ns - base : 0;
	limit->passed = limit->deadline_ns <= sync_now();
	return 0;
}

/* Notes that a wait on OBJECT ended, by itself or not. */
static void note_end(struct sync_thread *self, const void *object, const struct sync_limit *limit, bool late)
{
	self->late = late ? (self->late_on == object ? self->late + 1 : 1) : 0;
	self->late_on = object;
	if (late && limit && limit->timed)
		sync_time_to(limit->deadline_ns);
}

enum sync_way sync_choose_way(const void *object, const struct sync_limit *limit, bool spurious, bool cancellable)
{
	struct sync_thread *self = sync_self();
	bool full = runtime->graph->full;
	enum sync_way ways[4] = {SYNC_PLAIN};
	unsigned count = 1;
	bool too_often = full && self->late_on == object && self->late >= LATE_MAX;
	if (too_often && ((limit && limit->timed) || spurious))
		runtime->late_waits = true;
	if (limit && limit->passed)
		ways[0] = SYNC_TIME_OUT;
	else if (limit && limit->timed && !too_often)
		ways[count++] = SYNC_TIME_OUT;
	if (spurious && !too_often)
		ways[count++] = SYNC_SPURIOUS;
	if (cancellable && full && sync_cancel_possible())
		ways[count++] = SYNC_CANCELLED;
	enum sync_way way = ways[runtime_choose(count)];
	note_end(self, object, limit, way == SYNC_TIME_OUT || way == SYNC_SPURIOUS);
	return way;
}

/* A sampling search's wait. */
static bool ends(void *arg, event_id *from)
{
	struct sync_thread *t = arg;
	*from = 0;
	if (t->done(t->done_arg, from))
		return true;
	if (t->cancellable && !sync_state->cancel_modelled && sync_cancel_asked(t)) {
		*from = t->cancel_by;
		return true;
	}
	return t->expired;
}

static void describe_end(void *arg, char *text, size_t bytes)
{
	struct sync_thread *t = arg;
	t->describe(t->done_arg, text, bytes);
}

enum sync_way sync_wait(enum step_tag tag, bool (*done)(void *arg, event_id *from), void *arg, const struct sync_limit *limit,
	bool cancellable, void (*describe)(void *arg, char *text, size_t bytes), const void *site)
{
	struct sync_thread *self = sync_self();
	self->timed = limit && limit->timed;
	self->deadline_ns = limit ? limit->deadline_ns : 0;
	self->expired = false;
	self->cancellable = cancellable;
	self->done = done;
	self->done_arg = arg;
	self->describe = describe;
	runtime_wait(tag, site, ends, describe_end, self);
	self->timed = self->cancellable = false;
	event_id from;
	if (done(arg, &from))
		return SYNC_PLAIN;
	return self->expired ? SYNC_TIME_OUT : SYNC_CANCELLED;
}

bool sync_time_passes(void)
{
	if (runtime->graph->full)
		return false;
	struct sync_thread *first = NULL;
	for (unsigned t = 0; t < runtime->moment.threads; t++) {
		struct sync_thread *own = sync_thread(t);
		if (!runtime->thread[t].exists || runtime->thread[t].ended || !own->timed || own->expired)
			continue;
		if (!first || own->deadline_ns < first->deadline_ns)
			first = own;
	}
	if (first)
		first->expired = true;
	return first != NULL;
}

bool sync_may_end(const struct thread *t)
{
	struct sync_thread *own = sync_thread(t->id);
	bool full = runtime->graph->full;
	return full && (own->timed || (own->cancellable && sync_cancel_asked(own)));
}

/* Taking -------------------------------------------------------------------------------------------------------------------------- */

struct taking {
	struct operation *op;
	struct sync_object *object;
};

static bool can_take(void *arg, event_id *from)
{
	const struct taking *taking = arg;
	struct operation op = *taking->op;
	uint64_t written;
	op.expected = SYNC_WAITS;
	*from = 0;
	return op.apply(&op, taking->object->value, &written) != APPLIED_BLOCK;
}

static void describe_taking(void *arg, char *text, size_t bytes)
{
	sync_describe(((struct taking *)arg)->object, text, bytes);
}

/* Tries, and between tries waits until it could work: a wait that may also end in another way. */
static int take_by_trying(struct sync_object *o, struct operation *op, const struct sync_limit *limit, bool cancellable,
	uint64_t *value, bool *wrote)
{
	struct taking taking = {op, o};
	uint64_t written;
	op->expected = SYNC_TRIES;
	op->waits = false;
	for (;;) {
		*value = sync_perform(o, op, wrote);
		op->expected = SYNC_WAITS;
		bool blocks = !*wrote && op->apply(op, *value, &written) == APPLIED_BLOCK;
		op->expected = SYNC_TRIES;
		if (!blocks)
			return 0;
		if (limit && limit->passed)
			return ETIMEDOUT;
		enum sync_way way =
			sync_wait((enum step_tag)op->tag, can_take, &taking, limit, cancellable, describe_taking, op->site);
		if (way == SYNC_CANCELLED)
			sync_cancel_act(op->site);
		if (way == SYNC_PLAIN)
			continue;
		note_end(sync_self(), o, limit, true);
		return ETIMEDOUT;
	}
}

/* An exhaustive search: the way is chosen first. */
static int take_by_choice(struct sync_object *o, struct operation *op, const struct sync_limit *limit, bool cancellable,
	uint64_t *value, bool *wrote)
{
	struct sync_thread *self = sync_self();
	if (limit->passed) {
		op->expected = SYNC_TRIES;
		op->waits = false;
	} else {
		enum sync_way way = sync_choose_way(o, limit, false, cancellable);
		if (way == SYNC_CANCELLED)
			sync_cancel_await(op->site);
		/* Late: only if it cannot be taken, for taking it at once is what the plain way does. */
		op->expected = way == SYNC_TIME_OUT ? SYNC_LATE : SYNC_WAITS;
		op->waits = true;
	}
	self->timed = limit->timed;
	self->cancellable = cancellable;
	*value = sync_perform(o, op, wrote);
	self->timed = self->cancellable = false;
	op->expected = SYNC_WAITS;
	uint64_t written;
	return !*wrote && op->apply(op, *value, &written) == APPLIED_BLOCK ? ETIMEDOUT : 0;
}

int sync_acquire(struct sync_object *o, struct operation *op, const struct sync_limit *limit, bool cancellable, uint64_t *value,
	bool *wrote)
{
	static const struct sync_limit none;
	bool full = runtime->graph->full;
	cancellable = cancellable && sync_cancel_possible();
	if (!limit && !cancellable) {
		op->expected = SYNC_WAITS;
		op->waits = true;
		*value = sync_perform(o, op, wrote);
		return 0;
	}
	if (cancellable)
		sync_cancel_point(op->site);
	if (full && (limit || sync_state->cancel_modelled))
		return take_by_choice(o, op, limit ? limit : &none, cancellable, value, wrote);
	if (full)
		return sync_acquire(o, op, NULL, false, value, wrote);
	if (limit && !limit->passed && !runtime->quiet) {
		struct sync_limit now = *limit;
		now.passed = sync_choose_way(o, limit, false, false) == SYNC_TIME_OUT;
		return take_by_trying(o, op, &now, cancellable, value, wrote);
	}
	return take_by_trying(o, op, limit, cancellable, value, wrote);
}

/* Queues ---------------------------------------------------------------------------------------------------------------------------- */

void sync_queue_join(struct sync_object *o, const char *as)
{
	struct sync_thread *self = sync_self();
	self->woken = false;
	self->heard = false;
	self->waits_on = o;
	self->waits_as = as;
	o->queue[o->queued++] = (uint8_t)runtime->current;
}

static bool is_woken(void *arg, event_id *from)
{
	const struct sync_thread *t = arg;
	*from = t->woken_by;
	return t->woken;
}

static void describe_queue(void *arg, char *text, size_t bytes)
{
	const struct sync_thread *t = arg;
	snprintf(text, bytes, "waits for a signal on %s %p", t->waits_as, (const void *)t->waits_on->address);
}

static void take_out(struct sync_object *o, unsigned n)
{
	o->queued--;
	memmove(&o->queue[n], &o->queue[n + 1], o->queued - n);
}

enum sync_way sync_queue_wait(
	struct sync_object *o, enum step_tag tag, const struct sync_limit *limit, bool cancellable, const void *site)
{
	struct sync_thread *self = sync_self();
	enum sync_way way = sync_wait(tag, is_woken, self, limit, cancellable, describe_queue, site);
	self->waits_on = NULL;
	if (way == SYNC_PLAIN)
		return way;
	for (unsigned n = 0; n < o->queued; n++)
		if (o->queue[n] == runtime->current)
			take_out(o, n);
	if (way == SYNC_TIME_OUT)
		note_end(self, o, limit, true);
	return way;
}

void sync_queue_wake(struct sync_object *o, unsigned n)
{
	struct sync_thread *waiter = sync_thread(o->queue[n]);
	waiter->woken = true;
	waiter->woken_by = runtime->graph->last[runtime->current];
	take_out(o, n);
	for (unsigned i = 0; i < o->queued; i++)
		sync_thread(o->queue[i])->heard = true;
}

bool sync_lost_wakeup(const struct thread *t, char *text, size_t bytes)
{
	struct sync_thread *own = sync_thread(t->id);
	const struct sync_object *o = own->waits_on;
	if (!o || own->woken || own->heard || !o->unheard)
		return false;
	snprintf(text, bytes, "thread %u waits on a %s that was signalled when nobody waited", t->id, own->waits_as);
	return true;
}
