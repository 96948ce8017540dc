/* SPDX-License-Identifier: MIT */
/* What printf and scanf read and write through their arguments. */
#ifndef ONCEPROOF_EXPLORE_FORMATS_H
#define ONCEPROOF_EXPLORE_FORMATS_H

#include <stdarg.h>

/* Tells the runtime of the strings that a printf with FORMAT will read. A format with numbered arguments is not looked through. */
void format_reads(const char *format, va_list args, const void *site);

/* Tells the runtime of what a scanf with FORMAT has stored; ASSIGNED: what it returned. */
void format_stored(const char *format, va_list args, int assigned, const void *site);

#endif
