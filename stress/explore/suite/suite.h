/* SPDX-License-Identifier: MIT */
/* Small C programs that are explored in tests: litmus tests, programs whose executions can be counted by hand, correct ones and buggy ones.
 *
 * A program is a function that thread 0 calls. It gives its statics their first values itself, before there are other threads, so
 * nothing has to be put back between executions.
 */
#ifndef ONCEPROOF_EXPLORE_SUITE_H
#define ONCEPROOF_EXPLORE_SUITE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "../runtime.h"

struct suite_program {
	const char *name;
	void (*body)(void);
	bool proved;            /* correct programs: small enough for every execution to be explored */
	bool keeps;             /* its memory is still reachable when it returns: it cannot be called twice in a process */
	const char *gap;        /* why a buggy program is not found yet, or a correct one still accused; NULL: it is not so */
	enum finding_kind kind; /* buggy programs: what must be found */
};

struct suite_group {
	const char *name;
	const struct suite_program *programs;
	unsigned count;
	void (*forget)(
		void); /* clears pointers that a program has left: they would keep the blocks of the next one alive; may be NULL */
};
extern const struct suite_group suite_correct_locks, suite_correct_publication, suite_correct_queues, suite_correct_threads;
extern const struct suite_group suite_buggy_locks, suite_buggy_publication, suite_buggy_queues, suite_buggy_threads;
#define SUITE_GROUP(NAME, PROGRAMS, FORGET) \
	const struct suite_group suite_##NAME = {#NAME, PROGRAMS, sizeof PROGRAMS / sizeof *PROGRAMS, FORGET}

/* EXPRESSION turned out false at FILE:LINE: a finding where programs are explored, the end of the process elsewhere. (assert() will not
 * do: it is compiled out of release builds.) */
_Noreturn void suite_failed(const char *expression, const char *file, int line);
#define must(EXPRESSION) ((EXPRESSION) ? (void)0 : suite_failed(#EXPRESSION, __FILE__, __LINE__))

enum { SUITE_ACTORS_MAX = 8 };

static inline void *suite_act(void *arg)
{
	void (*const *actor)(void) = arg;
	(*actor)();
	return NULL;
}

/* Runs COUNT actors, each in a thread of its own, and waits until all have ended. */
static inline void suite_together(unsigned count, void (*const actors[])(void))
{
	pthread_t threads[SUITE_ACTORS_MAX];
	for (unsigned i = 0; i < count; i++)
		must(!pthread_create(&threads[i], NULL, suite_act, (void *)(uintptr_t)&actors[i]));
	for (unsigned i = 0; i < count; i++)
		must(!pthread_join(threads[i], NULL));
}
#define TOGETHER(...)   \
	suite_together( \
		sizeof((void (*const[])(void)){__VA_ARGS__}) / sizeof(void (*)(void)), (void (*const[])(void)){__VA_ARGS__})

#endif
