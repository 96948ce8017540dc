/* SPDX-License-Identifier: MIT */
/* The front end of a batch: hears every telling, notes what a user would see go wrong, and shows it.
 *
 * The order of tellings is the order in which they take effect on one word, by an atomic exchange: that is free of races whatever the
 * progress implementation does, and being relaxed it puts no order between the threads that tell. Only a front end that also writes
 * (a bar, a file) takes a lock around that, so that what it writes has the same order. */
#ifndef ONCEPROOF_SINK_H
#define ONCEPROOF_SINK_H

#include <pthread.h>
#include <stdatomic.h>

#include "batch.h"

struct sink {
	_Atomic uint64_t last; /* what was told last; SINK_NOTHING before the first */
	_Atomic uint64_t told, duplicate, gap, backwards;
	pthread_mutex_t lock; /* for fd and bar, where there are any */
	int fd;               /* progress as JSON lines, or -1 */
	bool made;            /* its file was not there before */
	bool bar;
	uint64_t bar_ns; /* when the bar was last drawn; guarded by lock */
	uint64_t start_ns;
	_Atomic int error; /* errno value of the first failed write */
};

#define SINK_NOTHING UINT64_MAX

/* Opens the file. 0, or an errno value after a complaint. */
int sink_open(struct sink *s, const struct batch_options *options);

/* The batch begins, with so many items in all. */
void sink_begin(struct sink *s, uint64_t total);

/* The `tell` of a progress_sink; ARG is the sink. Any thread. */
void sink_tell(void *arg, uint64_t done, uint64_t total);

/* Draws the last state and closes the file. FINISHED items were worked on: the number that should have been told last. */
int sink_close(struct sink *s, uint64_t finished, uint64_t total, struct batch_summary *summary);

/* Instead of sink_close, for a batch that did not begin: a file that was made for it goes too. */
void sink_abandon(struct sink *s, const struct batch_options *options);

#endif
