/* SPDX-License-Identifier: MIT */
/* A witness: the file that repeats a finding of the explorer. One JSON object:
 *
 * {schema: "onceproof-witness/1", onceproof (version), compiler, subject, scenario, program (null, or what a whole program needs), model,
 *  seed, build (the build-id of the program that explored), source (a hash of the explored file's text), kind, message, outcome (its
 *  label, or null), key, refutes[], stale, preemptions, schedule[] (stress/explore/answer.c), interleaving[], hidden_steps}
 */
#ifndef ONCEPROOF_WITNESS_H
#define ONCEPROOF_WITNESS_H

#include <jansson.h>

#include "explored.h"

/* Writes the witness of FOUND (a finding of ANSWER), told as FINDING (of a result), into what->witness_folder, which is made if need be:
 * aside, then renamed. The name is the same for the same finding: SUBJECT-SCENARIO-KIND-<8 digits>.json. Sets FINDING's `replay` to the
 * command that repeats it. 0, or an errno value after a complaint. */
int witness_write(const struct explored *what, const json_t *answer, const json_t *found, json_t *finding);

/* Reads and checks a witness. NULL after a complaint that names the file and what is wrong. New reference. */
json_t *witness_read(const char *path);

/* A hash of the text of the explored file, as 16 hexadecimal digits: has it been edited since? "" where it cannot be read. */
void witness_source_hash(const char *file, char text[17]);

#endif
