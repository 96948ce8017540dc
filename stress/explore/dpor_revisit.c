/* SPDX-License-Identifier: MIT */
/* Backward revisits: a new store and the reads before it that could have returned it.
 *
 * TruSt, Algorithm 2 (Kokologiannakis, Marmanis, Gladstein and Vafeiadis, POPL 2022). When store A is added and read R of its location is
 * not in A's prefix (program order and reads-from), R may read A in a graph without the events that came after R and are not in A's
 * prefix. Several graphs lead to one such graph; only from the one in which all that is taken away, and R, had been added in the
 * maximal way is it made. So nothing is explored twice, and no set of visited graphs is kept.
 *
 * An update is two events there, a read and a store right behind it. Here it is one node whose halves have stamps of their own: after
 * its read was revisited, its store is new.
 */
#include <string.h>

#include "dpor.h"

enum fate { GONE, STAYS, READ_STAYS };

struct revisit {
	struct dpor *d;
	struct graph *g;
	const struct operation *op;
	uint32_t self;                     /* node of the store */
	event_id source;                   /* of the store, if it is an update */
	uint32_t clock[GRAPH_THREADS_MAX]; /* its prefix */
	uint32_t read, cut;                /* node of the read, and its stamp */
	uint8_t *fate;                     /* by node */
};

static bool within(const struct revisit *v, const struct dpor_node *n)
{
	return dpor_within(v->g, n, v->clock);
}

/* Is store S in the prefix, or was it added before STAMP? */
static bool previous(const struct revisit *v, event_id s, uint32_t stamp)
{
	if (v->g->events[s].kind == EVENT_INITIAL)
		return true;
	const struct dpor_node *n = &v->d->nodes[v->d->node_of[s]];
	return n->write_stamp <= stamp || within(v, n);
}

/* Is store S, among those that were there by STAMP and those in the prefix, the last in modification order? */
static bool is_last(const struct revisit *v, event_id s, uint32_t stamp)
{
	for (event_id next = v->g->events[s].after; next; next = v->g->events[next].after)
		if (previous(v, next, stamp))
			return false;
	return true;
}

static bool reads(const struct dpor_node *n)
{
	return n->kind == EVENT_READ || n->kind == EVENT_UPDATE;
}

/* Where a read is; the location of one that was not performed yet is that of its source. */
static uint32_t location_of(const struct revisit *v, const struct dpor_node *n)
{
	event_id e = n->event ? n->event : n->source ? v->d->nodes[n->source - 1].event : 0;
	return e ? v->g->events[e].location : UINT32_MAX;
}

static event_id source_of(const struct revisit *v, const struct dpor_node *n)
{
	if (n->source)
		return v->d->nodes[n->source - 1].event;
	return n->event ? v->g->events[n->event].source : v->g->locations[v->op->location].initial;
}

static bool read_is_maximal(const struct revisit *v, const struct dpor_node *n)
{
	event_id source = source_of(v, n);
	return previous(v, source, n->read_stamp) && is_last(v, source, n->read_stamp);
}

/* Nobody read it who was there before it, and it came last. */
static bool store_is_maximal(const struct revisit *v, const struct dpor_node *n)
{
	return n->first_reader > n->write_stamp && is_last(v, n->event, n->write_stamp);
}

/* Decides what becomes of node N; false: it goes, and must not. */
static bool decide(struct revisit *v, uint32_t n)
{
	const struct dpor_node *node = &v->d->nodes[n];
	v->fate[n] = STAYS;
	if (within(v, node))
		return true;
	bool store_goes = node->write_stamp != DPOR_NEVER && node->write_stamp > v->cut;
	bool rest_goes = node->read_stamp != DPOR_NEVER && node->read_stamp > v->cut;
	if (!store_goes && !rest_goes)
		return true;
	/* Of another update only the read would stay if it was revisited by a store that came after the cut. That one goes, then, and must
	 * not, as it is read: nothing in the prefix of a store that stays is open to a revisit. */
	v->fate[n] = GONE;
	if (store_goes && !store_is_maximal(v, node))
		return false;
	/* Alternatives of a free choice are as many graphs; the first stands for them. */
	if (rest_goes && node->kind == EVENT_LOCAL)
		return node->source == 0;
	return !rest_goes || !reads(node) || read_is_maximal(v, node);
}

