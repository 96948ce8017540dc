/* SPDX-License-Identifier: MIT */
/* The three matrices. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

/* "no_lost_update" with places where a narrow column may break it: after '_' and '+'. */
static void breakable(FILE *out, const char *name)
{
	for (const char *word = name; *word;) {
		size_t length = strcspn(word, "_+");
		length += word[length] != '\0';
		char *part = strndup(word, length);
		fill(out, word[length] ? "$<wbr>" : "$", part ? part : "");
		free(part);
		word += length;
	}
}

static void link_to(FILE *out, const json_t *subject)
{
	fill(out, "<a href=\"#$\">", anchor_words(node_string(subject, "subject")).text);
	breakable(out, node_string(subject, "name"));
	fputs("</a>", out);
}

/* Engines that refuted PROMISE for SUBJECT, each once. */
static json_t *refuting_engines(const json_t *subject, const char *promise)
{
	json_t *engines = node_must(json_array());
	size_t i;
	const json_t *result;
	json_array_foreach(node_get(subject, "results"), i, result) {
		if (result_refutes(result, promise) && !list_has(engines, node_string(result, "engine")))
			node_append(engines, node_text(node_string(result, "engine")));
	}
	return engines;
}

static void right_cell(FILE *out, const json_t *subject, const struct promise_info *promise)
{
	enum standing standing = facts_standing(subject, promise->name);
	const json_t *contract = node_get(node_get(subject, "contracts"), promise->name);
	const char *by = node_string(contract, "by");
	json_t *engines = refuting_engines(subject, promise->name);
	fill(out, "<td class=\"$\" title=\"$: $$$\">", standing_looks[standing].css, promise->name, standing_looks[standing].word,
		*by ? "; " : "", by);
	html_standing(out, standing);
	if (json_array_size(engines)) {
		fputs("<small class=\"by\">", out);
		size_t i;
		const json_t *engine;
		json_array_foreach(engines, i, engine)
			fill(out, i ? " $" : "$", json_string_value(engine));
		fputs("</small>", out);
	}
	fputs("</td>", out);
	json_decref(engines);
}

static void right_family(FILE *out, const json_t *facts, enum family family)
{
	size_t count, i;
	const struct promise_info *promises = family_promises(family, &count);
	const json_t *subject;
	bool open = false;
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		if (subject_family(node_string(subject, "subject")) != family)
			continue;
		/* An implementation that the filter left out has nothing to show here. */
		if (json_object_size(node_get(subject, "contracts")) == 0 && json_array_size(node_get(subject, "results")) == 0)
			continue;
		if (!open) {
			open = true;
			fill(out,
				"<div class=\"scroll\" role=\"region\" aria-label=\"$: implementations and promises\" "
				"tabindex=\"0\">\n"
				"<table class=\"matrix right\"><caption>$</caption>\n<thead><tr><th "
				"scope=\"col\">implementation</th>",
				family_name(family), family_name(family));
			for (size_t p = 0; p < count; p++) {
				fill(out, "<th scope=\"col\" title=\"$\">", promises[p].meaning);
				breakable(out, promises[p].name);
				fputs("</th>", out);
			}
			fputs("</tr></thead>\n<tbody>\n", out);
		}
		fill(out, "<tr data-filter=\"$\"><th scope=\"row\">", node_string(subject, "subject"));
		link_to(out, subject);
		fputs("</th>", out);
		for (size_t p = 0; p < count; p++)
			right_cell(out, subject, &promises[p]);
		fputs("</tr>\n", out);
	}
	if (open)
		fputs("</tbody></table></div>\n", out);
}

void html_matrix_right(FILE *out, const json_t *facts)
{
	fputs("<section id=\"right\" aria-labelledby=\"right-title\">\n<h2 id=\"right-title\">Right?</h2>\n"
	      "<p>Each implementation against each promise of its family. Small print names the engines that broke it.</p>\n"
	      "<ul class=\"legend\" aria-label=\"Legend\">",
		out);
	for (int look = STANDING_HOLDS; look <= STANDING_NOT_OFFERED; look++)
		fill(out, "<li class=\"$\"><span class=\"mark\" aria-hidden=\"true\">$</span> $</li>", standing_looks[look].css,
			standing_looks[look].symbol, standing_looks[look].word);
	fputs("</ul>\n", out);
	bool any = false;
	size_t i;
	const json_t *subject;
	json_array_foreach(node_get(facts, "subjects"), i, subject)
		any = any || json_object_size(node_get(subject, "contracts")) || json_array_size(node_get(subject, "results"));
	if (!any)
		fputs("<p class=\"note\">No scenario was run for this report.</p>\n", out);
	for (int family = 0; family < FAMILY_COUNT; family++)
		right_family(out, facts, (enum family)family);
	fputs("</section>\n", out);
}

