/* SPDX-License-Identifier: MIT */
/* How child_run keeps a user's program in: what runs in the child between fork and exec, and beside the program until its end.
 *
 * Between child_run and the program stands a keeper: a process that starts the program, measures what it uses, and whose end is the end of
 * all that it started. Where the system gives namespaces, the keeper is the first process of a process namespace of its own: the kernel
 * protects it from the program, and kills everything else in there when it ends, however it ends. Its mount namespace shows all files
 * read-only, with an overlay in memory where programs write; its network is a loopback of its own. Elsewhere the keeper is an ordinary
 * process that adopts orphans, and Landlock and seccomp refuse what they can.
 *
 * All of this runs in the copy of one thread of a process that may have many: nothing here allocates memory or takes a lock.
 */
#ifndef ONCEPROOF_CONTAIN_H
#define ONCEPROOF_CONTAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "child.h"

/* What a containment lacks, as bits. */
enum contain_lacks {
	LACKS_FILES = 1u << 0,   /* its changes to files last */
	LACKS_SIGNALS = 1u << 1, /* it can signal and look into the user's other processes */
	LACKS_NETWORK = 1u << 2, /* it has the network of this machine */
	LACKS_WRITING = 1u << 3, /* it cannot write where it runs */
	LACKS_ALL = 1u << 4,
};
/* The bits in words; NULL for 0. Static. */
const char *contain_words(unsigned lacks);

/* What the keeper and the program say to child_run, in pipes. */
enum contain_says {
	SAYS_ADDRESSES_KEPT = 1, /* randomisation could not be switched off */
	SAYS_FAILED,             /* value: errno; the program could not be started */
	SAYS_LACKS,              /* value: bits of contain_lacks */
	SAYS_STATUS,             /* value: as from waitpid, of the program */
	SAYS_STOPPED,            /* value: enum contain_limit */
};
enum contain_limit { LIMIT_NONE, LIMIT_MEMORY, LIMIT_PROCESSES };
void contain_say(int fd, enum contain_says what, int value);

enum {
	CONTAIN_PLACES = 7,
	CONTAIN_SLACK_PROCESSES =
		16, /* the keeper ends the program when it is over its number; the system refuses this many later */
};

/* A program to be started; made by child_run before the fork. */
struct contain_start {
	const struct child_options *options;
	char *const *environment; /* complete */
	/* Folders where programs write, absolute and without links, the current one first. NULL: none. */
	const char *places[CONTAIN_PLACES];
	int out, err; /* its output */
	int started;  /* closed by a successful exec; before that SAYS_* */
	int told;     /* of the keeper: SAYS_STATUS, SAYS_STOPPED */
	int orders;   /* to the keeper: 'i' interrupt the program, 'k' kill everything; closed when child_run is gone */
};

/* Never returns: limits, streams, current folder, exec. Complaints go to `started`. INPUT: the input, opened without waiting for the other
 * end of a pipe with a name; -1: open it. */
_Noreturn void contain_exec(const struct contain_start *start, int input);

/* As fork, but the new process is the keeper and never returns. *OWN_SPACE: it is in a process namespace of its own, so killing it kills all.
 * -1 with errno. */
pid_t contain_fork(const struct contain_start *start, bool *own_space);

/* What the keeper knows. */
struct contain_keeper {
	const struct contain_start *start;
	bool own_space;    /* the first of a process namespace */
	bool own_user;     /* …and of a user namespace */
	bool fresh_proc;   /* /proc shows the namespace and nothing else */
	int input;         /* -1: none. Pipes with a name lead nowhere through an overlay, so it was opened before */
	int proc, scratch; /* descriptors of /proc and of the file system in memory; -1: none */
	unsigned lacks;
};

/* The mounts of the keeper's own mount namespace. */
void contain_files(struct contain_keeper *keeper);

/* For the program where namespaces are refused: Landlock, else seccomp, against changes to files, and against signals to others. Returns
 * the bits of contain_lacks that are left of these two. */
unsigned contain_refuse(const struct contain_start *start, bool files, bool signals);

/* Waits for PROGRAM, measures, obeys; then kills what is left. Says what came of it to `told`. */
void contain_watch(struct contain_keeper *keeper, pid_t program);

#endif
