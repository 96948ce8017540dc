/* SPDX-License-Identifier: MIT */
/* --checkpoint and --resume of `onceproof explore`. */
#ifndef ONCEPROOF_EXPLORE_CHECKPOINT_H
#define ONCEPROOF_EXPLORE_CHECKPOINT_H

#include <jansson.h>

#include "../stress/checkpoint.h"
#include "../stress/engine.h"
#include "cli.h"

struct explore_checkpoint {
	const char *path; /* NULL: none */
	bool resume;
	double every_s;
	struct checkpoint *file; /* once it is open */
};

/* Do the options go together? Complains if not. */
bool explore_checkpoint_check(const struct explore_checkpoint *c);

/* A run that goes on without a --seed has that of the checkpoint. */
void explore_checkpoint_seed(const struct explore_checkpoint *c, struct common *common);

/* Opens the file, if one is wanted. WORDS are the filters or files; BUILD, which is taken over, what is explored. false after one
 * complaint. */
bool explore_checkpoint_open(struct explore_checkpoint *c, const struct common *common, const struct explore_plan *plan,
	char *const *words, size_t word_count, json_t *build);

/* Says on stderr what did not have to be done again, as far as ANSWER of a program's worker tells. */
void explore_checkpoint_tell(const struct explore_checkpoint *c, const struct common *common, const json_t *answer);

#endif
