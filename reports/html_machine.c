/* SPDX-License-Identifier: MIT */
/* The machine: as it was measured, as the system describes it; seed and command. */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

/* Measured costs ------------------------------------------------------------------------------------------------------------------------ */

/* A cost of MEASURED: KEY's number, or its INNER member's; one in a hundred is as high as p99, where there is one. Latency: how long the
 * next step that needs the result waits; throughput: how many come out in a row, which overlap, so that each may take less than a cycle. */
static const struct {
	const char *key, *inner, *what, *why;
} costs[] = {
	{"cycle_ns", NULL, "one cycle", "the clock of the core"},
	{"l1_load_ns", NULL, "load from the nearest cache: latency", "each load waits for what the one before it found"},
	{"load_branch_ns", NULL, "load and predicted branch: throughput",
		"the floor of a get; several overlap, so one may take less than a cycle"},
	{"lock_xadd_ns", NULL, "lock xadd, nobody else there", "the floor of a shared counter"},
	{"ping_pong", "median_ns", "a cache line there and back", "what threads that share a word pay"},
	{"wake_ns", "p50", "waking a sleeping thread", "what a lock pays that sleeps"},
	{"clock_ns", NULL, "reading the clock", "what timing each operation adds"},
	{"sleep_overshoot_ns", "p50", "sleeping too long", "what a timer is late by"},
	{"sleep_overshoot_ns", NULL, "sleeping too long", "what a timer is late by"},
};

static void costs_table(FILE *out, const json_t *measured)
{
	bool open = false;
	for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
		const json_t *value = node_get(measured, costs[i].key);
		double ns = costs[i].inner ? node_number(value, costs[i].inner, 0) : json_number_value(value);
		if (ns <= 0)
			continue;
		if (!open)
			fputs("<div class=\"scroll\" role=\"region\" aria-label=\"What things cost here\" tabindex=\"0\"><table "
			      "class=\"host\"><caption>What things cost here</caption><thead class=\"aside\"><tr><th "
			      "scope=\"col\">what</th><th scope=\"col\">time</th><th scope=\"col\">why it "
			      "matters</th></tr></thead><tbody>\n",
				out);
		open = true;
		double p99 = costs[i].inner ? node_number(value, "p99", 0) : 0;
		fill(out, "<tr><th scope=\"row\">$</th><td class=\"n\">$</td><td class=\"soft\">$$$</td></tr>\n", costs[i].what,
			time_words(ns).text, costs[i].why, p99 > 0 ? "; one in a hundred takes more than " : "",
			p99 > 0 ? time_words(p99).text : "");
	}
	if (open)
		fputs("</tbody></table></div>\n", out);
}

static void share_fact(FILE *out, const json_t *measured, const char *key, const char *what)
{
	const json_t *value = node_get(measured, key);
	char text[32];
	snprintf(text, sizeof text, "%.1f %%", 100 * fmin(fmax(json_number_value(value), 0), 1));
	if (json_is_number(value))
		fill(out, "<li>$ <b>$</b></li>\n", what, text);
}

/* Who else used the CPUs, or why that is not known. */
static void other_users(FILE *out, const json_t *measured)
{
	const double counted_from_s = 0.5, seconds = node_number(measured, "seconds", 0);
	share_fact(out, measured, "others_share", "CPU time of others");
	share_fact(out, measured, "steal_share", "stolen by the hypervisor");
	if (json_is_null(node_get(measured, "others_share")) && json_is_null(node_get(measured, "steal_share")))
		fill(out, "<li>who else used the CPUs <b>not known</b>: $</li>\n",
			seconds > 0 && seconds < counted_from_s ? "the kernel counts too coarsely for so short a look"
								: "the kernel’s counts could not be read");
}

/* Words, yes or no, or a number; nothing for null. */
static void plain_fact(FILE *out, const json_t *measured, const char *key, const char *what)
{
	const json_t *value = node_get(measured, key);
	char number[32];
	snprintf(number, sizeof number, "%.4g", json_number_value(value));
	if (json_is_string(value) || json_is_boolean(value) || json_is_number(value))
		fill(out, "<li>$ <b>$</b></li>\n", what,
			json_is_string(value)  ? json_string_value(value)
			: json_is_true(value)  ? "yes"
			: json_is_false(value) ? "no"
					       : number);
}

