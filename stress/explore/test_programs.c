/* SPDX-License-Identifier: MIT */
#include "test_programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- operations ---------------------------------------------------------------------------------------------------------------- */

static enum applied apply_add(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = value + op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_exchange(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)value;
	*written = op->operand;
	return APPLIED_WRITE;
}

static enum applied apply_cas(const struct operation *op, uint64_t value, uint64_t *written)
{
	*written = op->operand;
	return value == op->expected ? APPLIED_WRITE : APPLIED_READ;
}

static enum applied apply_lock(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = 1;
	return value ? APPLIED_BLOCK : APPLIED_WRITE;
}

static enum applied apply_await(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)written;
	return value == op->expected ? APPLIED_READ : APPLIED_BLOCK;
}

static const struct {
	uint8_t kind, tag;
	enum applied (*apply)(const struct operation *op, uint64_t value, uint64_t *written);
	bool waits, chain;
} op_kinds[] = {
	[TEST_LOAD] = {EVENT_READ, STEP_LOAD, NULL, false, false},
	[TEST_STORE] = {EVENT_WRITE, STEP_STORE, NULL, false, false},
	[TEST_STORE_SUM] = {EVENT_WRITE, STEP_STORE, NULL, false, false},
	[TEST_ADD] = {EVENT_UPDATE, STEP_FETCH_ADD, apply_add, false, false},
	[TEST_EXCHANGE] = {EVENT_UPDATE, STEP_EXCHANGE, apply_exchange, false, false},
	[TEST_CAS] = {EVENT_UPDATE, STEP_COMPARE_EXCHANGE, apply_cas, false, false},
	[TEST_FENCE] = {EVENT_FENCE, STEP_FENCE, NULL, false, false},
	[TEST_LOCK] = {EVENT_UPDATE, STEP_LOCK, apply_lock, true, true},
	[TEST_UNLOCK] = {EVENT_WRITE, STEP_UNLOCK, NULL, false, true},
	[TEST_AWAIT] = {EVENT_READ, STEP_LOAD, apply_await, true, false},
};

uint64_t test_address(unsigned location)
{
	return 0x1000 + 8 * (uint64_t)location;
}

static bool left_out(const struct test_op *op, uint64_t last)
{
	return (op->guard == TEST_IF_EQUAL && last != op->guard_value) ||
	       (op->guard == TEST_IF_DIFFERENT && last == op->guard_value);
}

/* The operation that THREAD is about to do; false: it is done. */
static bool find_pending(struct test_run *run, unsigned thread)
{
	const struct test_program *program = run->program;
	while (run->next[thread] < program->count[thread]) {
		const struct test_op *op = &program->op[thread][run->next[thread]];
		if (left_out(op, run->last[thread])) {
			run->next[thread]++;
			continue;
		}
		bool fence = op->kind == TEST_FENCE;
		run->at.pending[thread] = (struct operation){
			.kind = op_kinds[op->kind].kind,
			.tag = op_kinds[op->kind].tag,
			.order = op->order,
			.order_failed = op->order_failed,
			.waits = op_kinds[op->kind].waits,
			.chain = op_kinds[op->kind].chain,
			.thread = (uint16_t)thread,
			.site = op,
			.bytes = fence ? 0 : 8,
			.address = fence ? 0 : test_address(op->location),
			.location = fence ? UINT32_MAX : graph_find(run->at.graph, test_address(op->location), 8),
			.operand = op->operand + (op->kind == TEST_STORE_SUM ? run->last[thread] : 0),
			.expected = op->expected,
			.apply = op_kinds[op->kind].apply,
		};
		return true;
	}
	return false;
}

/* --- one execution ------------------------------------------------------------------------------------------------------------- */

enum { SOURCES_MAX = 64 };

static unsigned keep_if(const struct graph *g, const struct operation *op, enum applied wanted, event_id *sources, unsigned count)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < count; i++) {
		uint64_t written = 0;
		if (op->apply(op, g->events[sources[i]].value, &written) == wanted)
			sources[kept++] = sources[i];
	}
	return kept;
}

/* The stores that OP may return and go on with, newest first. */
static unsigned find_sources(struct graph *g, const struct operation *op, event_id *out)
{
	unsigned count = graph_sources(g, op->thread, op->location, op->order, op->kind == EVENT_UPDATE, out, SOURCES_MAX);
	if (!op->apply)
		return count;
	if (op->kind == EVENT_READ)
		return keep_if(g, op, APPLIED_READ, out, count);
	count = keep_if(g, op, APPLIED_WRITE, out, count);
	event_id more[SOURCES_MAX];
	unsigned others = graph_sources(g, op->thread, op->location, op->order_failed, false, more, SOURCES_MAX);
	others = keep_if(g, op, APPLIED_READ, more, others);
	for (unsigned i = 0; i < others; i++) {
		unsigned at = count++;
		for (; at && g->events[out[at - 1]].rank < g->events[more[i]].rank; at--)
			out[at] = out[at - 1];
		out[at] = more[i];
	}
	return count;
}

