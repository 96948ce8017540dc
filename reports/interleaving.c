/* SPDX-License-Identifier: MIT */
#include "interleaving.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

enum { WIDTH_DEFAULT = 100, WIDTH_MIN = 40, COLUMN_MIN = 24, NUMBER_WIDTH = 6, VALUE_MAX = 32 };

/* Large values are addresses more often than not: those are read in hexadecimal. */
static const char *value_words(const char *text, char room[VALUE_MAX])
{
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno || *end || !*text)
		return text;
	snprintf(room, VALUE_MAX, value > UINT32_MAX ? "0x%llx" : "%llu", value);
	return room;
}

static bool truth(const json_t *step, const char *key)
{
	return json_is_true(node_get(step, key));
}

/* Where the value that STEP read comes from. */
static void write_source(FILE *out, const json_t *step)
{
	const json_t *from = node_get(step, "from");
	if (!*node_string(step, "read") || truth(step, "plain"))
		return;
	if (json_is_integer(from))
		fprintf(out, " (%sstep %" JSON_INTEGER_FORMAT ")", truth(step, "stale") ? "stale: of " : "of ",
			json_integer_value(from));
	else if (truth(step, "stale"))
		fputs(" (stale: from before)", out);
}

char *interleaving_words(const json_t *step)
{
	char *text = NULL, room[VALUE_MAX];
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		return NULL;
	const char *where = node_string(step, "where"), *read = node_string(step, "read"),
		   *written = node_string(step, "written");
	double times = node_number(step, "times", 1);
	fprintf(out, "%s%s%s", node_string(step, "operation"), *where ? " " : "", where);
	if (*read)
		fprintf(out, " = %s", value_words(read, room));
	if (*written)
		fprintf(out, "%s %s", *read ? " →" : " :=", value_words(written, room));
	write_source(out, step);
	if (times > 1)
		fprintf(out, " (%.0f times)", times);
	if (truth(step, "blocked") && strncmp(node_string(step, "operation"), "waits", 5) != 0)
		fputs(": waits", out);
	return fclose(out) == 0 ? text : NULL;
}

static int thread_number(const char *name)
{
	return *name == 'T' ? atoi(name + 1) : 0;
}

json_t *interleaving_threads(const json_t *steps)
{
	json_t *threads = node_must(json_array());
	size_t i, at;
	const json_t *step, *other;
	json_array_foreach(steps, i, step) {
		const char *name = node_string(step, "thread");
		bool known = false;
		size_t place = json_array_size(threads);
		json_array_foreach(threads, at, other) {
			known |= strcmp(json_string_value(other), name) == 0;
			if (place > at && thread_number(json_string_value(other)) > thread_number(name))
				place = at;
		}
		if (!known && *name)
			json_array_insert_new(threads, place, node_text(name));
	}
	return threads;
}

/* Writes at most WIDTH characters of TEXT and pads to WIDTH if PAD; a cut is marked. Returns the text behind what was written when it
 * BREAKs lines instead of cutting them. */
static const char *cell(FILE *out, const char *text, unsigned width, bool pad, bool breaks)
{
	unsigned characters = 0;
	const char *at = text, *space = NULL, *fits = text;
	for (; *at && *at != '\n'; at++) {
		if (((unsigned char)*at & 0xc0) == 0x80)
			continue;
		if (characters == width)
			break;
		if (characters + 1 == width)
			fits = at;
		if (*at == ' ')
			space = at;
		characters++;
	}
	bool over = *at && ((unsigned char)*at & 0xc0) != 0x80 && *at != '\n';
	const char *end = at;
	if (over)
		end = !breaks ? fits : *at == ' ' || space <= text ? at : space;
	unsigned written = 0;
	for (const char *c = text; c < end; c++) {
		unsigned char byte = (unsigned char)*c;
		fputc(byte == '\t' ? ' ' : byte < 0x20 || byte == 0x7f ? '?' : byte, out);
		written += (byte & 0xc0) != 0x80;
	}
	if (over && !breaks)
		fputs("…", out), written++;
	while (pad && written++ < width)
		fputc(' ', out);
	while (breaks && *end == ' ')
		end++;
	return end + (*end == '\n');
}

/* The lines of one step's cell: source line (not if PREVIOUS, of the same thread, showed it), what it did, why it read an old value.
 * In a narrow column the file has a line of its own. */
static char *step_lines(const json_t *step, const json_t *previous, unsigned width)
{
	enum { WIDE = 48 };
	char *text = NULL, *words = interleaving_words(step);
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out) {
		free(words);
		return NULL;
	}
	const char *file = node_string(step, "file"), *base = strrchr(file, '/'), *source = node_string(step, "source");
	bool same_file = previous && strcmp(file, node_string(previous, "file")) == 0;
	bool same_line = same_file && node_number(step, "line", 0) == node_number(previous, "line", 0);
	base = base ? base + 1 : file;
	if (*file && !same_line && width < WIDE && !same_file)
		fprintf(out, "%s:%.0f\n%s%s", base, node_number(step, "line", 0), source, *source ? "\n" : "");
	else if (*file && !same_line)
		fprintf(out, "%s:%.0f  %s\n", same_file ? "" : base, node_number(step, "line", 0), source);
	fprintf(out, "  %s\n", words ? words : "");
	if (*node_string(step, "note"))
		fprintf(out, "  %s\n", node_string(step, "note"));
	free(words);
	return fclose(out) == 0 ? text : NULL;
}