static void facts_list(FILE *out, const json_t *measured)
{
	static const char *const plain[][2] = {{"cores", "cores to use"}, {"allowed", "CPUs allowed"}, {"smt", "SMT siblings"},
		{"virtual", "virtual"}, {"quota", "quota, CPUs"}, {"numa_nodes", "NUMA nodes"}, {"governor", "governor"},
		{"turbo", "turbo"}, {"clock", "clock"}, {"kernel", "kernel"}};
	fputs("<ul class=\"traits\">\n", out);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		plain_fact(out, measured, plain[i][0], plain[i][1]);
	other_users(out, measured);
	share_fact(out, measured, "throttled_share", "throttled by the quota");
	const json_t *perf = node_get(measured, "perf");
	if (json_is_object(perf) && json_is_true(node_get(perf, "available")))
		fputs("<li>perf counters <b>yes</b></li>\n", out);
	else if (json_is_object(perf))
		fill(out, "<li>perf counters <b>no</b>$$</li>\n", *node_string(perf, "why") ? ": " : "",
			node_string(perf, "why"));
	fputs("</ul>\n", out);
	const json_t *notes = node_get(measured, "notes"), *note;
	const char *why = node_string(perf, "why"); /* told above */
	size_t i;
	if (json_array_size(notes))
		fputs("<ul class=\"limits\">\n", out);
	json_array_foreach(notes, i, note)
		if (json_is_string(note) && !(*why && strstr(json_string_value(note), why)))
			fill(out, "<li>$</li>\n", json_string_value(note));
	if (json_array_size(notes))
		fputs("</ul>\n", out);
}

/* Ping-pong ------------------------------------------------------------------------------------------------------------------------------ */

enum { HEAT_MAX = 128, NUMBERED_MAX = 20 };

static double trip(const json_t *trips, size_t row, size_t column)
{
	double ns = json_number_value(json_array_get(json_array_get(trips, row), column));
	return ns > 0 ? ns : json_number_value(json_array_get(json_array_get(trips, column), row));
}

/* The ends of the colour scale; false: no pair was measured. */
static bool extremes(const json_t *trips, size_t count, double *least, double *most)
{
	*least = INFINITY;
	*most = 0;
	for (size_t row = 0; row < count; row++)
		for (size_t column = 0; column < row; column++) {
			double ns = trip(trips, row, column);
			*least = ns > 0 ? fmin(*least, ns) : *least;
			*most = fmax(*most, ns);
		}
	return *most > 0;
}

static void heat_cell(FILE *out, const json_t *pair, double ns, double least, double most)
{
	if (ns <= 0) {
		fputs("<td class=\"none\"><span aria-hidden=\"true\">·</span><span class=\"aside\">not measured</span></td>",
			out);
		return;
	}
	/* From one tenth on, so that the quickest pair has a colour too. */
	double heat = most > least * 1.02 && isfinite(most / least) ? 0.1 + 0.9 * log(ns / least) / log(most / least) : 0.1;
	char number[32];
	snprintf(number, sizeof number, "%.0f", ns);
	fprintf(out, "<td style=\"--heat:%.2f\"", heat);
	fill(out, " title=\"CPU $ and $: $ ns\">$</td>", json_string_value(json_array_get(pair, 0)),
		json_string_value(json_array_get(pair, 1)), number, number);
}

static json_t *cpu_name(const json_t *cpus, size_t at)
{
	const json_t *cpu = json_array_get(cpus, at);
	return node_must(json_sprintf("%.0f", json_is_number(cpu) ? json_number_value(cpu) : (double)at));
}

/* Pairs are symmetric: the lower half says it all. */
static void heat_table(FILE *out, const json_t *cpus, const json_t *trips, size_t count, double least, double most)
{
	fprintf(out,
		"<p class=\"title\">Ping-pong of each pair of CPUs, ns there and back</p>\n"
		"<div class=\"scroll\" role=\"region\" aria-label=\"Ping-pong of each pair of CPUs\" tabindex=\"0\"><table "
		"class=\"heat%s\"><caption class=\"aside\">Ping-pong of each pair of CPUs</caption><thead><tr><th "
		"scope=\"col\">CPU</th>",
		count > NUMBERED_MAX ? " dense" : "");
	for (size_t column = 0; column + 1 < count; column++) {
		json_t *name = cpu_name(cpus, column);
		fill(out, "<th scope=\"col\">$</th>", json_string_value(name));
		json_decref(name);
	}
	fputs("</tr></thead><tbody>\n", out);
	for (size_t row = 1; row < count; row++) {
		json_t *mine = cpu_name(cpus, row);
		fill(out, "<tr><th scope=\"row\">$</th>", json_string_value(mine));
		for (size_t column = 0; column < row; column++) {
			json_t *pair = node_must(json_pack("[O, o]", mine, cpu_name(cpus, column)));
			heat_cell(out, pair, trip(trips, row, column), least, most);
			json_decref(pair);
		}
		if (row + 1 < count)
			fprintf(out, "<td class=\"empty\" colspan=\"%zu\"></td>", count - 1 - row);
		fputs("</tr>\n", out);
		json_decref(mine);
	}
	fputs("</tbody></table></div>\n", out);
}

static void heat_map(FILE *out, const json_t *measured)
{
	const json_t *ping = node_get(measured, "ping_pong"), *trips = node_get(ping, "round_trip_ns");
	size_t all = json_array_size(trips), count = all < HEAT_MAX ? all : HEAT_MAX;
	double least, most;
	if (count < 2 || !extremes(trips, count, &least, &most)) {
		fputs("<p class=\"note\">No pair of CPUs was measured: a ping-pong takes two.</p>\n", out);
		return;
	}
	heat_table(out, node_get(ping, "cpus"), trips, count, least, most);
	if (least >= most)
		return;
	fill(out, "<p class=\"scale\"><span>$</span> <span class=\"ramp\" aria-hidden=\"true\"></span> <span>$</span>$$</p>\n",
		time_words(least).text, time_words(most).text, all > count ? "; only the first CPUs are shown of " : "",
		all > count ? count_words((double)all).text : "");
}

