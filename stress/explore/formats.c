/* SPDX-License-Identifier: MIT */
/* Formats of printf and scanf (C11 7.21.6.1, 7.21.6.2, with the extensions of the GNU C library). */
#include "formats.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "runtime.h"

enum length { LENGTH_INT, LENGTH_CHAR, LENGTH_SHORT, LENGTH_LONG, LENGTH_DOUBLE };

static const char *read_length(const char *at, enum length *length)
{
	*length = LENGTH_INT;
	for (;; at++) {
		switch (*at) {
		case 'h':
			*length = *length == LENGTH_SHORT ? LENGTH_CHAR : LENGTH_SHORT;
			break;
		case 'l':
		case 'q':
		case 'j':
		case 'z':
		case 't':
			*length = LENGTH_LONG;
			break;
		case 'L':
			*length = LENGTH_DOUBLE;
			break;
		default:
			return at;
		}
	}
}

struct walker {
	va_list args;
};

/* A width or precision: digits, or '*' for an argument. INT_MAX if there is none. */
static const char *read_number(const char *at, struct walker *walker, int *number)
{
	*number = INT_MAX;
	if (*at == '*') {
		int given = va_arg(walker->args, int);
		*number = given < 0 ? INT_MAX : given;
		return at + 1;
	}
	if (*at >= '0' && *at <= '9')
		*number = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		*number = *number < 1 << 20 ? *number * 10 + (*at - '0') : *number;
	return at;
}

static void read_string(const char *text, int precision, const void *site)
{
	if (text) {
		size_t length = strnlen(text, (size_t)precision);
		runtime_access(text, length + ((int)length < precision), false, site);
	}
}

/* One conversion of printf, behind its '%'. NULL: the rest cannot be followed. */
static const char *print_conversion(const char *at, struct walker *walker, const void *site)
{
	int width, precision = INT_MAX;
	enum length length;
	at = read_number(at + strspn(at, "-+ #0'I"), walker, &width);
	if (*at == '$')
		return NULL;
	if (*at == '.') {
		const char *number = at + 1;
		at = read_number(number, walker, &precision);
		precision = at == number ? 0 : precision;
	}
	at = read_length(at, &length);
	if (!*at)
		return NULL;
	if (strchr("diouxXc", *at)) {
		if (length == LENGTH_LONG || length == LENGTH_DOUBLE)
			va_arg(walker->args, long);
		else
			va_arg(walker->args, int);
	} else if (strchr("eEfFgGaA", *at)) {
		if (length == LENGTH_DOUBLE)
			va_arg(walker->args, long double);
		else
			va_arg(walker->args, double);
	} else if (*at == 's' && length != LENGTH_LONG) {
		read_string(va_arg(walker->args, const char *), precision, site);
	} else if (strchr("spnCS", *at)) {
		va_arg(walker->args, void *);
	} else if (*at != '%' && *at != 'm') {
		return NULL;
	}
	return at + 1;
}

void format_reads(const char *format, va_list args, const void *site)
{
	struct walker walker;
	va_copy(walker.args, args);
	runtime_access(format, strlen(format) + 1, false, site);
	for (const char *at = format; at && (at = strchr(at, '%')) != NULL;)
		at = print_conversion(at + 1, &walker, site);
	va_end(walker.args);
}

static size_t stored_bytes(char conversion, enum length length)
{
	static const size_t integers[] = {sizeof(int), sizeof(char), sizeof(short), sizeof(long), sizeof(long long)};
	static const size_t reals[] = {sizeof(float), sizeof(float), sizeof(float), sizeof(double), sizeof(long double)};
	if (strchr("diouxXn", conversion))
		return integers[length];
	if (strchr("eEfFgGaA", conversion))
		return reals[length];
	return sizeof(void *);
}

static const char *scan_conversion(const char *at, struct walker *walker, int *left, const void *site)
{
	bool dropped = *at == '*', allocated = false;
	int width;
	enum length length;
	at = read_number(at + dropped, walker, &width);
	if (*at == '$')
		return NULL;
	if (*at == 'm') {
		allocated = true;
		at++;
	}
	at = read_length(at, &length);
	char conversion = *at;
	if (conversion == '[') {
		at += at[1] == '^';
		at = strchr(at + 1 + (at[1] == ']'), ']');
		if (!at)
			return NULL;
	}
	if (!conversion)
		return NULL;
	if (dropped || conversion == '%')
		return at + 1;
	if (conversion != 'n' && (*left)-- <= 0)
		return NULL;
	char *to = va_arg(walker->args, char *);
	size_t bytes = stored_bytes(conversion, length);
	if (!allocated && (conversion == 's' || conversion == '['))
		bytes = strlen(to) + 1;
	else if (!allocated && conversion == 'c')
		bytes = width == INT_MAX ? 1 : (size_t)width;
	runtime_access(to, bytes, true, site);
	return at + 1;
}

void format_stored(const char *format, va_list args, int assigned, const void *site)
{
	struct walker walker;
	va_copy(walker.args, args);
	int left = assigned;
	for (const char *at = format; at && (at = strchr(at, '%')) != NULL;)
		at = scan_conversion(at + 1, &walker, &left, site);
	va_end(walker.args);
	runtime_wrote();
}
