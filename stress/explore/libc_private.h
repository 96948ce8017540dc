/* SPDX-License-Identifier: MIT */
/* What libc_memory.c, libc_strings.c and libc_print.c share. */
#ifndef ONCEPROOF_EXPLORE_LIBC_PRIVATE_H
#define ONCEPROOF_EXPLORE_LIBC_PRIVATE_H

#include "libc_memory.h"
#include "runtime.h"

#define SITE __builtin_return_address(0)

/* Is this call from explored code? Completes its racing access, if one is under way. */
static inline bool explored_enters(void)
{
	if (!runtime_on())
		return false;
	runtime_enter();
	return true;
}

/* May some of BYTES at AT race, or anything at all? */
bool memory_races(const void *at, size_t bytes);
bool memory_anything_races(void);

/* Reads one byte of the program's memory. */
unsigned char memory_byte(const void *at, const void *site);

/* The program's memory as a function of libc may see it: the memory itself or, if some of it races, a copy. */
struct view {
	const void *original, *at;
	char copy[4 << 10]; /* longer memory is taken as it is */
};
const void *memory_view(struct view *view, const void *at, size_t bytes, const void *site);
/* At most LIMIT bytes of TEXT; *LENGTH: without the 0, which is there only if LENGTH < LIMIT. */
const char *memory_view_text(struct view *view, const char *text, size_t limit, size_t *length, const void *site);
/* A pointer into the view, as a pointer into the program's memory. */
void *memory_seen(const struct view *view, const void *found);

#endif
