/* SPDX-License-Identifier: MIT */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/say.h"

enum { BLOCK = 64 * 1024 };

static const char byte_order_mark[3] = {'\xef', '\xbb', '\xbf'};

void line_free(struct line *line)
{
	free(line->text);
	*line = (struct line){0};
}

/* Puts the next block into the buffer; false at the end or on failure. */
static bool refill(struct manifest *m)
{
	m->at = 0;
	m->used = 0;
	if (m->memory) {
		size_t left = m->memory_bytes - m->memory_at;
		m->used = left < BLOCK ? left : BLOCK;
		memcpy(m->buffer, m->memory + m->memory_at, m->used);
		m->memory_at += m->used;
		return m->used > 0;
	}
	ssize_t got;
	do
		got = read(m->fd, m->buffer, BLOCK);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		m->error = errno;
	else
		m->used = (size_t)got;
	return got > 0;
}

/* Appends to LINE; of a line that is too long, enough to see that, even after a byte-order mark and a CR have been taken off. */
static bool append(struct line *line, const char *text, size_t length)
{
	enum { ENOUGH = BATCH_LINE_MAX + sizeof byte_order_mark + 1 + 1 };
	if (length > ENOUGH - line->length)
		length = ENOUGH - line->length;
	if (length == 0)
		return true;
	if (line->length + length > line->capacity) {
		size_t capacity = line->capacity ? line->capacity : 256;
		while (capacity < line->length + length)
			capacity *= 2;
		char *grown = realloc(line->text, capacity);
		if (!grown)
			return false;
		line->text = grown;
		line->capacity = capacity;
	}
	memcpy(line->text + line->length, text, length);
	line->length += length;
	return true;
}

/* Reads up to the next newline; false when nothing is left. */
static bool read_line(struct manifest *m, struct line *line)
{
	bool any = false;
	line->length = 0;
	while (m->at < m->used || refill(m)) {
		any = true;
		const char *start = m->buffer + m->at;
		const char *end = memchr(start, '\n', m->used - m->at);
		size_t length = end ? (size_t)(end - start) : m->used - m->at;
		if (!append(line, start, length)) {
			m->error = ENOMEM;
			return false;
		}
		m->at += length + (end ? 1 : 0);
		m->bytes += length + (end ? 1 : 0);
		if (end)
			break;
	}
	return any && !m->error;
}

static bool synthetic_next(struct manifest *m, struct line *line)
{
	if (m->index == m->synthetic)
		return false;
	char text[48];
	int length = snprintf(text, sizeof text, "item number %" PRIu64, ++m->index);
	line->length = 0;
	if (!append(line, text, (size_t)length)) {
		m->error = ENOMEM;
		return false;
	}
	line->index = line->number = m->index;
	line->fault = BATCH_DONE;
	return true;
}

bool manifest_next(struct manifest *m, struct line *line)
{
	if (m->synthetic)
		return synthetic_next(m, line);
	while (read_line(m, line)) {
		if (m->counted && m->bytes > m->counted) {
			m->error = ESTALE;
			return false;
		}
		m->number++;
		if (m->number == 1 && line->length >= 3 && memcmp(line->text, byte_order_mark, 3) == 0) {
			line->length -= 3;
			memmove(line->text, line->text + 3, line->length);
		}
		if (line->length > 0 && line->text[line->length - 1] == '\r')
			line->length--;
		if (line->length == 0)
			continue;
		line->index = ++m->index;
		line->number = m->number;
		bool blank;
		if (line->length > BATCH_LINE_MAX)
			line->fault = BATCH_TOO_LONG;
		else if (memchr(line->text, '\0', line->length))
			line->fault = BATCH_NUL_BYTE;
		else if (!utf8_valid(line->text, line->length, &blank))
			line->fault = BATCH_NOT_UTF8;
		else
			line->fault = blank ? BATCH_BLANK : BATCH_DONE;
		return true;
	}
	/* What is read is what was counted, or the totals would not add up through nobody's fault. */
	if (m->counted && !m->error && (m->bytes != m->counted || m->index != m->items))
		m->error = ESTALE;
	return false;
}

/* An unnamed temporary file; -1 with errno set. */
static int unnamed_file(void)
{
	const char *directory = getenv("TMPDIR");
	char *path;
	if (asprintf(&path, "%s/onceproof-XXXXXX", directory && *directory ? directory : "/tmp") < 0) {
		errno = ENOMEM;
		return -1;
	}
	int fd = mkostemp(path, O_CLOEXEC), why = errno;
	if (fd >= 0)
		unlink(path);
	free(path);
	errno = why;
	return fd;
}

