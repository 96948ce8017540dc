/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void complain(const char *format, ...)
{
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
