/* SPDX-License-Identifier: MIT */
/* Building execution graphs: events, modification order, and the clocks of happens-before.
 *
 * The clocks are those of Lamport and of Mattern, with what C11 adds: a store carries what its acquire readers join (its release
 * clock), relaxed reads keep it for a later acquire fence, release fences lend their clock to later relaxed stores, and updates hand
 * their source's release clock on (release sequences). Compare Lidbury and Donaldson, POPL 2017, and C11Tester, ASPLOS 2021.
 */
#include "graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "graph_private.h"
#include "memory.h"

enum { EVENT_ROOM = GRAPH_EVENTS_MAX + 1, SLOT_BITS_MIN = 6, SLOT_BITS_MAX = 17, RANK_GAP = 4096 };

_Noreturn void graph_give_up(const char *why)
{
	fprintf(stderr, "onceproof: execution graph: %s\n", why);
	abort();
}

void *graph_scratch(const struct graph *g, size_t bytes)
{
	struct graph_private *p = g->private;
	if (bytes <= p->scratch_bytes)
		return p->scratch;
	if (p->scratch)
		memory_unmap(p->scratch, p->scratch_bytes);
	p->scratch_bytes = bytes * 2 + 65536;
	p->scratch = memory_map(p->scratch_bytes);
	if (!p->scratch)
		graph_give_up("no memory to check it");
	return p->scratch;
}

/* --- the graph as a whole ------------------------------------------------------------------------------------------------------ */

/* Hands out parts of one mapping, or only adds their sizes up while BASE is NULL. */
static void *part(char *base, size_t *used, size_t bytes)
{
	void *at = base ? base + *used : NULL;
	*used += (bytes + 63) / 64 * 64;
	return at;
}

/* Everything at its largest: untouched pages cost nothing. */
static struct graph *lay_out(char *base, bool full, size_t *used)
{
	struct graph *g = part(base, used, sizeof *g);
	struct graph_private *p = part(base, used, sizeof *p);
	size_t rows = (size_t)EVENT_ROOM * ROW_MAX * sizeof(uint32_t);
	struct graph_private parts = {
		.slots = part(base, used, sizeof(struct lookup_slot) << SLOT_BITS_MAX),
		.happened = part(base, used, rows),
		.released = part(base, used, rows),
		.here = part(base, used, rows),
		.prefix = full ? part(base, used, rows) : NULL,
		.numbered = full ? part(base, used, (size_t)GRAPH_THREADS_MAX * EVENT_ROOM * sizeof(event_id)) : NULL,
		.row = ROW_MIN,
		.slot_bits = SLOT_BITS_MIN,
		.generation = 1,
	};
	struct event *events = part(base, used, (size_t)EVENT_ROOM * sizeof *events);
	struct location *locations = part(base, used, (size_t)EVENT_ROOM * sizeof *locations);
	if (base) {
		*p = parts;
		*g = (struct graph){.full = full, .events = events, .locations = locations, .private = p};
	}
	return g;
}

struct graph *graph_new(enum memory_model model, bool full)
{
	size_t bytes = 0;
	lay_out(NULL, full, &bytes);
	char *base = memory_map(bytes);
	if (!base)
		return NULL;
	size_t used = 0;
	struct graph *g = lay_out(base, full, &used);
	g->model = model;
	g->private->mapped_bytes = bytes;
	return g;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	if (g->private->scratch)
		memory_unmap(g->private->scratch, g->private->scratch_bytes);
	memory_unmap(g, g->private->mapped_bytes); // the graph lies at the mapping's start
}

void graph_clear(struct graph *g)
{
	struct graph_private *p = g->private;
	for (unsigned t = 0; t < g->threads; t++) {
		struct thread_clocks *clocks = &p->thread[t];
		row_zero(clocks->known, p->row);
		row_zero(clocks->pending, p->row);
		row_zero(clocks->released, p->row);
		row_zero(clocks->prefix, p->row);
		g->done[t] = 0;
		g->last[t] = 0;
	}
	row_zero(p->fenced, p->row);
	p->broken = p->unchecked = false;
	g->count = g->location_count = g->threads = g->sc_events = 0;
	if (++p->generation == 0) {
		memset(p->slots, 0, sizeof *p->slots << SLOT_BITS_MAX);
		p->generation = 1;
	}
}

/* Moves COUNT rows of FROM entries apart to TO entries each, last first, so that nothing is overwritten before it moved. */
static void spread(uint32_t *rows, uint32_t count, unsigned from, unsigned to)
{
	for (uint32_t i = count; i-- > 0;) {
		memmove(rows + (size_t)i * to, rows + (size_t)i * from, from * sizeof *rows);
		memset(rows + (size_t)i * to + from, 0, (to - from) * sizeof *rows);
	}
}

