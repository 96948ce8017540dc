/* SPDX-License-Identifier: MIT */
/* How long single operations take at worst: one plot and one table for each operation and number of threads. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

static bool same_group(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {"family", "operation", "host"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(node_string(a, keys[i]), node_string(b, keys[i])) != 0)
			return false;
	return json_equal(node_get(a, "threads"), node_get(b, "threads"));
}

static bool first_of_group(const json_t *list, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (same_group(json_array_get(list, i), json_array_get(list, at)))
			return false;
	return true;
}

static void percentile_cells(FILE *out, const json_t *one)
{
	static const char *const points[] = {"p50", "p99", "p999", "max"};
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		double ns = node_number(one, points[i], -1);
		fill(out, "<td class=\"n\">$</td>", ns >= 0 ? time_words(ns).text : "–");
	}
}

static int by_worst(const void *a, const void *b)
{
	static const char *const points[] = {"p99", "p50", "max"};
	for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
		double left = node_number(*(const json_t *const *)a, points[i], 0),
		       right = node_number(*(const json_t *const *)b, points[i], 0);
		if (left < right || left > right)
			return left < right ? -1 : 1;
	}
	return 0;
}

static void group(FILE *out, const json_t *facts, const json_t *list, const json_t *first, bool open)
{
	const char *family = node_string(first, "family"), *operation = node_string(first, "operation"),
		   *host = node_string(first, "host"), *label = facts_machine_label(facts, host);
	double threads = node_number(first, "threads", 1);
	size_t i, count = 0;
	const json_t *one, **sorted = malloc(json_array_size(list) * sizeof *sorted);
	if (!sorted)
		node_must(NULL);
	json_array_foreach(list, i, one)
		if (same_group(one, first))
			sorted[count++] = one;
	qsort(sorted, count, sizeof *sorted, by_worst);
	json_t *title = node_must(json_sprintf("%s %s, %s thread%s%s%s", family, operation, count_words(threads).text,
		threads == 1 ? "" : "s", *label ? ", machine " : "", label));
	const char *name = json_string_value(title);
	fill(out, "<details class=\"one op\"$><summary><h4>$ <b>$</b>, $ thread$$$</h4><span class=\"lesson\">p99: $ $",
		open ? " open" : "", family, operation, count_words(threads).text, threads == 1 ? "" : "s",
		*label ? ", machine " : "", label, html_plain_name(node_string(sorted[0], "subject")),
		time_words(node_number(sorted[0], "p99", 0)).text);
	if (count > 1)
		fill(out, " … $ $", html_plain_name(node_string(sorted[count - 1], "subject")),
			time_words(node_number(sorted[count - 1], "p99", 0)).text);
	fputs("</span></summary>\n<div class=\"body\">\n", out);
	fill(out,
		"<div class=\"side\"><div class=\"scroll\" role=\"region\" aria-label=\"$: percentiles\" tabindex=\"0\"><table "
		"class=\"latency\"><caption>$</caption><thead><tr><th scope=\"col\">implementation</th><th scope=\"col\" "
		"class=\"n\">operations</th><th scope=\"col\" class=\"n\">p50</th><th scope=\"col\" class=\"n\">p99</th><th "
		"scope=\"col\" class=\"n\">p99.9</th><th scope=\"col\" class=\"n\">max</th></tr></thead><tbody>\n",
		name, name);
	for (i = 0; i < count; i++) {
		fill(out, "<tr data-filter=\"$\">", node_string(sorted[i], "subject"));
		html_row_head(out, facts, node_string(sorted[i], "subject"), host, false);
		fill(out, "<td class=\"n\">$</td>", count_words(node_number(sorted[i], "count", 0)).text);
		percentile_cells(out, sorted[i]);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
	json_t *key = node_must(json_pack("[s, s, s, O]", family, operation, host, node_get(first, "threads")));
	char *text = json_dumps(key, JSON_COMPACT | JSON_ENSURE_ASCII);
	html_chart(out, "latency", text ? text : "", name);
	fputs("</div></div></details>\n", out);
	free(text);
	json_decref(key);
	json_decref(title);
	free(sorted);
}

void html_latency(FILE *out, const json_t *facts)
{
	const json_t *list = node_get(facts, "distributions");
	if (json_array_size(list) == 0)
		return;
	fputs("<h3 id=\"latency\">How long at worst?</h3>\n<p>Single operations, each timed by itself. Read: of 1,000 "
	      "operations, "
	      "999 took no longer than p99.9. Sorted by p99.</p>\n",
		out);
	bool open = true;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!first_of_group(list, i))
			continue;
		group(out, facts, list, json_array_get(list, i), open);
		open = false;
	}
}
