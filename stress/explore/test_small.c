/* SPDX-License-Identifier: MIT */
#include "test_small.h"

#include <stdlib.h>
#include <string.h>

#include "graph_private.h"
#include "test_programs.h"

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
	uint8_t kind;
	enum applied (*apply)(const struct operation *op, uint64_t value, uint64_t *written);
	bool waits, chain;
} kinds[] = {
	[SMALL_LOAD] = {EVENT_READ, NULL, false, false},
	[SMALL_STORE] = {EVENT_WRITE, NULL, false, false},
	[SMALL_STORE_TWO] = {EVENT_WRITE, NULL, false, false},
	[SMALL_ADD] = {EVENT_UPDATE, apply_add, false, false},
	[SMALL_EXCHANGE] = {EVENT_UPDATE, apply_exchange, false, false},
	[SMALL_CAS] = {EVENT_UPDATE, apply_cas, false, false},
	[SMALL_FENCE] = {EVENT_FENCE, NULL, false, false},
	[SMALL_LOCK] = {EVENT_UPDATE, apply_lock, true, true},
	[SMALL_SPIN_LOCK] = {EVENT_UPDATE, apply_lock, true, false},
	[SMALL_UNLOCK] = {EVENT_WRITE, NULL, false, true},
	[SMALL_AWAIT] = {EVENT_READ, apply_await, true, false},
	[SMALL_JOIN] = {EVENT_AWAIT, NULL, false, false},
};

enum state { ABSENT, BEGINS, MOVES, STUCK, ENDED };

struct run {
	const struct small_program *program;
	struct graph *g;
	struct search *search;
	struct moment *at;
	bool gave_up;
	uint8_t state[SMALL_THREADS];
	uint8_t next[SMALL_THREADS];
	uint64_t last[SMALL_THREADS]; /* values */
	event_id create[SMALL_THREADS], end[SMALL_THREADS];
};

static void added(struct run *r, const struct operation *op, event_id id)
{
	r->g->events[id].tag = op->tag;
	const struct search_kind *kind = r->search->kind;
	r->gave_up |= kind->added && !kind->added(r->search, r->at, op, id);
}

static void plain(struct run *r, unsigned t, enum event_kind kind, uint8_t tag, event_id *id)
{
	struct operation op = {.kind = (uint8_t)kind, .tag = tag, .thread = (uint16_t)t, .location = UINT32_MAX};
	*id = graph_plain(r->g, t, kind);
	added(r, &op, *id);
}

static void choose(struct run *r, unsigned t, unsigned count)
{
	struct operation op = {.kind = EVENT_LOCAL, .tag = STEP_CHOICE, .thread = (uint16_t)t, .location = UINT32_MAX};
	uint32_t chosen = r->search->kind->choice(r->search, r->at, t, count);
	r->gave_up |= chosen == SEARCH_GIVE_UP;
	if (r->gave_up)
		return;
	event_id id = graph_plain(r->g, t, EVENT_LOCAL);
	r->g->events[id].value = 1 + chosen;
	r->last[t] = chosen;
	added(r, &op, id);
}

static void pend(struct run *r, unsigned t, const struct small_code *c)
{
	bool access = c->kind != SMALL_FENCE && c->kind != SMALL_JOIN;
	uint64_t address = test_address(c->location);
	r->at->pending[t] = (struct operation){.kind = kinds[c->kind].kind,
		.order = c->order,
		.order_failed = c->kind == SMALL_CAS ? c->order_failed : c->order,
		.waits = kinds[c->kind].waits,
		.chain = kinds[c->kind].chain,
		.thread = (uint16_t)t,
		.bytes = access ? 8 : 0,
		.address = access ? address : 0,
		.location = access ? graph_location(r->g, address, 8, &(uint64_t){0}) : UINT32_MAX,
		.operand = c->operand,
		.expected = c->expected,
		.apply = kinds[c->kind].apply};
	if (access)
		r->g->locations[r->at->pending[t].location].chain |= kinds[c->kind].chain;
}

