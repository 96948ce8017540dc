/* SPDX-License-Identifier: MIT */
/* The interleaving of a finding (reports/result.h) as a table, one column per thread. */
#ifndef ONCEPROOF_INTERLEAVING_H
#define ONCEPROOF_INTERLEAVING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct interleaving_look {
	unsigned width;     /* characters of a line; 0: 100 */
	bool color;         /* escape sequences of a terminal */
	const char *indent; /* in front of each line; NULL: nothing */
};

/* Writes the steps of FINDING as text: one column per thread, or, where the columns would be too narrow, one step after the other. All
 * text of the report is shown without control characters. Nothing if there are no steps. */
void interleaving_text(FILE *out, const json_t *finding, const struct interleaving_look *look);

/* The names of its threads, in the order of their numbers: an array of texts. New reference. */
json_t *interleaving_threads(const json_t *steps);

/* What STEP did, in words: "load acquire flag = 0 (step 3, stale)". The caller frees it. */
char *interleaving_words(const json_t *step);

#endif
