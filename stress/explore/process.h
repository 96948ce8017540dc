/* SPDX-License-Identifier: MIT */
/* What a process has besides its threads and its memory: an end with a status, handlers that run then, output, input, and the hidden state
 * of the C library. For whole programs; in scenarios the same functions work without being reset.
 *
 * All state is in mapped memory. Not thread-safe.
 */
#ifndef ONCEPROOF_EXPLORE_PROCESS_H
#define ONCEPROOF_EXPLORE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROCESS_HANDLERS_MAX = 256,
	PROCESS_OUTPUT_MAX = 1 << 20,       /* bytes kept of what one execution prints */
	PROCESS_OUTPUT_ENDLESS = 256 << 20, /* bytes after which printing is taken for endless */
	PROCESS_TEXT_MAX = 200,
};

/* Hidden state of the C library that threads share. */
enum hidden { HIDDEN_ENVIRONMENT, HIDDEN_LOCALE, HIDDEN_OPTIONS, HIDDEN_CALENDAR, HIDDEN_STATES };

struct process_handler {
	void (*plain)(void);
	void (*with_status)(int status, void *arg);
	void (*with_arg)(void *arg);
	void *arg;
};

/* What runs at exit, in the order of registration. */
struct process_handlers {
	unsigned count;
	struct process_handler at[PROCESS_HANDLERS_MAX];
};

/* Functions from .. to, as the linker collects constructors. The last of a list of tables has END_OF_TABLES for both. */
struct process_table {
	void (*const *from)(int argc, char **argv, char **environment);
	void (*const *to)(int argc, char **argv, char **environment);
};
#define END_OF_TABLES UINTPTR_MAX

struct process {
	uint64_t begun;          /* executions, to tell them apart */
	volatile uint64_t turns; /* entries of explored code that are no steps: output, reports */
	int status;              /* of exit; -1: it has not exited */
	char outcome[64];        /* what a scenario's check named this execution (include/onceproof.h); "": nothing */
	struct process_handlers at_exit, at_quick_exit;
	const struct process_table *begins, *ends; /* the program's constructors and destructors */
	uint64_t exit_cell, random_cell, effect_cell, channel_cell,
		hidden_cell[HIDDEN_STATES]; /* addresses that name state in events and races */
	char *token;                        /* strtok's place */
	/* Output of the running execution, stdout and stderr together as they came. */
	char *output;
	size_t output_bytes; /* as printed; at most PROCESS_OUTPUT_MAX of them are kept */
	bool input_read;     /* in this execution */
	bool input_ever;
	bool environment_changed, locale_changed, files_opened, options_read;
	int first_file;     /* descriptors from here on are the program's own */
	char **environment; /* as it was */
	/* Why exploring stopped early (crash.c): "" if it did not. */
	volatile int stop;
	char stopped[PROCESS_TEXT_MAX];
};

/* Set once, by process_start; NULL in scenarios. */
extern struct process *process;

/* 0, or an errno value. Can be called again. */
int process_start(void);

/* Before each execution, by the host: everything is as at the start. */
void process_reset(void);

/* Runs the explored program's main as thread 0, and what follows when it returns. */
_Noreturn void process_main(int (*program)(int, char **, char **), int argc, char **argv, char **environment);

/* The explored code is about to do something to files or other state of the process that threads share: a step of its own, so that every
 * order of such calls is explored. It orders nothing else. */
void process_effect(const void *site);

/* Prints TEXT of the explored program; output.c. */
void process_print(const char *text, size_t bytes);

/* The same for any reading of the standard input. */
void process_reads_input(void);

/* Stops the exploration after this execution, for a reason that people are told. Callable from a signal handler. */
void process_give_up(const char *format, uint64_t number);

#endif
