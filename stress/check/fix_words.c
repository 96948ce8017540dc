/* SPDX-License-Identifier: MIT */
/* A change in the words of a programmer: what to write, and where. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../reports/node.h"
#include "../explored.h"
#include "fix_parts.h"

struct text {
	struct fix_traces *traces;
	const struct fix_change *change;
	bool cxx, files; /* files: more than one is changed */
	FILE *out;
	char *whole;
	size_t bytes;
};

static void open_text(struct text *x, struct fix_traces *t, const struct fix_change *change)
{
	*x = (struct text){.traces = t, .change = change, .cxx = t->cxx};
	const struct fix_edit *first = NULL;
	for (unsigned i = 0; i < change->count; i++) {
		const struct fix_edit *e = &change->edit[i];
		if (e->off)
			continue;
		char path[PATH_MAX];
		bool main_file = strcmp(t->source->files[0], e->file) == 0 ||
				 (realpath(t->source->files[0], path) && strcmp(path, e->file) == 0);
		x->files |= !main_file || (first && strcmp(first->file, e->file) != 0);
		first = first ? first : e;
	}
	x->out = open_memstream(&x->whole, &x->bytes);
	if (!x->out)
		node_must(NULL);
}

static json_t *close_text(struct text *x)
{
	if (fclose(x->out) != 0)
		node_must(NULL);
	json_t *node = node_text(x->whole);
	free(x->whole);
	return node;
}

/* "line 13", "lines 13-15", "line 13 of b.c". */
static void put_lines(struct text *x, const struct fix_edit *e)
{
	char user[SOURCE_FILE_MAX];
	if (e->line == e->last_line)
		fprintf(x->out, "line %d", e->line);
	else
		fprintf(x->out, "lines %d-%d", e->line, e->last_line);
	fix_user_file(e->file, user, sizeof user);
	if (x->files)
		fprintf(x->out, " of %s", user);
}

/* "a", "a and b", "a, b and c": what stands in front of item I of COUNT. */
static const char *between(unsigned i, unsigned count)
{
	return i == 0 ? "" : i + 1 == count ? " and " : ", ";
}

/* The edits that are made: their indices. */
static unsigned made(const struct fix_change *change, unsigned index[FIX_EDITS_MAX])
{
	unsigned count = 0;
	for (unsigned i = 0; i < change->count; i++)
		if (!change->edit[i].off)
			index[count++] = i;
	return count;
}

static const char *operation_of(const struct fix_edit *e)
{
	if (strcmp(e->tag, "fence") == 0)
		return "fence";
	return e->reads && e->writes ? "update" : e->reads ? "load" : "store";
}

static const char *article(const char *word)
{
	return strchr("aeiou", *word) ? "an" : "a";
}

/* Is NAME counted up or down in the line of E: "name++", "name -= 2"? The call is then atomic_fetch_add or atomic_fetch_sub, and *BY is by
 * how much, as a text that ends at *END. */
static const char *counted(const char *line, const char *name, const char **by, const char **end)
{
	static const char one[] = "1";
	const char *at = *name ? strstr(line, name) : NULL, *behind = at ? at + strlen(name) : NULL;
	if (!at)
		return NULL;
	behind += strspn(behind, " \t");
	*by = one;
	*end = one + 1;
	bool up = strncmp(behind, "++", 2) == 0, down = strncmp(behind, "--", 2) == 0;
	if (at - line >= 2) {
		up |= strncmp(at - 2, "++", 2) == 0;
		down |= strncmp(at - 2, "--", 2) == 0;
	}
	if (strncmp(behind, "+=", 2) == 0 || strncmp(behind, "-=", 2) == 0) {
		up = *behind == '+';
		down = !up;
		*by = behind + 2 + strspn(behind + 2, " \t");
		*end = *by + strcspn(*by, ";,)");
		/* Only what is one simple operand. */
		if (**end != ';' || (size_t)(*end - *by) > 40)
			return NULL;
	}
	return up ? "atomic_fetch_add" : down ? "atomic_fetch_sub" : NULL;
}

static void put_update(struct text *x, const struct fix_edit *e)
{
	const char *name = *e->variable ? e->variable : "…", *by = NULL, *end = NULL;
	char *line = e->line == e->last_line ? source_line(e->file, e->line) : NULL;
	const char *call = line ? counted(line, e->variable, &by, &end) : NULL;
	/* A prefix operator's value is the new one. */
	const char *at = call ? strstr(line, e->variable) : NULL;
	const char *note = at && at > line + 1 && (at[-1] == '+' || at[-1] == '-') ? ", which returns what was there before" : "";
	if (call && x->cxx)
		fprintf(x->out, "%s.%s(%.*s, std::memory_order_%s)%s", name, call + strlen("atomic_"), (int)(end - by), by,
			e->order, note);
	else if (call)
		fprintf(x->out, "%s_explicit(&%s, %.*s, memory_order_%s)%s", call, name, (int)(end - by), by, e->order, note);
	else
		fprintf(x->out,
			"one read-modify-write of `%s`: a compare-exchange loop with %smemory_order_%s, or %sfetch_add and the "
			"like",
			name, x->cxx ? "std::" : "", e->order, x->cxx ? "" : "atomic_");
	free(line);
}

