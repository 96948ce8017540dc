/* SPDX-License-Identifier: MIT */
/* From a place in a program to source lines, through its DWARF debug information (libdw). */
#ifndef ONCEPROOF_SYMBOLISE_H
#define ONCEPROOF_SYMBOLISE_H

#include <stddef.h>
#include <stdint.h>

enum { SOURCE_FILE_MAX = 256, SOURCE_FUNCTION_MAX = 128 };

/* A source place. `file` is relative to the source tree where it lies in one. */
struct source_place {
	char file[SOURCE_FILE_MAX];
	char function[SOURCE_FUNCTION_MAX];
	int line;
};

/* The source places of the instruction at OFFSET from where MODULE (a path) is loaded, innermost inlined function first, at most MAX.
 * Returns how many; 0 without debug information. Opened modules stay open for the next call. Not thread-safe. */
size_t symbolise(const char *module, uint64_t offset, struct source_place *places, size_t max);

#endif
