/* SPDX-License-Identifier: MIT */
/* Symmetry: threads that run the same code with the same argument can be exchanged, and one order of them stands for all.
 *
 * Let T' < T be such threads that have done the same so far: as many events, each read of both with the same source. Then T waits for
 * T' to do its next event, and that event counts as one before T's next event: it joins program order and reads-from (the prefix of
 * TruSt) as a third relation, here called precedence. An exchange of the two that would close a cycle in the three is not explored:
 * T' cannot read, directly or not, what T wrote with an event that T' should have done first.
 *
 * Nothing is lost. Take any graph, and let each event have the depth of the longest chain in program order and reads-from that ends
 * there. Threads that did the same so far did it at the same depths. Number them by the depth of what they first do differently, and
 * where that is the same, by modification order (of what they read there or wrote). With these numbers precedence never points to a smaller
 * depth, so it closes no cycle, and the graph with the threads so exchanged is an execution, too, as their creator does nothing between
 * their creations, and whoever joins one does nothing until all are joined. This is checked; if a program does otherwise, the search
 * begins again without symmetry. TruSt does not ask where its prefix relation comes from, as long as events are added along it and
 * what a thread does next follows from it. Compare SPORE (Kokologiannakis, Marmanis and Vafeiadis, OOPSLA 2024).
 *
 * So where T' and T first differ, T need not read an older store than T' (or write in front of T') unless it is deeper. That much can be
 * asked for in addition, as the newest store, which TruSt wants to be allowed always, is. Under sequential consistency the threads can be
 * numbered by a linear order of all events instead, and T need not read an older store at all.
 */
#include "dpor.h"

static unsigned class_of(const struct moment *at, unsigned t)
{
	return at->twin[t] ? at->twin[t] - 1u : t;
}

/* Do events A and B, of two threads, leave them in the same state? */
static bool alike(const struct event *a, const struct event *b)
{
	if (a->kind != b->kind || a->location != b->location || a->order != b->order)
		return false;
	switch (a->kind) {
	case EVENT_READ:
	case EVENT_AWAIT:
		return a->source == b->source;
	case EVENT_LOCAL:
		return a->value == b->value;
	case EVENT_BEGIN:
	case EVENT_FENCE:
	case EVENT_CREATE:
	case EVENT_END:
		return true;
	default:
		return false;
	}
}

/* How many of their first events T and U, of one class, have in common, up to LIMIT. */
static uint32_t in_common(const struct graph *g, unsigned t, unsigned u, uint32_t limit)
{
	uint32_t n = 0;
	while (n < limit && n < g->done[t] && n < g->done[u] &&
		alike(&g->events[graph_at(g, t, n + 1)], &g->events[graph_at(g, u, n + 1)]))
		n++;
	return n;
}

bool dpor_has_turn(const struct dpor *d, const struct moment *at, unsigned t)
{
	const struct graph *g = at->graph;
	if (!d->symmetry)
		return true;
	for (unsigned low = class_of(at, t); low < t; low++)
		if (class_of(at, low) == class_of(at, t) && g->done[low] <= g->done[t] &&
			in_common(g, low, t, g->done[t]) == g->done[t])
			return false;
	return true;
}

bool dpor_widen_twins(const struct dpor *d, const struct graph *g, unsigned self, uint32_t *clock)
{
	const struct moment *at = d->at;
	bool widened = false;
	unsigned threads = g->threads > self ? g->threads : self + 1;
	for (unsigned t = 1; t < threads; t++) {
		/* The event that is about to be added counts. */
		uint32_t count = t == self ? g->done[t] + 1 : t < g->threads ? clock[t] : 0;
		for (unsigned low = class_of(at, t); count && low < t; low++) {
			if (class_of(at, low) != class_of(at, t))
				continue;
			uint32_t preceding = in_common(g, low, t, count - 1) + 1;
			if (preceding > g->done[low] || preceding <= clock[low])
				continue;
			const uint32_t *prefix = graph_prefix(g, graph_at(g, low, preceding));
			for (unsigned u = 0; u < g->threads; u++)
				clock[u] = prefix[u] > clock[u] ? prefix[u] : clock[u];
			widened = true;
		}
	}
	return widened;
}

