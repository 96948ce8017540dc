/* SPDX-License-Identifier: MIT */
/* What explored code reads, from a standard input that is the same in every execution. */
#include <errno.h>
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

void *explored_realloc(void *block, size_t bytes);

void process_reads_input(void)
{
	if (process)
		process->input_read = process->input_ever = true;
}

/* Who reads first gets what comes first. */
static void reads(FILE *stream, const void *site)
{
	if (stream == stdin)
		process_reads_input();
	/* What was read ahead is not waited for. */
	if (runtime_on() && stream->_IO_read_ptr == stream->_IO_read_end)
		channel_reads(fileno(stream), site);
	else
		process_effect(site);
}

TAKEN ssize_t explored_read(int fd, void *to, size_t bytes);
ssize_t explored_read(int fd, void *to, size_t bytes)
{
	if (!runtime_on())
		return read(fd, to, bytes);
	if (fd == STDIN_FILENO)
		process_reads_input();
	channel_reads(fd, SITE);
	/* As much as is changed is known only behind it: a copy is read first. */
	char *copy = malloc(bytes + 1);
	ssize_t got = copy ? read(fd, copy, bytes) : -1;
	if (got > 0) {
		runtime_access(to, (size_t)got, true, SITE);
		memcpy(to, copy, (size_t)got);
		runtime_wrote();
	}
	free(copy);
	return got;
}

TAKEN char *explored_fgets(char *to, int room, FILE *stream);
char *explored_fgets(char *to, int room, FILE *stream)
{
	if (!runtime_on())
		return fgets(to, room, stream);
	reads(stream, SITE);
	char *copy = malloc(room > 0 ? (size_t)room : 1u);
	bool got = copy && fgets(copy, room, stream);
	if (got) {
		/* A line may hold null bytes; those behind the first are not told. */
		runtime_access(to, strlen(copy) + 1, true, SITE);
		memcpy(to, copy, strlen(copy) + 1);
		runtime_wrote();
	}
	free(copy);
	return got ? to : NULL;
}

TAKEN size_t explored_fread(void *to, size_t size, size_t count, FILE *stream);
size_t explored_fread(void *to, size_t size, size_t count, FILE *stream)
{
	if (!runtime_on())
		return fread(to, size, count, stream);
	reads(stream, SITE);
	char *copy = malloc(size * count + 1);
	size_t got = copy ? fread(copy, size, count, stream) : 0;
	if (got) {
		runtime_access(to, got * size, true, SITE);
		memcpy(to, copy, got * size);
		runtime_wrote();
	}
	free(copy);
	return got;
}

/* The line is the program's own block, so it comes from its own heap. */
TAKEN ssize_t explored_getdelim(char **line, size_t *room, int delimiter, FILE *stream);
ssize_t explored_getdelim(char **line, size_t *room, int delimiter, FILE *stream)
{
	if (!runtime_on())
		return getdelim(line, room, delimiter, stream);
	reads(stream, SITE);
	char *copy = NULL;
	size_t copy_room = 0;
	ssize_t got = getdelim(&copy, &copy_room, delimiter, stream);
	if (got >= 0) {
		runtime_access(line, sizeof *line, true, SITE);
		runtime_access(room, sizeof *room, true, SITE);
		if (!*line || *room < (size_t)got + 1) {
			*line = explored_realloc(*line, (size_t)got + 1);
			*room = (size_t)got + 1;
		}
		runtime_access(*line, (size_t)got + 1, true, SITE);
		memcpy(*line, copy, (size_t)got + 1);
		runtime_wrote();
	}
	free(copy);
	return got;
}

TAKEN ssize_t explored_getline(char **line, size_t *room, FILE *stream);
ssize_t explored_getline(char **line, size_t *room, FILE *stream)
{
	return explored_getdelim(line, room, '\n', stream);
}

#define GETS_ON(name)                            \
	TAKEN int explored_##name(FILE *stream); \
	int explored_##name(FILE *stream)        \
	{                                        \
		reads(stream, SITE);             \
		return fgetc(stream);            \
	}
GETS_ON(getc)
GETS_ON(fgetc)
GETS_ON(_IO_getc)
GETS_ON(getc_unlocked)
GETS_ON(fgetc_unlocked)
TAKEN int explored_getchar(void);
int explored_getchar(void)
{
	reads(stdin, SITE);
	return getchar();
}
TAKEN int explored_getchar_unlocked(void);
int explored_getchar_unlocked(void)
{
	reads(stdin, SITE);
	return getchar();
}

/* scanf. TEXT or STREAM; the compiler's headers use names of their own for it. */
static int scan(FILE *stream, const char *text, const char *format, va_list args, const void *site)
{
	va_list again;
	va_copy(again, args);
	if (stream)
		reads(stream, site);
	else if (runtime_on())
		runtime_access(text, strlen(text) + 1, false, site);
	int assigned = stream ? vfscanf(stream, format, args) : vsscanf(text, format, args);
	if (runtime_on() && assigned > 0)
		format_stored(format, again, assigned, site);
	va_end(again);
	return assigned;
}

#define SCANS(prefix)                                                                             \
	TAKEN int explored_##prefix##vfscanf(FILE *stream, const char *format, va_list args);     \
	int explored_##prefix##vfscanf(FILE *stream, const char *format, va_list args)            \
	{                                                                                         \
		return scan(stream, NULL, format, args, SITE);                                    \
	}                                                                                         \
	TAKEN int explored_##prefix##vsscanf(const char *text, const char *format, va_list args); \
	int explored_##prefix##vsscanf(const char *text, const char *format, va_list args)        \
	{                                                                                         \
		return scan(NULL, text, format, args, SITE);                                      \
	}                                                                                         \
	TAKEN int explored_##prefix##vscanf(const char *format, va_list args);                    \
	int explored_##prefix##vscanf(const char *format, va_list args)                           \
	{                                                                                         \
		return scan(stdin, NULL, format, args, SITE);                                     \
	}                                                                                         \
	TAKEN int explored_##prefix##fscanf(FILE *stream, const char *format, ...);               \
	int explored_##prefix##fscanf(FILE *stream, const char *format, ...)                      \
	{                                                                                         \
		va_list args;                                                                     \
		va_start(args, format);                                                           \
		int assigned = scan(stream, NULL, format, args, SITE);                            \
		va_end(args);                                                                     \
		return assigned;                                                                  \
	}                                                                                         \
	TAKEN int explored_##prefix##sscanf(const char *text, const char *format, ...);           \
	int explored_##prefix##sscanf(const char *text, const char *format, ...)                  \
	{                                                                                         \
		va_list args;                                                                     \
		va_start(args, format);                                                           \
		int assigned = scan(NULL, text, format, args, SITE);                              \
		va_end(args);                                                                     \
		return assigned;                                                                  \
	}                                                                                         \
	TAKEN int explored_##prefix##scanf(const char *format, ...);                              \
	int explored_##prefix##scanf(const char *format, ...)                                     \
	{                                                                                         \
		va_list args;                                                                     \
		va_start(args, format);                                                           \
		int assigned = scan(stdin, NULL, format, args, SITE);                             \
		va_end(args);                                                                     \
		return assigned;                                                                  \
	}
SCANS()
SCANS(__isoc99_)
SCANS(__isoc23_)
