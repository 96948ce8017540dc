/* SPDX-License-Identifier: MIT */
/* An execution graph: the events of one execution, with program order, reads-from and modification order, and the rules of a memory
 * model that say which stores a read may return and where in modification order a store may go.
 *
 * Models: RC11 as repaired by Lahav, Vafeiadis, Kang, Hur and Dreyer (PLDI 2017), with the release sequences of C++20 and C23 (a store
 * and the read-modify-writes chained to it, without the same thread's later stores), consume taken as acquire, and program order with
 * reads-from kept acyclic; and sequential consistency (program order, reads-from, modification order and reads-before acyclic over all
 * events, whatever orders they name). In both, happens-before follows the orders that the program names: that is what decides whether
 * plain accesses race.
 *
 * The graph is built by adding events in an order that is consistent with program order and reads-from: an event's source and the
 * events that it waits for are there before it. Every event keeps its number in its thread; numbers start at 1. Threads and numbers
 * identify an event across executions, event ids (positions in `events`) only within one.
 *
 * Not thread-safe. Memory is reserved once and reused: graph_clear() costs nothing per event.
 */
#ifndef ONCEPROOF_EXPLORE_GRAPH_H
#define ONCEPROOF_EXPLORE_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

enum { GRAPH_THREADS_MAX = 64 }; /* threads 0 .. 63; thread 0 is the first thread of the program */

/* Events of one graph, initial stores included. A step adds at most two (its location's initial store and itself), so whoever builds
 * a graph cuts the execution before count exceeds GRAPH_EVENTS_MAX - 2. A graph that outgrows this ends the process with a message. */
enum { GRAPH_EVENTS_MAX = 65000 };

enum memory_model { MODEL_SC, MODEL_RC11 };

/* Memory orders, by strength where they compare. ORDER_PLAIN: a racing plain access, which behaves as a relaxed one. */
enum order { ORDER_PLAIN, ORDER_RELAXED, ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST };

enum event_kind {
	EVENT_NONE,
	EVENT_INITIAL, /* the value that a location had before the first event on it; happens before everything; thread GRAPH_NOBODY */
	EVENT_BEGIN, /* a thread begins; source: the EVENT_CREATE of its parent, or 0 */
	EVENT_READ,  /* source: the store that it returns */
	EVENT_WRITE,
	EVENT_UPDATE, /* a read-modify-write: returns its source and comes right behind it in modification order */
	EVENT_FENCE,
	EVENT_CREATE, /* a thread creates another */
	EVENT_AWAIT, /* goes on because another event took place (a thread ended, a signal came); source: that event; it happens before */
	EVENT_END,   /* a thread ends */
	EVENT_LOCAL, /* a step that orders nothing by itself (a cond signal that nobody waits for, a yield); may carry a value */
};

enum { GRAPH_NOBODY = 0xffff };

typedef uint32_t event_id; /* 0: none */

struct event {
	uint8_t kind;      /* enum event_kind */
	uint8_t order;     /* enum order; of a failed update (kind EVENT_READ then) the failure order */
	uint16_t thread;   /* GRAPH_NOBODY for EVENT_INITIAL */
	uint32_t number;   /* in its thread, from 1; 0 for EVENT_INITIAL */
	uint32_t location; /* index into locations; UINT32_MAX: none */
	event_id source;
	event_id before, after; /* stores: neighbours in modification order; 0: none */
	uint32_t rank;          /* stores: grows along modification order; only comparisons on one location mean anything */
	event_id reader;        /* stores: the update that reads it, or 0 */
	uint64_t value;         /* stores: the value written; reads: the value returned */
	event_id previous_here; /* the same thread's previous event on this location, or 0 */
	event_id last_there;    /* internal: see graph.c */
	bool blocked;           /* a read whose thread waits for another value: nothing follows it in its thread */
	uint8_t tag;            /* the caller's (what kind of step it was) */
	const void *site;       /* the caller's: address of the instruction behind the call */
};

struct location {
	uint64_t address;
	uint32_t bytes;
	event_id initial;     /* the EVENT_INITIAL */
	event_id first, last; /* ends of modification order; first == initial */
	bool chain; /* a synchronisation object: all its stores are updates of each other, or stores by the one that holds it */
};

struct graph {
	enum memory_model model;
	bool full;      /* keeps what graph_consistent(), graph_before() and search by graphs need */
	uint32_t count; /* events[1 .. count] are used */
	struct event *events;
	uint32_t location_count;
	struct location *locations;
	uint32_t done[GRAPH_THREADS_MAX]; /* events of each thread so far */
	event_id last[GRAPH_THREADS_MAX]; /* the last event of each thread, or 0 */
	unsigned threads;                 /* one more than the highest thread that has an event */
	unsigned sc_events;               /* seq_cst accesses and fences so far */
	struct graph_private *private;    /* clocks, tables */
};

