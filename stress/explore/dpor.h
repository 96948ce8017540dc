/* SPDX-License-Identifier: MIT */
/* What the parts of the exhaustive search share: search_dpor.c (decisions of one execution), dpor_revisit.c (backward revisits) and
 * dpor_items.c (what is left to explore).
 *
 * The graph that is being built has two faces: the events in struct graph, and a list of nodes in an order that is consistent with
 * program order and reads-from, in which it can be built again. The list begins with the prefix that the execution repeats; nodes
 * of the prefix that were not performed yet have no event. Events that follow an event of their thread without a scheduling point and
 * without any alternative (a thread's end, a creation) are no nodes: they come and go with what they follow.
 */
#ifndef ONCEPROOF_EXPLORE_DPOR_H
#define ONCEPROOF_EXPLORE_DPOR_H

#include "searches.h"

#define DPOR_NEVER UINT32_MAX
#define DPOR_WHOLE 0x1p120

/* A node, also as it is kept in an item. Nodes name each other by 1 + index in their list; 0: the initial store. */
struct dpor_node {
	uint8_t thread;
	uint8_t kind;    /* enum event_kind of its operation; EVENT_LOCAL: a free choice */
	bool pending;    /* only its read is part of the graph: if it writes, that store is new */
	bool glued;      /* came right behind another one of its thread, without a scheduling point */
	uint8_t order;   /* reads: enum order; where it depends on the value read, the weakest one */
	uint16_t source; /* reads; of a free choice: the alternative */
	uint16_t place;  /* writes: behind which store it was put when it was added */
	/* When it was added, in the sense of TruSt: a read that was revisited keeps its place in this order. The halves of an update
	 * may be apart. Everything that does not write has a read_stamp; DPOR_NEVER: no such half. */
	uint32_t read_stamp, write_stamp;
	uint32_t first_reader; /* of its store: the lowest read_stamp among its readers */
	event_id event;        /* in this execution; 0: not yet */
};

/* A graph to go on from. */
struct dpor_item {
	size_t start; /* of its nodes in the pool */
	uint32_t count;
	uint32_t stamp; /* the next one */
	double share;   /* of the whole search, for the estimate */
};

struct dpor {
	struct search search;
	bool started, failed; /* failed: no memory */
	bool splitting;       /* taking items breadth-first, until there are enough to share out */
	bool symmetry;        /* twins are explored in one order (dpor_symmetry.c) */
	bool asymmetric;      /* they turned out to be none: begin again */
	const struct moment *at;
	uint32_t *depth; /* with symmetry, by event id: length of the longest chain of program order and reads-from to it */
	bool glues;      /* some node of this execution is glued */

	struct dpor_node *nodes; /* of this execution */
	uint32_t count, capacity;
	uint32_t planned;  /* the first ones: the prefix */
	uint32_t cursor;   /* 1 + the node that is being performed */
	uint32_t stamp;    /* the next one */
	uint16_t *node_of; /* by event id: index of its node; valid for accesses that were added */

	/* What is left: a stack of items over a pool of nodes. */
	struct dpor_item *items;
	uint32_t first_item, item_count, item_capacity;
	struct dpor_node *pool;
	size_t pool_used, pool_capacity;
	uint32_t items_before; /* when this execution began */

	double share;               /* of this execution in the whole search */
	unsigned __int128 explored; /* those that are done, in parts of DPOR_WHOLE: sums do not depend on their order */
	uint64_t executions;

	struct graph *scratch; /* candidates are built here to be judged */
	event_id *scratch_of;  /* by event id of the execution's graph */
	uint8_t *fate;         /* by node: see dpor_revisit.c */
	uint16_t *name;        /* by node: its name in an item that is being made */
};

/* --- dpor_items.c ------------------------------------------------------------------------------------------------------------- */

/* Makes room for one more node in this execution's list. false: no memory. */
bool dpor_room(struct dpor *d);

/* Puts COUNT new nodes on the stack and returns them to be filled in; NULL: no memory, the search has failed. */
struct dpor_node *dpor_push(struct dpor *d, uint32_t count, uint32_t stamp);

/* Puts the list as it is on the stack. */
void dpor_push_all(struct dpor *d);

/* Takes the next item as this execution's prefix. false: there is none. */
bool dpor_pop(struct dpor *d);

/* The execution is over: its share is dealt out to what it left. Shares the items out once there are enough. */
void dpor_settle(struct dpor *d);

/* --- dpor_revisit.c ----------------------------------------------------------------------------------------------------------- */

/* The store of node SELF is about to be added to G by OP: pushes an item for each way in which a read that is there already could
 * have returned it. SELF has its thread, kind, stamps and, if it is an update, its source. Its event need not be added afterwards. */
void dpor_revisit(struct dpor *d, struct graph *g, const struct operation *op, uint32_t self);

/* --- dpor_symmetry.c ---------------------------------------------------------------------------------------------------------- */

/* May T do its next event, as far as its twins are concerned? */
bool dpor_has_turn(const struct dpor *d, const struct moment *at, unsigned t);

/* Adds to the prefix CLOCK of the next event of SELF what precedes it by symmetry. Was there anything? */
bool dpor_widen_twins(const struct dpor *d, const struct graph *g, unsigned self, uint32_t *clock);

/* The depth of an event behind events A and B (or 0). */
uint32_t dpor_depth(const struct dpor *d, event_id a, event_id b);

/* May event NUMBER of T, of depth DEPTH, read store S of LOCATION, or write right behind it, in view of what its twins did then? */
bool dpor_twins_allow(
	const struct dpor *d, const struct graph *g, unsigned t, uint32_t number, uint32_t location, event_id s, uint32_t depth);

/* Event ID was added for OP: does it still treat all twins alike? */
bool dpor_is_symmetric(struct dpor *d, const struct moment *at, const struct operation *op, event_id id);

/* Was the event of node N before the next event of the thread whose prefix is CLOCK? */
static inline bool dpor_within(const struct graph *g, const struct dpor_node *n, const uint32_t *clock)
{
	return n->event && g->events[n->event].number <= clock[n->thread];
}

/* The event that SOURCE of a node names. */
static inline event_id dpor_store(const struct dpor *d, const struct graph *g, uint32_t location, uint16_t source)
{
	return source ? d->nodes[source - 1].event : g->locations[location].initial;
}

/* How a node names the store that event S is. */
static inline uint16_t dpor_name(const struct dpor *d, const struct graph *g, event_id s)
{
	return g->events[s].kind == EVENT_INITIAL ? 0 : (uint16_t)(d->node_of[s] + 1u);
}

#endif