/* THREAD has its first event. */
static void admit(struct graph *g, unsigned thread)
{
	struct graph_private *p = g->private;
	unsigned row = p->row;
	while (row < thread + 2)
		row = row < 64 ? row * 2 : ROW_MAX;
	if (row != p->row) {
		spread(p->happened, g->count + 1, p->row, row);
		spread(p->released, g->count + 1, p->row, row);
		if (g->full)
			spread(p->prefix, g->count + 1, p->row, row);
		spread(p->here, g->location_count, p->row, row);
		p->row = row;
	}
	g->threads = thread + 1;
}

/* --- locations ----------------------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct graph_private *p, uint64_t address, uint32_t bytes)
{
	return (uint32_t)((address * 8 + bytes) * 0x9e3779b97f4a7c15u >> (64 - p->slot_bits));
}

uint32_t graph_find(const struct graph *g, uint64_t address, uint32_t bytes)
{
	const struct graph_private *p = g->private;
	uint32_t mask = (1u << p->slot_bits) - 1;
	for (uint32_t i = slot_of(p, address, bytes); p->slots[i].generation == p->generation; i = (i + 1) & mask) {
		const struct location *l = &g->locations[p->slots[i].location];
		if (l->address == address && l->bytes == bytes)
			return p->slots[i].location;
	}
	return UINT32_MAX;
}

static void slot_fill(struct graph *g, uint32_t location)
{
	struct graph_private *p = g->private;
	uint32_t mask = (1u << p->slot_bits) - 1;
	uint32_t i = slot_of(p, g->locations[location].address, g->locations[location].bytes);
	while (p->slots[i].generation == p->generation)
		i = (i + 1) & mask;
	p->slots[i] = (struct lookup_slot){p->generation, location};
}

/* The table stays at most half full; what was too small once stays larger. */
static void slots_grow(struct graph *g)
{
	struct graph_private *p = g->private;
	memset(p->slots, 0, sizeof *p->slots << p->slot_bits);
	p->slot_bits++;
	for (uint32_t i = 0; i < g->location_count; i++)
		slot_fill(g, i);
}

static event_id next_id(struct graph *g)
{
	if (g->count == GRAPH_EVENTS_MAX)
		graph_give_up("too many events");
	return ++g->count;
}

static event_id add_initial(struct graph *g, uint32_t location, uint64_t value)
{
	struct graph_private *p = g->private;
	event_id id = next_id(g);
	g->events[id] = (struct event){.kind = EVENT_INITIAL, .thread = GRAPH_NOBODY, .location = location, .value = value};
	row_zero(row_at(p->happened, id, p->row), p->row);
	row_zero(row_at(p->released, id, p->row), p->row);
	if (g->full)
		row_zero(row_at(p->prefix, id, p->row), p->row);
	return id;
}

uint32_t graph_location(struct graph *g, uint64_t address, uint32_t bytes, const uint64_t *initial)
{
	uint32_t found = graph_find(g, address, bytes);
	if (found != UINT32_MAX)
		return found;
	struct graph_private *p = g->private;
	if (g->location_count * 2 >= 1u << p->slot_bits)
		slots_grow(g);
	uint32_t location = g->location_count++;
	event_id id = add_initial(g, location, *initial);
	g->locations[location] = (struct location){.address = address, .bytes = bytes, .initial = id, .first = id, .last = id};
	row_zero(row_at(p->here, location, p->row), p->row);
	slot_fill(g, location);
	return location;
}

/* --- modification order -------------------------------------------------------------------------------------------------------- */

static void renumber(struct graph *g, const struct location *l)
{
	uint32_t rank = 0;
	for (event_id s = l->first; s; s = g->events[s].after, rank += RANK_GAP)
		g->events[s].rank = rank;
}

/* Puts store ID right behind store BEFORE. */
static void insert_store(struct graph *g, struct location *l, event_id id, event_id before)
{
	struct event *e = &g->events[id], *b = &g->events[before];
	e->before = before;
	e->after = b->after;
	if (!b->after) {
		e->rank = b->rank + RANK_GAP;
		l->last = id;
	} else {
		struct event *a = &g->events[b->after];
		a->before = id;
		e->rank = b->rank + (a->rank - b->rank) / 2;
	}
	b->after = id;
	if (e->rank == b->rank)
		renumber(g, l);
}

static void remove_store(struct graph *g, struct location *l, event_id id)
{
	struct event *e = &g->events[id];
	g->events[e->before].after = e->after;
	if (e->after)
		g->events[e->after].before = e->before;
	else
		l->last = e->before;
}

