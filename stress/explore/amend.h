/* SPDX-License-Identifier: MIT */
/* What would the program do if it were changed in a few places? Changes that are tried at run time, without compiling anything anew:
 *
 * - a plain access behaves as an atomic one, or a read and the write behind it as one atomic read-modify-write;
 * - code is under a lock: a thread that gets to it takes a mutex first, and gives it back before its next step elsewhere in the same
 *   function or outside of it. Calls made from the code are part of it. The mutex is one that nobody else has, or one of the
 *   program's own; where the program itself locks that one inside, the two sections become one.
 *
 * (That an atomic operation names another order: orders.h.) All addresses are those of instructions, counted from the start of the
 * program, as texts "0x…". A change is made before the first execution and stays.
 */
#ifndef ONCEPROOF_EXPLORE_AMEND_H
#define ONCEPROOF_EXPLORE_AMEND_H

#include "runtime.h"

/* "SITE=ORDER": the access at the return address SITE, plain or volatile, aligned and of 1, 2, 4 or 8 bytes, is atomic and has ORDER
 * (as in orders.h). "SITE=ORDER,SITE": the read, plain or atomic, at the first and the write to the same object at the second site are
 * one update; if something that others can notice comes between the two, the exploration proves nothing. With a third SITE, the read there,
 * right behind, is of what the update wrote. 0, or EINVAL, ENOMEM, ENOSPC. */
int amend_atomic_text(const char *text);

/* "LOCK=FROM-TO[,FROM-TO…]": code at FROM <= address < TO is one section under LOCK: a number below 4 (a mutex that is nobody else's), or
 * the address of a mutex of the program, "@0x…" counted from the program's start, "0x…" where it lies in memory (heap and stacks are at
 * the same place in each execution). With '!' behind it: if the program does not lock that one inside, the exploration proves nothing.
 * Going from one section of a lock to another gives it back and takes it again. 0, or an errno value. */
int amend_lock_text(const char *text);

/* The rest is for the runtime. -------------------------------------------------------------------------------------------------------- */

struct amended;
extern struct amended *amended; /* NULL: nothing is changed */

void amend_step_(const void *site, bool again);

/* Before each step of the program's code at SITE. */
static inline void amend_access(const void *site)
{
	if (__builtin_expect(amended != NULL, 0))
		amend_step_(site, true);
}

/* The same where one call can be several steps. */
static inline void amend_step(const void *site)
{
	if (__builtin_expect(amended != NULL, 0))
		amend_step_(site, false);
}

/* The running thread ends. */
void amend_thread_ends(void);

/* A new execution. */
void amend_clear(void);

/* Makes the plain access an atomic one if it is to be. */
bool amend_plain(uintptr_t address, size_t bytes, bool write, const void *site);

/* Half of an update: returns whether it is one. *VALUE is what is read, or what is written. */
bool amend_atomic(uintptr_t address, uint32_t bytes, bool write, uint64_t *value, const void *site);

/* Has the running thread the mutex at ADDRESS because of where it is? */
bool amend_holds(uint64_t address);
/* It gives that up for a wait although it holds it NESTED times more; and afterwards takes that up again. */
void amend_lend(uint64_t address, uint32_t *nested);
void amend_restore(uint64_t address, uint32_t *nested);

#endif
