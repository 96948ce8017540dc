/* SPDX-License-Identifier: MIT */
/* explore --fix: changes of a program that verifiably mend what was found. */
#ifndef ONCEPROOF_CLI_EXPLORE_FIX_H
#define ONCEPROOF_CLI_EXPLORE_FIX_H

#include <jansson.h>

#include "../stress/engine.h"
#include "../stress/explore_file.h"

/* Sets `fixes[]` of the findings of RESULT, which was made from FILE under PLAN. */
void explore_fix(const struct explore_file *file, const struct stress_plan *plan, const json_t *result);

/* Says them on stdout, each once. */
void explore_fix_tell(const json_t *result);

#endif
