/* SPDX-License-Identifier: MIT */
/* What each kind of finding is and what to do about it, in plain words: the one source for SARIF's rules, the terminal and the pages. */
#ifndef ONCEPROOF_ADVICE_H
#define ONCEPROOF_ADVICE_H

#include <jansson.h>
#include <stddef.h>

struct advice {
	const char *kind;    /* "data-race": also the id of SARIF's rule */
	const char *name;    /* "DataRace": in one word; SARIF wants another one than the id */
	const char *title;   /* "Data race": a few words, no full stop */
	const char *meaning; /* one sentence: what it is and why it is bad */
	const char *change;  /* what to change, in one or two sentences */
	const char *example; /* a few lines of C or words that show the change; for Markdown and pages */
	const char *level;   /* "error" or "warning" */
	const char *cwe;     /* "362": number in the Common Weakness Enumeration, or "" */
};

extern const struct advice advices[];
extern const size_t advice_count;

/* The advice for KIND; for a kind that is not known, a general one. Never NULL. */
const struct advice *advice_for(const char *kind);

/* Its index in advices[]. */
size_t advice_index(const char *kind);

/* One entry of `fixes[]` in words: "with line 13 release and line 30 acquire: proved, 212 executions". The caller frees it. */
char *advice_fix_words(const json_t *fix);

/* What to change because of FINDING, in a sentence or two: its verified fixes where it has some, else the advice for its kind. The
 * caller frees it. */
char *advice_words(const json_t *finding);

#endif
