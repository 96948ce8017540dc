/* SPDX-License-Identifier: MIT */
/* The findings for a CI job summary, in Markdown: verdicts, then each finding whole or not at all. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "advice.h"
#include "found.h"
#include "interleaving.h"
#include "markup.h"
#include "node.h"
#include "render.h"

/* GitHub takes 1 MiB for a step and drops all of a larger file. A single text of the report cannot fill it. */
enum { STEP_MAX = 1024 * 1024, RESERVE = 4096, TEXT_MAX = 600, VERDICTS_MAX = 200, STEPS_MAX = 200 };

static void text(FILE *out, const char *words)
{
	char cut[TEXT_MAX + 8];
	size_t length = strlen(words);
	if (length > TEXT_MAX) {
		/* Not in the middle of a UTF-8 sequence. */
		for (length = TEXT_MAX; length > 0 && ((unsigned char)words[length] & 0xc0) == 0x80;)
			length--;
		snprintf(cut, sizeof cut, "%.*s …", (int)length, words);
		words = cut;
	}
	markdown_escape(out, words);
}

/* Code in a line or a cell: HTML, because no fence of backticks is safe inside of a table. */
static void code(FILE *out, const char *words)
{
	if (!*words)
		return;
	fputs("<code>", out);
	text(out, words);
	fputs("</code>", out);
}

static void verdict_row(FILE *out, const json_t *of, const char *engine)
{
	static const char *const marks[][2] = {
		{"bug", "❌"}, {"proved", "✅"}, {"not-found", "✔️"}, {"inconclusive", "⚠️"}, {"skipped", "➖"}};
	const char *verdict = node_string(of, "verdict"), *scenario = node_string(of, "scenario");
	fputs("| ", out);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (strcmp(marks[i][0], verdict) == 0)
			fprintf(out, "%s ", marks[i][1]);
	text(out, verdict);
	fputs(" | ", out);
	code(out, node_string(of, "subject"));
	if (*scenario && strcmp(scenario, "program") != 0) {
		fputc(' ', out);
		text(out, scenario);
	}
	fputs(" | ", out);
	text(out, engine);
	fputs(" | ", out);
	text(out, node_string(of, "compiler"));
	size_t i;
	const json_t *flag;
	json_array_foreach(node_get(of, "flags"), i, flag) {
		fputc(' ', out);
		text(out, json_is_string(flag) ? json_string_value(flag) : "");
	}
	fputs(" | ", out);
	text(out, node_string(of, "evidence"));
	fputs(" |\n", out);
}

/* One row per check, or, where none was concluded, per result. */
static void verdicts(FILE *out, const json_t *report)
{
	const json_t *rows = node_get(report, "checks"), *row;
	size_t i;
	if (json_array_size(rows) == 0)
		rows = node_get(report, "results");
	if (json_array_size(rows) == 0)
		return;
	fputs("| verdict | subject | engine | build | rests on |\n|---|---|---|---|---|\n", out);
	json_array_foreach(rows, i, row) {
		if (i == VERDICTS_MAX)
			break;
		verdict_row(out, row, node_string(row, "engine"));
	}
	fputc('\n', out);
	if (i < json_array_size(rows))
		fprintf(out, "… and %zu more verdicts.\n\n", json_array_size(rows) - i);
}

static void cell(FILE *out, const json_t *step)
{
	char *words = interleaving_words(step), place[24];
	const char *file = node_string(step, "file"), *base = strrchr(file, '/');
	snprintf(place, sizeof place, ":%.0f", node_number(step, "line", 0));
	if (*file) {
		text(out, base ? base + 1 : file);
		text(out, place);
		fputc(' ', out);
		code(out, node_string(step, "source"));
		fputs("<br>", out);
	}
	text(out, words ? words : "");
	if (*node_string(step, "note")) {
		fputs("<br><em>", out);
		text(out, node_string(step, "note"));
		fputs("</em>", out);
	}
	free(words);
}

static void interleaving(FILE *out, const json_t *finding)
{
	const json_t *steps = node_get(finding, "interleaving"), *step, *thread;
	size_t i, k;
	if (json_array_size(steps) == 0)
		return;
	json_t *threads = interleaving_threads(steps);
	fputs("<details><summary>Interleaving</summary>\n\n| step", out);
	json_array_foreach(threads, i, thread) {
		fputs(" | ", out);
		text(out, json_string_value(thread));
	}
	fputs(" |\n|--:", out);
	for (i = 0; i < json_array_size(threads); i++)
		fputs("|---", out);
	fputs("|\n", out);
	json_array_foreach(steps, i, step) {
		if (i == STEPS_MAX)
			break;
		fprintf(out, "| %s%.0f", json_is_true(node_get(step, "switch")) ? "→ " : "", node_number(step, "step", 0));
		json_array_foreach(threads, k, thread) {
			fputs(" | ", out);
			if (strcmp(json_string_value(thread), node_string(step, "thread")) == 0)
				cell(out, step);
		}
		fputs(" |\n", out);
	}
	if (i < json_array_size(steps))
		fprintf(out, "\n… and %zu more steps.\n", json_array_size(steps) - i);
	fputs("\n</details>\n\n", out);
	json_decref(threads);
}

