/* SPDX-License-Identifier: MIT */
#include "check_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reports/advice.h"
#include "../reports/node.h"

enum { SHOWN_WHOLE = 2 };

static const char *paint(const struct stress_text *text, const char *color)
{
	return text->color ? color : "";
}

/* How verdicts are called in a sentence, and their colours. */
static const struct {
	const char *verdict, *word, *color;
} words[] = {
	{"bug", "BUG", "\033[1;31m"},
	{"proved", "proved", "\033[1;32m"},
	{"not-found", "no bug found", "\033[32m"},
	{"inconclusive", "INCONCLUSIVE", "\033[1;33m"},
	{"skipped", "skipped", "\033[33m"},
};

static size_t word_of(const char *verdict)
{
	size_t i = 0;
	while (i + 1 < sizeof words / sizeof *words && strcmp(words[i].verdict, verdict) != 0)
		i++;
	return i;
}

/* LABEL, then TEXT in lines that fit the terminal, indented. */
static void wrapped(const struct stress_text *text, const char *label, const char *words_of_it)
{
	size_t indent = 8, column = indent + strlen(label) + 2, width = text->width > 40 ? text->width : 40;
	printf("        %s:", label);
	for (const char *at = words_of_it; *at;) {
		size_t length = strcspn(at, " \n");
		if (column + length >= width && column > indent) {
			printf("\n       ");
			column = indent;
		}
		printf(" %.*s", (int)length, at);
		column += length + 1;
		at += length;
		at += strspn(at, " \n");
	}
	putchar('\n');
}

static void tell_change(const struct stress_text *text, const json_t *finding)
{
	char *advice = advice_words(finding);
	if (advice && *advice)
		wrapped(text, "change", advice);
	free(advice);
}

static void tell_notes(const json_t *result)
{
	size_t i;
	const json_t *note;
	json_array_foreach(node_get(result, "notes"), i, note)
		printf("    note: %s\n", json_string_value(note));
}

void check_text_result(const struct stress_text *text, const json_t *result)
{
	if (text->status)
		fputs("\r\033[K", stderr);
	if (!text->lines)
		return;
	size_t i, left_out = 0, whole = text->verbose ? SIZE_MAX : SHOWN_WHOLE;
	const json_t *finding;
	json_array_foreach(node_get(result, "findings"), i, finding) {
		if (i >= whole) {
			printf("    %s: %s\n", node_string(finding, "kind"), node_string(finding, "message"));
			left_out++;
			continue;
		}
		if (i)
			putchar('\n');
		stress_text_finding(text, finding);
		tell_change(text, finding);
	}
	if (left_out)
		printf("    (%zu in a line each; -v shows them whole)\n", left_out);
	tell_notes(result);
	size_t word = word_of(node_string(result, "verdict"));
	bool scenario = strcmp(node_string(result, "scenario"), "program") != 0;
	printf("%s%s%s: %s%s%s: %s\n", node_string(result, "engine"), scenario ? " " : "",
		scenario ? node_string(result, "scenario") : "", paint(text, words[word].color), words[word].word,
		paint(text, "\033[0m"), node_string(result, "evidence"));
	fflush(stdout);
}

/* "gcc 12.2.0 -O2": the build that a verdict is about. */
static void build_words(const json_t *check, char *line, size_t bytes)
{
	size_t i;
	const json_t *flag;
	snprintf(line, bytes, "%s", node_string(check, "compiler"));
	json_array_foreach(node_get(check, "flags"), i, flag)
		snprintf(line + strlen(line), bytes - strlen(line), " %s", json_string_value(flag));
}

void check_text_verdict(const struct stress_text *text, const json_t *check)
{
	char build[256];
	size_t word = word_of(node_string(check, "verdict")), i;
	const json_t *gone;
	build_words(check, build, sizeof build);
	printf("%s%s: %s%s%s (%s%s%s%s): %s\n", text->lines ? "\n" : "", node_string(check, "subject"),
		paint(text, words[word].color), words[word].word, paint(text, "\033[0m"), node_string(check, "engine"),
		*build ? ", " : "", build, json_is_true(node_get(check, "cached")) ? ", from the cache" : "",
		node_string(check, "evidence"));
	if (!node_get(check, "vanished"))
		return;
	printf("%s: against the baseline: %lld new, %lld known, %zu vanished\n", node_string(check, "subject"),
		(long long)node_number(check, "new", 0), (long long)node_number(check, "known", 0),
		json_array_size(node_get(check, "vanished")));
	json_array_foreach(node_get(check, "vanished"), i, gone)
		printf("    vanished: %s: %s\n", node_string(gone, "kind"), node_string(gone, "message"));
}

void check_text_matrix(const struct stress_text *text, const json_t *checks)
{
	size_t i;
	const json_t *check, *first = json_array_get(checks, 0);
	bool disagree = false;
	if (text->lines)
		puts("\nbuild                          verdict        findings  by        seconds");
	json_array_foreach(checks, i, check) {
		char build[256];
		size_t word = word_of(node_string(check, "verdict"));
		build_words(check, build, sizeof build);
		disagree |= strcmp(node_string(check, "verdict"), node_string(first, "verdict")) != 0;
		if (text->lines)
			printf("%-30s %s%-14s%s %8lld  %-9s %6.1f\n", build, paint(text, words[word].color), words[word].word,
				paint(text, "\033[0m"), (long long)node_number(check, "findings", 0),
				node_string(check, "engine"), node_number(check, "seconds", 0));
	}
	puts(disagree ? "The builds DISAGREE: a verdict holds for its build." : "All builds agree.");
}
