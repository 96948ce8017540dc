/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int draft_open(struct draft *draft, const char *path)
{
	*draft = (struct draft){0};
	struct stat info;
	bool exists = stat(path, &info) == 0;
	/* A symbolic link stays one: what it points to is replaced. */
	draft->path = exists ? realpath(path, NULL) : strdup(path);
	size_t bytes = (draft->path ? strlen(draft->path) : 0) + sizeof ".XXXXXX";
	draft->aside = calloc(1, bytes);
	if (!draft->path || !draft->aside) {
		draft_abandon(draft);
		return ENOMEM;
	}
	if (exists && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
		draft->stream = fopen(path, "we");
		if (draft->stream)
			return 0;
		int why = errno;
		draft_abandon(draft);
		return why;
	}
	snprintf(draft->aside, bytes, "%s.XXXXXX", draft->path);
	int fd = mkostemp(draft->aside, O_CLOEXEC);
	if (fd < 0) {
		int why = errno;
		draft->aside[0] = '\0';
		draft_abandon(draft);
		return why;
	}
	/* mkostemp makes the file private; the finished one has the rights that any new file gets here. */
	mode_t mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	draft->stream = fdopen(fd, "w");
	if (!draft->stream) {
		int why = errno;
		close(fd);
		draft_abandon(draft);
		return why;
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
