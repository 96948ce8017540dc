/* SPDX-License-Identifier: MIT */
/* Implementations that are named by a file of the user's, "./mine.c", where a lesson could be named. */
#ifndef ONCEPROOF_USERS_H
#define ONCEPROOF_USERS_H

#include "../stress/implementation_build.h"

enum { USERS_MAX = 8 };

/* Shared objects made of users' files, for a process of its own to load (implementation_load). Zero it first. */
struct users {
	struct implementation_file files[USERS_MAX];
	char *path[USERS_MAX]; /* what files[i].source.files points to */
	size_t count;
};

/* Is NAME a file and no lesson? */
bool users_is_file(const char *name);

/* Builds PATH, which OPTION named; FAMILY is what it must be, FAMILY_COUNT: any. 0, or EXIT_USAGE after one complaint. */
int users_add(struct users *users, const char *option, enum family family, const char *path);

/* The option that loads number I: "--load=…". The caller frees it. */
char *users_option(const struct users *users, size_t i);

/* Removes what was built. */
void users_close(struct users *users);

/* The implementation that OPTION names: a lesson, or a file that this process has loaded. NULL: a file that it has not. Otherwise as
 * parse_implementation. */
const struct registered *users_find(const char *option, enum family family, const char *name);

/* Runs this program again as the subcommand ARGV[0] = "onceproof NAME" with the options that load all of USERS in front of ARGV's words,
 * and waits for it. Its exit status; EXIT_BROKEN after a complaint if a signal ended it. */
int users_run(const struct users *users, int argc, char **argv);

#endif
