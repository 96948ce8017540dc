/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40, NAMES_TRIED = 100 };

/* Where the symbolic links at PATH lead, whether something is there or not; owned by the caller, NULL with errno set. */
static char *follow(const char *path)
{
	char *at = strdup(path);
	for (int i = 0; at; i++) {
		char target[4096];
		ssize_t length = readlink(at, target, sizeof target);
		if (length < 0 && (errno == EINVAL || errno == ENOENT))
			return at;
		char *slash = strrchr(at, '/'), *next = NULL;
		int why = length < 0 ? errno : i == LINKS_MAX ? ELOOP : (size_t)length == sizeof target ? ENAMETOOLONG : 0;
		if (!why) {
			int above = target[0] == '/' || !slash ? 0 : (int)(slash - at) + 1;
			if (asprintf(&next, "%.*s%.*s", above, at, (int)length, target) < 0) {
				next = NULL;
				why = ENOMEM;
			}
		}
		free(at);
		at = next;
		errno = why;
	}
	return NULL;
}

/* Makes a file of a new name beside PATH, with the rights that any new file gets here: the kernel applies the umask, which a process
 * cannot read without setting it. The name goes to ASIDE. -1 with errno set. */
static int open_beside(const char *path, char *aside, size_t bytes)
{
	int fd = -1;
	errno = EEXIST;
	for (int i = 0; i < NAMES_TRIED && fd < 0 && errno == EEXIST; i++) {
		uint32_t number;
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			return -1;
		snprintf(aside, bytes, "%s.%08" PRIx32, path, number);
		fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	return fd;
}

static int abandon_for(struct draft *draft, int why)
{
	draft_abandon(draft);
	return why;
}

int draft_open(struct draft *draft, const char *path)
{
	*draft = (struct draft){0};
	struct stat info;
	/* A symbolic link stays one: what it points to is replaced, or made. */
	draft->path = follow(path);
	if (!draft->path)
		return errno;
	size_t bytes = strlen(draft->path) + sizeof ".01234567";
	draft->aside = calloc(1, bytes);
	if (!draft->aside)
		return abandon_for(draft, ENOMEM);
	if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
		draft->stream = fopen(path, "we");
		return draft->stream ? 0 : abandon_for(draft, errno);
	}
	int fd = open_beside(draft->path, draft->aside, bytes);
	if (fd < 0) {
		int why = errno;
		draft->aside[0] = '\0';
		return abandon_for(draft, why);
	}
	draft->stream = fdopen(fd, "w");
	if (!draft->stream) {
		int why = errno;
		close(fd);
		return abandon_for(draft, why);
	}
	return 0;
}

int draft_commit(struct draft *draft)
{
	int why = 0;
	if (fflush(draft->stream) != 0 || ferror(draft->stream))
		why = errno ? errno : EIO;
	/* Pipes and some file systems cannot sync; that loses nothing here. */
	if (!why && fsync(fileno(draft->stream)) != 0 && errno != EINVAL && errno != ENOTSUP)
		why = errno;
	if (fclose(draft->stream) != 0 && !why)
		why = errno;
	draft->stream = NULL;
	if (!why && draft->aside[0] && rename(draft->aside, draft->path) != 0)
		why = errno;
	if (!why)
		draft->aside[0] = '\0';
	draft_abandon(draft);
	return why;
}

void draft_abandon(struct draft *draft)
{
	if (draft->stream)
		fclose(draft->stream);
	if (draft->aside && draft->aside[0])
		unlink(draft->aside);
	free(draft->aside);
	free(draft->path);
	*draft = (struct draft){0};
}

int make_directories(const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return ENOMEM;
	int why = 0;
	for (char *at = copy + 1; !why; at++) {
		char here = *at;
		if (here != '/' && here != '\0')
			continue;
		*at = '\0';
		if (mkdir(copy, 0777) != 0 && errno != EEXIST)
			why = errno;
		*at = here;
		if (here == '\0')
			break;
	}
	struct stat info;
	if (!why && stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
		why = ENOTDIR;
	free(copy);
	return why;
}
