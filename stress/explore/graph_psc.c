/* SPDX-License-Identifier: MIT */
/* RC11's condition on seq_cst events (Lahav, Vafeiadis, Kang, Hur, Dreyer, PLDI 2017, section 3.3): psc is acyclic, where
 *
 *     scb      = sb | (sb to another location; hb; sb from another location) | hb on one location | mo | rb
 *     psc_base = ([accesses] | [fences]; hb?); scb; ([accesses] | hb?; [fences])
 *     psc_F    = [fences]; (hb | hb; eco; hb); [fences]
 *
 * over seq_cst accesses and fences. An edge comes about inside happens-before or by coherence (mo, rb, eco). A cycle has at least one
 * of the latter. That makes those of the former needless that begin or end at a fence: where a cycle leaves an edge by coherence at a
 * store y and goes on inside happens-before to a fence, y happened before the fence, so an edge by coherence leads there directly; and
 * likewise from a fence. Between accesses they are needed; they lead from an access of some thread u to b, and all earlier seq_cst
 * accesses of u lead to b as well, over program order, so the last one of each thread is enough.
 *
 * By coherence, ranks decide: an access leads to the next seq_cst store behind its own store; for fences it matters how low on each
 * location what follows the fence may look, and how high what precedes it has looked.
 */
#include "graph_private.h"

/* By fence and location. Ranks of stores: what follows the fence stores at `stores` and returns `reads` at the lowest; what precedes
 * it has seen `seen` and stored `stored` at the highest. */
struct horizon {
	uint32_t stores, reads, seen, stored;
};

struct psc {
	const struct graph *g;
	uint32_t count, words; /* seq_cst events, and 64-bit words for one bit each */
	event_id *event;       /* by index, in the order in which they were added */
	uint32_t *previous;    /* of an access: the one before in its thread, its index + 1, or 0 */
	uint32_t *index;       /* by event: its index + 1, or 0 */
	uint32_t fence_count;
	uint32_t *fence; /* indices */
	struct horizon *horizon;
	uint64_t *before; /* by index: the events with an edge to it */
	uint64_t *left;   /* one set of events */
};

static void edge(struct psc *p, uint32_t from, uint32_t to)
{
	p->before[(size_t)to * p->words + from / 64] |= (uint64_t)1 << from % 64;
}

static void lay_out(struct psc *p, uint32_t fences)
{
	const struct graph *g = p->g;
	size_t bits = ((size_t)p->count + 1) * p->words * sizeof *p->before;
	size_t horizons = (size_t)fences * g->location_count * sizeof *p->horizon;
	size_t small = ((size_t)p->count * 2 + fences + g->count + 1) * sizeof(uint32_t);
	char *at = graph_scratch(g, bits + horizons + small);
	p->before = (uint64_t *)at;
	p->horizon = (struct horizon *)(at + bits);
	p->event = (event_id *)(at + bits + horizons);
	p->previous = p->event + p->count;
	p->fence = p->previous + p->count;
	p->index = p->fence + fences;
	p->left = p->before + (size_t)p->count * p->words;
	memset(p->before, 0, bits);
}

static uint32_t count_fences(const struct graph *g)
{
	uint32_t n = 0;
	for (event_id e = 1; e <= g->count; e++)
		n += g->events[e].kind == EVENT_FENCE && g->events[e].order == ORDER_SEQ_CST;
	return n;
}

/* --- edges inside happens-before ------------------------------------------------------------------------------------------------ */

/* sb to another location; hb; sb from another location: A and B are accesses in different threads, A happened before B. */
static bool passes_others(const struct graph *g, const struct event *a, const struct event *b)
{
	uint32_t left = a->number + 1, entered = b->number - 1;
	while (left <= g->done[a->thread] && g->events[event_numbered(g, a->thread, left)].location == a->location)
		left++;
	while (entered && g->events[event_numbered(g, b->thread, entered)].location == b->location)
		entered--;
	return entered && happened_before(g, event_numbered(g, b->thread, entered))[1 + a->thread] >= left;
}

/* The edges to the access with INDEX from LAST, the last seq_cst access of each thread so far (index + 1). */
static void edges_in_hb(struct psc *p, uint32_t index, const uint32_t *last)
{
	const struct graph *g = p->g;
	const struct event *b = &g->events[p->event[index]];
	const uint32_t *row = happened_before(g, p->event[index]);
	for (unsigned u = 0; u < g->threads; u++)
		for (uint32_t a = last[u]; a; a = p->previous[a - 1]) {
			const struct event *e = &g->events[p->event[a - 1]];
			if (e->number > row[1 + u])
				continue;
			if (u == b->thread || e->location == b->location || passes_others(g, e, b)) {
				edge(p, a - 1, index);
				break;
			}
		}
}

