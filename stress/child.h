/* SPDX-License-Identifier: MIT */
/* A program run in a process group of its own, with limits, its output captured. No shell. */
#ifndef ONCEPROOF_CHILD_H
#define ONCEPROOF_CHILD_H

#include <stdbool.h>
#include <stddef.h>

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
	bool inherit_output; /* leave stdout and stderr as they are instead of capturing them */
};

struct child_result {
	int status; /* as from waitpid */
	bool timed_out;
	bool interrupted;    /* child_interrupted was set while it ran, and it was ended */
	bool addresses_kept; /* fixed_addresses was asked for and refused by the system */
	char *out, *err;     /* captured text, NUL-terminated; owned by the result */
	size_t out_length, err_length;
	double seconds;
};

/* Runs the program to its end. 0, or an errno value if it could not be started (then the result holds nothing). */
int child_run(const struct child_options *options, struct child_result *result);

/* Frees what the result owns. */
void child_free(struct child_result *result);

/* Set by child_catch_interrupts on SIGINT, SIGTERM and SIGHUP: running children are ended, and no new one should be started. */
extern volatile int child_interrupted;
void child_catch_interrupts(void);

#endif
