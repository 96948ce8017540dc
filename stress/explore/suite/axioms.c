/* SPDX-License-Identifier: MIT */
/* Every execution of a litmus test by brute force: each choice of sources and modification orders is judged by the axioms as they are
 * written, with relations as bit matrices. Shares nothing with the explorer's graphs, so that each checks the other.
 *
 * Source of the axioms: Lahav, Vafeiadis, Kang, Hur, Dreyer: Repairing Sequential Consistency in C/C++11 (PLDI 2017), with
 * the release sequences of C++20.
 */
#include <string.h>

#include "litmus.h"

enum { EVENTS_MAX = 32, THREAD_INITIAL = LITMUS_THREADS };

struct relation {
	uint32_t row[EVENTS_MAX]; /* bit j of row i: i is related to j */
};

struct node {
	const struct litmus_operation *operation; /* NULL: initial value */
	unsigned thread, location;
	unsigned source;
	unsigned read, written;
	bool reads, writes, fence;
	enum order order;
};

struct execution {
	const struct litmus *test;
	enum memory_model model;
	unsigned count;
	struct node node[EVENTS_MAX];
	struct relation sb, rf, mo;
	unsigned *seen, executions;
};

static struct relation both(const struct relation *a, const struct relation *b)
{
	struct relation c;
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		c.row[i] = a->row[i] | b->row[i];
	return c;
}

static struct relation then(const struct relation *a, const struct relation *b)
{
	struct relation c = {{0}};
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		for (unsigned j = 0; j < EVENTS_MAX; j++)
			if (a->row[i] >> j & 1)
				c.row[i] |= b->row[j];
	return c;
}

static struct relation closed(struct relation a)
{
	for (unsigned k = 0; k < EVENTS_MAX; k++)
		for (unsigned i = 0; i < EVENTS_MAX; i++)
			if (a.row[i] >> k & 1)
				a.row[i] |= a.row[k];
	return a;
}

static struct relation reflexive(struct relation a)
{
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		a.row[i] |= 1u << i;
	return a;
}

static struct relation inverse(const struct relation *a)
{
	struct relation c = {{0}};
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		for (unsigned j = 0; j < EVENTS_MAX; j++)
			if (a->row[i] >> j & 1)
				c.row[j] |= 1u << i;
	return c;
}

static bool irreflexive(const struct relation *a)
{
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		if (a->row[i] >> i & 1)
			return false;
	return true;
}

static bool acyclic(struct relation a)
{
	a = closed(a);
	return irreflexive(&a);
}

/* [A]: the identity on the events of a set. */
static struct relation identity(uint32_t set)
{
	struct relation c = {{0}};
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		c.row[i] = set & 1u << i;
	return c;
}

static struct relation on_one_location(const struct execution *x, struct relation a, bool same)
{
	for (unsigned i = 0; i < x->count; i++)
		for (unsigned j = 0; j < x->count; j++) {
			const struct node *p = &x->node[i], *q = &x->node[j];
			bool one = !p->fence && !q->fence && p->location == q->location;
			if (one != same)
				a.row[i] &= ~(1u << j);
		}
	return a;
}

enum set { SET_READ, SET_WRITE, SET_UPDATE, SET_FENCE, SET_ACQUIRE, SET_RELEASE, SET_SC };

static uint32_t events(const struct execution *x, enum set which)
{
	uint32_t set = 0;
	for (unsigned i = 0; i < x->count; i++) {
		const struct node *n = &x->node[i];
		bool acquire = n->order == ORDER_ACQUIRE || n->order >= ORDER_ACQ_REL;
		bool release = n->order == ORDER_RELEASE || n->order >= ORDER_ACQ_REL;
		const bool in[] = {n->reads, n->writes, n->reads && n->writes, n->fence, acquire && (n->reads || n->fence),
			release && (n->writes || n->fence), n->order == ORDER_SEQ_CST};
		if (in[which])
			set |= 1u << i;
	}
	return set;
}

