/* SPDX-License-Identifier: MIT */
/* Exhaustive search with optimal dynamic partial order reduction: one execution for each consistent execution graph.
 *
 * TruSt (Kokologiannakis, Marmanis, Gladstein and Vafeiadis, "Truly Stateless, Optimal Dynamic Partial Order Reduction", POPL 2022), by
 * re-execution: an item on the stack is a graph; the program runs along it, and from its end on it grows event by event, with the
 * first alternative of each; the others become items. A new read has the consistent stores as alternatives, a new store the consistent
 * places in modification order, and besides it may be what an earlier read returns (dpor_revisit.c).
 *
 * What is added next must follow from the graph alone: stores of updates whose reads are there (dpor.h, pending), then the lowest thread
 * that can go on with the newest store, then the lowest one that cannot. So threads that wait hold nobody up, and a wait is only met
 * where nothing else can happen: there the thread's alternatives are explored all the same, as one of them may be a way out (a lock
 * that another thread took first).
 *
 * Waiting operations: a read of a value that blocks is added only with the newest store. With an older one it could neither be
 * revisited nor be taken away by a revisit: both ask for reads that were added maximally.
 */
#include <errno.h>
#include <string.h>

#include "dpor.h"
#include "memory.h"

static struct dpor *dpor_of(struct search *s)
{
	return (struct dpor *)s;
}

static int dpor_option(struct search *s, const char *key, const char *value)
{
	bool on = strcmp(value, "on") == 0;
	if (strcmp(key, "symmetry") != 0 || (!on && strcmp(value, "off") != 0))
		return EINVAL;
	dpor_of(s)->symmetry = on;
	return 0;
}

/* --- executions ------------------------------------------------------------------------------------------------------------- */

static void begin_at_root(struct dpor *d)
{
	d->count = d->planned = d->stamp = 0;
	d->first_item = d->item_count = d->items_before = 0;
	d->pool_used = 0;
	d->executions = 0;
	d->share = 1;
	d->explored = 0;
	d->glues = false;
	d->splitting = d->search.shards > 1;
}

static bool start(struct dpor *d, const struct graph *g)
{
	d->node_of = memory_calloc(GRAPH_EVENTS_MAX + 1, sizeof *d->node_of);
	d->scratch_of = memory_calloc(GRAPH_EVENTS_MAX + 1, sizeof *d->scratch_of);
	d->depth = memory_calloc(GRAPH_EVENTS_MAX + 1, sizeof *d->depth);
	d->fate = memory_calloc(GRAPH_EVENTS_MAX + 1, sizeof *d->fate);
	d->name = memory_calloc(GRAPH_EVENTS_MAX + 1, sizeof *d->name);
	d->scratch = graph_new(g->model, true);
	begin_at_root(d);
	d->started = true;
	d->failed = !d->node_of || !d->scratch_of || !d->depth || !d->fate || !d->name || !d->scratch;
	return !d->failed;
}

static bool dpor_begin(struct search *s, const struct moment *at)
{
	struct dpor *d = dpor_of(s);
	s->diverged = s->repeated = false;
	d->cursor = 0;
	d->at = at;
	if (!d->started)
		return start(d, at->graph);
	if (d->asymmetric) {
		d->asymmetric = false;
		begin_at_root(d);
		return true;
	}
	return !d->failed && dpor_pop(d);
}

static void dpor_end(struct search *s, const struct moment *at, enum ending how)
{
	(void)at;
	struct dpor *d = dpor_of(s);
	if (d->asymmetric) {
		/* Other shards may not meet what is wrong with their part. */
		s->diverged = s->shards > 1 && !d->splitting;
		s->repeated = true;
		return;
	}
	/* An end before the prefix is over is that of another program. A cut may come at any time. */
	if (how != ENDING_CUT && how != ENDING_ABANDONED && d->cursor < d->planned)
		s->diverged = true;
	dpor_settle(d);
}

static uint32_t astray(struct dpor *d)
{
	d->search.diverged = true;
	return SEARCH_GIVE_UP;
}

/* --- nodes ------------------------------------------------------------------------------------------------------------------- */

static struct dpor_node *now(struct dpor *d)
{
	return &d->nodes[d->cursor - 1];
}

/* Is what is being performed repeated, with all of its alternatives seen before? */
static bool repeats(const struct dpor *d)
{
	return d->cursor <= d->planned;
}

