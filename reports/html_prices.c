/* SPDX-License-Identifier: MIT */
/* The price list: a table for each operation, implementations by price. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"
#include "prices.h"

const char *html_plain_name(const char *subject)
{
	const char *slash = strchr(subject, '/'), *name = slash ? slash + 1 : subject;
	return strncmp(name, "peer_", 5) == 0 ? name + 5 : name;
}

void html_row_head(FILE *out, const json_t *facts, const char *name, const char *host, bool machine)
{
	const json_t *subject = facts_subject(facts, name), *peer = facts_peer(facts, name, host);
	const char *label = facts_machine_label(facts, host);
	bool is_peer = strcmp(html_plain_name(name), strchr(name, '/') ? strchr(name, '/') + 1 : name) != 0;
	fputs("<th scope=\"row\">", out);
	if (subject && !is_peer)
		html_link(out, subject);
	else
		html_breakable(out, html_plain_name(name));
	if (subject && facts_wrong(subject))
		fputs(" <span class=\"wrong\" title=\"breaks an essential promise\"><span aria-hidden=\"true\">✗</span>"
		      "<span class=\"aside\">breaks an essential promise</span></span>",
			out);
	if (machine && *label)
		fill(out, " <small class=\"on\">on $</small>", label);
	if (is_peer || *node_string(peer, "version"))
		fill(out, "<small>$$$</small>", is_peer ? "peer" : "", is_peer && *node_string(peer, "version") ? ": " : "",
			node_string(peer, "version"));
	fputs("</th>", out);
}

/* "0.33 ns in 6 of 10 processes, 2.40 ns in 4" */
static void modes(FILE *out, const json_t *row)
{
	const json_t *list = node_get(row, "modes"), *mode;
	double processes = node_number(row, "processes", 0);
	size_t i;
	json_array_foreach(list, i, mode) {
		double count = round(node_number(mode, "share", 0) * processes);
		fill(out, i ? ", $ in $" : "<small class=\"modes\">two modes: $ in $",
			time_words(node_number(mode, "ns", 0)).text, count_words(count).text);
		if (i == 0)
			fill(out, " of $", count_words(processes).text);
	}
	if (i)
		fputs("</small>", out);
}

/* What makes a number other than a plain price. */
static void marks(FILE *out, const json_t *row)
{
	static const char *const shares[][2] = {{"lost", "loses"}, {"extra_loads", "extra loads"}, {"backwards", "backwards"}};
	if (*node_string(row, "broken"))
		fill(out, "<small class=\"refuted\" title=\"$\"><span aria-hidden=\"true\">!</span> contract broken</small>",
			node_string(row, "broken"));
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		double share = node_number(row, shares[i][0], 0);
		if (share > 0)
			fill(out, "<small class=\"lost\">$ $</small>", shares[i][1], share_words(fmin(share, 1), 1).text);
	}
	if (node_get(row, "implausible"))
		fill(out, "<small class=\"doubt\" title=\"$\">cannot be true</small>", node_string(row, "implausible"));
	if (json_is_true(node_get(row, "disturbed")))
		fputs("<small class=\"doubt\" title=\"other programs had the CPU in most windows\">disturbed</small>", out);
	if (json_is_true(node_get(row, "unpinned")))
		fputs("<small class=\"doubt\" title=\"threads could not be kept on their CPUs\">not pinned</small>", out);
	modes(out, row);
}

static void no_price(FILE *out, const json_t *row)
{
	const char *why = node_string(row, "skipped");
	fill(out,
		"<td class=\"none\" title=\"$\"><span aria-hidden=\"true\">–</span><span class=\"aside\">not "
		"measured$$</span></td>",
		why, *why ? ": " : "", why);
}