static struct relation happens_before(const struct execution *x)
{
	struct relation write = identity(events(x, SET_WRITE)), read = identity(events(x, SET_READ));
	struct relation fence = identity(events(x, SET_FENCE)), update = identity(events(x, SET_UPDATE));
	struct relation release = identity(events(x, SET_RELEASE)), acquire = identity(events(x, SET_ACQUIRE));
	/* rs = [W]; (rf; rmw)* */
	struct relation step = then(&x->rf, &update);
	struct relation sequence = reflexive(closed(step));
	sequence = then(&write, &sequence);
	/* sw = [release]; ([F]; sb)?; rs; rf; [R]; (sb; [F])?; [acquire] */
	struct relation before = then(&fence, &x->sb), behind = then(&x->sb, &fence);
	before = reflexive(before);
	behind = reflexive(behind);
	struct relation sw = then(&release, &before);
	sw = then(&sw, &sequence);
	sw = then(&sw, &x->rf);
	sw = then(&sw, &read);
	sw = then(&sw, &behind);
	sw = then(&sw, &acquire);
	return closed(both(&x->sb, &sw));
}

/* psc_base | psc_F */
static struct relation partial_sc(
	const struct execution *x, const struct relation *hb, const struct relation *rb, const struct relation *eco)
{
	struct relation away = on_one_location(x, x->sb, false), here = on_one_location(x, *hb, true);
	struct relation scb = then(&away, hb);
	scb = then(&scb, &away);
	scb = both(&scb, &x->sb);
	scb = both(&scb, &here);
	scb = both(&scb, &x->mo);
	scb = both(&scb, rb);
	uint32_t sc = events(x, SET_SC);
	struct relation access = identity(sc & ~events(x, SET_FENCE)), fence = identity(sc & events(x, SET_FENCE));
	struct relation maybe = reflexive(*hb);
	struct relation from = then(&fence, &maybe), to = then(&maybe, &fence);
	from = both(&from, &access);
	to = both(&to, &access);
	struct relation base = then(&from, &scb);
	base = then(&base, &to);
	struct relation fences = then(hb, eco);
	fences = then(&fences, hb);
	fences = both(&fences, hb);
	fences = then(&fence, &fences);
	fences = then(&fences, &fence);
	return both(&base, &fences);
}

static bool consistent(const struct execution *x)
{
	/* rb leaves out the event itself: an update comes before the stores behind its own. */
	struct relation back = inverse(&x->rf), rb = then(&back, &x->mo);
	for (unsigned i = 0; i < EVENTS_MAX; i++)
		rb.row[i] &= ~(1u << i);
	struct relation communication = both(&x->rf, &x->mo);
	communication = both(&communication, &rb);
	struct relation between = then(&rb, &x->mo);
	if (!irreflexive(&between)) /* atomicity */
		return false;
	if (x->model == MODEL_SC)
		return acyclic(both(&x->sb, &communication));
	struct relation hb = happens_before(x), eco = closed(communication);
	struct relation coherence = then(&hb, &eco);
	/* The halves of an update are one event here, so that hb leads from the read to the write has to be said: eco is irreflexive. */
	return irreflexive(&hb) && irreflexive(&eco) && irreflexive(&coherence) && acyclic(both(&x->sb, &x->rf)) &&
	       acyclic(partial_sc(x, &hb, &rb, &eco));
}

static unsigned last_value(const struct execution *x, unsigned location)
{
	for (unsigned i = 0; i < x->count; i++)
		if (x->node[i].writes && x->node[i].location == location && !x->mo.row[i])
			return x->node[i].written;
	return 0;
}

static void count(struct execution *x)
{
	unsigned value[LITMUS_REGISTERS] = {0}, outcome = 0;
	for (unsigned i = 0; i < x->count; i++)
		if (x->node[i].reads)
			value[x->node[i].operation->target] = x->node[i].read;
	const struct litmus_operation *after = x->test->operations[LITMUS_THREADS];
	for (; after->kind; after++)
		value[after->target] = last_value(x, after->location);
	for (unsigned i = x->test->registers; i-- > 0;)
		outcome = outcome * LITMUS_VALUES + value[i];
	x->seen[outcome]++;
	x->executions++;
}

