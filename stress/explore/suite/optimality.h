/* SPDX-License-Identifier: MIT */
/* Programs whose executions can be counted by hand. */
#ifndef ONCEPROOF_EXPLORE_OPTIMALITY_H
#define ONCEPROOF_EXPLORE_OPTIMALITY_H

#include <stdint.h>

struct countable {
	const char *name;
	void (*body)(void *arg); /* explored; ARG: this row */
	unsigned threads, rounds;
	uint64_t executions; /* complete ones that an optimal explorer needs, symmetry not used */
	const char *why;
	uint64_t
		symmetric; /* with symmetry used, where that can be said: any order of the workers is like any other; 0: not said */
};
extern const struct countable countables[];
extern const unsigned countable_count;

#endif
