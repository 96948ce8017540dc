/* SPDX-License-Identifier: MIT */
/* Small programs with branches, threads, choices and waits, and what runs them as the runtime does for a search that wants full graphs:
 * every read and store is its decision, an operation that waits is enabled always and may read a value that blocks it, and some events
 * come without a scheduling point. Compare test_programs.h, whose programs go straight on.
 */
#ifndef ONCEPROOF_EXPLORE_TEST_SMALL_H
#define ONCEPROOF_EXPLORE_TEST_SMALL_H

#include "graph.h"
#include "search.h"

enum { SMALL_THREADS = 7, SMALL_CODE = 40, SMALL_LOCATIONS = 8 };

enum small_kind {
	SMALL_END, /* what an empty slot is */
	SMALL_LOAD,
	SMALL_STORE,
	SMALL_STORE_TWO, /* two locations as one step, as the pieces of a racing plain access are stored */
	SMALL_ADD,
	SMALL_EXCHANGE,
	SMALL_CAS, /* from expected to operand */
	SMALL_FENCE,
	SMALL_LOCK,      /* waits for 0, stores 1 */
	SMALL_SPIN_LOCK, /* likewise, by a loop of exchanges: no synchronisation object */
	SMALL_UNLOCK,
	SMALL_AWAIT,  /* a load that waits until it returns expected */
	SMALL_IF,     /* the last value read or chosen is expected: goes to instruction `target` */
	SMALL_UNLESS, /* is not */
	SMALL_CHOOSE, /* among operand alternatives */
	SMALL_CREATE, /* thread operand */
	SMALL_JOIN,
};

struct small_code {
	uint8_t kind, location, order, order_failed;
	uint8_t target, second;
	uint64_t operand, expected;
};

struct small_program {
	unsigned threads;
	bool created; /* threads other than 0 are created by SMALL_CREATE, begin and end */
	struct small_code code[SMALL_THREADS][SMALL_CODE];
};

/* Runs one execution in G; the caller has called the search's begin() and calls its end(). */
enum ending small_execute(const struct small_program *program, struct graph *g, struct search *search, struct moment *at);

/* The executions' events without those that wait: equal for two that wait for the same in the same situation. */
uint64_t small_hash(const struct graph *g);

/* The same with threads exchanged: thread t as thread AS[t]. What is created and joined, and in which order, is left out. */
uint64_t small_hash_as(const struct graph *g, const uint8_t *as);

/* Does every thread that is left wait for a store that is not there, the newest one blocking it? */
bool small_deadlocked(const struct moment *at);

/* Everything by brute force: all threads, sources and places, leaving out only graphs that were there before. */
extern const struct search_kind small_brute;

/* The hashes of all deadlocks that it met; borrowed. */
struct test_set;
const struct test_set *small_brute_deadlocks(const struct search *s);

#endif
