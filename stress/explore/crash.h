/* SPDX-License-Identifier: MIT */
/* Faults of explored code become findings; code that never comes back is noticed.
 *
 * Signals are those of the one kernel thread that explores; parked threads get none.
 */
#ifndef ONCEPROOF_EXPLORE_CRASH_H
#define ONCEPROOF_EXPLORE_CRASH_H

#include <stdint.h>

/* From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGTRAP on an explored thread end its execution with a finding. 0, or an errno value. */
int crash_start(void);

/* From now on an execution that computes for seconds without entering the runtime, waits in a system call, or takes more memory than
 * LIMIT_BYTES is abandoned, and the exploration stops: a clock never makes a finding. CODE: [from, to) of the explored code.
 * 0, or an errno value. */
int crash_guard(uintptr_t code_from, uintptr_t code_to, uint64_t limit_bytes);

/* SITE, or where the explored code called the library function that SITE lies in, if that can be told. Found by unwinding: slow. */
const void *crash_caller(const void *site);

/* The guard in a child process: timers are not inherited. */
void crash_guard_child(void);

#endif
