/* SPDX-License-Identifier: MIT */
/* Small programs for tests of the memory model and of searches, and what runs them: the threads' operations become events of a graph,
 * and a search (search.h) decides everything, as in an execution of real code. Nothing is compiled or switched.
 */
#ifndef ONCEPROOF_EXPLORE_TEST_PROGRAMS_H
#define ONCEPROOF_EXPLORE_TEST_PROGRAMS_H

#include <stddef.h>

#include "graph.h"
#include "search.h"

enum { TEST_THREADS = 6, TEST_OPS = 12, TEST_LOCATIONS = 6 };

enum test_op_kind {
	TEST_LOAD,      /* remembers the value (as the thread's last) */
	TEST_STORE,     /* stores operand */
	TEST_STORE_SUM, /* stores the thread's last value + operand */
	TEST_ADD,       /* fetch_add of operand; remembers the old value */
	TEST_EXCHANGE,  /* with operand; likewise */
	TEST_CAS,       /* from expected to operand; likewise; order_failed if it fails */
	TEST_FENCE,
	TEST_LOCK,   /* waits for 0, stores 1: an acquire update */
	TEST_UNLOCK, /* stores 0: a release */
	TEST_AWAIT,  /* loads until it is expected; remembers the value */
};

/* An operation is left out if its thread's last value does not fit: a program with branches. */
enum test_guard { TEST_ALWAYS, TEST_IF_EQUAL, TEST_IF_DIFFERENT };

struct test_op {
	uint8_t kind, location, order, order_failed;
	uint64_t operand, expected;
	uint8_t guard;
	uint64_t guard_value;
};

struct test_program {
	const char *name;
	unsigned threads, locations;
	bool finals; /* the outcome holds the last value of each location, too */
	unsigned count[TEST_THREADS];
	struct test_op op[TEST_THREADS][TEST_OPS]; /* all locations are 0 before */
};

/* Operations in words that fit on a line. */
#define T_LOAD(l, o)                                                   \
	{                                                              \
		.kind = TEST_LOAD, .location = (l), .order = ORDER_##o \
	}
#define T_STORE(l, v, o)                                                                \
	{                                                                               \
		.kind = TEST_STORE, .location = (l), .operand = (v), .order = ORDER_##o \
	}
#define T_ADD(l, v, o)                                                                \
	{                                                                             \
		.kind = TEST_ADD, .location = (l), .operand = (v), .order = ORDER_##o \
	}
#define T_FENCE(o)                                     \
	{                                              \
		.kind = TEST_FENCE, .order = ORDER_##o \
	}
#define T_LOCK(l)                                                          \
	{                                                                  \
		.kind = TEST_LOCK, .location = (l), .order = ORDER_ACQUIRE \
	}
#define T_UNLOCK(l)                                                          \
	{                                                                    \
		.kind = TEST_UNLOCK, .location = (l), .order = ORDER_RELEASE \
	}

/* One execution of a program. */
struct test_run {
	const struct test_program *program;
	struct search *search;
	struct moment at;
	unsigned next[TEST_THREADS];           /* operations done or left out */
	uint64_t last[TEST_THREADS];           /* values */
	uint8_t value[TEST_THREADS][TEST_OPS]; /* what each operation returned; 0xf: nothing */
};

/* Runs execution number EXECUTION of PROGRAM in G, which is cleared first; thread t of the program is thread t of the graph. SEARCH
 * decides, its begin() is called first: ENDING_CUT if that says that there is none left. */
enum ending test_execute(
	struct test_run *run, const struct test_program *program, struct graph *g, struct search *search, uint64_t execution);

/* The address of a program's location. */
uint64_t test_address(unsigned location);

/* What a complete execution showed, four bits each: what the reading operations returned, thread by thread, in order, the first one
 * highest; then, if the program asks for it, the last values of its locations. Operations left out show 0xf. At most 16 in all. */
uint64_t test_outcome(const struct test_run *run);

/* Enumerates everything: all interleavings, sources and places, one by one, without any reduction. A search for test_execute. */
extern const struct search_kind test_enumerate;

/* The same, but an execution is given up (ENDING_ABANDONED) as soon as its graph so far was there before: far fewer executions, and the
 * same graphs. */
extern const struct search_kind test_enumerate_graphs;

/* A growing set of numbers. */
struct test_set {
	uint64_t *slot;
	uint64_t room, count;
	bool has_zero;
};
bool test_set_add(struct test_set *set, uint64_t number); /* was it new? */
bool test_set_has(const struct test_set *set, uint64_t number);
bool test_set_within(const struct test_set *part, const struct test_set *whole);
void test_set_free(struct test_set *set);

/* A search without seed and shards. Ends the test if there is no memory. */
struct search *test_open(const struct search_kind *kind);
void test_close(struct search *s);

#endif
