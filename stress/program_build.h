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

/* How one file is compiled where each has a way of its own. */
struct program_unit {
	const char *folder; /* the current folder of its compiler; the file's name is absolute then */
	char *const *flags; /* for the compiler */
	size_t flag_count;
};

/* A program of ours that users' files become a part of: the workers of an implementation, which take the place of its main. */
struct program_host {
	const char *symbol;  /* what the files must define: "counter_mine" */
	const char *family;  /* "counter": what is missing of counter_… is said before the linker says it */
	const char *further; /* a C file that is compiled as it is and linked, too: the registry that names `symbol` */
};

/* What is built. All pointers are borrowed. */
struct program_source {
	char *const *files; /* .c, .cc, .cpp, .cxx */
	size_t file_count;
	char *const *flags; /* of the user, for the compiler and the linker */
	size_t flag_count;
	const struct program_unit *units; /* one for each file; NULL: all are compiled alike, with flags alone */
	const char *
		compiler; /* "clang -Wextra"; NULL: CC (for C++ files CXX), else the compiler that built onceproof, or its C++ side */
	const char *optimise;            /* "-O2", behind the user's flags; NULL: -O1 in front of them */
	const char *helpers;             /* the folder libexec/onceproof */
	int verbosity;                   /* 1: the commands are shown on stderr */
	const struct program_host *host; /* NULL: a program with a main */
};

struct program_build {
	struct private_folder folder; /* removed by program_build_close */
	char *program;                /* the executable in it */
	char compiler[64];            /* "gcc 12.2.0" */
	bool clang, cxx;              /* cxx: some file is C++ */
	bool reads_files;             /* explored: it calls functions that look at files or the environment */
	bool fences, call_once;       /* PROGRAM_TSAN: what it uses that ThreadSanitizer cannot judge */
};

/* 0, or an exit status after one complaint (and the compiler's own first errors). On failure BUILT holds nothing. */
int program_build(const struct program_source *source, struct program_build *built);

/* Is there a program called NAME on the PATH? */
bool program_found(const char *name);

/* Why a program with these FLAGS can be run but not explored; NULL if it can be. Static. */
const char *program_unexplored(char *const *flags, size_t count);

/* The other flavours. NATIVE: -O1 -g in front of the user's flags and nothing else; TSAN: with -fsanitize=thread, and with the parts of
 * helper that tell its reports. SHARED: a shared object with -O2 in front, as lessons are priced; only with a host, of which it has `further`
 * and nothing else. */
enum program_flavour { PROGRAM_NATIVE, PROGRAM_TSAN, PROGRAM_SHARED };
int program_compile(const struct program_source *source, enum program_flavour flavour, struct program_build *built);

/* Removes the folder. Safe on zeroed memory. */
void program_build_close(struct program_build *built);

#endif
