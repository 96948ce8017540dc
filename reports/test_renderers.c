/* SPDX-License-Identifier: MIT */
/* The page, the summary and JUnit XML. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <expat.h>

#include "../impl/pipeline/batch.h"
#include "facts.h"
#include "markup.h"
#include "node.h"
#include "page_text.h"
#include "render.h"
#include "result.h"
#include "test_support.h"

struct junit_counts {
	int depth, roots, suites, cases, failures, skipped;
	int said_tests, said_failures, said_skipped; /* of the root */
};
static struct junit_counts parse_junit(json_t *report);

/* How often NEEDLE occurs in TEXT. */
static size_t occurrences(const char *text, const char *needle)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle))
		count++;
	return count;
}

static char *page_of(json_t *report)
{
	assert_int_equal(render_html(report, scratch("index.html")), 0);
	json_decref(report);
	return read_text(scratch("index.html"));
}

static void the_page_holds_everything(void **state)
{
	(void)state;
	char *page = page_of(sample_report());
	static const char *const wanted[] = {
		("<h1 id=\"headline\">Two races, seen. 1 of 2 fixes keeps what it is for; 1 of their promises is undecided. "
		 "An increment that returns "
		 "its step costs 1× the floor.</h1>"),
		"counter/naive", "data-race", "impl/counter/10_naive.c", "class=\"line named\"", "return ++c-&gt;value;",
		"2.1 % of executions", "one update was lost", "id=\"counter-naive\"", "tsan is blind to call_once", "12.5 ns",
		"naive <i>+</i> naive <i>+</i> plain_global", "What a green page does not prove", "./onceproof report --seed 7",
		"<html lang=\"en\">", "class=\"skip\""};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (!strstr(page, wanted[i]))
			print_error("the page lacks: %s\n", wanted[i]);
		assert_non_null(strstr(page, wanted[i]));
	}
	free(page);
}

/* The headline counts what the tables below it show: a promise that nothing decides is neither kept nor broken. */
static void the_headline_counts_what_is_undecided(void **state)
{
	(void)state;
	static const struct {
		const char *status, *more, *wanted;
	} cases[] = {{"upheld", NULL, "All 2 fixes hold."},
		{"upheld", "unshown", "All 2 fixes keep what they are for; 1 of their other promises is undecided."},
		{"unshown", "unshown", "1 of 2 fixes keeps what it is for; 2 of their promises are undecided."},
		{"refuted", NULL, "1 contract broken. No race was seen. 1 of 2 fixes holds."}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *report = report_new(7);
		result_judge(node_append(node_get(report, "results"), result_new("counter/atomic", "s", "native", "gcc 12.2.0")),
			"not-found", "clean", "1 execution");
		add_contract(report, "counter/mutex", "no_lost_update", "claimed", "upheld", "native s");
		add_contract(report, "counter/atomic", "no_lost_update", "claimed", cases[i].status, "");
		if (cases[i].more)
			add_contract(report, "counter/atomic", "unique_steps", "claimed", cases[i].more, "");
		json_t *facts = facts_gather(report);
		if (!strstr(node_string(facts, "headline"), cases[i].wanted))
			print_error("%s\n", node_string(facts, "headline"));
		assert_non_null(strstr(node_string(facts, "headline"), cases[i].wanted));
		json_decref(facts);
		json_decref(report);
	}
}

