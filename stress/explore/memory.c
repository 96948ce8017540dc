/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HEADER_BYTES = 64,
	CLASS_MIN = 7,    /* blocks of 2^7 bytes, header included, … */
	CLASSES = 48,     /* … to 2^47 */
	RETURN_CLASS = 18 /* from here on the pages of a free block are given back */
};

/* Blocks are powers of two, and one that is free is given out again for the same size only. Searches ask for few and large ones, so what
 * is lost by rounding is address space and no memory. */
struct block {
	unsigned class;
	struct block *next; /* while it is free */
};

/* All state lies in the region itself, because children allocate, too. */
struct region {
	uintptr_t used, end;
	struct block *unused[CLASSES];
};

static struct region *region; /* set once, by memory_share; NULL: nothing is shared */

/* As much address space as the system grants. */
int memory_share(void)
{
	if (region)
		return 0;
	for (unsigned shift = 42; shift >= 34; shift--) {
		size_t bytes = (size_t)1 << shift;
		void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at == MAP_FAILED)
			continue;
		region = at;
		region->used = ((uintptr_t)at + sizeof *region + 4095) & ~(uintptr_t)4095;
		region->end = (uintptr_t)at + bytes;
		return 0;
	}
	return errno;
}

static unsigned class_of(size_t bytes)
{
	unsigned class = CLASS_MIN;
	while (class < CLASSES && ((size_t)1 << class) < bytes + HEADER_BYTES)
		class ++;
	return class;
}

static struct block *block_of(void *at)
{
	return (struct block *)(void *)((char *)at - HEADER_BYTES);
}

/* What is in a small block that was given back is undefined, all others hold zeroes: says whether this one does. */
static void *take(size_t bytes, bool *zero)
{
	unsigned class = class_of(bytes);
	if (class == CLASSES)
		return NULL;
	struct block *block = region->unused[class];
	*zero = !block || class >= RETURN_CLASS;
	if (block) {
		region->unused[class] = block->next;
	} else {
		if (((uintptr_t)1 << class) > region->end - region->used)
			return NULL;
		block = (struct block *)region->used;
		region->used += (uintptr_t)1 << class;
		block->class = class;
	}
	return (char *)block + HEADER_BYTES;
}

static void *take_zeroes(size_t bytes)
{
	bool zero;
	void *at = take(bytes, &zero);
	return at && !zero ? memset(at, 0, bytes) : at;
}

static void give(void *at)
{
	struct block *block = block_of(at);
	/* Blocks of this size begin anywhere: whole pages only; the rest is wiped. */
	if (block->class >= RETURN_CLASS) {
		uintptr_t from = (uintptr_t)block, low = (from + HEADER_BYTES + 4095) & ~(uintptr_t)4095,
			  to = from + ((uintptr_t)1 << block->class), high = to & ~(uintptr_t)4095;
		memset(at, 0, low - (uintptr_t)at);
		memset((void *)high, 0, to - high);
		if (madvise((void *)low, high - low, MADV_REMOVE) != 0)
			memset((void *)low, 0, high - low);
	}
	block->next = region->unused[block->class];
	region->unused[block->class] = block;
}

void *memory_calloc(size_t count, size_t bytes)
{
	if (!region)
		return calloc(count, bytes);
	return bytes && count > SIZE_MAX / 2 / bytes ? NULL : take_zeroes(count * bytes);
}

void *memory_realloc(void *block, size_t bytes)
{
	bool zero;
	if (!region)
		return realloc(block, bytes);
	if (!block)
		return take(bytes, &zero);
	unsigned class = block_of(block)->class;
	if (class_of(bytes) <= class)
		return block;
	void *larger = take(bytes, &zero);
	if (!larger)
		return NULL;
	memcpy(larger, block, ((size_t)1 << class) - HEADER_BYTES);
	give(block);
	return larger;
}

void memory_free(void *block)
{
	if (!region)
		free(block);
	else if (block)
		give(block);
}

void *memory_map(size_t bytes)
{
	if (region)
		return take_zeroes(bytes);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

void memory_unmap(void *at, size_t bytes)
{
	if (region)
		give(at);
	else
		munmap(at, bytes);
}
