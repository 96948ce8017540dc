/* SPDX-License-Identifier: MIT */
/* Selectively uniform random walk (SURW, ASPLOS 2025): a uniform sample of the interleavings of few interesting steps, not of all.
 *
 * A first execution counts each thread's steps on each location. Every later one draws one location that several threads use, and calls
 * the steps on it interesting. The *intended* thread is drawn with a weight of its interesting steps that are still to come, those of
 * its unborn descendants included; any thread may take other steps, but only the intended one an interesting step, behind which the
 * next one is intended. With exact counts each order of the interesting steps is equally likely. No statement about probability.
 *
 * Locations are told apart by the order in which they appeared in the counting execution, so that no address decides anything.
 */
#include <string.h>

#include "searches.h"

enum { PLACES_COUNTED = 128 };

struct counted_place {
	uint64_t address;
	uint32_t bytes;
	bool chain, written;
	uint64_t users; /* threads */
	uint32_t steps[GRAPH_THREADS_MAX];
};

struct surw_search {
	struct search search;
	struct stream random;
	struct staleness stale;
	bool counting, counted;
	unsigned place_count;
	struct counted_place place[PLACES_COUNTED];
	unsigned shared_count;
	uint8_t shared[PLACES_COUNTED];              /* places worth an interest */
	uint16_t parent_plus_one[GRAPH_THREADS_MAX]; /* 0: none */
	/* Of this execution. */
	const struct counted_place *interest; /* NULL: none */
	int64_t weight[GRAPH_THREADS_MAX];    /* interesting steps to come, with those of unborn descendants */
	unsigned intended;                    /* UINT32_MAX: to be drawn */
};

static bool on_place(const struct counted_place *place, const struct operation *op)
{
	return op->address == place->address && op->bytes == place->bytes;
}

static bool interesting(const struct surw_search *w, const struct operation *op)
{
	return w->interest && on_place(w->interest, op);
}

/* The counting execution is over: which places do several threads use, and somebody changes? */
static void choose_shared(struct surw_search *w)
{
	for (unsigned i = 0; i < w->place_count; i++)
		if ((w->place[i].written || w->place[i].chain) && __builtin_popcountll(w->place[i].users) > 1)
			w->shared[w->shared_count++] = (uint8_t)i;
}

/* An unborn thread's steps count in its ancestors; a thread without a known parent was there from the start. */
static void set_weights(struct surw_search *w)
{
	memset(w->weight, 0, sizeof w->weight);
	for (unsigned t = 0; w->interest && t < GRAPH_THREADS_MAX; t++) {
		w->weight[t] += w->interest->steps[t];
		for (unsigned of = t; w->parent_plus_one[of]; of = w->parent_plus_one[of] - 1u)
			w->weight[w->parent_plus_one[of] - 1u] += w->interest->steps[t];
	}
}

static bool surw_begin(struct search *s, const struct moment *at)
{
	struct surw_search *w = (struct surw_search *)s;
	w->counting = !w->counted;
	/* Every shard counts in the same execution, which is one of its own: UINT64_MAX is nobody's number. */
	w->random = execution_random(s->seed, w->counting ? UINT64_MAX : at->execution);
	w->stale = stale_begin(&w->random);
	if (w->counting)
		w->stale.allowed = false;
	w->interest = NULL;
	w->intended = UINT32_MAX;
	if (!w->counting && w->shared_count)
		w->interest = &w->place[w->shared[stream_below(&w->random, w->shared_count)]];
	set_weights(w);
	return true;
}

/* One of the threads SET, by weight; if none has any, with equal chances. */
static unsigned draw_by_weight(struct surw_search *w, uint64_t set)
{
	int64_t sum = 0;
	for (uint64_t left = set; left; left &= left - 1) {
		int64_t weight = w->weight[__builtin_ctzll(left)];
		sum += weight > 0 ? weight : 0;
	}
	if (sum == 0)
		return search_nth_thread(set, 0, stream_below(&w->random, (uint32_t)__builtin_popcountll(set)));
	int64_t drawn = (int64_t)stream_below(&w->random, (uint32_t)sum);
	for (uint64_t left = set;; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		drawn -= w->weight[t] > 0 ? w->weight[t] : 0;
		if (drawn < 0)
			return t;
	}
}

