/* SPDX-License-Identifier: MIT */
/* From the explorer's addresses to places in the source, and from its steps to those that people need. */
#include <ctype.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "../reports/node.h"
#include "explored.h"

/* More rows than this say nothing to anybody: the first ones show how it began, the last ones how it ended. */
enum { PLACES_OF_FRAME_MAX = 8, ROWS_FIRST = 40, ROWS_LAST = 160, STEPS_OF_ROWS = 10, NAMES_MAX = 256 };

/* Is FILE the header of scenario files? What it does itself interests nobody. */
static bool is_scenario_header(const char *file)
{
	static const char name[] = "onceproof.h";
	size_t length = strlen(file), its = sizeof name - 1;
	return length >= its && strcmp(file + length - its, name) == 0 && (length == its || file[length - its - 1] == '/');
}

/* A whole program's files are told as the user named them, or from where the user is. */
void user_file(const char *file, struct source_place *place)
{
	char here[PATH_MAX], full[PATH_MAX];
	size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
	if (file && realpath(file, full) && strcmp(full, place->file) == 0)
		snprintf(place->file, sizeof place->file, "%s", file);
	else if (length && strncmp(place->file, here, length) == 0 && place->file[length] == '/')
		memmove(place->file, place->file + length + 1, strlen(place->file + length + 1) + 1);
}

static bool of_user(const struct explored *what)
{
	return !what->subject || what->subject->number == REGISTERED_BY_USER;
}

/* Code of a library's headers, and the runtime's own: people look for the line of theirs that got there. */
static bool is_library(const char *file)
{
	return strncmp(file, "/usr/include/", 13) == 0 || strncmp(file, "/usr/lib/", 9) == 0 || strstr(file, "/include/c++/") ||
	       (strncmp(file, "/usr/", 5) == 0 && strstr(file, "/include/")) || strncmp(file, "stress/explore/", 15) == 0;
}

bool explored_place(const struct explored *what, const json_t *frames, struct source_place *place, struct source_place *via)
{
	size_t i;
	const json_t *frame;
	bool found = false, only_header = false;
	*place = *via = (struct source_place){0};
	json_array_foreach(frames, i, frame) {
		const char *text = json_string_value(frame);
		unsigned long long address = text ? strtoull(text, NULL, 16) : 0;
		struct source_place places[PLACES_OF_FRAME_MAX];
		/* A return address may be the first of another line. */
		size_t count = address ? symbolise(what->module, address - 1, places, PLACES_OF_FRAME_MAX) : 0;
		for (size_t p = 0; p < count; p++) {
			if (places[p].line <= 0)
				continue;
			if (of_user(what))
				user_file(what->file, &places[p]);
			bool inside = what->file && strcmp(places[p].file, what->file) == 0;
			bool header = is_scenario_header(places[p].file) || is_library(places[p].file);
			if (!found || (only_header && !header)) {
				*place = places[p];
				only_header = header;
				found = true;
				if (inside)
					return true;
			} else if (inside) {
				*via = places[p];
				return true;
			}
		}
	}
	return found;
}

struct explored_names {
	const struct explored *what;
	size_t count;
	char address[NAMES_MAX][24]; /* as text, or "@0x…" of one in the program */
	char name[NAMES_MAX][SOURCE_FILE_MAX];
	unsigned letters;
};

struct explored_names *explored_names_new(const struct explored *what)
{
	struct explored_names *names = calloc(1, sizeof *names);
	if (!names) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	names->what = what;
	return names;
}

/* The innermost place that is no library's, or else the innermost. */
static bool place_of(const char *module, uint64_t offset, struct source_place *place)
{
	struct source_place places[PLACES_OF_FRAME_MAX];
	size_t count = symbolise(module, offset, places, PLACES_OF_FRAME_MAX), p = 0;
	while (p < count && is_library(places[p].file))
		p++;
	*place = places[p < count ? p : 0];
	return count && place->line > 0;
}

