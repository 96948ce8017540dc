/* SPDX-License-Identifier: MIT */
/* Why the right one costs what it costs: the page claims what made-up results show, whichever way they fall, and nothing that they lack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts.h"
#include "node.h"
#include "render.h"
#include "result.h"
#include "test_support.h"

struct price {
	const char *row;
	double ns;
};

/* Two threads share a line that takes 100 ns there and back; every sentence has its row. */
static const struct price usual[] = {{"initialiser/naive/get/threads:1", 0.13}, {"initialiser/naive/get/threads:2", 0.065},
	{"initialiser/once/get/threads:1", 0.13}, {"initialiser/once/get/threads:2", 0.065},
	{"initialiser/mutex/get/threads:1", 14}, {"initialiser/mutex/get/threads:2", 74},
	{"counter/naive/increment/threads:1", 0.16}, {"counter/naive/increment/threads:2", 0.1},
	{"counter/naive/increment_call/threads:1", 0.52}, {"counter/naive/increment_call/threads:2", 1.6},
	{"counter/naive/read/threads:1", 0.13}, {"counter/naive/read_dirty_8/threads:1", 80},
	{"counter/tally/increment/threads:1", 0.13}, {"counter/tally/increment/threads:2", 0.065},
	{"counter/tally/increment_call/threads:1", 0.52}, {"counter/tally/increment_call/threads:2", 0.26},
	{"counter/tally/read/threads:1", 2.3}, {"counter/tally/read_dirty_8/threads:1", 120},
	{"counter/atomic/increment/threads:1", 4.7}, {"counter/atomic/increment/threads:2", 20}};
enum { USUAL = sizeof usual / sizeof *usual };

/* The price of ROW, known to five in a hundred. */
static void add_price(json_t *report, const char *row, double ns)
{
	node_append(node_get(node_get(report, "benchmarks"), "benchmarks"),
		json_pack("{s:o, s:s, s:s, s:f, s:f, s:f, s:i, s:b}", "name", node_must(json_sprintf("%s_median", row)),
			"run_type", "aggregate", "aggregate_name", "median", "wall_ns_per_op", ns, "low", 0.95 * ns, "high",
			1.05 * ns, "processes", 10, "oversubscribed", 0));
}

static json_t *machine_report(void)
{
	json_t *report = report_new(7);
	node_set(report, "benchmarks",
		json_pack("{s:{s:s, s:{s:s, s:f, s:f, s:{s:f}}}, s:[]}", "context", "date", "2026-01-01", "machine", "class",
			"2 cores", "load_branch_ns", 0.13, "lock_xadd_ns", 4.3, "ping_pong", "median_ns", 100.0, "benchmarks"));
	return report;
}

/* The usual prices but for those that OTHERS (up to a NULL) have otherwise; below zero: not measured. Half of the increments are lost. */
static json_t *report_with(const struct price *others)
{
	json_t *report = machine_report();
	for (size_t i = 0; i < USUAL; i++) {
		double ns = usual[i].ns;
		for (const struct price *other = others; other && other->row; other++)
			ns = strcmp(other->row, usual[i].row) == 0 ? other->ns : ns;
		if (ns > 0)
			add_price(report, usual[i].row, ns);
	}
	node_append(node_get(node_get(report, "benchmarks"), "benchmarks"),
		json_pack("{s:s, s:s, s:f, s:f}", "name", "counter/naive/increment/threads:2", "run_type", "iteration", "ops",
			1000.0, "lost", 500.0));
	return report;
}

/* Title, then leads and sentences, each after a '|'; "" where there is nothing to say. Takes over REPORT; freed by the caller. */
static char *told(json_t *report)
{
	json_t *facts = facts_gather(report);
	const json_t *why = node_get(facts, "why"), *point, *sentence;
	char *text = NULL;
	size_t bytes, i, k;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	fputs(node_string(why, "title"), out);
	json_array_foreach(node_get(why, "points"), i, point) {
		fprintf(out, "|%s", node_string(point, "lead"));
		json_array_foreach(node_get(point, "sentences"), k, sentence)
			fprintf(out, "|%s", json_string_value(sentence));
	}
	fclose(out);
	json_decref(facts);
	json_decref(report);
	return text;
}

