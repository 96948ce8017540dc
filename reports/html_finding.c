/* SPDX-License-Identifier: MIT */
/* A finding: its places with the source around them, the interleaving, and how to see it again. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "interleaving.h"
#include "markup.h"
#include "node.h"

enum { LINES_AROUND = 3 };

/* The text of FILE as far as the report brings it, or NULL. Borrowed. */
static const char *source_of(const json_t *facts, const char *file)
{
	size_t i;
	const json_t *subject;
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		if (*file && strcmp(node_string(subject, "file"), file) == 0 && *node_string(subject, "source"))
			return node_string(subject, "source");
	}
	return NULL;
}

/* Is NUMBER one of the lines that FINDING names in FILE? */
static bool is_named(const json_t *finding, const char *file, int number)
{
	size_t i;
	const json_t *place;
	json_array_foreach(node_get(finding, "locations"), i, place) {
		if (strcmp(node_string(place, "file"), file) == 0 && (int)node_number(place, "line", 0) == number)
			return true;
	}
	return false;
}

/* The lines around LINE, numbered; those that the finding names are marked by a sign as well as by colour. */
static void excerpt(FILE *out, const char *source, const json_t *finding, const char *file, int line)
{
	fill(out, "<pre class=\"source\" tabindex=\"0\" aria-label=\"$\">", file);
	int number = 1;
	for (const char *at = source; *at && number <= line + LINES_AROUND; number++) {
		size_t length = strcspn(at, "\n");
		if (number >= line - LINES_AROUND) {
			bool named = is_named(finding, file, number);
			char *text = strndup(at, length);
			fprintf(out, "<span class=\"line%s\"><span class=\"number\">%s%d</span>", named ? " named" : "",
				named ? "▸ " : "", number);
			fill(out, "$</span>\n", text ? text : "");
			free(text);
		}
		at += length + (at[length] == '\n');
	}
	fputs("</pre>\n", out);
}

/* Places of FINDING; an excerpt follows the first place in each stretch of a file. */
static void places(FILE *out, const json_t *finding, const json_t *facts)
{
	const json_t *list = node_get(finding, "locations"), *place;
	if (json_array_size(list) == 0)
		return;
	fputs("<ol class=\"places\">\n", out);
	const char *shown_file = "";
	int shown_line = 0;
	size_t i;
	json_array_foreach(list, i, place) {
		const char *file = node_string(place, "file"), *thread = node_string(place, "thread"),
			   *access = node_string(place, "access");
		int line = (int)node_number(place, "line", 0);
		char number[16];
		snprintf(number, sizeof number, "%d", line);
		fill(out, "<li>$$$$<code>$:$</code> in <code>$</code>", *thread ? "thread " : "", thread, *thread ? ": " : "", "",
			file, number, node_string(place, "function"));
		if (*access)
			fill(out, ", $", access);
		const char *source = source_of(facts, file);
		bool covered = strcmp(file, shown_file) == 0 && abs(line - shown_line) <= LINES_AROUND;
		if (source && line > 0 && !covered) {
			excerpt(out, source, finding, file, line);
			shown_file = file;
			shown_line = line;
		}
		fputs("</li>\n", out);
	}
	fputs("</ol>\n", out);
}

/* What one step did, in the column of its thread. */
static void step_cell(FILE *out, const json_t *step)
{
	char number[16], *words = interleaving_words(step);
	const char *file = node_string(step, "file"), *base = strrchr(file, '/');
	snprintf(number, sizeof number, "%.0f", node_number(step, "line", 0));
	fill(out, "<td data-thread=\"$\">", node_string(step, "thread"));
	if (*file)
		fill(out, "<span class=\"at\" title=\"$: $\">$:$</span> <code>$</code><br>", file, node_string(step, "function"),
			base ? base + 1 : file, number, node_string(step, "source"));
	fill(out, "<span class=\"did\">$</span>", words ? words : "");
	if (*node_string(step, "note"))
		fill(out, "<br><small>$</small>", node_string(step, "note"));
	fputs("</td>", out);
	free(words);
}

/* What a script needs to know of a step. */
static void step_data(FILE *out, const json_t *step)
{
	static const char *const keys[] = {"file", "where", "read", "written", "thread"};
	char line[16];
	snprintf(line, sizeof line, "%.0f", node_number(step, "line", 0));
	fill(out, " data-line=\"$\"", line);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (*node_string(step, keys[i])) {
			fprintf(out, " data-%s", keys[i]);
			fill(out, "=\"$\"", node_string(step, keys[i]));
		}
}

/* A column per thread, a row per step; a switch is marked by a sign as well as by a line. */
static void step_row(FILE *out, const json_t *step, const json_t *threads)
{
	char number[32];
	bool switched = json_is_true(node_get(step, "switch"));
	snprintf(number, sizeof number, "%.0f", node_number(step, "step", 0));
	fill(out, "<tr$$", switched ? " class=switch" : "", json_is_true(node_get(step, "stale")) ? " data-stale" : "");
	step_data(out, step);
	fill(out, "><th scope=\"row\">$$</th>", switched ? "→ " : "", number);
	size_t i;
	const json_t *thread;
	json_array_foreach(threads, i, thread) {
		if (strcmp(json_string_value(thread), node_string(step, "thread")) == 0)
			step_cell(out, step);
		else
			fputs("<td></td>", out);
	}
	fputs("</tr>\n", out);
}

void html_interleaving(FILE *out, const json_t *finding)
{
	const json_t *steps = node_get(finding, "interleaving"), *step, *thread;
	size_t i;
	if (json_array_size(steps) == 0)
		return;
	json_t *threads = interleaving_threads(steps);
	fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Interleaving\"><table class=\"steps\">"
	      "<caption>Interleaving: → another thread goes on",
		out);
	double hidden = node_number(finding, "hidden_steps", 0);
	if (hidden > 0)
		fill(out, "; $ steps that no other thread could notice are not shown", count_words(hidden).text);
	fputs("</caption><thead><tr><th scope=\"col\">step</th>", out);
	json_array_foreach(threads, i, thread)
		fill(out, "<th scope=\"col\" data-thread=\"$\">$</th>", json_string_value(thread), json_string_value(thread));
	fputs("</tr></thead><tbody>\n", out);
	json_array_foreach(steps, i, step)
		if (json_is_object(step))
			step_row(out, step, threads);
	fputs("</tbody></table></div>\n", out);
	json_decref(threads);
}

void html_finding(FILE *out, const json_t *finding, const json_t *seen, const json_t *facts)
{
	fill(out, "<article class=\"finding\"><h5><span class=\"kind\">$</span> $</h5>\n", node_string(finding, "kind"),
		node_string(finding, "message"));
	size_t i;
	const json_t *text;
	json_array_foreach(node_get(finding, "refutes"), i, text) {
		if (json_is_string(text))
			fill(out, i ? ", <code>$</code>" : "<p class=\"meta\">Refutes <code>$</code>", json_string_value(text));
	}
	fputs(i ? ". " : "<p class=\"meta\">", out);
	size_t count = json_array_size(seen);
	json_array_foreach(seen, i, text) {
		if (i == 4) {
			fill(out, " and $ more", count_words((double)(count - i)).text);
			break;
		}
		fill(out, i ? ", $" : "Seen by $", json_string_value(text));
	}
	fputs("</p>\n", out);
	places(out, finding, facts);
	html_interleaving(out, finding);
	if (*node_string(finding, "replay"))
		fill(out, "<p>Replay: <code>$</code></p>\n", node_string(finding, "replay"));
	fputs("</article>\n", out);
}
