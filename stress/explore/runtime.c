/* SPDX-License-Identifier: MIT */
/* The execution loop: threads, who moves next, the end of an execution. */
#include <errno.h>
#include <string.h>

#include "amend.h"
#include "isolate.h"
#include "memory.h"
#include "runtime_private.h"
#include "snapshot.h"
#include "sync.h"

struct runtime *runtime; /* set once, by runtime_start */

/* Stands where --gdb stops: once before each step of a replayed execution. */
void onceproof_step(unsigned thread, uint32_t step);
__attribute__((noinline)) void onceproof_step(unsigned thread, uint32_t step)
{
	__asm__ volatile("" ::"r"(thread), "r"(step) : "memory");
}

/* As much as a thread has by default. Memory that is never touched costs nothing. */
enum { STACK_BYTES = 8 << 20 };

static struct graph *graph_for(const struct runtime_options *options)
{
	struct graph **graph = &inner()->graphs[options->model][options->full_graph];
	if (!*graph)
		*graph = graph_new(options->model, options->full_graph);
	return *graph;
}

int runtime_configure(const struct runtime_options *options)
{
	struct graph *graph = graph_for(options);
	if (!graph)
		return ENOMEM;
	inner()->options = *options;
	runtime->graph = graph;
	runtime->moment.graph = graph;
	runtime->spurious = options->spurious;
	graph_clear(graph);
	return 0;
}

int runtime_start(const struct runtime_options *options)
{
	if (runtime)
		return runtime_configure(options);
	struct inner *made = memory_map(sizeof *made);
	if (!made)
		return ENOMEM;
	int why = fiber_start(STACK_BYTES);
	if (!why)
		why = races_start();
	if (!why)
		why = heap_start();
	if (!why)
		why = racing_start();
	if (why) {
		memory_unmap(made, sizeof *made);
		return why;
	}
	runtime = &made->runtime;
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++)
		runtime->thread[t].calls = made->thread[t].calls;
	made->numbered = 1;
	uintptr_t low, high;
	fiber_stack(FIBERS_MAX - 1, &low, &made->stacks_bytes);
	fiber_stack(1, &made->stacks_low, &high);
	made->stacks_bytes -= made->stacks_low;
	return runtime_configure(options);
}

/* Threads -------------------------------------------------------------------------------------------------------------------------- */

static void thread_clear(unsigned t)
{
	struct thread *thread = &runtime->thread[t];
	struct inner_thread *own = &inner()->thread[t];
	const void **calls = thread->calls;
	memset(thread, 0, sizeof *thread);
	thread->id = t;
	thread->calls = calls;
	own->wait = WAIT_NONE;
	own->under_way_count = 0;
	own->spin_count = 0;
	own->spin_turns = 0;
	own->turn_from = 0;
	own->visits = 0;
	own->stale = 0;
	own->seen_turns = 0;
	own->held = 0;
	own->turns = 0;
	own->rounds = 0;
	own->endless = NULL;
	own->yields = false;
	own->create = 0;
	own->record = -1;
	runtime->moment.children[t] = 0;
}

static void thread_exists(unsigned t)
{
	thread_clear(t);
	runtime->thread[t].exists = true;
	runtime->alive++;
	inner()->live |= 1ull << t;
	uintptr_t low, high;
	fiber_stack(t + 1, &low, &high);
	inner()->thread[t].stack_low = low;
	inner()->thread[t].stack_bytes = high - low;
	if (t >= runtime->moment.threads)
		runtime->moment.threads = t + 1;
}

/* One thread is alive and knows of everything that others ever did: it needs no events, and nothing that it does can race. */
static void look_whether_quiet(void)
{
	if (runtime->quiet || runtime->alive != 1)
		return;
	unsigned self = (unsigned)__builtin_ctzll(inner()->live);
	for (unsigned u = 0; u < runtime->moment.threads; u++)
		if (u != self && runtime->thread[u].exists && graph_knows(runtime->graph, self, u) < runtime->graph->done[u])
			return;
	runtime->quiet = true;
}

static void first_fiber(void *arg)
{
	(void)arg;
	inner()->body(inner()->body_arg);
	runtime_enter();
	runtime_stop(ENDING_COMPLETE);
}

