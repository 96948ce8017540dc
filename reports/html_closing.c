/* SPDX-License-Identifier: MIT */
/* The end of the page: words, limits, machine. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

static const char *const words[][2] = {
	{"family", "initialiser, counter, progress (how a step is told to the front end) or pipeline"},
	{"implementation", "one way to do a family's job; one file"},
	{"promise", "a property. For each, an implementation claims it, says that it is missing (it does the operation and may "
		    "break the "
		    "property), or does not offer it"},
	{"scenario", "what a few threads do to an implementation, and the outcomes that may be seen; written once, run by every "
		     "engine"},
	{"engine", "how interleavings come about: native (real threads at full speed), tsan, helgrind and drd (race detectors), "
		   "explore (schedules that a search decides, under a memory model; deterministic), sequential "
		   "(one thread moves at a time, in an order that a script decides)"},
	{"outcome", "what one execution showed: acceptable, interesting or forbidden"},
	{"execution", "one run of a scenario under one schedule"},
	{"witness", "a locally minimal interleaving that shows a finding, and the command that replays it; a stale read returns "
		    "a store although a newer one exists, as the memory model allows"},
	{"finding", "a data race, lost update, double initialisation, deadlock … with its places in the source"},
	{"proved", "every execution within the printed model and bound was explored; only explore can say it"},
	{"not-found", "sampling ended without a bug; that is not a proof"},
	{"bug", "a finding, with what shows it"},
	{"inconclusive", "the engine says why it cannot decide"},
	{"skipped", "the engine is missing, or blind to a feature that this implementation uses"},
	{"floor",
		"the least that the operation could cost, measured in the same run: a plain load and branch, or one atomic add"},
	{"contract", "a claim held against the results. Broken: a claimed promise refuted by any engine, or a missing promise "
		     "proved to hold"},
};

static const char *const limits[] = {
	"“Holds” by sampling means: not seen to break in so many executions, on this machine, with this compiler.",
	"A weaker memory model than this machine's can show outcomes that never occur here.",
	"ThreadSanitizer sees data races. It is silent about orderings without one, such as progress told out of order.",
	"helgrind and drd do not understand atomics well; they inform and decide nothing about them.",
	"Times hold for this machine and this run. Compare the ratios to the floor, within one run.",
	"Scenarios have two to four threads and a few steps. A bug that needs more is not looked for.",
};

void html_glossary(FILE *out)
{
	fputs("<section id=\"words\" aria-labelledby=\"words-title\">\n<h2 id=\"words-title\">Words</h2>\n<dl>\n", out);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		fill(out, "<div><dt>$</dt><dd>$</dd></div>\n", words[i][0], words[i][1]);
	fputs("</dl>\n<h3>What a green page does not prove</h3>\n<ul class=\"limits\">\n", out);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		fill(out, "<li>$</li>\n", limits[i]);
	fputs("</ul>\n</section>\n", out);
}

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

void html_machine(FILE *out, const json_t *report)
{
	fputs("<section id=\"machine\" aria-labelledby=\"machine-title\">\n<h2 id=\"machine-title\">Machine, seed, "
	      "command</h2>\n",
		out);
	const json_t *hosts = node_get(report, "hosts"), *host;
	size_t i;
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