/* --- adding events ------------------------------------------------------------------------------------------------------------- */

/* The next event of THREAD, with its own number in its thread's clocks. */
static event_id add(struct graph *g, enum event_kind kind, unsigned thread, uint32_t location, enum order order, event_id source)
{
	if (thread >= g->threads)
		admit(g, thread);
	event_id id = next_id(g);
	uint32_t number = ++g->done[thread];
	g->events[id] = (struct event){
		.kind = (uint8_t)kind,
		.order = (uint8_t)order,
		.thread = (uint16_t)thread,
		.number = number,
		.location = location,
		.source = source,
	};
	g->last[thread] = id;
	g->private->thread[thread].known[1 + thread] = number;
	return id;
}

/* Keeps the thread's clocks with the event, once they are what they are after it. */
static void keep_clocks(struct graph *g, event_id id)
{
	struct graph_private *p = g->private;
	const struct event *e = &g->events[id];
	struct thread_clocks *clocks = &p->thread[e->thread];
	row_copy(row_at(p->happened, id, p->row), clocks->known, p->row);
	if (!g->full)
		return;
	clocks->prefix[1 + e->thread] = e->number;
	if (e->source)
		row_join(clocks->prefix, row_at(p->prefix, e->source, p->row), p->row);
	row_copy(row_at(p->prefix, id, p->row), clocks->prefix, p->row);
	p->numbered[(size_t)e->thread * EVENT_ROOM + e->number] = id;
}

event_id graph_floor(const struct graph *g, unsigned thread, uint32_t location)
{
	const event_id *here = events_here(g, location);
	const uint32_t *known = g->private->thread[thread].known;
	event_id own = thread < g->threads ? here[1 + thread] : 0;
	event_id floor = own ? event_store(g, own) : g->locations[location].initial;
	for (unsigned u = 0; u < g->threads; u++)
		floor = floor_raise(g, floor, here[1 + u], known[1 + u]);
	return floor;
}

/* Full: notes what the access is about to do to the rules. AT: the store that it reads, or behind which it goes. A cycle through a new
 * event needs a way out of it, which only a store behind AT is, because nothing has happened after it yet. Out of an access that is
 * not seq_cst leads psc only with a seq_cst fence before it. */
static void watch(struct graph *g, enum event_kind kind, unsigned thread, uint32_t location, enum order order, event_id at)
{
	struct graph_private *p = g->private;
	if (thread >= g->threads)
		admit(g, thread);
	if (kind != EVENT_READ && g->events[at].reader)
		p->broken = true; // two updates of one store, or a store between an update and its source
	if (g->events[graph_floor(g, thread, location)].rank > g->events[at].rank)
		p->broken = true;
	if (g->events[at].after && (g->model == MODEL_SC || order == ORDER_SEQ_CST || p->thread[thread].known[0]))
		p->unchecked = true;
}

/* What the thread learns from the store that it returns. */
static void learn(struct graph *g, unsigned thread, enum order order, event_id source)
{
	struct graph_private *p = g->private;
	struct thread_clocks *clocks = &p->thread[thread];
	row_join(order_acquires(order) ? clocks->known : clocks->pending, row_at(p->released, source, p->row), p->row);
}

/* What a store gives to its acquire readers. */
static void release(struct graph *g, event_id id)
{
	struct graph_private *p = g->private;
	const struct event *e = &g->events[id];
	const struct thread_clocks *clocks = &p->thread[e->thread];
	uint32_t *released = row_at(p->released, id, p->row);
	row_copy(released, order_releases(e->order) ? clocks->known : clocks->released, p->row);
	if (e->kind == EVENT_UPDATE)
		row_join(released, row_at(p->released, e->source, p->row), p->row);
}

/* The lists of its location. last_there: of a read, its thread's last store there; of a seq_cst store, the location's seq_cst store
 * added before it. */
static void enlist(struct graph *g, event_id id)
{
	struct event *e = &g->events[id];
	event_id *here = row_at(g->private->here, e->location, g->private->row);
	event_id previous = here[1 + e->thread];
	e->previous_here = previous;
	here[1 + e->thread] = id;
	if (e->kind == EVENT_READ) {
		e->last_there = previous && g->events[previous].kind == EVENT_READ ? g->events[previous].last_there : previous;
	} else if (e->order == ORDER_SEQ_CST) {
		e->last_there = here[0];
		here[0] = id;
	}
	g->sc_events += e->order == ORDER_SEQ_CST;
}