/* Which threads can move; false: none. */
static bool look_around(struct test_run *run, bool *done)
{
	struct moment *at = &run->at;
	at->enabled = 0;
	*done = true;
	for (unsigned t = 0; t < at->threads; t++) {
		if (!find_pending(run, t))
			continue;
		*done = false;
		event_id sources[2 * SOURCES_MAX];
		if (!at->pending[t].waits || find_sources(at->graph, &at->pending[t], sources))
			at->enabled |= (uint64_t)1 << t;
	}
	return at->enabled != 0;
}

static event_id add_read(struct test_run *run, const struct operation *op, event_id source)
{
	struct graph *g = run->at.graph;
	uint64_t value = g->events[source].value, written = 0;
	run->last[op->thread] = value;
	run->value[op->thread][run->next[op->thread]] = (uint8_t)value;
	if (op->kind == EVENT_UPDATE && op->apply(op, value, &written) == APPLIED_WRITE)
		return graph_update(g, op->thread, op->location, op->order, source, written);
	return graph_read(g, op->thread, op->location, op->kind == EVENT_UPDATE ? op->order_failed : op->order, source);
}

/* The operation of THREAD as an event; 0: the search gave up. */
static event_id perform(struct test_run *run, const struct operation *op)
{
	struct graph *g = run->at.graph;
	const struct search_kind *kind = run->search->kind;
	event_id options[2 * SOURCES_MAX];
	if (op->kind == EVENT_FENCE)
		return graph_fence(g, op->thread, op->order);
	bool write = op->kind == EVENT_WRITE;
	unsigned count =
		write ? graph_places(g, op->thread, op->location, op->order, options, SOURCES_MAX) : find_sources(g, op, options);
	uint32_t chosen = count ? 0 : SEARCH_GIVE_UP;
	if ((count > 1 || g->full) && (write ? kind->place : kind->source))
		chosen = (write ? kind->place : kind->source)(run->search, &run->at, op, options, count);
	if (chosen == SEARCH_GIVE_UP)
		return 0;
	if (write)
		return graph_write(g, op->thread, op->location, op->order, op->operand, options[chosen]);
	return add_read(run, op, options[chosen]);
}

static bool step(struct test_run *run)
{
	struct moment *at = &run->at;
	unsigned thread = (unsigned)__builtin_ctzll(at->enabled);
	if (at->graph->full || run->search->kind->full_graph || (at->enabled & (at->enabled - 1)))
		thread = run->search->kind->thread(run->search, at);
	if (thread == SEARCH_GIVE_UP)
		return false;
	struct operation op = at->pending[thread];
	event_id id = perform(run, &op);
	if (!id)
		return false;
	at->graph->events[id].tag = op.tag;
	run->next[thread]++;
	at->steps++;
	at->current = thread;
	return !run->search->kind->added || run->search->kind->added(run->search, at, &op, id);
}

static void prepare(
	struct test_run *run, const struct test_program *program, struct graph *g, struct search *search, uint64_t execution)
{
	run->program = program;
	run->search = search;
	run->at.graph = g;
	run->at.threads = program->threads;
	run->at.execution = execution;
	run->at.enabled = 0;
	run->at.current = 0;
	run->at.steps = 0;
	memset(run->next, 0, sizeof run->next);
	memset(run->last, 0, sizeof run->last);
	memset(run->value, 0xf, sizeof run->value);
	graph_clear(g);
	for (unsigned l = 0; l < program->locations; l++)
		graph_location(g, test_address(l), 8, &(uint64_t){0});
}

enum ending test_execute(
	struct test_run *run, const struct test_program *program, struct graph *g, struct search *search, uint64_t execution)
{
	prepare(run, program, g, search, execution);
	if (!search->kind->begin(search, &run->at))
		return ENDING_CUT;
	bool done;
	enum ending how = ENDING_COMPLETE;
	while (how == ENDING_COMPLETE && look_around(run, &done))
		if (!step(run))
			how = ENDING_ABANDONED;
	if (how == ENDING_COMPLETE && !done)
		how = ENDING_BLOCKED;
	if (search->kind->end)
		search->kind->end(search, &run->at, how);
	return how;
}

uint64_t test_outcome(const struct test_run *run)
{
	const struct test_program *program = run->program;
	const struct graph *g = run->at.graph;
	uint64_t outcome = 0;
	for (unsigned t = 0; t < program->threads; t++)
		for (unsigned i = 0; i < program->count[t]; i++) {
			unsigned kind = op_kinds[program->op[t][i].kind].kind;
			if (kind == EVENT_READ || kind == EVENT_UPDATE)
				outcome = outcome << 4 | (run->value[t][i] & 0xf);
		}
	for (unsigned l = 0; program->finals && l < program->locations; l++)
		outcome = outcome << 4 | (g->events[g->locations[l].last].value & 0xf);
	return outcome;
}

/* --- enumerating everything ------------------------------------------------------------------------------------------------------ */

enum { DECISIONS_MAX = 512 };

struct enumerate {
	struct search base;
	bool begun;
	unsigned depth, known; /* decisions made in this execution; those that are given */
	uint32_t chosen[DECISIONS_MAX], count[DECISIONS_MAX];
	struct test_set seen; /* of test_enumerate_graphs: states */
};

