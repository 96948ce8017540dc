/* SPDX-License-Identifier: MIT */
/* One part of the page per implementation: promises, verdicts, outcomes, findings, cost. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

static const struct {
	const char *verdict, *symbol;
} verdict_symbols[] = {{"proved", "✓✓"}, {"not-found", "✓"}, {"bug", "✗"}, {"inconclusive", "?"}, {"skipped", "–"}};

static const char *verdict_symbol(const char *verdict)
{
	for (size_t i = 0; i < sizeof verdict_symbols / sizeof *verdict_symbols; i++)
		if (strcmp(verdict_symbols[i].verdict, verdict) == 0)
			return verdict_symbols[i].symbol;
	return "?";
}

static void promises_table(FILE *out, const json_t *subject)
{
	size_t count;
	enum family family = subject_family(node_string(subject, "subject"));
	if (family == FAMILY_COUNT)
		return;
	const struct promise_info *promises = family_promises(family, &count);
	fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Promises\"><table "
	      "class=\"promises\"><caption>Promises</caption><thead><tr><th scope=\"col\">promise</th><th "
	      "scope=\"col\">claim</th>"
	      "<th scope=\"col\">contract</th><th scope=\"col\">shown by</th></tr></thead><tbody>\n",
		out);
	for (size_t i = 0; i < count; i++) {
		enum standing standing = facts_standing(subject, promises[i].name);
		const json_t *contract = node_get(node_get(subject, "contracts"), promises[i].name);
		const char *claim = node_string(contract, "claim");
		if (!*claim)
			claim = node_string(node_get(subject, "claims"), promises[i].name);
		fill(out,
			"<tr><th scope=\"row\">$<small>$</small></th><td>$</td><td class=\"$\"><span class=\"mark\" "
			"aria-hidden=\"true\">$</span> $</td><td>$",
			promises[i].name, promises[i].meaning,
			strcmp(claim, "not_offered") == 0 || !*claim ? "not promised" : claim, standing_looks[standing].css,
			standing_looks[standing].symbol, standing_looks[standing].word, node_string(contract, "by"));
		size_t k;
		const json_t *seen;
		json_array_foreach(node_get(contract, "seen"), k, seen) {
			if (json_is_string(seen))
				fill(out,
					k                              ? ", $"
					: *node_string(contract, "by") ? "<small>also seen by $"
								       : "<small>seen by $",
					json_string_value(seen));
		}
		if (k)
			fputs("</small>", out);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void verdict_row(FILE *out, const json_t *result)
{
	const json_t *as_expected = node_get(result, "as_expected");
	const char *verdict = node_string(result, "verdict"), *host = node_string(result, "host");
	fill(out,
		"<tr$><th scope=\"row\">$</th><td>$</td><td>$$$</td><td class=\"v-$\"><span aria-hidden=\"true\">$</span> "
		"$</td><td>$</td>",
		json_is_false(as_expected) ? " class=broken" : "", node_string(result, "scenario"), node_string(result, "engine"),
		node_string(result, "compiler"), *host ? " on " : "", host, verdict, verdict_symbol(verdict), verdict,
		json_is_true(as_expected)    ? "as expected"
		: json_is_false(as_expected) ? "! not as expected"
					     : "decides nothing");
	fill(out, "<td class=\"n\">$</td><td>$</td></tr>\n", count_words(node_number(result, "executions", 0)).text,
		node_string(result, "evidence"));
}

static void verdicts_table(FILE *out, const json_t *subject)
{
	const json_t *results = node_get(subject, "results"), *result;
	if (json_array_size(results) == 0)
		return;
	fill(out,
		"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Verdicts on $\"><table "
		"class=\"verdicts\"><caption>Verdicts</caption>"
		"<thead><tr><th scope=\"col\">scenario</th><th scope=\"col\">engine</th><th scope=\"col\">compiler</th><th "
		"scope=\"col\">verdict</th>"
		"<th scope=\"col\">contract</th><th scope=\"col\">executions</th><th "
		"scope=\"col\">evidence</th></tr></thead><tbody>\n",
		node_string(subject, "subject"));
	size_t i;
	json_array_foreach(results, i, result)
		verdict_row(out, result);
	fputs("</tbody></table></div>\n", out);
}

/* The length of a bar on a logarithmic scale, so that one in a million can be seen. */
static double bar_length(double count, double whole)
{
	return count > 0 && whole > 0 ? fmin(1, log10(1 + count) / log10(1 + fmax(whole, 1))) : 0;
}

