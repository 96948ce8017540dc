/* SPDX-License-Identifier: MIT */
/* valgrind's XML reports (helgrind, drd) as findings. The format is valgrind's docs/internals/xml-output-protocol4.txt. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../reports/result.h"
#include "../engine.h"

enum { TEXT_MAX = 512, STACKS_MAX = 4 };

struct frame {
	char function[TEXT_MAX], directory[TEXT_MAX], file[TEXT_MAX];
	int line;
};

struct reader {
	json_t *result;
	const struct registered *subject; /* NULL: a user's program */
	uint32_t race_free;
	size_t added;
	char text[TEXT_MAX]; /* of the element that is open */
	size_t length;
	bool in_error, in_stack, first_frame;
	char kind[64], what[TEXT_MAX];
	struct frame frame, tops[STACKS_MAX]; /* innermost frame of each stack of the error */
	size_t stacks;
};

static void on_start(void *data, const char *name, const char **attributes)
{
	struct reader *r = data;
	(void)attributes;
	r->length = 0;
	r->text[0] = '\0';
	if (strcmp(name, "error") == 0) {
		r->in_error = true;
		r->stacks = 0;
		r->kind[0] = r->what[0] = '\0';
	} else if (strcmp(name, "stack") == 0) {
		r->in_stack = r->first_frame = true;
	} else if (strcmp(name, "frame") == 0) {
		r->frame = (struct frame){0};
	}
}

static void on_text(void *data, const char *text, int length)
{
	struct reader *r = data;
	size_t keep = (size_t)length;
	if (keep > sizeof r->text - 1 - r->length)
		keep = sizeof r->text - 1 - r->length;
	memcpy(r->text + r->length, text, keep);
	r->length += keep;
	r->text[r->length] = '\0';
}

/* From the part of the path that lies in the source tree. */
static void source_path(const struct frame *frame, char *path, size_t size)
{
	char whole[TEXT_MAX * 2];
	snprintf(whole, sizeof whole, "/%s/%s", frame->directory, frame->file);
	const char *at = strstr(whole, "/impl/");
	at = at ? at : strstr(whole, "/stress/");
	snprintf(path, size, "%s", at ? at + 1 : frame->file);
}

/* In a user's program every file that is there, and no part of the system, is the user's. */
static bool users(const struct frame *frame)
{
	char path[TEXT_MAX * 2];
	snprintf(path, sizeof path, "%s/%s", frame->directory, frame->file);
	return *frame->file && frame->line > 0 && strncmp(path, "/usr/", 5) != 0 && access(path, R_OK) == 0;
}

static void users_path(const struct frame *frame, char *path, size_t size)
{
	char here[TEXT_MAX];
	size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
	if (length && strncmp(frame->directory, here, length) == 0 && frame->directory[length] == '/')
		snprintf(path, size, "%s/%s", frame->directory + length + 1, frame->file);
	else if (length && strcmp(frame->directory, here) == 0)
		snprintf(path, size, "%s", frame->file);
	else
		snprintf(path, size, "%s/%s", frame->directory, frame->file);
}

/* Races whose innermost frames all lie in the harness are left out: most concern its relaxed atomics, which these tools take for plain
 * accesses. So a race on an instance's contents is missed here; the one on the pointer to it is not. */
static void finish_error(struct reader *r)
{
	char paths[STACKS_MAX][TEXT_MAX];
	bool concerns = false;
	for (size_t i = 0; i < r->stacks; i++) {
		(r->subject ? source_path : users_path)(&r->tops[i], paths[i], sizeof paths[i]);
		concerns |= !r->subject || strncmp(paths[i], "impl/", 5) == 0;
	}
	bool race = strstr(r->kind, "Race") || strstr(r->kind, "ConflictingAccess");
	if (!concerns && race)
		return;
	size_t i;
	json_t *earlier;
	json_array_foreach(json_object_get(r->result, "findings"), i, earlier) {
		bool same = json_array_size(json_object_get(earlier, "locations")) == r->stacks;
		for (size_t k = 0; same && k < r->stacks; k++) {
			const json_t *there = json_array_get(json_object_get(earlier, "locations"), k);
			const char *file = json_string_value(json_object_get(there, "file"));
			same = file && strcmp(file, paths[k]) == 0 &&
			       json_integer_value(json_object_get(there, "line")) == r->tops[k].line;
		}
		if (same)
			return;
	}
	char message[TEXT_MAX * 2];
	snprintf(message, sizeof message, "%s: %s", r->kind, r->what);
	const char *kind = race ? "data-race" : strstr(r->kind, "LockOrder") ? "deadlock" : "misuse";
	enum family family = r->subject ? r->subject->about->family : FAMILY_PIPELINE;
	json_t *finding = result_add_finding(r->result, kind, message, family, race ? r->race_free : 0);
	for (size_t s = 0; s < r->stacks; s++)
		finding_add_location(
			finding, paths[s], r->tops[s].line, r->tops[s].function, "", s ? "conflicts with" : "access");
	r->added++;
}

static void on_end(void *data, const char *name)
{
	struct reader *r = data;
	if (!r->in_error)
		return;
	if (strcmp(name, "kind") == 0) {
		snprintf(r->kind, sizeof r->kind, "%s", r->text);
	} else if (strcmp(name, "what") == 0 || strcmp(name, "text") == 0) {
		snprintf(r->what, sizeof r->what, "%s", r->text);
	} else if (strcmp(name, "fn") == 0) {
		snprintf(r->frame.function, sizeof r->frame.function, "%s", r->text);
	} else if (strcmp(name, "dir") == 0) {
		snprintf(r->frame.directory, sizeof r->frame.directory, "%s", r->text);
	} else if (strcmp(name, "file") == 0) {
		snprintf(r->frame.file, sizeof r->frame.file, "%s", r->text);
	} else if (strcmp(name, "line") == 0) {
		r->frame.line = atoi(r->text);
	} else if (strcmp(name, "frame") == 0) {
		/* A user's program: the innermost frame of the user's own. */
		bool wanted = r->subject || users(&r->frame);
		if (r->in_stack && r->first_frame && wanted && r->stacks < STACKS_MAX)
			r->tops[r->stacks++] = r->frame;
		r->first_frame &= !wanted;
	} else if (strcmp(name, "stack") == 0) {
		r->in_stack = false;
	} else if (strcmp(name, "error") == 0) {
		r->in_error = false;
		finish_error(r);
	}
	r->length = 0;
	r->text[0] = '\0';
}

size_t valgrind_findings(json_t *result, const struct registered *subject, const json_t *answer, const char *tool_output)
{
	(void)answer;
	size_t promises = 1;
	if (subject)
		family_promises(subject->about->family, &promises);
	struct reader reader = {.result = result, .subject = subject, .race_free = 1u << (promises - 1)};
	XML_Parser parser = XML_ParserCreate(NULL);
	if (!parser || !tool_output)
		return 0;
	XML_SetUserData(parser, &reader);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	/* A tool that was cut off leaves unfinished XML; the errors before that are whole. */
	XML_Parse(parser, tool_output, (int)strlen(tool_output), 1);
	XML_ParserFree(parser);
	return reader.added;
}