/* A graph for executions under MODEL. FULL: also what exhaustive search needs (it costs time per event). NULL: no memory. */
struct graph *graph_new(enum memory_model model, bool full);
void graph_free(struct graph *g);

/* Forgets all events and locations. */
void graph_clear(struct graph *g);

/* The location at ADDRESS of BYTES bytes (1, 2, 4, 8), made with initial value INITIAL if it is new (*INITIAL is not read otherwise).
 * Different sizes at one address are different locations: callers split and join. Index into locations. */
uint32_t graph_location(struct graph *g, uint64_t address, uint32_t bytes, const uint64_t *initial);

/* As graph_location, but never makes one. UINT32_MAX if there is none. */
uint32_t graph_find(const struct graph *g, uint64_t address, uint32_t bytes);

/* The stores that a read (UPDATE: the read half of a read-modify-write that will write) of LOCATION with ORDER by THREAD may return,
 * newest in modification order first. At most MAX are written to OUT; returns how many there are in all (at least 1 for a plain read;
 * for an update 0 is possible in a full graph). Under MODEL_SC and not full: the one last store. Under MODEL_RC11, coherence and
 * happens-before decide, and seq_cst events the operational way: whatever is built is consistent, but nothing is seen in which no order
 * of adding follows program order, reads-from and the order of seq_cst events alike (see graph_rules.c). If the graph is full, all that
 * its model allows. With UPDATE, stores that another update has read are left out. */
unsigned graph_sources(
	struct graph *g, unsigned thread, uint32_t location, enum order order, bool update, event_id *out, unsigned max);

/* The stores behind which a store to LOCATION with ORDER by THREAD may be put in modification order, newest first; as above. Under
 * MODEL_SC and not full: the last one. */
unsigned graph_places(struct graph *g, unsigned thread, uint32_t location, enum order order, event_id *out, unsigned max);

/* Add the next event of THREAD; the id of the new event. SITE and TAG are kept for the caller. The caller guarantees that SOURCE or
 * AFTER came from the functions above (or, when a recorded execution is repeated, from the record). */
event_id graph_read(struct graph *g, unsigned thread, uint32_t location, enum order order, event_id source);
event_id graph_write(struct graph *g, unsigned thread, uint32_t location, enum order order, uint64_t value, event_id after);
event_id graph_update(struct graph *g, unsigned thread, uint32_t location, enum order order, event_id source, uint64_t value);
event_id graph_fence(struct graph *g, unsigned thread, enum order order);
event_id graph_begin(struct graph *g, unsigned thread, event_id create);
event_id graph_await(struct graph *g, unsigned thread, event_id awaited);
event_id graph_plain(struct graph *g, unsigned thread, enum event_kind kind); /* EVENT_CREATE, EVENT_END or EVENT_LOCAL */

/* A racing plain store is added before its value is known: this gives it. */
void graph_value(struct graph *g, event_id store, uint64_t value);

/* How many of thread OTHER's events THREAD knows to have happened before whatever it does next. */
uint32_t graph_knows(const struct graph *g, unsigned thread, unsigned other);

/* The whole clock: clock[u] as graph_knows(); borrowed, valid until THREAD's next event. GRAPH_THREADS_MAX entries. */
const uint32_t *graph_clock(const struct graph *g, unsigned thread);

/* The event of THREAD with that NUMBER, or 0. Full graphs only. */
event_id graph_at(const struct graph *g, unsigned thread, uint32_t number);

/* Is event A before event B (or the same) in the transitive closure of program order, reads-from, creation and awaiting? Full only. */
bool graph_before(const struct graph *g, event_id a, event_id b);

/* The same clock for a whole event: how many events of each thread are before B or are B, for threads 0 .. g->threads-1. Full graphs
 * only; borrowed, valid until an event of a thread that is new to the graph. */
const uint32_t *graph_prefix(const struct graph *g, event_id b);

/* Is the whole graph consistent under its model? Full graphs only. For a graph made from a record, in any order that is consistent with
 * program order and reads-from: sources and places need not come from the functions above; two updates may even have one source (then
 * it is false). What went wrong stays wrong whatever is added, and the answer is kept: asking again costs nothing, and asking at all
 * costs more than a look only if an access was added below a store that was there, with seq_cst about. */
bool graph_consistent(const struct graph *g);

/* Why may READ (an event) return a store although a newer one exists? A sentence for people, into TEXT: which newer store, and that
 * nothing orders the read behind it. Empty if it returned the newest. */
void graph_explain(const struct graph *g, event_id read, char *text, unsigned bytes);

/* A hash of the execution as an equivalence class: the events of each thread in order with their sources and places, without ids, sites
 * or addresses of the order in which they were added. Two executions of one program with equal hashes behaved alike. */
uint64_t graph_hash(const struct graph *g);

#endif
