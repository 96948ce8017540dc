/* SPDX-License-Identifier: MIT */
/* Executions of a whole program in processes of their own.
 *
 * Putting a program's memory back (snapshot.h) undoes what its own code did. What a library keeps for itself (a locale, a stream's
 * buffer, a counter in an object that was not instrumented), mappings, descriptors and the current folder it does not reach. So a program
 * that gets to a function with such state is started again from its beginning with each execution in a child, forked from the state
 * before main. The search and its evidence lie in memory that is shared with the child (memory.h); everything else the child changes
 * ends with it.
 *
 * Not thread-safe.
 */
#ifndef ONCEPROOF_EXPLORE_ISOLATE_H
#define ONCEPROOF_EXPLORE_ISOLATE_H

#include <stdbool.h>

#include "search.h"

/* Before anything is mapped: executions will be children. WHY: the function that needs it, or "". 0, or an errno value. */
int isolate_start(const char *why);

/* How the process can be started anew with children: its own words, and the real standard output and error. Borrowed. */
void isolate_prepare(char **argv, int output, int error);

bool isolate_on(void);
/* As it was told to isolate_start. */
const char *isolate_why(void);

/* Explored code is about to call NAME, whose effects stay within the process but outside of what is put back. Returns true where
 * executions are children. Where they are not but can be, the process starts anew, and this does not return. */
bool isolate_need(const char *name);

/* Is this the child that runs an execution? */
bool isolate_is_child(void);

/* Runs PERFORM in a child. If it ends early, that is classified here. */
enum ending isolate_execute(enum ending (*perform)(void));

/* For the guard, in a signal handler of the parent: is a child running? End it: it is given up. */
bool isolate_waits(void);
void isolate_end_child(void);

#endif