/* Lets thread T do what needs no scheduling point, up to the operation that it does next. */
static void advance(struct run *r, unsigned t)
{
	while (!r->gave_up) {
		const struct small_code *c = &r->program->code[t][r->next[t]];
		event_id id;
		switch (c->kind) {
		case SMALL_END:
			r->state[t] = ENDED;
			if (r->program->created)
				plain(r, t, EVENT_END, STEP_THREAD_END, &r->end[t]);
			return;
		case SMALL_IF:
		case SMALL_UNLESS:
			r->next[t] = (r->last[t] == c->expected) == (c->kind == SMALL_IF) ? c->target : (uint8_t)(r->next[t] + 1);
			continue;
		case SMALL_CHOOSE:
			choose(r, t, (unsigned)c->operand);
			r->next[t]++;
			continue;
		case SMALL_CREATE:
			plain(r, t, EVENT_CREATE, STEP_THREAD_CREATE, &id);
			r->create[c->operand] = id;
			r->state[c->operand] = BEGINS;
			r->at->pending[c->operand] =
				(struct operation){.kind = EVENT_BEGIN, .thread = (uint16_t)c->operand, .location = UINT32_MAX};
			r->next[t]++;
			continue;
		default:
			r->state[t] = MOVES;
			pend(r, t, c);
			return;
		}
	}
}

/* --- operations ------------------------------------------------------------------------------------------------------------------- */

enum { STORES_MAX = 128 };

/* As the runtime's: an update's failure may return stores that its success may not. */
static unsigned sources_of(struct run *r, const struct operation *op, event_id *out)
{
	event_id reads[STORES_MAX], writes[STORES_MAX];
	if (!op->apply)
		return graph_sources(r->g, op->thread, op->location, op->order, false, out, STORES_MAX);
	bool update = op->kind == EVENT_UPDATE;
	unsigned read_count = graph_sources(r->g, op->thread, op->location, op->order_failed, false, reads, STORES_MAX);
	unsigned write_count = update ? graph_sources(r->g, op->thread, op->location, op->order, true, writes, STORES_MAX) : 0,
		 count = 0;
	for (event_id s = r->g->locations[op->location].last; s; s = r->g->events[s].before) {
		uint64_t written;
		bool write = op->apply(op, r->g->events[s].value, &written) == APPLIED_WRITE;
		const event_id *from = write ? writes : reads;
		unsigned from_count = write ? write_count : read_count;
		for (unsigned i = 0; i < from_count; i++)
			if (from[i] == s)
				out[count++] = s;
	}
	return count;
}

static void perform_read(struct run *r, struct operation *op)
{
	struct graph *g = r->g;
	unsigned t = op->thread;
	event_id sources[STORES_MAX], id;
	unsigned count = sources_of(r, op, sources);
	uint32_t index = r->search->kind->source(r->search, r->at, op, sources, count);
	r->gave_up |= index >= count;
	if (r->gave_up)
		return;
	uint64_t value = g->events[sources[index]].value, written = 0;
	enum applied how = op->apply ? op->apply(op, value, &written) : APPLIED_READ;
	r->last[t] = value;
	if (how == APPLIED_WRITE)
		id = graph_update(g, t, op->location, op->order, sources[index], written);
	else
		id = graph_read(g, t, op->location, op->kind == EVENT_UPDATE ? op->order_failed : op->order, sources[index]);
	g->events[id].blocked = how == APPLIED_BLOCK;
	added(r, op, id);
	if (how == APPLIED_BLOCK)
		r->state[t] = STUCK;
}

static void perform_write(struct run *r, struct operation *op)
{
	event_id places[STORES_MAX];
	unsigned count = graph_places(r->g, op->thread, op->location, op->order, places, STORES_MAX);
	uint32_t index = r->search->kind->place(r->search, r->at, op, places, count);
	r->gave_up |= index >= count;
	if (!r->gave_up)
		added(r, op, graph_write(r->g, op->thread, op->location, op->order, op->operand, places[index]));
}

