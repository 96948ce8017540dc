/* SPDX-License-Identifier: MIT */
/* A program that has a build system of its own: which files an executable was made of (its debug information says), and how each was
 * compiled (compile_commands.json, the JSON Compilation Database of LLVM's tools, says). */
#ifndef ONCEPROOF_CHECK_EXECUTABLE_H
#define ONCEPROOF_CHECK_EXECUTABLE_H

#include "../program_build.h"
#include "../program_parts.h"

struct executable {
	struct program_source source; /* to build it anew; files, flags and units are owned by what follows */
	struct words files, link;     /* files: absolute paths */
	struct words *flags, folders; /* one for each file */
	struct program_unit *units;   /* likewise */
	char why[512];                /* why it cannot be built anew; "": it can */
};

/* Finds out how the executable PATH was made. DATABASE: compile_commands.json; NULL: the one in its folder or in a folder above that, or in the
 * current one. 0: OUT->why tells whether it can be built anew. EXIT_USAGE after a complaint: it is no executable, or DATABASE was named
 * and cannot be read. */
int executable_read(const char *path, const char *database, struct executable *out);
void executable_free(struct executable *it);

#endif
