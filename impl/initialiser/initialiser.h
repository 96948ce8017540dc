/* SPDX-License-Identifier: MIT */
/* The initialiser's contract: load something once, on first use, and hand it to every thread that asks.
 *
 * Every implementation file defines `struct initialiser` and the functions below, in this order, all static.
 *
 *   int   initialiser_open(struct initialiser *it, const struct initialiser_loader *loader)
 *           nothing is loaded yet; LOADER is borrowed until close. 0 or an errno value. May follow a close on the same memory.
 *   void *initialiser_get(struct initialiser *it, int *error)
 *           the instance, borrowed until close; the first call loads it. NULL if this call's own load failed (or, where a failure is
 *           cached, an earlier one), with the loader's errno value in *error; *error is 0 otherwise. Any thread, any time until close.
 *   void  initialiser_close(struct initialiser *it)
 *           unloads the instance, if there is one. No thread may be inside get, nor use the instance afterwards.
 *
 * loader `run_time`: open names the loader. loader `link_time`: the instance comes from initialiser_linked_loader, whichever loader
 * open is given, and stays until the process ends.
 */
#ifndef ONCEPROOF_INITIALISER_H
#define ONCEPROOF_INITIALISER_H

#include <stdbool.h>
#include <stdint.h>

#include "../contract.h"

#ifdef __cplusplus
extern "C" {
#endif

struct initialiser; /* complete in each implementation's file */

/* Makes and releases instances. Both functions may be called by several threads at once, and a load may be cancelled. */
struct initialiser_loader {
	void *(*load)(void *arg, int *error);      /* a new instance, owned by the caller; NULL with *error set on failure */
	void (*unload)(void *arg, void *instance); /* releases an instance of this loader */
	void *arg;
};

/* What an initialiser with loader `link_time` loads; the program that links it provides it. */
extern const struct initialiser_loader initialiser_linked_loader;

enum initialiser_promise {
	INITIALISER_EXACTLY_ONCE = 1u << 0,
	INITIALISER_SAME_INSTANCE = 1u << 1,
	INITIALISER_FULLY_PUBLISHED = 1u << 2,
	INITIALISER_RETRIES_FAILURE = 1u << 3,
	INITIALISER_NO_LEAK = 1u << 4,
	INITIALISER_SURVIVES_CANCEL = 1u << 5,
	INITIALISER_READ_ONLY_GET = 1u << 6,
	INITIALISER_RACE_FREE = 1u << 7,
};

enum initialiser_loading { LOADER_RUN_TIME, LOADER_LINK_TIME };

struct initialiser_implementation {
	struct implementation about;
	enum initialiser_loading loading;
	bool rearmable; /* open after close loads anew */
	size_t bytes, align;
	int (*open)(struct initialiser *it, const struct initialiser_loader *loader);
	void *(*get)(struct initialiser *it, int *error);
	void (*close)(struct initialiser *it);
	/* Measured loop, compiled beside get so that it inlines. OPS is a multiple of 64. Returns the last instance. */
	void *(*loop_get)(struct initialiser *it, uint64_t ops);
};

/* The descriptor behind a registry entry of the initialiser family. */
static inline const struct initialiser_implementation *initialiser_of(const struct registered *entry)
{
	return (const struct initialiser_implementation *)(const void *)entry->about;
}

#ifdef __cplusplus
}
#endif
#endif
