/* SPDX-License-Identifier: MIT */
/* One run at a time in a directory, and no run over the results of another. The lock is the kernel's, on the directory itself: it
 * leaves no file behind and ends with the process, however that ends. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/file.h"
#include "../support/say.h"
#include "batch.h"

static const char *const ours[] = {"results.jsonl", "results.partial.jsonl", "log.jsonl", "summary.json"};
enum { OURS = sizeof ours / sizeof *ours };

/* "batch-0001": the folder of one batch of several. */
static bool is_batch(const char *name)
{
	if (strncmp(name, "batch-", 6) != 0 || !name[6])
		return false;
	for (name += 6; isdigit((unsigned char)*name); name++)
		;
	return *name == '\0';
}

/* "000001.wav" or "000001.wav.part". */
static bool is_audio(const char *name)
{
	const char *rest = name;
	while (isdigit((unsigned char)*rest))
		rest++;
	return rest - name >= 6 && (strcmp(rest, ".wav") == 0 || strcmp(rest, ".wav.part") == 0);
}

/* Opens the folder NAME inside directory FD for listing. */
static DIR *list(int fd, const char *name)
{
	int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = inner < 0 ? NULL : fdopendir(inner);
	if (inner >= 0 && !dir)
		close(inner);
	return dir;
}

static bool holds_a_run(int fd)
{
	for (size_t i = 0; i < OURS; i++)
		if (faccessat(fd, ours[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	DIR *dir = list(fd, ".");
	bool found = false;
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
		found = is_batch(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

void batch_clear_directory(int fd)
{
	for (size_t i = 0; i < OURS; i++)
		unlinkat(fd, ours[i], 0);
	DIR *audio = list(fd, "audio");
	for (struct dirent *entry; audio && (entry = readdir(audio));)
		if (is_audio(entry->d_name))
			unlinkat(dirfd(audio), entry->d_name, 0);
	if (audio) {
		closedir(audio);
		unlinkat(fd, "audio", AT_REMOVEDIR);
	}
	DIR *dir = list(fd, ".");
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		int inner =
			is_batch(entry->d_name) ? openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
		if (inner < 0)
			continue;
		if (flock(inner, LOCK_EX | LOCK_NB) == 0) {
			batch_clear_directory(inner);
			unlinkat(fd, entry->d_name, AT_REMOVEDIR);
		}
		close(inner);
	}
	if (dir)
		closedir(dir);
}

int batch_lock_directory(const char *directory, bool force)
{
	int why = strlen(directory) > 4000 ? ENAMETOOLONG : make_directories(directory);
	int fd = why ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!why && fd < 0)
		why = errno;
	if (!why && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		why = errno;
	if (why) {
		complain("%s: cannot use as output directory: %s: choose another with --out", directory, strerror(why));
		if (fd >= 0)
			close(fd);
		return -why;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		why = errno == EWOULDBLOCK ? EBUSY : errno;
		if (why == EBUSY)
			complain("%s: another run is writing there: wait for it, or choose another directory with --out",
				directory);
		else
			complain("%s: cannot be locked: %s: choose a directory on a local disk", directory, strerror(why));
		close(fd);
		return -why;
	}
	if (!force && holds_a_run(fd)) {
		complain("%s: holds the results of an earlier run: choose another directory with --out, or replace them with "
			 "--force",
			directory);
		close(fd);
		return -EEXIST;
	}
	return fd;
}