static void has(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		print_error("missing: %s\nin: %s\n", wanted, text);
	assert_non_null(strstr(text, wanted));
}

static void lacks(const char *text, const char *unwanted)
{
	if (strstr(text, unwanted))
		print_error("there is: %s\nin: %s\n", unwanted, text);
	assert_null(strstr(text, unwanted));
}

/* Does the page say it with OTHERS? And not with the usual prices, nor the other way round: what is said hangs on the numbers. */
static void tells(const struct price *others, const char *wanted, const char *unwanted)
{
	char *text = told(report_with(others));
	has(text, wanted);
	lacks(text, unwanted);
	free(text);
	text = told(report_with(NULL));
	has(text, unwanted);
	lacks(text, wanted);
	free(text);
}

/* Is it not said with OTHERS, although it is with the usual prices? */
static void drops(const struct price *others, const char *unwanted)
{
	char *text = told(report_with(others));
	lacks(text, unwanted);
	free(text);
	text = told(report_with(NULL));
	has(text, unwanted);
	free(text);
}

static void the_usual_prices_are_explained(void **state)
{
	(void)state;
	char *text = told(report_with(NULL));
	has(text, "Why the right one costs less|A get.|");
	has(text, "guesses right. That takes 0.130 ns here.");
	has(text, "One atomic step (lock xadd) takes 4.30 ns, 33.1× as much");
	has(text, "Behind a mutex a get costs 14.0 ns alone and 74.0 ns with two threads, which wait");
	has(text, "and costs the same as the bug: 0.130 ns, the bug 0.130 ns.");
	has(text, "Two threads get 2.00× as far as one: a line that nobody writes");
	has(text, "the line takes 100 ns to another core and back.");
	has(text, "Two threads get only 1.60× as far as one: 0.100 ns an increment, where one alone takes 0.160 ns.");
	has(text, "make about 1,000 in the time of one trip. A store waits for the line in the core’s store buffer");
	has(text, "Increments lost here: 50 %.");
	has(text, "With two threads it costs 0.065 ns, the bug 0.100 ns: the right one costs 1.54× less.");
	has(text, "needs the line for every step: 20.0 ns.");
	has(text, "per call, which gives stores the time to leave the buffer, the bug costs 1.60 ns and the right one 0.260 ns, "
		  "6.15× less.");
	has(text, "A read at rest costs 2.30 ns, the bug’s one word 0.130 ns.");
	has(text, "eight of them costs 120 ns, the bug’s one word 80.0 ns.");
	has(text, "once for each look at the count");
	has(text, "an increment costs 0.160 ns in a hot loop; the right one is cheaper still: 0.130 ns.");
	has(text, "It costs 0.520 ns with a call for each; the right one costs the same: 0.520 ns.");
	has(text, "it is cheap, 0.100 ns next to an atomic add’s 20.0 ns, for the very reason that makes it wrong");
	free(text);
	json_t *report = report_with(NULL);
	assert_int_equal(render_html(report, scratch("index.html")), 0);
	json_decref(report);
	char *page = read_text(scratch("index.html"));
	has(page, "<h3 id=\"why\">Why the right one costs less</h3>");
	has(page, "<p><b>Where the bug is cheap.</b> On one thread the bug loses nothing");
	free(page);
}