static void perform(struct run *r, unsigned t)
{
	struct operation op = r->at->pending[t];
	const struct small_code *c = &r->program->code[t][r->next[t]];
	switch (op.kind) {
	case EVENT_BEGIN:
		added(r, &op, graph_begin(r->g, t, r->create[t]));
		return;
	case EVENT_AWAIT:
		added(r, &op, graph_await(r->g, t, r->end[c->operand]));
		break;
	case EVENT_FENCE:
		added(r, &op, graph_fence(r->g, t, op.order));
		break;
	case EVENT_WRITE:
		perform_write(r, &op);
		if (c->kind != SMALL_STORE_TWO || r->gave_up)
			break;
		op.address = test_address(c->second);
		op.location = graph_location(r->g, op.address, 8, &(uint64_t){0});
		perform_write(r, &op);
		break;
	default:
		perform_read(r, &op);
	}
	r->next[t]++;
}

/* --- executions --------------------------------------------------------------------------------------------------------------------- */

static bool can_move(const struct run *r, unsigned t)
{
	const struct small_code *c = &r->program->code[t][r->next[t]];
	if (r->state[t] == MOVES && c->kind == SMALL_JOIN)
		return r->state[c->operand] == ENDED;
	return r->state[t] == MOVES || r->state[t] == BEGINS;
}

static bool look_around(struct run *r)
{
	r->at->enabled = 0;
	for (unsigned t = 0; t < r->program->threads; t++)
		if (can_move(r, t))
			r->at->enabled |= 1ull << t;
	return r->at->enabled != 0;
}

enum ending small_execute(const struct small_program *program, struct graph *g, struct search *search, struct moment *at)
{
	struct run r = {.program = program, .g = g, .search = search, .at = at};
	graph_clear(g);
	at->graph = g;
	at->threads = program->threads;
	at->steps = 0;
	for (unsigned t = 0; t < program->threads; t++)
		if (t == 0 || !program->created)
			advance(&r, t);
	while (!r.gave_up && look_around(&r)) {
		unsigned t = search->kind->thread(search, at);
		if (t == SEARCH_GIVE_UP)
			return ENDING_ABANDONED;
		perform(&r, t);
		at->steps++;
		at->current = t;
		if (!r.gave_up && r.state[t] != STUCK)
			advance(&r, t);
	}
	for (unsigned t = 0; t < program->threads && !r.gave_up; t++)
		if (r.state[t] != ENDED)
			return ENDING_BLOCKED;
	return r.gave_up ? ENDING_ABANDONED : ENDING_COMPLETE;
}

uint64_t small_hash_as(const struct graph *g, const uint8_t *as)
{
	uint64_t sum = 1;
	for (event_id id = 1; id <= g->count; id++) {
		const struct event *e = &g->events[id];
		if (e->kind == EVENT_INITIAL || e->blocked || e->kind == EVENT_AWAIT || e->kind == EVENT_BEGIN)
			continue;
		const struct event *from = &g->events[e->kind == EVENT_WRITE ? e->before : e->source];
		bool has_from = event_is_access(e);
		uint64_t word[] = {as[e->thread], e->number, e->kind, e->order,
			e->location == UINT32_MAX ? 0 : g->locations[e->location].address, e->value,
			!has_from || from->kind == EVENT_INITIAL ? 99 : as[from->thread], has_from ? from->number : 0};
		uint64_t hash = 1;
		for (unsigned i = 0; i < sizeof word / sizeof *word; i++) {
			hash = (hash ^ word[i]) * 0xff51afd7ed558ccdu;
			hash ^= hash >> 29;
		}
		sum += hash * 0x9e3779b97f4a7c15u;
	}
	return sum;
}