static void other_fiber(void *arg)
{
	struct thread *self = arg;
	struct inner_thread *own = &inner()->thread[self->id];
	/* Whoever switched here decided that this thread begins. */
	runtime_moved();
	event_id id = graph_begin(runtime->graph, self->id, own->create);
	runtime_added(&runtime->moment.pending[self->id], id);
	void *result = self->start(self->arg);
	runtime_enter();
	sync_thread_ends(self);
	runtime_end_thread(result);
}

static unsigned number_of_child(unsigned parent, uint32_t n)
{
	if (n >= GRAPH_THREADS_MAX)
		return UINT32_MAX;
	uint8_t *number = &inner()->child[parent][n];
	if (!*number) {
		if (inner()->numbered == GRAPH_THREADS_MAX)
			return UINT32_MAX;
		*number = (uint8_t)(inner()->numbered++ + 1);
		runtime->lasting++;
	}
	return *number - 1u;
}

/* 1 + the lowest thread with the same creator, code and argument as CHILD; 0: CHILD is it. */
static uint8_t twin_of(unsigned creator, unsigned child)
{
	const struct thread *self = &runtime->thread[child];
	for (uint32_t n = 0; n + 1 < runtime->thread[creator].children; n++) {
		unsigned low = inner()->child[creator][n] - 1u;
		if (low < child && runtime->thread[low].exists && runtime->thread[low].start == self->start &&
			runtime->thread[low].arg == self->arg)
			return (uint8_t)(low + 1);
	}
	return 0;
}

/* Thread-local variables of all threads but the first lie within one range, with much else. */
static void note_locals(unsigned thread)
{
	struct inner *in = inner();
	size_t bytes;
	uintptr_t low = (uintptr_t)fiber_tls(thread + 1, &bytes), high = low + bytes;
	if (in->locals_bytes) {
		low = in->locals_low < low ? in->locals_low : low;
		high = in->locals_low + in->locals_bytes > high ? in->locals_low + in->locals_bytes : high;
	}
	in->locals_low = low;
	in->locals_bytes = high - low;
}

unsigned runtime_create(void *(*start)(void *), void *arg, const void *site)
{
	struct thread *self = runtime_thread();
	unsigned child = number_of_child(self->id, self->children);
	if (child == UINT32_MAX)
		return child;
	event_id create = runtime_step(STEP_THREAD_CREATE, EVENT_CREATE, ORDER_RELAXED, site);
	self->children++;
	runtime->moment.children[self->id] = self->children;
	thread_exists(child);
	runtime->thread[child].start = start;
	runtime->thread[child].arg = arg;
	inner()->thread[child].create = create;
	runtime->moment.twin[child] = twin_of(self->id, child);
	runtime->quiet = false;
	runtime->moment.pending[child] = (struct operation){.kind = EVENT_BEGIN,
		.tag = STEP_THREAD_BEGIN,
		.thread = (uint16_t)child,
		.location = UINT32_MAX,
		.site = (const void *)start};
	if (fiber_prepare(child + 1, other_fiber, &runtime->thread[child]) != 0) {
		runtime_uncontrolled("more threads than the system gives");
		runtime_stop(ENDING_CUT);
	}
	note_locals(child);
	return child;
}

void runtime_end_thread(void *result)
{
	struct thread *self = runtime_thread();
	self->result = result;
	struct operation op = {.kind = EVENT_END, .tag = STEP_THREAD_END, .thread = (uint16_t)self->id, .location = UINT32_MAX};
	runtime_enter();
	/* Nothing can be said against ending at once: the end touches no location, so its place among others' steps means nothing. */
	runtime_moved();
	self->end = graph_plain(runtime->graph, self->id, EVENT_END);
	self->ended = true;
	runtime->alive--;
	inner()->live &= ~(1ull << self->id);
	runtime_added(&op, self->end);
	if (runtime->alive == 0)
		runtime_stop(ENDING_COMPLETE);
	look_whether_quiet();
	runtime_schedule(NULL);
	__builtin_unreachable();
}

/* Who moves next ------------------------------------------------------------------------------------------------------------------- */

static bool operation_ready(unsigned t)
{
	struct operation *op = &runtime->moment.pending[t];
	const struct graph *g = runtime->graph;
	if (g->full || op->location == UINT32_MAX)
		return true;
	uint64_t written;
	return op->apply(op, g->events[g->locations[op->location].last].value, &written) != APPLIED_BLOCK;
}

