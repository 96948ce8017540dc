/* SPDX-License-Identifier: MIT */
/* Calls on files and folders by name, on descriptors, and mappings of memory. To read a file leaves nothing behind but what is open; for
 * everything else the execution must be a process of its own (isolate.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "files.h"
#include "isolate.h"
#include "process.h"
#include "runtime.h"

#define TAKEN __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

/* Something other than reading comes: a step of the program, in a process of its own. */
static void changes(const char *name, const void *site)
{
	if (!runtime_on())
		return;
	if (!isolate_need(name))
		runtime_uncontrolled(name);
	process_effect(site);
}

static void opens(const char *name, const char *path, bool writes, const void *site)
{
	if (!runtime_on())
		return;
	if (process)
		process->files_opened = true;
	if (path)
		runtime_access(path, strlen(path) + 1, false, site);
	if (writes)
		changes(name, site);
	else
		process_effect(site);
}

/* Descriptors and streams ------------------------------------------------------------------------------------------------------------- */

static enum file_use use_of(int flags)
{
	if ((flags & O_ACCMODE) == O_RDONLY && !(flags & (O_CREAT | O_TRUNC)))
		return FILE_READ;
	return flags & O_TRUNC ? FILE_MAKE : (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? FILE_NEW : FILE_WRITE;
}

static int open_file(const char *path, int flags, mode_t mode, const void *site)
{
	char room[PATH_MAX];
	opens("open (for writing)", path, use_of(flags) != FILE_READ, site);
	const char *real =
		runtime_on() ? files_path(path, use_of(flags), "open (for writing) outside of its folder", room) : path;
	return real ? open(real, flags, mode) : -1;
}

#define OPENS(name)                                                                     \
	TAKEN int explored_##name(const char *path, int flags, ...);                    \
	int explored_##name(const char *path, int flags, ...)                           \
	{                                                                               \
		va_list args;                                                           \
		va_start(args, flags);                                                  \
		mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
		va_end(args);                                                           \
		return open_file(path, flags, mode, SITE);                              \
	}
OPENS(open)
OPENS(open64)

TAKEN int explored_creat(const char *path, mode_t mode);
int explored_creat(const char *path, mode_t mode)
{
	return open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode, SITE);
}

static FILE *open_stream(const char *path, const char *mode, const void *site)
{
	char room[PATH_MAX];
	bool writes = mode[0] != 'r' || strchr(mode, '+') != NULL;
	enum file_use use = !writes ? FILE_READ : mode[0] == 'w' ? (strchr(mode, 'x') ? FILE_NEW : FILE_MAKE) : FILE_WRITE;
	opens("fopen (for writing)", path, writes, site);
	const char *real = runtime_on() ? files_path(path, use, "fopen (for writing) outside of its folder", room) : path;
	return real ? fopen(real, mode) : NULL;
}

TAKEN FILE *explored_fopen(const char *path, const char *mode);
FILE *explored_fopen(const char *path, const char *mode)
{
	return open_stream(path, mode, SITE);
}

TAKEN FILE *explored_fopen64(const char *path, const char *mode);
FILE *explored_fopen64(const char *path, const char *mode)
{
	return open_stream(path, mode, SITE);
}

TAKEN FILE *explored_tmpfile(void);
FILE *explored_tmpfile(void)
{
	opens("tmpfile", NULL, true, SITE);
	return tmpfile();
}

TAKEN int explored_pipe(int ends[2]);
int explored_pipe(int ends[2])
{
	opens("pipe", NULL, true, SITE);
	if (!runtime_on())
		return pipe(ends);
	runtime_access(ends, 2 * sizeof *ends, true, SITE);
	int status = pipe(ends);
	runtime_wrote();
	return status;
}

TAKEN int explored_close(int fd);
int explored_close(int fd)
{
	channel_closes(fd, SITE);
	/* The standard ones stay for the next execution, and so does what the explorer itself has open. */
	if (runtime_on() && process && fd >= 0 && fd < process->first_file)
		return 0;
	return close(fd);
}

TAKEN int explored_fclose(FILE *stream);
int explored_fclose(FILE *stream)
{
	if (runtime_on() && (stream == stdin || stream == stdout || stream == stderr))
		return 0;
	channel_closes(fileno(stream), SITE);
	return fclose(stream);
}

TAKEN ssize_t explored_pread(int fd, void *to, size_t bytes, off_t at);
ssize_t explored_pread(int fd, void *to, size_t bytes, off_t at)
{
	if (!runtime_on())
		return pread(fd, to, bytes, at);
	process_effect(SITE);
	char *copy = malloc(bytes + 1);
	ssize_t got = copy ? pread(fd, copy, bytes, at) : -1;
	if (got > 0) {
		runtime_access(to, (size_t)got, true, SITE);
		memcpy(to, copy, (size_t)got);
		runtime_wrote();
	}
	free(copy);
	return got;
}

TAKEN ssize_t explored_pwrite(int fd, const void *from, size_t bytes, off_t at);
ssize_t explored_pwrite(int fd, const void *from, size_t bytes, off_t at)
{
	if (runtime_on()) {
		runtime_access(from, bytes, false, SITE);
		process_effect(SITE);
	}
	return pwrite(fd, from, bytes, at);
}

/* Names ------------------------------------------------------------------------------------------------------------------------------- */

