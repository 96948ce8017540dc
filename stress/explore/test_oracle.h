/* SPDX-License-Identifier: MIT */
/* The memory models by their definitions: relations as bit matrices, composed and closed as the papers write them. Slow, and made in
 * another way than the graph's own rules, to hold those against.
 */
#ifndef ONCEPROOF_EXPLORE_TEST_ORACLE_H
#define ONCEPROOF_EXPLORE_TEST_ORACLE_H

#include "graph.h"
#include "test_programs.h"

enum { ORACLE_EVENTS = 31 };

/* Row a has bit b: a is related to b. By event id. */
struct relation {
	uint32_t row[ORACLE_EVENTS + 1];
};

/* The relations of a graph of at most ORACLE_EVENTS events. */
struct oracle {
	uint32_t count;
	struct relation sb, rf, mo, rb, sw, hb, eco;
	struct relation prefix; /* program order, reads-from, creation, awaiting; closed */
};
void oracle_look(struct oracle *o, const struct graph *g);

/* RC11 (with C++20's release sequences), or sequential consistency. */
bool oracle_consistent(const struct graph *g, enum memory_model model);

/* Does a graph that is consistent under RC11 have an order in which program order, reads-from and psc all point forward? */
bool oracle_in_order(const struct graph *g);

/* Builds every graph that PROGRAM (straight on: loads, stores, additions, exchanges and fences) could have if nothing forbade any: each
 * load with each store of its location as its source, each store anywhere in modification order, as long as program order and
 * reads-from are acyclic. Each is built in G, in an order of adding that depends on ROTATE, and shown to each(arg). */
void oracle_candidates(const struct test_program *program, struct graph *g, unsigned rotate, void (*each)(void *arg), void *arg);

#endif