/* Choices that kept every promise are folded, so that the others are seen first; where there are no others, they stand open. */
static void green_choices_are_folded(void **state)
{
	(void)state;
	static const char *const promises[][2] = {{"initialiser/atomic", "exactly_once"}, {"counter/atomic", "exact_at_rest"},
		{"progress/monotone", "no_duplicates"}, {"progress/monotone", "no_gaps"},
		{"progress/monotone", "never_backwards"}, {"progress/monotone", "last_is_total"}};
	for (int alone = 0; alone < 2; alone++)
		for (size_t open = 0; open <= sizeof promises / sizeof *promises; open++) {
			json_t *report = sample_report(), *batches = node_get(report, "batches");
			for (size_t i = 0; i < sizeof promises / sizeof *promises; i++)
				if (i != open)
					add_contract(report, promises[i][0], promises[i][1], "claimed", "upheld", "native");
			/* The same choice again, faster. */
			json_t *again = node_append(batches, json_deep_copy(json_array_get(batches, 2)));
			node_set(again, "seconds", json_real(0.25));
			for (int i = 0; alone && i < 2; i++)
				json_array_remove(batches, 0);
			char *page = page_of(report);
			const char *fold = strstr(page, " kept everything</b>"),
				   *row = strstr(page, "data-filter=\"atomic atomic monotone\"");
			assert_non_null(row);
			/* One promise that is not claimed is one mark that is not green. */
			assert_int_equal(fold != NULL, open == sizeof promises / sizeof *promises);
			if (fold) {
				assert_non_null(
					strstr(page, alone ? "<details class=\"one op\" open><summary><h4><b>1 choice kept"
							   : "<details class=\"one op\"><summary><h4><b>1 choice kept"));
				assert_true(fold < row);
				assert_int_equal(strstr(page, "data-filter=\"naive naive plain_global\"") != NULL, !alone);
				assert_true(alone || strstr(page, "data-filter=\"naive naive plain_global\"") < fold);
			}
			assert_non_null(strstr(row, "<td>600<small>400–800</small></td></tr>"));
			free(page);
		}
}

/* Pipelines that keep everything are folded; those with a mark to look at, and other families, are not. */
static void green_pipelines_are_folded(void **state)
{
	(void)state;
	static const char *const promises[] = {
		"each_item_once", "failures_isolated", "totals_add_up", "model_loaded_once", "log_complete", "race_free"};
	for (int shown = 0; shown < 4; shown++) {
		json_t *report = sample_report();
		for (size_t i = 0; i < sizeof promises / sizeof *promises; i++)
			add_contract(report, "pipeline/a+b+c", promises[i], "claimed", "upheld", "native");
		/* What another lacks: nothing that was promised; a decision; a promise, which an engine refuted. */
		for (size_t i = 0; shown && i < sizeof promises / sizeof *promises; i++)
			add_contract(report, "pipeline/d+e+f", promises[i], shown == 3 && i == 3 ? "not_offered" : "claimed",
				shown == 2 && i == 5 ? "unshown" : "upheld", "native");
		json_t *result =
			node_append(node_get(report, "results"), result_new("pipeline/d+e+f", "s", "native", "gcc 12.2.0"));
		if (shown == 3)
			result_add_finding(
				result, "forbidden-outcome", "loaded twice", FAMILY_PIPELINE, PIPELINE_MODEL_LOADED_ONCE);
		result_judge(result, shown == 3 ? "bug" : "not-found", "clean", "1 execution");
		if (!shown)
			json_array_remove(node_get(report, "results"), json_array_size(node_get(report, "results")) - 1);
		char *page = page_of(report);
		const char *fold = strstr(page, "keep everything</b>"),
			   *green = strstr(page, "<tr data-filter=\"pipeline/a+b+c\">"),
			   *other = strstr(page, "<tr data-filter=\"pipeline/d+e+f\">");
		assert_non_null(green);
		assert_int_equal(fold != NULL, shown > 1);
		assert_true(!fold || (other && other < fold && fold < green && strncmp(fold - 5, "<b>1 ", 5) == 0));
		free(page);
	}
}

static void interleavings_are_tables(void **state)
{
	(void)state;
	char *page = page_of(sample_report());
	static const char *const wanted[] = {"<table class=\"steps\">",
		"<th scope=\"col\" data-thread=\"T1\">T1</th><th scope=\"col\" data-thread=\"T2\">T2</th>",
		"<tr class=switch data-stale data-line=\"3\"", "<th scope=\"row\">→ 5</th><td></td><td data-thread=\"T2\">",
		"10_naive.c:3</span> <code>return ++c-&gt;value;", "racy read [a] := 1",
		"; 12 steps that no other thread could notice are not shown", "onceproof replay it.json"};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (!strstr(page, wanted[i]))
			print_error("the page lacks: %s\n", wanted[i]);
		assert_non_null(strstr(page, wanted[i]));
	}
	free(page);
	json_t *report = sample_report();
	assert_int_equal(render_markdown(report, scratch("summary.md")), 0);
	json_decref(report);
	char *summary = read_text(scratch("summary.md"));
	assert_non_null(strstr(summary, "## Interleavings"));
	assert_int_equal(occurrences(summary, "~~~~~~~~text\n"), 1);
	assert_non_null(strstr(summary, "    →   5 │"));
	free(summary);
}

