/* SPDX-License-Identifier: MIT */
/* The files of a program whose executions are processes of their own (isolate.h): it writes in a private folder only, which is empty
 * when an execution begins.
 *
 * That folder stands in for the one where the user is, and folders in it for /tmp, /var/tmp and /dev/shm: a file is looked for there
 * first, then in the real one; to write one that is only in the real one copies it first. To write anywhere else, or to remove or
 * rename what is only in the real one, fails with EROFS and is named as outside of the explorer's control.
 *
 * Not thread-safe.
 */
#ifndef ONCEPROOF_EXPLORE_FILES_H
#define ONCEPROOF_EXPLORE_FILES_H

enum file_use {
	FILE_READ,
	FILE_WRITE, /* is changed, or made: its old content is wanted */
	FILE_MAKE,  /* is made, or made empty */
	FILE_NEW,   /* is made, and must not be there */
	FILE_REMOVE /* its name goes, or becomes another */
};

/* Makes the folder, beside the program's own file, and goes there. 0, or an errno value. */
int files_start(void);
/* Before an execution's child is made: the folder is as at the start. */
void files_empty(void);
/* Removes it. */
void files_end(void);

/* The path by which PATH is really to be opened by the function NAME; TO has room for PATH_MAX bytes and may be what is returned. NULL:
 * it must not be, errno says why. Where executions are no children, PATH itself. */
const char *files_path(const char *path, enum file_use use, const char *name, char *to);

#endif
