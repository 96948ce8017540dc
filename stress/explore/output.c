/* SPDX-License-Identifier: MIT */
/* What explored code prints is kept, not shown; formatting reads memory like any other code
 * (libc_print.c prints into memory).
 *
 * Streams other than stdout and stderr go to the C library. Printing orders nothing between threads: the lock of a stream is no
 * synchronisation that a program may rely on.
 */
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channels.h"
#include "formats.h"
#include "process.h"
#include "runtime.h"

#define TAKEN __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

enum { LINE_BYTES = 4096 };

_Noreturn void explored_exit(int status);

void process_print(const char *text, size_t bytes)
{
	if (!process)
		return;
	process->turns++;
	size_t room = process->output_bytes < PROCESS_OUTPUT_MAX ? PROCESS_OUTPUT_MAX - process->output_bytes : 0;
	memcpy(process->output + process->output_bytes * (room != 0), text, bytes < room ? bytes : room);
	process->output_bytes += bytes;
	if (process->output_bytes > PROCESS_OUTPUT_ENDLESS) {
		process_give_up("an execution prints more than %llu MiB", PROCESS_OUTPUT_ENDLESS >> 20);
		runtime_stop(ENDING_CUT);
	}
}

static bool is_terminal(const FILE *stream)
{
	return stream == stdout || stream == stderr;
}

/* Formats and prints on STREAM, or on descriptor FD where STREAM is NULL. */
static int print(FILE *stream, int fd, const char *format, va_list args, const void *site)
{
	format_reads(format, args, site);
	if (stream ? !is_terminal(stream) : fd != STDOUT_FILENO && fd != STDERR_FILENO)
		channel_writes(stream ? fileno(stream) : fd, site);
	if (stream && !is_terminal(stream))
		return vfprintf(stream, format, args);
	if (!stream && fd != STDOUT_FILENO && fd != STDERR_FILENO)
		return vdprintf(fd, format, args);
	char line[LINE_BYTES];
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(line, sizeof line, format, args);
	if (length >= (int)sizeof line) {
		char *text = malloc((size_t)length + 1);
		if (text) {
			vsnprintf(text, (size_t)length + 1, format, again);
			process_print(text, (size_t)length);
		}
		free(text);
	} else if (length > 0) {
		process_print(line, (size_t)length);
	}
	va_end(again);
	return length;
}

TAKEN int explored_vfprintf(FILE *stream, const char *format, va_list args);
int explored_vfprintf(FILE *stream, const char *format, va_list args)
{
	return runtime_on() ? print(stream, 0, format, args, SITE) : vfprintf(stream, format, args);
}

TAKEN int explored_vprintf(const char *format, va_list args);
int explored_vprintf(const char *format, va_list args)
{
	return runtime_on() ? print(stdout, 0, format, args, SITE) : vprintf(format, args);
}

TAKEN int explored_vdprintf(int fd, const char *format, va_list args);
int explored_vdprintf(int fd, const char *format, va_list args)
{
	return runtime_on() ? print(NULL, fd, format, args, SITE) : vdprintf(fd, format, args);
}

TAKEN int explored_printf(const char *format, ...);
int explored_printf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = runtime_on() ? print(stdout, 0, format, args, SITE) : vprintf(format, args);
	va_end(args);
	return length;
}

TAKEN int explored_fprintf(FILE *stream, const char *format, ...);
int explored_fprintf(FILE *stream, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = runtime_on() ? print(stream, 0, format, args, SITE) : vfprintf(stream, format, args);
	va_end(args);
	return length;
}

TAKEN int explored_dprintf(int fd, const char *format, ...);
int explored_dprintf(int fd, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = runtime_on() ? print(NULL, fd, format, args, SITE) : vdprintf(fd, format, args);
	va_end(args);
	return length;
}

/* Text as it is ------------------------------------------------------------------------------------------------------------------------ */

static bool keep(FILE *stream, const char *text, size_t bytes, const void *site)
{
	runtime_access(text, bytes, false, site);
	if (!is_terminal(stream)) {
		channel_writes(fileno(stream), site);
		return false;
	}
	process_print(text, bytes);
	return true;
}

TAKEN int explored_puts(const char *text);
int explored_puts(const char *text)
{
	if (!runtime_on())
		return puts(text);
	keep(stdout, text, strlen(text) + 1, SITE);
	if (process && process->output_bytes <= PROCESS_OUTPUT_MAX)
		process->output[process->output_bytes - 1] = '\n';
	return 1;
}

TAKEN int explored_fputs(const char *text, FILE *stream);
int explored_fputs(const char *text, FILE *stream)
{
	return runtime_on() && keep(stream, text, strlen(text), SITE) ? 1 : fputs(text, stream);
}

TAKEN int explored_fputs_unlocked(const char *text, FILE *stream);
int explored_fputs_unlocked(const char *text, FILE *stream)
{
	return runtime_on() && keep(stream, text, strlen(text), SITE) ? 1 : fputs(text, stream);
}

TAKEN size_t explored_fwrite(const void *from, size_t size, size_t count, FILE *stream);
size_t explored_fwrite(const void *from, size_t size, size_t count, FILE *stream)
{
	return runtime_on() && keep(stream, from, size * count, SITE) ? count : fwrite(from, size, count, stream);
}