/* A background from calm to warm on a logarithmic scale: 1 x the floor and less is 0, 300 x is 1. */
static void price_cell(FILE *out, const json_t *row)
{
	double ns = node_number(row, "ns", 0), ratio = node_number(row, "ratio", 0);
	if (ns <= 0) {
		no_price(out, row);
		return;
	}
	double heat = ratio > 1 ? fmin(1, log(ratio) / log(300)) : 0, low = node_number(row, "low", 0);
	fprintf(out, "<td class=\"cost%s\" style=\"--heat:%.2f\" data-ns=\"%.6g\">",
		json_is_true(node_get(row, "oversubscribed")) ? " over" : "", heat, ns);
	fill(out, "<b>$</b>", time_words(ns).text);
	if (low > 0)
		fill(out, " <small class=\"ci\">$</small>", interval_words(low, node_number(row, "high", 0), false).text);
	else if (facts_ranged(row))
		fill(out, " <small class=\"ci range\">$</small>",
			interval_words(node_number(row, "least", 0), node_number(row, "most", 0), false).text);
	if (ratio > 0) {
		fill(out, "<small>$", ratio_words(ratio).text);
		if (node_number(row, "ratio_low", 0) > 0)
			fill(out, " <span class=\"ci\">$</span>",
				ratio_interval_words(node_number(row, "ratio_low", 0), node_number(row, "ratio_high", 0)).text);
		fputs("</small>", out);
	}
	marks(out, row);
	fputs("</td>", out);
}

/* Operations -------------------------------------------------------------------------------------------------------------------------- */

static void operation_head(FILE *out, const struct operation *operation)
{
	fputs("<thead><tr><th scope=\"col\">implementation</th>", out);
	size_t t;
	const json_t *threads;
	json_array_foreach(operation->threads, t, threads) {
		json_int_t count = json_integer_value(threads);
		bool over = prices_over(operation, count);
		fprintf(out, "<th scope=\"col\" class=\"n%s\"%s>%lld%s%s</th>", over ? " over" : "",
			count == operation->main ? " aria-sort=\"ascending\"" : "", (long long)count,
			count == 1 ? " thread" : " threads",
			over ? "<span aria-hidden=\"true\">*</span><span class=\"aside\">, more than there are cores</span>"
			     : "");
	}
	fputs("</tr></thead>\n<tbody>\n", out);
}

/* The reasons why rows of OPERATION have no numbers, each with the implementations that it holds for. */
static void not_measured(FILE *out, const struct operation *operation)
{
	json_t *reasons = node_must(json_object());
	for (size_t i = 0; i < operation->count; i++) {
		const char *why = node_string(operation->costs[i], "skipped");
		if (!*why)
			continue;
		if (!node_get(reasons, why))
			node_set(reasons, why, json_array());
		const char *name = html_plain_name(node_string(operation->costs[i], "subject"));
		if (!list_has(node_get(reasons, why), name))
			node_append(node_get(reasons, why), node_text(name));
	}
	const char *why;
	json_t *names;
	size_t k;
	const json_t *name;
	json_object_foreach(reasons, why, names) {
		json_array_foreach(names, k, name)
			fill(out, k ? ", $" : "<p class=\"note\">Not measured: $", json_string_value(name));
		fill(out, ": $.</p>\n", why);
	}
	json_decref(reasons);
}

/* "2 threads: tally 0.14 ns … mcs 275 ns", of those that break no essential promise. */
static void operation_range(FILE *out, const json_t *facts, const struct priced *list, size_t count, json_int_t threads)
{
	const struct priced *first = NULL, *last = NULL;
	for (size_t i = 0; i < count; i++) {
		const json_t *subject = facts_subject(facts, node_string(list[i].row, "subject"));
		if ((subject && facts_wrong(subject)) || !isfinite(list[i].ns))
			continue;
		first = first ? first : &list[i];
		last = &list[i];
	}
	if (!first)
		return;
	fill(out, "<span class=\"lesson\">$ thread$: $ $", count_words((double)threads).text, threads == 1 ? "" : "s",
		html_plain_name(node_string(first->row, "subject")), time_words(first->ns).text);
	if (last != first)
		fill(out, " … $ $", html_plain_name(node_string(last->row, "subject")), time_words(last->ns).text);
	fputs("</span>", out);
}

