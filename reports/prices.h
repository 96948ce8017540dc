/* SPDX-License-Identifier: MIT */
/* The price list's tables: one operation on one machine, implementations by price. */
#ifndef ONCEPROOF_PRICES_H
#define ONCEPROOF_PRICES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* One operation of a family on one machine: its costs, and the numbers of threads in ascending order. */
struct operation {
	const char *family, *name, *host, *label; /* borrowed from the facts */
	const json_t **costs;
	size_t count;
	json_t *threads;
	json_int_t main; /* as many threads as run at once on the machine, where that was measured; prices are sorted by it */
};

struct priced {
	double ns; /* in the main column; INFINITY where it has no number */
	size_t place;
	const json_t *row;
};

/* The costs of an operation of FACTS on one of its machines. Free with prices_done. */
struct operation prices_gather(const json_t *facts, const char *family, const char *name, const json_t *machine);
void prices_done(struct operation *operation);

/* One entry for each implementation that has any number, cheapest first; their count in *COUNT. Freed by the caller. */
struct priced *prices_sorted(const struct operation *operation, size_t *count);

/* The row of the same implementation as LIKE with THREADS, or NULL. */
const json_t *prices_row(const struct operation *operation, const json_t *like, json_int_t threads);

/* Does any row of the column THREADS say that there were more threads than cores? The benchmark knows the CPU quota of its machine. */
bool prices_over(const struct operation *operation, json_int_t threads);

#endif