/* The operations and thread counts of a family's costs, in the order of the benchmarks: [[operation, [threads...], floor]...]. */
static json_t *columns_of(const json_t *facts, const char *family)
{
	json_t *columns = node_must(json_array());
	size_t i, k, t;
	const json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		if (strcmp(node_string(row, "family"), family) != 0)
			continue;
		json_t *column, *list = NULL;
		json_array_foreach(columns, k, column) {
			if (strcmp(json_string_value(json_array_get(column, 0)), node_string(row, "operation")) == 0)
				list = json_array_get(column, 1);
		}
		if (!list) {
			column = node_append(
				columns, json_pack("[s, [], O]", node_string(row, "operation"), node_get(row, "floor")));
			list = json_array_get(column, 1);
		}
		/* Ascending, each once. */
		json_int_t threads = json_integer_value(node_get(row, "threads"));
		for (t = 0; t < json_array_size(list) && json_integer_value(json_array_get(list, t)) < threads; t++)
			;
		if (t == json_array_size(list) || json_integer_value(json_array_get(list, t)) != threads)
			json_array_insert_new(list, t, node_must(json_integer(threads)));
	}
	return columns;
}

/* A background from calm to warm on a logarithmic scale: 1 x the floor and less is 0, 300 x is 1. */
static void fast_cell(FILE *out, const json_t *row)
{
	if (!row || !node_get(row, "ns")) {
		fputs("<td class=\"none\"><span aria-hidden=\"true\">–</span><span class=\"aside\">not measured</span></td>",
			out);
		return;
	}
	double ratio = node_number(row, "ratio", 0);
	double heat = ratio > 1 ? fmin(1, log(ratio) / log(300)) : 0;
	fprintf(out, "<td class=\"cost%s\" style=\"--heat:%.2f\">", json_is_true(node_get(row, "oversubscribed")) ? " over" : "",
		heat);
	fill(out, "<b>$</b>", time_words(node_number(row, "ns", 0)).text);
	if (*node_string(row, "broken"))
		fill(out, "<small class=\"refuted\" title=\"$\"><span aria-hidden=\"true\">!</span> contract broken</small>",
			node_string(row, "broken"));
	if (node_get(row, "implausible"))
		fill(out, "<small title=\"$\">cannot be true</small>", node_string(row, "implausible"));
	if (ratio > 0)
		fill(out, "<small>$</small>", ratio_words(ratio).text);
	fputs("</td>", out);
}

/* Does any row of the column say that there were more threads than cores? The benchmark knows the CPU quota of its machine. */
static bool column_is_over(const json_t *facts, const char *family, const char *operation, const json_t *threads)
{
	size_t i;
	const json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		if (strcmp(node_string(row, "family"), family) == 0 && strcmp(node_string(row, "operation"), operation) == 0 &&
			json_equal(node_get(row, "threads"), threads) && json_is_true(node_get(row, "oversubscribed")))
			return true;
	}
	return false;
}

