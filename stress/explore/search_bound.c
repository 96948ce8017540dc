/* SPDX-License-Identifier: MIT */
/* Bounded search: all executions without a preemption, then all with one, and so on, so that the first finding is a short one.
 *
 * Iterative context bounding (Musuvathi and Qadeer, PLDI 2007): taking the processor from a thread that could go on costs 1, any switch
 * is free where the thread cannot go on. Here a read of an older store, a store behind a newer one, and a free choice that is not the
 * plain one cost 1 as well. Delay bounding (Emmi, Qadeer and Rakamaric, POPL 2011) takes the threads in a circle and lets each one that
 * is passed over cost 1, also where the switch is forced: it grows slower with the number of threads.
 *
 * Options: preemptions=N stops behind level N, stale=N allows no more than N older stores in an execution, delays=N bounds delays
 * instead.
 *
 * Each level is a depth-first walk over the decisions by re-execution, with the stack of decisions as the only memory. An execution of
 * level b that costs less than b was seen before (search.repeated). The levels are exhausted when none of them had to leave out an
 * alternative for its cost.
 *
 * Shards split by the first decision that is not the plain one. With option split=count each makes all executions and counts every
 * N-th: no faster, but then the shards of a search that is cut short are together what one process would have done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "searches.h"

enum decision_kind { DECIDES_THREAD, DECIDES_STORE, DECIDES_CHOICE };

struct decision {
	uint64_t enabled; /* threads, to see that the program repeats itself */
	uint32_t cost;    /* of the decisions before */
	uint32_t stale;   /* of them, older stores */
	uint16_t count;   /* of alternatives */
	uint16_t free;    /* the first ones, which cost nothing */
	uint16_t chosen;
	uint8_t kind;
	bool plain; /* all decisions before took their first alternative */
};

struct bound_search {
	struct search search;
	bool delays, by_count, started, ended;
	uint64_t counted;    /* executions of all shards, if they split by count */
	bool left_out;       /* this level left out an alternative for its cost */
	bool left_out_stale; /* some level left out an older store for their number */
	bool walked;         /* the last level left out nothing for its cost */
	uint32_t level, level_max, stale_max;
	struct decision *stack;
	uint32_t depth, capacity; /* decisions of the current path */
	uint32_t at;              /* those made so far in this execution */
	uint32_t cost, stale;     /* of those */
};

static int bound_option(struct search *s, const char *key, const char *value)
{
	struct bound_search *b = (struct bound_search *)s;
	char *end;
	if (strcmp(key, "split") == 0 && strcmp(value, "count") == 0) {
		b->by_count = true;
		return 0;
	}
	errno = 0;
	unsigned long n = strtoul(value, &end, 10);
	if (errno || *end || end == value || *value == '-' || n >= UINT32_MAX)
		return EINVAL;
	/* Zero is an unset limit in the struct: limits are kept plus one. */
	if (strcmp(key, "preemptions") == 0 || strcmp(key, "delays") == 0) {
		b->level_max = (uint32_t)n + 1;
		b->delays = *key == 'd';
		return 0;
	}
	if (strcmp(key, "stale") != 0)
		return EINVAL;
	b->stale_max = (uint32_t)n + 1;
	return 0;
}

static uint32_t price(const struct bound_search *b, const struct decision *d, uint32_t alternative)
{
	if (b->delays && d->kind == DECIDES_THREAD)
		return alternative;
	return alternative >= d->free;
}

/* Is ALTERNATIVE of the topmost decision within the bounds, and this shard's? */
static bool affordable(struct bound_search *b, const struct decision *d, uint32_t alternative)
{
	if (d->kind == DECIDES_STORE && b->stale_max && d->stale + 1 >= b->stale_max) {
		b->left_out_stale = true;
		return false;
	}
	bool within = d->cost + price(b, d, alternative) <= b->level;
	b->left_out |= !within;
	return within;
}

static bool owned(const struct bound_search *b, const struct decision *d, uint32_t alternative)
{
	if (!d->plain || b->by_count || b->search.shards <= 1)
		return true;
	uint32_t where = (uint32_t)(d - b->stack) + alternative;
	return where % b->search.shards == b->search.shard - 1;
}

/* Moves to the next path of this level; false: there is none. */
static bool advance(struct bound_search *b)
{
	while (b->depth) {
		struct decision *d = &b->stack[b->depth - 1];
		/* Costs never fall along the alternatives. */
		while (++d->chosen < d->count && affordable(b, d, d->chosen))
			if (owned(b, d, d->chosen))
				return true;
		b->depth--;
	}
	return false;
}

static bool bound_begin(struct search *s, const struct moment *at)
{
	(void)at;
	struct bound_search *b = (struct bound_search *)s;
	if (b->ended)
		return false;
	if (b->started && !advance(b)) {
		b->walked = !b->left_out;
		b->ended = b->walked || (b->level_max && b->level + 1 == b->level_max);
		if (b->ended)
			return false;
		b->level++;
		b->left_out = false;
	}
	b->started = true;
	b->at = b->cost = b->stale = 0;
	s->diverged = false;
	return true;
}

