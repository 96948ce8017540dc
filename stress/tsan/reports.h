/* SPDX-License-Identifier: MIT */
/* Structured reports of ThreadSanitizer, collected inside the process that it watches. */
#ifndef ONCEPROOF_TSAN_REPORTS_H
#define ONCEPROOF_TSAN_REPORTS_H

#include <jansson.h>
#include <stdbool.h>

/* True in a program that was built with -fsanitize=thread. */
bool tsan_is_on(void);

/* Everything reported so far: [{type, accesses[{write, bytes, atomic, thread, frames[{module, offset}]}]}], in the order of
 * reporting; an empty array in other builds. Offsets are relative to where the module is loaded and point into the call. New
 * reference. Call it when the watched threads have ended. */
json_t *tsan_reports(void);

#endif