/* The call to write, as far as the names are known: "atomic_store_explicit(&ready, …, memory_order_release)". */
static void put_call(struct text *x, const struct fix_edit *e)
{
	const char *name = *e->variable ? e->variable : "…", *order = e->order;
	bool loads = e->reads && !e->writes, stores = e->writes && !e->reads;
	if (strcmp(e->tag, "fence") == 0)
		fprintf(x->out,
			x->cxx ? "std::atomic_thread_fence(std::memory_order_%s)" : "atomic_thread_fence(memory_order_%s)",
			order);
	else if (x->cxx && loads)
		fprintf(x->out, "%s.load(std::memory_order_%s)", name, order);
	else if (x->cxx && stores)
		fprintf(x->out, "%s.store(…, std::memory_order_%s)", name, order);
	else if (!x->cxx && loads)
		fprintf(x->out, "atomic_load_explicit(&%s, memory_order_%s)", name, order);
	else if (!x->cxx && stores)
		fprintf(x->out, "atomic_store_explicit(&%s, …, memory_order_%s)", name, order);
	else
		put_update(x, e);
}

/* Of an operation that is atomic already only the order changes; where the line has it as a call, that is shown whole. */
static void put_order(struct text *x, const struct fix_edit *e)
{
	const char *prefix = x->cxx ? "std::memory_order_" : "memory_order_";
	char *line = source_line(e->file, e->line);
	bool loads = e->reads && !e->writes, stores = e->writes && !e->reads;
	const char *call = x->cxx ? (loads ? ".load(" : ".store(") : loads ? "atomic_load" : "atomic_store";
	if ((loads || stores) && *e->variable && strstr(line, call)) {
		put_call(x, e);
		fprintf(x->out, " instead of %s", e->was);
	} else {
		fprintf(x->out, "%s%s instead of %s%s", prefix, e->order, prefix, e->was);
		if (e->order_failed)
			fprintf(x->out, " (on failure %s%s)", prefix, e->order_failed);
	}
	free(line);
}

static void put_formatted(FILE *out, const char *call, const char *name)
{
	const char *at = strstr(call, "%s");
	fprintf(out, "%.*s%s%s", (int)(at - call), call, name, at + 2);
}

static void put_lock(struct text *x, const struct fix_edit *e)
{
	const char *name = *e->lock_name ? e->lock_name : "the mutex";
	if (e->how == FIX_RECURSIVE) {
		fprintf(x->out,
			"the thread has `%s` already: do not lock it again, or make it recursive (PTHREAD_MUTEX_RECURSIVE)",
			name);
		return;
	}
	if (e->how == FIX_LOCK_FIRST) {
		put_formatted(x->out, e->lock_call, name);
		fprintf(x->out, " in front of line %d, not in line %d: the same order as elsewhere", e->line, e->last_line);
		return;
	}
	if (e->how == FIX_MERGE) {
		fprintf(x->out, "one section of `%s` from line %d to line %d, instead of several", name, e->line, e->last_line);
		return;
	}
	if (!e->mutex) {
		fputs("one mutex, the same at all of these places: lock it", x->out);
	} else {
		put_formatted(x->out, e->lock_call, name);
	}
	fprintf(x->out, " in front of line %d, ", e->line);
	if (!e->mutex)
		fputs("unlock it", x->out);
	else
		put_formatted(x->out, e->unlock_call, name);
	fprintf(x->out, " behind line %d", e->last_line);
}

static void put_edit(struct text *x, const struct fix_edit *e)
{
	switch (e->kind) {
	case FIX_EDIT_ORDER:
		put_order(x, e);
		break;
	case FIX_EDIT_ATOMIC:
	case FIX_EDIT_UPDATE:
		put_call(x, e);
		break;
	case FIX_EDIT_LOCK:
		put_lock(x, e);
		break;
	}
}

json_t *fix_change_edits(struct fix_traces *t, const struct fix_change *change)
{
	json_t *list = node_must(json_array());
	for (unsigned i = 0; i < change->count; i++) {
		const struct fix_edit *e = &change->edit[i];
		char user[SOURCE_FILE_MAX];
		struct text x;
		if (e->off)
			continue;
		open_text(&x, t, change);
		put_edit(&x, e);
		fix_user_file(e->file, user, sizeof user);
		json_t *edit = node_append(list, node_must(json_object()));
		node_set(edit, "file", node_text(user));
		node_set(edit, "line", json_integer(e->line));
		if (e->last_line != e->line)
			node_set(edit, "last_line", json_integer(e->last_line));
		node_set(edit, "change", close_text(&x));
	}
	return list;
}

