/* SPDX-License-Identifier: MIT */
/* Common to the tests of whole batches. */
#ifndef ONCEPROOF_TEST_BATCH_H
#define ONCEPROOF_TEST_BATCH_H

#include "parts.h"

/* A request for the named choice: four workers, a small model, nothing written. */
struct batch_options batch_of(const char *initialiser, const char *counter, const char *progress);

/* Runs and judges; fails the test if either cannot be done. */
struct batch_judgement run_and_check(const struct batch_options *options, struct batch_summary *summary);

/* "SCRATCH/name", valid until the next but seven; SCRATCH is a fresh directory of this test. */
const char *scratch(const char *name);

/* Group set-up and tear-down: makes and removes the scratch directory. */
int scratch_make(void **state);
int scratch_remove(void **state);

#endif
