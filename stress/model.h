/* SPDX-License-Identifier: MIT */
/* The model that the initialiser scenarios load: a few words that must be seen all or not at all, made without the heap, because
 * the native engine runs millions of executions; and the books of who made and released what.
 *
 * The words are plain and read by plain loads: that is where a half-built or released instance shows, and where a race is one.
 */
#ifndef ONCEPROOF_MODEL_H
#define ONCEPROOF_MODEL_H

#include <errno.h>
#include <stdatomic.h>

#include "forced.h"
#include "scenario.h"

enum {
	MODEL_WORDS = 4,
	MODEL_SLOTS = 6, /* loads that one source can serve: one for every get of a scenario and its check */
	MODEL_WORD = 0x600d,
	MODEL_GONE = 0xdead,
};

struct model {
	uint64_t word[MODEL_WORDS]; /* written by its load and its unload; read by everyone who got it */
};

static inline void model_fill(struct model *model)
{
	for (unsigned i = 0; i < MODEL_WORDS; i++)
		model->word[i] = MODEL_WORD + i;
}

/* Reads every word: is it a complete model that was not released? */
static inline bool model_whole(const struct model *model)
{
	bool whole = true;
	for (unsigned i = 0; i < MODEL_WORDS; i++)
		whole &= model->word[i] == MODEL_WORD + i;
	return whole;
}

/* A loader and its books. Zeroed memory, then model_source_open(). */
struct model_source {
	struct initialiser_loader loader;
	_Atomic uint32_t started, made, released; /* by any thread; relaxed, so that the books order nothing */
	uint32_t failing;               /* how many loads fail, the first to start first; written before the object opens */
	uint32_t parking;               /* how many loads park, the first to start first; likewise; scripts only */
	bool in_turn;                   /* the subject promises that loads do not overlap; likewise */
	uint64_t scratch;               /* then used by every load, also by one that fails */
	struct model slot[MODEL_SLOTS]; /* slot n is filled by the load that started as number n */
};

static inline void *model_load(void *arg, int *error)
{
	struct model_source *source = arg;
	/* relaxed, here and below: a number for each load; an order here would hide a missing one in the subject. */
	uint32_t turn = atomic_fetch_add_explicit(&source->started, 1, memory_order_relaxed);
	if (turn < source->parking)
		forced_park();
	if (source->in_turn)
		source->scratch++;
	if (turn < source->failing || turn >= MODEL_SLOTS) {
		*error = turn < source->failing ? EIO : ENOSPC;
		return NULL;
	}
	model_fill(&source->slot[turn]);
	atomic_fetch_add_explicit(&source->made, 1, memory_order_relaxed);
	return &source->slot[turn];
}

static inline void model_unload(void *arg, void *instance)
{
	struct model_source *source = arg;
	struct model *model = instance;
	for (unsigned i = 0; i < MODEL_WORDS; i++)
		model->word[i] = MODEL_GONE;
	/* relaxed: as in model_load(). */
	atomic_fetch_add_explicit(&source->released, 1, memory_order_relaxed);
}

static inline void model_source_open(struct model_source *source)
{
	source->loader = (struct initialiser_loader){model_load, model_unload, source};
}

/* The books, once nobody loads. relaxed: whoever joined the loading threads has ordered them. */
static inline uint32_t model_made(struct model_source *source)
{
	return atomic_load_explicit(&source->made, memory_order_relaxed);
}

static inline uint32_t model_released(struct model_source *source)
{
	return atomic_load_explicit(&source->released, memory_order_relaxed);
}

/* What one get gave, as its caller saw it at once. */
struct model_seen {
	struct model *model;
	int error;
	bool whole;
};

/* One get, and a look at every word of what it gave. */
static inline struct model_seen model_get(const struct execution *x)
{
	const struct initialiser_implementation *subject = (const void *)x->subject;
	struct model_seen seen = {.whole = true};
	seen.model = subject->get(x->object, &seen.error);
	if (seen.model)
		seen.whole = model_whole(seen.model);
	return seen;
}

/* Loads at run time: a scenario can give it a loader of its own. */
static inline bool model_at_run_time(const struct implementation *subject)
{
	return ((const struct initialiser_implementation *)(const void *)subject)->loading == LOADER_RUN_TIME;
}

/* Behind initialiser_linked_loader.arg in the workers: the same books for the instance that is loaded before main. */
struct model_linked {
	_Atomic uint32_t made;
};

#endif
