/* SPDX-License-Identifier: MIT */
/* Pieces that the initialisers' slow paths share: the call of the user's loader, and what keeps it out of the fast path. */
#ifndef ONCEPROOF_INITIALISER_LOAD_H
#define ONCEPROOF_INITIALISER_LOAD_H

#include "initialiser.h"

/* A slow path is a function of its own, seldom run: a get that inlines it would cost its registers and its size on every call. */
#if defined(__clang__)
#define SLOW_PATH __attribute__((noinline, cold))
#else
#define SLOW_PATH __attribute__((noinline, noclone, cold))
#endif

/* What a load gave: an instance and 0, or NULL and an errno value. Returned by value, in two registers: a pointer to the caller's
 * error would make the compiler keep that word in memory and store to it on the fast path too. */
struct loaded {
	void *instance;
	int error;
};

/* One call of the user's loader. Does not synchronise; a cancellation point where the loader is one. */
static inline struct loaded initialiser_load(const struct initialiser_loader *loader)
{
	struct loaded loaded = {.error = 0};
	loaded.instance = loader->load(loader->arg, &loaded.error);
	if (loaded.instance)
		loaded.error = 0;
	return loaded;
}

#endif