static bool can_move(unsigned t)
{
	event_id from;
	switch (inner()->thread[t].wait) {
	case WAIT_NONE:
		return true;
	case WAIT_PASSIVE:
		return runtime->thread[t].ready(runtime->thread[t].ready_arg, &from);
	case WAIT_OPERATION:
		return operation_ready(t);
	case WAIT_NEWS:
		return spin_has_news(t);
	case WAIT_STUCK:
		break;
	}
	return false;
}

static uint64_t who_can_move(void)
{
	uint64_t enabled = inner()->live & ~inner()->waiting;
	for (uint64_t left = inner()->live & inner()->waiting; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (can_move(t))
			enabled |= 1ull << t;
	}
	return enabled;
}

static void wait_begins(enum wait why)
{
	inner_thread()->wait = why;
	inner()->waiting |= 1ull << runtime->current;
}

static void wait_ends(void)
{
	inner_thread()->wait = WAIT_NONE;
	inner()->waiting &= ~(1ull << runtime->current);
}

/* Leaves out threads that asked to give way, as long as somebody else can move. */
static uint64_t without_yielding(uint64_t enabled)
{
	uint64_t rest = enabled;
	for (uint64_t left = enabled; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (inner()->thread[t].yields)
			rest &= ~(1ull << t);
	}
	return rest ? rest : enabled;
}

/* One of ENABLED: the running thread for some steps, then the next one in a circle. */
static uint64_t in_turn(uint64_t enabled)
{
	struct inner *in = inner();
	unsigned self = runtime->current;
	bool goes_on = enabled >> self & 1 && !in->thread[self].yields && runtime->moment.steps < in->turn_ends;
	if (goes_on)
		return 1ull << self;
	in->turn_ends = runtime->moment.steps + SEARCH_FAIR_TURN;
	uint64_t behind = self < 63 ? enabled >> (self + 1) << (self + 1) : 0;
	enabled = behind ? behind : enabled;
	return enabled & -enabled;
}

static unsigned pick(void)
{
	struct moment *at = &runtime->moment;
	uint64_t enabled = who_can_move();
	/* Time passes when nobody can move: it can end a wait that has a limit. */
	while (!enabled && sync_time_passes())
		enabled = who_can_move();
	if (!enabled)
		runtime_stop(findings_standstill());
	at->enabled = without_yielding(enabled);
	if (runtime_fair())
		at->enabled = in_turn(at->enabled);
	at->current = runtime->current;
	at->current_yields = inner_thread()->yields;
	if ((at->enabled & (at->enabled - 1)) == 0 && !runtime->graph->full)
		return (unsigned)__builtin_ctzll(at->enabled);
	unsigned next = runtime->search->kind->thread(runtime->search, at);
	if (next == SEARCH_GIVE_UP)
		runtime_stop(ENDING_ABANDONED);
	return next;
}

void runtime_schedule(const struct operation *op)
{
	unsigned self = runtime->current;
	if (op)
		runtime->moment.pending[self] = *op;
	else if (!inner()->live)
		__builtin_trap();
	if (runtime->quiet && op && !runtime->graph->full && !(inner()->waiting >> self & 1))
		return;
	unsigned next = pick();
	/* A thread that gave way has done so once somebody else moved. */
	if (next != self)
		for (unsigned t = 0; t < runtime->moment.threads; t++)
			inner()->thread[t].yields = false;
	if (next != self) {
		runtime->current = next;
		fiber_switch(next + 1);
	}
	/* Here again: whoever switched here has set runtime->current. */
}

void runtime_moved(void)
{
	struct inner_thread *own = inner_thread();
	runtime->work += 16 + own->turns;
	own->turns = 0;
	own->rounds = 0;
	own->yields = false;
	runtime->moment.steps++;
	if (runtime->recording)
		onceproof_step(runtime->current, runtime->moment.steps);
	if (runtime->moment.steps > inner()->options.steps_max || runtime->graph->count > GRAPH_EVENTS_MAX - 2 * PIECES_MAX)
		runtime_stop(ENDING_CUT);
}

void runtime_added(const struct operation *op, event_id id)
{
	struct event *event = &runtime->graph->events[id];
	event->tag = op->tag;
	event->site = op->site;
	inner()->performing = id;
	if (runtime->recording)
		record_event(op, id);
	const struct search_kind *kind = runtime->search->kind;
	if (kind->added && !kind->added(runtime->search, &runtime->moment, op, id))
		runtime_stop(ENDING_ABANDONED);
}

