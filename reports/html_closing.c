/* SPDX-License-Identifier: MIT */
/* The end of the page: words and limits. */
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
