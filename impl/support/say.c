/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic int count;
static _Thread_local int silent;

int complaints(void)
{
	/* relaxed: a statistic; it guards nothing. */
	return atomic_load_explicit(&count, memory_order_relaxed);
}

void complaints_off(int off)
{
	silent = off;
}

int complaints_are_off(void)
{
	return silent;
}

void complain(const char *format, ...)
{
	if (silent)
		return;
	/* relaxed: as above. */
	atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
	char line[4096];
	int used = snprintf(line, sizeof line, "onceproof: ");
	va_list args;
	va_start(args, format);
	int wanted = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
	va_end(args);
	if (wanted < 0)
		wanted = 0;
	size_t length = (size_t)used + (size_t)wanted;
	if (length > sizeof line - 2)
		length = sizeof line - 2;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = '?';
	line[length++] = '\n';
	/* Nothing is left to report to when stderr itself fails. */
	ssize_t written = write(STDERR_FILENO, line, length);
	(void)written;
}
