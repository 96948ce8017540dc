/* SPDX-License-Identifier: MIT */
/* The keeper's work while the program runs. */
#include "contain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20, NO_PIDFD_MS = 2, SEEN_MAX = 8192, KILL_TURNS = 200 };

struct seen {
	int pid, parent;
	unsigned threads;
	uint64_t bytes;
	bool own; /* of the program */
};

/* Static: in the keeper's own copy of the process. */
static struct {
	struct seen at[SEEN_MAX];
	size_t count;
	bool more;
} seen;

static bool read_at(int folder, const char *path, char *text, size_t bytes)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, bytes - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* proc_pid_stat(5): behind the name in brackets comes the third word. */
static bool read_process(int proc, const char *name, struct seen *process)
{
	char path[64], text[1024];
	long pages = 0, threads = 0;
	snprintf(path, sizeof path, "%.20s/stat", name);
	if (!read_at(proc, path, text, sizeof text))
		return false;
	const char *at = strrchr(text, ')');
	*process = (struct seen){.pid = atoi(name)};
	if (!at || sscanf(at + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %*u %*u %ld",
			   &process->parent, &threads, &pages) != 3)
		return false;
	process->threads = (unsigned)threads;
	process->bytes = (uint64_t)(pages > 0 ? pages : 0) * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* One entry of a folder, as getdents64(2) gives it. */
struct entry {
	uint64_t node;
	int64_t next;
	unsigned short bytes;
	unsigned char kind;
	char name[];
};

static void list_processes(int proc)
{
	static char entries[1 << 16] __attribute__((aligned(8)));
	long got;
	seen.count = 0;
	seen.more = false;
	lseek(proc, 0, SEEK_SET);
	/* Not opendir: it would allocate memory. */
	while ((got = syscall(SYS_getdents64, proc, entries, sizeof entries)) > 0)
		for (long at = 0; at < got; at += ((struct entry *)(void *)(entries + at))->bytes) {
			const struct entry *entry = (const struct entry *)(const void *)(entries + at);
			if (entry->name[0] < '1' || entry->name[0] > '9')
				continue;
			seen.more |= seen.count == SEEN_MAX;
			if (seen.count < SEEN_MAX && read_process(proc, entry->name, &seen.at[seen.count]))
				seen.count++;
		}
}

/* Which of them are the program's: in a namespace of our own all but us, else what descends from us. */
static void find_own(const struct contain_keeper *keeper)
{
	char self[32] = "";
	ssize_t length = readlinkat(keeper->proc, "self", self, sizeof self - 1);
	int us = length > 0 ? atoi(self) : -1;
	list_processes(keeper->proc);
	for (bool found = true; found;) {
		found = false;
		for (size_t i = 0; i < seen.count; i++) {
			struct seen *process = &seen.at[i];
			bool own = process->pid != us && (keeper->fresh_proc || process->parent == us);
			for (size_t j = 0; j < seen.count && !own && !process->own; j++)
				own = seen.at[j].own && seen.at[j].pid == process->parent;
			found |= own && !process->own;
			process->own |= own;
		}
		if (keeper->fresh_proc)
			break;
	}
}

/* Bytes of WHAT ("Pss:") in the summary of a process's mappings; 0 where it cannot be read. */
static uint64_t mapped(int proc, int pid, const char *what)
{
	char path[64], text[2048];
	snprintf(path, sizeof path, "%d/smaps_rollup", pid);
	const char *at = read_at(proc, path, text, sizeof text) ? strstr(text, what) : NULL;
	return at ? strtoull(at + strlen(what), NULL, 10) * 1024 : 0;
}

/* Is it over its memory? Resident memory counts a page once for each process that has it, which is quick to read; only when that is too
 * much, pages are counted by their share. Files that it wrote are in memory, too. */
static bool over_memory(const struct contain_keeper *keeper, uint64_t most)
{
	uint64_t sum = 0, files = 0, own = 0, shared = 0;
	struct statfs info;
	if (keeper->scratch >= 0 && fstatfs(keeper->scratch, &info) == 0)
		files = (uint64_t)(info.f_blocks - info.f_bfree) * (uint64_t)info.f_bsize;
	for (size_t i = 0; i < seen.count; i++)
		sum += seen.at[i].own ? seen.at[i].bytes : 0;
	if (sum + files <= most)
		return false;
	for (size_t i = 0; i < seen.count; i++) {
		if (!seen.at[i].own)
			continue;
		uint64_t share = mapped(keeper->proc, seen.at[i].pid, "\nPss:");
		struct seen again = {0};
		char name[16];
		snprintf(name, sizeof name, "%d", seen.at[i].pid);
		/* One that cannot be looked into counts in full, unless it has just ended. */
		if (!share && read_process(keeper->proc, name, &again))
			share = again.bytes;
		own += share;
		shared += mapped(keeper->proc, seen.at[i].pid, "\nPss_Shmem:");
	}
	/* Shared mappings may be of those very files. */
	return own + (files > shared ? files - shared : 0) > most;
}

static enum contain_limit over(const struct contain_keeper *keeper)
{
	const struct child_limits *limits = keeper->start->options->limits;
	unsigned processes = 0;
	if (keeper->proc < 0 || (!limits->memory_bytes && !limits->processes))
		return LIMIT_NONE;
	find_own(keeper);
	for (size_t i = 0; i < seen.count; i++)
		processes += seen.at[i].own ? seen.at[i].threads : 0;
	if (limits->processes && (seen.more || processes > limits->processes))
		return LIMIT_PROCESSES;
	if (limits->memory_bytes && over_memory(keeper, limits->memory_bytes))
		return LIMIT_MEMORY;
	return LIMIT_NONE;
}

/* All that descends from us; stopped first, so that it makes no more while it is killed. */
static void kill_all(const struct contain_keeper *keeper)
{
	if (keeper->own_space) {
		kill(-1, SIGKILL);
		return;
	}
	for (int turn = 0; turn < KILL_TURNS; turn++) {
		find_own(keeper);
		for (size_t i = 0; i < seen.count; i++)
			if (seen.at[i].own)
				kill(seen.at[i].pid, SIGSTOP);
		find_own(keeper);
		for (size_t i = 0; i < seen.count; i++)
			if (seen.at[i].own)
				kill(seen.at[i].pid, SIGKILL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		poll(NULL, 0, 5);
	}
}

/* Reaps what has ended. True: the program is among it; *STATUS. */
static bool reap(pid_t program, int *status)
{
	bool ended = false;
	int one;
	for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;)
		if (pid == program) {
			*status = one;
			ended = true;
		}
	return ended;
}

/* False: everything is to be killed. */
static bool obey(int orders, pid_t program)
{
	char order = 0;
	ssize_t got = read(orders, &order, 1);
	if (got == 1 && order == 'i')
		kill(-program, SIGINT);
	return got == 1 && order == 'i';
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void contain_watch(struct contain_keeper *keeper, pid_t program)
{
	struct pollfd polled[2] = {{keeper->start->orders, POLLIN, 0}, {(int)syscall(SYS_pidfd_open, program, 0), POLLIN, 0}};
	int status = 0;
	int64_t looked = now_ms();
	enum contain_limit limit = LIMIT_NONE;
	bool ended = false, killed = false;
	while (!ended && !killed && !limit) {
		polled[0].revents = polled[1].revents = 0;
		poll(polled, 2, polled[1].fd >= 0 ? LOOK_MS : NO_PIDFD_MS);
		ended = reap(program, &status);
		killed = polled[0].revents && !obey(keeper->start->orders, program);
		if (!ended && !killed && now_ms() - looked >= LOOK_MS) {
			limit = over(keeper);
			looked = now_ms();
		}
	}
	kill_all(keeper);
	if (limit)
		contain_say(keeper->start->told, SAYS_STOPPED, (int)limit);
	if (ended)
		contain_say(keeper->start->told, SAYS_STATUS, status);
}
