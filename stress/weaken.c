/* SPDX-License-Identifier: MIT */
#include "weaken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explored.h"
#include "symbolise.h"

enum { OPERATIONS_MAX = 512, SITES_MAX = 64, WORDS_MAX = 2 * SITES_MAX + 4 };

/* One operation of the source: all instructions that the compiler made of it. */
struct operation {
	struct source_place place;
	char tag[32], order[16], failed[16]; /* failed: "" if there is none */
	unsigned site_count;
	uint64_t site[SITES_MAX];
	unsigned long long items; /* bits of items that perform it */
};

struct state {
	const struct weaken *what;
	json_t *baseline[64];
	unsigned count;
	struct operation operation[OPERATIONS_MAX];
	size_t steps;
};

/* Orders that are directly weaker, strongest first. A fence that is "none" is not there. */
static unsigned weaker(const char *tag, const char *order, const char **out)
{
	bool load = strcmp(tag, "load") == 0 || strcmp(tag, "failure") == 0, store = strcmp(tag, "store") == 0,
	     fence = strcmp(tag, "fence") == 0;
	if (strcmp(order, "seq_cst") == 0) {
		out[0] = load ? "acquire" : store ? "release" : "acq_rel";
		return 1;
	}
	if (strcmp(order, "acq_rel") == 0) {
		out[0] = "acquire";
		out[1] = "release";
		return 2;
	}
	if (strcmp(order, "acquire") == 0 || strcmp(order, "release") == 0) {
		out[0] = fence ? "none" : "relaxed";
		return 1;
	}
	return 0;
}

/* Headers to take with you are as much an implementation's own text as its file. */
static bool is_of(const char *file, const char *own)
{
	static const char headers[] = "include/onceproof/";
	return !own || strcmp(file, own) == 0 || strncmp(file, headers, sizeof headers - 1) == 0;
}

static void note_site(struct state *s, size_t item, const json_t *order)
{
	struct source_place places[8];
	uint64_t site = strtoull(json_string_value(json_object_get(order, "site")), NULL, 16);
	/* A site is a return address. */
	size_t found = symbolise(s->what->module, site - 1, places, 8);
	if (!found || !is_of(places[0].file, s->what->file))
		return;
	const char *tag = json_string_value(json_object_get(order, "tag")),
		   *named = json_string_value(json_object_get(order, "order"));
	const char *failed = json_string_value(json_object_get(order, "order_failed"));
	struct operation *o = NULL;
	for (unsigned i = 0; i < s->count && !o; i++) {
		struct operation *old = &s->operation[i];
		if (old->place.line == places[0].line && strcmp(old->place.file, places[0].file) == 0 &&
			strcmp(old->tag, tag) == 0 && strcmp(old->order, named) == 0 &&
			strcmp(old->failed, failed ? failed : "") == 0)
			o = old;
	}
	if (!o) {
		if (s->count == OPERATIONS_MAX)
			return;
		o = &s->operation[s->count++];
		o->place = places[0];
		snprintf(o->tag, sizeof o->tag, "%s", tag);
		snprintf(o->order, sizeof o->order, "%s", named);
		snprintf(o->failed, sizeof o->failed, "%s", failed ? failed : "");
	}
	o->items |= 1ull << item;
	for (unsigned i = 0; i < o->site_count; i++)
		if (o->site[i] == site)
			return;
	if (o->site_count < SITES_MAX)
		o->site[o->site_count++] = site;
}

static int by_place(const void *a, const void *b)
{
	const struct operation *x = a, *y = b;
	int files = strcmp(x->place.file, y->place.file);
	return files ? files : x->place.line != y->place.line ? x->place.line - y->place.line : strcmp(x->tag, y->tag);
}

/* Did FINDING occur in BASELINE already? Findings of one kind that refute the same are the same here. */
static bool known(const json_t *baseline, const json_t *finding)
{
	size_t i;
	json_t *old;
	json_array_foreach(json_object_get(baseline, "findings"), i, old)
		if (json_equal(json_object_get(old, "kind"), json_object_get(finding, "kind")) &&
			json_equal(json_object_get(old, "refutes"), json_object_get(finding, "refutes")))
			return true;
	return false;
}

/* The first finding of RESULT that BASELINE has not. Borrowed; NULL: none. */
static json_t *news(const json_t *baseline, const json_t *result)
{
	size_t i;
	json_t *finding;
	json_array_foreach(json_object_get(result, "findings"), i, finding)
		if (!known(baseline, finding))
			return finding;
	return NULL;
}