uint64_t small_hash(const struct graph *g)
{
	uint8_t as[SMALL_THREADS];
	for (uint8_t t = 0; t < SMALL_THREADS; t++)
		as[t] = t;
	return small_hash_as(g, as);
}

bool small_deadlocked(const struct moment *at)
{
	const struct graph *g = at->graph;
	for (event_id id = 1; id <= g->count; id++)
		if (g->events[id].blocked && g->events[g->events[id].source].after)
			return false;
	return true;
}

/* --- brute force ---------------------------------------------------------------------------------------------------------------------- */

enum { DECISIONS_MAX = 1024 };

struct brute {
	struct search base;
	bool begun;
	unsigned depth, known;
	uint32_t chosen[DECISIONS_MAX], count[DECISIONS_MAX];
	struct test_set seen, deadlocks;
};

static bool brute_begin(struct search *s, const struct moment *at)
{
	(void)at;
	struct brute *b = (struct brute *)s;
	b->known = b->depth;
	while (b->known && b->chosen[b->known - 1] + 1 == b->count[b->known - 1])
		b->known--;
	if (b->begun && !b->known)
		return false;
	if (b->begun)
		b->chosen[b->known - 1]++;
	b->begun = true;
	b->depth = 0;
	return true;
}

static uint32_t decide(struct brute *b, unsigned count)
{
	if (b->depth == DECISIONS_MAX)
		abort();
	if (b->depth >= b->known) {
		b->chosen[b->depth] = 0;
		b->known = b->depth + 1;
	}
	b->count[b->depth] = count;
	return b->chosen[b->depth++];
}

static bool newest_blocks(const struct moment *at, unsigned t)
{
	const struct operation *op = &at->pending[t];
	const struct graph *g = at->graph;
	uint64_t written;
	return op->waits && op->apply(op, g->events[g->locations[op->location].last].value, &written) == APPLIED_BLOCK;
}

static unsigned brute_thread(struct search *s, const struct moment *at)
{
	struct brute *b = (struct brute *)s;
	if (b->depth >= b->known && !test_set_add(&b->seen, graph_hash(at->graph)))
		return SEARCH_GIVE_UP;
	bool all_block = true;
	for (uint64_t left = at->enabled; left; left &= left - 1)
		all_block = all_block && newest_blocks(at, (unsigned)__builtin_ctzll(left));
	if (all_block)
		test_set_add(&b->deadlocks, small_hash(at->graph));
	uint64_t enabled = at->enabled;
	for (uint32_t skip = decide(b, (unsigned)__builtin_popcountll(enabled)); skip; skip--)
		enabled &= enabled - 1;
	return (unsigned)__builtin_ctzll(enabled);
}

static uint32_t brute_source(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count)
{
	uint32_t going[STORES_MAX], kept = 0;
	uint64_t written;
	for (uint32_t i = 0; i < count; i++)
		if (!op->waits || op->apply(op, at->graph->events[sources[i]].value, &written) != APPLIED_BLOCK)
			going[kept++] = i;
	return kept ? going[decide((struct brute *)s, kept)] : SEARCH_GIVE_UP;
}

static uint32_t brute_place(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *places, unsigned count)
{
	(void)at, (void)op, (void)places;
	return decide((struct brute *)s, count);
}

static uint32_t brute_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at, (void)thread;
	return decide((struct brute *)s, count);
}

static void brute_close(struct search *s)
{
	struct brute *b = (struct brute *)s;
	test_set_free(&b->seen);
	test_set_free(&b->deadlocks);
}

const struct test_set *small_brute_deadlocks(const struct search *s)
{
	return &((const struct brute *)s)->deadlocks;
}

const struct search_kind small_brute = {
	.name = "brute",
	.about = "every graph, by trying everything",
	.full_graph = true,
	.exhausts = true,
	.bytes = sizeof(struct brute),
	.begin = brute_begin,
	.thread = brute_thread,
	.source = brute_source,
	.place = brute_place,
	.choice = brute_choice,
	.close = brute_close,
};