/* Each comparison the other way round, and undecided. */
static void other_prices_are_told_as_they_are(void **state)
{
	(void)state;
	const char *only = "get only 1.60× as far as one", *less = "the right one costs 1.54× less";
	tells((const struct price[]){{"counter/naive/increment/threads:2", 0.9}, {NULL, 0}},
		"Two threads together are slower than one: 0.900 ns an increment, where one alone takes 0.160 ns.", only);
	tells((const struct price[]){{"counter/naive/increment/threads:2", 0.08}, {NULL, 0}},
		"Two threads get 2.00× as far as one, and nothing shows that they share the line", only);
	tells((const struct price[]){{"counter/naive/increment/threads:2", 0.05}, {NULL, 0}},
		"That is faster than expected, and the line’s moves do not explain it.", only);
	tells((const struct price[]){{"counter/naive/increment/threads:2", 50}, {NULL, 0}},
		"make only 2.0 increments in the time of one trip: nearly each of them waits", "A store waits for the line");
	tells((const struct price[]){{"counter/naive/increment/threads:2", 50}, {NULL, 0}}, "the right one costs 769× less",
		"for the very reason that makes it wrong");
	tells((const struct price[]){{"counter/tally/increment/threads:2", 0.3}, {NULL, 0}},
		"here the right one costs 3.00× as much.", less);
	tells((const struct price[]){{"counter/tally/increment/threads:2", 0.102}, {NULL, 0}},
		"it costs 0.102 ns and the bug 0.100 ns, which is the same.", less);
	drops((const struct price[]){{"counter/atomic/increment/threads:2", 0.05}, {NULL, 0}}, "needs the line for every step");
}

static void other_prices_elsewhere_too(void **state)
{
	(void)state;
	tells((const struct price[]){{"counter/naive/increment_call/threads:2", 0.26}, {NULL, 0}},
		"the bug costs 0.260 ns and the right one 0.260 ns, which is the same.", "time to leave the buffer");
	tells((const struct price[]){{"counter/naive/increment_call/threads:2", 0.1}, {NULL, 0}}, "0.260 ns, which is more.",
		"6.15× less");
	tells((const struct price[]){{"initialiser/once/get/threads:1", 2}, {NULL, 0}}, "still costs more than the bug: 2.00 ns",
		"costs the same as the bug");
	drops((const struct price[]){{"initialiser/once/get/threads:2", 0.13}, {NULL, 0}}, "a line that nobody writes");
	tells((const struct price[]){{"initialiser/mutex/get/threads:2", 7}, {NULL, 0}},
		"Behind a mutex a get costs 14.0 ns alone.", "which wait for one another");
	tells((const struct price[]){{"counter/tally/increment/threads:1", 0.3}, {NULL, 0}},
		"cheaper than the right one: 0.300 ns", "the right one is cheaper still");
	tells((const struct price[]){{"counter/tally/read/threads:1", 0.13}, {"counter/tally/read_dirty_8/threads:1", 40},
		      {NULL, 0}},
		"0.130 ns, which is the same.", "once for each look at the count");
}

/* The title promises no more than the comparisons below it. */
static void the_title_is_true(void **state)
{
	(void)state;
	static const char *const loop = "counter/naive/increment/threads:2", *const call =
										     "counter/naive/increment_call/threads:2";
	const struct price cases[][3] = {{{loop, 0.065}, {call, 0.26}}, {{loop, 0.03}, {call, 1.6}}, {{loop, 0.03}, {call, 0.1}},
		{{loop, 0.065}, {call, 1.6}}};
	static const char *const titles[] = {"Why the right one costs no more|",
		"Why the right one costs less here and more there|", "What the right one costs, and why|",
		"Why the right one costs less|"};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = told(report_with(cases[i]));
		assert_memory_equal(text, titles[i], strlen(titles[i]));
		free(text);
	}
}

