/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../impl/contract.h"
#include "node.h"

enum {
	FILE_MAX = 8 << 20,
	LINE_MAX_BYTES = 400,
	LINES_MAX = 400,
	SMALL_FILE_LINES = 60, /* a file of so many lines is kept whole */
	AROUND_PLACE = 3,
	AROUND_STEP = 2,
};

/* Texts of files of one finding, and where their lines begin. */
struct text {
	char *bytes;
	const char **lines; /* count + 1 starts */
	size_t count;
};

const char *relative_file(const char *file)
{
	char folder[PATH_MAX];
	size_t length = *file == '/' && getcwd(folder, sizeof folder) ? strlen(folder) : 0;
	if (length > 1 && strncmp(file, folder, length) == 0 && file[length] == '/')
		file += length + strspn(file + length, "/");
	while (file[0] == '.' && file[1] == '/')
		file += 1 + strspn(file + 1, "/");
	return file;
}

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat info;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > FILE_MAX) {
		close(fd);
		return NULL;
	}
	size_t room = (size_t)info.st_size, used = 0;
	char *bytes = malloc(room + 1);
	while (bytes && used < room) {
		ssize_t got = read(fd, bytes + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	close(fd);
	/* Only text can be shown, and a byte 0 would end it. */
	if (bytes && memchr(bytes, '\0', used)) {
		free(bytes);
		return NULL;
	}
	if (bytes)
		bytes[used] = '\0';
	return bytes;
}

/* The registry's own text of FILE, or NULL: implementations are part of the program. */
static const char *registered_text(const char *file)
{
	for (size_t i = 0; i < onceproof_registry_count; i++)
		if (strcmp(onceproof_registry[i].file, file) == 0)
			return onceproof_registry[i].source;
	return NULL;
}

static bool text_split(struct text *text)
{
	size_t count = 0;
	for (const char *at = text->bytes; *at; at += strcspn(at, "\n"), at += *at == '\n')
		count++;
	text->lines = calloc(count + 1, sizeof *text->lines);
	if (!text->lines)
		return false;
	for (const char *at = text->bytes; *at; at += strcspn(at, "\n"), at += *at == '\n')
		text->lines[text->count++] = at;
	text->lines[count] = text->bytes + strlen(text->bytes);
	return true;
}

/* Line NUMBER of TEXT without its end, cut where it is too long to be read; the caller frees it. */
static char *text_line(const struct text *text, size_t number)
{
	const char *at = text->lines[number - 1];
	size_t length = strcspn(at, "\r\n");
	if (length > LINE_MAX_BYTES)
		for (length = LINE_MAX_BYTES; length > 0 && ((unsigned char)at[length] & 0xc0) == 0x80;)
			length--;
	return strndup(at, length);
}

static void mark(unsigned char *wanted, size_t count, double line, int around)
{
	if (line < 1 || line > (double)count)
		return;
	long first = (long)line - around, last = (long)line + around;
	for (long at = first < 1 ? 1 : first; at <= last && at <= (long)count; at++)
		wanted[at] = 1;
}

/* Marks the lines of FILE that LIST (locations or steps) names, with those AROUND. */
static void mark_all(unsigned char *wanted, size_t count, const json_t *list, const char *file, int around)
{
	size_t i;
	const json_t *place;
	json_array_foreach(list, i, place)
		if (strcmp(node_string(place, "file"), file) == 0)
			mark(wanted, count, node_number(place, "line", 0), around);
}

/* The lines of FILE that FINDING is about. NULL where there are none. */
static json_t *lines_of(const json_t *finding, const char *file, const struct text *text)
{
	unsigned char *wanted = calloc(text->count + 1, 1);
	if (!wanted)
		return NULL;
	if (text->count <= SMALL_FILE_LINES)
		memset(wanted + 1, 1, text->count);
	mark_all(wanted, text->count, node_get(finding, "locations"), file, AROUND_PLACE);
	mark_all(wanted, text->count, node_get(finding, "interleaving"), file, AROUND_STEP);
	json_t *lines = node_must(json_array());
	for (size_t number = 1; number <= text->count && json_array_size(lines) < LINES_MAX; number++) {
		char *line = wanted[number] ? text_line(text, number) : NULL;
		if (!line)
			continue;
		json_t *entry = node_append(lines, json_object());
		node_set(entry, "line", json_integer((json_int_t)number));
		node_set(entry, "text", node_text(line));
		free(line);
	}
	free(wanted);
	return lines;
}

static const json_t *entry_of(const json_t *finding, const char *file)
{
	size_t i;
	const json_t *entry;
	json_array_foreach(node_get(finding, "sources"), i, entry)
		if (strcmp(node_string(entry, "file"), file) == 0)
			return entry;
	return NULL;
}

static void add_file(json_t *finding, json_t *sources, const char *file)
{
	struct text text = {0};
	if (!*file || registered_text(file) || entry_of(finding, file))
		return;
	text.bytes = read_file(file);
	if (text.bytes && text_split(&text)) {
		json_t *entry = node_append(sources, json_object());
		node_set(entry, "file", node_text(file));
		node_set(entry, "lines", lines_of(finding, file, &text));
	}
	free(text.lines);
	free(text.bytes);
}

static const char *registered_line(const char *file, int line, size_t *length)
{
	const char *at = registered_text(file);
	for (int number = 1; at && number < line; number++) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (!at || !*at || line < 1)
		return NULL;
	*length = strcspn(at, "\r\n");
	return at;
}

char *finding_source_line(const json_t *finding, const char *file, int line)
{
	size_t i, length;
	const json_t *entry = entry_of(finding, file), *one;
	json_array_foreach(node_get(entry, "lines"), i, one)
		if ((int)node_number(one, "line", 0) == line)
			return strdup(node_string(one, "text"));
	const char *text = registered_line(file, line, &length);
	return text ? strndup(text, length) : NULL;
}

json_t *finding_lines(const json_t *finding, const char *file)
{
	const json_t *entry = entry_of(finding, file);
	const char *registered = registered_text(file);
	struct text text = {.bytes = !entry && registered ? strdup(registered) : NULL};
	json_t *lines = entry ? json_incref(node_get(entry, "lines")) : NULL;
	if (text.bytes && text_split(&text))
		lines = lines_of(finding, file, &text);
	free(text.lines);
	free(text.bytes);
	return lines ? lines : node_must(json_array());
}

/* The line of PLACE without the white space around it; "" where it cannot be had. */
static json_t *place_source(const json_t *finding, const json_t *place)
{
	char *line = finding_source_line(finding, node_string(place, "file"), (int)node_number(place, "line", 0));
	const char *text = line ? line + strspn(line, " \t") : "";
	size_t length = strlen(text);
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	char *bare = strndup(text, length);
	json_t *node = node_text(bare ? bare : "");
	free(bare);
	free(line);
	return node;
}

void finding_sources(json_t *finding)
{
	size_t i;
	json_t *place;
	if (!node_get(finding, "sources")) {
		json_t *sources = node_must(json_array());
		node_set(finding, "sources", sources);
		json_array_foreach(node_get(finding, "locations"), i, place)
			add_file(finding, sources, node_string(place, "file"));
		json_array_foreach(node_get(finding, "interleaving"), i, place)
			add_file(finding, sources, node_string(place, "file"));
	}
	json_array_foreach(node_get(finding, "locations"), i, place)
		if (!node_get(place, "source"))
			node_set(place, "source", place_source(finding, place));
}
