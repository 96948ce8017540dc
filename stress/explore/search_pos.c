/* SPDX-License-Identifier: MIT */
/* Partial order sampling (Yuan, Yang and Gu, CAV 2018, algorithm 3): each pending step has a random priority, the highest moves; then
 * that thread's next step, and the pending steps that race with what was done, draw anew. So each partial order has a fair chance,
 * however many interleavings it has. No statement about probability is made here: the paper's depends on the program's races.
 */
#include "searches.h"

struct pos_search {
	struct search search;
	struct stream random;
	struct staleness stale;
	uint64_t drawn; /* threads whose pending step has a priority */
	uint64_t priority[GRAPH_THREADS_MAX];
};

static bool pos_begin(struct search *s, const struct moment *at)
{
	struct pos_search *p = (struct pos_search *)s;
	p->random = execution_random(s->seed, at->execution);
	p->stale = stale_begin(&p->random);
	p->drawn = 0;
	return true;
}

static unsigned pos_thread(struct search *s, const struct moment *at)
{
	struct pos_search *p = (struct pos_search *)s;
	unsigned best = UINT32_MAX;
	/* Who gives way is drawn anew, or it would only give way to higher ones. */
	if (at->current_yields)
		p->drawn &= ~(1ull << at->current);
	for (uint64_t left = at->enabled; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (!(p->drawn >> t & 1))
			p->priority[t] = stream_next(&p->random);
		p->drawn |= 1ull << t;
		if (best == UINT32_MAX || p->priority[t] > p->priority[best])
			best = t;
	}
	return best;
}

static bool pos_added(struct search *s, const struct moment *at, const struct operation *op, event_id id)
{
	(void)id;
	struct pos_search *p = (struct pos_search *)s;
	p->drawn &= ~(1ull << op->thread);
	for (uint64_t left = p->drawn; left && op->address; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (search_conflict(op, &at->pending[t]))
			p->drawn &= ~(1ull << t);
	}
	return true;
}

static uint32_t pos_store(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *stores, unsigned count)
{
	(void)at;
	(void)op;
	(void)stores;
	struct pos_search *p = (struct pos_search *)s;
	return stale_index(&p->stale, &p->random, count);
}

static uint32_t pos_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	(void)thread;
	return choice_index(&((struct pos_search *)s)->random, count);
}

const struct search_kind search_pos = {
	.name = "pos",
	.about = "partial order sampling: random priorities of steps, drawn anew where steps race",
	.independent = true,
	.bytes = sizeof(struct pos_search),
	.begin = pos_begin,
	.thread = pos_thread,
	.source = pos_store,
	.place = pos_store,
	.choice = pos_choice,
	.added = pos_added,
};
