/* SPDX-License-Identifier: MIT */
/* What threads did in the executions that show findings, read from the explorer's answer. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../explored.h"
#include "fix_parts.h"

enum { THREADS_MAX = 64, SPOTS_MAX = 4096 };

struct fix_spot {
	uint64_t frame;
	size_t count;
	struct source_place place[FIX_PLACES_MAX];
};

static bool one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static enum fix_step_kind kind_of(const json_t *step, const char *tag)
{
	static const char *const atomic[] = {"load", "store", "exchange", "fetch_add", "fetch_sub", "fetch_and", "fetch_or",
		"fetch_xor", "fetch_nand", "compare_exchange", NULL};
	bool wrote = json_is_string(node_get(step, "written")), blocked = json_is_true(node_get(step, "blocked"));
	if (json_is_true(node_get(step, "plain")) || strncmp(tag, "racy ", 5) == 0)
		return FIX_PLAIN;
	if (one_of(tag, atomic))
		return FIX_ATOMIC;
	if (strcmp(tag, "fence") == 0)
		return FIX_FENCE;
	if (strcmp(tag, "lock") == 0 || strcmp(tag, "trylock") == 0)
		return wrote && !blocked ? FIX_LOCK : FIX_OTHER;
	if (strcmp(tag, "unlock") == 0)
		return FIX_UNLOCK;
	if (strcmp(tag, "cond wait") == 0)
		return FIX_WAIT;
	return strcmp(tag, "cond signal") == 0 || strcmp(tag, "cond broadcast") == 0 ? FIX_SIGNAL : FIX_OTHER;
}

static uint64_t number_of(const json_t *text)
{
	return json_is_string(text) ? strtoull(json_string_value(text), NULL, 16) : 0;
}

static void read_step(const json_t *from, unsigned trace, struct fix_step *to)
{
	size_t i;
	const json_t *frame;
	const char *tag = node_string(from, "tag");
	bool racy_write = strcmp(tag, "racy write") == 0;
	*to = (struct fix_step){.kind = kind_of(from, tag),
		.trace = trace,
		.thread = (unsigned)json_integer_value(node_get(from, "thread")),
		.bytes = (unsigned)json_integer_value(node_get(from, "bytes")),
		.reads = strcmp(tag, "racy read") == 0 || json_is_string(node_get(from, "read")),
		.writes = racy_write || json_is_true(node_get(from, "write")),
		.tag = tag,
		.order = node_string(from, "order"),
		.address = number_of(node_get(from, "address")),
		.global = number_of(node_get(from, "global"))};
	if (to->kind == FIX_PLAIN && !racy_write)
		to->reads = !to->writes;
	json_array_foreach(node_get(from, "frames"), i, frame)
		if (to->frame_count < FIX_FRAMES_MAX)
			to->frame[to->frame_count++] = number_of(frame);
}

/* The mutexes that each thread has while it makes its steps. */
static void note_held(struct fix_traces *t, size_t first)
{
	struct {
		unsigned count;
		uint32_t step[FIX_HELD_MAX];
	} held[THREADS_MAX] = {0};
	for (size_t i = first; i < t->count; i++) {
		struct fix_step *s = &t->step[i];
		if (s->thread >= THREADS_MAX)
			continue;
		unsigned *count = &held[s->thread].count;
		uint32_t *steps = held[s->thread].step;
		if (s->kind == FIX_UNLOCK)
			for (unsigned h = *count; h-- > 0;)
				if (t->step[steps[h]].address == s->address) {
					memmove(steps + h, steps + h + 1, (--*count - h) * sizeof *steps);
					break;
				}
		s->held_count = *count;
		memcpy(s->held, steps, *count * sizeof *steps);
		if (s->kind == FIX_LOCK && *count < FIX_HELD_MAX)
			steps[(*count)++] = (uint32_t)i;
	}
}

