/* SPDX-License-Identifier: MIT */
/* The first matrix: each implementation against each promise. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

void html_breakable(FILE *out, const char *name)
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

void html_link(FILE *out, const json_t *subject)
{
	fill(out, "<a href=\"#$\">", anchor_words(node_string(subject, "subject")).text);
	html_breakable(out, node_string(subject, "name"));
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

/* Is there nothing to look at: does all of it hold that is promised, and did no engine refute the rest? */
static bool all_green(const json_t *subject, const struct promise_info *promises, size_t count)
{
	for (size_t p = 0; p < count; p++) {
		enum standing standing = facts_standing(subject, promises[p].name);
		json_t *engines = refuting_engines(subject, promises[p].name);
		bool refuted = json_array_size(engines) > 0;
		json_decref(engines);
		if (refuted || (standing != STANDING_HOLDS && standing != STANDING_NOT_OFFERED))
			return false;
	}
	return true;
}

static void right_head(FILE *out, enum family family, const char *which)
{
	size_t count;
	const struct promise_info *promises = family_promises(family, &count);
	fill(out,
		"<div class=\"scroll\" role=\"region\" aria-label=\"$: implementations and promises$\" tabindex=\"0\">\n<table "
		"class=\"matrix right\"><caption>$</caption>\n<thead><tr><th scope=\"col\">implementation</th>",
		family_name(family), which, family_name(family));
	for (size_t p = 0; p < count; p++) {
		fill(out, "<th scope=\"col\" title=\"$\">", promises[p].meaning);
		html_breakable(out, promises[p].name);
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void right_row(FILE *out, const json_t *subject, const struct promise_info *promises, size_t count)
{
	fill(out, "<tr data-filter=\"$\"><th scope=\"row\">", node_string(subject, "subject"));
	html_link(out, subject);
	fputs("</th>", out);
	for (size_t p = 0; p < count; p++)
		right_cell(out, subject, &promises[p]);
	fputs("</tr>\n", out);
}

static bool is_of(const json_t *subject, enum family family)
{
	/* An implementation that the filter left out has nothing to show here. */
	return subject_family(node_string(subject, "subject")) == family &&
	       (json_object_size(node_get(subject, "contracts")) || json_array_size(node_get(subject, "results")));
}

/* The table of FAMILY: of all its subjects, or with FOLDED of those that are all green (GREEN) or those that are not. */
static void right_table(FILE *out, const json_t *facts, enum family family, bool folded, bool green)
{
	size_t count, i;
	const struct promise_info *promises = family_promises(family, &count);
	const json_t *subject;
	right_head(out, family, !folded ? "" : green ? ", all kept" : ", not all kept");
	json_array_foreach(node_get(facts, "subjects"), i, subject)
		if (is_of(subject, family) && (!folded || all_green(subject, promises, count) == green))
			right_row(out, subject, promises, count);
	fputs("</tbody></table></div>\n", out);
}

/* Whole pipelines are many and mostly alike: those that keep everything are folded. */
static void right_family(FILE *out, const json_t *facts, enum family family)
{
	size_t count, i, rows = 0, green = 0;
	const struct promise_info *promises = family_promises(family, &count);
	const json_t *subject;
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		rows += is_of(subject, family);
		green += is_of(subject, family) && all_green(subject, promises, count);
	}
	bool folded = family == FAMILY_PIPELINE && green && green < rows;
	if (rows)
		right_table(out, facts, family, folded, false);
	if (!folded)
		return;
	fill(out,
		"<details class=\"one op\"><summary><h4>$ <b>$ keep everything</b></h4><span class=\"lesson\">every mark is $ $ "
		"or $ $</span></summary>\n<div class=\"body\">\n",
		family_name(family), count_words((double)green).text, standing_looks[STANDING_HOLDS].symbol,
		standing_looks[STANDING_HOLDS].word, standing_looks[STANDING_NOT_OFFERED].symbol,
		standing_looks[STANDING_NOT_OFFERED].word);
	right_table(out, facts, family, true, true);
	fputs("</div></details>\n", out);
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
