/* SPDX-License-Identifier: MIT */
/* What a batch leaves behind:
 *
 *   results.jsonl   one line for each item; `results.partial.jsonl` until the batch has ended, and for ever if it was stopped or killed
 *   log.jsonl       the run log: loads, starts, ends, with timestamps; line by line, so that a killed run has its log too
 *   summary.json    the totals, written last
 *   audio/000001.wav …  one for each item that is done, named by item number; each is whole or not there
 *
 * Lines go out in one write each, to files opened for appending: the kernel keeps them whole, and no lock of ours orders the workers. */
#ifndef ONCEPROOF_OUTPUT_H
#define ONCEPROOF_OUTPUT_H

#include <pthread.h>
#include <stdatomic.h>

#include "batch.h"

enum { OUTPUT_LINE = 320 }; /* bytes of a line of results or log, at most */

/* A file of lines. */
struct journal {
	int fd; /* -1: lines go nowhere, as before output_begin */
};

/* Lines leave in item order: those that come early wait in a bounded window, and who is too far ahead waits for the others. */
struct reorder {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved;
	struct waiting_line *slots; /* owned; NULL: completion order */
	size_t window;
	uint64_t next;           /* item number that is due */
	unsigned users, waiting; /* threads that deliver; of them, those asleep until the window moves */
	uint64_t moves;          /* of the window */
};

struct output {
	char *directory; /* owned; NULL: nothing is written */
	int lock_fd;
	struct journal results, log;
	struct reorder reorder;
	_Atomic int error; /* errno value of the first failed write; relaxed: read after joining, or as a hint to stop */
	bool audio;
	bool made_directory, made_audio; /* by this batch: nobody's, should it not begin */
	bool replace;                    /* an earlier run's files */
};

/* Makes and locks the directory. USERS: threads that will write results. 0, or an errno value after a complaint. */
int output_open(struct output *o, const struct batch_options *options, unsigned users);

/* Opens the files and then, as nothing can go wrong any more, removes those of an earlier run where that was asked for. 0, or an errno
 * value after a complaint; then an earlier run is as it was. */
int output_begin(struct output *o);

/* One line of the log; any thread. */
void output_log(struct output *o, const char *line, size_t length);

/* The result line of item INDEX; any thread. */
void output_result(struct output *o, uint64_t index, const char *line, size_t length);

/* The calling thread will write no more results. */
void output_leave(struct output *o);

/* Writes an item's WAV file. 0 or an errno value (also noted as the output's error). */
int output_audio(struct output *o, uint64_t index, const unsigned char *wav, size_t bytes);

/* Ends the files; the results get their final name unless PARTIAL. Returns the first error that was met. */
int output_finish(struct output *o, bool partial);

/* Unlocks and frees. */
void output_close(struct output *o);

/* The same for a batch that did not begin: what was made for it goes too. */
void output_abandon(struct output *o);

/* "DIRECTORY/NAME", to be freed; NULL when out of memory. */
char *output_path(const char *directory, const char *name);

#endif
