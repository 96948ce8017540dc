/* SPDX-License-Identifier: MIT */
/* What a contained program sees of the files: everything, read-only; and in the folders where programs write, an overlay whose upper side
 * is in memory and goes with the namespace. Devices are the harmless ones; /proc shows its own processes.
 *
 * An overlay shows one file system, nothing that is mounted below. So it is laid over the highest folder on the way to the wanted one that
 * has no mount below it, or for root few, which are put back. Who is not root outside may not even look under the mounts that there were:
 * then the wanted folder itself, if it has such, stays read-only. */
#include "contain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { MOUNTS_BYTES = 1 << 18, MOUNTS_MAX = 2048, PLACES_MAX = 8, TREES_MAX = 16 };
static const uint64_t scratch_bytes_least = (uint64_t)64 << 20;
/* In front of the old /dev until the new one covers it: a folder that is always there, and where nobody keeps files. */
static const char scratch[] = "/dev";

struct place {
	char path[PATH_MAX];
	int lower;
};

/* Static, because a stack may be small; in the keeper's own copy of the process. */
static struct {
	char text[MOUNTS_BYTES];
	const char *at[MOUNTS_MAX];
	size_t count;
	struct place places[PLACES_MAX];
	size_t place_count;
} world;

/* Lines of proc_pid_mountinfo(5): the fifth word is where; blanks and '\\' stand there as "\ooo". */
static void read_mounts(void)
{
	size_t length = 0;
	ssize_t got = 0;
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && length < sizeof world.text - 1 &&
		(got = read(fd, world.text + length, sizeof world.text - 1 - length)) > 0)
		length += (size_t)got;
	if (fd >= 0)
		close(fd);
	world.text[length] = '\0';
	char *save = NULL;
	for (char *line = strtok_r(world.text, "\n", &save); line && world.count < MOUNTS_MAX;
		line = strtok_r(NULL, "\n", &save)) {
		char *from = line;
		for (int word = 0; word < 4 && from; word++)
			from = strchr(from, ' ') ? strchr(from, ' ') + 1 : NULL;
		if (!from)
			continue;
		from[strcspn(from, " ")] = '\0';
		char *to = from;
		world.at[world.count++] = from;
		for (; *from; from++, to++) {
			*to = *from;
			if (from[0] == '\\' && from[1] && from[2] && from[3]) {
				*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
				from += 3;
			}
		}
		*to = '\0';
	}
}

static bool below(const char *path, const char *root)
{
	size_t length = strlen(root);
	return strncmp(path, root, length) == 0 && path[length] == '/';
}

static size_t mounts_below(const char *folder)
{
	size_t count = 0;
	for (size_t i = 0; i < world.count; i++)
		count += below(world.at[i], folder);
	return count;
}

static bool covered(const char *folder)
{
	for (size_t i = 0; i < world.place_count; i++)
		if (strcmp(folder, world.places[i].path) == 0 || below(folder, world.places[i].path))
			return true;
	return false;
}

/* Chooses where the overlay for WANTED goes, which is absolute and without links; NULL is none. MOUNTS: that many below can be put back. */
static void choose(const char *wanted, size_t mounts)
{
	static const char *const never[] = {"/proc", "/sys", "/dev"};
	struct place *place = &world.places[world.place_count];
	const char *folder = wanted;
	if (!wanted || strcmp(folder, "/") == 0 || world.place_count == PLACES_MAX)
		return;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (strcmp(folder, never[i]) == 0 || below(folder, never[i]))
			return;
	for (const char *end = strchr(folder + 1, '/');; end = strchr(end + 1, '/')) {
		snprintf(place->path, sizeof place->path, "%.*s", end ? (int)(end - folder) : PATH_MAX - 1, folder);
		if (covered(place->path))
			return;
		if (!end || mounts_below(place->path) <= mounts)
			break;
	}
	place->lower = open(place->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place->lower < 0)
		return;
	/* Those above come first, or they would hide it. */
	struct place last = *place;
	size_t at = world.place_count++;
	for (; at > 0 && below(world.places[at - 1].path, last.path); at--)
		world.places[at] = world.places[at - 1];
	world.places[at] = last;
}

