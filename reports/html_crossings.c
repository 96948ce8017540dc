/* SPDX-License-Identifier: MIT */
/* Does the choice matter? What each adds to a batch, against the cost of an item; and how long first use takes all workers. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

static bool is_word(const json_t *object, const char *key, const char *word)
{
	return strcmp(node_string(object, key), word) == 0;
}

/* "5 %" */
static struct words percent(double share)
{
	struct words words;
	snprintf(words.text, sizeof words.text, "%.3g %%", 100 * share);
	return words;
}

static void chart(FILE *out, const char *kind, const json_t *machine, const char *title)
{
	const char *label = node_string(machine, "label");
	json_t *text = node_must(json_sprintf("%s%s%s", title, *label ? ", machine " : "", label));
	html_chart(out, kind, node_string(machine, "key"), json_string_value(text));
	json_decref(text);
}

/* From which item cost on the choice adds less than the limit. */
static void crossing_cells(FILE *out, const json_t *choice)
{
	double low = node_number(choice, "low", 0), high = node_number(choice, "high", 0), at = node_number(choice, "item_ns", 0);
	if (is_word(choice, "found", "below"))
		fputs("<td class=\"n\"><b>never</b></td><td class=\"n\"></td>", out);
	else if (is_word(choice, "found", "above"))
		fputs("<td class=\"n\"><b>always</b></td><td class=\"n\"></td>", out);
	else if (at > 0)
		fill(out, "<td class=\"n\">$<b>$</b></td><td class=\"n\">$ to $$</td>",
			is_word(choice, "found", "open") ? "perhaps " : "", time_words(at).text, time_words(low).text,
			time_words(high).text, is_word(choice, "found", "open") ? "; time ran out" : "");
	else
		fputs("<td class=\"n none\">not known</td><td class=\"n\"></td>", out);
}

/* The point whose items come nearest to a microsecond. */
static const json_t *near_a_microsecond(const json_t *points)
{
	const json_t *best = NULL, *point;
	size_t i;
	json_array_foreach(points, i, point) {
		double ns = node_number(point, "item_ns", 0), so_far = node_number(best, "item_ns", 0);
		if (ns > 0 && json_is_object(node_get(point, "progress_latency_ns")) &&
			(!best || fabs(log(ns / 1000)) < fabs(log(so_far / 1000))))
			best = point;
	}
	return best;
}

static void choice_row(FILE *out, const json_t *choice)
{
	const json_t *point = near_a_microsecond(node_get(choice, "points")), *age = node_get(point, "progress_latency_ns");
	fill(out, "<tr data-filter=\"$\"><th scope=\"row\">", node_string(choice, "choice"));
	html_breakable(out, node_string(choice, "choice"));
	if (*node_string(choice, "broken"))
		fill(out, "<small class=\"lost\">$</small>", node_string(choice, "broken"));
	fill(out, "</th><td class=\"n\">$</td>", count_words(node_number(choice, "threads", 1)).text);
	crossing_cells(out, choice);
	if (age)
		fill(out, "<td class=\"n\">$<small>$ at p99</small></td>", time_words(node_number(age, "p50", 0)).text,
			time_words(node_number(age, "p99", 0)).text);
	else
		fputs("<td class=\"n none\">–</td>", out);
	fputs("</tr>\n", out);
}

static void missing(FILE *out, const json_t *study, const char *key)
{
	size_t i;
	const json_t *one;
	json_array_foreach(node_get(study, "missing"), i, one)
		fill(out, "<p class=\"note\">Not measured: $: $.</p>\n", node_string(one, key), node_string(one, "why"));
	if (json_is_true(node_get(study, "partial")))
		fputs("<p class=\"note\">The time ended before all of it was known as closely as it could be.</p>\n", out);
}

/* The item cost from which on no choice adds more than the limit; 0: not for all of them. */
static double all_below(const json_t *choices)
{
	double most = 0;
	size_t i;
	const json_t *choice;
	json_array_foreach(choices, i, choice) {
		if (is_word(choice, "found", "above") || is_word(choice, "found", "open") || !node_get(choice, "found"))
			return 0;
		if (!is_word(choice, "found", "below"))
			most = fmax(most, node_number(choice, "high", 0));
	}
	return most;
}

