/* SPDX-License-Identifier: MIT */
/* initialiser/once: the header to take with you, <onceproof/once.h>, as an implementation like the others.
 *
 * Lesson    all of it in one object of 16 bytes: the pointer is the flag; the state says who loads, so that a call out of the load
 *           itself fails instead of waiting for ever, and a forked child does not wait for a thread that it has not got; and the
 *           spinning ends after a time, not after a number of turns, whatever a pause costs.
 * Compare   90_futex.c
 * Protocol  as in 90_futex.c; `state` has the loading thread's kernel id instead of LOADING.
 * Promise   everything an initialiser can promise.
 * Cost      get: one load and one branch. First use: two system calls to learn who one is and to wake, a compare-and-swap, an exchange.
 */
#include <onceproof/once.h>

#include "with_once.h"

#include "initialiser_export.h"
INITIALISER_EXPORT(once, .about.lesson = "the header to take with you: spins for a time, then sleeps; nobody is left behind",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_SURVIVES_CANCEL |
			INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.features = FEATURE_ATOMIC | FEATURE_FUTEX, .about.calls = "once_get_slowly_ initialiser_error", .rearmable = true);