static bool enumerate_begin(struct search *s, const struct moment *at)
{
	(void)at;
	struct enumerate *e = (struct enumerate *)s;
	if (e->begun) {
		e->known = e->depth;
		while (e->known && e->chosen[e->known - 1] + 1 == e->count[e->known - 1])
			e->known--;
		if (!e->known)
			return false;
		e->chosen[e->known - 1]++;
	}
	e->begun = true;
	e->depth = 0;
	return true;
}

static uint32_t enumerate_decide(struct enumerate *e, unsigned count)
{
	if (e->depth == DECISIONS_MAX)
		abort();
	if (e->depth >= e->known) {
		e->chosen[e->depth] = 0;
		e->known = e->depth + 1;
	}
	e->count[e->depth] = count;
	return e->chosen[e->depth++];
}

static unsigned enumerate_thread(struct search *s, const struct moment *at)
{
	uint32_t skip = enumerate_decide((struct enumerate *)s, (unsigned)__builtin_popcountll(at->enabled));
	uint64_t enabled = at->enabled;
	while (skip--)
		enabled &= enabled - 1;
	return (unsigned)__builtin_ctzll(enabled);
}

static uint32_t enumerate_event(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *options, unsigned count)
{
	(void)at, (void)op, (void)options;
	return count ? enumerate_decide((struct enumerate *)s, count) : SEARCH_GIVE_UP;
}

const struct search_kind test_enumerate = {
	.name = "enumerate",
	.about = "every decision in every way",
	.exhausts = true,
	.bytes = sizeof(struct enumerate),
	.begin = enumerate_begin,
	.thread = enumerate_thread,
	.source = enumerate_event,
	.place = enumerate_event,
};

/* What the rest of an execution depends on: the graph, and, where seq_cst events are ordered as they are added, their order. */
static uint64_t state_of(const struct graph *g)
{
	uint64_t state = graph_hash(g);
	for (event_id id = 1; id <= g->count && !g->full; id++)
		if (g->events[id].order == ORDER_SEQ_CST)
			state = (state ^ ((uint64_t)g->events[id].thread << 32 | g->events[id].number)) * 0x9e3779b97f4a7c15u;
	return state;
}

static unsigned enumerate_thread_once(struct search *s, const struct moment *at)
{
	struct enumerate *e = (struct enumerate *)s;
	if (e->depth >= e->known && !test_set_add(&e->seen, state_of(at->graph)))
		return SEARCH_GIVE_UP;
	return enumerate_thread(s, at);
}

static void enumerate_close(struct search *s)
{
	test_set_free(&((struct enumerate *)s)->seen);
}

const struct search_kind test_enumerate_graphs = {
	.name = "enumerate-graphs",
	.about = "every decision in every way, but each state only once",
	.full_graph = true,
	.exhausts = true,
	.bytes = sizeof(struct enumerate),
	.begin = enumerate_begin,
	.thread = enumerate_thread_once,
	.source = enumerate_event,
	.place = enumerate_event,
	.close = enumerate_close,
};

struct search *test_open(const struct search_kind *kind)
{
	struct search *s = calloc(1, kind->bytes);
	if (!s)
		abort();
	s->kind = kind;
	s->shard = s->shards = 1;
	return s;
}

void test_close(struct search *s)
{
	if (s->kind->close)
		s->kind->close(s);
	free(s);
}

/* --- sets of numbers ----------------------------------------------------------------------------------------------------------- */

static uint64_t *set_find(const struct test_set *set, uint64_t number)
{
	uint64_t i = number * 0x9e3779b97f4a7c15u & (set->room - 1);
	while (set->slot[i] && set->slot[i] != number)
		i = (i + 1) & (set->room - 1);
	return &set->slot[i];
}

static void set_grow(struct test_set *set)
{
	struct test_set larger = {.room = set->room ? set->room * 2 : 64, .count = set->count, .has_zero = set->has_zero};
	larger.slot = calloc(larger.room, sizeof *larger.slot);
	if (!larger.slot)
		abort();
	for (uint64_t i = 0; i < set->room; i++)
		if (set->slot[i])
			*set_find(&larger, set->slot[i]) = set->slot[i];
	free(set->slot);
	*set = larger;
}

bool test_set_add(struct test_set *set, uint64_t number)
{
	if (!number) {
		bool fresh = !set->has_zero;
		set->has_zero = true;
		set->count += fresh;
		return fresh;
	}
	if (set->count * 2 >= set->room)
		set_grow(set);
	uint64_t *slot = set_find(set, number);
	if (*slot)
		return false;
	*slot = number;
	set->count++;
	return true;
}

bool test_set_has(const struct test_set *set, uint64_t number)
{
	return number ? set->room && *set_find(set, number) : set->has_zero;
}

bool test_set_within(const struct test_set *part, const struct test_set *whole)
{
	for (uint64_t i = 0; i < part->room; i++)
		if (part->slot[i] && !test_set_has(whole, part->slot[i]))
			return false;
	return !part->has_zero || whole->has_zero;
}

void test_set_free(struct test_set *set)
{
	free(set->slot);
	*set = (struct test_set){0};
}
