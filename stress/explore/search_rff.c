/* SPDX-License-Identifier: MIT */
/* Reads-from feedback (RFF, greybox fuzzing for concurrency, ASPLOS 2024): what was covered is the set of pairs (store, read that
 * returned it). A schedule in the abstract is a few wishes about such pairs, to occur or not to occur; schedules that showed new pairs
 * are kept, and changed a little for the next executions. Between the wishes, priorities of steps are drawn as in partial order sampling.
 *
 * A read whose wished store is not the newest yet waits; one whose wished store is there goes at once, and other stores to that place
 * wait for it. Wishes that cannot be had are given up when nobody else can move.
 *
 * Stores and reads are known by thread, instruction, location and how often that was before (up to a few times, for loops), numbered as
 * they first appeared: no address decides anything. Execution i depends on what the ones before it showed; shards go different ways
 * from the start. No statement about probability.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "searches.h"

enum {
	KNOWN_MAX = 512,
	SLOTS = 2048, /* a power of two */
	WISHES_MAX = 12,
	CORPUS_MAX = 128,
	TURNS_MAX = 7,
	INITIAL = 0, /* known[0]: whatever was there before the first store */
};

/* A store or read in the abstract. */
struct known {
	uint64_t address;
	const void *site;
	uint32_t bytes;
	uint16_t thread, turn; /* how often it was before in its execution, up to TURNS_MAX */
	bool reads, writes;
	/* Of turn 0: how often it was in the execution with number `stamp`. */
	uint32_t count;
	uint64_t stamp;
};

struct wish {
	uint16_t store, read;
	bool wanted;
};

struct abstract_schedule {
	unsigned count;
	struct wish wish[WISHES_MAX];
};

struct rff_search {
	struct search search;
	struct stream random;
	struct staleness stale;
	unsigned known_count;
	struct known known[KNOWN_MAX];
	uint16_t slot[SLOTS];                    /* index into known, 0: empty */
	uint64_t stamp;                          /* of this execution */
	uint16_t by_event[GRAPH_EVENTS_MAX + 1]; /* index into known, or KNOWN_MAX */
	uint64_t seen[KNOWN_MAX][KNOWN_MAX / 64];
	unsigned corpus_count, corpus_next;
	struct abstract_schedule corpus[CORPUS_MAX];
	struct abstract_schedule now;
	uint64_t drawn;
	uint64_t priority[GRAPH_THREADS_MAX];
};

/* The number of a store or read in the abstract; KNOWN_MAX: there are too many. */
static unsigned number_of(struct rff_search *r, const struct operation *op, unsigned turn)
{
	uint64_t mix = ((uint64_t)(uintptr_t)op->site ^ op->address << 1) * 0x9e3779b97f4a7c15u + op->thread * 8u + turn;
	for (uint32_t i = (uint32_t)((mix * 0x94d049bb133111ebu) >> 40) & (SLOTS - 1);; i = (i + 1) & (SLOTS - 1)) {
		if (!r->slot[i]) {
			if (r->known_count == KNOWN_MAX)
				return KNOWN_MAX;
			r->slot[i] = (uint16_t)r->known_count;
			r->known[r->known_count] = (struct known){.address = op->address,
				.site = op->site,
				.bytes = op->bytes,
				.thread = op->thread,
				.turn = (uint16_t)turn};
			return r->known_count++;
		}
		const struct known *k = &r->known[r->slot[i]];
		if (k->site == op->site && k->address == op->address && k->bytes == op->bytes && k->thread == op->thread &&
			k->turn == turn)
			return r->slot[i];
	}
}

/* The number of what OP is about to do; *FIRST: that of its first turn. */
static unsigned number_of_operation(struct rff_search *r, const struct operation *op, unsigned *first)
{
	*first = op->address ? number_of(r, op, 0) : KNOWN_MAX;
	if (*first == KNOWN_MAX || r->known[*first].stamp != r->stamp || r->known[*first].count == 0)
		return *first;
	uint32_t turn = r->known[*first].count;
	return number_of(r, op, turn < TURNS_MAX ? turn : TURNS_MAX);
}

static unsigned pending_number(struct rff_search *r, const struct operation *op)
{
	unsigned first;
	return number_of_operation(r, op, &first);
}

static unsigned number_of_event(const struct rff_search *r, const struct graph *g, event_id id)
{
	return g->events[id].kind == EVENT_INITIAL ? INITIAL : r->by_event[id];
}

/* Changing schedules -------------------------------------------------------------------------------------------------------------- */

/* A random pair on one location, seen or not. */
static bool random_wish(struct rff_search *r, struct wish *wish)
{
	enum { TRIES = 16 };
	for (int i = 0; i < TRIES && r->known_count > 1; i++) {
		unsigned read = 1 + stream_below(&r->random, r->known_count - 1),
			 store = stream_below(&r->random, r->known_count);
		const struct known *a = &r->known[read], *b = &r->known[store];
		if (!a->reads || (store != INITIAL && (!b->writes || a->address != b->address || a->bytes != b->bytes)))
			continue;
		*wish = (struct wish){(uint16_t)store, (uint16_t)read, stream_below(&r->random, 4) != 0};
		return true;
	}
	return false;
}