/* In words ------------------------------------------------------------------------------------------------------------------------------- */

/* "line 13 a release store, line 30 an acquire load" */
static void put_accesses(struct text *x, bool brief)
{
	unsigned index[FIX_EDITS_MAX], count = made(x->change, index);
	for (unsigned i = 0; i < count; i++) {
		const struct fix_edit *e = &x->change->edit[index[i]];
		fputs(between(i, count), x->out);
		put_lines(x, e);
		if (brief && e->kind == FIX_EDIT_UPDATE)
			fprintf(x->out, " one atomic update (%s)", e->order);
		else if (brief)
			fprintf(x->out, " %s%s", e->kind == FIX_EDIT_ATOMIC ? "atomic " : "", e->order);
		else if (e->kind == FIX_EDIT_UPDATE)
			fprintf(x->out, " one atomic read-modify-write (%s)", e->order);
		else
			fprintf(x->out, " %s %s %s%s", article(e->kind == FIX_EDIT_ATOMIC ? "atomic" : e->order),
				e->kind == FIX_EDIT_ATOMIC ? "atomic" : e->order,
				e->kind == FIX_EDIT_ATOMIC ? e->order : operation_of(e),
				e->kind == FIX_EDIT_ATOMIC ? (e->reads ? " load" : " store") : "");
	}
}

/* The variables that become atomic: "`ready`", "`a` and `b`"; "" if none has a name. */
static void put_variables(struct text *x)
{
	const char *names[FIX_EDITS_MAX];
	unsigned index[FIX_EDITS_MAX], count = made(x->change, index), named = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct fix_edit *e = &x->change->edit[index[i]];
		bool known = e->kind == FIX_EDIT_ORDER;
		if (!known && !*e->variable)
			return;
		for (unsigned n = 0; n < named && !known; n++)
			known = strcmp(names[n], e->variable) == 0;
		if (!known)
			names[named++] = e->variable;
	}
	for (unsigned i = 0; i < named; i++)
		fprintf(x->out, "%s`%s`", between(i, named), names[i]);
	if (named)
		fputs(" atomic: ", x->out);
}

static void put_places(struct text *x)
{
	unsigned index[FIX_EDITS_MAX], count = made(x->change, index);
	for (unsigned i = 0; i < count; i++) {
		fputs(between(i, count), x->out);
		put_lines(x, &x->change->edit[index[i]]);
	}
}

static void put_locks(struct text *x, const struct fix_edit *e, bool brief)
{
	const char *name = *e->lock_name ? e->lock_name : "that mutex";
	if (e->how == FIX_RECURSIVE) {
		fprintf(x->out, brief ? "`%s` recursive in " : "make `%s` recursive, or do not lock it again in ", name);
		put_places(x);
	} else if (e->how == FIX_LOCK_FIRST) {
		fprintf(x->out, brief ? "`%s` locked first in " : "lock `%s` first in ", name);
		put_places(x);
	} else if (e->how == FIX_MERGE) {
		fprintf(x->out, brief ? "`%s` held throughout " : "hold `%s` throughout ", name);
		put_places(x);
	} else if (e->mutex) {
		fprintf(x->out, brief ? "`%s` held in " : "hold `%s` in ", name);
		put_places(x);
		fputs(", too", x->out);
	} else {
		fputs(brief ? "one mutex around " : "hold one mutex around ", x->out);
		put_places(x);
	}
}

static const struct fix_edit *first_made(const struct fix_change *change)
{
	unsigned index[FIX_EDITS_MAX];
	return made(change, index) ? &change->edit[index[0]] : NULL;
}

json_t *fix_change_words(struct fix_traces *t, const struct fix_change *change)
{
	struct text x;
	const struct fix_edit *e = first_made(change);
	open_text(&x, t, change);
	if (e && e->kind == FIX_EDIT_LOCK) {
		put_locks(&x, e, false);
	} else if (e) {
		fputs("make ", x.out);
		put_variables(&x);
		put_accesses(&x, false);
	}
	return close_text(&x);
}

json_t *fix_change_short(struct fix_traces *t, const struct fix_change *change)
{
	struct text x;
	const struct fix_edit *e = first_made(change);
	open_text(&x, t, change);
	fputs("with ", x.out);
	if (e && e->kind == FIX_EDIT_LOCK)
		put_locks(&x, e, true);
	else if (e)
		put_accesses(&x, true);
	return close_text(&x);
}