/* Makes room for a new node at the cursor, among those that are not performed yet. */
static bool insert(struct dpor *d)
{
	if (!dpor_room(d))
		return false;
	uint32_t at = d->cursor;
	for (uint32_t i = d->count++; i > at; i--) {
		struct dpor_node *n = &d->nodes[i];
		*n = d->nodes[i - 1];
		if (n->kind == EVENT_LOCAL)
			continue;
		n->source = (uint16_t)(n->source + (n->source > at));
		n->place = (uint16_t)(n->place + (n->place > at));
	}
	return true;
}

/* The next node is new. It counts as planned if planned ones follow: see repeats(). */
static struct dpor_node *add(struct dpor *d, unsigned thread, enum event_kind kind)
{
	if (!insert(d))
		return NULL;
	d->planned += d->cursor < d->planned;
	d->nodes[d->cursor] = (struct dpor_node){.thread = (uint8_t)thread,
		.kind = (uint8_t)kind,
		.read_stamp = DPOR_NEVER,
		.write_stamp = DPOR_NEVER,
		.first_reader = DPOR_NEVER};
	d->cursor++;
	return now(d);
}

/* Goes on to the node of an operation that came without a scheduling point. *FRESH: it is new. */
static bool glue(struct dpor *d, const struct operation *op, bool *fresh)
{
	struct dpor_node *next = d->cursor < d->planned ? &d->nodes[d->cursor] : NULL;
	*fresh = !next || !next->glued || next->thread != op->thread;
	if (!*fresh) {
		d->cursor++;
		return true;
	}
	struct dpor_node *n = add(d, op->thread, op->kind);
	if (n)
		n->glued = true;
	d->glues |= n != NULL;
	return n != NULL;
}

/* Prepares for the alternatives of OP. false: no memory. */
static bool meet(struct dpor *d, const struct operation *op, bool *fresh)
{
	if (now(d)->event)
		return glue(d, op, fresh);
	*fresh = !repeats(d);
	return true;
}

/* --- who moves ---------------------------------------------------------------------------------------------------------------- */

static bool would_block(const struct moment *at, unsigned thread)
{
	const struct operation *op = &at->pending[thread];
	const struct graph *g = at->graph;
	if (!op->waits || op->location == UINT32_MAX)
		return false;
	uint64_t written;
	return op->apply(op, g->events[g->locations[op->location].last].value, &written) == APPLIED_BLOCK;
}

static unsigned first_free(const struct dpor *d, const struct moment *at)
{
	uint64_t blocked = 0, repeating = 0;
	for (uint64_t left = at->enabled; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (!dpor_has_turn(d, at, t))
			continue;
		if (would_block(at, t))
			blocked |= 1ull << t;
		else if (at->pending[t].repeats)
			repeating |= 1ull << t;
		else
			return t;
	}
	return (unsigned)__builtin_ctzll(repeating ? repeating : blocked ? blocked : at->enabled);
}

static unsigned dpor_thread(struct search *s, const struct moment *at)
{
	struct dpor *d = dpor_of(s);
	if (d->cursor < d->planned) {
		const struct dpor_node *n = &d->nodes[d->cursor];
		if (!search_enabled(at, n->thread) || n->kind != at->pending[n->thread].kind)
			return astray(d);
		d->cursor++;
		return n->thread;
	}
	unsigned t = first_free(d, at);
	return add(d, t, at->pending[t].kind) ? t : SEARCH_GIVE_UP;
}

/* --- which store is read -------------------------------------------------------------------------------------------------------- */

static enum applied applied_to(const struct graph *g, const struct operation *op, event_id store)
{
	uint64_t written;
	return op->apply ? op->apply(op, g->events[store].value, &written) : APPLIED_READ;
}

static uint32_t index_of(const event_id *stores, unsigned count, event_id wanted)
{
	for (uint32_t i = 0; i < count; i++)
		if (stores[i] == wanted)
			return i;
	return SEARCH_GIVE_UP;
}

/* The node's store, which is new, as its read half is settled. */
static void new_store(struct dpor *d, struct graph *g, const struct operation *op)
{
	now(d)->write_stamp = d->stamp++;
	dpor_revisit(d, g, op, d->cursor - 1);
}