/* The name of ADDRESS, text; OFFSET in the program, or 0. */
static const char *name_of(struct explored_names *names, const char *address, uint64_t offset)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->address[i], address) == 0)
			return names->name[i];
	if (names->count == NAMES_MAX)
		return "elsewhere";
	size_t at = names->count++, bytes = sizeof names->name[at];
	struct source_place place;
	char *name = names->name[at];
	snprintf(names->address[at], sizeof names->address[at], "%s", address);
	if (offset && symbolise_data(names->what->module, offset, name, bytes))
		return name;
	if (offset && place_of(names->what->module, offset - 1, &place)) {
		if (of_user(names->what))
			user_file(names->what->file, &place);
		snprintf(name, bytes, "%s:%d", place.file, place.line);
		return name;
	}
	unsigned letter = names->letters++;
	snprintf(name, bytes, letter < 26 ? "[%c]" : "[%c%u]", (int)('a' + letter % 26), letter / 26);
	return name;
}

static const char *name_of_step(struct explored_names *names, const json_t *step)
{
	const char *address = node_string(step, "address"), *global = node_string(step, "global");
	char marked[24];
	if (*node_string(step, "where"))
		return node_string(step, "where");
	if (strtoull(address, NULL, 16) == 0)
		return "";
	snprintf(marked, sizeof marked, "@%s", global);
	return name_of(names, *global ? marked : address, strtoull(global, NULL, 16));
}

json_t *explored_words(struct explored_names *names, const char *text)
{
	enum { LEAST_ADDRESS = 0x10000 };
	static const char thread[] = "thread ";
	char *words = NULL;
	size_t bytes;
	FILE *out = open_memstream(&words, &bytes);
	while (out && *text) {
		bool inside = strncmp(text, "@0x", 3) == 0;
		size_t digits = inside || strncmp(text, "0x", 2) == 0 ? strspn(text + inside + 2, "0123456789abcdef") : 0;
		uint64_t address = digits ? strtoull(text + inside, NULL, 16) : 0;
		if (strncmp(text, thread, sizeof thread - 1) == 0 && isdigit((unsigned char)text[sizeof thread - 1])) {
			fputc('T', out);
			text += sizeof thread - 1;
		} else if (digits && digits < 17 && (inside || address >= LEAST_ADDRESS)) {
			char token[24];
			snprintf(token, sizeof token, "%.*s", (int)(digits + inside + 2), text);
			fputs(name_of(names, token, inside ? address : 0), out);
			text += digits + inside + 2;
		} else {
			fputc(*text++, out);
		}
	}
	json_t *node = node_text(out && fclose(out) == 0 ? words : "");
	free(words);
	return node;
}

static char *line_of_text(const char *text, int number)
{
	for (; text && number > 1; number--) {
		text = strchr(text, '\n');
		text += text != NULL;
	}
	if (!text || number < 1)
		return NULL;
	text += strspn(text, " \t");
	size_t length = strcspn(text, "\r\n");
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	return strndup(text, length);
}

static char *line_of_file(const char *path, int number)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int at = 0;
	if (!file)
		return NULL;
	while (at < number && getline(&line, &room, file) >= 0)
		at++;
	fclose(file);
	char *found = at == number && number > 0 ? line_of_text(line, 1) : NULL;
	free(line);
	return found;
}

char *source_line(const char *file, int number)
{
	char *line = NULL, self[PATH_MAX], path[PATH_MAX + SOURCE_FILE_MAX + 16];
	for (size_t i = 0; i < onceproof_registry_count && !line; i++)
		if (strcmp(onceproof_registry[i].file, file) == 0)
			line = line_of_text(onceproof_registry[i].source, number);
	if (!line)
		line = line_of_file(file, number);
	ssize_t length = line || *file == '/' ? -1 : readlink("/proc/self/exe", self, sizeof self - 1);
	if (length > 0) {
		/* The program lies in build/PRESET/bin of the tree that it was built from. */
		self[length] = '\0';
		snprintf(path, sizeof path, "%s/../../../%s", dirname(self), file);
		line = line_of_file(path, number);
	}
	return line ? line : strdup("");
}

