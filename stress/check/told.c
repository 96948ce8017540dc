/* SPDX-License-Identifier: MIT */
/* Reports of ThreadSanitizer, as lines (stress/tsan/told.c), to findings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../symbolise.h"
#include "engines.h"

enum { ACCESSES_MAX = 4, PLACES_MAX = 48 };

struct access {
	int writes, bytes, atomic, thread;
	size_t place_count;
	struct source_place place[PLACES_MAX];
};

struct report {
	char type[72];
	unsigned count;
	struct access access[ACCESSES_MAX];
};

/* Is FILE the user's? What belongs to the system lies in its folders, or is not there to be read. */
static bool users(const char *file)
{
	return strncmp(file, "/usr/", 5) != 0 && access(file, R_OK) == 0;
}

/* The place to show of an access: the innermost one in the user's files, else the innermost one with a line. */
static const struct source_place *shown(const struct access *it)
{
	const struct source_place *innermost = NULL;
	for (size_t i = 0; i < it->place_count; i++) {
		if (it->place[i].line > 0 && users(it->place[i].file))
			return &it->place[i];
		if (!innermost && it->place[i].line > 0)
			innermost = &it->place[i];
	}
	return innermost;
}

static const char *kind_of(const char *type)
{
	return strstr(type, "use-after-free") ? "use-after-free" : strstr(type, "data-race") ? "data-race" : "misuse";
}

/* What tells two reports apart: the kind and the lines, whichever thread was where. */
static bool same(const json_t *finding, const json_t *other)
{
	json_t *keys[2];
	const json_t *both[2] = {finding, other}, *place;
	size_t i;
	for (int k = 0; k < 2; k++) {
		keys[k] = node_must(json_object());
		node_set(keys[k], node_string(both[k], "kind"), json_true());
		json_array_foreach(node_get(both[k], "locations"), i, place) {
			json_t *line = node_must(json_sprintf(
				"%s:%lld", node_string(place, "file"), (long long)json_integer_value(node_get(place, "line"))));
			node_set(keys[k], json_string_value(line), json_true());
			json_decref(line);
		}
	}
	bool equal = json_equal(keys[0], keys[1]);
	json_decref(keys[0]);
	json_decref(keys[1]);
	return equal;
}

/* "write of 4 bytes"; reports about locks have stacks, but no accesses. */
static void access_words(const struct access *it, char *text, size_t bytes)
{
	if (it->thread < 0 || it->bytes == 0)
		snprintf(text, bytes, "call");
	else
		snprintf(text, bytes, "%s%s of %d byte%s", it->atomic ? "atomic " : "", it->writes ? "write" : "read", it->bytes,
			it->bytes == 1 ? "" : "s");
}

static bool add(const struct report *report, json_t *result)
{
	char message[1024] = "", words[64], thread[16] = "";
	const char *kind = kind_of(report->type);
	json_t *finding = result_add_finding(result, kind, "", FAMILY_PIPELINE, 0), *all = node_get(result, "findings");
	for (unsigned i = 0; i < report->count; i++) {
		const struct access *it = &report->access[i];
		const struct source_place *place = shown(it);
		if (!place)
			continue;
		access_words(it, words, sizeof words);
		if (it->thread >= 0)
			snprintf(thread, sizeof thread, "T%d", it->thread);
		finding_add_location(finding, place->file, place->line, place->function, thread, words);
		snprintf(message + strlen(message), sizeof message - strlen(message), "%s%s%s%s in %s (%s:%d)",
			*message ? " and " : "", words, *thread ? " by " : "", thread, place->function, place->file, place->line);
	}
	if (!*message || strcmp(kind, "data-race") != 0)
		snprintf(message + strlen(message), sizeof message - strlen(message), "%s(ThreadSanitizer: %s)",
			*message ? " " : "", report->type);
	else
		snprintf(message + strlen(message), sizeof message - strlen(message), ", and nothing orders the two");
	node_set(finding, "message", node_text(message));
	for (size_t i = 0; i + 1 < json_array_size(all); i++)
		if (same(json_array_get(all, i), finding)) {
			json_array_remove(all, json_array_size(all) - 1);
			return false;
		}
	return true;
}

/* A report is whole. Two orders of two locks that never met are no deadlock yet. */
static bool finish(const struct report *report, json_t *result)
{
	if (!strstr(report->type, "lock-order"))
		return add(report, result);
	const struct source_place *place = report->count ? shown(&report->access[0]) : NULL;
	char text[512];
	snprintf(text, sizeof text, "ThreadSanitizer: locks are taken in two orders%s%s, which may be a deadlock",
		place ? " in " : "", place ? place->function : "");
	check_note(result, text);
	return false;
}

size_t check_told(const char *program, const char *text, json_t *result)
{
	struct report *report = calloc(1, sizeof *report);
	size_t added = 0;
	for (const char *line = text; report && *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct access *it = report->count ? &report->access[report->count - 1] : NULL, next = {0};
		unsigned long offset;
		if (sscanf(line, "report %71s", report->type) == 1) {
			report->count = 0;
		} else if (sscanf(line, "access %d %d %d %d", &next.writes, &next.bytes, &next.atomic, &next.thread) == 4) {
			if (report->count < ACCESSES_MAX)
				report->access[report->count++] = next;
		} else if (it && sscanf(line, "frame %lx", &offset) == 1) {
			/* A return address; one less lies inside the call. */
			if (it->place_count < PLACES_MAX)
				it->place_count +=
					symbolise(program, offset - 1, it->place + it->place_count, PLACES_MAX - it->place_count);
		} else if (strncmp(line, "end\n", 4) == 0) {
			added += finish(report, result);
		}
	}
	free(report);
	return added;
}