static void outcome_row(FILE *out, const json_t *outcome, double whole)
{
	double count = node_number(outcome, "count", 0);
	const char *grade = node_string(outcome, "grade");
	const char *symbol = strcmp(grade, "forbidden") == 0 ? "✗" : strcmp(grade, "interesting") == 0 ? "◆" : "✓";
	fill(out, "<tr class=\"$\"><th scope=\"row\"><code>$</code></th><td><span aria-hidden=\"true\">$</span> $</td>", grade,
		node_string(outcome, "label"), symbol, grade);
	fprintf(out, "<td class=\"n\"><span class=\"bar\" style=\"--part:%.3f\"></span>", bar_length(count, whole));
	fill(out, "$<small>$</small></td><td>$</td></tr>\n", count_words(count).text, share_words(count, whole).text,
		node_string(outcome, "why"));
}

/* What could have been seen and was not, in one row. */
static void unseen_row(FILE *out, const json_t *outcomes)
{
	size_t i, unseen = 0;
	const json_t *outcome;
	json_array_foreach(outcomes, i, outcome) {
		if (node_number(outcome, "count", 0) > 0)
			continue;
		fill(out,
			unseen++ ? " · <span title=\"$: $\">$</span>"
				 : "<tr class=\"unseen\"><td colspan=\"4\">Not seen: <span title=\"$: $\">$</span>",
			node_string(outcome, "grade"), node_string(outcome, "why"), node_string(outcome, "label"));
	}
	if (unseen)
		fputs("</td></tr>\n", out);
}

/* One histogram per result that sampled: a forced order has a single outcome, which its verdict tells. */
static void outcomes_of(FILE *out, const json_t *result)
{
	const json_t *outcomes = node_get(result, "outcomes"), *outcome;
	double whole = 0;
	size_t i;
	json_array_foreach(outcomes, i, outcome)
		whole += node_number(outcome, "count", 0);
	if (json_array_size(outcomes) == 0 || whole < 2)
		return;
	fill(out,
		"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Outcomes of $\"><table "
		"class=\"outcomes\"><caption>Outcomes of "
		"<b>$</b> under $, $: $ executions</caption><thead><tr><th scope=\"col\">outcome</th><th scope=\"col\">grade</th>"
		"<th scope=\"col\">seen <small>(bars are logarithmic)</small></th><th scope=\"col\">what it "
		"means</th></tr></thead><tbody>\n",
		node_string(result, "scenario"), node_string(result, "scenario"), node_string(result, "engine"),
		node_string(result, "compiler"), count_words(node_number(result, "executions", whole)).text);
	json_array_foreach(outcomes, i, outcome) {
		if (node_number(outcome, "count", 0) > 0)
			outcome_row(out, outcome, whole);
	}
	unseen_row(out, outcomes);
	fputs("</tbody></table></div>\n", out);
}