static const char *text_of(const json_t *step, const char *key)
{
	return node_string(step, key);
}

/* Steps that only make, start, end and wait for threads, or take objects down, say nothing about a finding unless somebody waits in
 * vain. */
static bool about_threads(const json_t *step)
{
	static const char *const tags[] = {"begins", "ends", "creates a thread", "join", "detach", "step"};
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (strcmp(text_of(step, "tag"), tags[i]) == 0)
			return true;
	return false;
}

/* The values of a lock or a barrier are the explorer's own: people care for those of memory. */
static bool shows_values(const json_t *step)
{
	static const char *const tags[] = {"", "load", "store", "exchange", "fetch_", "compare_exchange", "racy"};
	const char *tag = text_of(step, "tag");
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (*tags[i] ? strncmp(tag, tags[i], strlen(tags[i])) == 0 : !*tag)
			return true;
	return false;
}

/* Notes in SHARED for each address, by 8-byte granule, the threads that touched it and whether one wrote:
 * {granule: {thread: true, "write": true}}. */
static json_t *touched(const json_t *steps)
{
	json_t *shared = node_must(json_object());
	size_t i;
	const json_t *step;
	json_array_foreach(steps, i, step) {
		unsigned long long address = strtoull(text_of(step, "address"), NULL, 16);
		char key[32], thread[16];
		snprintf(key, sizeof key, "%llx", address / 8);
		snprintf(thread, sizeof thread, "%lld", (long long)json_integer_value(node_get(step, "thread")));
		json_t *granule = address ? node_get(shared, key) : NULL;
		if (address && !granule) {
			granule = node_must(json_object());
			node_set(shared, key, granule);
		}
		if (granule)
			node_set(granule, thread, json_true());
		if (granule && (json_is_true(node_get(step, "write")) || json_is_string(node_get(step, "written"))))
			node_set(granule, "write", json_true());
	}
	return shared;
}

/* Is STEP one of a lock, a barrier …: neither of memory nor of a thread's life? */
static bool synchronises(const json_t *step)
{
	return !shows_values(step) && !about_threads(step) && strcmp(text_of(step, "tag"), "fence") != 0;
}

/* Could another thread notice STEP, or did it notice another? */
static bool matters(const json_t *shared, enum explored_table about, const json_t *step)
{
	if (about == TABLE_WAITING && synchronises(step))
		return true;
	if (json_is_true(node_get(step, "blocked")) || json_is_true(node_get(step, "stale")) || *text_of(step, "note"))
		return true;
	unsigned long long address = strtoull(text_of(step, "address"), NULL, 16);
	if (about_threads(step))
		return false;
	if (!address)
		return !json_is_true(node_get(step, "plain"));
	char key[32];
	snprintf(key, sizeof key, "%llx", address / 8);
	const json_t *granule = node_get(shared, key);
	return node_get(granule, "write") && json_object_size(granule) >= 3;
}

/* The first and one past the last step of threads other than the first: what that one sets up before matters to nobody. */
static size_t first_of_others(const json_t *steps)
{
	size_t i;
	const json_t *step;
	json_array_foreach(steps, i, step)
		if (json_integer_value(node_get(step, "thread")) != 0)
			return i;
	return 0;
}

static json_t *operation(const json_t *step)
{
	if (json_is_true(node_get(step, "plain")) && !*text_of(step, "tag")) {
		long long bytes = json_integer_value(node_get(step, "bytes"));
		return node_must(json_sprintf("%s of %lld byte%s", json_is_true(node_get(step, "write")) ? "write" : "read",
			bytes, bytes == 1 ? "" : "s"));
	}
	const char *order = text_of(step, "order");
	return node_must(json_sprintf("%s%s%s", text_of(step, "tag"), *order ? " " : "", order));
}