event_id graph_add_access(
	struct graph *g, enum event_kind kind, unsigned thread, uint32_t location, enum order order, event_id at, uint64_t value)
{
	if (g->full)
		watch(g, kind, thread, location, order, at);
	event_id id = add(g, kind, thread, location, order, kind == EVENT_WRITE ? 0 : at);
	g->events[id].value = value;
	if (kind != EVENT_WRITE)
		learn(g, thread, order, at);
	if (kind != EVENT_READ) {
		insert_store(g, &g->locations[location], id, at);
		release(g, id);
	}
	if (kind == EVENT_UPDATE)
		g->events[at].reader = id;
	enlist(g, id);
	keep_clocks(g, id);
	return id;
}

void graph_take_back(struct graph *g, const struct thread_clocks *clocks, const struct graph *before)
{
	struct graph_private *p = g->private;
	event_id id = g->count--;
	const struct event *e = &g->events[id];
	event_id *here = row_at(p->here, e->location, p->row);
	here[1 + e->thread] = e->previous_here;
	if (e->kind != EVENT_READ) {
		if (e->order == ORDER_SEQ_CST)
			here[0] = e->last_there;
		remove_store(g, &g->locations[e->location], id);
	}
	if (e->kind == EVENT_UPDATE)
		g->events[e->source].reader = 0;
	p->thread[e->thread] = *clocks;
	g->done[e->thread]--;
	g->last[e->thread] = before->last[e->thread];
	g->sc_events = before->sc_events;
}

event_id graph_read(struct graph *g, unsigned thread, uint32_t location, enum order order, event_id source)
{
	return graph_add_access(g, EVENT_READ, thread, location, order, source, g->events[source].value);
}

event_id graph_write(struct graph *g, unsigned thread, uint32_t location, enum order order, uint64_t value, event_id after)
{
	return graph_add_access(g, EVENT_WRITE, thread, location, order, after, value);
}

event_id graph_update(struct graph *g, unsigned thread, uint32_t location, enum order order, event_id source, uint64_t value)
{
	return graph_add_access(g, EVENT_UPDATE, thread, location, order, source, value);
}

event_id graph_fence(struct graph *g, unsigned thread, enum order order)
{
	struct graph_private *p = g->private;
	event_id id = add(g, EVENT_FENCE, thread, UINT32_MAX, order, 0);
	struct thread_clocks *clocks = &p->thread[thread];
	if (order_acquires(order))
		row_join(clocks->known, clocks->pending, p->row);
	if (order == ORDER_SEQ_CST) {
		clocks->known[0] = id;
		row_join(p->fenced, clocks->known, p->row);
		row_copy(row_at(p->released, id, p->row), p->fenced, p->row);
		g->sc_events++;
	}
	if (order_releases(order))
		row_copy(clocks->released, clocks->known, p->row);
	keep_clocks(g, id);
	return id;
}

/* An event that happens after event FROM, if there is one. */
static event_id add_behind(struct graph *g, enum event_kind kind, unsigned thread, event_id from)
{
	event_id id = add(g, kind, thread, UINT32_MAX, ORDER_PLAIN, from);
	if (from)
		row_join(g->private->thread[thread].known, happened_before(g, from), g->private->row);
	keep_clocks(g, id);
	return id;
}

event_id graph_begin(struct graph *g, unsigned thread, event_id create)
{
	return add_behind(g, EVENT_BEGIN, thread, create);
}

event_id graph_await(struct graph *g, unsigned thread, event_id awaited)
{
	return add_behind(g, EVENT_AWAIT, thread, awaited);
}

event_id graph_plain(struct graph *g, unsigned thread, enum event_kind kind)
{
	return add_behind(g, kind, thread, 0);
}

void graph_value(struct graph *g, event_id store, uint64_t value)
{
	g->events[store].value = value;
}

/* --- looking at it -------------------------------------------------------------------------------------------------------------- */

uint32_t graph_knows(const struct graph *g, unsigned thread, unsigned other)
{
	return g->private->thread[thread].known[1 + other];
}

const uint32_t *graph_clock(const struct graph *g, unsigned thread)
{
	return g->private->thread[thread].known + 1;
}

event_id graph_at(const struct graph *g, unsigned thread, uint32_t number)
{
	return number >= 1 && number <= g->done[thread] ? event_numbered(g, thread, number) : 0;
}

const uint32_t *graph_prefix(const struct graph *g, event_id b)
{
	return row_at(g->private->prefix, b, g->private->row) + 1;
}

bool graph_before(const struct graph *g, event_id a, event_id b)
{
	const struct event *e = &g->events[a];
	return a == b || e->kind == EVENT_INITIAL ||
	       (g->events[b].kind != EVENT_INITIAL && graph_prefix(g, b)[e->thread] >= e->number);
}
