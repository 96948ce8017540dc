/* SPDX-License-Identifier: MIT */
/* The price list in short: what the bug costs, what a right one costs, and what people take instead, as bars on one scale; and why. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

/* What is drawn: lines of facts, and the ends of the bars' scale in ns. */
struct scale {
	double least, most;
};

static struct scale scale_of(const json_t *lines)
{
	struct scale scale = {INFINITY, 0};
	size_t i;
	const json_t *line;
	json_array_foreach(lines, i, line) {
		const json_t *cost = node_get(line, "cost");
		double ns = node_number(cost, "ns", 0);
		scale.least = fmin(scale.least, fmin(ns, node_number(cost, "low", ns)));
		scale.most = fmax(scale.most, fmax(ns, node_number(cost, "high", ns)));
	}
	return scale;
}

static double place(const struct scale *scale, double ns)
{
	/* A tenth of the scale lies before the cheapest, so that its bar can be seen. */
	double span = log(fmax(scale->most / scale->least, 1.5)), part = log(ns / scale->least) / span;
	return isfinite(part) ? 0.1 + 0.9 * fmin(1, fmax(0, part)) : 1;
}

static void bar(FILE *out, const json_t *facts, const struct scale *scale, const json_t *line)
{
	static const char *const kinds[][3] = {{"wrong", "stated", "✗"}, {"right", "holds", "✓"}, {"peer", "peer", "·"}};
	const json_t *cost = node_get(line, "cost"),
		     *peer = facts_peer(facts, node_string(cost, "subject"), node_string(cost, "host"));
	double ns = node_number(cost, "ns", 0), low = node_number(cost, "low", ns), high = node_number(cost, "high", ns);
	size_t kind = 0;
	while (kind < 2 && strcmp(node_string(line, "kind"), kinds[kind][0]) != 0)
		kind++;
	fill(out, "<tr class=\"s-$\"><th scope=\"row\"><span class=\"mark\" aria-hidden=\"true\">$</span> ", kinds[kind][1],
		kinds[kind][2]);
	html_breakable(out, html_plain_name(node_string(cost, "subject")));
	fill(out, "<small>$$$</small></th>", node_string(line, "word"), *node_string(peer, "version") ? ": " : "",
		node_string(peer, "version"));
	fprintf(out, "<td class=\"track\"><span class=\"bar\" style=\"--part:%.4f\"></span>", place(scale, ns));
	if (node_get(cost, "low"))
		fprintf(out, "<span class=\"whisker\" style=\"--from:%.4f;--to:%.4f\"></span>", place(scale, low),
			place(scale, high));
	fputs("</td>", out);
	fill(out, "<td class=\"n\"><b>$</b>", time_words(ns).text);
	if (node_get(cost, "low"))
		fill(out, "<small class=\"ci\">$</small>", interval_words(low, high, false).text);
	double lost = node_number(cost, "lost", 0);
	if (lost > 0)
		fill(out, "<small class=\"lost\">loses $</small>", share_words(fmin(lost, 1), 1).text);
	fputs("</td></tr>\n", out);
}

static void block(FILE *out, const json_t *facts, const json_t *list)
{
	const char *label = node_string(list, "label"), *verdict = node_string(list, "verdict");
	double threads = node_number(list, "threads", 1);
	const json_t *lines = node_get(list, "lines"), *line;
	struct scale scale = scale_of(lines);
	fill(out, "<table class=\"short\"><caption>$, $ thread$$$", node_string(list, "what"),
		number_words((uint64_t)threads).text, threads == 1 ? "" : "s", *label ? ", machine " : "", label);
	if (*verdict)
		fill(out, strstr(verdict, "as much as wrong") ? ": $" : ": <b>$</b>", verdict);
	fputs("</caption>\n<thead class=\"aside\"><tr><th scope=\"col\">implementation</th><th scope=\"col\">logarithmic "
	      "scale</th><th "
	      "scope=\"col\">time</th></tr></thead><tbody>\n",
		out);
	size_t i;
	json_array_foreach(lines, i, line)
		bar(out, facts, &scale, line);
	fputs("</tbody></table>\n", out);
}

void html_short(FILE *out, const json_t *facts)
{
	size_t i;
	const json_t *list;
	fputs("<div class=\"shorts\">\n", out);
	json_array_foreach(node_get(facts, "shorts"), i, list)
		block(out, facts, list);
	fputs("</div>\n", out);
}

void html_why(FILE *out, const json_t *facts)
{
	const json_t *why = node_get(facts, "why"), *point, *sentence;
	const char *label = node_string(why, "label");
	size_t i, k;
	if (json_array_size(node_get(why, "points")) == 0)
		return;
	fill(out, "<h3 id=\"why\">$$$</h3>\n<div class=\"why\">\n", node_string(why, "title"), *label ? ", on machine " : "",
		label);
	json_array_foreach(node_get(why, "points"), i, point) {
		fill(out, "<p><b>$</b>", node_string(point, "lead"));
		json_array_foreach(node_get(point, "sentences"), k, sentence)
			fill(out, " $", json_string_value(sentence));
		fputs("</p>\n", out);
	}
	fputs("</div>\n", out);
}
