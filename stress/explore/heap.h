/* SPDX-License-Identifier: MIT */
/* The heap of explored code from the inside: for the functions that are taken over (heap_functions.c, libc_memory.c) and for leaks.
 * The interface for the runtime is in runtime.h. */
#ifndef ONCEPROOF_EXPLORE_HEAP_H
#define ONCEPROOF_EXPLORE_HEAP_H

#include "runtime.h"

/* A block: where it begins in its arena, in units of 16 bytes, and its length. Kept apart from the rest because it is looked at for
 * every access. */
struct extent {
	uint32_t start;
	uint32_t bytes : 31, freed : 1;
};

enum leak_mark { MARK_NONE, MARK_HEAD, MARK_REACHABLE, MARK_INDIRECT, MARK_DIRECT, MARK_REPORTED };

/* Who made and freed a block. */
struct origin {
	const void *made, *freed; /* sites */
	uint32_t made_context, freed_context;
	uint8_t freed_by;
	uint8_t mark;  /* enum leak_mark */
	uint64_t next; /* worklist of the search for leaks */
};

struct arena {
	uint64_t used;  /* the next block begins at or behind it */
	uint64_t dirty; /* memory behind this and behind `used` is zero */
	uint32_t count;
	struct extent *extent; /* in order of address */
	struct origin *origin;
	uint32_t *hint; /* by 64 bytes: a block that was found there; may be wrong */
};

/* What a thread mapped itself (mapping.c): one range, parts of which may be unmapped again. */
struct mapped {
	uintptr_t from;
	size_t bytes;
};

/* All mutable state; mapped, so that restoring a program's data leaves it alone. */
struct heap {
	uintptr_t base, span; /* all arenas */
	unsigned shift;       /* log2 of an arena's size; arena t belongs to thread t */
	uint32_t blocks_max;  /* of an arena */
	uint32_t live;        /* blocks that are not freed */
	uint64_t bytes;       /* taken in this execution */
	uint64_t arenas;      /* bits of those in use */
	struct arena arena[GRAPH_THREADS_MAX];
	struct mapped mapped[GRAPH_THREADS_MAX]; /* only in children, which end with it */
};
extern struct heap *heap; /* set once, by heap_start */

/* A block of the running thread: BYTES at a multiple of ALIGNMENT (a power of two). NULL with errno ENOMEM. */
void *heap_allocate(size_t bytes, size_t alignment, const void *site);

/* The same, zeroed, which counts as a write. */
void *heap_allocate_zeroed(size_t bytes, const void *site);

/* free(P) for a P that the heap owns. Does not return if that is a finding. */
void heap_release(void *p, const void *site);

/* Ends the execution unless P is a live block's start; DOES says what is about to happen to it ("frees"). Its length. */
size_t heap_expect(const void *p, const char *does, const void *site);

/* The block that ADDRESS lies in or behind of, in arena *T: its index, or -1. The heap must own ADDRESS. */
int64_t heap_find(uintptr_t address, unsigned *t);

static inline uintptr_t heap_start_of(unsigned t, uint32_t block)
{
	return heap->base + ((uintptr_t)t << heap->shift) + (uintptr_t)heap->arena[t].extent[block].start * 16;
}

/* A place of the past. */
struct place heap_place(unsigned thread, const void *site, uint32_t context, const char *role);

#endif
