/* SPDX-License-Identifier: MIT */
/* Small programs with a known bug, and their fixes: does each engine, with this compiler and these flags, see the one and spare the other? */
#ifndef ONCEPROOF_CHECK_CANARY_H
#define ONCEPROOF_CHECK_CANARY_H

#include <jansson.h>

#include "check.h"

/* What an engine makes of a canary. */
enum canary_state {
	CANARY_AS_IT_SHOULD, /* sees the bug, spares the fix */
	CANARY_BLIND,        /* does not see the bug */
	CANARY_ACCUSES,      /* sees a bug in the fix */
	CANARY_NOT_HERE,     /* the engine cannot run on this machine */
	CANARY_NOT_MEANT,    /* this kind of bug is not the engine's */
};

/* How many canaries there are, and the name of each ("data race"). */
extern const size_t canary_count;
const char *canary_name(size_t canary);

/* Builds the canary with SOURCE's compiler and flags (its files are ignored) and runs ENGINE on the bug and on its fix. Sets *STATE and *CELL,
 * a new object {engine, canary, state, seconds, bug {verdict, evidence}, fix {verdict, evidence}, what (to do)}, as far as there is
 * anything. 0, or EXIT_USAGE after one complaint: it cannot be built, or nothing can be written. */
int canary_run(size_t canary, uint32_t engine, const struct program_source *source, uint64_t seed, enum canary_state *state,
	json_t **cell);

#endif
