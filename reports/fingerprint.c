/* SPDX-License-Identifier: MIT */
#include "fingerprint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "source.h"

/* FNV-1a (Fowler, Noll, Vo), then the finaliser of MurmurHash3 (Appleby), so that short texts differ in all digits. */
static uint64_t hash(uint64_t state, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text;; at++) {
		state = (state ^ *at) * 0x100000001b3; /* the 0 at the end, too: it parts one text from the next */
		if (!*at)
			return state;
	}
}

static uint64_t mix(uint64_t state)
{
	state = (state ^ state >> 33) * 0xff51afd7ed558ccd;
	state = (state ^ state >> 33) * 0xc4ceb9fe1a85ec53;
	return state ^ state >> 33;
}

/* TEXT without white space, but for one space where it parts two words: "x  =1" and "x = 1" are one statement. */
static void write_squeezed(FILE *out, const char *text)
{
	char before = '\0';
	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		bool word = isalnum((unsigned char)*text) || *text == '_';
		if (word && before && isspace((unsigned char)text[-1]) && (isalnum((unsigned char)before) || before == '_'))
			fputc(' ', out);
		fputc(*text, out);
		before = *text;
	}
}

/* A message without what changes from run to run: counts in brackets at its end, line numbers, thread numbers, addresses. */
static void write_message(FILE *out, const char *message)
{
	size_t length = strlen(message);
	while (length && message[length - 1] == ')') {
		size_t open = length;
		while (open && message[open - 1] != '(')
			open--;
		if (open < 2)
			break;
		for (length = open - 1; length && message[length - 1] == ' ';)
			length--;
	}
	for (const char *at = message; at < message + length;) {
		bool starts = at == message || !isalnum((unsigned char)at[-1]);
		size_t digits = strspn(at + 1, "0123456789");
		if (digits && (*at == ':' || (*at == 'T' && starts))) {
			fputc(*at, out);
			at += 1 + digits;
		} else if (starts && at[0] == '0' && at[1] == 'x') {
			fputs("0x", out);
			at += 2 + strspn(at + 2, "0123456789abcdefABCDEF");
		} else {
			fputc(*at++, out);
		}
	}
}

/* gcc's clones of a function ("load.part.0", "load.constprop.0") are that function. */
static int function_length(const char *function)
{
	const char *clone = strstr(function, ".part.");
	clone = clone ? clone : strstr(function, ".constprop.");
	clone = clone ? clone : strstr(function, ".isra.");
	clone = clone ? clone : strstr(function, ".cold");
	return clone ? (int)(clone - function) : (int)strlen(function);
}

/* Places that lead to the finding, but are not it. */
static bool leads_there(const json_t *place)
{
	const char *access = node_string(place, "access");
	size_t length = strlen(access);
	return strcmp(access, "called from here") == 0 ||
	       (strncmp(access, "waits for T", 11) == 0 && length > 7 && strcmp(access + length - 7, " to end") == 0);
}

/* Without a line's text, its access tells it apart from others of the function. */
static const char *access_word(const char *access)
{
	return strstr(access, "writ") ? "write" : strstr(access, "read") ? "read" : "";
}

static char *place_text(const json_t *place, bool line_too)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		node_must(NULL);
	const char *function = node_string(place, "function"), *source = node_string(place, "source");
	fprintf(out, "%s\n", relative_file(node_string(place, "file")));
	if (line_too) {
		fprintf(out, "%010.0f", node_number(place, "line", 0));
	} else {
		fprintf(out, "%.*s\n", function_length(function), function);
		if (*source)
			write_squeezed(out, source);
		else
			fputs(access_word(node_string(place, "access")), out);
	}
	if (fclose(out) != 0)
		node_must(NULL);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The texts of FINDING's places in an order of their own, each once: two accesses of one line are that line. The caller frees it. */
