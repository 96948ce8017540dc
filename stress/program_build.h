/* SPDX-License-Identifier: MIT */
/* Builds C files of a user as one explored program (stress/explore/program_main.c runs it).
 *
 * Files are compiled by the user's compiler to assembly, which is looked through for inline assembly, then assembled and joined into one
 * relocatable object. There the names that the explorer takes over are renamed, as in the build of onceproof itself; calls that leave
 * the program for functions that are neither taken over nor known to be harmless go through a stub that reports them; and static data
 * gets sections of its own, so that it can be put back between executions. All of the program's other names become local: they
 * cannot meet those of the explorer.
 */
#ifndef ONCEPROOF_PROGRAM_BUILD_H
#define ONCEPROOF_PROGRAM_BUILD_H

#include <stddef.h>

struct program_build {
	char *folder;  /* private temporary folder; removed by program_build_close */
	char *program; /* the executable in it */
};

/* FLAGS: of the user, for the compiler and the linker. HELPERS: the folder libexec/onceproof. 0, or an exit status after one complaint
 * (and the compiler's own first errors). */
int program_build(char *const *files, size_t file_count, char *const *flags, size_t flag_count, const char *helpers,
	int verbosity, struct program_build *built);

/* Removes the folder. Safe on zeroed memory. */
void program_build_close(struct program_build *built);

#endif