/* What makes two findings the same one: its kind and the places. Several scenarios and engines often meet one race. */
static json_t *finding_key(const json_t *finding)
{
	json_t *places = node_must(json_array());
	size_t i;
	const json_t *place;
	json_array_foreach(node_get(finding, "locations"), i, place)
		node_append(places, json_sprintf("%s:%.0f", node_string(place, "file"), node_number(place, "line", 0)));
	/* Without places, the message tells findings apart, less its count: "… (3 of 2000 executions)". */
	const char *message = node_string(finding, "message"), *bracket = strrchr(message, '(');
	size_t length =
		bracket && bracket > message && strstr(bracket, " executions)") ? (size_t)(bracket - message) : strlen(message);
	while (length && message[length - 1] == ' ')
		length--;
	char *text = json_array_size(places) ? json_dumps(places, JSON_COMPACT) : strndup(message, length);
	json_t *key = node_must(json_sprintf("%s %s", node_string(finding, "kind"), text ? text : ""));
	free(text);
	json_decref(places);
	return key;
}

static void findings(FILE *out, const json_t *subject, const json_t *facts)
{
	json_t *unique = node_must(json_object()); /* key -> {finding, seen[]} */
	size_t i, k;
	json_t *result, *finding;
	json_array_foreach(node_get(subject, "results"), i, result) {
		json_array_foreach(node_get(result, "findings"), k, finding) {
			json_t *key = finding_key(finding), *entry = json_object_get(unique, json_string_value(key));
			if (!entry) {
				entry = node_must(json_pack("{s:O, s:[]}", "finding", finding, "seen"));
				node_set(unique, json_string_value(key), entry);
			}
			/* Of several engines' words for one finding, those that can show it. */
			if (json_array_size(node_get(finding, "interleaving")) &&
				json_array_size(node_get(node_get(entry, "finding"), "interleaving")) == 0)
				node_set(entry, "finding", json_incref(finding));
			json_t *seen = node_must(json_sprintf("%s %s (%s)", node_string(result, "engine"),
				node_string(result, "scenario"), node_string(result, "compiler")));
			if (!list_has(node_get(entry, "seen"), json_string_value(seen)))
				node_append(json_object_get(entry, "seen"), json_incref(seen));
			json_decref(seen);
			json_decref(key);
		}
	}
	if (json_object_size(unique))
		fputs("<h4>Findings</h4>\n", out);
	const char *key;
	json_t *entry;
	/* First those with places in the source: they are what can be read. */
	for (int placed = 1; placed >= 0; placed--) {
		json_object_foreach(unique, key, entry) {
			finding = json_object_get(entry, "finding");
			if ((json_array_size(node_get(finding, "locations")) > 0) == (placed == 1))
				html_finding(out, finding, node_get(entry, "seen"), facts);
		}
	}
	json_decref(unique);
}