static json_t *row(const struct explored *what, const json_t *step, size_t number, struct explored_names *names)
{
	static const char *const copied[] = {"at", "read", "written", "stale", "blocked", "plain"};
	struct source_place place, via;
	explored_place(what, node_get(step, "frames"), &place, &via);
	char *source = source_line(place.file, place.line);
	json_t *it = node_must(json_object());
	node_set(it, "step", json_integer((json_int_t)number + 1));
	node_set(it, "thread", node_must(json_sprintf("T%lld", (long long)json_integer_value(node_get(step, "thread")))));
	node_set(it, "file", node_text(place.file));
	node_set(it, "line", json_integer(place.line));
	node_set(it, "function", node_text(place.function));
	node_set(it, "source", node_text(source));
	node_set(it, "operation", operation(step));
	node_set(it, "where", node_text(name_of_step(names, step)));
	for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
		if (node_get(step, copied[i]))
			node_set(it, copied[i], json_incref(node_get(step, copied[i])));
	if (!shows_values(step)) {
		node_set(it, "read", json_null());
		node_set(it, "written", json_null());
	}
	node_set(it, "note", explored_words(names, text_of(step, "note")));
	node_set(it, "switch", json_false());
	json_t *from = node_get(step, "source");
	node_set(it, "from",
		json_is_integer(from) && json_integer_value(from) >= 0 ? json_integer(json_integer_value(from) + 1)
								       : json_null());
	free(source);
	return it;
}

/* Accesses of one line, one after the other (a loop, a copy), are one row that counts them, unless one is of note by itself. */
static bool joins(json_t *last, const json_t *it)
{
	static const char *const same[] = {"thread", "file", "line", "operation"};
	bool racy = strncmp(text_of(it, "operation"), "racy", 4) == 0;
	if (!last || !(racy || json_is_true(node_get(it, "plain"))) || *text_of(it, "note") ||
		json_is_true(node_get(it, "stale")))
		return false;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		if (!json_equal(node_get(last, same[i]), node_get(it, same[i])))
			return false;
	if (strcmp(text_of(last, "where"), text_of(it, "where")) == 0)
		return false;
	double times = node_number(last, "times", 1);
	node_set(last, "times", json_integer((json_int_t)times + 1));
	if (times <= 1)
		node_set(last, "first", json_incref(node_get(last, "where")));
	node_set(last, "where", node_must(json_sprintf("%s…%s", text_of(last, "first"), text_of(it, "where"))));
	node_set(last, "read", json_null());
	node_set(last, "written", json_null());
	node_set(last, "from", json_null());
	return true;
}

static void mark_switches(json_t *rows)
{
	size_t i;
	json_t *it, *last = NULL;
	json_array_foreach(rows, i, it) {
		if (last && strcmp(text_of(last, "thread"), text_of(it, "thread")) != 0)
			node_set(it, "switch", json_true());
		last = it;
	}
}

/* A step that is not shown cannot be pointed to: what it stored was there before. */
static void forget_hidden_sources(json_t *rows)
{
	size_t i, j;
	json_t *it, *other;
	json_array_foreach(rows, i, it) {
		bool shown = false;
		for (j = i; j-- > 0 && !shown;) {
			other = json_array_get(rows, j);
			shown = json_equal(node_get(it, "from"), node_get(other, "step"));
		}
		if (!shown)
			node_set(it, "from", json_null());
	}
}

json_t *explored_told(const json_t *steps, const json_t *found)
{
	json_t *told = node_must(json_array());
	size_t i, count = (size_t)node_number(found, "told", (double)json_array_size(steps));
	json_t *step;
	json_array_foreach(steps, i, step)
		if (i < count)
			node_append(told, json_incref(step));
	return told;
}

