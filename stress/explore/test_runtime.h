/* SPDX-License-Identifier: MIT */
/* As much of a runtime as heap and library functions need to be tested by themselves: threads are numbers, accesses are written down,
 * and what ends an execution comes back to the test. */
#ifndef ONCEPROOF_EXPLORE_TEST_RUNTIME_H
#define ONCEPROOF_EXPLORE_TEST_RUNTIME_H

#include <setjmp.h>

#include "runtime.h"

enum { NOTED_MAX = 1 << 16 };

struct noted {
	uintptr_t address;
	size_t bytes;
	bool write;
};

/* What the functions under test have told. */
extern struct noted *noted;
extern unsigned noted_count, unfinished_writes;
/* Calls of runtime_uncontrolled(). */
extern unsigned uncontrolled;

/* Events of each thread that each thread knows. */
extern uint32_t clocks[GRAPH_THREADS_MAX][GRAPH_THREADS_MAX];

/* cmocka's set-up: everything started, a new execution, thread 0 runs and two more exist. */
int runtime_set_up(void **state);
void new_execution(void);

/* The host runs from here on, or explored thread T. */
void run_host(void);
void run_thread(unsigned t);

/* Thread T makes an event that knows what thread FROM knows. */
void make_event(unsigned t, unsigned from);

/* The stack of fiber N, whose upper half is in use, and its thread-local storage. The first word of the host's is what some thread keeps
 * under a key. */
enum { STACK_WORDS = 64 };
extern uintptr_t *stack_of(unsigned n);
extern uintptr_t *storage_of(unsigned n);

/* Runs STATEMENT; whether it ended the execution. */
#define ENDS(statement)                     \
	({                                  \
		jmp_buf back;               \
		volatile bool ended = true; \
		stopped_at = &back;         \
		if (!setjmp(back)) {        \
			statement;          \
			ended = false;      \
		}                           \
		ended;                      \
	})
extern jmp_buf *stopped_at;

#endif
