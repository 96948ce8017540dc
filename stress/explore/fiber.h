/* SPDX-License-Identifier: MIT */
/* Fibers: explored threads as user-level contexts of one kernel thread, each with thread-local storage of its own.
 *
 * A context is a stack and the callee-saved registers of the System V x86-64 ABI (section 3.2.1); a switch saves and restores those
 * and loads the thread pointer (fs) with WRFSBASE where the kernel allows it (AT_HWCAP2, bit 1), else through arch_prctl. The
 * thread-local storage is a real one, lent by a real thread that is parked for ever, so that errno, _Thread_local and the C library
 * find everything that they expect at the thread pointer.
 *
 * Not thread-safe: all functions are called by the one kernel thread that explores.
 */
#ifndef ONCEPROOF_EXPLORE_FIBER_H
#define ONCEPROOF_EXPLORE_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIBERS_MAX = 65 }; /* fiber 0 is the host: the context that explores; explored threads are fibers 1 .. FIBERS_MAX - 1 */

/* Prepares room for fibers with stacks of STACK_BYTES (a multiple of the page size; a guard page lies below each). The stacks lie at
 * the same addresses in every process if address-space randomisation is off. 0, or an errno value. */
int fiber_start(size_t stack_bytes);

/* Makes fiber N (1 ..) ready to call entry(arg) from the start of its stack when it is next switched to; whatever it was in the middle
 * of is abandoned. The first use of N parks a real thread, which costs tens of microseconds. Its thread-local variables of the main
 * program are set to their initial values and its errno to 0. entry must not return. 0, or an errno value. */
int fiber_prepare(unsigned n, void (*entry)(void *arg), void *arg);

/* Parks real threads for fibers 1 .. COUNT, those that have none yet. A child of _Fork() goes on with the storage that they lent its
 * parent, and would have to park its own for others. 0, or an errno value. */
int fiber_lend(unsigned count);

/* Leaves the running fiber and goes on with fiber TO (0: the host) where that one left off. */
void fiber_switch(unsigned to);

/* The fiber that runs. */
unsigned fiber_current(void);

/* The stack of fiber N: its lowest usable address and one past its highest. N >= 1. */
void fiber_stack(unsigned n, uintptr_t *low, uintptr_t *high);

/* Where the stack of fiber N, which does not run now, ends; its saved registers lie from there on. N >= 1. */
uintptr_t fiber_stack_pointer(unsigned n);

/* Is ADDRESS on the guard page of some fiber's stack (so that a fault there is a stack overflow)? */
bool fiber_is_guard(uintptr_t address);

/* The main program's block of thread-local variables of fiber N (0: the host's), and its length in bytes. */
void *fiber_tls(unsigned n, size_t *bytes);

#endif