/* Of a long execution the beginning and the end: the row behind the gap says what is missing. */
static void leave_out(json_t *rows, size_t first, size_t last)
{
	size_t count = json_array_size(rows);
	if (count <= first + last)
		return;
	json_t *few = node_must(json_array()), *behind = json_array_get(rows, count - last);
	for (size_t i = 0; i < count; i++)
		if (i < first || i >= count - last)
			node_append(few, json_incref(json_array_get(rows, i)));
	if (json_is_object(behind)) {
		double from = node_number(json_array_get(rows, first - 1), "step", 0) + 1,
		       to = node_number(behind, "step", 0) - 1;
		const char *note = node_string(behind, "note");
		node_set(behind, "note",
			node_must(json_sprintf("steps %.0f to %.0f are left out%s%s", from, to, *note ? "; " : "", note)));
	}
	json_array_clear(rows);
	json_array_extend(rows, few);
	json_decref(few);
}

/* The indexes of STEPS that a table shows; *HIDDEN: how many it does not. */
static json_t *shown_steps(enum explored_table about, const json_t *steps, json_int_t *hidden)
{
	json_t *shared = touched(steps), *shown = node_must(json_array());
	size_t i, begin = first_of_others(steps);
	const json_t *step;
	json_array_foreach(steps, i, step)
		if (matters(shared, about, step) && (i >= begin || json_is_true(node_get(step, "blocked"))))
			node_append(shown, json_integer((json_int_t)i));
	*hidden = (json_int_t)(json_array_size(steps) - json_array_size(shown));
	json_decref(shared);
	return shown;
}

json_t *explored_interleaving(const struct explored *what, enum explored_table about, const json_t *steps,
	struct explored_names *names, json_int_t *hidden)
{
	json_t *rows = node_must(json_array()), *shown = shown_steps(about, steps, hidden), *last = NULL;
	size_t i;
	const json_t *index;
	/* Several steps may become one row; of a great many, most need no look. */
	leave_out(shown, STEPS_OF_ROWS * ROWS_FIRST, STEPS_OF_ROWS * ROWS_LAST);
	json_array_foreach(shown, i, index) {
		size_t at = (size_t)json_integer_value(index);
		json_t *it = row(what, json_array_get(steps, at), at, names);
		if (joins(last, it)) {
			json_decref(it);
			continue;
		}
		last = node_append(rows, it);
	}
	json_decref(shown);
	leave_out(rows, ROWS_FIRST, ROWS_LAST);
	mark_switches(rows);
	forget_hidden_sources(rows);
	return rows;
}

bool explored_waits(const char *kind)
{
	return strcmp(kind, "deadlock") == 0 || strcmp(kind, "livelock") == 0 || strcmp(kind, "lost-wakeup") == 0;
}

bool explored_only_joins(const struct explored *what, const json_t *place)
{
	return what->scenario && json_integer_value(node_get(place, "thread")) == 0 &&
	       strncmp(node_string(place, "role"), "waits", strlen("waits")) == 0;
}

void explored_add_waiting(const struct explored *what, json_t *rows, const json_t *places, struct explored_names *names)
{
	size_t i;
	const json_t *it, *last = json_array_get(rows, json_array_size(rows) - 1);
	json_int_t number = json_integer_value(node_get(last, "step"));
	json_array_foreach(places, i, it) {
		struct source_place place, via;
		if (explored_only_joins(what, it) || !explored_place(what, node_get(it, "frames"), &place, &via))
			continue;
		char *source = source_line(place.file, place.line);
		json_t *row = json_object();
		node_set(row, "step", json_integer(++number));
		node_set(row, "thread", node_must(json_sprintf("T%lld", (long long)json_integer_value(node_get(it, "thread")))));
		node_set(row, "file", node_text(place.file));
		node_set(row, "line", json_integer(place.line));
		node_set(row, "function", node_text(place.function));
		node_set(row, "source", node_text(source));
		node_set(row, "operation", explored_words(names, node_string(it, "role")));
		node_set(row, "blocked", json_true());
		node_append(rows, row);
		free(source);
	}
	mark_switches(rows);
}