static int clone_tree(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static void make_folders(const char *path)
{
	char folder[PATH_MAX];
	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(end - path), path);
		mkdir(folder, 0755);
	}
	mkdir(path, 0755);
}

/* An empty folder over a place that may not be looked through: so /tmp is at least a place to write. 0, or an errno value. */
static int put_empty(const struct place *place, const char *here, size_t number)
{
	char upper[64];
	snprintf(upper, sizeof upper, "%s/u%zu", scratch, number);
	if (strcmp(place->path, "/tmp") != 0 || (here && strcmp(place->path, here) == 0))
		return EINVAL;
	return mkdir(upper, 0700) == 0 && chmod(upper, 01777) == 0 && mount(upper, place->path, NULL, MS_BIND, NULL) == 0 ? 0
															  : errno;
}

/* 0, or an errno value. */
static int lay_over(const struct place *place, size_t number)
{
	char upper[64], work[64], options[256];
	int trees[TREES_MAX], error;
	const char *where[TREES_MAX];
	size_t tree_count = 0;
	struct stat info;
	for (size_t i = 0; i < world.count && tree_count < TREES_MAX; i++)
		if (below(world.at[i], place->path)) {
			where[tree_count] = world.at[i];
			trees[tree_count++] = clone_tree(world.at[i]);
		}
	snprintf(upper, sizeof upper, "%s/u%zu", scratch, number);
	snprintf(work, sizeof work, "%s/w%zu", scratch, number);
	if (fstat(place->lower, &info) != 0 || mkdir(upper, 0700) != 0 || mkdir(work, 0700) != 0)
		return errno;
	/* The folder itself looks like the upper one. An owner who is not known in here stays away. */
	int owned = chown(upper, info.st_uid, info.st_gid);
	(void)owned;
	chmod(upper, info.st_mode & 07777);
	for (int try = 0; try < 2; try++) {
		/* By descriptor: names may have commas and colons. */
		snprintf(options, sizeof options, "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s%s", place->lower, upper, work,
			try ? ",userxattr" : "");
		error = mount("overlay", place->path, "overlay", MS_NOSUID | MS_NODEV, options) == 0 ? 0 : errno;
		if (!error)
			break;
	}
	for (size_t i = 0; i < tree_count; i++) {
		if (!error && trees[i] >= 0)
			syscall(SYS_move_mount, trees[i], "", AT_FDCWD, where[i], MOVE_MOUNT_F_EMPTY_PATH);
		if (trees[i] >= 0)
			close(trees[i]);
	}
	return error;
}

static void bind(const char *from, const char *to)
{
	mount(from, to, NULL, MS_BIND, NULL);
}

static void bind_read_only(const char *path)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) == 0)
		mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
enum { DEVICES = sizeof devices / sizeof *devices };

/* A /dev with nothing that could harm, over the scratch file system, which nobody sees any more. OLD: descriptors of the devices. */
static void make_devices(const int old[DEVICES])
{
	static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"}, {"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"}, {"pts/ptmx", "/dev/ptmx"}};
	char folder[64], from[64], to[64];
	snprintf(folder, sizeof folder, "%s/dev", scratch);
	if (mkdir(folder, 0755) != 0 || mount(folder, "/dev", NULL, MS_BIND, NULL) != 0)
		return;
	for (size_t i = 0; i < DEVICES; i++) {
		snprintf(from, sizeof from, "/proc/self/fd/%d", old[i]);
		snprintf(to, sizeof to, "/dev/%s", devices[i]);
		int fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
		if (fd >= 0)
			close(fd);
		if (old[i] >= 0)
			bind(from, to);
	}
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
	mkdir("/dev/shm", 0700);
	chmod("/dev/shm", 01777);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (symlink(links[i][0], links[i][1]) != 0)
			continue;
}

