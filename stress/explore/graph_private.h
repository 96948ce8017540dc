/* SPDX-License-Identifier: MIT */
/* What the parts of the execution graph share: clocks in rows, tables of a full graph, and the checks of its rules.
 *
 * Clocks. A row has `row` entries, a multiple of four: row[0] is the id of the latest seq_cst fence that happened before (its stamp),
 * row[1 + u] counts thread u's events that happened before. All are joined entry by entry, so the stamp travels with the clock. Rows
 * grow when a higher thread appears and stay grown: three threads cost 16 bytes per clock.
 */
#ifndef ONCEPROOF_EXPLORE_GRAPH_PRIVATE_H
#define ONCEPROOF_EXPLORE_GRAPH_PRIVATE_H

#include <stddef.h>
#include <string.h>

#include "graph.h"

enum { ROW_MIN = 4, ROW_MAX = GRAPH_THREADS_MAX + 4 };

/* Clocks of a thread, as of its next event. */
struct thread_clocks {
	uint32_t known[ROW_MAX];    /* what happened before it */
	uint32_t pending[ROW_MAX];  /* released by stores that it read relaxed: an acquire fence takes it over */
	uint32_t released[ROW_MAX]; /* `known` at its last release fence: what its relaxed stores release */
	uint32_t prefix[ROW_MAX];   /* full: program order, reads-from of any order, creation, awaiting */
} __attribute__((aligned(16)));

struct lookup_slot {
	uint32_t generation; /* of the graph when it was filled; any other: empty */
	uint32_t location;
};

struct graph_private {
	struct thread_clocks thread[GRAPH_THREADS_MAX];
	uint32_t fenced[ROW_MAX] __attribute__((aligned(16))); /* what happened before some seq_cst fence, fences included */
	unsigned row;

	/* By event, `row` entries each. */
	uint32_t *happened; /* what happened before it, and itself */
	uint32_t *released; /* a store: what its acquire reader joins; a seq_cst fence: `fenced` as it left it */
	uint32_t *prefix;   /* full */
	/* By location, `row` entries each: [0] the seq_cst store added last, [1 + u] the last event of thread u. */
	event_id *here;
	/* full: by thread, GRAPH_EVENTS_MAX + 1 entries each: the event with a number. */
	event_id *numbered;

	struct lookup_slot *slots; /* open addressing, linear probing; 1 << slot_bits are in use */
	unsigned slot_bits;
	uint32_t generation;

	/* full: what is known of the rules. Nothing that is added later mends a graph, so a violation stays. */
	bool broken;    /* coherence, atomicity, or the order that the model asks for */
	bool unchecked; /* an event was added that may have closed a cycle in that order */

	void *scratch; /* of the checks; grows on demand */
	size_t scratch_bytes;
	size_t mapped_bytes;
};

/* Four entries at once. Numbers stay below 2^31, so the signed comparison that SSE2 has is right. */
typedef int32_t lanes __attribute__((vector_size(16), may_alias));

static inline void row_join(uint32_t *to, const uint32_t *from, unsigned row)
{
	for (unsigned i = 0; i < row; i += 4) {
		lanes a = *(const lanes *)(to + i), b = *(const lanes *)(from + i), more = a > b;
		*(lanes *)(to + i) = (a & more) | (b & ~more);
	}
}

static inline void row_copy(uint32_t *to, const uint32_t *from, unsigned row)
{
	for (unsigned i = 0; i < row; i += 4)
		*(lanes *)(to + i) = *(const lanes *)(from + i);
}

static inline void row_zero(uint32_t *to, unsigned row)
{
	for (unsigned i = 0; i < row; i += 4)
		*(lanes *)(to + i) = (lanes){0};
}

static inline uint32_t *row_at(uint32_t *rows, uint32_t index, unsigned row)
{
	return rows + (size_t)index * row;
}

static inline const uint32_t *happened_before(const struct graph *g, event_id e)
{
	return row_at(g->private->happened, e, g->private->row);
}

static inline const event_id *events_here(const struct graph *g, uint32_t location)
{
	return row_at(g->private->here, location, g->private->row);
}

static inline event_id event_numbered(const struct graph *g, unsigned thread, uint32_t number)
{
	return g->private->numbered[(size_t)thread * (GRAPH_EVENTS_MAX + 1) + number];
}

static inline bool order_acquires(enum order order)
{
	return order == ORDER_ACQUIRE || order >= ORDER_ACQ_REL;
}

static inline bool order_releases(enum order order)
{
	return order >= ORDER_RELEASE;
}

static inline bool event_is_store(const struct event *e)
{
	return e->kind == EVENT_WRITE || e->kind == EVENT_UPDATE || e->kind == EVENT_INITIAL;
}

static inline bool event_is_access(const struct event *e)
{
	return e->kind == EVENT_READ || e->kind == EVENT_WRITE || e->kind == EVENT_UPDATE;
}

/* The store that an access shows its thread: the one that it returned or, if it wrote, itself. */
static inline event_id event_store(const struct graph *g, event_id e)
{
	return g->events[e].kind == EVENT_READ ? g->events[e].source : e;
}

/* E or the latest event of its thread on its location before it whose number is at most LIMIT; 0: there is none. */
static inline event_id event_within(const struct graph *g, event_id e, uint32_t limit)
{
	while (e && g->events[e].number > limit)
		e = g->events[e].previous_here;
	return e;
}

/* The later of two stores of one location in modification order. */
static inline event_id store_later(const struct graph *g, event_id a, event_id b)
{
	return g->events[b].rank > g->events[a].rank ? b : a;
}

/* The later of FLOOR and the store shown by the latest event of thread U on a location whose number is at most LIMIT; E is its last
 * event there. What a thread was shown before is never later, so the way back ends at the floor. */
static inline event_id floor_raise(const struct graph *g, event_id floor, event_id e, uint32_t limit)
{
	uint32_t rank = g->events[floor].rank;
	for (; e; e = g->events[e].previous_here) {
		event_id store = event_store(g, e);
		if (g->events[store].rank <= rank)
			return floor;
		if (g->events[e].number <= limit)
			return store;
	}
	return floor;
}

/* At least BYTES of zeroed or used memory that no check expects to find again. Ends the process if there is none. */
void *graph_scratch(const struct graph *g, size_t bytes);

_Noreturn void graph_give_up(const char *why);

/* Adds a read, update (source) or write (after), as graph_read and so on do. */
event_id graph_add_access(
	struct graph *g, enum event_kind kind, unsigned thread, uint32_t location, enum order order, event_id at, uint64_t value);

/* Takes the access that was added last back; THREAD's clocks were as in *CLOCKS and the graph as in *BEFORE. */
void graph_take_back(struct graph *g, const struct thread_clocks *clocks, const struct graph *before);

/* The store below which coherence lets no next access of THREAD to LOCATION go: hb;eco? irreflexive. */
event_id graph_floor(const struct graph *g, unsigned thread, uint32_t location);

/* RC11: is psc acyclic? */
bool graph_psc_acyclic(const struct graph *g);

/* SC: is program order, reads-from, modification order and reads-before acyclic? */
bool graph_sc_acyclic(const struct graph *g);

/* SC: the latest store of LOCATION that is ordered before the next event of THREAD. */
event_id graph_sc_floor(const struct graph *g, unsigned thread, uint32_t location);

#endif
