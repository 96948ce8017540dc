/* SPDX-License-Identifier: MIT */
/* One file per engine that runs a user's program; program.c runs them in order. */
#ifndef ONCEPROOF_CHECK_ENGINES_H
#define ONCEPROOF_CHECK_ENGINES_H

#include "check.h"

/* Each runs SUBJECT for at most LIMIT_S and judges RESULT (made by result_new, not judged yet). 0, or EXIT_USAGE after one complaint:
 * it cannot be built. */
int check_run_explore(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result);
int check_run_tsan(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result);
int check_run_native(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result);

/* helgrind or drd, as `engine` of RESULT says: they inform. */
int check_run_valgrind(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result);

/* How the explorer runs a program: the options of its worker for PLAN, and RESULT judged from its ANSWER. */
struct explore_file;
struct check_explore_options {
	char store[6][64], *words[24]; /* NULL-terminated; may point into store */
};
void check_explore_options(const struct check_plan *plan, double limit_s, struct check_explore_options *o);
void check_explore_judge(const struct check_subject *subject, const struct check_plan *plan, const struct explore_file *file,
	json_t *answer, json_t *result);

/* check_fix in a process of its own, which ends when LIMIT_S is over. */
void check_fix_bounded(const struct check_subject *subject, const struct check_plan *plan, const json_t *result, json_t *finding,
	double limit_s);

/* Limits of every child that runs users' code; the same for all engines. Static storage. */
const struct child_limits *check_limits(void);

/* Seconds of a clock that only goes forward. */
double check_clock(void);

/* The command line of the native or TSan program: argv of it, NULL-terminated. free() the one pointer. */
char **check_command(const char *program, const struct check_subject *subject);

/* ThreadSanitizer's reports, as stress/tsan/told.c wrote them, as findings of RESULT. Reports of possible deadlocks (an order of locks that was
 * only seen apart) become `notes[]`. Returns how many findings came. */
size_t check_told(const char *program, const char *text, json_t *result);

/* Is the promise of a program that a finding of KIND refutes among those that PLAN judges? */
bool check_promised(const struct check_plan *plan, const char *kind);

/* Adds a sentence to `notes[]` of RESULT unless it is there. */
void check_note(json_t *result, const char *text);

/* Notes what child_result.contained says. */
void check_note_lacks(json_t *result, const char *contained);

#endif
