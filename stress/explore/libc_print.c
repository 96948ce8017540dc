/* SPDX-License-Identifier: MIT */
/* Printing into memory of the program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "heap.h"
#include "libc_private.h"

enum { TEXT_BYTES = 2048 };

/* Prints at most LIMIT bytes, 0 included, to TO, of whose ROOM bytes the compiler knew. The text is made in memory of the runtime's own
 * and then put there, unless it is long. */
static int print(char *to, size_t limit, size_t room, const char *format, va_list args, const void *site)
{
	char text[TEXT_BYTES];
	va_list again;
	va_copy(again, args);
	format_reads(format, again, site);
	va_end(again);
	va_copy(again, args);
	int length = vsnprintf(text, sizeof text, format, again);
	va_end(again);
	if (length < 0 || !limit)
		return length;
	size_t bytes = (size_t)length < limit ? (size_t)length + 1 : limit;
	memory_fits(limit == SIZE_MAX ? bytes : limit, room, site);
	if ((size_t)length < sizeof text) {
		text[bytes - 1] = 0;
		memory_put(to, text, bytes, site);
		return length;
	}
	runtime_access(to, bytes, true, site);
	length = vsnprintf(to, bytes, format, args);
	runtime_wrote();
	return length;
}

/* Prints to a new block; *TO is left alone if there is no memory. */
static int print_new(char **to, const char *format, va_list args, const void *site)
{
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return length;
	char *made = heap_allocate((size_t)length + 1, 1, site);
	if (!made)
		return -1;
	length = print(made, (size_t)length + 1, SIZE_MAX, format, args, site);
	memory_put(to, &made, sizeof made, site);
	return length;
}

int explored_vsnprintf(char *to, size_t room, const char *format, va_list args)
{
	return explored_enters() ? print(to, room, SIZE_MAX, format, args, SITE) : vsnprintf(to, room, format, args);
}

int explored_snprintf(char *to, size_t room, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = explored_enters() ? print(to, room, SIZE_MAX, format, args, SITE) : vsnprintf(to, room, format, args);
	va_end(args);
	return length;
}

int explored_vsprintf(char *to, const char *format, va_list args)
{
	return explored_enters() ? print(to, SIZE_MAX, SIZE_MAX, format, args, SITE) : vsprintf(to, format, args);
}

int explored_sprintf(char *to, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = explored_enters() ? print(to, SIZE_MAX, SIZE_MAX, format, args, SITE) : vsprintf(to, format, args);
	va_end(args);
	return length;
}

int explored_vasprintf(char **to, const char *format, va_list args)
{
	return explored_enters() ? print_new(to, format, args, SITE) : vasprintf(to, format, args);
}

int explored_asprintf(char **to, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = explored_enters() ? print_new(to, format, args, SITE) : vasprintf(to, format, args);
	va_end(args);
	return length;
}

/* What _FORTIFY_SOURCE makes of them. FLAG forbids %n in writable formats, which is not looked at. */

int explored___vsnprintf_chk(char *to, size_t limit, int flag, size_t room, const char *format, va_list args)
{
	(void)flag;
	return explored_enters() ? print(to, limit, room, format, args, SITE) : vsnprintf(to, limit, format, args);
}

int explored___snprintf_chk(char *to, size_t limit, int flag, size_t room, const char *format, ...)
{
	(void)flag;
	va_list args;
	va_start(args, format);
	int length = explored_enters() ? print(to, limit, room, format, args, SITE) : vsnprintf(to, limit, format, args);
	va_end(args);
	return length;
}

int explored___vsprintf_chk(char *to, int flag, size_t room, const char *format, va_list args)
{
	(void)flag;
	return explored_enters() ? print(to, SIZE_MAX, room, format, args, SITE) : vsprintf(to, format, args);
}

int explored___sprintf_chk(char *to, int flag, size_t room, const char *format, ...)
{
	(void)flag;
	va_list args;
	va_start(args, format);
	int length = explored_enters() ? print(to, SIZE_MAX, room, format, args, SITE) : vsprintf(to, format, args);
	va_end(args);
	return length;
}

int explored___vasprintf_chk(char **to, int flag, const char *format, va_list args)
{
	(void)flag;
	return explored_enters() ? print_new(to, format, args, SITE) : vasprintf(to, format, args);
}

int explored___asprintf_chk(char **to, int flag, const char *format, ...)
{
	(void)flag;
	va_list args;
	va_start(args, format);
	int length = explored_enters() ? print_new(to, format, args, SITE) : vasprintf(to, format, args);
	va_end(args);
	return length;
}