/* Scripts, styles and JSON are cut out first, so that what is left is markup alone. */
static void cut(char *page, const char *start, const char *end)
{
	for (char *from; (from = strstr(page, start));) {
		char *to = strstr(from, end);
		assert_non_null(to);
		to += strlen(end);
		memmove(from, to, strlen(to) + 1);
	}
}

static void the_page_loads_nothing(void **state)
{
	(void)state;
	char *page = page_of(sample_report());
	assert_non_null(strstr(page, "default-src 'none'"));
	static const char *const loaders[] = {"src=", "srcset=", "<link", "<iframe", "<object", "<embed", "<base", "url(",
		"@import", "fetch(", "XMLHttpRequest", "WebSocket(", "importScripts"};
	for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) {
		/* Chart.js is code of others; our policy keeps it from loading anything. */
		assert_null(strstr(page_css, loaders[i]));
		assert_null(strstr(page_js, loaders[i]));
	}
	cut(page, "<script nonce", "</script>");
	cut(page, "<style>", "</style>");
	cut(page, "<meta http-equiv", ">");
	for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
		assert_null(strstr(page, loaders[i]));
	assert_null(strstr(page, "http://"));
	assert_null(strstr(page, "https://"));
	/* Every link leads to a place in the page. */
	for (const char *at = page; (at = strstr(at, "href=\"")); at++) {
		const char *name = at + strlen("href=\"");
		assert_int_equal(*name, '#');
		char wanted[160];
		snprintf(wanted, sizeof wanted, "id=\"%.*s\"", (int)strcspn(name + 1, "\""), name + 1);
		if (!strstr(page, wanted))
			print_error("no target: %s\n", wanted);
		assert_non_null(strstr(page, wanted));
	}
	free(page);
}