/* Copies a pipe or terminal to an unnamed temporary file and puts that in its place. */
static int spool(struct manifest *m, const char *name, const int *stop)
{
	int fd = unnamed_file();
	int why = fd < 0 ? errno : 0;
	while (!why) {
		ssize_t got = read(m->fd, m->buffer, BLOCK);
		/* relaxed: the flag is a request, it publishes nothing. */
		if (stop && __atomic_load_n(stop, __ATOMIC_RELAXED))
			why = EINTR;
		else if (got < 0 && errno == EINTR)
			continue;
		else if (got < 0)
			why = errno;
		if (got <= 0)
			break;
		for (ssize_t done = 0; !why && done < got;) {
			ssize_t put = write(fd, m->buffer + done, (size_t)(got - done));
			if (put < 0 && errno != EINTR)
				why = errno;
			else if (put > 0)
				done += put;
		}
	}
	if (why) {
		if (why == EINTR)
			complain("%s: interrupted while its items were counted: nothing was started", name);
		else
			complain("%s: cannot copy it to a temporary file: %s: set TMPDIR to a directory with space, or give a "
				 "file as the manifest",
				name, strerror(why));
		if (fd >= 0)
			close(fd);
		return why;
	}
	if (m->fd != STDIN_FILENO)
		close(m->fd);
	m->fd = fd;
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : errno;
}

/* Refuses what is no text at all, by its first block. */
static int sniff(struct manifest *m, const char *name)
{
	if (!refill(m))
		return 0;
	const unsigned char *b = (const unsigned char *)m->buffer;
	if (m->used >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) {
		complain("%s: is UTF-16, not UTF-8: convert it with `iconv -f UTF-16 -t UTF-8`", name);
		return EINVAL;
	}
	if (memchr(m->buffer, '\0', m->used)) {
		complain("%s: is binary data: give a text file with one item on each line", name);
		return EINVAL;
	}
	return 0;
}

static void rewind_manifest(struct manifest *m)
{
	m->at = m->used = 0;
	m->memory_at = 0;
	m->counted = m->bytes;
	m->index = m->number = m->bytes = 0;
	if (!m->memory && !m->synthetic && lseek(m->fd, 0, SEEK_SET) != 0)
		m->error = errno;
}

/* Counts the items; refuses a manifest that has none to work on. */
static int count(struct manifest *m, const char *name, const int *stop)
{
	uint64_t usable = 0, first = 0;
	enum batch_reason why = BATCH_DONE;
	struct line line = {0};
	bool stopped = false;
	while (!stopped && manifest_next(m, &line)) {
		if (line.fault == BATCH_DONE)
			usable++;
		else if (!first) {
			first = line.number;
			why = line.fault;
		}
		/* relaxed: the flag is a request, it publishes nothing. */
		stopped = stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
	}
	m->items = m->index;
	line_free(&line);
	if (stopped) {
		complain("%s: interrupted while its items were counted: nothing was started", name);
		return EINTR;
	}
	if (m->error) {
		complain("%s: cannot read: %s", name, strerror(m->error));
		return m->error;
	}
	if (m->items == 0) {
		complain("%s: has no items: put one item on each line", name);
		return ENODATA;
	}
	if (usable == 0) {
		complain("%s: none of its %" PRIu64 " items can be used: line %" PRIu64
			 ": %s: give UTF-8 text with one item on each line",
			name, m->items, first, batch_reason_text(why));
		return EINVAL;
	}
	return 0;
}

const char *manifest_name(const struct batch_options *options)
{
	if (options->text)
		return "manifest in memory";
	if (!options->manifest)
		return "the shipped manifest";
	return strcmp(options->manifest, "-") == 0 ? "standard input" : options->manifest;
}

int manifest_open(struct manifest *m, const struct batch_options *options)
{
	*m = (struct manifest){.fd = -1, .synthetic = options->synthetic_items, .items = options->synthetic_items};
	if (m->synthetic)
		return 0;
	const char *name = manifest_name(options);
	m->buffer = malloc(BLOCK);
	int why = m->buffer ? 0 : ENOMEM;
	if (options->text) {
		m->memory = options->text;
		m->memory_bytes = options->text_bytes;
	} else if (!options->manifest) {
		m->memory = batch_shipped_manifest;
		m->memory_bytes = batch_shipped_manifest_bytes;
	} else if (strcmp(options->manifest, "-") == 0) {
		m->fd = STDIN_FILENO;
	} else {
		m->fd = open(options->manifest, O_RDONLY | O_CLOEXEC);
		if (m->fd < 0)
			why = errno;
	}
	struct stat info = {0};
	if (!why && m->fd >= 0 && fstat(m->fd, &info) == 0 && S_ISDIR(info.st_mode))
		why = EISDIR;
	if (why) {
		complain("%s: cannot open: %s: give a readable text file, or - for standard input", name, strerror(why));
		manifest_close(m);
		return why;
	}
	if (m->fd >= 0 && (m->fd == STDIN_FILENO || !S_ISREG(info.st_mode)))
		why = spool(m, name, options->stop);
	if (!why)
		why = sniff(m, name);
	if (!why) {
		m->at = 0; /* the block that was looked at is still to be counted */
		why = count(m, name, options->stop);
	}
	if (!why)
		rewind_manifest(m);
	if (why)
		manifest_close(m);
	return why;
}

void manifest_close(struct manifest *m)
{
	if (m->fd >= 0 && m->fd != STDIN_FILENO)
		close(m->fd);
	m->fd = -1;
	free(m->buffer);
	m->buffer = NULL;
}