static void fast_head(FILE *out, const json_t *facts, const json_t *columns, const char *family)
{
	fputs("<thead><tr><th scope=\"col\" rowspan=\"2\">implementation</th>", out);
	size_t i, t;
	const json_t *column, *threads;
	json_array_foreach(columns, i, column) {
		fprintf(out, "<th scope=\"colgroup\" colspan=\"%zu\">", json_array_size(json_array_get(column, 1)));
		breakable(out, json_string_value(json_array_get(column, 0)));
		if (json_is_string(json_array_get(column, 2)))
			fill(out, "<small>floor: $</small>", json_string_value(json_array_get(column, 2)));
		fputs("</th>", out);
	}
	fputs("</tr><tr>", out);
	json_array_foreach(columns, i, column) {
		json_array_foreach(json_array_get(column, 1), t, threads) {
			bool over = column_is_over(facts, family, json_string_value(json_array_get(column, 0)), threads);
			fprintf(out, "<th scope=\"col\"%s>%lld<span class=\"aside\"> threads%s</span>%s</th>",
				over ? " class=\"over\"" : "", (long long)json_integer_value(threads),
				over ? ", more than there are cores" : "", over ? "<span aria-hidden=\"true\">*</span>" : "");
		}
	}
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void fast_row(FILE *out, const json_t *facts, const json_t *columns, const char *name, const char *host)
{
	const json_t *subject = facts_subject(facts, name);
	const char *slash = strchr(name, '/');
	fill(out, "<tr data-filter=\"$\"><th scope=\"row\">", name);
	if (subject)
		link_to(out, subject);
	else
		breakable(out, slash ? slash + 1 : name);
	if (subject && facts_wrong(subject))
		fputs(" <span class=\"wrong\" title=\"breaks an essential promise\"><span aria-hidden=\"true\">✗</span>"
		      "<span class=\"aside\">breaks an essential promise</span></span>",
			out);
	if (*host)
		fill(out, "<small>on $</small>", host);
	fputs("</th>", out);
	size_t i, t;
	const json_t *column, *threads;
	json_array_foreach(columns, i, column) {
		json_array_foreach(json_array_get(column, 1), t, threads)
			fast_cell(out, facts_cost(facts, name, json_string_value(json_array_get(column, 0)),
					       (int)json_integer_value(threads), host));
	}
	fputs("</tr>\n", out);
}

static bool fast_family(FILE *out, const json_t *facts, const char *family)
{
	json_t *columns = columns_of(facts, family), *done = node_must(json_object());
	bool any = json_array_size(columns) > 0;
	if (any) {
		fill(out,
			"<div class=\"scroll\" role=\"region\" aria-label=\"$: time per operation by threads\" tabindex=\"0\">\n"
			"<table class=\"matrix fast\"><caption>$</caption>\n",
			family, strcmp(family, "floor") == 0 ? "floor: the least that any implementation could cost" : family);
		fast_head(out, facts, columns, family);
		size_t i;
		const json_t *row;
		json_array_foreach(node_get(facts, "costs"), i, row) {
			const char *subject = node_string(row, "subject"), *host = node_string(row, "host");
			if (strcmp(node_string(row, "family"), family) != 0)
				continue;
			json_t *key = node_must(json_sprintf("%s %s", subject, host));
			bool seen = node_get(done, json_string_value(key)) != NULL;
			node_set(done, json_string_value(key), json_true());
			json_decref(key);
			if (!seen)
				fast_row(out, facts, columns, subject, host);
		}
		fputs("</tbody></table></div>\n", out);
		if (strcmp(family, "floor") != 0) {
			const json_t *column;
			fputs("<div class=\"charts\">\n", out);
			json_array_foreach(columns, i, column) {
				char key[256];
				snprintf(key, sizeof key, "%.60s %.180s", family, json_string_value(json_array_get(column, 0)));
				html_chart(out, "cost", key, key);
			}
			fputs("</div>\n", out);
		}
	}
	json_decref(columns);
	json_decref(done);
	return any;
}

void html_matrix_fast(FILE *out, const json_t *facts)
{
	fputs("<section id=\"fast\" aria-labelledby=\"fast-title\">\n<h2 id=\"fast-title\">Fast?</h2>\n", out);
	bool any = false;
	if (json_array_size(node_get(facts, "costs"))) {
		fputs("<p>Wall time divided by the operations of all threads, and how many times the floor of the same run, at "
		      "the "
		      "same number of threads, that is. Columns are threads; "
		      "<b>*</b> marks more threads than cores. <span aria-hidden=\"true\">✗</span> marks what is fast and "
		      "wrong.</p>\n",
			out);
		for (int family = 0; family <= FAMILY_COUNT; family++)
			any |= fast_family(out, facts, family < FAMILY_COUNT ? family_name((enum family)family) : "floor");
	}
	if (!any)
		fputs("<p class=\"note\">Nothing was timed for this report.</p>\n", out);
	fputs("</section>\n", out);
}
