/* SPDX-License-Identifier: MIT */
/* Builds C and C++ files of a user: as one explored program (stress/explore/program_main.c runs it), under ThreadSanitizer, or as they are.
 *
 * Explored: files are compiled by the user's compiler to assembly, which is looked through for inline assembly, then assembled and joined into one
 * relocatable object. There the names that the explorer takes over are renamed, as in the build of onceproof itself; calls that leave
 * the program for functions that are neither taken over nor known to be harmless go through a stub that reports them; and static data
 * gets sections of its own, so that it can be put back between executions. All of the program's other names become local: they
 * cannot meet those of the explorer.
 */
#ifndef ONCEPROOF_PROGRAM_BUILD_H
#define ONCEPROOF_PROGRAM_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "private_folder.h"

/* What is built. All pointers are borrowed. */
struct program_source {
	char *const *files; /* .c, .cc, .cpp, .cxx */
	size_t file_count;
	char *const *flags; /* of the user, for the compiler and the linker */
	size_t flag_count;
	const char *
		compiler; /* "clang -Wextra"; NULL: CC (for C++ files CXX), else the compiler that built onceproof, or its C++ side */
	const char *optimise; /* "-O2", behind the user's flags; NULL: -O1 in front of them */
	const char *helpers;  /* the folder libexec/onceproof */
	int verbosity;        /* 1: the commands are shown on stderr */
};

struct program_build {
	struct private_folder folder; /* removed by program_build_close */
	char *program;                /* the executable in it */
	char compiler[64];            /* "gcc 12.2.0" */
	bool clang, cxx;              /* cxx: some file is C++ */
	bool fences, call_once;       /* PROGRAM_TSAN: what it uses that ThreadSanitizer cannot judge */
};

/* 0, or an exit status after one complaint (and the compiler's own first errors). On failure BUILT holds nothing. */
int program_build(const struct program_source *source, struct program_build *built);

/* Is there a program called NAME on the PATH? */
bool program_found(const char *name);

/* Why a program with these FLAGS can be run but not explored; NULL if it can be. Static. */
const char *program_unexplored(char *const *flags, size_t count);

/* The other flavours. NATIVE: -O1 -g in front of the user's flags and nothing else; TSAN: with -fsanitize=thread, and with the parts of
 * helper that tell its reports. */
enum program_flavour { PROGRAM_NATIVE, PROGRAM_TSAN };
int program_compile(const struct program_source *source, enum program_flavour flavour, struct program_build *built);

/* Removes the folder. Safe on zeroed memory. */
void program_build_close(struct program_build *built);

#endif
