/* SPDX-License-Identifier: MIT */
/* From a place in a program to source lines, through its DWARF debug information (libdw). */
#ifndef ONCEPROOF_SYMBOLISE_H
#define ONCEPROOF_SYMBOLISE_H

#include <stdbool.h>
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
 * Returns how many; 0 without debug information. Opened modules stay open for the next call. Thread-safe. */
size_t symbolise(const char *module, uint64_t offset, struct source_place *places, size_t max);

/* The variable at OFFSET of MODULE: "name", or "name+8" inside of it. false: the symbol table has none there. Thread-safe. */
bool symbolise_data(const char *module, uint64_t offset, char *name, size_t bytes);

/* Calls SEE for every instruction range [FROM, TO) of the line table of those compilation units of MODULE that have lines of FILE (as
 * symbolise() spells it), with its places as symbolise() has them. SEE must not call functions of this file. Thread-safe. */
void symbolise_rows(const char *module, const char *file,
	void (*see)(void *arg, uint64_t from, uint64_t to, const struct source_place *places, size_t count), void *arg);

/* The linker's build-id of MODULE in hexadecimal, or "" if it has none. Thread-safe. */
void symbolise_build_id(const char *module, char *text, size_t bytes);

#endif
