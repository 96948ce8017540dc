/* SPDX-License-Identifier: MIT */
/* Results of earlier checks. A key is the whole of what a verdict depends on, as text: versions, compiler, flags, plan, and the preprocessed
 * source; an entry is used only if its key is the same byte for byte, so no collision of hashes can give the verdict of other code.
 *
 * Kept in XDG_CACHE_HOME/onceproof (or ~/.cache/onceproof), at most some hundred entries, the newest. */
#ifndef ONCEPROOF_CHECK_CACHE_H
#define ONCEPROOF_CHECK_CACHE_H

#include "check.h"

struct cache_key {
	char *text; /* owned */
	size_t bytes;
	char name[17]; /* of the entry: a hash of text */
};

/* The key of checking SUBJECT by PLAN. false: there is none (the compiler's preprocessor fails, a file cannot be read): nothing can be
 * cached, and no complaint is made. */
bool cache_key_make(const struct check_subject *subject, const struct check_plan *plan, struct cache_key *key);
void cache_key_free(struct cache_key *key);

/* The results kept under KEY, or NULL. A new reference. Entries whose witnesses are gone count as not there. */
json_t *cache_find(const struct cache_key *key);

/* Keeps RESULTS under KEY where they depend on nothing but the key: no other is kept. A cache that cannot be written is no failure: then
 * WHY gets the reason ("" else). */
void cache_keep(const struct cache_key *key, const json_t *results, char *why, size_t bytes);

#endif