/* The alternative to take at the next decision, of which there are COUNT. */
static uint32_t decide(struct bound_search *b, enum decision_kind kind, uint64_t enabled, unsigned count, unsigned free_ones)
{
	if (b->at == b->depth) {
		if (b->depth == b->capacity) {
			uint32_t capacity = b->capacity ? b->capacity * 2 : 256;
			struct decision *more = memory_realloc(b->stack, capacity * sizeof *more);
			if (!more) {
				b->search.diverged = true;
				return SEARCH_GIVE_UP;
			}
			b->stack = more;
			b->capacity = capacity;
		}
		const struct decision *before = b->depth ? &b->stack[b->depth - 1] : NULL;
		b->stack[b->depth++] = (struct decision){.enabled = enabled,
			.cost = b->cost,
			.stale = b->stale,
			.count = (uint16_t)count,
			.free = (uint16_t)free_ones,
			.kind = (uint8_t)kind,
			.plain = !before || (before->plain && before->chosen == 0)};
	}
	const struct decision *d = &b->stack[b->at++];
	if (d->kind != kind || d->count != count || d->enabled != enabled) {
		b->search.diverged = true;
		return SEARCH_GIVE_UP;
	}
	b->cost += price(b, d, d->chosen);
	b->stale += kind == DECIDES_STORE && d->chosen;
	return d->chosen;
}

static unsigned bound_thread(struct search *s, const struct moment *at)
{
	struct bound_search *b = (struct bound_search *)s;
	unsigned count = (unsigned)__builtin_popcountll(at->enabled);
	if (count == 1)
		return search_plain_thread(at);
	/* Who gives way comes last: behind him all others are free. */
	bool goes_on = search_enabled(at, at->current);
	bool yields = goes_on && at->current_yields;
	uint32_t n = decide(b, DECIDES_THREAD, at->enabled, count, yields ? count - 1 : goes_on ? 1 : count);
	if (n == SEARCH_GIVE_UP)
		return n;
	return search_nth_thread(at->enabled, at->current, yields ? (n + 1) % count : n);
}

static uint32_t bound_store(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *stores, unsigned count)
{
	(void)at;
	(void)op;
	(void)stores;
	return count < 2 ? 0 : decide((struct bound_search *)s, DECIDES_STORE, 0, count, 1);
}

static uint32_t bound_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	(void)thread;
	return decide((struct bound_search *)s, DECIDES_CHOICE, 0, count, 1);
}

static void bound_end(struct search *s, const struct moment *at, enum ending how)
{
	(void)at;
	(void)how;
	struct bound_search *b = (struct bound_search *)s;
	/* An execution that ended before its path was walked to the end is not the one that the stack stands for. */
	s->diverged |= b->at < b->depth;
	const struct decision *last = b->depth ? &b->stack[b->depth - 1] : NULL;
	bool first_path = !last || (last->plain && last->chosen == 0);
	s->repeated = b->cost < b->level;
	if (s->shards > 1 && !s->repeated)
		s->repeated = b->by_count ? b->counted++ % s->shards != s->shard - 1 : first_path && s->shard != 1;
	if (s->diverged)
		b->depth = b->at < b->depth ? b->at : b->depth;
}

/* The scalars that last, then the stack. */
struct bound_kept {
	uint64_t counted;
	uint32_t level, depth;
	uint32_t started, ended, left_out, left_out_stale, walked, decisions;
};

static void bound_save(const struct search *s, struct search_state *to)
{
	const struct bound_search *b = (const struct bound_search *)s;
	const struct bound_kept kept = {b->counted, b->level, b->depth, b->started, b->ended, b->left_out, b->left_out_stale,
		b->walked, sizeof(struct decision)};
	search_state_add(to, &kept, sizeof kept);
	search_state_add(to, b->stack, b->depth * sizeof *b->stack);
}

static bool bound_load(struct search *s, struct search_state_reader *from)
{
	struct bound_search *b = (struct bound_search *)s;
	struct bound_kept kept;
	if (!search_state_take(from, &kept, sizeof kept) || kept.decisions != sizeof(struct decision) ||
		from->left != kept.depth * sizeof(struct decision))
		return false;
	if (kept.depth > b->capacity) {
		struct decision *more = memory_realloc(b->stack, kept.depth * sizeof *more);
		if (!more)
			return false;
		b->stack = more;
		b->capacity = kept.depth;
	}
	search_state_take(from, b->stack, kept.depth * sizeof *b->stack);
	b->counted = kept.counted;
	b->level = kept.level;
	b->depth = kept.depth;
	b->started = kept.started;
	b->ended = kept.ended;
	b->left_out = kept.left_out;
	b->left_out_stale = kept.left_out_stale;
	b->walked = kept.walked;
	return true;
}

static void bound_close(struct search *s)
{
	memory_free(((struct bound_search *)s)->stack);
}

void search_bound_text(const struct search *s, char *text, size_t bytes)
{
	const struct bound_search *b = (const struct bound_search *)s;
	char stale[40] = "";
	if (b->left_out_stale)
		snprintf(stale, sizeof stale, ", at most %u older stores", b->stale_max - 1);
	if (b->walked)
		snprintf(text, bytes, "%s", stale[0] ? stale + 2 : "");
	else
		snprintf(text, bytes, "at most %u %s (older stores and unusual choices count as one)%s", b->level_max - 1,
			b->delays ? "delays" : "preemptions", stale);
}

const struct search_kind search_bound = {
	.name = "bound",
	.about = "all executions with 0, 1, 2, ... preemptions, in that order",
	.exhausts = true,
	.bytes = sizeof(struct bound_search),
	.option = bound_option,
	.begin = bound_begin,
	.thread = bound_thread,
	.source = bound_store,
	.place = bound_store,
	.choice = bound_choice,
	.end = bound_end,
	.save = bound_save,
	.load = bound_load,
	.close = bound_close,
};
