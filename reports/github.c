/* SPDX-License-Identifier: MIT */
/* Annotations of GitHub Actions: lines that the runner takes for workflow commands. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/say.h"
#include "advice.h"
#include "found.h"
#include "node.h"
#include "render.h"

/* GitHub shows so many of each level for a step, and says nothing of the rest. */
enum { SHOWN_MAX = 10 };

/* Data of a command ends with the line; in a property ':' and ',' end it, too. All are written as the runner decodes them. */
static void escape(FILE *out, const char *text, bool property)
{
	for (; *text; text++) {
		if (*text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ',')))
			fprintf(out, "%%%02X", (unsigned char)*text);
		else
			fputc((unsigned char)*text < ' ' || *text == 127 ? ' ' : *text, out);
	}
}

/* The level as GitHub has it; what the baseline knows fails nothing. */
static const char *command_of(const json_t *entry)
{
	const char *level = node_string(entry, "level");
	return json_is_true(node_get(entry, "known")) || *level == 'n' ? "notice" : *level == 'w' ? "warning" : "error";
}

static void place_properties(FILE *out, const json_t *entry)
{
	json_t *places = found_places(entry), *place = json_array_get(places, 0);
	const char *file = node_string(place, "file");
	double line = node_number(place, "line", 0);
	if (!*file) {
		json_decref(places);
		return;
	}
	char *name = found_file(file);
	fputs("file=", out);
	escape(out, name, true);
	if (line >= 1)
		fprintf(out, ",line=%.0f,endLine=%.0f", line, line);
	fputc(',', out);
	free(name);
	json_decref(places);
}

static void annotate(FILE *out, const json_t *entry, const char *command)
{
	const json_t *finding = node_get(entry, "finding");
	const char *title = advice_for(node_string(finding, "kind"))->title, *replay = node_string(finding, "replay");
	char *change = advice_words(finding);
	fprintf(out, "::%s ", command);
	place_properties(out, entry);
	fputs("title=", out);
	escape(out, title, true);
	escape(out, json_is_true(node_get(entry, "known")) ? " (known)" : "", true);
	fputs("::", out);
	escape(out, node_string(finding, "message"), false);
	fputs(".%0A", out);
	escape(out, change, false);
	if (*replay) {
		fputs("%0AReplay: ", out);
		escape(out, replay, false);
	}
	fputc('\n', out);
	free(change);
}

int render_github(const json_t *report, FILE *out)
{
	static const char *const commands[] = {"error", "warning", "notice"};
	json_t *found = found_gather(report);
	size_t i, left_out = 0;
	const json_t *entry;
	for (size_t c = 0; c < sizeof commands / sizeof *commands; c++) {
		size_t shown = 0;
		json_array_foreach(found, i, entry)
			if (strcmp(command_of(entry), commands[c]) == 0 && shown++ < SHOWN_MAX)
				annotate(out, entry, commands[c]);
		left_out += shown > SHOWN_MAX ? shown - SHOWN_MAX : 0;
	}
	/* A plain line: one more annotation would not be shown either. */
	if (left_out)
		fprintf(out, "%zu more finding%s not annotated: GitHub shows %d of a level; the job summary has them\n", left_out,
			left_out == 1 ? " is" : "s are", SHOWN_MAX);
	json_decref(found);
	errno = 0;
	int why = fflush(out) == 0 && !ferror(out) ? 0 : errno ? errno : EIO;
	if (why)
		complain("--github: cannot write the annotations: %s", strerror(why));
	return why;
}
