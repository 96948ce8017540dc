/* SPDX-License-Identifier: MIT */
/* Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010, section 2.3): threads have random
 * distinct priorities, the highest that can move does; behind d-1 steps chosen at random among k, whoever made the step falls below
 * all others. One execution shows a bug of depth d with a chance of at least 1/(n k^(d-1)), so that m show it with at least
 * 1 - (1 - 1/(n k^(d-1)))^m.
 *
 * The theorem counts n threads and k steps from above. An execution that was longer than its k, or had more threads than n, is not
 * counted in m; once a thread gave way (then it falls to the bottom, or the others would starve), or a free choice was drawn, nothing is
 * stated at all.
 * Option depth=D: only that depth; else 1, 2 and 3 at random.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "searches.h"

enum { DEPTH_MAX = 16, DEPTHS_STATED = 3, STEPS_UNKNOWN = 64 };

struct pct_search {
	struct search search;
	unsigned depth_wanted; /* 0: 1 to 3 */
	struct stream random;
	struct staleness stale;
	unsigned depth;
	uint32_t length;            /* k */
	uint32_t change[DEPTH_MAX]; /* steps, from 1; change[0 .. depth-2] */
	uint32_t moved;             /* steps so far */
	uint64_t below;             /* priorities of threads that gave way count down from here */
	uint64_t known;             /* threads that have a priority */
	uint64_t priority[GRAPH_THREADS_MAX];
	bool outside;                        /* something that the theorem does not speak of took place */
	uint64_t counted[DEPTHS_STATED + 1]; /* m by depth */
	unsigned threads;                    /* most threads seen in a counted execution */
};

/* Priorities: random ones above 2^62; change point i gives 2^61 - i, giving way less than that. */
static const uint64_t RANDOM_FROM = 1ull << 62, CHANGED_FROM = 1ull << 61, WAY_FROM = 1ull << 60;

static int pct_option(struct search *s, const char *key, const char *value)
{
	struct pct_search *p = (struct pct_search *)s;
	char *end;
	unsigned long depth = strtoul(value, &end, 10);
	if (__builtin_strcmp(key, "depth") != 0 || *end || depth < 1 || depth > DEPTH_MAX)
		return EINVAL;
	p->depth_wanted = (unsigned)depth;
	return 0;
}

static bool pct_begin(struct search *s, const struct moment *at)
{
	struct pct_search *p = (struct pct_search *)s;
	p->random = execution_random(s->seed, at->execution);
	p->stale = stale_begin(&p->random);
	/* Other interleavings are often longer than the one that the hint comes from. */
	p->length = s->steps_hint ? s->steps_hint + s->steps_hint / 4 + 1 : STEPS_UNKNOWN;
	p->depth = p->depth_wanted ? p->depth_wanted : 1 + stream_below(&p->random, DEPTHS_STATED);
	for (unsigned i = 0; i + 1 < p->depth; i++)
		p->change[i] = 1 + stream_below(&p->random, p->length);
	p->moved = 0;
	p->known = 0;
	p->below = WAY_FROM;
	return true;
}

static unsigned pct_thread(struct search *s, const struct moment *at)
{
	struct pct_search *p = (struct pct_search *)s;
	unsigned best = UINT32_MAX;
	if (at->current_yields) {
		p->known |= 1ull << at->current;
		p->priority[at->current] = p->below--;
		p->outside = true;
	}
	for (uint64_t left = at->enabled; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (!(p->known >> t & 1))
			p->priority[t] = RANDOM_FROM | stream_next(&p->random) >> 2;
		p->known |= 1ull << t;
		if (best == UINT32_MAX || p->priority[t] > p->priority[best])
			best = t;
	}
	return best;
}

static bool pct_added(struct search *s, const struct moment *at, const struct operation *op, event_id id)
{
	(void)at;
	(void)id;
	struct pct_search *p = (struct pct_search *)s;
	p->moved++;
	for (unsigned i = 0; i + 1 < p->depth; i++) {
		if (p->change[i] != p->moved)
			continue;
		p->known |= 1ull << op->thread;
		p->priority[op->thread] = CHANGED_FROM - i;
	}
	return true;
}

static uint32_t pct_store(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *stores, unsigned count)
{
	(void)at;
	(void)op;
	(void)stores;
	struct pct_search *p = (struct pct_search *)s;
	return stale_index(&p->stale, &p->random, count);
}

static uint32_t pct_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	(void)thread;
	struct pct_search *p = (struct pct_search *)s;
	p->outside = true;
	return choice_index(&p->random, count);
}

static void pct_end(struct search *s, const struct moment *at, enum ending how)
{
	struct pct_search *p = (struct pct_search *)s;
	if (how != ENDING_COMPLETE && how != ENDING_FINDING && how != ENDING_BLOCKED)
		return;
	if (p->moved > p->length || at->steps >= SEARCH_FAIR_FROM || p->depth > DEPTHS_STATED)
		return;
	p->counted[p->depth]++;
	if (at->threads > p->threads)
		p->threads = at->threads;
}

void search_pct_absorb(struct search *s, const struct search *before, const struct search *after)
{
	struct pct_search *p = (struct pct_search *)s;
	const struct pct_search *b = (const struct pct_search *)before, *a = (const struct pct_search *)after;
	p->outside |= a->outside;
	for (unsigned depth = 0; depth <= DEPTHS_STATED; depth++)
		p->counted[depth] += a->counted[depth] - b->counted[depth];
	if (a->threads > p->threads)
		p->threads = a->threads;
}

static void pct_save(const struct search *s, struct search_state *to)
{
	const struct pct_search *p = (const struct pct_search *)s;
	uint64_t outside = p->outside, threads = p->threads;
	search_state_add(to, p->counted, sizeof p->counted);
	search_state_add(to, &outside, sizeof outside);
	search_state_add(to, &threads, sizeof threads);
}

static bool pct_load(struct search *s, struct search_state_reader *from)
{
	struct pct_search *p = (struct pct_search *)s;
	uint64_t counted[DEPTHS_STATED + 1], outside, threads;
	if (!search_state_take(from, counted, sizeof counted) || !search_state_take(from, &outside, sizeof outside) ||
		!search_state_take(from, &threads, sizeof threads))
		return false;
	memcpy(p->counted, counted, sizeof counted);
	p->outside = outside != 0;
	p->threads = (unsigned)threads;
	return true;
}

double search_pct_chance(const struct search *s, unsigned depth)
{
	const struct pct_search *p = (const struct pct_search *)s;
	if (p->outside)
		return -1;
	if (depth < 1 || depth > DEPTHS_STATED || !p->counted[depth])
		return 0;
	double miss = p->threads, missed_all = 1;
	for (unsigned i = 1; i < depth; i++)
		miss *= p->length;
	miss = 1 - 1 / miss;
	for (uint64_t m = p->counted[depth]; m; m /= 2, miss *= miss)
		if (m % 2)
			missed_all *= miss;
	return 1 - missed_all;
}

const struct search_kind search_pct = {
	.name = "pct",
	.about = "random priorities with few random changes: a bound on the chance to miss a bug of small depth",
	.independent = true,
	.bytes = sizeof(struct pct_search),
	.option = pct_option,
	.begin = pct_begin,
	.thread = pct_thread,
	.source = pct_store,
	.place = pct_store,
	.choice = pct_choice,
	.added = pct_added,
	.end = pct_end,
	.save = pct_save,
	.load = pct_load,
};