uint32_t dpor_depth(const struct dpor *d, event_id a, event_id b)
{
	uint32_t depth_a = a ? d->depth[a] : 0, depth_b = b ? d->depth[b] : 0;
	return 1 + (depth_a > depth_b ? depth_a : depth_b);
}

/* What T' did as event E, and T would do at S or behind it. */
static bool in_order(const struct dpor *d, const struct graph *g, event_id e, event_id s, uint32_t depth)
{
	bool write = g->events[e].kind == EVENT_WRITE;
	event_id former = write ? e : g->events[e].source;
	if (g->events[s].rank >= g->events[former].rank)
		return true;
	return !write && g->model != MODEL_SC && depth > d->depth[e];
}

bool dpor_twins_allow(
	const struct dpor *d, const struct graph *g, unsigned t, uint32_t number, uint32_t location, event_id s, uint32_t depth)
{
	if (!d->symmetry)
		return true;
	for (unsigned low = class_of(d->at, t); low < t; low++) {
		if (class_of(d->at, low) != class_of(d->at, t) || in_common(g, low, t, number - 1) < number - 1)
			continue;
		event_id e = graph_at(g, low, number);
		if (e && g->events[e].location == location && !in_order(d, g, e, s, depth))
			return false;
	}
	return true;
}

/* --- is it one? --------------------------------------------------------------------------------------------------------------- */

/* T begins: did its creator do nothing since it created the one of its class before? */
static bool created_alike(const struct moment *at, unsigned t, event_id create)
{
	const struct graph *g = at->graph;
	unsigned former = t;
	for (unsigned low = class_of(at, t); low < t; low++)
		if (class_of(at, low) == class_of(at, t))
			former = low;
	if (former == t || !create)
		return true;
	event_id begin = graph_at(g, former, 1);
	event_id before = begin ? g->events[begin].source : 0;
	if (!before || g->events[before].thread != g->events[create].thread)
		return false;
	for (uint32_t n = g->events[before].number; n < g->events[create].number; n++)
		if (g->events[graph_at(g, g->events[create].thread, n)].kind != EVENT_CREATE)
			return false;
	return true;
}

/* Does the thread whose event ID is know the end of all threads of T's class? */
static bool knows_all(const struct moment *at, event_id id, unsigned t)
{
	const struct graph *g = at->graph;
	const uint32_t *prefix = graph_prefix(g, id);
	for (unsigned u = class_of(at, t); u < at->threads; u++)
		if (class_of(at, u) == class_of(at, t) &&
			(u >= g->threads || !g->done[u] || prefix[u] != g->done[u] || g->events[g->last[u]].kind != EVENT_END))
			return false;
	return true;
}

/* An event that is no join: did its thread join all of a class, or none, before? */
static bool joined_alike(const struct moment *at, event_id id)
{
	const struct graph *g = at->graph;
	const struct event *e = &g->events[id];
	for (uint32_t n = e->number; n > 1; n--) {
		const struct event *join = &g->events[graph_at(g, e->thread, n - 1)];
		if (join->kind != EVENT_AWAIT)
			break;
		if (g->events[join->source].kind == EVENT_END && !knows_all(at, id, g->events[join->source].thread))
			return false;
	}
	return true;
}

bool dpor_is_symmetric(struct dpor *d, const struct moment *at, const struct operation *op, event_id id)
{
	const struct event *e = &at->graph->events[id];
	event_id former = e->number > 1 ? graph_at(at->graph, e->thread, e->number - 1) : 0;
	event_id source = e->source && at->graph->events[e->source].kind != EVENT_INITIAL ? e->source : 0;
	/* Creations do not count: twins that are created one after the other begin at the same depth. */
	d->depth[id] = dpor_depth(d, former, source) - (e->kind == EVENT_CREATE);
	if (op->tag == STEP_THREAD_CANCEL)
		return false;
	if (e->kind == EVENT_BEGIN)
		return created_alike(at, e->thread, e->source);
	return e->kind == EVENT_AWAIT || joined_alike(at, id);
}
