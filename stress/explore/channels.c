/* SPDX-License-Identifier: MIT */
#include "channels.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "process.h"
#include "runtime.h"

/* Is FD passed through by this process's threads alone? Only then does nobody else end a wait for it. */
static bool is_channel(int fd)
{
	char name[40], target[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ssize_t bytes = readlink(name, target, sizeof target - 1);
	if (bytes <= 0)
		return false;
	target[bytes] = '\0';
	return strncmp(target, "pipe:[", strlen("pipe:[")) == 0 || strcmp(target, "anon_inode:[eventfd]") == 0;
}

static enum applied count(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = (uint32_t)(value + 1);
	return APPLIED_WRITE;
}

/* All channels are one object: which of them are the same the system knows, and more order than there is hides at most a race. */
static void step(enum order order, const void *site)
{
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = STEP_OTHER,
		.order = (uint8_t)order,
		.order_failed = ORDER_RELAXED,
		.chain = true,
		.bytes = 4,
		.address = (uintptr_t)&process->channel_cell,
		.apply = count,
		.site = site};
	runtime_enter();
	process->turns++;
	runtime_perform(&op, 0, NULL, NULL, NULL);
}

struct wanted {
	struct pollfd *files;
	nfds_t count;
};

static bool is_ready(void *arg, event_id *from)
{
	const struct wanted *wanted = arg;
	*from = 0;
	return poll(wanted->files, wanted->count, 0) != 0;
}

static void describe(void *arg, char *text, size_t bytes)
{
	const struct wanted *wanted = arg;
	snprintf(text, bytes, "waits for descriptor %d", wanted->files[0].fd);
}

/* Not modelled: an exhaustive search does not see what ends the wait, so it ends there and proves nothing. */
static void wait_for(struct pollfd *files, nfds_t count, const void *site)
{
	struct wanted wanted = {files, count};
	event_id from;
	if (is_ready(&wanted, &from))
		return;
	runtime_uncontrolled("a wait for a pipe");
	if (runtime->graph->full)
		runtime_stop(ENDING_CUT);
	runtime_wait(STEP_OTHER, site, is_ready, describe, &wanted);
}

void channel_reads(int fd, const void *site)
{
	if (!runtime_on() || !process || !is_channel(fd)) {
		process_effect(site);
		return;
	}
	struct pollfd file = {.fd = fd, .events = POLLIN};
	if (!(fcntl(fd, F_GETFL) & O_NONBLOCK))
		wait_for(&file, 1, site);
	step(ORDER_ACQUIRE, site);
}

void channel_writes(int fd, const void *site)
{
	if (!runtime_on() || !process || !is_channel(fd)) {
		process_effect(site);
		return;
	}
	struct pollfd file = {.fd = fd, .events = POLLOUT};
	int flags = fcntl(fd, F_GETFL);
	if (!(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDONLY)
		wait_for(&file, 1, site);
	step(ORDER_RELEASE, site);
}

void channel_closes(int fd, const void *site)
{
	if (!runtime_on() || !process || !is_channel(fd))
		process_effect(site);
	else
		step(ORDER_RELEASE, site);
}

/* Signals that come are the explorer's own. */
static int poll_whole(struct pollfd *files, nfds_t count, int ms)
{
	int ready;
	do
		ready = poll(files, count, ms);
	while (ready < 0 && errno == EINTR);
	return ready;
}

/* The wait, and the step. */
static int poll_all(struct pollfd *files, nfds_t count, int ms, const void *site)
{
	bool ours = true;
	for (nfds_t i = 0; i < count; i++)
		ours &= files[i].fd < 0 || is_channel(files[i].fd);
	if (ms < 0 && ours)
		wait_for(files, count, site);
	step(ORDER_ACQUIRE, site);
	return poll_whole(files, count, ours || ms >= 0 ? 0 : -1);
}

int channel_poll(struct pollfd *files, nfds_t count, int ms, const void *site)
{
	struct pollfd *copy = calloc(count + 1, sizeof *copy);
	if (!copy) {
		errno = ENOMEM;
		return -1;
	}
	runtime_access(files, count * sizeof *files, false, site);
	memcpy(copy, files, count * sizeof *files);
	int ready = poll_all(copy, count, ms, site);
	runtime_access(files, count * sizeof *files, true, site);
	memcpy(files, copy, count * sizeof *files);
	runtime_wrote();
	free(copy);
	return ready;
}

/* What SET says of FILE, in the words of poll. */
static short wants(int file, const fd_set *set, short event)
{
	return set && FD_ISSET(file, set) ? event : 0;
}

int channel_select(int count, fd_set *reads, fd_set *writes, fd_set *others, int ms, const void *site)
{
	struct pollfd files[FD_SETSIZE];
	nfds_t wanted = 0;
	for (int i = 0; i < count && i < FD_SETSIZE; i++) {
		short events = (short)(wants(i, reads, POLLIN) | wants(i, writes, POLLOUT) | wants(i, others, POLLPRI));
		if (events)
			files[wanted++] = (struct pollfd){.fd = i, .events = events};
	}
	poll_all(files, wanted, ms, site);
	fd_set *const sets[] = {reads, writes, others};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (sets[i])
			runtime_access(sets[i], ((size_t)count + 7) / 8, true, site);
	struct timeval none = {0};
	int ready = select(count, reads, writes, others, &none);
	runtime_wrote();
	return ready;
}