static void mark_racing(struct fix_traces *t, size_t first, const json_t *finding)
{
	size_t i;
	const json_t *place;
	if (strcmp(node_string(finding, "kind"), "data-race") != 0)
		return;
	json_array_foreach(node_get(finding, "places"), i, place) {
		uint64_t site = number_of(json_array_get(node_get(place, "frames"), 0));
		json_int_t thread = json_integer_value(node_get(place, "thread"));
		for (size_t s = first; s < t->count && site; s++)
			if (t->step[s].frame[0] == site && t->step[s].thread == thread)
				t->step[s].racing = true;
	}
}

/* ORIGINAL: the executions are the program's own. */
static void add_traces(struct fix_traces *t, const json_t *answer, bool original)
{
	size_t i, s, total = t->count;
	const json_t *finding, *step;
	json_array_foreach(node_get(answer, "findings"), i, finding)
		total += json_array_size(node_get(finding, "steps"));
	struct fix_step *steps = realloc(t->step, (total + 1) * sizeof *steps);
	if (!steps) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	t->step = steps;
	json_array_foreach(node_get(answer, "findings"), i, finding) {
		size_t first = t->count;
		json_array_foreach(node_get(finding, "steps"), s, step)
			read_step(step, t->trace_count, &t->step[t->count++]);
		note_held(t, first);
		mark_racing(t, first, finding);
		for (s = first; s < t->count && !original; s++) {
			t->step[s].held_count = 0;
			t->step[s].foreign = !t->step[s].racing;
			if (t->step[s].kind != FIX_PLAIN)
				t->step[s].kind = FIX_OTHER;
		}
		t->trace_count++;
	}
}

void fix_traces_open(struct fix_traces *t, const char *module, const struct program_source *source, json_t *answer)
{
	*t = (struct fix_traces){.module = module, .source = source, .answer = answer, .further = node_must(json_array())};
	t->spot = calloc(SPOTS_MAX, sizeof *t->spot);
	if (!t->spot) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	add_traces(t, answer, true);
	t->own_traces = t->trace_count;
	t->own_count = t->count;
	t->only = -1;
}

bool fix_traces_add(struct fix_traces *t, json_t *answer)
{
	size_t before = t->count;
	bool news = false;
	node_append(t->further, json_incref(answer));
	add_traces(t, answer, false);
	for (size_t i = before; i < t->count && !news; i++)
		news = t->step[i].kind == FIX_PLAIN && t->step[i].racing;
	return news;
}

void fix_traces_forget(struct fix_traces *t)
{
	t->count = t->own_count;
	t->trace_count = t->own_traces;
}

void fix_traces_close(struct fix_traces *t)
{
	json_decref(t->answer);
	json_decref(t->further);
	free(t->step);
	free(t->spot);
	*t = (struct fix_traces){0};
}

const struct source_place *fix_places(struct fix_traces *t, uint64_t frame, size_t *count)
{
	size_t at = (size_t)((frame * 0x9e3779b97f4a7c15u) >> 52) % SPOTS_MAX;
	struct fix_spot *spot = &t->spot[at];
	if (!frame) {
		*count = 0;
		return spot->place;
	}
	if (spot->frame != frame) {
		spot->frame = frame;
		/* A return address may be the first of another line. */
		spot->count = symbolise(t->module, frame - 1, spot->place, FIX_PLACES_MAX);
	}
	*count = spot->count;
	return spot->place;
}

/* The outermost calls are the explorer's own, whose files are told relative to its source; the innermost ones may be a library's. */
static bool is_others(const char *file)
{
	static const char *const begins[] = {"stress/", "/usr/include/", "/usr/lib/", "/usr/local/include/"};
	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (strncmp(file, begins[i], strlen(begins[i])) == 0)
			return true;
	/* clang says /usr/bin/../lib/gcc/…/include/c++/12 and …/include/x86_64-linux-gnu/c++/12 */
	return strncmp(file, "/usr/", 5) == 0 && strstr(file, "/include/");
}