/* Puts store NEXT and those behind it anywhere into the modification order of their locations. PLACED: the stores that are there. */
static void order_stores(struct execution *x, unsigned next, uint32_t placed)
{
	while (next < x->count && !x->node[next].writes)
		next++;
	if (next == x->count) {
		if (consistent(x))
			count(x);
		return;
	}
	/* The stores of the location so far are in a line: behind those with more than K successors, before the others. */
	unsigned there = 0;
	for (unsigned i = 0; i < x->count; i++)
		there += placed >> i & 1 && x->node[i].location == x->node[next].location;
	bool initial = !x->node[next].operation;
	struct relation former = x->mo;
	for (unsigned k = 0; k < (initial ? 1 : there); k++) {
		x->mo = former;
		for (unsigned i = 0; i < x->count; i++) {
			if (!(placed >> i & 1) || x->node[i].location != x->node[next].location)
				continue;
			if ((unsigned)__builtin_popcount(former.row[i]) >= k)
				x->mo.row[i] |= 1u << next;
			else
				x->mo.row[next] |= 1u << i;
		}
		order_stores(x, next + 1, placed | 1u << next);
	}
	x->mo = former;
}

/* What the event reads and writes, given the value of its source. */
static void perform(struct node *n, unsigned read)
{
	const struct litmus_operation *o = n->operation;
	bool failed = o->kind == LITMUS_SWAP && read != o->expected;
	n->reads = o->kind != LITMUS_WRITE && o->kind != LITMUS_FENCE;
	n->fence = o->kind == LITMUS_FENCE;
	n->writes = !n->fence && o->kind != LITMUS_READ && !failed;
	n->order = failed ? ORDER_RELAXED : o->order;
	n->read = n->reads ? read : 0;
	n->written = o->kind == LITMUS_ADD ? read + o->operand : o->operand;
}

/* With every source chosen: values, where that is possible without a cycle, then modification orders. */
static void evaluate(struct execution *x)
{
	if (!acyclic(both(&x->sb, &x->rf)))
		return;
	for (unsigned round = 0; round < x->count; round++) /* as many rounds as a chain of sources can be long */
		for (unsigned i = 0; i < x->count; i++)
			if (x->node[i].operation)
				perform(&x->node[i], x->node[x->node[i].source].written);
	for (unsigned i = 0; i < x->count; i++)
		if (x->node[i].reads && !x->node[x->node[i].source].writes)
			return;
	order_stores(x, 0, 0);
}

static bool may_write(const struct node *n)
{
	return !n->operation || (n->operation->kind != LITMUS_READ && n->operation->kind != LITMUS_FENCE);
}

static void choose_sources(struct execution *x, unsigned next)
{
	while (next < x->count && (!x->node[next].operation || x->node[next].operation->kind == LITMUS_WRITE ||
					  x->node[next].operation->kind == LITMUS_FENCE))
		next++;
	if (next == x->count) {
		evaluate(x);
		return;
	}
	for (unsigned i = 0; i < x->count; i++) {
		if (i == next || !may_write(&x->node[i]) || x->node[i].location != x->node[next].location)
			continue;
		x->node[next].source = i;
		x->rf.row[i] |= 1u << next;
		choose_sources(x, next + 1);
		x->rf.row[i] &= ~(1u << next);
	}
}

unsigned axioms_outcomes(const struct litmus *test, enum memory_model model, unsigned seen[LITMUS_OUTCOMES])
{
	struct execution x = {.test = test, .model = model, .seen = seen};
	memset(seen, 0, LITMUS_OUTCOMES * sizeof *seen);
	for (unsigned i = 0; i < LITMUS_LOCATIONS; i++)
		x.node[x.count++] = (struct node){.thread = THREAD_INITIAL, .location = i, .writes = true};
	for (unsigned t = 0; t < test->threads; t++)
		for (const struct litmus_operation *o = test->operations[t]; o->kind; o++)
			x.node[x.count++] = (struct node){.operation = o, .thread = t, .location = o->location};
	for (unsigned i = 0; i < x.count; i++)
		for (unsigned j = 0; j < x.count; j++)
			if (x.node[i].thread == THREAD_INITIAL ? x.node[j].thread != THREAD_INITIAL
							       : i < j && x.node[i].thread == x.node[j].thread)
				x.sb.row[i] |= 1u << j;
	choose_sources(&x, 0);
	return x.executions;
}