static void places(FILE *out, const json_t *finding)
{
	size_t i;
	const json_t *place;
	json_array_foreach(node_get(finding, "locations"), i, place) {
		char line[16], *file = found_file(node_string(place, "file"));
		snprintf(line, sizeof line, ":%.0f", node_number(place, "line", 0));
		fputs("- ", out);
		text(out, file);
		text(out, line);
		fputs(" in ", out);
		text(out, node_string(place, "function"));
		fputs(", ", out);
		text(out, node_string(place, "thread"));
		fputc(' ', out);
		text(out, node_string(place, "access"));
		fputs(": ", out);
		code(out, node_string(place, "source"));
		fputc('\n', out);
		free(file);
	}
	fputs(i ? "\n" : "", out);
}

static void fix_item(FILE *out, const json_t *fix)
{
	size_t i;
	const json_t *edit;
	char *words = advice_fix_words(fix);
	fputs("- ", out);
	text(out, words);
	fputc('\n', out);
	json_array_foreach(node_get(fix, "edits"), i, edit) {
		char line[16];
		snprintf(line, sizeof line, ":%.0f ", node_number(edit, "line", 0));
		fputs("  - ", out);
		text(out, node_string(edit, "file"));
		text(out, line);
		code(out, node_string(edit, "change"));
		fputc('\n', out);
	}
	free(words);
}

static void finding(FILE *out, const json_t *entry)
{
	const json_t *finding = node_get(entry, "finding"), *fixes = node_get(finding, "fixes"), *fix;
	const struct advice *about = advice_for(node_string(finding, "kind"));
	size_t i;
	fputs("### ", out);
	text(out, about->title);
	fputs(" in ", out);
	text(out, node_string(node_get(entry, "result"), "subject"));
	fputs(json_is_true(node_get(entry, "known")) ? " (known)\n\n" : "\n\n", out);
	text(out, node_string(finding, "message"));
	fputs(".\n\n", out);
	places(out, finding);
	interleaving(out, finding);
	if (json_array_size(fixes) == 0) {
		fputs("**What to change:** ", out);
		text(out, about->change);
		fputs("\n\n", out);
	} else {
		fputs("**What to change**, verified:\n\n", out);
	}
	json_array_foreach(fixes, i, fix)
		fix_item(out, fix);
	fputs(i ? "\n" : "", out);
	if (*node_string(finding, "replay")) {
		fputs("**Replay:** ", out);
		code(out, node_string(finding, "replay"));
		fputs("\n\n", out);
	}
}

/* "2 findings, 1 of them new, in 3 subjects" */
static void opening(FILE *out, const json_t *report, const json_t *found)
{
	size_t i, known = 0, count = json_array_size(found), gone;
	const json_t *entry;
	json_array_foreach(found, i, entry)
		known += json_is_true(node_get(entry, "known"));
	json_t *vanished = found_vanished(report);
	gone = json_array_size(vanished);
	json_decref(vanished);
	fprintf(out, "## onceproof: %s finding%s", count ? count_words((double)count).text : "no", count == 1 ? "" : "s");
	if (found_baseline(report) && count)
		fprintf(out, ", %s new", known == count ? "none" : count_words((double)(count - known)).text);
	if (gone)
		fprintf(out, "; %s of the baseline vanished", count_words((double)gone).text);
	fputs("\n\n", out);
	if (json_is_true(node_get(report, "partial")))
		fputs("**Partial:** the run ended before everything was checked. What is missing is not judged.\n\n", out);
}

/* Writes at most ROOM bytes: the opening if it fits, then findings from the first on as long as they fit. */
static void summary(FILE *out, const json_t *report, size_t room)
{
	json_t *found = found_gather(report);
	size_t used = 0, bytes = 0, i, count = json_array_size(found);
	for (i = 0; i <= count; i++) {
		char *part = NULL;
		FILE *to = open_memstream(&part, &bytes);
		if (!to)
			node_must(NULL);
		if (i == 0) {
			opening(to, report, found);
			verdicts(to, report);
		} else {
			finding(to, json_array_get(found, i - 1));
		}
		bool fits = fclose(to) == 0 && used + bytes <= room;
		if (fits)
			fwrite(part, 1, bytes, out);
		used += fits ? bytes : 0;
		free(part);
		if (!fits)
			break;
	}
	if (i == 0)
		fputs("onceproof: the summary does not fit behind what is here already; see the log.\n", out);
	else if (i <= count)
		fprintf(out, "… and %zu more finding%s did not fit here.\n", count + 1 - i, count + 1 - i == 1 ? "" : "s");
	json_decref(found);
}

static int append_to(const json_t *report, const char *path)
{
	FILE *out = fopen(path, "ae");
	struct stat info;
	if (!out)
		return errno;
	size_t there = fstat(fileno(out), &info) == 0 && info.st_size > 0 ? (size_t)info.st_size : 0;
	size_t room = there + RESERVE < STEP_MAX ? STEP_MAX - RESERVE - there : 0;
	errno = 0;
	if (there + RESERVE / 8 < STEP_MAX)
		summary(out, report, room);
	int failed = ferror(out), why = errno ? errno : EIO;
	return fclose(out) != 0 ? errno : failed ? why : 0;
}

int render_summary(const json_t *report, const char *path, bool append)
{
	struct draft draft;
	int why = append ? append_to(report, path) : draft_open(&draft, path);
	if (!append && !why) {
		summary(draft.stream, report, STEP_MAX - RESERVE);
		why = draft_commit(&draft);
	}
	if (why)
		complain("%s: cannot write the job summary: %s", path, strerror(why));
	return why;
}
