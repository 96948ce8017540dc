/* SPDX-License-Identifier: MIT */
#include "test_oracle.h"

#include <stdlib.h>
#include <string.h>

/* --- relations ----------------------------------------------------------------------------------------------------------------- */

static void set(struct relation *r, unsigned a, unsigned b)
{
	r->row[a] |= (uint32_t)1 << b;
}

static bool has(const struct relation *r, unsigned a, unsigned b)
{
	return r->row[a] >> b & 1;
}

static struct relation unite(struct relation a, struct relation b)
{
	for (unsigned i = 0; i <= ORACLE_EVENTS; i++)
		a.row[i] |= b.row[i];
	return a;
}

static struct relation intersect(struct relation a, struct relation b)
{
	for (unsigned i = 0; i <= ORACLE_EVENTS; i++)
		a.row[i] &= b.row[i];
	return a;
}

static struct relation compose(struct relation a, struct relation b)
{
	struct relation r = {0};
	for (unsigned i = 0; i <= ORACLE_EVENTS; i++)
		for (uint32_t left = a.row[i]; left; left &= left - 1)
			r.row[i] |= b.row[__builtin_ctz(left)];
	return r;
}

static struct relation compose3(struct relation a, struct relation b, struct relation c)
{
	return compose(compose(a, b), c);
}

static struct relation close_over(struct relation r)
{
	for (unsigned k = 0; k <= ORACLE_EVENTS; k++)
		for (unsigned i = 0; i <= ORACLE_EVENTS && r.row[k]; i++)
			if (has(&r, i, k))
				r.row[i] |= r.row[k];
	return r;
}

static struct relation invert(struct relation r)
{
	struct relation inverse = {0};
	for (unsigned a = 0; a <= ORACLE_EVENTS; a++)
		for (uint32_t left = r.row[a]; left; left &= left - 1)
			set(&inverse, (unsigned)__builtin_ctz(left), a);
	return inverse;
}

static struct relation identity(uint32_t of)
{
	struct relation r = {0};
	for (unsigned i = 0; i <= ORACLE_EVENTS; i++)
		r.row[i] = of & (uint32_t)1 << i;
	return r;
}

static struct relation or_same(struct relation r)
{
	return unite(r, identity(UINT32_MAX));
}

static bool irreflexive(struct relation r)
{
	for (unsigned i = 0; i <= ORACLE_EVENTS; i++)
		if (has(&r, i, i))
			return false;
	return true;
}

/* --- sets of events -------------------------------------------------------------------------------------------------------------- */

static bool is_store(const struct event *e)
{
	return e->kind == EVENT_INITIAL || e->kind == EVENT_WRITE || e->kind == EVENT_UPDATE;
}

static bool is_load(const struct event *e)
{
	return e->kind == EVENT_READ || e->kind == EVENT_UPDATE;
}

static bool is_fence(const struct event *e)
{
	return e->kind == EVENT_FENCE;
}

static bool is_update(const struct event *e)
{
	return e->kind == EVENT_UPDATE;
}

static bool is_release(const struct event *e)
{
	return e->order == ORDER_RELEASE || e->order == ORDER_ACQ_REL || e->order == ORDER_SEQ_CST;
}

static bool is_acquire(const struct event *e)
{
	return e->order == ORDER_ACQUIRE || e->order == ORDER_ACQ_REL || e->order == ORDER_SEQ_CST;
}

static bool is_seq_cst(const struct event *e)
{
	return e->order == ORDER_SEQ_CST;
}

static uint32_t all(const struct graph *g, bool (*is)(const struct event *e))
{
	uint32_t found = 0;
	for (event_id e = 1; e <= g->count; e++)
		if (is(&g->events[e]))
			found |= (uint32_t)1 << e;
	return found;
}

/* --- the relations of a graph ---------------------------------------------------------------------------------------------------- */

/* Creation and awaiting. */
static struct relation follows(const struct graph *g)
{
	struct relation r = {0};
	for (event_id e = 1; e <= g->count; e++)
		if (!is_load(&g->events[e]) && g->events[e].source)
			set(&r, g->events[e].source, e);
	return r;
}

