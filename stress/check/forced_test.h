/* SPDX-License-Identifier: MIT */
/* From a witness to a standalone C test that forces its interleaving on real threads: one file, made of what is here found out of the
 * replayed execution and of the turnstile in forced/, which is the same for all.
 *
 * The list of the test has a step for each turn of a thread: the first thing that it does there that another thread can notice. What lies
 * between is the program's own affair, so that it may change.
 */
#ifndef ONCEPROOF_CHECK_FORCED_TEST_H
#define ONCEPROOF_CHECK_FORCED_TEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "../explored.h"
#include "../program_build.h"

/* What the test is made of. All pointers are borrowed. */
struct forced_source {
	const char *path;              /* of the witness */
	const json_t *witness;         /* see ../witness.h */
	const struct explored *what;   /* module: the program that was replayed */
	const json_t *steps, *places;  /* of the replay's answer, and of its finding (answer.c) */
	struct program_source program; /* as it was replayed: flags, optimise */
	char *const *arguments;        /* of the program */
	size_t argument_count;
	const char *input; /* file, or NULL */
	const char *tried; /* "gcc 12.2.0": the compiler that the steps are of */
};

/* A place in the program's source. */
struct forced_place {
	char file[SOURCE_FILE_MAX], function[SOURCE_FUNCTION_MAX];
	int line;
	char *text; /* owned */
};

enum { FORCED_READS = 1, FORCED_WRITES = 2, FORCED_CALLS = 4, FORCED_ANY = 7 };
struct forced_point {
	int thread;
	int place; /* index in places */
	unsigned what;
	const char *operation; /* borrowed from the steps; "": any */
	unsigned nth, stale;
	bool parks; /* behind it the thread stays until the failure has come */
};

struct forced_plan {
	struct forced_place *places;
	struct forced_point *points;
	size_t place_count, point_count;
	int parent[64], nth[64], threads; /* who creates each thread */
	int races[2];                     /* places of the two accesses of a data race; -1: none */
	unsigned stale;                   /* points that read an old value */
	int fails;                        /* the thread in which the finding shows; -1: none by itself */
	bool stacks;                      /* what a thread does on its own stack counts, too */
};

/* Finds the turns. 0, or an exit status after one complaint: EXIT_INCONCLUSIVE if this witness cannot be forced on real threads. */
int forced_plan_make(const struct forced_source *source, struct forced_plan *plan);
/* Is the finding about memory that was freed? */
bool forced_watches_heap(const struct forced_source *source);
void forced_plan_free(struct forced_plan *plan);

/* Writes the test. 0, or an exit status after one complaint. */
int forced_test_write(const struct forced_source *source, const struct forced_plan *plan, FILE *out);

/* Why the witness' finding cannot be shown by a test of its own; NULL: it can. Static. */
const char *forced_test_missing(const char *kind);

/* The options that the program's files need besides the user's own, NULL-terminated; static. */
const char *const *forced_test_options(bool clang, bool cxx);

/* Builds the test PATH with the program and runs it ROUNDS times. 0: it failed each time as it should; EXIT_INCONCLUSIVE after a complaint with what it
 * said instead; EXIT_USAGE after another one. WORDS: its last line. */
int forced_test_try(const struct forced_source *source, const char *path, int rounds, char *words, size_t bytes);

#endif