static void make_proc(struct contain_keeper *keeper)
{
	keeper->fresh_proc = mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
	keeper->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Where root of the machine may write in /proc, whatever its rights in a user namespace. */
static void protect_kernel(void)
{
	static const char *const kernel[] = {
		"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"};
	for (size_t i = 0; i < sizeof kernel / sizeof *kernel; i++)
		bind_read_only(kernel[i]);
}

/* Services that would do outside what a program may not: message buses, the service manager, engines of containers. */
static void hide_services(void)
{
	static const char *const folders[] = {"/run/user", "/run/dbus", "/run/systemd", "/run/podman", "/run/containerd"};
	static const char *const sockets[] = {"/run/docker.sock", "/run/snapd.socket", "/run/crio/crio.sock"};
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		if (access(folders[i], F_OK) == 0)
			mount("tmpfs", folders[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=4k");
	for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
		if (access(sockets[i], F_OK) == 0)
			bind("/dev/null", sockets[i]);
}

/* Everything that is mounted, without a way back; since Linux 5.12. */
static bool make_read_only(void)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	return syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes) == 0;
}

/* Root is never refused a process for their number, so the numbers of the namespace are made scarce: possible since Linux 6.14, before which
 * this file was about the whole machine. The first 300 are not given twice. */
static void limit_numbers(const struct contain_keeper *keeper)
{
	unsigned processes = keeper->start->options->limits->processes, major = 0, minor = 0;
	struct utsname kernel;
	if (geteuid() != 0 || !processes || !keeper->fresh_proc)
		return;
	if (uname(&kernel) == 0 && sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 14))) {
		int fd = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			dprintf(fd, "%u", 301 + processes + CONTAIN_SLACK_PROCESSES);
		if (fd >= 0)
			close(fd);
	} else {
		/* Then the keeper must get its turn among however many. */
		const struct sched_param first = {.sched_priority = 1};
		sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
	}
}

void contain_files(struct contain_keeper *keeper)
{
	const struct contain_start *start = keeper->start;
	uint64_t file_bytes = start->options->limits->file_bytes;
	char text[64];
	int old[DEVICES];
	read_mounts();
	for (size_t i = 0; i < CONTAIN_PLACES; i++)
		choose(start->places[i], keeper->own_user ? 0 : TREES_MAX);
	for (size_t i = 0; i < DEVICES; i++) {
		snprintf(text, sizeof text, "/dev/%s", devices[i]);
		old[i] = open(text, O_PATH | O_CLOEXEC);
	}
	bool own = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, kept = own && make_read_only();
	if (own)
		make_proc(keeper);
	limit_numbers(keeper);
	snprintf(text, sizeof text, "size=%llu,mode=0700",
		(unsigned long long)(file_bytes > scratch_bytes_least ? file_bytes : scratch_bytes_least));
	if (!kept || mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, text) != 0) {
		keeper->lacks |= LACKS_FILES;
		return;
	}
	keeper->scratch = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < world.place_count; i++) {
		const struct place *place = &world.places[i];
		/* Who is not root outside may not lay bare what is below a mount. */
		bool closed = keeper->own_user && mounts_below(place->path) > 0;
		make_folders(place->path);
		if ((closed ? put_empty(place, start->places[0], i) : lay_over(place, i)) != 0 && start->places[0] &&
			(strcmp(start->places[0], place->path) == 0 || below(start->places[0], place->path)))
			keeper->lacks |= LACKS_WRITING;
	}
	make_devices(old);
	hide_services();
	if (geteuid() == 0)
		protect_kernel();
	/* The current folder is the one below the overlay. */
	if (start->places[0] && chdir(start->places[0]) != 0)
		keeper->lacks |= LACKS_WRITING;
}
