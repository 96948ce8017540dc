/* SPDX-License-Identifier: MIT */
/* A file from which a long run goes on after any kind of end: what is final of it, and what its searches have done (explore/journal.h).
 *
 * Only whole frames are taken from it, and only this process writes to it, while it holds a lock: a run that is killed at any moment, or
 * for which the disk is full, loses what it did last and nothing else. A file of another program, other options or another version is
 * refused as a whole: what it is of stands in it.
 */
#ifndef ONCEPROOF_CHECKPOINT_H
#define ONCEPROOF_CHECKPOINT_H

#include <jansson.h>
#include <stdbool.h>

struct checkpoint;

/* Opens PATH, or makes it. IDENTITY (borrowed): an object whose members say what the file is a checkpoint of; each must be equal for the
 * file to be used. RESUME: what is in it is taken over; a file that is not there yet is a beginning. Without RESUME the file must not be
 * there. Searches tell what they did every EVERY_S seconds. NULL after one complaint. */
struct checkpoint *checkpoint_open(const char *path, const json_t *identity, bool resume, double every_s);

/* The identity of the file PATH, a new reference; NULL: there is none yet, or it is no checkpoint. */
json_t *checkpoint_identity(const char *path);

/* NULL is fine. The file stays. */
void checkpoint_close(struct checkpoint *c);

/* The result of ENGINE for SUBJECT and SCENARIO that was kept, a new reference; NULL: there is none. Thread-safe. */
json_t *checkpoint_result(struct checkpoint *c, const char *subject, const char *scenario, const char *engine);

/* Keeps RESULT, which is final: not cut short by a limit or the user. Thread-safe. */
void checkpoint_keep(struct checkpoint *c, const json_t *result);

/* How many results were in the file, and how many bytes of searches. */
size_t checkpoint_results(const struct checkpoint *c);
size_t checkpoint_bytes(const struct checkpoint *c);

/* The way of one search to its part of the file. NAME tells searches of one file apart. `words` are options for the explorer's worker, and
 * `fd` is to be passed to it (child_options.pass_fd). 0, or an errno value. C may be NULL: then fd is 0 and there are no words. */
struct checkpoint_channel {
	struct checkpoint_listener *listener; /* NULL: none */
	int fd;
	char store[2][48];
	char *words[3]; /* NULL-terminated */
};
int checkpoint_channel_open(struct checkpoint *c, const char *name, struct checkpoint_channel *channel);

/* Behind the end of the worker: what it told last is kept, too. */
void checkpoint_channel_close(struct checkpoint_channel *channel);

#endif
