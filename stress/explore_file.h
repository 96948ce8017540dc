/* SPDX-License-Identifier: MIT */
/* Whole programs under the explorer: C files are built as explored code with their own main and run. */
#ifndef ONCEPROOF_EXPLORE_FILE_H
#define ONCEPROOF_EXPLORE_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "program_build.h"

struct explore_file {
	char *const *files; /* C files of one program */
	size_t file_count;
	char *const *flags; /* what the user wrote behind `--`: for the compiler and the linker */
	size_t flag_count;
	const struct program_unit *units; /* as in struct program_source */
	char *const *arguments;           /* argv[1], … of the program itself */
	size_t argument_count;
	const char *compiler, *optimise; /* as in struct program_source */
	const char *helpers;             /* the folder libexec/onceproof */
	const char *input;               /* file that is its standard input; NULL: empty */
	bool isolate;        /* executions are processes of their own from the start, not only when the program needs it */
	double time_limit_s; /* as given to the worker's options; 0: none. A watchdog ends the program some time after it */
	int verbosity;       /* 1: the commands that build it are shown */
	bool quiet;          /* what gives no answer is not complained about, and is not waited for long */
	/* Hears the worker's lines of progress, as in child.h; NULL: nobody. */
	bool (*heard)(void *arg, const char *line);
	void *heard_arg;
	char *reason; /* why there is no answer goes there; NULL: nowhere */
	size_t reason_bytes;
	/* What was done goes there under a name, and what was done before comes from there (checkpoint.h); NULL: none. */
	struct checkpoint *checkpoint;
	const char *checkpoint_name;
	struct program_build built; /* by explore_file_build */
};

/* Builds the program in a temporary folder. 0, or an exit status (EXIT_USAGE) after one complaint. The folder is removed by
 * explore_file_close, and at exit. */
int explore_file_build(struct explore_file *file);

/* The command line that runs the built program with the options WORDS, as onceproof-explore takes them ("--model=sc", …;
 * NULL-terminated), for child_run or exec. Its answer goes to stdout. Owned by the caller: free() the one pointer. */
char **explore_file_command(const struct explore_file *file, char *const *words);

/* Runs it. 0 and *ANSWER: a new reference to what explore_answer() made, with the further member `output` (what the program printed in
 * the first execution with a finding, else in the last), its addresses counted from the start of file->built.program. Else an exit status
 * after one complaint: EXIT_USAGE if it could not run, EXIT_INCONCLUSIVE if it gave no answer (killed, watchdog, interrupt). */
int explore_file_run(const struct explore_file *file, char *const *words, json_t **answer);

/* Removes the folder. Addresses can no longer be symbolised. */
void explore_file_close(struct explore_file *file);

#endif