void runtime_stuck(void)
{
	wait_begins(WAIT_STUCK);
	runtime_schedule(NULL);
	__builtin_unreachable();
}

uint32_t runtime_choose(unsigned count)
{
	if (count < 2)
		return 0;
	struct operation op = {.kind = EVENT_LOCAL,
		.tag = STEP_CHOICE,
		.thread = (uint16_t)runtime->current,
		.location = UINT32_MAX,
		.operand = count};
	const struct search_kind *kind = runtime->search->kind;
	uint32_t chosen = kind->choice ? kind->choice(runtime->search, &runtime->moment, runtime->current, count) : 0;
	if (chosen == SEARCH_GIVE_UP)
		runtime_stop(ENDING_ABANDONED);
	/* A choice is an event of its own, so that a schedule can name it; its value is 1 + the alternative. */
	event_id id = graph_plain(runtime->graph, runtime->current, EVENT_LOCAL);
	runtime->graph->events[id].value = 1 + chosen;
	runtime_added(&op, id);
	return chosen;
}

void runtime_yield(enum step_tag tag, const void *site)
{
	amend_step(site);
	runtime_enter();
	if (runtime->quiet)
		return;
	struct operation op = {.kind = EVENT_LOCAL,
		.tag = (uint8_t)tag,
		.thread = (uint16_t)runtime->current,
		.location = UINT32_MAX,
		.site = site};
	/* Giving way is no event: it orders nothing, and in an exhaustive search every order is explored anyway. */
	if (runtime->graph->full)
		return;
	inner_thread()->yields = true;
	runtime_schedule(&op);
	inner_thread()->yields = false;
}

void runtime_wait(enum step_tag tag, const void *site, bool (*ready)(void *arg, event_id *from),
	void (*describe)(void *arg, char *text, size_t bytes), void *arg)
{
	amend_step(site);
	runtime_enter();
	struct thread *self = runtime_thread();
	struct operation op = {
		.kind = EVENT_AWAIT, .tag = (uint8_t)tag, .thread = (uint16_t)self->id, .location = UINT32_MAX, .site = site};
	event_id from = 0;
	self->ready = ready;
	self->ready_arg = arg;
	self->describe = describe;
	self->waiting = true;
	wait_begins(WAIT_PASSIVE);
	do
		runtime_schedule(&op);
	while (!ready(arg, &from));
	wait_ends();
	self->waiting = false;
	runtime_moved();
	spin_effect();
	event_id id = graph_await(runtime->graph, self->id, from);
	runtime_added(&op, id);
	look_whether_quiet();
}

/* Executions ----------------------------------------------------------------------------------------------------------------------- */

void runtime_stop(enum ending how)
{
	inner()->ending = how;
	fiber_switch(0);
	__builtin_unreachable();
}

static void clear(void)
{
	struct inner *in = inner();
	graph_clear(runtime->graph);
	races_clear();
	heap_clear();
	in->live = in->waiting = 0;
	if (in->knows)
		memset(in->known, 0, sizeof in->known);
	in->knows = false;
	in->turn_ends = 0;
	in->recorded_count = 0;
	in->uncontrolled_count = 0;
	runtime->moment.threads = 0;
	runtime->moment.steps = 0;
	runtime->moment.enabled = 1;
	runtime->moment.current = 0;
	runtime->current = 0;
	runtime->alive = 0;
	runtime->findings = 0;
	runtime->virtual_ns = 0;
	runtime->raced = races_any_promoted();
	wide_clear();
	sync_clear();
	amend_clear();
}

static enum ending perform(void)
{
	clear();
	thread_exists(0);
	if (fiber_prepare(1, first_fiber, NULL) != 0)
		return ENDING_CUT;
	runtime->quiet = true;
	runtime->exited = false;
	runtime->running = true;
	fiber_switch(1);
	runtime->running = false;
	enum ending how = inner()->ending;
	if (how == ENDING_COMPLETE && runtime->alive == 0)
		sync_finish();
	if (how == ENDING_COMPLETE && inner()->options.leaks && !runtime->findings)
		heap_leaks();
	snapshot_restore();
	return how;
}

enum ending runtime_execute(struct search *search, void (*body)(void *arg), void *arg)
{
	runtime->search = search;
	runtime->execution = runtime->moment.execution;
	inner()->body = body;
	inner()->body_arg = arg;
	return isolate_on() ? isolate_execute(perform) : perform();
}
