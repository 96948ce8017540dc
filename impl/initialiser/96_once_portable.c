/* SPDX-License-Identifier: MIT */
/* initialiser/once_portable: the same header where there is no futex: a mutex and a condition variable.
 *
 * Lesson    without futexes the words to sleep on cost 100 bytes, and are a liability of their own: a fork may find the mutex locked by a
 *           thread that the child has not got. So the object knows which process they were made in, and makes them anew in another.
 * Compare   95_once.c
 * Protocol  `loading` and `loader` say who loads, under the mutex, which is free during the load. Who waits gives way for a while, then
 *           sleeps on the condition variable.
 * Promise   everything an initialiser can promise.
 * Cost      get: one load and one branch. First use: two mutex sections, and a broadcast if somebody sleeps.
 */
#define ONCE_NO_FUTEX
#include <onceproof/once.h>

#include "with_once.h"

#include "initialiser_export.h"
INITIALISER_EXPORT(once_portable,
	.about.lesson = "the header to take with you where there is no futex: a fork-proof mutex and condition",
	.about.claims = INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED |
			INITIALISER_RETRIES_FAILURE | INITIALISER_NO_LEAK | INITIALISER_SURVIVES_CANCEL |
			INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE,
	.about.features = FEATURE_ATOMIC, .about.calls = "once_get_slowly_ initialiser_error", .rearmable = true);