size_t fix_stack(struct fix_traces *t, const struct fix_step *step, struct source_place stack[FIX_STACK_MAX])
{
	size_t found = 0;
	for (unsigned f = 0; f < step->frame_count; f++) {
		size_t count;
		const struct source_place *places = fix_places(t, step->frame[f], &count);
		for (size_t p = 0; p < count && found < FIX_STACK_MAX; p++)
			if (places[p].line > 0 && !is_others(places[p].file))
				stack[found++] = places[p];
	}
	return found;
}

bool fix_place(struct fix_traces *t, const struct fix_step *step, struct source_place *place)
{
	struct source_place stack[FIX_STACK_MAX];
	bool found = fix_stack(t, step, stack) > 0;
	if (found)
		*place = stack[0];
	return found;
}

void fix_user_file(const char *file, char *out, size_t bytes)
{
	char path[PATH_MAX];
	size_t length = getcwd(path, sizeof path) ? strlen(path) : 0;
	bool inside = length && strncmp(file, path, length) == 0 && file[length] == '/';
	snprintf(out, bytes, "%s", inside ? file + length + 1 : file);
}

/* Is one of the lines that the call which returns to FRAME stands in among FINDING's? */
static bool frame_in(struct fix_traces *t, uint64_t frame, const json_t *finding)
{
	size_t count, i;
	const json_t *location;
	const struct source_place *places = fix_places(t, frame, &count);
	json_array_foreach(node_get(finding, "locations"), i, location)
		for (size_t p = 0; p < count; p++) {
			char user[SOURCE_FILE_MAX];
			fix_user_file(places[p].file, user, sizeof user);
			if (places[p].line == json_integer_value(node_get(location, "line")) &&
				strcmp(user, node_string(location, "file")) == 0)
				return true;
		}
	return false;
}

bool fix_shows(struct fix_traces *t, size_t number, const json_t *finding)
{
	const json_t *raw = json_array_get(node_get(t->answer, "findings"), number), *place;
	size_t i, f;
	if (!json_equal(node_get(raw, "kind"), node_get(finding, "kind")))
		return false;
	json_array_foreach(node_get(raw, "places"), i, place) {
		const json_t *frame;
		bool inside = false;
		json_array_foreach(node_get(place, "frames"), f, frame)
			inside |= frame_in(t, number_of(frame), finding);
		if (!inside)
			return false;
	}
	return true;
}

bool fix_matters(const struct fix_traces *t, const struct fix_step *step)
{
	return t->only < 0 || step->trace == (unsigned)t->only || step->trace >= t->own_traces;
}

const struct fix_step *fix_holds(const struct fix_traces *t, const struct fix_step *step, uint64_t address)
{
	for (unsigned i = 0; i < step->held_count; i++)
		if (t->step[step->held[i]].address == address)
			return &t->step[step->held[i]];
	return NULL;
}

/* Names ---------------------------------------------------------------------------------------------------------------------------------- */

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The end of the object expression that begins at AT: a name with its members and elements. */
static const char *expression_end(const char *at)
{
	while (in_word(*at))
		at++;
	for (;;) {
		const char *next = at;
		if (*next == '[') {
			for (unsigned depth = 0; *next; next++) {
				depth += *next == '[';
				depth -= *next == ']';
				if (!depth)
					break;
			}
			if (!*next)
				return at;
			at = next + 1;
		} else if (*next == '.' || (next[0] == '-' && next[1] == '>')) {
			next += *next == '.' ? 1 : 2;
			if (!in_word(*next))
				return at;
			while (in_word(*next))
				next++;
			at = next;
		} else {
			return at;
		}
	}
}

/* The same without a member that is called. */
static const char *object_end(const char *at)
{
	const char *end = expression_end(at);
	if (*end != '(')
		return end;
	while (end > at && in_word(end[-1]))
		end--;
	return end > at && end[-1] == '.' ? end - 1 : end > at + 1 && end[-1] == '>' ? end - 2 : at;
}

