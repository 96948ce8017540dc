/* SPDX-License-Identifier: MIT */
/* Library functions that read a text or fill a structure: numbers from text, calendar, files' properties. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "process.h"
#include "runtime.h"

#define TAKEN __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

/* TEXT was read up to END, and the place is written to *TO if the caller wants it. */
static void was_read(const char *text, char *end, char **to, const void *site)
{
	if (runtime_on()) {
		runtime_access(text, (size_t)(end - text) + 1, false, site);
		if (to)
			runtime_access(to, sizeof *to, true, site);
	}
	if (to)
		*to = end;
	if (runtime_on())
		runtime_wrote();
}

#define REAL(type, name)                                          \
	TAKEN type explored_##name(const char *text, char **end); \
	type explored_##name(const char *text, char **end)        \
	{                                                         \
		char *behind;                                     \
		type value = name(text, &behind);                 \
		was_read(text, behind, end, SITE);                \
		return value;                                     \
	}
REAL(double, strtod)
REAL(float, strtof)
REAL(long double, strtold)

/* The compiler's headers use names of their own for some of them. */
#define WHOLE(type, name, real)                                             \
	TAKEN type explored_##name(const char *text, char **end, int base); \
	type explored_##name(const char *text, char **end, int base)        \
	{                                                                   \
		char *behind;                                               \
		type value = real(text, &behind, base);                     \
		was_read(text, behind, end, SITE);                          \
		return value;                                               \
	}
WHOLE(long, strtol, strtol)
WHOLE(long long, strtoll, strtoll)
WHOLE(unsigned long, strtoul, strtoul)
WHOLE(unsigned long long, strtoull, strtoull)
WHOLE(intmax_t, strtoimax, strtoll)
WHOLE(uintmax_t, strtoumax, strtoull)
WHOLE(long, __isoc23_strtol, strtol)
WHOLE(long long, __isoc23_strtoll, strtoll)
WHOLE(unsigned long, __isoc23_strtoul, strtoul)
WHOLE(unsigned long long, __isoc23_strtoull, strtoull)

#define SHORT(type, name, real, ...)                                   \
	TAKEN type explored_##name(const char *text);                  \
	type explored_##name(const char *text)                         \
	{                                                              \
		char *behind;                                          \
		type value = (type)real(text, &behind, ##__VA_ARGS__); \
		was_read(text, behind, NULL, SITE);                    \
		return value;                                          \
	}
SHORT(int, atoi, strtol, 10)
SHORT(long, atol, strtol, 10)
SHORT(long long, atoll, strtoll, 10)
SHORT(double, atof, strtod)

/* A function whose result goes to *TO: told before, done, completed. */
#define FILLS(type, name, parameters, to, call)                       \
	TAKEN type explored_##name parameters;                        \
	type explored_##name parameters                               \
	{                                                             \
		if (runtime_on())                                     \
			runtime_access(to, sizeof *(to), true, SITE); \
		type value = call;                                    \
		if (runtime_on())                                     \
			runtime_wrote();                              \
		return value;                                         \
	}
FILLS(double, frexp, (double x, int *exponent), exponent, frexp(x, exponent))
FILLS(double, modf, (double x, double *whole), whole, modf(x, whole))
FILLS(struct tm *, gmtime_r, (const time_t *of, struct tm *to), to, gmtime_r(of, to))
FILLS(struct tm *, localtime_r, (const time_t *of, struct tm *to), to, localtime_r(of, to))
FILLS(time_t, mktime, (struct tm * of), of, mktime(of))
FILLS(time_t, timegm, (struct tm * of), of, timegm(of))
FILLS(int, fstat, (int fd, struct stat *to), to, fstat(fd, to))
FILLS(int, uname, (struct utsname * to), to, uname(to))
FILLS(int, getrlimit, (int what, struct rlimit *to), to, getrlimit((enum __rlimit_resource)what, to))
FILLS(int, getrusage, (int who, struct rusage *to), to, getrusage((enum __rusage_who)who, to))

/* These give their result in a place that all threads share, so that two threads race. */
#define SHARED(type, name, of_type)                                                                                       \
	TAKEN type explored_##name(of_type of);                                                                           \
	type explored_##name(of_type of)                                                                                  \
	{                                                                                                                 \
		if (runtime_on() && process)                                                                              \
			runtime_access(&process->hidden_cell[HIDDEN_CALENDAR], sizeof *process->hidden_cell, true, SITE); \
		return name(of);                                                                                          \
	}
SHARED(struct tm *, gmtime, const time_t *)
SHARED(struct tm *, localtime, const time_t *)
SHARED(char *, ctime, const time_t *)
SHARED(char *, asctime, const struct tm *)

TAKEN size_t explored_strftime(char *to, size_t room, const char *format, const struct tm *of);
size_t explored_strftime(char *to, size_t room, const char *format, const struct tm *of)
{
	if (!runtime_on())
		return strftime(to, room, format, of);
	runtime_access(format, strlen(format) + 1, false, SITE);
	runtime_access(of, sizeof *of, false, SITE);
	char *copy = malloc(room + 1);
	size_t length = copy ? strftime(copy, room, format, of) : 0;
	if (length) {
		runtime_access(to, length + 1, true, SITE);
		memcpy(to, copy, length + 1);
		runtime_wrote();
	}
	free(copy);
	return length;
}