static void costs_table(FILE *out, const json_t *subject, const json_t *facts)
{
	const json_t *costs = node_get(subject, "costs"), *row;
	if (json_array_size(costs) == 0)
		return;
	fill(out,
		"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Cost of $\"><table "
		"class=\"costs\"><caption>Cost</caption>"
		"<thead><tr><th scope=\"col\">operation</th><th scope=\"col\">threads</th><th scope=\"col\">median</th>"
		"<th scope=\"col\">times the floor</th><th scope=\"col\">interval</th></tr></thead><tbody>\n",
		node_string(subject, "subject"));
	size_t i;
	json_array_foreach(costs, i, row) {
		double ratio = node_number(row, "ratio", 0), low = node_number(row, "low", 0);
		const char *host = facts_machine_label(facts, node_string(row, "host"));
		fill(out,
			"<tr><th scope=\"row\">$$$</th><td class=\"n\">$$</td><td class=\"n\">$</td><td class=\"n\">$</td><td "
			"class=\"n\">",
			node_string(row, "operation"), *host ? " on " : "", host,
			count_words(node_number(row, "threads", 0)).text,
			json_is_true(node_get(row, "oversubscribed")) ? " *" : "",
			node_get(row, "ns") ? time_words(node_number(row, "ns", 0)).text : "–",
			ratio > 0 ? ratio_words(ratio).text : "–");
		if (low > 0)
			fill(out, "$", interval_words(low, node_number(row, "high", 0), true).text);
		else if (facts_ranged(row))
			fill(out, "$", interval_words(node_number(row, "least", 0), node_number(row, "most", 0), true).text);
		if (*node_string(row, "broken"))
			fill(out, "<small class=\"refuted\">! $</small>", node_string(row, "broken"));
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
	html_chart(out, "scaling", node_string(subject, "subject"), "Time per operation by threads; dashed: the floor");
}

/* "5 hold, 1 broken as stated": the summary line of an implementation. */
static void standings(FILE *out, const json_t *subject)
{
	size_t counts[STANDING_NOT_OFFERED + 1] = {0}, count;
	enum family family = subject_family(node_string(subject, "subject"));
	if (family == FAMILY_COUNT)
		return;
	const struct promise_info *promises = family_promises(family, &count);
	for (size_t i = 0; i < count; i++)
		counts[facts_standing(subject, promises[i].name)]++;
	fputs("<span class=\"standings\">", out);
	static const enum standing order[] = {
		STANDING_BROKEN, STANDING_AS_STATED, STANDING_SEEN, STANDING_HOLDS, STANDING_UNSHOWN};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (counts[order[i]])
			fill(out,
				"<span class=\"$\"><span class=\"mark\" aria-hidden=\"true\">$</span> $ <span "
				"class=\"aside\">$</span></span> ",
				standing_looks[order[i]].css, standing_looks[order[i]].symbol,
				count_words((double)counts[order[i]]).text, standing_looks[order[i]].word);
	fputs("</span>", out);
}

static bool has_broken(const json_t *subject)
{
	const char *promise;
	json_t *contract;
	json_object_foreach(node_get(subject, "contracts"), promise, contract) {
		if (facts_standing(subject, promise) == STANDING_BROKEN)
			return true;
	}
	size_t i;
	const json_t *result;
	json_array_foreach(node_get(subject, "results"), i, result) {
		if (json_is_false(node_get(result, "as_expected")))
			return true;
	}
	const json_t *row;
	json_array_foreach(node_get(subject, "costs"), i, row) {
		if (*node_string(row, "broken"))
			return true;
	}
	return false;
}

static void one_subject(FILE *out, const json_t *subject, const json_t *facts)
{
	const char *name = node_string(subject, "subject"), *lesson = node_string(subject, "lesson"),
		   *file = node_string(subject, "file");
	/* What is broken stands open, and so does the bug that each family begins with. */
	bool open = has_broken(subject) || strcmp(node_string(subject, "name"), "naive") == 0;
	/* The target of links is inside, so that following one opens the part even without the page's script. */
	fill(out, "<details class=\"one\" data-filter=\"$\"$><summary><h3>$</h3>", name, open ? " open" : "", name);
	standings(out, subject);
	if (*lesson)
		fill(out, "<span class=\"lesson\">$</span>", lesson);
	fill(out, "</summary>\n<div class=\"body\" id=\"$\" tabindex=\"-1\">\n", anchor_words(name).text);
	if (*file)
		fill(out, "<p class=\"file\"><code>$</code></p>\n", file);
	fputs("<div class=\"pair\"><div>\n", out);
	promises_table(out, subject);
	fputs("</div><div>\n", out);
	costs_table(out, subject, facts);
	fputs("</div></div>\n", out);
	findings(out, subject, facts);
	size_t i;
	const json_t *result;
	json_array_foreach(node_get(subject, "results"), i, result)
		outcomes_of(out, result);
	verdicts_table(out, subject);
	fputs("</div></details>\n", out);
}

void html_subjects(FILE *out, const json_t *facts)
{
	fputs("<section id=\"implementations\" aria-labelledby=\"each-title\">\n<h2 id=\"each-title\">Each implementation</h2>\n",
		out);
	size_t i;
	const json_t *subject;
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		if (json_array_size(node_get(subject, "results")) || json_object_size(node_get(subject, "contracts")) ||
			json_array_size(node_get(subject, "costs")))
			one_subject(out, subject, facts);
	}
	fputs("</section>\n", out);
}
