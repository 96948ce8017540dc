/* SPDX-License-Identifier: MIT */
/* onceproof explore --weaken: which memory orders are needed. */
#ifndef ONCEPROOF_EXPLORE_WEAKEN_H
#define ONCEPROOF_EXPLORE_WEAKEN_H

#include "../stress/engine.h"
#include "../stress/explore_file.h"
#include "stress_text.h"

struct explore_weaken {
	char *const *globs; /* which subjects and scenarios */
	size_t glob_count;
	struct stress_plan plan;
	const char *json; /* file for {"orders": [{subject, operations[] as weaken_all() makes them}]}; NULL: none */
	struct stress_text text;
	const struct explore_file *file; /* a built program, and its worker's words, NULL-terminated */
	char *const *words;
};

/* Each subject that matches, over all its scenarios that match. 0: every order is needed, or its comment says that it is kept; 1: some
 * order could be weaker; 2: nothing matches; 3: for some order it could not be told. */
int explore_weaken_subjects(struct explore_weaken *w);

/* One program. Likewise. */
int explore_weaken_program(struct explore_weaken *w);

#endif