TAKEN size_t explored_fwrite_unlocked(const void *from, size_t size, size_t count, FILE *stream);
size_t explored_fwrite_unlocked(const void *from, size_t size, size_t count, FILE *stream)
{
	return runtime_on() && keep(stream, from, size * count, SITE) ? count : fwrite(from, size, count, stream);
}

static int put(int c, FILE *stream, const void *site)
{
	char byte = (char)c;
	if (!is_terminal(stream))
		channel_writes(fileno(stream), site);
	if (!runtime_on() || !is_terminal(stream))
		return fputc(c, stream);
	process_print(&byte, 1);
	return (unsigned char)byte;
}

#define PUT_ON(name)                                    \
	TAKEN int explored_##name(int c, FILE *stream); \
	int explored_##name(int c, FILE *stream)        \
	{                                               \
		return put(c, stream, SITE);            \
	}
PUT_ON(putc)
PUT_ON(fputc)
PUT_ON(_IO_putc)
PUT_ON(putc_unlocked)
PUT_ON(fputc_unlocked)
TAKEN int explored_putchar(int c);
int explored_putchar(int c)
{
	return put(c, stdout, SITE);
}
TAKEN int explored_putchar_unlocked(int c);
int explored_putchar_unlocked(int c)
{
	return put(c, stdout, SITE);
}

TAKEN ssize_t explored_write(int fd, const void *from, size_t bytes);
ssize_t explored_write(int fd, const void *from, size_t bytes)
{
	if (!runtime_on())
		return write(fd, from, bytes);
	runtime_access(from, bytes, false, SITE);
	if (fd != STDOUT_FILENO && fd != STDERR_FILENO) {
		channel_writes(fd, SITE);
		return write(fd, from, bytes);
	}
	process_print(from, bytes);
	return (ssize_t)bytes;
}

/* Buffers: nothing waits in one here. */
TAKEN int explored_fflush(FILE *stream);
int explored_fflush(FILE *stream)
{
	if (stream && !is_terminal(stream))
		channel_writes(fileno(stream), SITE);
	return runtime_on() && (!stream || is_terminal(stream)) ? 0 : fflush(stream);
}

TAKEN int explored_fflush_unlocked(FILE *stream);
int explored_fflush_unlocked(FILE *stream)
{
	return runtime_on() && (!stream || is_terminal(stream)) ? 0 : fflush(stream);
}

TAKEN int explored_setvbuf(FILE *stream, char *buffer, int mode, size_t size);
int explored_setvbuf(FILE *stream, char *buffer, int mode, size_t size)
{
	return runtime_on() ? 0 : setvbuf(stream, buffer, mode, size);
}

TAKEN void explored_setbuf(FILE *stream, char *buffer);
void explored_setbuf(FILE *stream, char *buffer)
{
	if (!runtime_on())
		setbuf(stream, buffer);
}

TAKEN void explored_setlinebuf(FILE *stream);
void explored_setlinebuf(FILE *stream)
{
	if (!runtime_on())
		setlinebuf(stream);
}

/* Complaints --------------------------------------------------------------------------------------------------------------------------- */

/* "program: text: reason\n"; ERROR 0: without a reason. FORMAT may be NULL. */
static void complain_of(const char *format, va_list args, int error, const void *site)
{
	process_print("program", 7);
	if (format) {
		process_print(": ", 2);
		print(stderr, 0, format, args, site);
	}
	const char *reason = error ? strerror(error) : NULL;
	if (reason) {
		process_print(": ", 2);
		process_print(reason, strlen(reason));
	}
	process_print("\n", 1);
}

#define COMPLAINS(name, error_value, ends)                                         \
	TAKEN void explored_v##name(int status, const char *format, va_list args); \
	void explored_v##name(int status, const char *format, va_list args)        \
	{                                                                          \
		complain_of(format, args, error_value, SITE);                      \
		if (ends)                                                          \
			explored_exit(status);                                     \
	}                                                                          \
	TAKEN void explored_##name(int status, const char *format, ...);           \
	void explored_##name(int status, const char *format, ...)                  \
	{                                                                          \
		va_list args;                                                      \
		va_start(args, format);                                            \
		complain_of(format, args, error_value, SITE);                      \
		va_end(args);                                                      \
		if (ends)                                                          \
			explored_exit(status);                                     \
	}
COMPLAINS(err, errno, true)
COMPLAINS(errx, 0, true)

#define WARNS(name, error_value)                                       \
	TAKEN void explored_v##name(const char *format, va_list args); \
	void explored_v##name(const char *format, va_list args)        \
	{                                                              \
		complain_of(format, args, error_value, SITE);          \
	}                                                              \
	TAKEN void explored_##name(const char *format, ...);           \
	void explored_##name(const char *format, ...)                  \
	{                                                              \
		va_list args;                                          \
		va_start(args, format);                                \
		complain_of(format, args, error_value, SITE);          \
		va_end(args);                                          \
	}
WARNS(warn, errno)
WARNS(warnx, 0)

TAKEN void explored_error(int status, int number, const char *format, ...);
void explored_error(int status, int number, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	complain_of(format, args, number, SITE);
	va_end(args);
	if (status)
		explored_exit(status);
}

TAKEN void explored_perror(const char *text);
void explored_perror(const char *text)
{
	if (!runtime_on()) {
		perror(text);
		return;
	}
	const char *reason = strerror(errno);
	if (text && *text) {
		keep(stderr, text, strlen(text), SITE);
		process_print(": ", 2);
	}
	process_print(reason, strlen(reason));
	process_print("\n", 1);
}