/* A function of one path. WHAT it does to the file decides whether it needs a process of its own. */
#define NAMED(type, name, use, failed, parameters, call)                                    \
	TAKEN type explored_##name parameters;                                              \
	type explored_##name parameters                                                     \
	{                                                                                   \
		char room[PATH_MAX];                                                        \
		const char *real = path;                                                    \
		if (runtime_on()) {                                                         \
			opens(#name, path, use != FILE_READ, SITE);                         \
			real = files_path(path, use, #name " outside of its folder", room); \
		}                                                                           \
		return real ? call : failed;                                                \
	}
NAMED(int, access, FILE_READ, -1, (const char *path, int mode), access(real, mode))
NAMED(int, unlink, FILE_REMOVE, -1, (const char *path), unlink(real))
NAMED(int, remove, FILE_REMOVE, -1, (const char *path), remove(real))
NAMED(int, rmdir, FILE_REMOVE, -1, (const char *path), rmdir(real))
NAMED(int, mkdir, FILE_NEW, -1, (const char *path, mode_t mode), mkdir(real, mode))
NAMED(int, mkfifo, FILE_NEW, -1, (const char *path, mode_t mode), mkfifo(real, mode))
NAMED(int, chmod, FILE_WRITE, -1, (const char *path, mode_t mode), chmod(real, mode))
NAMED(int, truncate, FILE_WRITE, -1, (const char *path, off_t bytes), truncate(real, bytes))

/* Into the private folder where that has one of this name; nothing is made by it. */
TAKEN int explored_chdir(const char *path);
int explored_chdir(const char *path)
{
	char room[PATH_MAX];
	if (!runtime_on())
		return chdir(path);
	runtime_access(path, strlen(path) + 1, false, SITE);
	changes("chdir", SITE);
	const char *real = files_path(path, FILE_READ, "chdir", room);
	return real ? chdir(real) : -1;
}

TAKEN int explored_rename(const char *from, const char *to);
int explored_rename(const char *from, const char *to)
{
	char one[PATH_MAX], other[PATH_MAX];
	if (!runtime_on())
		return rename(from, to);
	opens("rename", from, true, SITE);
	runtime_access(to, strlen(to) + 1, false, SITE);
	const char *real_from = files_path(from, FILE_REMOVE, "rename outside of its folder", one);
	const char *real_to = real_from ? files_path(to, FILE_MAKE, "rename outside of its folder", other) : NULL;
	return real_to ? rename(real_from, real_to) : -1;
}

/* A folder that is in both places would be seen in parts. */
TAKEN DIR *explored_opendir(const char *path);
DIR *explored_opendir(const char *path)
{
	char room[PATH_MAX];
	if (!runtime_on())
		return opendir(path);
	opens("opendir", path, false, SITE);
	if (isolate_on())
		runtime_uncontrolled("opendir where folders are stood in for");
	const char *real = files_path(path, FILE_READ, "opendir", room);
	return real ? opendir(real) : NULL;
}

#define LOOKS_AT(name)                                                       \
	TAKEN int explored_##name(const char *path, struct stat *to);        \
	int explored_##name(const char *path, struct stat *to)               \
	{                                                                    \
		char room[PATH_MAX];                                         \
		if (!runtime_on())                                           \
			return name(path, to);                               \
		opens(#name, path, false, SITE);                             \
		runtime_access(to, sizeof *to, true, SITE);                  \
		const char *real = files_path(path, FILE_READ, #name, room); \
		int status = real ? name(real, to) : -1;                     \
		runtime_wrote();                                             \
		return status;                                               \
	}
LOOKS_AT(stat)
LOOKS_AT(lstat)

/* The name is the C library's choice at random: here the first that is free, so that it is the same each time. */
static char *make_name(char *template, size_t behind, const char *name, const void *site, char *room, const char **real)
{
	size_t length = strlen(template);
	if (length < behind + 6 || strncmp(template + length - behind - 6, "XXXXXX", 6) != 0) {
		errno = EINVAL;
		return NULL;
	}
	opens(name, template, true, site);
	char *at = template + length - behind - 6;
	runtime_access(at, 6, true, site);
	for (unsigned i = 0; i < 1000000; i++) {
		char digits[8];
		snprintf(digits, sizeof digits, "%06u", i);
		memcpy(at, digits, 6);
		*real = files_path(template, FILE_NEW, name, room);
		if (*real ? faccessat(AT_FDCWD, *real, F_OK, AT_SYMLINK_NOFOLLOW) != 0 : errno != EEXIST)
			break;
	}
	runtime_wrote();
	return *real ? template : NULL;
}

TAKEN int explored_mkstemp(char *template);
int explored_mkstemp(char *template)
{
	char room[PATH_MAX];
	const char *real;
	if (!runtime_on())
		return mkstemp(template);
	return make_name(template, 0, "mkstemp", SITE, room, &real) ? open(real, O_RDWR | O_CREAT | O_EXCL, 0600) : -1;
}

TAKEN char *explored_mkdtemp(char *template);
char *explored_mkdtemp(char *template)
{
	char room[PATH_MAX];
	const char *real;
	if (!runtime_on())
		return mkdtemp(template);
	return make_name(template, 0, "mkdtemp", SITE, room, &real) && mkdir(real, 0700) == 0 ? template : NULL;
}