static bool decide_all(struct revisit *v)
{
	struct dpor *d = v->d;
	const struct dpor_node *read = &d->nodes[v->read];
	if (!read_is_maximal(v, read))
		return false;
	/* Backwards: what was added last is most likely not maximal. */
	for (uint32_t i = d->count; i-- > 0;)
		if (i != v->self && !decide(v, i))
			return false;
	v->fate[v->self] = GONE;
	v->fate[v->read] = READ_STAYS;
	/* Of two updates of one store, one has to go. */
	event_id rival = v->source ? v->g->events[v->source].reader : 0;
	return !rival || v->fate[d->node_of[rival]] != STAYS;
}

/* --- the new graph -------------------------------------------------------------------------------------------------------------- */

static bool stays(const struct revisit *v, event_id s)
{
	return v->g->events[s].kind == EVENT_INITIAL || v->fate[v->d->node_of[s]] == STAYS;
}

/* The store behind which node N, which stays, is put if those that stay are added in the order of the list. */
static event_id place_of(const struct revisit *v, uint32_t n)
{
	const struct graph *g = v->g;
	event_id s = g->events[v->d->nodes[n].event].before;
	while (!stays(v, s) || (g->events[s].kind != EVENT_INITIAL && v->d->node_of[s] > n))
		s = g->events[s].before;
	return s;
}

struct emitted {
	struct dpor_node *nodes;
	uint32_t count;
	uint16_t *name; /* by node of the execution: 1 + index in the new list */
};

static void emit(struct emitted *to, const struct revisit *v, uint32_t n, uint16_t source, uint16_t place, bool pending)
{
	struct dpor_node *node = &to->nodes[to->count++];
	*node = v->d->nodes[n];
	node->source = source;
	node->place = place;
	node->pending = pending;
	node->write_stamp = pending ? DPOR_NEVER : node->write_stamp;
	to->name[n] = (uint16_t)to->count;
}

static uint16_t renamed(const struct emitted *to, const struct revisit *v, event_id s)
{
	return v->g->events[s].kind == EVENT_INITIAL ? 0 : to->name[v->d->node_of[s]];
}

static void emit_stays(struct emitted *to, const struct revisit *v)
{
	const struct dpor *d = v->d;
	for (uint32_t i = 0; i < d->count; i++) {
		const struct dpor_node *n = &d->nodes[i];
		if (v->fate[i] != STAYS || !n->event)
			continue;
		uint16_t source = n->source, place = 0;
		if (reads(n) && source)
			source = to->name[source - 1];
		if (n->kind == EVENT_WRITE)
			place = renamed(to, v, place_of(v, i));
		emit(to, v, i, source, place, false);
	}
}

/* The read comes last, as its store, if it will write, is new. So does one that is still to be performed (a piece of an access is glued
 * to the store that it was revisited by). Nothing is behind them in their threads. */
static void emit_pending(struct emitted *to, const struct revisit *v)
{
	const struct dpor *d = v->d;
	for (uint32_t i = 0; i < d->count; i++) {
		const struct dpor_node *n = &d->nodes[i];
		if (v->fate[i] == STAYS && !n->event)
			emit(to, v, i, n->source ? to->name[n->source - 1] : 0, 0, true);
	}
	emit(to, v, v->read, to->name[v->self], 0, true);
}

