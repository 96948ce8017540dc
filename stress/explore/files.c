/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate.h"
#include "memory.h"
#include "runtime.h"

enum { OPEN_AT_ONCE = 16 };

/* What has a private folder in its place. Names in it that begin so are out of a program's way. */
static const struct {
	const char *real, *private;
} roots[] = {{"/tmp", ".explored-tmp"}, {"/var/tmp", ".explored-var-tmp"}, {"/dev/shm", ".explored-shm"}};

/* Written to without leaving a trace. */
static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full"};

struct files {
	char folder[PATH_MAX], user[PATH_MAX]; /* without links, without a '/' at the end */
	bool used;                             /* in this execution something was made in the folder; children say so */
};

static struct files *files; /* set once, by files_start; shared with the children */

int files_start(void)
{
	struct files *made = memory_map(sizeof *made);
	if (!made)
		return ENOMEM;
	ssize_t length = readlink("/proc/self/exe", made->folder, sizeof made->folder - 64);
	char *slash = length > 0 ? strrchr(made->folder, '/') : NULL;
	if (!slash || !getcwd(made->user, sizeof made->user))
		return errno;
	snprintf(slash, 64, "/work-%ld", (long)getpid());
	if (mkdir(made->folder, 0700) != 0 || chdir(made->folder) != 0)
		return errno;
	files = made;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info;
	if (at->level > 0)
		(kind == FTW_DP || kind == FTW_D ? rmdir : unlink)(path);
	return 0;
}

static int make_accessible(const char *path, const struct stat *info, int kind, struct FTW *at)
{
	(void)info;
	(void)at;
	if (kind == FTW_D || kind == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

static void empty(void)
{
	nftw(files->folder, make_accessible, OPEN_AT_ONCE, FTW_PHYS);
	nftw(files->folder, remove_one, OPEN_AT_ONCE, FTW_PHYS | FTW_DEPTH);
}

void files_empty(void)
{
	if (files && files->used) {
		files->used = false;
		empty();
	}
}

void files_end(void)
{
	if (!files)
		return;
	empty();
	rmdir(files->folder);
}

static bool begins(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]);
}

/* Puts PATH, seen from FROM, into TO without "." and ".." and double '/'; links stay. */
static bool normalise(const char *from, const char *path, char *to)
{
	char whole[2 * PATH_MAX];
	snprintf(whole, sizeof whole, "%s/%s", *path == '/' ? "" : from, path);
	size_t used = 0;
	for (char *rest = NULL, *part = strtok_r(whole, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			while (used && to[--used] != '/')
				continue;
			continue;
		}
		size_t length = strlen(part);
		if (used + 1 + length >= PATH_MAX)
			return false;
		to[used++] = '/';
		memcpy(to + used, part, length);
		used += length;
	}
	if (!used)
		to[used++] = '/';
	to[used] = '\0';
	return true;
}

/* Where the user would see the private PATH. */
static void to_real(const char *path, char *to)
{
	const char *rest = path + strlen(files->folder);
	rest += *rest == '/';
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		if (begins(rest, roots[i].private)) {
			snprintf(to, PATH_MAX, "%s%s", roots[i].real, rest + strlen(roots[i].private));
			return;
		}
	snprintf(to, PATH_MAX, "%s%s%s", files->user, *rest ? "/" : "", rest);
}

/* The private path of the real one; false: there is none. */
static bool to_private(const char *real, char *to)
{
	if (begins(real, files->user))
		return snprintf(to, PATH_MAX, "%s%s", files->folder, real + strlen(files->user)) < PATH_MAX;
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		if (begins(real, roots[i].real))
			return snprintf(to, PATH_MAX, "%s/%s%s", files->folder, roots[i].private, real + strlen(roots[i].real)) <
			       PATH_MAX;
	return false;
}

static bool exists(const char *path)
{
	struct stat info;
	return lstat(path, &info) == 0;
}

/* Folders that really are there are also in the private one, as soon as something is made in them. */
static void make_parents(char *private)
{
	size_t start = strlen(files->folder);
	for (char *slash = strchr(private + start + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		char behind[PATH_MAX];
		struct stat info;
		*slash = '\0';
		to_real(private, behind);
		if (!exists(private) && stat(behind, &info) == 0 && S_ISDIR(info.st_mode))
			mkdir(private, 0700);
		*slash = '/';
	}
}

/* Does the folder that PATH lies in, its links followed, and the file itself if it is a link, lie in the private one? */
static bool stays(const char *path)
{
	char parent[PATH_MAX], found[PATH_MAX];
	struct stat info;
	snprintf(parent, sizeof parent, "%s", path);
	char *slash = strrchr(parent, '/');
	if (strcmp(path, files->folder) == 0)
		return true;
	if (slash)
		*slash = '\0';
	/* What is not there cannot be written to either: opening it says so. */
	if (realpath(parent, found) && !begins(found, files->folder))
		return false;
	if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode))
		return true;
	return realpath(path, found) && begins(found, files->folder);
}

static bool copy(const char *from, const char *to)
{
	char chunk[65536];
	struct stat info;
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	if (in >= 0 && fstat(in, &info) == 0 && S_ISREG(info.st_mode))
		out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, info.st_mode & 07777);
	ssize_t got = -1;
	while (out >= 0 && (got = read(in, chunk, sizeof chunk)) > 0)
		if (write(out, chunk, (size_t)got) != got)
			break;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return got == 0;
}

static const char *refuse(const char *name)
{
	runtime_uncontrolled(name);
	errno = EROFS;
	return NULL;
}

const char *files_path(const char *path, enum file_use use, const char *name, char *to)
{
	char here[PATH_MAX], real[PATH_MAX];
	if (!files || !isolate_is_child())
		return path;
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
		if (strcmp(path, devices[i]) == 0 && use != FILE_REMOVE)
			return path;
	if (!*path || !getcwd(here, sizeof here) || strlen(path) >= PATH_MAX) {
		errno = *path ? ENAMETOOLONG : ENOENT;
		return NULL;
	}
	if (begins(here, files->folder)) {
		char seen[PATH_MAX];
		to_real(here, seen);
		snprintf(here, sizeof here, "%s", seen);
	}
	if (!normalise(here, path, real)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (!to_private(real, to))
		return use == FILE_READ ? strcpy(to, real) : refuse(name);
	if (use == FILE_READ)
		return exists(to) ? to : strcpy(to, real);
	files->used = true;
	make_parents(to);
	if (!stays(to))
		return refuse(name);
	if (exists(to) || !exists(real))
		return to;
	if (use == FILE_NEW) {
		errno = EEXIST;
		return NULL;
	}
	if (use == FILE_REMOVE || (use == FILE_WRITE && !copy(real, to)))
		return refuse(name);
	return to;
}
