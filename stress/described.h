/* SPDX-License-Identifier: MIT */
/* What an implementation says of itself, carried from the process that has it to one that must not load it. */
#ifndef ONCEPROOF_DESCRIBED_H
#define ONCEPROOF_DESCRIBED_H

#include <jansson.h>

#include "../impl/counter/counter.h"
#include "../impl/initialiser/initialiser.h"
#include "../impl/progress/progress.h"

/* A descriptor without its functions: those that it has are set, and end the process when they are called. */
struct described {
	struct registered entry; /* about points into `how` */
	union {
		struct implementation about;
		struct initialiser_implementation initialiser;
		struct counter_implementation counter;
		struct progress_implementation progress;
	} how;
	json_t *text; /* owns the strings */
};

/* ENTRY as a JSON object. NULL: out of memory. New reference. */
json_t *describe(const struct registered *entry);

/* The other way round, taking over TEXT. FILE and SOURCE are borrowed. 0, or -1 where TEXT is no such object (then it is released). */
int described_from(json_t *text, const char *file, const char *source, struct described *out);

void described_close(struct described *described);

#endif