static void push(struct revisit *v, event_id place)
{
	struct dpor *d = v->d;
	uint32_t count = 1;
	for (uint32_t i = 0; i < d->count; i++)
		count += v->fate[i] != GONE;
	struct emitted to = {.nodes = dpor_push(d, count, d->stamp), .name = d->name};
	if (!to.nodes)
		return;
	emit_stays(&to, v);
	const struct dpor_node *self = &d->nodes[v->self];
	bool update = self->kind == EVENT_UPDATE;
	emit(&to, v, v->self, update ? renamed(&to, v, v->source) : 0, update ? 0 : renamed(&to, v, place), false);
	emit_pending(&to, v);
}

/* --- is it consistent? ------------------------------------------------------------------------------------------------------------ */

static uint32_t scratch_location(struct revisit *v, uint32_t location)
{
	const struct location *l = &v->g->locations[location];
	uint32_t made = graph_location(v->d->scratch, l->address, l->bytes, &v->g->events[l->initial].value);
	v->d->scratch_of[l->initial] = v->d->scratch->locations[made].initial;
	return made;
}

static void copy_event(struct revisit *v, event_id id)
{
	struct graph *s = v->d->scratch;
	const struct event *e = &v->g->events[id];
	const event_id *of = v->d->scratch_of;
	uint32_t location = e->location == UINT32_MAX ? 0 : scratch_location(v, e->location);
	event_id made;
	switch (e->kind) {
	case EVENT_READ:
		made = graph_read(s, e->thread, location, e->order, of[e->source]);
		break;
	case EVENT_WRITE:
		made = graph_write(s, e->thread, location, e->order, e->value, of[place_of(v, v->d->node_of[id])]);
		break;
	case EVENT_UPDATE:
		made = graph_update(s, e->thread, location, e->order, of[e->source], e->value);
		break;
	case EVENT_FENCE:
		made = graph_fence(s, e->thread, e->order);
		break;
	case EVENT_BEGIN:
		made = graph_begin(s, e->thread, e->source ? of[e->source] : 0);
		break;
	case EVENT_AWAIT:
		made = graph_await(s, e->thread, e->source ? of[e->source] : 0);
		break;
	default:
		made = graph_plain(s, e->thread, e->kind);
	}
	v->d->scratch_of[id] = made;
}

/* Copies all that stays. Events without a node stay if all before them in their thread does. */
static void copy_graph(struct revisit *v)
{
	const struct graph *g = v->g;
	const struct dpor *d = v->d;
	graph_clear(d->scratch);
	uint64_t open = UINT64_MAX;
	for (event_id id = 1; id <= g->count; id++) {
		const struct event *e = &g->events[id];
		if (e->kind == EVENT_INITIAL || !(open >> e->thread & 1))
			continue;
		bool has_node = e->kind != EVENT_CREATE && e->kind != EVENT_END && e->kind != EVENT_LOCAL;
		if (has_node && v->fate[d->node_of[id]] != STAYS)
			open &= ~(1ull << e->thread);
		else
			copy_event(v, id);
	}
}

/* With the new store behind PLACE and the read returning it. */
static bool consistent(struct revisit *v, event_id place)
{
	struct dpor *d = v->d;
	struct graph *s = d->scratch;
	const struct operation *op = v->op;
	copy_graph(v);
	uint32_t location = scratch_location(v, op->location);
	event_id made;
	if (op->kind == EVENT_UPDATE)
		made = graph_update(s, op->thread, location, op->order, d->scratch_of[v->source], 0);
	else
		made = graph_write(s, op->thread, location, op->order, 0, d->scratch_of[place]);
	const struct dpor_node *read = &d->nodes[v->read];
	graph_read(s, read->thread, location, read->order, made);
	return graph_consistent(s);
}

/* No store that stays is behind PLACE: then the new store and the read that returns it are ends of every order that the models ask to be
 * without cycles, and nothing needs to be looked at. */
static bool is_end(const struct revisit *v, event_id place)
{
	for (event_id next = v->g->events[place].after; next; next = v->g->events[next].after)
		if (stays(v, next))
			return false;
	return true;
}