static void hostile_text_stays_text(void **state)
{
	(void)state;
	char *page = page_of(hostile_report());
	assert_true(occurrences(page, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;") > 10);
	/* Our own three script elements or two, and the JSON block: nobody else's. */
	size_t own = *page_chart_js ? 3 : 2;
	assert_int_equal(occurrences(page, "<script"), own);
	assert_int_equal(occurrences(page, "</script"), own);
	/* The JSON block must parse, and give the text back as it was. */
	const char *start = strstr(page, "id=\"data\">") + strlen("id=\"data\">");
	json_t *data = json_loadb(start, (size_t)(strstr(start, "</script>") - start), 0, NULL);
	assert_non_null(data);
	const char *progress = node_string(json_array_get(node_get(data, "choices"), 0), "progress");
	assert_non_null(strstr(progress, hostile));
	json_decref(data);
	cut(page, "<script", "</script>");
	cut(page, "<style>", "</style>");
	assert_null(strstr(page, "<img"));
	assert_null(strstr(page, "<svg"));
	assert_null(strstr(page, "<!--"));
	assert_null(strchr(page, '\x01'));
	assert_null(strchr(page, '\x1b'));
	free(page);
}

/* Without the page's script the tables stand: nothing of the content is hidden, and every data cell has a header. */
static void tables_are_accessible(void **state)
{
	(void)state;
	char *page = page_of(sample_report());
	cut(page, "<script", "</script>");
	cut(page, "<style>", "</style>");
	/* Only charts are hidden, and they are empty. */
	assert_int_equal(occurrences(page, " hidden"), occurrences(page, "<figure class=\"chart\""));
	assert_int_equal(occurrences(page, "<table"), occurrences(page, "<caption"));
	assert_int_equal(occurrences(page, "<th ") + occurrences(page, "<th>"), occurrences(page, "<th scope="));
	static const char *const landmarks[] = {"<main>", "<nav aria-label=", "<header", "<footer>", "role=\"region\""};
	for (size_t i = 0; i < sizeof landmarks / sizeof *landmarks; i++)
		assert_non_null(strstr(page, landmarks[i]));
	/* Each mark has its word beside it or read aloud. */
	assert_true(occurrences(page, "class=\"aside\">broken as stated</span>") >= 2);
	assert_non_null(strstr(page, "class=\"aside\">seen to break</span>"));
	free(page);
}

static void broken_contracts_come_first(void **state)
{
	(void)state;
	json_t *report = sample_report();
	assert_int_equal(facts_broken(report), 0);
	add_contract(report, "counter/atomic", "exact_at_rest", "claimed", "refuted", "native two");
	assert_int_equal(facts_broken(report), 1);
	add_contract(report, "counter/volatile", "race_free", "missing", "upheld", "explore two");
	json_t *result = result_new("counter/mutex", "two", "native", "gcc");
	result_judge(result, "bug", "clean", "seen");
	node_append(node_get(report, "results"), result);
	node_set(json_array_get(node_get(report, "batches"), 0), "as_stated", json_false());
	node_set(json_array_get(node_get(report, "batches"), 0), "seen", json_pack("[s, s]", "one", "two"));
	assert_int_equal(facts_broken(report), 4);
	assert_int_equal(render_markdown(report, scratch("summary.md")), 0);
	char *text = read_text(scratch("summary.md"));
	assert_int_equal(strncmp(text, "# 4 contracts broken. ", 22), 0);
	assert_non_null(strstr(text, "plain\\_global did not keep what its parts claim; seen: one; two."));
	assert_true(strstr(text, "counter/atomic claims exact\\_at\\_rest, and it is refuted") < strstr(text, "## Right?"));
	free(text);
	char *page = page_of(report);
	assert_non_null(strstr(page, "<h1 id=\"headline\">4 contracts broken. "));
	assert_true(strstr(page, "class=\"alarms\"") < strstr(page, "id=\"right\""));
	free(page);
}

static void headlines_say_only_what_was_measured(void **state)
{
	(void)state;
	json_t *report = report_new(1), *facts = facts_gather(report);
	assert_string_equal(node_string(facts, "headline"), "This report holds no results.");
	json_decref(facts);
	json_t *result = result_new("counter/atomic", "two", "native", "gcc");
	result_judge(result, "not-found", "clean", "sampled");
	node_append(node_get(report, "results"), result);
	facts = facts_gather(report);
	assert_string_equal(node_string(facts, "headline"), "No race was seen. ");
	json_decref(facts);
	node_set(report, "partial", json_true());
	facts = facts_gather(report);
	assert_string_equal(node_string(facts, "headline"), "Only a part was measured. No race was seen. ");
	assert_string_equal(node_string(facts, "tone"), "partial");
	json_decref(facts);
	json_decref(report);
}

static void an_interrupted_run_fails_in_junit(void **state)
{
	(void)state;
	for (int partial = 0; partial < 2; partial++) {
		json_t *report = report_new(1);
		json_object_set_new(report, "partial", json_boolean(partial));
		assert_int_equal(render_junit(report, scratch("junit.xml")), 0);
		char *xml = read_text(scratch("junit.xml"));
		assert_int_equal(strstr(xml, "name=\"the whole plan was run\"") != NULL, partial);
		assert_int_equal(strstr(xml, "failures=\"1\"") != NULL, partial);
		free(xml);
		json_decref(report);
	}
}

static void costs_are_medians_of_repetitions(void **state)
{
	(void)state;
	json_t *report = sample_report(), *facts = facts_gather(report);
	const json_t *row = facts_cost(facts, "counter/atomic", "increment", 1, "");
	assert_true(node_number(row, "ns", 0) == 2.6);
	assert_true(node_number(row, "ratio", 0) == 1.04);
	assert_true(node_number(row, "least", 0) == 2.4 && node_number(row, "most", 0) == 9.9);
	assert_non_null(facts_cost(facts, "counter/atomic", "increment", 2, "")); /* "/real_time" after the threads */
	assert_non_null(facts_cost(facts, "floor", "lock_xadd", 1, ""));
	assert_null(facts_cost(facts, "counter/atomic", "increment", 4, ""));
	const json_t *choice = json_array_get(node_get(facts, "choices"), 0);
	assert_true(node_number(choice, "batches", 0) == 2 && node_number(choice, "loaded_twice", 0) == 1);
	assert_true(node_number(choice, "miscounted", 0) == 1 && node_number(choice, "models_most", 0) == 3);
	json_decref(facts);
	json_decref(report);
}

/* Batches that did not break a promise say nothing about one that no part claims. */
static void choices_hold_only_what_is_claimed(void **state)
{
	(void)state;
	json_t *report = sample_report();
	add_contract(report, "counter/naive", "exact_at_rest", "missing", "unshown", "");
	add_contract(report, "counter/atomic", "exact_at_rest", "claimed", "upheld", "native rest");
	node_set(json_array_get(node_get(report, "batches"), 0), "counted", json_integer(200));
	json_t *facts = facts_gather(report);
	const json_t *naive = json_array_get(node_get(facts, "choices"), 0),
		     *atomic = json_array_get(node_get(facts, "choices"), 1);
	assert_string_equal(node_string(naive, "counter"), "naive");
	assert_int_equal(facts_choice_standing(facts, naive, CHOICE_COUNT), STANDING_UNSHOWN);
	assert_int_equal(facts_choice_standing(facts, naive, CHOICE_LOADS), STANDING_AS_STATED);
	assert_int_equal(facts_choice_standing(facts, atomic, CHOICE_COUNT), STANDING_HOLDS);
	json_decref(facts);
	json_decref(report);
}

static json_t *cost_row(const char *name, double ns, const char *host)
{
	return node_must(json_pack("{s:s, s:f, s:f, s:s, s:i}", "name", name, "wall_ns_per_op", ns, "ratio_to_floor", ns, "host",
		host, "oversubscribed", 0));
}

/* A row whose repetition refuted a claim breaks a contract in every form of the report. */
static void refuted_costs_are_broken_contracts(void **state)
{
	(void)state;
	json_t *report = sample_report(), *rows = node_get(node_get(report, "benchmarks"), "benchmarks");
	for (size_t i = 2; i < 5; i++)
		node_set(json_array_get(rows, i), "broken", json_string("lost 5 of 64 increments"));
	assert_int_equal(facts_broken(report), 1);
	assert_int_equal(render_markdown(report, scratch("summary.md")), 0);
	char *text = read_text(scratch("summary.md"));
	assert_non_null(strstr(text, "counter/atomic, timed in increment with 1 thread: lost 5 of 64 increments."));
	assert_non_null(strstr(text, "| **!** 2.60 ns"));
	free(text);
	struct junit_counts counts = parse_junit(json_incref(report));
	assert_int_equal(counts.failures, 1);
	assert_int_equal(counts.said_failures, 1);
	char *page = page_of(report);
	assert_non_null(strstr(page, "title=\"lost 5 of 64 increments\""));
	assert_true(strstr(page, "lost 5 of 64 increments") < strstr(page, "id=\"right\""));
	free(page);
}

/* Two machines have two prices, and neither is the median of both. */
static void costs_of_machines_stay_apart(void **state)
{
	(void)state;
	json_t *report = sample_report(), *rows = node_get(node_get(report, "benchmarks"), "benchmarks");
	json_array_clear(rows);
	node_append(rows, cost_row("counter/atomic/increment/threads:1", 2, "here"));
	node_append(rows, cost_row("counter/atomic/increment/threads:1", 40, "there"));
	json_t *facts = facts_gather(report);
	assert_true(node_number(facts_cost(facts, "counter/atomic", "increment", 1, "here"), "ns", 0) == 2);
	assert_true(node_number(facts_cost(facts, "counter/atomic", "increment", 1, "there"), "ns", 0) == 40);
	assert_non_null(strstr(node_string(facts, "headline"), "costs 2.00× the floor"));
	json_decref(facts);
	/* Nothing costs less than the least that is possible. */
	json_t *below = sample_report();
	json_array_clear(node_get(node_get(below, "benchmarks"), "benchmarks"));
	node_append(node_get(node_get(below, "benchmarks"), "benchmarks"),
		cost_row("counter/atomic/increment/threads:1", 0.6, "here"));
	facts = facts_gather(below);
	assert_non_null(strstr(node_string(facts, "headline"), "costs 1× the floor"));
	json_decref(facts);
	json_decref(below);
	assert_int_equal(render_markdown(report, scratch("summary.md")), 0);
	char *text = read_text(scratch("summary.md"));
	assert_non_null(
		strstr(text, "**counter increment** on A\n\n|  | 1 thread |\n|---|--:|\n| counter/atomic | 2.00 ns (2.00×) |"));
	assert_non_null(
		strstr(text, "**counter increment** on B\n\n|  | 1 thread |\n|---|--:|\n| counter/atomic | 40.0 ns (40.0×) |"));
	free(text);
	char *page = page_of(report);
	assert_non_null(strstr(page, "<caption class=shown>counter increment, machine A</caption>"));
	assert_non_null(strstr(page, "<caption class=shown>counter increment, machine B</caption>"));
	free(page);
}

/* The benchmark knows the CPU quota; the number of cores in the affinity mask does not overrule it. */
static void crowded_columns_are_the_rows_own(void **state)
{
	(void)state;
	json_t *report = sample_report(), *rows = node_get(node_get(report, "benchmarks"), "benchmarks");
	json_array_clear(rows);
	node_set(node_get(report, "host"), "cores_usable", json_integer(8));
	json_t *row = node_append(rows, cost_row("counter/atomic/increment/threads:2", 2, ""));
	node_set(row, "oversubscribed", json_real(1));
	char *page = page_of(json_incref(report));
	assert_int_equal(occurrences(page, "more than there are cores"), 1);
	assert_int_equal(occurrences(page, "class=\"cost over\""), 1);
	free(page);
	node_set(row, "oversubscribed", json_real(0));
	node_set(node_get(report, "host"), "cores_usable", json_integer(1));
	page = page_of(report);
	assert_int_equal(occurrences(page, "more than there are cores"), 0);
	free(page);
}

/* What an engine reported and its judge did not take up is kept for readers of the JSON; it is no finding. */
static void raw_findings_are_no_findings(void **state)
{
	(void)state;
	json_t *report = sample_report(), *result = json_array_get(node_get(report, "results"), 0);
	node_set(result, "as_expected", json_false());
	node_set(result, "raw_findings",
		json_pack("[{s:s, s:s, s:[], s:[]}]", "kind", "data-race", "message", "only raw", "refutes", "locations"));
	assert_int_equal(render_junit(report, scratch("raw.xml")), 0);
	char *text = read_text(scratch("raw.xml"));
	assert_non_null(strstr(text, "an update was lost"));
	assert_null(strstr(text, "only raw"));
	free(text);
	char *page = page_of(report);
	assert_non_null(strstr(page, "an update was lost"));
	assert_null(strstr(page, "only raw"));
	free(page);
}

static void words_stay_true(void **state)
{
	(void)state;
	assert_string_equal(share_words(0, 10).text, "never");
	assert_string_equal(share_words(10, 10).text, "always");
	assert_string_equal(share_words(999999, 1000000).text, "99.9 %");
	assert_string_equal(share_words(1, 41000).text, "1 in 41,000");
	assert_string_equal(count_words(1234567).text, "1,234,567");
	assert_string_equal(count_words(123).text, "123");
	assert_string_equal(time_words(0.257).text, "0.257 ns");
	assert_string_equal(time_words(2512).text, "2.51 µs");
	assert_string_equal(ratio_words(310.2).text, "310×");
	assert_string_equal(bytes_words(4194304).text, "4.0 MiB");
	assert_string_equal(anchor_words("counter/naive").text, "counter-naive");
	assert_string_equal(anchor_words("a\"><b").text, "a223e3cb");
}

static void the_summary_links_to_nothing(void **state)
{
	(void)state;
	static const char *const links[] = {"https://evil.example", "HTTP://evil.example", "ftp://x.example", "www.evil.example",
		"WWW.evil.example", "@somebody", "mail me@evil.example", "mailto:me", "xmpp:me"};
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		json_t *report = sample_report();
		node_set(node_get(report, "host"), "cpu", node_text(links[i]));
		assert_int_equal(render_markdown(report, scratch("links.md")), 0);
		json_decref(report);
		char *text = read_text(scratch("links.md"));
		static const char *const starts[] = {"://", "www.e", "WWW.e", "@s", "@e", "mailto:m", "xmpp:m"};
		for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
			if (strstr(text, starts[k]))
				fail_msg("%s starts a link", links[i]);
		assert_non_null(strstr(text, "&#8203;"));
		free(text);
	}
}

static void the_summary_fits_a_job_summary(void **state)
{
	(void)state;
	json_t *report = hostile_report();
	char subject[400], long_text[5000];
	memset(long_text, 'x', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	for (int i = 0; i < 2000; i++) {
		snprintf(subject, sizeof subject, "counter/%d%.200s", i, long_text);
		json_t *result = result_new(subject, long_text, "native", "gcc");
		result_judge(result, "bug", "clean", long_text);
		node_append(node_get(report, "results"), result);
		add_contract(report, subject, "no_lost_update", "claimed", "refuted", long_text);
		char name[500];
		snprintf(name, sizeof name, "%.380s/increment/threads:1", subject);
		node_append(node_get(node_get(report, "benchmarks"), "benchmarks"),
			json_pack("{s:s, s:f}", "name", name, "wall_ns_per_op", 2.0));
	}
	for (int i = 0; i < 700; i++) {
		snprintf(subject, sizeof subject, "%d%.390s", i, long_text);
		node_append(node_get(report, "batches"),
			json_pack("{s:s, s:s, s:s}", "initialiser", subject, "counter", long_text, "progress", long_text));
	}
	assert_int_equal(render_markdown(report, scratch("big.md")), 0);
	struct stat info;
	assert_int_equal(stat(scratch("big.md"), &info), 0);
	assert_true(info.st_size < 1024 * 1024);
	char *text = read_text(scratch("big.md"));
	assert_non_null(strstr(text, "more rows did not fit"));
	/* No markup from outside: no HTML, no link, no row or heading that the report's text began. */
	assert_null(strstr(text, "<"));
	assert_null(strstr(text, "[x]("));
	assert_null(strstr(text, "\n# title"));
	free(text);
	json_decref(report);
}

static int attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return atoi(attributes[1]);
	return -1;
}

static void on_start(void *data, const char *name, const char **attributes)
{
	struct junit_counts *counts = data;
	if (counts->depth++ == 0) {
		counts->roots += strcmp(name, "testsuites") == 0;
		counts->said_tests = attribute(attributes, "tests");
		counts->said_failures = attribute(attributes, "failures");
		counts->said_skipped = attribute(attributes, "skipped");
	}
	counts->suites += strcmp(name, "testsuite") == 0;
	counts->cases += strcmp(name, "testcase") == 0;
	counts->failures += strcmp(name, "failure") == 0;
	counts->skipped += strcmp(name, "skipped") == 0;
}

static void on_end(void *data, const char *name)
{
	(void)name;
	((struct junit_counts *)data)->depth--;
}

static struct junit_counts parse_junit(json_t *report)
{
	assert_int_equal(render_junit(report, scratch("junit.xml")), 0);
	json_decref(report);
	char *text = read_text(scratch("junit.xml"));
	struct junit_counts counts = {0};
	XML_Parser parser = XML_ParserCreate(NULL);
	XML_SetUserData(parser, &counts);
	XML_SetElementHandler(parser, on_start, on_end);
	if (XML_Parse(parser, text, (int)strlen(text), 1) != XML_STATUS_OK)
		print_error("line %lu: %s\n", XML_GetCurrentLineNumber(parser), XML_ErrorString(XML_GetErrorCode(parser)));
	assert_int_equal(XML_GetErrorCode(parser), XML_ERROR_NONE);
	XML_ParserFree(parser);
	free(text);
	return counts;
}

static void junit_counts_what_it_holds(void **state)
{
	(void)state;
	json_t *report = sample_report();
	json_t *result = result_new("counter/mutex", "two", "native", "gcc");
	result_judge(result, "bug", "clean", "seen");
	node_append(node_get(report, "results"), result);
	json_t *batch = json_array_get(node_get(report, "batches"), 2);
	node_set(batch, "as_stated", json_false());
	node_set(batch, "seen", json_pack("[s]", "totals_add_up: counted 3 of 4"));
	struct junit_counts counts = parse_junit(report);
	char *text = read_text(scratch("junit.xml"));
	assert_non_null(strstr(text, "classname=\"pipeline/atomic+atomic+monotone\" name=\"8 workers, 200 items"));
	assert_non_null(
		strstr(text, "1 of 1 batches did not keep what their parts claim; seen: totals_add_up: counted 3 of 4\">"));
	free(text);
	assert_int_equal(counts.roots, 1);
	assert_int_equal(counts.suites, 3);
	assert_int_equal(counts.cases, 15); /* 7 results, 6 contracts, 2 choices */
	assert_int_equal(counts.failures, 2);
	assert_int_equal(counts.skipped, 3); /* one skipped result, two unshown contracts */
	assert_int_equal(counts.said_tests, counts.cases);
	assert_int_equal(counts.said_failures, counts.failures);
	assert_int_equal(counts.said_skipped, counts.skipped);
}

static void junit_survives_hostile_text(void **state)
{
	(void)state;
	struct junit_counts counts = parse_junit(hostile_report());
	assert_int_equal(counts.roots, 1);
	assert_int_equal(counts.said_tests, counts.cases);
}

static void renderers_report_what_cannot_be_written(void **state)
{
	(void)state;
	json_t *report = sample_report();
	assert_int_equal(render_html(report, scratch("nowhere/index.html")), ENOENT);
	assert_int_equal(render_markdown(report, scratch("nowhere/summary.md")), ENOENT);
	assert_int_equal(render_junit(report, scratch("nowhere/junit.xml")), ENOENT);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_holds_everything),
		cmocka_unit_test(the_headline_counts_what_is_undecided),
		cmocka_unit_test(green_choices_are_folded),
		cmocka_unit_test(green_pipelines_are_folded),
		cmocka_unit_test(interleavings_are_tables),
		cmocka_unit_test(the_page_loads_nothing),
		cmocka_unit_test(hostile_text_stays_text),
		cmocka_unit_test(tables_are_accessible),
		cmocka_unit_test(broken_contracts_come_first),
		cmocka_unit_test(headlines_say_only_what_was_measured),
		cmocka_unit_test(an_interrupted_run_fails_in_junit),
		cmocka_unit_test(costs_are_medians_of_repetitions),
		cmocka_unit_test(choices_hold_only_what_is_claimed),
		cmocka_unit_test(refuted_costs_are_broken_contracts),
		cmocka_unit_test(costs_of_machines_stay_apart),
		cmocka_unit_test(crowded_columns_are_the_rows_own),
		cmocka_unit_test(raw_findings_are_no_findings),
		cmocka_unit_test(words_stay_true),
		cmocka_unit_test(the_summary_links_to_nothing),
		cmocka_unit_test(the_summary_fits_a_job_summary),
		cmocka_unit_test(junit_counts_what_it_holds),
		cmocka_unit_test(junit_survives_hostile_text),
		cmocka_unit_test(renderers_report_what_cannot_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
