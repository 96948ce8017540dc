/* SPDX-License-Identifier: MIT */
/* Calling contexts: the calls that lead to a place, interned as small numbers, so that an access costs no copy of its stack.
 *
 * A context is a node of a tree; its path from the root names the calls, outermost first. Only the innermost calls are kept, as many as
 * a struct place can show. Each thread remembers the path of its last context, and a new one is compared with it from the root on, so an
 * access from the same function as before costs one comparison per call. Contexts are valid until contexts_clear().
 *
 * Not thread-safe, as the whole runtime.
 */
#ifndef ONCEPROOF_EXPLORE_CONTEXTS_H
#define ONCEPROOF_EXPLORE_CONTEXTS_H

#include "runtime.h"

enum { CONTEXT_BITS = 17, CONTEXT_UNKNOWN = 0 };

/* Reserves the tables; again is harmless. 0, or an errno value. */
int contexts_start(void);

/* A new execution: contexts of older ones may be forgotten. They are, when the tables are half full. */
void contexts_clear(void);

/* The calls that THREAD is in now. CONTEXT_UNKNOWN: none, or the tables are full. */
uint32_t context_now(unsigned thread);

/* Writes SITE, if it is not NULL, and then the calls of CONTEXT, innermost first, to FRAME[0 .. FRAMES_MAX - 1]; returns how many. */
unsigned context_frames(uint32_t context, const void *site, const void *frame[FRAMES_MAX]);

#endif
