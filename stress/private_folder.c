/* SPDX-License-Identifier: MIT */
#include "private_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../impl/support/say.h"

enum { STALE_S = 60, OPEN_MAX = 64 };
static const char prefix[] = "onceproof-private-";

static char *open_folder[OPEN_MAX]; /* still to be removed when the process ends; owned by their struct private_folder */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info;
	(void)at;
	if (kind == FTW_DNR && chmod(path, 0700) == 0)
		return 0;
	(kind == FTW_DP || kind == FTW_DNR ? rmdir : unlink)(path);
	return 0;
}

/* With what a program that was killed has written in it. */
static void remove_folder(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

/* Folders whose owner was killed: nobody holds their lock any more. A young one may not have been locked yet. */
static void remove_stale(const char *where)
{
	DIR *listing = opendir(where);
	for (struct dirent *entry; listing && (entry = readdir(listing)) != NULL;) {
		char *path = NULL, *lock = NULL;
		struct stat info;
		if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0)
			continue;
		if (asprintf(&path, "%s/%s", where, entry->d_name) < 0)
			path = NULL;
		if (!path || asprintf(&lock, "%s/lock", path) < 0)
			lock = NULL;
		int fd = lock ? open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
		if (fd >= 0 && fstat(fd, &info) == 0 && info.st_uid == geteuid() && time(NULL) - info.st_mtime > STALE_S &&
			flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_folder(path);
		if (fd >= 0)
			close(fd);
		free(path);
		free(lock);
	}
	if (listing)
		closedir(listing);
}

static void remove_all(void)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (open_folder[i])
			remove_folder(open_folder[i]);
}

int private_folder_make(struct private_folder *folder)
{
	static bool registered;
	const char *where = getenv("TMPDIR");
	char *lock = NULL;
	*folder = (struct private_folder){.lock = -1};
	if (!where || !*where)
		where = "/tmp";
	remove_stale(where);
	if (asprintf(&folder->path, "%s/%sXXXXXX", where, prefix) < 0)
		folder->path = NULL;
	if (!folder->path || !mkdtemp(folder->path)) {
		complain("%s: a temporary folder cannot be made: %s; set TMPDIR to a folder with room", where, strerror(errno));
		free(folder->path);
		folder->path = NULL;
		return EXIT_USAGE;
	}
	if (!registered)
		atexit(remove_all);
	registered = true;
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (!open_folder[i]) {
			open_folder[i] = folder->path;
			break;
		}
	if (asprintf(&lock, "%s/lock", folder->path) < 0)
		return 0;
	folder->lock = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (folder->lock >= 0)
		flock(folder->lock, LOCK_EX | LOCK_NB);
	free(lock);
	return 0;
}

void private_folder_remove(struct private_folder *folder)
{
	for (size_t i = 0; folder->path && i < OPEN_MAX; i++)
		if (open_folder[i] == folder->path)
			open_folder[i] = NULL;
	if (folder->path) {
		remove_folder(folder->path);
		if (folder->lock >= 0)
			close(folder->lock);
	}
	free(folder->path);
	*folder = (struct private_folder){.lock = -1};
}