static unsigned surw_thread(struct search *s, const struct moment *at)
{
	struct surw_search *w = (struct surw_search *)s;
	uint64_t able = at->enabled;
	if (at->current_yields && (able & ~(1ull << at->current)))
		able &= ~(1ull << at->current);
	if (!w->interest)
		return draw_by_weight(w, able);
	if (w->intended == UINT32_MAX || !search_enabled(at, w->intended))
		w->intended = draw_by_weight(w, able);
	uint64_t may = 0;
	for (uint64_t left = able; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (t == w->intended || !interesting(w, &at->pending[t]))
			may |= 1ull << t;
	}
	return may ? search_nth_thread(may, 0, stream_below(&w->random, (uint32_t)__builtin_popcountll(may))) : w->intended;
}

static void count_step(struct surw_search *w, const struct operation *op)
{
	unsigned i = 0;
	while (i < w->place_count && !on_place(&w->place[i], op))
		i++;
	if (!op->address || i == PLACES_COUNTED)
		return;
	struct counted_place *place = &w->place[i];
	if (i == w->place_count) {
		memset(place, 0, sizeof *place);
		place->address = op->address;
		place->bytes = op->bytes;
		w->place_count++;
	}
	place->chain |= op->chain;
	place->written |= op->kind != EVENT_READ;
	place->users |= 1ull << op->thread;
	place->steps[op->thread]++;
}

/* A thread is born: what its parent carried for it is its own now. If the parent was intended, the child may be meant. */
static void born(struct surw_search *w, unsigned child)
{
	if (!w->parent_plus_one[child] || !w->interest)
		return;
	unsigned parent = w->parent_plus_one[child] - 1u;
	/* What the child carries was set for all; the parent lets go of it. */
	w->weight[parent] -= w->weight[child];
	if (w->intended == parent)
		w->intended = draw_by_weight(w, 1ull << parent | 1ull << child);
}

static bool surw_added(struct search *s, const struct moment *at, const struct operation *op, event_id id)
{
	struct surw_search *w = (struct surw_search *)s;
	if (op->kind == EVENT_BEGIN) {
		event_id create = at->graph->events[id].source;
		if (w->counting && create)
			w->parent_plus_one[op->thread] = (uint16_t)(at->graph->events[create].thread + 1);
		born(w, op->thread);
		return true;
	}
	if (w->counting)
		count_step(w, op);
	if (!interesting(w, op))
		return true;
	w->weight[op->thread]--;
	w->intended = UINT32_MAX;
	return true;
}

static uint32_t surw_store(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *stores, unsigned count)
{
	(void)at;
	(void)op;
	(void)stores;
	struct surw_search *w = (struct surw_search *)s;
	return stale_index(&w->stale, &w->random, count);
}

static uint32_t surw_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	(void)thread;
	struct surw_search *w = (struct surw_search *)s;
	return w->counting ? 0 : choice_index(&w->random, count);
}

static void surw_end(struct search *s, const struct moment *at, enum ending how)
{
	(void)at;
	(void)how;
	struct surw_search *w = (struct surw_search *)s;
	s->repeated = w->counting;
	if (!w->counting)
		return;
	choose_shared(w);
	w->counted = true;
}

const struct search_kind search_surw = {
	.name = "surw",
	.about = "selectively uniform random walk: uniform over the orders of the steps on one location",
	.independent = true,
	.bytes = sizeof(struct surw_search),
	.begin = surw_begin,
	.thread = surw_thread,
	.source = surw_store,
	.place = surw_store,
	.choice = surw_choice,
	.added = surw_added,
	.end = surw_end,
};
