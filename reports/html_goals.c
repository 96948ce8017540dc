/* SPDX-License-Identifier: MIT */
/* What the project set out to reach, and what it reached here. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "facts_parts.h"
#include "html_parts.h"
#include "markup.h"
#include "node.h"

json_t *facts_goals(const json_t *report)
{
	json_t *goals = node_must(json_array());
	size_t i;
	json_t *goal;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "goals"), i, goal)
		if (*node_string(goal, "name") || *node_string(goal, "what"))
			node_append(goals, json_incref(goal));
	return goals;
}

static struct words number_text(const json_t *goal, const char *key)
{
	struct words words = {""};
	if (json_is_number(node_get(goal, key)))
		snprintf(words.text, sizeof words.text, "%.3g", node_number(goal, key, 0));
	return words;
}

/* -1: not measured, 0: falls short, 1: met. */
static int outcome(const json_t *goal)
{
	const json_t *met = node_get(goal, "met");
	return json_is_boolean(met) ? json_is_true(met) : -1;
}

/* What was divided by what, the rows of the price list. */
static void quotient(FILE *out, const json_t *goal)
{
	const json_t *rows = node_get(goal, "rows"), *row;
	size_t i;
	json_array_foreach(rows, i, row)
		if (json_is_string(row))
			fill(out, i ? " over $" : "<small>$", json_string_value(row));
	if (i)
		fputs("</small>", out);
}

static void goal_row(FILE *out, const json_t *facts, const json_t *goal)
{
	/* Of an interval that reaches across the limit, another run may say otherwise. */
	bool unsure = json_is_false(node_get(goal, "sure"));
	static const char *const words[] = {"not measured", "falls short", "met"}, *const marks[] = {"–", "✗", "✓"},
				 *const css[] = {"none", "stated", "holds"};
	int met = outcome(goal) + 1;
	bool gate = strcmp(node_string(goal, "kind"), "gate") == 0;
	const char *label = facts_machine_label(facts, node_string(goal, "host")), *what = node_string(goal, "what");
	if (gate && met == 1)
		fputs("<tr class=\"gate\">", out);
	else
		fputs("<tr>", out);
	fill(out, "<th scope=\"row\">$$$<small>$$</small></th><td class=\"n\">$", *what ? what : node_string(goal, "name"),
		*label ? " on " : "", label, node_string(goal, "subject"), gate ? "; must hold everywhere" : "",
		*number_text(goal, "value").text ? number_text(goal, "value").text : "–");
	if (node_number(goal, "high", 0) > 0)
		fill(out, "<small class=\"ci\">$–$</small>", number_text(goal, "low").text, number_text(goal, "high").text);
	fill(out,
		"</td><td class=\"n\">$ $</td><td><span class=\"verdict $\"><span class=\"mark\" aria-hidden=\"true\">$</span> "
		"$$</span></td><td class=\"soft\">$",
		strcmp(node_string(goal, "better"), "more") == 0 ? "≥" : "≤", number_text(goal, "limit").text, css[met],
		marks[met], words[met], unsure && met ? ", not surely" : "", node_string(goal, "why"));
	quotient(out, goal);
	fputs("</td></tr>\n", out);
}

void html_goals(FILE *out, const json_t *facts)
{
	const json_t *goals = node_get(facts, "goals"), *goal;
	size_t i, met = 0, judged = 0, gates = 0, gates_met = 0;
	if (json_array_size(goals) == 0)
		return;
	json_array_foreach(goals, i, goal) {
		bool gate = strcmp(node_string(goal, "kind"), "gate") == 0;
		judged += outcome(goal) >= 0;
		met += outcome(goal) == 1;
		gates += gate && outcome(goal) >= 0;
		gates_met += gate && outcome(goal) == 1;
	}
	fprintf(out,
		"<details class=\"one op\" id=\"goals\"%s><summary><h4>Goals <b>%zu of %zu met</b></h4><span "
		"class=\"lesson\">%zu of "
		"%zu that must hold on any machine</span></summary>\n<div class=\"body\">",
		gates_met < gates ? " open" : "", met, judged, gates_met, gates);
	fputs("<div class=\"scroll\" role=\"region\" aria-label=\"Goals\" tabindex=\"0\"><table class=\"goals\"><caption>What "
	      "this was to "
	      "reach, and what it reached here</caption><thead><tr><th scope=\"col\">goal</th><th scope=\"col\" "
	      "class=\"n\">measured</th><th scope=\"col\" class=\"n\">limit</th><th scope=\"col\">result</th><th "
	      "scope=\"col\">of what, and why</th></tr></thead><tbody>\n",
		out);
	for (int wanted = 0; wanted < 3; wanted++)
		json_array_foreach(goals, i, goal)
			if ((outcome(goal) == 0 ? 0 : outcome(goal) == 1 ? 1 : 2) == wanted)
				goal_row(out, facts, goal);
	fputs("</tbody></table></div></div></details>\n", out);
}
