/* SPDX-License-Identifier: MIT */
/* The full pipeline as a subject: batches natively, under ThreadSanitizer and in the explorer, one process per choice of
 * initialiser × counter × progress. */
#ifndef ONCEPROOF_BATCHES_H
#define ONCEPROOF_BATCHES_H

#include <jansson.h>

#include "engine.h"

/* A choice of parts. */
struct choice {
	const struct registered *initialiser, *counter, *progress;
};

/* Which choices: the covering selection has every implementation once beside parts that are right, so that a finding has one suspect,
 * and the three naive ones together; the full one is the whole product. Choices whose parts cannot work together are left out. Returns
 * the number of choices; calls VISIT (may be NULL) for each until it returns false. */
size_t batches_each(bool full, bool (*visit)(void *arg, size_t index, const struct choice *choice), void *arg);

/* "pipeline/naive+atomic+monotone" */
void choice_name(const struct choice *choice, char *name, size_t size);

/* Does ENGINE run batches? (native, tsan, explore) */
bool batches_by(const struct engine *engine);

/* A choice as a subject of the pipeline's family, for what wants one: "naive+atomic+monotone". `registered` points into it. */
struct choice_subject {
	struct registered registered;
	struct implementation about;
	char name[200];
};
void choice_subject(const struct choice *choice, struct choice_subject *subject);

/* The choice that choice_name() calls NAME; false: there is none. */
bool choice_find(const char *name, struct choice *choice);

/* A result that is not judged yet, as engine_result makes it. */
json_t *batches_result(const struct engine *engine, const struct choice *choice, const char **expected);

/* Runs one choice and judges it: a result with scenario "batch" and the keys of engine_result.
 * A plan's effort and time limit matter to the explorer only; the other workers take a fraction of a second. Never NULL. */
json_t *batches_run(
	const struct engine *engine, const struct choice *choice, const struct stress_plan *plan, const char *programs);

#endif
