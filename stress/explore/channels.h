/* SPDX-License-Identifier: MIT */
/* What threads pass to each other through descriptors: pipes and eventfds, as the system has them. A read knows what was written before,
 * so it orders as a lock does; other reads and writes (files, terminals) order nothing.
 *
 * A thread that reads where nothing is waits for the others. Not thread-safe.
 */
#ifndef ONCEPROOF_EXPLORE_CHANNELS_H
#define ONCEPROOF_EXPLORE_CHANNELS_H

#include <poll.h>
#include <sys/select.h>

/* Explored code is about to read from, or write to, FD: a step of its own, behind which the call does not wait. */
void channel_reads(int fd, const void *site);
void channel_writes(int fd, const void *site);
/* Or to close it. */
void channel_closes(int fd, const void *site);

/* The calls themselves, as of a process (process.h). MS: below 0, without a limit; else what is ready now, the time has passed. */
int channel_poll(struct pollfd *files, nfds_t count, int ms, const void *site);
int channel_select(int count, fd_set *reads, fd_set *writes, fd_set *others, int ms, const void *site);

#endif
