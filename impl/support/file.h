/* SPDX-License-Identifier: MIT */
/* Files that are either whole or not there: written aside, flushed, then renamed. */
#ifndef ONCEPROOF_FILE_H
#define ONCEPROOF_FILE_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file being written aside. `stream` is for the caller to write to. What is no regular file (a pipe, /dev/null) cannot be replaced
 * by renaming and is written to directly. */
struct draft {
	FILE *stream;
	char *path;  /* final name; owned */
	char *aside; /* temporary name in the same directory, empty when written directly; owned */
};

/* Opens a temporary file beside PATH, or beside what PATH points to: a symbolic link stays one, whether it leads to a file or not yet.
 * 0 or an errno value. */
int draft_open(struct draft *draft, const char *path);

/* Flushes to disk and renames over PATH; on any failure (a full disk too) removes the temporary file, leaves PATH as it was and
 * returns the errno value. Ends the draft either way. */
int draft_commit(struct draft *draft);

/* Removes the temporary file and ends the draft. */
void draft_abandon(struct draft *draft);

/* Creates PATH and its missing parents (mode 0777 less umask). 0 or an errno value; an existing directory is fine. */
int make_directories(const char *path);

#ifdef __cplusplus
}
#endif
#endif