/* A read returns one store: a new wish for it takes the place of an old one. If there are too many, the oldest goes. */
static void add_wish(struct abstract_schedule *to, struct wish wish)
{
	unsigned at = 0;
	while (at < to->count && (to->wish[at].read != wish.read || !wish.wanted))
		at++;
	if (at == WISHES_MAX) {
		at = WISHES_MAX - 1;
		for (unsigned i = 0; i < at; i++)
			to->wish[i] = to->wish[i + 1];
	}
	to->wish[at] = wish;
	if (at == to->count)
		to->count++;
}

static void mutate(struct rff_search *r)
{
	struct abstract_schedule *now = &r->now;
	struct wish wish;
	switch (stream_below(&r->random, 4)) {
	case 0: /* as it is, under other priorities */
		break;
	case 1:
		if (now->count)
			now->wish[stream_below(&r->random, now->count)] = now->wish[now->count - 1], now->count--;
		break;
	case 2:
		if (now->count) {
			struct wish *turned = &now->wish[stream_below(&r->random, now->count)];
			turned->wanted = !turned->wanted;
		}
		break;
	default:
		if (random_wish(r, &wish))
			add_wish(now, wish);
		break;
	}
}

static bool rff_begin(struct search *s, const struct moment *at)
{
	struct rff_search *r = (struct rff_search *)s;
	r->random = execution_random(s->seed + (s->shard - 1) * 0x9e3779b97f4a7c15u, at->execution);
	r->stale = stale_begin(&r->random);
	r->drawn = 0;
	r->stamp++;
	if (!r->known_count)
		r->known_count = 1;
	r->now.count = 0;
	if (r->corpus_count && stream_below(&r->random, 4) != 0) {
		/* The later of two: what was new last leads furthest. */
		unsigned one = stream_below(&r->random, r->corpus_count), two = stream_below(&r->random, r->corpus_count);
		r->now = r->corpus[one > two ? one : two];
		mutate(r);
	}
	return true;
}

/* Following them ------------------------------------------------------------------------------------------------------------------ */

enum urgency { WAITS, FREE, AT_ONCE };

/* Is somebody about to read what another wish is fulfilled for now? Then a store would spoil it. */
static bool spoils(struct rff_search *r, const struct moment *at, const struct operation *op, unsigned newest)
{
	for (unsigned i = 0; i < r->now.count; i++) {
		const struct wish *wish = &r->now.wish[i];
		const struct known *reader = &r->known[wish->read];
		if (!wish->wanted || wish->store != newest || reader->address != op->address || reader->thread == op->thread)
			continue;
		if (search_enabled(at, reader->thread) && pending_number(r, &at->pending[reader->thread]) == wish->read)
			return true;
	}
	return false;
}

static enum urgency urgency_of(struct rff_search *r, const struct moment *at, const struct operation *op)
{
	unsigned self = r->now.count && op->location != UINT32_MAX ? pending_number(r, op) : KNOWN_MAX;
	if (self == KNOWN_MAX)
		return FREE;
	unsigned newest = number_of_event(r, at->graph, at->graph->locations[op->location].last);
	for (unsigned i = 0; i < r->now.count && op->kind != EVENT_WRITE; i++) {
		const struct wish *wish = &r->now.wish[i];
		if (wish->read != self)
			continue;
		if (wish->wanted)
			return wish->store == newest ? AT_ONCE : WAITS;
		if (wish->store == newest)
			return WAITS;
	}
	return op->kind != EVENT_READ && spoils(r, at, op, newest) ? WAITS : FREE;
}

static unsigned rff_thread(struct search *s, const struct moment *at)
{
	struct rff_search *r = (struct rff_search *)s;
	unsigned best = UINT32_MAX;
	enum urgency most = WAITS;
	if (at->current_yields)
		r->drawn &= ~(1ull << at->current);
	for (uint64_t left = at->enabled; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (!(r->drawn >> t & 1))
			r->priority[t] = stream_next(&r->random);
		r->drawn |= 1ull << t;
		enum urgency urgency = urgency_of(r, at, &at->pending[t]);
		if (best == UINT32_MAX || urgency > most || (urgency == most && r->priority[t] > r->priority[best])) {
			best = t;
			most = urgency;
		}
	}
	return best;
}

static bool rff_added(struct search *s, const struct moment *at, const struct operation *op, event_id id)
{
	struct rff_search *r = (struct rff_search *)s;
	unsigned first, self = number_of_operation(r, op, &first);
	r->by_event[id] = (uint16_t)self;
	if (first != KNOWN_MAX) {
		struct known *k = &r->known[first];
		k->count = k->stamp == r->stamp ? k->count + 1 : 1;
		k->stamp = r->stamp;
	}
	r->drawn &= ~(1ull << op->thread);
	for (uint64_t left = r->drawn; left && op->address; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		if (search_conflict(op, &at->pending[t]))
			r->drawn &= ~(1ull << t);
	}
	return true;
}

