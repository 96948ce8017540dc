/* SPDX-License-Identifier: MIT */
/* What the explorer answered (stress/explore/answer.c), judged and told in source lines: for the engine `explore`, for whole programs, for replay. */
#ifndef ONCEPROOF_EXPLORED_H
#define ONCEPROOF_EXPLORED_H

#include <jansson.h>

#include "engine.h"
#include "symbolise.h"

/* What was explored. All pointers are borrowed. */
struct explored {
	const char *module;               /* path of the program that explored: frames are places in it */
	const struct registered *subject; /* NULL: a whole program */
	const struct scenario *scenario;  /* likewise */
	const char *part;                 /* of a scenario file: the scenario's name; else NULL */
	const char *file;                 /* where people look first: the implementation's file, or the program's */
	unsigned shard, shards;           /* 1, 1: all of it */
	const char *witness_folder;       /* a witness is written there for each finding; NULL: none */
	const json_t *program; /* of users' files: what it takes to run them again; kept in the witness as "program" */
};

/* Sets executions, outcomes, findings, verdict and evidence of RESULT from ANSWER.
 *
 * bug           there is a finding. `refutes` of a forbidden outcome: what the scenario's rule says; of a data race: race_free; of a leak:
 *               no_leak; of a deadlock, livelock, lost wake-up or misuse (ending with a lock held): the scenario's blocked_refutes; of a crash, use after free or double
 *               free seen after a data race: race_free, because all that follows a race is its doing. Otherwise nothing, and what
 *               refutes nothing is never as stated.
 * proved        the search was exhausted, alone, and nothing limits what it says. Where a bug was expected, a search within a bound
 *               (say, of preemptions) is not-found instead: a contract is not broken by what lies outside of the bound.
 * inconclusive  out of time, a shard of a whole, something outside of the explorer's control, executions that were cut or diverged.
 * not-found     otherwise. */
void explored_judge(json_t *result, const struct explored *what, const json_t *answer, const char *expected);

/* Names for addresses of one finding: the variable that lies there, else a letter in the order of appearance. */
struct explored_names;
struct explored_names *explored_names_new(const struct explored *what); /* free() it; never NULL. WHAT is borrowed */

/* The steps of FOUND, or of a replay's ANSWER that shows it, which its table tells: up to the one that shows it. New reference. */
json_t *explored_told(const json_t *steps, const json_t *found);

/* What a table is about: every step that another thread could notice, and of a finding about waiting also all that locks and such did. */
enum explored_table { TABLE_MEMORY, TABLE_WAITING };

/* STEPS of an answer as a finding's interleaving (reports/interleaving.h) with source lines. *HIDDEN counts those left out. New
 * reference. */
json_t *explored_interleaving(const struct explored *what, enum explored_table about, const json_t *steps,
	struct explored_names *names, json_int_t *hidden);

/* Is a finding of KIND about threads that wait for ever? */
bool explored_waits(const char *kind);

/* Appends to ROWS of an interleaving what each thread of PLACES waits for in the end. */
void explored_add_waiting(const struct explored *what, json_t *rows, const json_t *places, struct explored_names *names);

/* A thread of a scenario's own that only waits for its actors says nothing. */
bool explored_only_joins(const struct explored *what, const json_t *place);

/* The source place to show for FRAMES of an answer: the innermost one with a line; *via is the innermost one in WHAT->file where that
 * is another, else its line is 0. false: none has a line. */
bool explored_place(const struct explored *what, const json_t *frames, struct source_place *place, struct source_place *via);

/* The file of PLACE in the words of the user, who named FILE: as it was named, or from the current folder. */
void user_file(const char *file, struct source_place *place);

/* The runtime's TEXT in the words of tables: "thread 2" is T2, an address is its name, or FILE:LINE of an instruction. New reference. */
json_t *explored_words(struct explored_names *names, const char *text);

/* Line NUMBER of FILE without the white space around it: from the registry's own copy, else from FILE below the current folder or the
 * source tree. "" where it cannot be had. The caller frees it. */
char *source_line(const char *file, int number);

/* How a user would name what was explored: "counter/naive two_increments". */
void explored_title(const struct explored *what, char *title, size_t bytes);

/* The program that explores SCENARIO, in the folder PROGRAMS. */
void explored_worker(const struct scenario *scenario, const char *programs, char *path, size_t bytes);

#endif