static struct relation same_location(const struct graph *g)
{
	struct relation r = {0};
	for (event_id a = 1; a <= g->count; a++)
		for (event_id b = 1; b <= g->count; b++)
			if (g->events[a].location != UINT32_MAX && g->events[a].location == g->events[b].location)
				set(&r, a, b);
	return r;
}

static struct relation without(struct relation a, struct relation b)
{
	for (unsigned i = 0; i <= ORACLE_EVENTS; i++)
		a.row[i] &= ~b.row[i];
	return a;
}

static void look_at_order(struct oracle *o, const struct graph *g)
{
	for (event_id a = 1; a <= g->count; a++) {
		const struct event *e = &g->events[a];
		for (event_id b = 1; b <= g->count; b++) {
			const struct event *f = &g->events[b];
			bool initial = e->kind == EVENT_INITIAL && f->kind != EVENT_INITIAL;
			if (initial || (e->thread != GRAPH_NOBODY && e->thread == f->thread && e->number < f->number))
				set(&o->sb, a, b);
		}
		if (is_load(e))
			set(&o->rf, e->source, a);
		if (is_store(e))
			for (event_id later = e->after; later; later = g->events[later].after)
				set(&o->mo, a, later);
	}
}

/* sw = [release]; ([fences]; sb)?; rs; rf; [loads]; (sb; [fences])?; [acquire], rs = [stores]; (rf; [updates])* */
static void look_at_synchronisation(struct oracle *o, const struct graph *g)
{
	struct relation stores = identity(all(g, is_store)), loads = identity(all(g, is_load)),
			fences = identity(all(g, is_fence));
	struct relation updates = identity(all(g, is_update));
	struct relation rs = compose(stores, or_same(close_over(compose(o->rf, updates))));
	struct relation start = compose(identity(all(g, is_release)), or_same(compose(fences, o->sb)));
	struct relation finish = compose(or_same(compose(o->sb, fences)), identity(all(g, is_acquire)));
	o->sw = compose(compose3(start, rs, o->rf), compose(loads, finish));
	o->hb = close_over(unite(o->sb, unite(o->sw, follows(g))));
}

void oracle_look(struct oracle *o, const struct graph *g)
{
	if (g->count > ORACLE_EVENTS)
		abort();
	memset(o, 0, sizeof *o);
	o->count = g->count;
	look_at_order(o, g);
	o->rb = without(compose(invert(o->rf), o->mo), identity(UINT32_MAX));
	o->eco = close_over(unite(o->rf, unite(o->mo, o->rb)));
	look_at_synchronisation(o, g);
	o->prefix = close_over(unite(o->sb, unite(o->rf, follows(g))));
}

/* --- the models ------------------------------------------------------------------------------------------------------------------ */

static struct relation psc(const struct oracle *o, const struct graph *g)
{
	uint32_t seq_cst = all(g, is_seq_cst), fence = all(g, is_fence);
	struct relation accesses = identity(seq_cst & ~fence), fences = identity(seq_cst & fence), here = same_location(g);
	struct relation sb_away = without(o->sb, here), hb = o->hb;
	struct relation scb =
		unite(unite(o->sb, compose3(sb_away, hb, sb_away)), unite(intersect(hb, here), unite(o->mo, o->rb)));
	struct relation from = unite(accesses, compose(fences, or_same(hb)));
	struct relation to = unite(accesses, compose(or_same(hb), fences));
	struct relation base = compose3(from, scb, to);
	struct relation fenced = compose3(fences, unite(hb, compose3(hb, o->eco, hb)), fences);
	return unite(base, fenced);
}

bool oracle_consistent(const struct graph *g, enum memory_model model)
{
	struct oracle o;
	oracle_look(&o, g);
	if (!irreflexive(compose(o.rb, o.mo)) || !irreflexive(o.prefix))
		return false; // atomicity, thin air
	if (model == MODEL_SC)
		return irreflexive(close_over(unite(o.prefix, unite(o.mo, o.rb))));
	return irreflexive(compose(o.hb, or_same(o.eco))) && irreflexive(close_over(psc(&o, g)));
}

bool oracle_in_order(const struct graph *g)
{
	struct oracle o;
	oracle_look(&o, g);
	return irreflexive(close_over(unite(o.prefix, psc(&o, g))));
}