static uint32_t rff_source(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *sources, unsigned count)
{
	struct rff_search *r = (struct rff_search *)s;
	unsigned self = r->now.count ? pending_number(r, op) : KNOWN_MAX;
	for (unsigned i = 0; i < r->now.count && self != KNOWN_MAX; i++) {
		const struct wish *wish = &r->now.wish[i];
		for (uint32_t k = 0; k < count && wish->read == self; k++)
			if ((number_of_event(r, at->graph, sources[k]) == wish->store) == wish->wanted)
				return k;
	}
	return stale_index(&r->stale, &r->random, count);
}

static uint32_t rff_place(
	struct search *s, const struct moment *at, const struct operation *op, const event_id *places, unsigned count)
{
	(void)at;
	(void)op;
	(void)places;
	struct rff_search *r = (struct rff_search *)s;
	return stale_index(&r->stale, &r->random, count);
}

static uint32_t rff_choice(struct search *s, const struct moment *at, unsigned thread, unsigned count)
{
	(void)at;
	(void)thread;
	return choice_index(&((struct rff_search *)s)->random, count);
}

/* Feedback ------------------------------------------------------------------------------------------------------------------------ */

static void keep(struct rff_search *r, const struct abstract_schedule *schedule)
{
	r->corpus[r->corpus_next] = *schedule;
	r->corpus_next = (r->corpus_next + 1) % CORPUS_MAX;
	if (r->corpus_count < CORPUS_MAX)
		r->corpus_count++;
}

/* Walks through the execution and gathers what its reads returned from other threads: that is the schedule which showed a pair that was
 * new. */
static void rff_end(struct search *s, const struct moment *at, enum ending how)
{
	(void)how;
	struct rff_search *r = (struct rff_search *)s;
	struct abstract_schedule so_far = {0};
	const struct graph *g = at->graph;
	for (event_id id = 1; id <= g->count; id++) {
		const struct event *e = &g->events[id];
		if (e->kind != EVENT_READ && e->kind != EVENT_UPDATE && e->kind != EVENT_WRITE)
			continue;
		unsigned self = r->by_event[id];
		if (self == KNOWN_MAX)
			continue;
		r->known[self].writes |= e->kind != EVENT_READ;
		if (e->kind == EVENT_WRITE)
			continue;
		r->known[self].reads = true;
		unsigned store = number_of_event(r, g, e->source);
		if (store == KNOWN_MAX)
			continue;
		if (g->events[e->source].thread != e->thread)
			add_wish(&so_far, (struct wish){(uint16_t)store, (uint16_t)self, true});
		if (r->seen[store][self / 64] >> self % 64 & 1)
			continue;
		r->seen[store][self / 64] |= 1ull << self % 64;
		keep(r, &so_far);
	}
}

/* It knows operations by their places in memory, which may be others in another process. */
static void layout(uint64_t at[2])
{
	at[0] = (uint64_t)(uintptr_t)&search_rff;
	at[1] = (uint64_t)(uintptr_t)stdout; /* in the C library */
}

static void rff_save(const struct search *s, struct search_state *to)
{
	const struct rff_search *r = (const struct rff_search *)s;
	uint64_t here[2], counts[4] = {r->known_count, r->stamp, r->corpus_count, r->corpus_next};
	layout(here);
	search_state_add(to, here, sizeof here);
	search_state_add(to, counts, sizeof counts);
	search_state_add(to, r->known, sizeof r->known);
	search_state_add(to, r->slot, sizeof r->slot);
	search_state_add(to, r->seen, sizeof r->seen);
	search_state_add(to, r->corpus, sizeof r->corpus);
}

static bool rff_load(struct search *s, struct search_state_reader *from)
{
	struct rff_search *r = (struct rff_search *)s;
	uint64_t here[2], then[2], counts[4];
	layout(here);
	if (!search_state_take(from, then, sizeof then) || memcmp(here, then, sizeof then) != 0 ||
		!search_state_take(from, counts, sizeof counts) ||
		from->left != sizeof r->known + sizeof r->slot + sizeof r->seen + sizeof r->corpus)
		return false;
	search_state_take(from, r->known, sizeof r->known);
	search_state_take(from, r->slot, sizeof r->slot);
	search_state_take(from, r->seen, sizeof r->seen);
	search_state_take(from, r->corpus, sizeof r->corpus);
	r->known_count = (unsigned)counts[0];
	r->stamp = counts[1];
	r->corpus_count = (unsigned)counts[2];
	r->corpus_next = (unsigned)counts[3];
	return true;
}

const struct search_kind search_rff = {
	.name = "rff",
	.about = "reads-from feedback: keeps and changes schedules that showed new pairs of store and read",
	.bytes = sizeof(struct rff_search),
	.begin = rff_begin,
	.thread = rff_thread,
	.source = rff_source,
	.place = rff_place,
	.choice = rff_choice,
	.added = rff_added,
	.end = rff_end,
	.save = rff_save,
	.load = rff_load,
};
