/* SPDX-License-Identifier: MIT */
/* Errors, in one line, through one helper: "onceproof: what: why", and what to do where that is known. */
#ifndef ONCEPROOF_SAY_H
#define ONCEPROOF_SAY_H

#ifdef __cplusplus
extern "C" {
#endif

/* Exit statuses of every command. */
enum exit_status { EXIT_HOLDS = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2, EXIT_INCONCLUSIVE = 3, EXIT_SKIPPED = 77 };

/* Writes "onceproof: " + the formatted line + newline to stderr in one write. Control characters in the text are shown as '?', so that
 * user input cannot move the terminal's cursor. Thread-safe. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many complaints there were so far. Thread-safe. */
int complaints(void);

/* For what may fail without harm: as long as it is on, the calling thread's complaints are neither written nor counted. */
void complaints_off(int off);
int complaints_are_off(void);

#ifdef __cplusplus
}
#endif
#endif