static void what_was_not_measured_is_not_explained(void **state)
{
	(void)state;
	/* A row (of the two at least that a sentence compares), and the beginning of what goes with it. */
	static const char *const sentences[][2] = {{"initialiser/naive/get/threads:1", "initialiser/once makes"},
		{"initialiser/once/get/threads:1", "initialiser/once makes"},
		{"initialiser/once/get/threads:2", "Two threads get 2.00×"},
		{"initialiser/mutex/get/threads:1", "Behind a mutex"}, {"initialiser/mutex/get/threads:2", "and 74.0 ns with"},
		{"counter/naive/increment/threads:1", "get only 1.60×"}, {"counter/naive/increment/threads:2", "A plain ++"},
		{"counter/naive/increment/threads:2", "costs 1.54× less"},
		{"counter/tally/increment/threads:2", "counter/tally gives"},
		{"counter/naive/increment_call/threads:2", "one increment per call"},
		{"counter/naive/increment_call/threads:1", "time to leave"},
		{"counter/tally/increment_call/threads:2", "one increment per call"},
		{"counter/tally/read/threads:1", "A read at rest"},
		{"counter/naive/read_dirty_8/threads:1", "just after another"},
		{"counter/tally/increment/threads:1", "cheaper still"},
		{"counter/atomic/increment/threads:2", "An atomic add is right"},
		{"counter/atomic/increment/threads:2", "the very reason"}};
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		drops((const struct price[]){{sentences[i][0], -1}, {NULL, 0}}, sentences[i][1]);
	/* Without the machine, its rows; without both, nothing of lines and buffers. */
	json_t *report = report_with(NULL);
	json_object_del(node_get(node_get(report, "benchmarks"), "context"), "machine");
	char *text = told(json_incref(report));
	lacks(text, "to another core and back");
	lacks(text, "store buffer");
	lacks(text, "the very reason");
	lacks(text, "One atomic step");
	has(text, "Two threads get only 1.60× as far as one");
	free(text);
	add_price(report, "floor/ping_pong/threads:2", 90);
	text = told(report);
	has(text, "the line takes 90.0 ns to another core and back");
	free(text);
	/* The machine alone, and the bug alone, explain nothing. */
	report = machine_report();
	add_price(report, "counter/naive/increment/threads:1", 1);
	add_price(report, "counter/naive/increment/threads:2", 1);
	text = told(report);
	assert_string_equal(text, "");
	free(text);
}

/* A right one that was seen to break is none, and what cannot be true explains nothing. */
static void only_right_ones_are_praised(void **state)
{
	(void)state;
	json_t *report = report_with(NULL), *line;
	add_contract(report, "counter/tally", "no_lost_update", "claimed", "refuted", "native");
	char *text = told(report);
	lacks(text, "counter/tally");
	has(text, "initialiser/once");
	free(text);
	report = report_with(NULL);
	size_t i;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "benchmarks"), i, line)
		if (strncmp(node_string(line, "name"), "initialiser/naive/", 18) == 0)
			node_set(line, "implausible", json_string("less than nothing"));
	text = told(report);
	lacks(text, "initialiser/once");
	free(text);
}

/* A price without an interval is said to be one. */
static void what_is_unsure_is_said(void **state)
{
	(void)state;
	json_t *report = report_with(NULL);
	char *text = told(json_incref(report));
	lacks(text, "How sure");
	free(text);
	json_t *line = json_array_get(node_get(node_get(report, "benchmarks"), "benchmarks"), 0);
	node_set(line, "low", json_real(0));
	node_set(line, "high", json_real(0));
	text = told(report);
	has(text, "|How sure is it?|Some of these prices come from too few processes");
	free(text);
}

/* Where there are several machines, whose numbers these are. */
static void the_machine_is_named(void **state)
{
	(void)state;
	json_t *report = report_with(NULL), *benchmarks = node_get(report, "benchmarks"), *line, *facts;
	size_t i;
	node_set(benchmarks, "contexts", json_pack("{s:{}, s:O}", "bare", "full", node_get(benchmarks, "context")));
	json_array_foreach(node_get(benchmarks, "benchmarks"), i, line)
		node_set(line, "host", json_string("full"));
	facts = facts_gather(report);
	assert_string_equal(node_string(node_get(facts, "why"), "label"), "B");
	json_decref(facts);
	assert_int_equal(render_html(report, scratch("index.html")), 0);
	char *page = read_text(scratch("index.html"));
	has(page, "Why the right one costs less, on machine B</h3>");
	free(page);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_prices_are_explained),
		cmocka_unit_test(other_prices_are_told_as_they_are),
		cmocka_unit_test(other_prices_elsewhere_too),
		cmocka_unit_test(the_title_is_true),
		cmocka_unit_test(what_was_not_measured_is_not_explained),
		cmocka_unit_test(only_right_ones_are_praised),
		cmocka_unit_test(what_is_unsure_is_said),
		cmocka_unit_test(the_machine_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