static uint32_t repeat_source(
	struct dpor *d, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count)
{
	struct graph *g = at->graph;
	struct dpor_node *n = now(d);
	event_id source = dpor_store(d, g, op->location, n->source);
	bool pending = n->pending;
	if (pending) {
		n->pending = false;
		n->write_stamp = DPOR_NEVER;
		if (applied_to(g, op, source) == APPLIED_WRITE)
			new_store(d, g, op);
	}
	uint32_t index = index_of(sources, count, source);
	/* What a pending read will do was not known when it was judged, or another update of its source stands for good. */
	return index == SEARCH_GIVE_UP && !pending ? astray(d) : index;
}

/* May OP, as the next event of its thread, read STORE or write right behind it, in view of the thread's twins? */
static bool new_allowed(const struct dpor *d, const struct graph *g, const struct operation *op, event_id store)
{
	unsigned t = op->thread;
	bool initial = op->kind == EVENT_WRITE || g->events[store].kind == EVENT_INITIAL;
	return !d->symmetry || dpor_twins_allow(d, g, t, g->done[t] + 1, op->location, store,
				       dpor_depth(d, g->done[t] ? g->last[t] : 0, initial ? 0 : store));
}

static bool worth_reading(const struct dpor *d, const struct graph *g, const struct operation *op, event_id store)
{
	if (d->symmetry && !new_allowed(d, g, op, store))
		return false;
	return !op->waits || store == g->locations[op->location].last || applied_to(g, op, store) != APPLIED_BLOCK;
}

/* An update may read a store that another update reads already only in order to be read by that one, or in place of it: nothing is
 * consistent with both, so there is no execution to go on with, but there are revisits. */
static void rival_sources(struct dpor *d, const struct moment *at, const struct operation *op)
{
	enum { STORES_MAX = 256 };
	struct graph *g = at->graph;
	struct dpor_node *n = now(d);
	bool any = false;
	for (event_id s = g->locations[op->location].last; s && !any; s = g->events[s].before)
		any = g->events[s].reader != 0;
	if (!any)
		return;
	event_id stores[STORES_MAX];
	unsigned count = graph_sources(g, op->thread, op->location, op->order, false, stores, STORES_MAX);
	for (unsigned i = 0; i < count && i < STORES_MAX; i++) {
		if (!g->events[stores[i]].reader || !worth_reading(d, g, op, stores[i]) ||
			applied_to(g, op, stores[i]) != APPLIED_WRITE)
			continue;
		n->source = dpor_name(d, g, stores[i]);
		uint32_t stamp = d->stamp;
		new_store(d, g, op);
		d->stamp = stamp;
	}
}

static uint32_t new_source(
	struct dpor *d, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count)
{
	struct graph *g = at->graph;
	struct dpor_node *n = now(d);
	uint32_t first = SEARCH_GIVE_UP;
	bool update = op->kind == EVENT_UPDATE;
	n->read_stamp = d->stamp++;
	n->order = update && op->order != op->order_failed ? ORDER_RELAXED : op->order;
	if (update && !op->repeats)
		rival_sources(d, at, op);
	n->write_stamp = DPOR_NEVER;
	for (uint32_t i = 0; i < count; i++) {
		if (!worth_reading(d, g, op, sources[i]))
			continue;
		if (first == SEARCH_GIVE_UP) {
			first = i;
			if (op->repeats)
				break;
			continue;
		}
		n->source = dpor_name(d, g, sources[i]);
		n->pending = update;
		dpor_push_all(d);
	}
	n->pending = false;
	if (first == SEARCH_GIVE_UP)
		return first;
	n->source = dpor_name(d, g, sources[first]);
	if (update && applied_to(g, op, sources[first]) == APPLIED_WRITE)
		new_store(d, g, op);
	return first;
}

static uint32_t dpor_source(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count)
{
	struct dpor *d = dpor_of(s);
	bool fresh;
	if (!meet(d, op, &fresh))
		return SEARCH_GIVE_UP;
	uint32_t index = fresh ? new_source(d, at, op, sources, count) : repeat_source(d, at, op, sources, count);
	return d->failed ? SEARCH_GIVE_UP : index;
}

/* --- where a store goes --------------------------------------------------------------------------------------------------------- */

