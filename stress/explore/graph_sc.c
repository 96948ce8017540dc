/* SPDX-License-Identifier: MIT */
/* Sequential consistency of a whole graph: program order, reads-from, modification order and reads-before are acyclic (Shasha and Snir,
 * TOPLAS 1988). Creation and awaiting count as reads-from. */
#include "graph_private.h"

/* The events that name an event as their source: lists by source. */
struct dependents {
	event_id *first, *next;
};

/* The lists, in scratch memory with ROOM entries of 4 bytes behind them, at *EXTRA. */
static struct dependents find_dependents(const struct graph *g, size_t room, uint32_t **extra)
{
	size_t n = (size_t)g->count + 1;
	uint32_t *at = graph_scratch(g, (2 * n + room) * sizeof *at);
	struct dependents d = {at, at + n};
	memset(d.first, 0, n * sizeof *d.first);
	for (event_id e = 1; e <= g->count; e++) {
		event_id source = g->events[e].source;
		if (source) {
			d.next[e] = d.first[source];
			d.first[source] = e;
		}
	}
	*extra = at + 2 * n;
	return d;
}

/* --- judging ------------------------------------------------------------------------------------------------------------------- */

/* Writes the events right behind event ID to OUT: next in its thread, next in modification order (of a read: reads-before). Those that
 * have it as their source are in its list. 0 for none. */
static void events_behind(const struct graph *g, event_id id, event_id out[2])
{
	const struct event *e = &g->events[id];
	out[0] = e->thread != GRAPH_NOBODY && e->number < g->done[e->thread] ? event_numbered(g, e->thread, e->number + 1) : 0;
	out[1] = event_is_store(e) ? e->after : e->kind == EVENT_READ ? g->events[e->source].after : 0;
}

/* Topological sorting (Kahn, CACM 1962). */
bool graph_sc_acyclic(const struct graph *g)
{
	uint32_t *extra;
	struct dependents d = find_dependents(g, 2 * ((size_t)g->count + 1), &extra);
	uint32_t *before = extra, *ready = extra + g->count + 1, filled = 0;
	event_id behind[2];
	memset(before, 0, ((size_t)g->count + 1) * sizeof *before);
	for (event_id e = 1; e <= g->count; e++) {
		events_behind(g, e, behind);
		before[behind[0]]++;
		before[behind[1]]++;
		before[e] += g->events[e].source != 0;
	}
	for (event_id e = 1; e <= g->count; e++)
		if (!before[e])
			ready[filled++] = e;
	before[0] = UINT32_MAX; // "none" never gets ready
	for (uint32_t i = 0; i < filled; i++) {
		events_behind(g, ready[i], behind);
		for (unsigned k = 0; k < 2; k++)
			if (behind[k] && --before[behind[k]] == 0)
				ready[filled++] = behind[k];
		for (event_id e = d.first[ready[i]]; e; e = d.next[e])
			if (--before[e] == 0)
				ready[filled++] = e;
	}
	return filled == g->count;
}

/* --- the floor of a next event ------------------------------------------------------------------------------------------------- */

static void reach(const struct graph *g, uint32_t *reached, event_id id)
{
	const struct event *e = &g->events[id];
	if (e->thread != GRAPH_NOBODY && e->number > reached[e->thread])
		reached[e->thread] = e->number;
}

/* What precedes event ID directly, apart from its own thread. */
static void reach_before(const struct graph *g, const struct dependents *d, uint32_t *reached, event_id id)
{
	const struct event *e = &g->events[id];
	if (e->source)
		reach(g, reached, e->source);
	if (!event_is_store(e))
		return;
	reach(g, reached, e->before);
	for (event_id r = d->first[e->before]; r; r = d->next[r])
		if (g->events[r].kind == EVENT_READ)
			reach(g, reached, r); // reads-before
}

event_id graph_sc_floor(const struct graph *g, unsigned thread, uint32_t location)
{
	uint32_t *unused;
	struct dependents d = find_dependents(g, 0, &unused);
	uint32_t reached[GRAPH_THREADS_MAX] = {0}, looked[GRAPH_THREADS_MAX] = {0};
	reached[thread] = g->done[thread];
	for (bool more = true; more;) {
		more = false;
		for (unsigned u = 0; u < g->threads; u++)
			while (looked[u] < reached[u]) {
				reach_before(g, &d, reached, event_numbered(g, u, ++looked[u]));
				more = true;
			}
	}
	event_id floor = g->locations[location].initial;
	for (unsigned u = 0; u < g->threads; u++)
		floor = floor_raise(g, floor, events_here(g, location)[1 + u], reached[u]);
	return floor;
}