static char *places_text(const json_t *finding, bool line_too)
{
	const json_t *places = node_get(finding, "locations"), *place;
	size_t count = json_array_size(places), used = 0, bytes, i;
	char **texts = calloc(count + 1, sizeof *texts), *whole = NULL;
	FILE *out = open_memstream(&whole, &bytes);
	if (!texts || !out)
		node_must(NULL);
	/* Where all places only lead there, they are what there is. */
	for (int leading = 0; leading < 2 && used == 0; leading++)
		json_array_foreach(places, i, place)
			if (leading || !leads_there(place))
				texts[used++] = place_text(place, line_too);
	qsort(texts, used, sizeof *texts, by_text);
	for (i = 0; i < used; i++)
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			fprintf(out, "%s\n\n", texts[i]);
	for (i = 0; i < used; i++)
		free(texts[i]);
	free(texts);
	if (fclose(out) != 0)
		node_must(NULL);
	return whole;
}

static char *message_text(const json_t *result, const json_t *finding)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	if (!out)
		node_must(NULL);
	fprintf(out, "%s\n%s\n", relative_file(node_string(result, "subject")), node_string(result, "scenario"));
	write_message(out, node_string(finding, "message"));
	if (fclose(out) != 0)
		node_must(NULL);
	return text;
}

/* What FINDING is about, before others of RESULT that look the same are counted. */
static uint64_t base_of(const json_t *result, const json_t *finding)
{
	bool placed = json_array_size(node_get(finding, "locations")) > 0;
	char *text = placed ? places_text(finding, false) : message_text(result, finding);
	uint64_t state = hash(hash(0xcbf29ce484222325, node_string(finding, "kind")), text);
	free(text);
	return state;
}

/* Bytes of TEXT up to MAX, whole characters of UTF-8. */
static int cut(const char *text, size_t max)
{
	size_t length = strlen(text);
	if (length > max)
		for (length = max; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
			length--;
	return (int)length;
}

static void write_fingerprint(char text[FINGERPRINT_MAX], const json_t *finding, uint64_t state)
{
	const char *kind = node_string(finding, "kind");
	snprintf(text, FINGERPRINT_MAX, "%.*s:%016" PRIx64, cut(kind, 40), kind, mix(state));
}

/* A finding of a result: what it is about, and where. */
struct entry {
	json_t *finding;
	uint64_t base;
	char *lines;
};

static int by_base_and_lines(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return x->base != y->base ? (x->base > y->base) - (x->base < y->base) : strcmp(x->lines, y->lines);
}

void result_fingerprints(json_t *result)
{
	const json_t *findings = node_get(result, "findings");
	size_t count = json_array_size(findings), i;
	json_t *finding;
	struct entry *entries = calloc(count + 1, sizeof *entries);
	if (!entries)
		node_must(NULL);
	json_array_foreach(findings, i, finding) {
		finding_sources(finding);
		entries[i] = (struct entry){finding, base_of(result, finding), places_text(finding, true)};
	}
	qsort(entries, count, sizeof *entries, by_base_and_lines);
	unsigned nth = 0;
	for (i = 0; i < count; i++) {
		bool same = i > 0 && entries[i].base == entries[i - 1].base;
		nth = !same ? 0 : nth + (strcmp(entries[i].lines, entries[i - 1].lines) != 0);
		char text[FINGERPRINT_MAX], ordinal[16];
		snprintf(ordinal, sizeof ordinal, "%u", nth);
		write_fingerprint(text, entries[i].finding, nth ? hash(entries[i].base, ordinal) : entries[i].base);
		if (!*node_string(entries[i].finding, "fingerprint"))
			node_set(entries[i].finding, "fingerprint", node_text(text));
	}
	for (i = 0; i < count; i++)
		free(entries[i].lines);
	free(entries);
}

void finding_fingerprint(const json_t *result, const json_t *finding, char text[FINGERPRINT_MAX])
{
	const char *has = node_string(finding, "fingerprint");
	if (*has)
		snprintf(text, FINGERPRINT_MAX, "%.*s", cut(has, FINGERPRINT_MAX - 1), has);
	else
		write_fingerprint(text, finding, base_of(result, finding));
}
