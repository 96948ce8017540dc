/* SPDX-License-Identifier: MIT */
/* Litmus tests: a few atomic operations in two to four threads, and every outcome that they may have. */
#ifndef ONCEPROOF_EXPLORE_LITMUS_H
#define ONCEPROOF_EXPLORE_LITMUS_H

#include <stdint.h>

#include "../graph.h"

enum { LITMUS_THREADS = 4, LITMUS_REGISTERS = 6, LITMUS_OPERATIONS = 6, LITMUS_LOCATIONS = 3, LITMUS_VALUES = 8 };
enum {
	LITMUS_OUTCOMES = 1 << (3 * LITMUS_REGISTERS)
}; /* an outcome is a number in base LITMUS_VALUES, register 0 the last digit */

enum litmus_kind { LITMUS_NONE, LITMUS_READ, LITMUS_WRITE, LITMUS_FENCE, LITMUS_EXCHANGE, LITMUS_ADD, LITMUS_SWAP };

/* The same operation as litmus.c compiles it, as data for axioms.c. */
struct litmus_operation {
	enum litmus_kind kind;
	unsigned target, location, operand, expected;
	enum order order;
};

/* Every outcome is a word of one digit per register, register 0 first. */
struct litmus_expectation {
	unsigned executions; /* pairs of reads-from and modification order that the model allows */
	const char *outcomes;
};

struct litmus {
	const char *name, *why; /* why: where the expectation comes from */
	unsigned threads, registers;
	void *(*thread[LITMUS_THREADS])(void *);
	void (*after)(void);                                                       /* thread 0, when all have ended */
	struct litmus_operation operations[LITMUS_THREADS + 1][LITMUS_OPERATIONS]; /* the last list: of `after` */
	struct litmus_expectation expected[MODEL_RC11 + 1];
};
extern const struct litmus litmus_tests[];
extern const unsigned litmus_test_count;
const struct litmus *litmus_find(const char *name);

/* Explored: runs the test ARG (struct litmus); thread 0. */
void litmus_body(void *arg);
/* What the last execution of TEST showed. */
unsigned litmus_outcome(const struct litmus *test);

/* Every outcome of TEST that MODEL allows, by brute force over its axioms: SEEN[outcome] is in how many executions it shows. Returns the
 * number of executions. */
unsigned axioms_outcomes(const struct litmus *test, enum memory_model model, unsigned seen[LITMUS_OUTCOMES]);

#endif
