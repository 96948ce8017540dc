/* SPDX-License-Identifier: MIT */
/* ThreadSanitizer's structured reports as findings with source lines. */
#include <stdio.h>
#include <string.h>

#include "../../reports/result.h"
#include "../engine.h"
#include "../explored.h"
#include "../symbolise.h"

enum { PLACES_MAX = 48 };

/* What a report's type means here. */
static const char *kind_of(const char *type)
{
	static const struct {
		const char *part, *kind;
	} kinds[] = {
		{"data-race", "data-race"},
		{"use-after-free", "use-after-free"},
		{"lock-order", "deadlock"},
		{"mutex", "misuse"},
		{"rwlock", "misuse"},
		{"destroy", "misuse"},
		{"signal", "misuse"},
		{"thread-leak", "leak"},
	};
	/* "heap-use-after-free" is listed before anything that its parts could match. */
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strstr(type, kinds[i].part))
			return kinds[i].kind;
	return "misuse";
}

/* All places of a stack, innermost first, inlined functions unfolded. */
static size_t unfold(const json_t *frames, struct source_place *places)
{
	size_t count = 0, i;
	json_t *frame;
	json_array_foreach(frames, i, frame) {
		const char *module = json_string_value(json_object_get(frame, "module"));
		if (module && count < PLACES_MAX)
			count += symbolise(module, (uint64_t)json_integer_value(json_object_get(frame, "offset")), places + count,
				PLACES_MAX - count);
	}
	return count;
}

/* Does FILE belong to the subject? Batches have no file of their own: there it is any of the chosen parts. */
static bool in_subject(const char *file, const struct registered *subject)
{
	if (subject->about->family != FAMILY_PIPELINE)
		return strcmp(file, subject->file) == 0;
	return strncmp(file, "impl/", 5) == 0 && strncmp(file, "impl/pipeline/", 14) != 0;
}

/* The place to show: the innermost one in the implementation, or else the innermost one that has a line. *via is the innermost one of
 * the implementation where that is another. */
static const struct source_place *shown(
	struct source_place *places, size_t count, const struct registered *subject, const struct source_place **via)
{
	const struct source_place *innermost = NULL, *inside = NULL;
	for (size_t i = 0; i < count; i++) {
		if (subject->number == REGISTERED_BY_USER)
			user_file(subject->file, &places[i]);
		if (!innermost && places[i].line > 0)
			innermost = &places[i];
		if (!inside && in_subject(places[i].file, subject))
			inside = &places[i];
	}
	*via = inside && inside != innermost ? inside : NULL;
	return innermost;
}

/* What tells findings apart: the places and kinds of their accesses, whichever thread did which, in whichever order. */
static json_t *places_key(const json_t *locations)
{
	json_t *key = json_object();
	size_t i;
	json_t *location;
	json_array_foreach(locations, i, location) {
		json_t *name = json_sprintf("%s:%lld %s", json_string_value(json_object_get(location, "file")),
			(long long)json_integer_value(json_object_get(location, "line")),
			json_string_value(json_object_get(location, "access")));
		json_object_set_new(key, json_string_value(name), json_true());
		json_decref(name);
	}
	return key;
}

static bool already_there(const json_t *result, const json_t *locations)
{
	json_t *key = places_key(locations);
	bool found = false;
	size_t i;
	json_t *finding;
	json_array_foreach(json_object_get(result, "findings"), i, finding) {
		json_t *other = places_key(json_object_get(finding, "locations"));
		found |= json_object_size(other) > 0 && json_equal(other, key);
		json_decref(other);
	}
	json_decref(key);
	return found;
}

static bool add_report(json_t *result, const struct registered *subject, const json_t *report, uint32_t race_free)
{
	const char *type = json_string_value(json_object_get(report, "type"));
	const char *kind = kind_of(type ? type : "");
	/* A lock-order inversion is a bug, but no race. */
	if (strcmp(kind, "data-race") != 0 && strcmp(kind, "use-after-free") != 0)
		race_free = 0;
	json_t *probe = result_new("", "", "", "");
	json_t *finding = result_add_finding(probe, kind, "", subject->about->family, race_free);
	char message[1024];
	message[0] = '\0';
	size_t i;
	json_t *access;
	json_array_foreach(json_object_get(report, "accesses"), i, access) {
		struct source_place places[PLACES_MAX];
		const struct source_place *via,
			*place = shown(places, unfold(json_object_get(access, "frames"), places), subject, &via);
		char what[64], thread[16];
		int bytes = (int)json_integer_value(json_object_get(access, "bytes"));
		/* Reports about locks have stacks, but no accesses. */
		if (bytes == 0)
			snprintf(what, sizeof what, "call");
		else
			snprintf(what, sizeof what, "%s%s of %d byte%s",
				json_is_true(json_object_get(access, "atomic")) ? "atomic " : "",
				json_is_true(json_object_get(access, "write")) ? "write" : "read", bytes, bytes == 1 ? "" : "s");
		snprintf(thread, sizeof thread, "T%d", (int)json_integer_value(json_object_get(access, "thread")));
		if (!place)
			continue;
		finding_add_location(finding, place->file, place->line, place->function, thread, what);
		if (via)
			finding_add_location(finding, via->file, via->line, via->function, thread, "called from here");
		snprintf(message + strlen(message), sizeof message - strlen(message), "%s%s by %s in %s (%s:%d)",
			*message ? " and " : "", what, thread, place->function, place->file, place->line);
	}
	if (!*message || strcmp(kind, "data-race") != 0)
		snprintf(message + strlen(message), sizeof message - strlen(message), "%s(ThreadSanitizer: %s)",
			*message ? " " : "", type ? type : kind);
	json_t *locations = json_object_get(finding, "locations");
	bool fresh = !already_there(result, locations);
	if (fresh) {
		json_t *added = result_add_finding(result, kind, message, subject->about->family, race_free);
		json_object_set(added, "locations", locations);
	}
	json_decref(probe);
	return fresh;
}

size_t tsan_findings(json_t *result, const struct registered *subject, const json_t *answer, const char *tool_output)
{
	(void)tool_output;
	size_t promises, added = 0, i;
	family_promises(subject->about->family, &promises);
	json_t *report;
	json_array_foreach(json_object_get(answer, "reports"), i, report)
		added += add_report(result, subject, report, 1u << (promises - 1));
	return added;
}