static uint32_t new_place(
	struct dpor *d, const struct moment *at, const struct operation *op, const event_id *places, unsigned count)
{
	struct graph *g = at->graph;
	new_store(d, g, op);
	for (uint32_t i = 1; i < count; i++) {
		if (!new_allowed(d, g, op, places[i]))
			continue;
		now(d)->place = dpor_name(d, g, places[i]);
		dpor_push_all(d);
	}
	now(d)->place = count ? dpor_name(d, g, places[0]) : 0;
	return count ? 0 : SEARCH_GIVE_UP;
}

static uint32_t dpor_place(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *places, unsigned count)
{
	struct dpor *d = dpor_of(s);
	bool fresh;
	if (!meet(d, op, &fresh))
		return SEARCH_GIVE_UP;
	if (fresh) {
		uint32_t index = new_place(d, at, op, places, count);
		return d->failed ? SEARCH_GIVE_UP : index;
	}
	uint32_t index = index_of(places, count, dpor_store(d, at->graph, op->location, now(d)->place));
	return index == SEARCH_GIVE_UP ? astray(d) : index;
}

/* --- free choices ----------------------------------------------------------------------------------------------------------------- */

static uint32_t dpor_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	struct dpor *d = dpor_of(s);
	const struct dpor_node *next = d->cursor < d->planned ? &d->nodes[d->cursor] : NULL;
	if (next && next->kind == EVENT_LOCAL && next->thread == thread) {
		d->cursor++;
		return next->source < count ? next->source : astray(d);
	}
	struct dpor_node *n = add(d, thread, EVENT_LOCAL);
	if (!n)
		return SEARCH_GIVE_UP;
	n->read_stamp = d->stamp++;
	for (unsigned i = 1; i < count; i++) {
		n->source = (uint16_t)i;
		dpor_push_all(d);
	}
	n->source = 0;
	return d->failed ? SEARCH_GIVE_UP : 0;
}

/* --- what was added --------------------------------------------------------------------------------------------------------------- */

static bool dpor_added(struct search *s, const struct moment *at, const struct operation *op, event_id id)
{
	struct dpor *d = dpor_of(s);
	if (d->symmetry && !dpor_is_symmetric(d, at, op, id)) {
		d->symmetry = false;
		d->asymmetric = true;
		return false;
	}
	bool choice = op->kind == EVENT_LOCAL && op->tag == STEP_CHOICE;
	/* Follows from what it follows: no node. */
	if (op->kind == EVENT_END || op->kind == EVENT_CREATE || (op->kind == EVENT_LOCAL && !choice))
		return true;
	struct dpor_node *n = now(d);
	n->event = id;
	d->node_of[id] = (uint16_t)(d->cursor - 1);
	if (n->read_stamp == DPOR_NEVER && n->write_stamp == DPOR_NEVER)
		n->read_stamp = d->stamp++;
	if ((n->kind == EVENT_READ || n->kind == EVENT_UPDATE) && n->source) {
		struct dpor_node *source = &d->nodes[n->source - 1];
		source->first_reader = n->read_stamp < source->first_reader ? n->read_stamp : source->first_reader;
	}
	return true;
}

static double dpor_estimate(const struct search *s)
{
	/* Knuth's estimate (Mathematics of Computation 29, 1975): each item has an equal part of the share of the execution that left it. */
	const struct dpor *d = (const struct dpor *)s;
	return d->explored > 0 ? (double)d->executions * DPOR_WHOLE / (double)d->explored : 0;
}

static void dpor_close(struct search *s)
{
	struct dpor *d = dpor_of(s);
	memory_free(d->nodes);
	memory_free(d->items);
	memory_free(d->pool);
	memory_free(d->node_of);
	memory_free(d->scratch_of);
	memory_free(d->depth);
	memory_free(d->fate);
	memory_free(d->name);
	graph_free(d->scratch);
}

const struct search_kind search_dpor = {
	.name = "dpor",
	.about = "every execution graph once: optimal dynamic partial order reduction",
	.full_graph = true,
	.exhausts = true,
	.bytes = sizeof(struct dpor),
	.option = dpor_option,
	.begin = dpor_begin,
	.thread = dpor_thread,
	.source = dpor_source,
	.place = dpor_place,
	.choice = dpor_choice,
	.added = dpor_added,
	.end = dpor_end,
	.estimate = dpor_estimate,
	.save = search_dpor_save,
	.load = search_dpor_load,
	.close = dpor_close,
};