/* The only expression in TEXT that begins with the word NAME and goes on behind it. */
static bool expression_of(const char *text, const char *name, char *out, size_t bytes)
{
	size_t length = strlen(name), found = 0;
	for (const char *at = text; (at = strstr(at, name)) != NULL; at += length) {
		const char *end = object_end(at);
		if ((at > text && (in_word(at[-1]) || at[-1] == '.' || at[-1] == '>')) || in_word(at[length]) ||
			end <= at + length)
			continue;
		if (found && (strlen(out) != (size_t)(end - at) || strncmp(out, at, strlen(out)) != 0))
			return false;
		if ((size_t)(end - at) >= bytes)
			return false;
		snprintf(out, bytes, "%.*s", (int)(end - at), at);
		found++;
	}
	return found > 0;
}

/* What a simple statement or a call that takes the address of one object is about: "s->ready = 1;", "s->count++;", "f(&s->lock);". */
static bool only_object(const char *text, char *out, size_t bytes)
{
	const char *at = text + strspn(text, " \t*(+-&");
	const char *reference = strchr(text, '&');
	if (!in_word(*at))
		return false;
	const char *end = expression_end(at), *behind = end + strspn(end, " \t)");
	if (*behind == '(' || *end == '(') {
		if (!reference || strchr(reference + 1, '&'))
			return false;
		at = reference + 1;
		end = expression_end(at);
	} else if (!(*behind == '=' && behind[1] != '=') &&
		   !(strchr("+-|&^*/", *behind) && *behind && (behind[1] == '=' || behind[1] == *behind)) &&
		   !(*behind == ';' && at > text)) {
		return false;
	}
	if (end == at || (size_t)(end - at) >= bytes)
		return false;
	snprintf(out, bytes, "%.*s", (int)(end - at), at);
	return true;
}

/* The one member or element, or the one object behind ++, -- and the like, that TEXT mentions. */
static bool mentioned(const char *text, char *out, size_t bytes)
{
	size_t found = 0;
	for (const char *at = text; *at;) {
		if (!in_word(*at)) {
			at++;
			continue;
		}
		const char *word = at, *next = expression_end(at), *end = object_end(at);
		while (in_word(*word))
			word++;
		bool counted = (at - text >= 2 && (strncmp(at - 2, "++", 2) == 0 || strncmp(at - 2, "--", 2) == 0)) ||
			       strncmp(end, "++", 2) == 0 || strncmp(end, "--", 2) == 0;
		bool member = end > word && !isdigit((unsigned char)*at);
		if ((member || (counted && end > at)) && (size_t)(end - at) < bytes) {
			if (found && (strlen(out) != (size_t)(end - at) || strncmp(out, at, strlen(out)) != 0))
				return false;
			snprintf(out, bytes, "%.*s", (int)(end - at), at);
			found++;
		}
		at = next;
	}
	return found > 0;
}

void fix_name(struct fix_traces *t, const struct fix_step *step, char *name, size_t bytes)
{
	char symbol[FIX_NAME_MAX];
	struct source_place place;
	char *text = fix_place(t, step, &place) ? source_line(place.file, place.line) : NULL;
	*name = '\0';
	bool known = step->global && symbolise_data(t->module, step->global, symbol, sizeof symbol);
	/* A compiler's own number behind a name is not the source's. */
	if (known)
		symbol[strcspn(symbol, "+.")] = '\0';
	if (text && known && expression_of(text, symbol, name, bytes))
		; /* a member or an element, as the line has it */
	else if (text && (only_object(text, name, bytes) || mentioned(text, name, bytes)) && (!known || strpbrk(name, ".[>")))
		; /* through a pointer */
	else
		snprintf(name, bytes, "%s", known ? symbol : "");
	free(text);
}