static void crossings(FILE *out, const json_t *machine)
{
	const json_t *study = node_get(node_get(machine, "studies"), "crossings"), *choices = node_get(study, "choices"), *choice;
	const char *label = node_string(machine, "label");
	size_t i;
	if (json_array_size(choices) == 0)
		return;
	double limit = node_number(study, "limit", 0.05), from = all_below(choices);
	fill(out,
		"<h3 class=\"matters\">Does the choice matter$$?</h3>\n<p>What each choice adds to the wall time of a batch, "
		"against $.",
		*label ? " on machine " : "", label, *node_string(study, "against") ? node_string(study, "against") : "none");
	if (from > 0)
		fill(out, " <b>From items of $ on, none of these adds more than $.</b>", time_words(from).text,
			percent(limit).text);
	fputs("</p>\n<div class=\"side\"><div class=\"scroll\" role=\"region\" aria-label=\"Crossings\" tabindex=\"0\"><table "
	      "class=\"crossings\"><caption class=\"aside\">Up to which item cost the choice matters</caption><thead><tr><th "
	      "scope=\"col\">initialiser + counter + progress</th><th scope=\"col\" class=\"n\">workers</th>",
		out);
	fill(out,
		"<th scope=\"col\" class=\"n\">adds more than $ to items below</th><th scope=\"col\" class=\"n\">surely "
		"between</th><th "
		"scope=\"col\" class=\"n\">news is late by, items of about 1 µs</th></tr></thead><tbody>\n",
		percent(limit).text);
	json_array_foreach(choices, i, choice)
		choice_row(out, choice);
	fputs("</tbody></table></div>\n", out);
	chart(out, "crossings", machine, "What a choice adds, by item cost");
	fputs("</div>\n", out);
	missing(out, study, "choice");
}

/* First use ------------------------------------------------------------------------------------------------------------------------------- */

/* The load times that any of CHOICES was measured with, ascending. New reference. */
static json_t *load_times(const json_t *choices)
{
	json_t *loads = node_must(json_array());
	size_t i, k, at;
	const json_t *choice, *point;
	json_array_foreach(choices, i, choice)
		json_array_foreach(node_get(choice, "points"), k, point) {
			double ns = node_number(point, "load_ns", 0);
			for (at = 0; at < json_array_size(loads) && json_real_value(json_array_get(loads, at)) < ns;)
				at++;
			if (ns > 0 && (at == json_array_size(loads) || json_real_value(json_array_get(loads, at)) > ns))
				json_array_insert_new(loads, at, node_must(json_real(ns)));
		}
	return loads;
}

static void first_use_cell(FILE *out, const json_t *choice, double load_ns)
{
	const json_t *found = NULL, *point;
	size_t i;
	json_array_foreach(node_get(choice, "points"), i, point)
		if (node_number(point, "load_ns", 0) == load_ns)
			found = point;
	if (!found) {
		fputs("<td class=\"n none\"><span aria-hidden=\"true\">–</span><span class=\"aside\">not measured</span></td>",
			out);
		return;
	}
	double ratio = node_number(found, "ratio", 0), extra = node_number(found, "extra_loads", 0);
	char number[32];
	snprintf(number, sizeof number, "%.2g", extra);
	fill(out, "<td class=\"n\">$", time_words(node_number(found, "all_have_ns", 0)).text);
	if (ratio > 0)
		fill(out, "<small>$ the load</small>", ratio_words(ratio).text);
	if (extra > 0)
		fill(out, "<small class=\"lost\">$ extra load$</small>", number, extra == 1 ? "" : "s");
	fputs("</td>", out);
}

static void first_use_table(FILE *out, const json_t *choices, const json_t *loads)
{
	size_t i, k;
	const json_t *choice, *load;
	fputs("<div class=\"scroll\" role=\"region\" aria-label=\"First use\" tabindex=\"0\"><table class=\"crossings\"><caption "
	      "class=\"aside\">Until all workers run</caption><thead><tr><th scope=\"col\">initialiser</th>",
		out);
	json_array_foreach(loads, k, load)
		fill(out, "<th scope=\"col\" class=\"n\">load of $</th>", time_words(json_real_value(load)).text);
	fputs("</tr></thead><tbody>\n", out);
	json_array_foreach(choices, i, choice) {
		const char *name = node_string(choice, "initialiser");
		if (json_array_size(node_get(choice, "points")) == 0)
			continue;
		fill(out, "<tr data-filter=\"$\"><th scope=\"row\">$</th>", name,
			strncmp(name, "peer_", 5) == 0 ? name + 5 : name);
		json_array_foreach(loads, k, load)
			first_use_cell(out, choice, json_real_value(load));
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void first_use(FILE *out, const json_t *machine)
{
	const json_t *study = node_get(node_get(machine, "studies"), "first_use"), *choices = node_get(study, "choices");
	const char *label = node_string(machine, "label");
	json_t *loads = load_times(choices);
	if (json_array_size(loads)) {
		fill(out,
			"<h3 class=\"matters\">First use$$</h3>\n<p>$ workers ask for the model at once: until all of them run, "
			"by how "
			"long the model loads.</p>\n<div class=\"side\">",
			*label ? " on machine " : "", label, count_words(node_number(study, "workers", 0)).text);
		first_use_table(out, choices, loads);
		chart(out, "first_use", machine, "Until all workers run, by load time");
		fputs("</div>\n", out);
		missing(out, study, "initialiser");
	}
	json_decref(loads);
}

void html_crossings(FILE *out, const json_t *facts)
{
	size_t i;
	const json_t *machine;
	json_array_foreach(node_get(facts, "machines"), i, machine)
		crossings(out, machine);
	json_array_foreach(node_get(facts, "machines"), i, machine)
		first_use(out, machine);
}