static void rule(FILE *out, const char *indent, size_t columns, unsigned width)
{
	fprintf(out, "%s", indent);
	for (unsigned i = 0; i < NUMBER_WIDTH; i++)
		fputs("─", out);
	for (size_t c = 0; c < columns; c++) {
		fputs("┼", out);
		for (unsigned i = 0; i < width + 1; i++)
			fputs("─", out);
	}
	fputc('\n', out);
}

/* The cell LINES in column AT, each line in the frame of the table; lines that are too long are broken. What the step did is indented. */
static void row(FILE *out, const struct interleaving_look *look, const json_t *step, const char *lines, size_t at, unsigned width)
{
	bool indented = false, stale = look->color && truth(step, "stale"), begins = true;
	for (bool first = true; *lines; first = false) {
		fprintf(out, "%s", look->indent);
		if (first)
			fprintf(out, "%s%*.0f ", truth(step, "switch") ? "→" : " ", NUMBER_WIDTH - 2,
				node_number(step, "step", 0));
		else
			fprintf(out, "%*s", NUMBER_WIDTH, "");
		for (size_t c = 0; c < at; c++)
			fprintf(out, "│ %*s", (int)width, "");
		indented = begins ? *lines == ' ' : indented;
		lines += strspn(lines, " ");
		fprintf(out, "│ %s%s", indented ? "  " : "", stale && indented ? "\033[33m" : "");
		const char *next = cell(out, lines, indented ? width - 2 : width, false, true);
		begins = next > lines && next[-1] == '\n';
		lines = next;
		fprintf(out, "%s\n", stale && indented ? "\033[0m" : "");
	}
}

static size_t index_of(const json_t *threads, const char *name)
{
	size_t i;
	const json_t *thread;
	json_array_foreach(threads, i, thread)
		if (strcmp(json_string_value(thread), name) == 0)
			return i;
	return 0;
}

static void head(FILE *out, const struct interleaving_look *look, const json_t *threads, unsigned width)
{
	size_t i;
	const json_t *thread;
	fprintf(out, "%s%*s ", look->indent, NUMBER_WIDTH - 1, "step");
	json_array_foreach(threads, i, thread) {
		bool last = i + 1 == json_array_size(threads);
		fprintf(out, "│ %s", look->color ? "\033[1m" : "");
		cell(out, json_string_value(thread), width, !last, false);
		fputs(look->color ? "\033[0m" : "", out);
	}
	fputc('\n', out);
	rule(out, look->indent, json_array_size(threads), width);
}

/* What the table leaves to be said. */
static void foot(FILE *out, const struct interleaving_look *look, const json_t *finding, unsigned width)
{
	char text[160] = "→ another thread goes on.";
	double hidden = node_number(finding, "hidden_steps", 0);
	if (hidden > 0)
		snprintf(text + strlen(text), sizeof text - strlen(text),
			" %.0f step%s that no other thread could notice %s not shown.", hidden, hidden > 1 ? "s" : "",
			hidden > 1 ? "are" : "is");
	for (const char *rest = text; *rest;) {
		fprintf(out, "%s", look->indent);
		rest = cell(out, rest, width, false, true);
		fputc('\n', out);
	}
}

/* The step of the same thread before step AT, or NULL. */
static const json_t *previous_of(const json_t *steps, size_t at)
{
	const char *thread = node_string(json_array_get(steps, at), "thread");
	for (size_t i = at; i-- > 0;)
		if (strcmp(node_string(json_array_get(steps, i), "thread"), thread) == 0)
			return json_array_get(steps, i);
	return NULL;
}

void interleaving_text(FILE *out, const json_t *finding, const struct interleaving_look *wanted)
{
	struct interleaving_look look = *wanted;
	const json_t *steps = node_get(finding, "interleaving"), *step;
	if (json_array_size(steps) == 0)
		return;
	look.indent = look.indent ? look.indent : "";
	unsigned total = look.width ? look.width : WIDTH_DEFAULT, used = NUMBER_WIDTH + (unsigned)strlen(look.indent);
	json_t *threads = interleaving_threads(steps);
	size_t columns = json_array_size(threads), i;
	unsigned width = total > WIDTH_MIN && columns ? (total - used) / (unsigned)columns : 0;
	bool list = width < COLUMN_MIN + 2;
	if (list)
		width = total > used + WIDTH_MIN ? total - used : WIDTH_MIN;
	width -= 2;
	if (!list)
		head(out, &look, threads, width);
	json_array_foreach(steps, i, step) {
		char *lines = step_lines(step, previous_of(steps, i), list ? 0 : width);
		if (list && (i == 0 || truth(step, "switch"))) {
			fprintf(out, "%s%s", look.indent, look.color ? "\033[1m" : "");
			cell(out, node_string(step, "thread"), width, false, false);
			fprintf(out, "%s\n", look.color ? "\033[0m" : "");
		}
		if (lines)
			row(out, &look, step, lines, list ? 0 : index_of(threads, node_string(step, "thread")), width);
		free(lines);
	}
	foot(out, &look, finding, total - (unsigned)strlen(look.indent));
	json_decref(threads);
}