/* Curves over threads: a curve needs three points. */
static void operation_chart(FILE *out, const struct operation *operation)
{
	if (json_array_size(operation->threads) < 3)
		return;
	json_t *key = node_must(json_pack("[s, s, s]", operation->family, operation->name, operation->host));
	char *text = json_dumps(key, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_t *title = node_must(json_sprintf("%s %s over threads%s%s", operation->family, operation->name,
		*operation->label ? ", machine " : "", operation->label));
	html_chart(out, "threads", text ? text : "", json_string_value(title));
	json_decref(title);
	json_decref(key);
	free(text);
}

static const char *label_of(const struct operation *operation)
{
	for (size_t i = 0; i < operation->count; i++)
		if (*node_string(operation->costs[i], "label"))
			return node_string(operation->costs[i], "label");
	return "";
}

static void operation_table(
	FILE *out, const json_t *facts, const struct operation *operation, const struct priced *list, size_t count)
{
	fill(out,
		"<div class=\"scroll\" role=\"region\" aria-label=\"$ $$$: time per operation by threads\" tabindex=\"0\">\n"
		"<table class=\"matrix fast sortable\"><caption$>$ $$$</caption>\n",
		operation->family, operation->name, *operation->label ? ", machine " : "", operation->label,
		*operation->label ? " class=shown" : "", operation->family, operation->name,
		*operation->label ? ", machine " : "", operation->label);
	operation_head(out, operation);
	for (size_t i = 0; i < count; i++) {
		const json_t *row = list[i].row, *threads;
		fill(out, "<tr data-filter=\"$\">", node_string(row, "subject"));
		html_row_head(out, facts, node_string(row, "subject"), operation->host, false);
		size_t t;
		json_array_foreach(operation->threads, t, threads)
			price_cell(out, prices_row(operation, row, json_integer_value(threads)));
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void operation_on(FILE *out, const json_t *facts, const struct operation *operation)
{
	size_t count;
	struct priced *list = prices_sorted(operation, &count);
	if (count)
		operation_table(out, facts, operation, list, count);
	not_measured(out, operation);
	free(list);
}

static void operation_summary(FILE *out, const json_t *facts, const struct operation *operation, bool open)
{
	size_t count;
	struct priced *list = prices_sorted(operation, &count);
	fill(out, "<details class=\"one op\"$><summary><h4>$ <b>$</b></h4>", open ? " open" : "", operation->family,
		operation->name);
	operation_range(out, facts, list, count, operation->main);
	fputs("</summary>\n", out);
	free(list);
}

/* How the operation scales, one panel for each machine, beside one another. */
static void operation_charts(FILE *out, const struct operation *machines, size_t count)
{
	fputs("<div class=\"charts\">\n", out);
	for (size_t i = 0; i < count; i++)
		operation_chart(out, &machines[i]);
	fputs("</div>\n", out);
}

static void operation_body(FILE *out, const json_t *facts, const struct operation *machines, size_t count)
{
	json_t *id = node_must(json_sprintf("price/%s/%s", machines[0].family, machines[0].name));
	const char *label = label_of(&machines[0]), *floor = node_string(machines[0].costs[0], "floor");
	fill(out, "<div class=\"body\" id=\"$\" tabindex=\"-1\">\n", anchor_words(json_string_value(id)).text);
	if (*label || *floor)
		fill(out, "<p class=\"file\">$$$$</p>\n", label, *label && *floor ? "; " : "", *floor ? "floor: " : "", floor);
	operation_charts(out, machines, count);
	for (size_t i = 0; i < count; i++)
		operation_on(out, facts, &machines[i]);
	fputs("</div></details>\n", out);
	json_decref(id);
}

static void one_operation(FILE *out, const json_t *facts, const char *family, const char *name, bool open)
{
	const json_t *machines = node_get(facts, "machines"), *machine;
	struct operation *found = malloc((json_array_size(machines) + 1) * sizeof *found);
	if (!found)
		node_must(NULL);
	size_t i, count = 0;
	json_array_foreach(machines, i, machine) {
		found[count] = prices_gather(facts, family, name, machine);
		if (found[count].count)
			count++;
		else
			prices_done(&found[count]);
	}
	if (count) {
		operation_summary(out, facts, &found[0], open);
		operation_body(out, facts, found, count);
	}
	while (count)
		prices_done(&found[--count]);
	free(found);
}

/* The operations of a family in the order of the benchmarks; the first, what the family is for, stands open. */
static void family_prices(FILE *out, const json_t *facts, const char *family)
{
	json_t *seen = node_must(json_array());
	size_t i;
	const json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		const char *name = node_string(row, "operation");
		if (strcmp(node_string(row, "family"), family) != 0 || list_has(seen, name))
			continue;
		bool open = json_array_size(seen) == 0 && (strcmp(family, "initialiser") == 0 || strcmp(family, "counter") == 0);
		node_append(seen, node_text(name));
		one_operation(out, facts, family, name, open);
	}
	json_decref(seen);
}

/* Where and how --------------------------------------------------------------------------------------------------------------------------- */

static void machine_line(FILE *out, const json_t *machine)
{
	const char *label = node_string(machine, "label");
	double processes = node_number(machine, "processes", 0), window = node_number(machine, "window_ms", 0);
	fputs("<li>", out);
	if (*label)
		fill(out, "<b class=\"label\">$</b> ", label);
	fill(out, "<b>$</b>$$", node_string(machine, "cpu"), *node_string(machine, "class") ? ": " : "",
		node_string(machine, "class"));
	if (processes > 0)
		fill(out, "; $ process$ with windows of $ ms", count_words(processes).text, processes == 1 ? "" : "es",
			count_words(window).text);
	if (*node_string(machine, "compiler"))
		fill(out, "; $", node_string(machine, "compiler"));
	if (json_is_true(node_get(machine, "loaded")))
		fputs(" <span class=\"doubt\">loaded: other programs took CPU time, so read the prices as rough</span>", out);
	if (node_number(machine, "dropped", 0) > 0)
		fill(out, " <span class=\"doubt\">short of time: $ repetitions were not made</span>",
			count_words(node_number(machine, "dropped", 0)).text);
	if (json_is_true(node_get(machine, "partial")))
		fputs(" <span class=\"doubt\">partial: stopped before the end</span>", out);
	fputs("</li>\n", out);
}

/* What the small numbers beside the prices are. */
static const char *small_numbers(const json_t *facts)
{
	bool ranges = false;
	size_t i;
	const json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		if (node_number(row, "low", 0) > 0)
			return "small: the 95 % interval of the median over processes, where there were enough of them";
		ranges = ranges || facts_ranged(row);
	}
	return ranges ? "small: the least and the most of the repetitions" : "too few processes for intervals";
}

static void peers(FILE *out, const json_t *facts)
{
	size_t i, k, shown = 0;
	const json_t *machine, *peer;
	json_array_foreach(node_get(facts, "machines"), i, machine) {
		const char *label = node_string(machine, "label");
		json_array_foreach(node_get(machine, "peers"), k, peer) {
			const char *why = node_string(peer, "missing");
			if (!shown++)
				fputs("<details class=\"one op\"><summary><h4>Peers <b>and their versions</b></h4></summary><div "
				      "class=\"body\"><div class=\"scroll\" role=\"region\" aria-label=\"Peers\" "
				      "tabindex=\"0\"><table "
				      "class=\"peers\"><caption>Other people’s implementations</caption><thead><tr><th "
				      "scope=\"col\">peer</th><th scope=\"col\">version</th><th "
				      "scope=\"col\">measured</th></tr></thead><tbody>\n",
					out);
			fill(out, "<tr><th scope=\"row\">$$$</th><td>$</td><td>$$</td></tr>\n", node_string(peer, "name"),
				*label ? " on " : "", label, node_string(peer, "version"), *why ? "no: " : "yes", why);
		}
	}
	if (shown)
		fputs("</tbody></table></div></div></details>\n", out);
}

static void price_list(FILE *out, const json_t *facts)
{
	fill(out,
		"<h3 id=\"prices\">Price list</h3>\n<p>Wall time divided by the operations of all threads; $; then times "
		"the "
		"floor, measured in the same run at the same number of threads$. <b>*</b> marks more threads than cores, "
		"<span aria-hidden=\"true\">✗</span> what is fast and wrong. Sorted by the column of as many threads as there "
		"are "
		"cores.</p>\n",
		small_numbers(facts), json_array_size(node_get(facts, "machines")) > 1 ? " on the same machine" : "");
	for (int family = 0; family < FAMILY_COUNT; family++)
		family_prices(out, facts, family_name((enum family)family));
	family_prices(out, facts, "floor");
	peers(out, facts);
}

void html_fast(FILE *out, const json_t *facts, const json_t *report)
{
	(void)report;
	fputs("<section id=\"fast\" aria-labelledby=\"fast-title\">\n<h2 id=\"fast-title\">Fast?</h2>\n", out);
	if (json_array_size(node_get(facts, "costs")) == 0) {
		fputs("<p class=\"note\">Nothing was timed for this report.</p>\n</section>\n", out);
		return;
	}
	size_t i;
	const json_t *machine;
	fputs("<ul class=\"machines\" aria-label=\"Measured on\">\n", out);
	json_array_foreach(node_get(facts, "machines"), i, machine)
		machine_line(out, machine);
	fputs("</ul>\n", out);
	html_short(out, facts);
	html_why(out, facts);
	html_goals(out, facts);
	price_list(out, facts);
	html_latency(out, facts);
	html_sizes(out, facts);
	fputs("</section>\n", out);
}
