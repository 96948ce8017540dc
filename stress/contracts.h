/* SPDX-License-Identifier: MIT */
/* Contracts: what implementations promise, held against what the results say. */
#ifndef ONCEPROOF_CONTRACTS_H
#define ONCEPROOF_CONTRACTS_H

#include <jansson.h>
#include <stddef.h>

/* One contract per implementation × promise that it claims or misses: {subject, promise, claim, status, by, broken, seen[]}.
 *
 * status  refuted   a claimed promise: by any engine; a missing one: by deterministic evidence only (engines sequential, explore)
 *         upheld    a claimed promise that was checked and not refuted; a missing one that was proved to hold: by the explorer in every
 *                   scenario that could break it
 *         unshown   nothing that counts was seen
 * by      "engine scenario" of the result that says so, or null
 * broken  true where a claimed promise is refuted or a missing one upheld: this fails a suite
 * seen    "engine scenario" of each result that refuted a missing promise without counting as evidence
 *
 * Subjects are those of the registry plus any other that occurs in RESULTS (borrowed) with keys `claimed` and `missing`. New reference. */
json_t *contracts_from(const json_t *results);

/* How many of CONTRACTS are broken. */
size_t contracts_broken(const json_t *contracts);

#endif