/* What the machine is called by, less what the table below it says more closely. */
static void class_line(FILE *out, const json_t *machine)
{
	static const char *const told[][3] = {{"ping-pong ", "ping_pong", "median_ns"}, {"wake ", "wake_ns", "p50"}};
	const json_t *measured = node_get(machine, "measured");
	size_t shown = 0;
	for (const char *at = node_string(machine, "class"); *at;) {
		size_t length = strcspn(at, ",");
		bool again = false;
		for (size_t i = 0; i < sizeof told / sizeof *told; i++)
			again = again || (strncmp(at, told[i][0], strlen(told[i][0])) == 0 &&
						 node_number(node_get(measured, told[i][1]), told[i][2], 0) > 0);
		char *phrase = strndup(at, length);
		if (!phrase)
			node_must(NULL);
		if (!again)
			fill(out, shown++ ? ", $" : "<p class=\"class\">$", phrase);
		free(phrase);
		at += length + strspn(at + length, ", ");
	}
	if (shown)
		fputs("</p>\n", out);
}

static void measured_machine(FILE *out, const json_t *machine, bool several)
{
	const json_t *measured = node_get(machine, "measured");
	const char *label = node_string(machine, "label");
	fputs("<div class=\"measured\">\n", out);
	if (several)
		fill(out, "<h3>Machine $: $</h3>\n", label, node_string(machine, "cpu"));
	else
		fill(out, "<h3>$</h3>\n", node_string(machine, "cpu"));
	class_line(out, machine);
	if (measured) {
		fputs("<div class=\"side\"><div>\n", out);
		costs_table(out, measured);
		fputs("</div><div>\n", out);
		heat_map(out, measured);
		fputs("</div></div>\n", out);
		facts_list(out, measured);
	}
	fputs("</div>\n", out);
}

/* What the system says ------------------------------------------------------------------------------------------------------------------ */

/* The value of a host member in words; false when there is none. */
static bool host_words(const char *key, const json_t *value, struct words *text)
{
	double number = json_number_value(value);
	if (json_is_string(value))
		return false;
	if (json_is_null(value))
		snprintf(text->text, sizeof text->text, "none");
	else if (strstr(key, "_bytes"))
		*text = bytes_words(number);
	else if (json_is_integer(value))
		*text = count_words(number);
	else
		snprintf(text->text, sizeof text->text, "%g", number);
	return true;
}

static void host_table(FILE *out, const json_t *host, const char *caption)
{
	fill(out, "<table class=\"host\"><caption>$</caption><tbody>\n", caption);
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)host, key, value) {
		struct words number = {""};
		if (json_is_object(value) || json_is_array(value) || json_is_boolean(value))
			continue;
		bool counted = host_words(key, value, &number);
		char label[64];
		snprintf(label, sizeof label, "%s", key);
		char *unit = strstr(label, "_bytes");
		if (unit)
			*unit = '\0';
		for (char *at = label; (at = strchr(at, '_'));)
			*at = ' ';
		fill(out, "<tr><th scope=\"row\">$</th><td>$</td></tr>\n", label,
			counted ? number.text : json_string_value(value));
	}
	fputs("</tbody></table>\n", out);
}

void html_machine(FILE *out, const json_t *facts, const json_t *report)
{
	fputs("<section id=\"machine\" aria-labelledby=\"machine-title\">\n<h2 id=\"machine-title\">Machine, seed, "
	      "command</h2>\n",
		out);
	const json_t *hosts = node_get(report, "hosts"), *host, *machines = node_get(facts, "machines"), *machine;
	size_t i;
	json_array_foreach(machines, i, machine)
		measured_machine(out, machine, json_array_size(machines) > 1);
	if (json_array_size(hosts)) {
		json_array_foreach(hosts, i, host)
			host_table(out, host, node_string(host, "id"));
	} else {
		host_table(out, node_get(report, "host"), "This machine");
	}
	char seed[32] = "";
	const json_t *value = node_get(report, "seed");
	if (json_is_integer(value))
		snprintf(seed, sizeof seed, "%" PRId64, (int64_t)json_integer_value(value));
	else if (json_is_string(value))
		snprintf(seed, sizeof seed, "%.31s", json_string_value(value));
	fill(out, "<p>Seed <code>$</code>.", seed);
	const char *command = node_string(report, "command");
	if (*command)
		fill(out, " Once more, the same: <code class=\"command\">$</code>", command);
	else if (*seed)
		fill(out, " Once more, the same: <code class=\"command\">./onceproof report --seed $</code>", seed);
	fputs("</p>\n</section>\n", out);
}