/* Finds the events and their edges in happens-before. What happened before an event was added before it. */
static void collect(struct psc *p)
{
	const struct graph *g = p->g;
	uint32_t last[GRAPH_THREADS_MAX];
	memset(last, 0, g->threads * sizeof *last);
	uint32_t n = 0;
	for (event_id id = 1; id <= g->count; id++) {
		const struct event *e = &g->events[id];
		p->index[id] = 0;
		if (e->order != ORDER_SEQ_CST || !(event_is_access(e) || e->kind == EVENT_FENCE))
			continue;
		p->event[n] = id;
		p->index[id] = n + 1;
		if (e->kind == EVENT_FENCE) {
			p->fence[p->fence_count++] = n;
		} else {
			p->previous[n] = last[e->thread];
			edges_in_hb(p, n, last);
			last[e->thread] = n + 1;
		}
		n++;
	}
}

/* --- edges by coherence --------------------------------------------------------------------------------------------------------- */

static uint32_t store_rank(const struct graph *g, event_id access)
{
	return g->events[event_store(g, access)].rank;
}

/* From each access to the next seq_cst store; that one leads on. */
static void edges_between_accesses(struct psc *p)
{
	const struct graph *g = p->g;
	for (uint32_t a = 0; a < p->count; a++) {
		if (g->events[p->event[a]].kind == EVENT_FENCE)
			continue;
		event_id s = g->events[event_store(g, p->event[a])].after;
		while (s && !p->index[s])
			s = g->events[s].after;
		if (s)
			edge(p, a, p->index[s] - 1);
	}
}

static void look_around_fence(struct psc *p, uint32_t f)
{
	const struct graph *g = p->g;
	event_id id = p->event[p->fence[f]];
	const struct event *fence = &g->events[id];
	const uint32_t *row = happened_before(g, id);
	struct horizon *horizons = p->horizon + (size_t)f * g->location_count;
	for (uint32_t l = 0; l < g->location_count; l++)
		horizons[l] = (struct horizon){UINT32_MAX, UINT32_MAX, 0, 0};
	for (event_id x = 1; x <= g->count; x++) {
		const struct event *e = &g->events[x];
		if (!event_is_access(e))
			continue;
		struct horizon *h = &horizons[e->location];
		uint32_t rank = store_rank(g, x);
		uint32_t *low = e->kind == EVENT_READ ? &h->reads : &h->stores;
		if (happened_before(g, x)[1 + fence->thread] >= fence->number && rank < *low)
			*low = rank;
		if (e->number > row[1 + e->thread])
			continue;
		if (rank > h->seen)
			h->seen = rank;
		if (e->kind != EVENT_READ && rank > h->stored)
			h->stored = rank;
	}
}

/* hb; eco; hb: from a store to itself (over reads-from) or any later one, from a read to what is later than its source. */
static bool fence_leads(const struct graph *g, const struct horizon *from, const struct horizon *to)
{
	for (uint32_t l = 0; l < g->location_count; l++)
		if (from[l].stores <= to[l].seen || from[l].reads < to[l].seen)
			return true;
	return false;
}

static void edges_of_fence(struct psc *p, uint32_t f)
{
	const struct graph *g = p->g;
	const struct horizon *own = p->horizon + (size_t)f * g->location_count;
	for (uint32_t to = 0; to < p->fence_count; to++)
		if (to != f && fence_leads(g, own, p->horizon + (size_t)to * g->location_count))
			edge(p, p->fence[f], p->fence[to]);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct event *e = &g->events[p->event[i]];
		if (e->kind == EVENT_FENCE)
			continue;
		const struct horizon *h = &own[e->location];
		uint32_t lowest = h->stores < h->reads ? h->stores : h->reads;
		if (e->kind != EVENT_READ && e->rank > lowest)
			edge(p, p->fence[f], i);
		if (h->stored > store_rank(g, p->event[i]))
			edge(p, i, p->fence[f]);
	}
}

/* --- judging ------------------------------------------------------------------------------------------------------------------- */

/* Takes events away that have no edge from those which remain, until none is left or none can go. Most edges lead from earlier to later
 * indices, so this takes few rounds. */
static bool acyclic(const struct psc *p)
{
	uint32_t left_count = p->count;
	memset(p->left, 0xff, p->words * sizeof *p->left); // bits behind the last event are in no row
	for (bool progress = true; progress && left_count;) {
		progress = false;
		for (uint32_t i = 0; i < p->count; i++) {
			uint64_t bit = (uint64_t)1 << i % 64, waits = 0;
			if (!(p->left[i / 64] & bit))
				continue;
			for (uint32_t w = 0; w < p->words; w++)
				waits |= p->before[(size_t)i * p->words + w] & p->left[w];
			if (waits)
				continue;
			p->left[i / 64] &= ~bit;
			left_count--;
			progress = true;
		}
	}
	return !left_count;
}

bool graph_psc_acyclic(const struct graph *g)
{
	struct psc p = {.g = g, .count = g->sc_events, .words = (g->sc_events + 63) / 64};
	lay_out(&p, count_fences(g));
	collect(&p);
	edges_between_accesses(&p);
	for (uint32_t f = 0; f < p.fence_count; f++)
		look_around_fence(&p, f);
	for (uint32_t f = 0; f < p.fence_count; f++)
		edges_of_fence(&p, f);
	return acyclic(&p);
}
