/* SPDX-License-Identifier: MIT */
/* The mock model: an array of weights whose making takes real work and real memory, like the start of any model's load. */
#ifndef ONCEPROOF_MODEL_H
#define ONCEPROOF_MODEL_H

#include <stdatomic.h>

#include "batch.h"

enum { MODEL_PREFIX = BATCH_MODEL_MIN / 8 }; /* weights that the synthesiser uses */

/* An instance. Written by the thread that loads it, before it is handed out; read-only afterwards. */
struct model {
	uint64_t magic;
	uint64_t instance; /* 1 for the first that its maker made */
	size_t bytes;
	uint64_t checksum; /* of the first MODEL_PREFIX weights */
	uint64_t load_ns;
	uint64_t *weights;  /* owned; NULL once unloaded */
	struct model *next; /* in the maker's list; set before the push, read when no loader runs any more */
};

/* What a maker tells about a load, on the thread that did it. MODEL is NULL when the load failed. */
typedef void model_told(void *arg, const struct model *model, uint64_t load_ns);

/* Makes instances and counts them: `arg` of the loader. All counts are relaxed: they are read when the workers have been joined, and
 * anything stronger would order the very loads whose races are to be seen. */
struct model_maker {
	size_t bytes; /* of an instance; constant while loaders run, as are the next four */
	unsigned wait_ms;
	unsigned failing_loads;
	model_told *told; /* NULL: nobody listens */
	void *told_arg;
	_Atomic uint64_t attempts, made, destroyed, failed;
	_Atomic uint64_t longest_ns;
	struct model *_Atomic all; /* every instance ever made, newest first */
};

/* The loader's two functions; ARG is a struct model_maker. */
void *model_load(void *arg, int *error);
void model_unload(void *arg, void *instance);

/* Frees all that the maker made, leaked instances included. No loader may be running, no instance in use. */
void model_maker_close(struct model_maker *maker);

/* Is the instance what a loader left behind, header and used weights? */
bool model_whole(const struct model *model);

/* What link-time initialisers load, in programs that link onceproof_linked_model; a NULL address elsewhere. */
extern struct model_maker onceproof_linked_maker __attribute__((weak));

#endif