/* Explores every item that performs O with its orders replaced. An element of `tried`. */
static json_t *try(struct state *s, const struct operation *o, const char *order, const char *failed)
{
	static const char verdicts[3][8] = {"holds", "open", "breaks"};
	char texts[SITES_MAX][64], what[512];
	const char *words[WORDS_MAX];
	size_t n = 0;
	for (unsigned i = 0; i < o->site_count; i++) {
		snprintf(
			texts[i], sizeof *texts, "0x%llx=%s,%s", (unsigned long long)o->site[i], order, *failed ? failed : order);
		words[n++] = "-W";
		words[n++] = texts[i];
	}
	words[n] = NULL;
	unsigned verdict = 0;
	json_int_t executions = 0;
	json_t *tried = json_pack("{s:s, s:n, s:n}", "order", order, "item", "finding");
	for (size_t item = 0; item < s->what->items && verdict < 2; item++) {
		if (!(o->items >> item & 1))
			continue;
		snprintf(what, sizeof what, "%.200s:%d %s %s as %s: %.100s", o->place.file, o->place.line, o->tag, o->order,
			order, s->what->item_name(s->what->arg, item));
		if (s->what->began)
			s->what->began(s->what->arg, ++s->steps, what);
		json_t *result = s->what->explore(s->what->arg, item, words);
		json_t *finding = result ? news(s->baseline[item], result) : NULL;
		executions += json_integer_value(json_object_get(result, "executions"));
		if (finding) {
			verdict = 2;
			json_object_set_new(tried, "item", json_string(s->what->item_name(s->what->arg, item)));
			json_object_set(tried, "finding", finding);
		} else if (!result || !json_is_true(json_object_get(result, "exhausted"))) {
			verdict = 1;
		}
		json_decref(result);
	}
	json_object_set_new(tried, "verdict", json_string(verdicts[verdict]));
	json_object_set_new(tried, "executions", json_integer(executions));
	return tried;
}

/* Goes down from the named order as long as something holds. HALF: "", "success" or "failure". */
static json_t *descend(struct state *s, const struct operation *o, const char *half)
{
	bool failure = strcmp(half, "failure") == 0;
	const char *named = failure ? o->failed : o->order, *at = named, *could_be = NULL;
	bool open = false;
	json_t *all = json_array();
	const char *next[2];
	unsigned count;
	while ((count = weaker(failure ? "failure" : o->tag, at, next)) > 0) {
		const char *holds = NULL;
		for (unsigned i = 0; i < count && !holds; i++) {
			/* What the read of a failure may not exceed the success does not matter to the runtime: each half is apart. */
			json_t *tried = try(s, o, failure ? o->order : next[i], failure ? next[i] : o->failed);
			if (failure)
				json_object_set_new(tried, "order", json_string(next[i]));
			const char *verdict = json_string_value(json_object_get(tried, "verdict"));
			if (strcmp(verdict, "holds") == 0)
				holds = next[i];
			open |= strcmp(verdict, "open") == 0;
			json_array_append_new(all, tried);
		}
		if (!holds)
			break;
		could_be = at = holds;
	}
	const char *verdict = json_array_size(all) == 0 ? "weakest" : could_be ? "weaker" : open ? "open" : "needed";
	char *text = source_line(o->place.file, o->place.line);
	json_t *out = json_pack("{s:s, s:i, s:s, s:s*, s:s, s:s, s:s?, s:s, s:s, s:s?, s:o}", "file", o->place.file, "line",
		o->place.line, "function", o->place.function, "text", text, "operation", o->tag, "order", o->order,
		"order_failed", *o->failed ? o->failed : NULL, "half", half, "verdict", verdict, "could_be", could_be, "tried",
		all);
	free(text);
	return out;
}

json_t *weaken_all(const struct weaken *what)
{
	struct state *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->what = what;
	static const char *const ask[] = {"--orders", NULL};
	size_t seen = 0;
	for (size_t item = 0; item < what->items && item < 64; item++) {
		if (what->began)
			what->began(what->arg, ++s->steps, what->item_name(what->arg, item));
		s->baseline[item] = what->explore(what->arg, item, ask);
		seen += s->baseline[item] != NULL;
		size_t i;
		json_t *order;
		json_array_foreach(json_object_get(s->baseline[item], "orders"), i, order)
			note_site(s, item, order);
	}
	qsort(s->operation, s->count, sizeof *s->operation, by_place);
	json_t *all = seen ? json_array() : NULL;
	for (unsigned i = 0; i < s->count && all; i++) {
		const struct operation *o = &s->operation[i];
		json_array_append_new(all, descend(s, o, *o->failed ? "success" : ""));
		if (*o->failed)
			json_array_append_new(all, descend(s, o, "failure"));
	}
	for (size_t item = 0; item < what->items && item < 64; item++)
		json_decref(s->baseline[item]);
	free(s);
	return all;
}
