/* SPDX-License-Identifier: MIT */
/* A program run in a process group of its own, with limits, its output captured. No shell. */
#ifndef ONCEPROOF_CHILD_H
#define ONCEPROOF_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a user's code may do at most. Zeroed members: no limit of that kind. */
struct child_limits {
	/* Memory of all its processes together: resident pages, each counted once however many share it, and the files that it wrote when
	 * contained. Looked at every 20 ms, so what is taken in that time comes on top. (The size of the address space says nothing under
	 * sanitizers.) */
	uint64_t memory_bytes;
	unsigned processes;    /* processes and threads together */
	uint64_t file_bytes;   /* of any file that it writes; contained: also of all together, but at least 64 MiB */
	uint64_t output_bytes; /* that it writes to stdout and stderr together, kept or not */
	double cpu_s;          /* of each process */
	/* Its changes to files do not last, it cannot signal processes that are not its own, nothing that it started survives it, and its
	 * only network is a loopback of its own. As far as the system allows: child_result.contained says what does not hold. Settings that
	 * would change what is found do not reach it: options of sanitizers and of valgrind, LD_PRELOAD, LD_AUDIT. */
	bool contain;
	/* Where changes to files can only be refused, not hidden: those in the private folder that the program lies in are not. */
	bool writes_beside;
};

struct child_options {
	char *const *argv;        /* NULL-terminated; argv[0] is a path, or a name looked up in PATH */
	char *const *environment; /* further NAME=VALUE settings, NULL-terminated; NULL: none */
	double timeout_s;         /* after it the whole group is killed; 0: never */
	size_t output_max;        /* bytes kept of each stream; 0: 16 MiB */
	bool fixed_addresses;     /* switch address-space randomisation off for it */
	double grace_s;           /* on an interrupt: SIGINT first, and this long to end in order; 0: killed at once */
	/* Called with each line that it writes to stderr, which is then not kept; NULL: kept. Lines that it does not take (false) are. */
	bool (*heard)(void *arg, const char *line);
	void *heard_arg;
	const struct child_limits *limits; /* NULL: none but timeout_s */
	const char *input;                 /* file that is its standard input; NULL: empty */
	const char *folder;                /* its current folder; NULL: this process's own */
	int pass_fd;                       /* a further descriptor that it gets, under the number that the parent has; 0: none */
	bool inherit_output;               /* leave stdout and stderr as they are instead of capturing them */
};

struct child_result {
	int status; /* as from waitpid */
	bool timed_out;
	bool interrupted; /* child_interrupted was set while it ran, and it was ended */
	/* By which limit: "memory", "processes", "time of the processor", "size of a file", "output"; NULL: by none. Static */
	const char *stopped;
	/* What of limits->contain could not be had, as a phrase ("its changes to files last, …"); NULL: nothing is missing. Static */
	const char *contained;
	bool addresses_kept; /* fixed_addresses was asked for and refused by the system */
	char *out, *err;     /* captured text, NUL-terminated; owned by the result */
	size_t out_length, err_length;
	double seconds;
};

/* Runs the program to its end. Whatever it does, this process goes on; with limits nothing that it started outlives the call, nor this process.
 * Thread-safe. 0, or an errno value if it could not be started (then the result holds nothing). */
int child_run(const struct child_options *options, struct child_result *result);

/* Frees what the result owns. */
void child_free(struct child_result *result);

/* Set by child_catch_interrupts on SIGINT, SIGTERM and SIGHUP: running children are ended, and no new one should be started. */
extern volatile int child_interrupted;
void child_catch_interrupts(void);

#ifdef __cplusplus
}
#endif

#endif
