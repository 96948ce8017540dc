/* SPDX-License-Identifier: MIT */
/* What the explorer's workers have in common: their command line, the start, one schedule repeated, the answer on stdout
 * (explore/answer.c has its shape). Exit status: 0 done, 2 misuse, 77 skipped (`skip` says why).
 */
#ifndef ONCEPROOF_EXPLORE_COMMAND_H
#define ONCEPROOF_EXPLORE_COMMAND_H

#include <jansson.h>

#include "explore/explore.h"

enum { EXPLORE_COMMAND_WORDS_MAX = 16 };

struct explore_command {
	const char *program; /* for messages */
	const char *subject, *scenario, *replay;
	struct explore_options explore;
	const char *words[EXPLORE_COMMAND_WORDS_MAX + 1];
	unsigned word_count;
	bool orders;
};

/* Reads the command line; ends the process on misuse. SUBJECT SCENARIO are its two words, DOC says what the worker does. C must stay:
 * its options point into it. */
void explore_command_parse(struct explore_command *c, int argc, char **argv, const char *program, const char *doc);

/* Explores PROGRAM, or repeats the schedule that is asked for, prints the answer and ends the process. The program's static data, as it
 * is now, is put back after each execution. REFUSED, if not NULL, says afterwards why the program could not do what it is for, or NULL. */
_Noreturn void explore_command_run(
	const struct explore_command *c, const struct explore_program *program, const char *(*refused)(void *arg));

/* Prints ANSWER and ends the process. SKIP: why nothing was explored, or NULL. ANSWER is taken over. */
_Noreturn void explore_command_finish(const struct explore_command *c, json_t *answer, const char *skip);

/* The registered implementation of FAMILY/NAME, or NULL. */
const struct registered *explore_command_find(const char *subject);

#endif
