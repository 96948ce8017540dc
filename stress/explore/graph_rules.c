/* SPDX-License-Identifier: MIT */
/* Which stores a read may return, and where in modification order a store may go.
 *
 * A new event is the last in happens-before, so coherence is a floor: an access may not look or go below the latest store (in
 * modification order) that its thread is known to have passed. What seq_cst adds:
 *
 * Not full: the order in which seq_cst events are added is the witness that psc is acyclic: no edge of psc may run against it. Edges
 * that lie in happens-before never do. The others, modification order and reads-before out of the new event x to an older store y, do
 * when a seq_cst event a at the start (x itself, or a fence that happened before x) is younger than a seq_cst event b at the end (y
 * itself, or a fence that y, or for two fences a read of y, happened before). The floors below forbid just these four. The rule is
 * sound; it is not complete: RC11 lets psc run against reads-from that does not synchronise (a seq_cst store, a relaxed flag, a seq_cst
 * load that returns what was there before), which no order of adding shows.
 *
 * Full: the candidates above coherence's floor are tried, and the whole graph judged.
 */
#include "graph_private.h"

/* --- not full ------------------------------------------------------------------------------------------------------------------ */

/* A fence happened before x: nothing that happened before an older seq_cst fence, and no older seq_cst store, may be later than x. */
static event_id floor_behind_fence(const struct graph *g, event_id fence, uint32_t location, event_id floor)
{
	const struct graph_private *p = g->private;
	const event_id *here = events_here(g, location);
	const uint32_t *fenced = row_at(p->released, fence, p->row);
	for (unsigned u = 0; u < g->threads; u++)
		floor = floor_raise(g, floor, here[1 + u], fenced[1 + u]);
	event_id store = here[0];
	while (store > fence)
		store = g->events[store].last_there;
	return store ? store_later(g, floor, store) : floor;
}

/* x is seq_cst: nothing stored before some seq_cst fence, and no seq_cst store, may be later than x. */
static event_id floor_of_seq_cst(const struct graph *g, uint32_t location, event_id floor)
{
	const event_id *here = events_here(g, location);
	const uint32_t *fenced = g->private->fenced;
	if (here[0])
		floor = store_later(g, floor, here[0]);
	for (unsigned u = 0; u < g->threads; u++) {
		event_id e = fenced[1 + u] ? here[1 + u] : 0;
		while (e && g->events[e].number > fenced[1 + u]) {
			/* What it stored before that is no later than what it was shown. */
			bool early = g->events[event_store(g, e)].rank <= g->events[floor].rank;
			e = early ? 0 : g->events[e].previous_here;
		}
		if (e && g->events[e].kind == EVENT_READ)
			e = g->events[e].last_there;
		if (e)
			floor = store_later(g, floor, e);
	}
	return floor;
}

static event_id floor_by_order_of_adding(const struct graph *g, unsigned thread, uint32_t location, enum order order)
{
	event_id floor = graph_floor(g, thread, location);
	event_id fence = g->private->thread[thread].known[0];
	if (fence)
		floor = floor_behind_fence(g, fence, location, floor);
	if (order == ORDER_SEQ_CST)
		floor = floor_of_seq_cst(g, location, floor);
	return floor;
}

/* --- full ---------------------------------------------------------------------------------------------------------------------- */

/* Would the graph stay consistent with this access? Only psc is open. */
static bool try_access(struct graph *g, enum event_kind kind, unsigned thread, uint32_t location, enum order order, event_id at)
{
	struct graph before = *g;
	struct thread_clocks clocks = g->private->thread[thread];
	bool broken = g->private->broken, unchecked = g->private->unchecked;
	graph_add_access(g, kind, thread, location, order, at, 0);
	bool acyclic = graph_psc_acyclic(g);
	graph_take_back(g, &clocks, &before);
	g->private->broken = broken;
	g->private->unchecked = unchecked;
	return acyclic;
}

/* Can psc have a cycle through a next access at all? See watch() in graph.c for why the newest store never closes one. */
static bool psc_matters(const struct graph *g, unsigned thread, enum order order)
{
	bool seq_cst = order == ORDER_SEQ_CST;
	return g->sc_events + seq_cst >= 2 && (seq_cst || g->private->thread[thread].known[0]);
}

/* --- both ---------------------------------------------------------------------------------------------------------------------- */

static unsigned candidates(
	struct graph *g, enum event_kind kind, unsigned thread, uint32_t location, enum order order, event_id *out, unsigned max)
{
	event_id newest = g->locations[location].last;
	if (!g->full && g->model == MODEL_SC) {
		if (max)
			out[0] = newest;
		return 1;
	}
	event_id floor = g->full ? graph_floor(g, thread, location) : floor_by_order_of_adding(g, thread, location, order);
	bool judged = false;
	if (g->full && floor != newest) {
		if (g->model == MODEL_SC)
			floor = store_later(g, floor, graph_sc_floor(g, thread, location));
		else
			judged = psc_matters(g, thread, order);
	}
	unsigned count = 0;
	for (event_id s = newest; s; s = s == floor ? 0 : g->events[s].before) {
		if (kind != EVENT_READ && g->events[s].reader)
			continue; // atomicity: nothing comes between an update and its source
		if (judged && s != newest && !try_access(g, kind, thread, location, order, s))
			continue;
		if (count < max)
			out[count] = s;
		count++;
	}
	return count;
}

unsigned graph_sources(
	struct graph *g, unsigned thread, uint32_t location, enum order order, bool update, event_id *out, unsigned max)
{
	return candidates(g, update ? EVENT_UPDATE : EVENT_READ, thread, location, order, out, max);
}

unsigned graph_places(struct graph *g, unsigned thread, uint32_t location, enum order order, event_id *out, unsigned max)
{
	return candidates(g, EVENT_WRITE, thread, location, order, out, max);
}

bool graph_consistent(const struct graph *g)
{
	struct graph_private *p = g->private;
	if (!p->broken && p->unchecked) {
		p->broken = g->model == MODEL_SC ? !graph_sc_acyclic(g) : g->sc_events >= 2 && !graph_psc_acyclic(g);
		p->unchecked = false;
	}
	return !p->broken;
}