/* May the store go right behind PLACE, and the read return it, in view of their twins? */
static bool twins_allow(const struct revisit *v, event_id place)
{
	const struct graph *g = v->g;
	const struct dpor *d = v->d;
	if (!d->symmetry)
		return true;
	const struct dpor_node *read = &d->nodes[v->read];
	unsigned t = v->op->thread;
	uint32_t number = read->event ? g->events[read->event].number : g->done[read->thread] + 1;
	event_id source = v->source && g->events[v->source].kind != EVENT_INITIAL ? v->source : 0;
	uint32_t depth = dpor_depth(d, g->last[t], source);
	event_id former = number > 1 ? graph_at(g, read->thread, number - 1) : 0;
	uint32_t depth_read = dpor_depth(d, former, 0) > depth + 1 ? dpor_depth(d, former, 0) : depth + 1;
	return dpor_twins_allow(d, g, t, g->done[t] + 1, v->op->location, place, depth) &&
	       dpor_twins_allow(d, g, read->thread, number, v->op->location, place, depth_read);
}

static void push_places(struct revisit *v)
{
	const struct graph *g = v->g;
	if (v->source) {
		if (twins_allow(v, v->source) && (is_end(v, v->source) || consistent(v, v->source)))
			push(v, v->source);
		return;
	}
	const uint32_t *known = graph_clock(g, v->op->thread);
	for (event_id place = g->locations[v->op->location].last; place; place = g->events[place].before) {
		if (!stays(v, place))
			continue;
		if (twins_allow(v, place) && (is_end(v, place) || consistent(v, place)))
			push(v, place);
		/* What happened before the new store stays before it. */
		const struct event *e = &g->events[place];
		if (e->kind != EVENT_INITIAL && e->number <= known[e->thread])
			break;
	}
}

/* --- all reads ---------------------------------------------------------------------------------------------------------------- */

/* The pieces of one access that are glued to an event of the prefix come with it. */
static bool widen_glued(struct revisit *v)
{
	bool widened = false;
	for (unsigned t = 0; t < v->g->threads; t++)
		for (;;) {
			event_id next = graph_at(v->g, t, v->clock[t] + 1);
			if (!next || v->g->events[next].kind != EVENT_WRITE || !v->d->nodes[v->d->node_of[next]].glued)
				break;
			v->clock[t]++;
			widened = true;
		}
	return widened;
}

static void find_prefix(struct revisit *v)
{
	const struct graph *g = v->g;
	unsigned t = v->op->thread;
	memset(v->clock, 0, g->threads * sizeof *v->clock);
	event_id from[2] = {g->last[t], v->source};
	for (int i = 0; i < 2; i++) {
		if (!from[i] || g->events[from[i]].kind == EVENT_INITIAL)
			continue;
		const uint32_t *prefix = graph_prefix(g, from[i]);
		for (unsigned u = 0; u < g->threads; u++)
			v->clock[u] = prefix[u] > v->clock[u] ? prefix[u] : v->clock[u];
	}
	bool widened = true;
	while (widened && (v->d->glues || v->d->symmetry)) {
		widened = v->d->symmetry && dpor_widen_twins(v->d, g, t, v->clock);
		widened |= v->d->glues && widen_glued(v);
	}
}

void dpor_revisit(struct dpor *d, struct graph *g, const struct operation *op, uint32_t self)
{
	struct revisit all = {.d = d, .g = g, .op = op, .self = self, .fate = d->fate}, *v = &all;
	v->source = op->kind == EVENT_UPDATE ? dpor_store(d, g, op->location, d->nodes[self].source) : 0;
	find_prefix(v);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct dpor_node *n = &d->nodes[i];
		if (i == self || !reads(n) || within(v, n))
			continue;
		/* A read that was not performed yet and returns the initial store: nothing tells its location, and nothing revisits it. */
		if (location_of(v, n) != op->location)
			continue;
		v->read = i;
		v->cut = n->read_stamp;
		if (decide_all(v))
			push_places(v);
	}
}
