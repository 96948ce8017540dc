/* SPDX-License-Identifier: MIT */
/* The price list: what a file of several processes says, what an older or damaged one lacks, machines, and merges of runs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "facts.h"
#include "merge.h"
#include "node.h"
#include "pool.h"
#include "render.h"
#include "result.h"
#include "test_support.h"

static json_t *benchmarks_of(json_t *report)
{
	return node_get(report, "benchmarks");
}

static json_t *rows_of(json_t *report)
{
	return node_get(benchmarks_of(report), "benchmarks");
}

/* One repetition of the row NAME in PROCESS. */
static json_t *repetition(const char *name, int process, double ns, double ratio)
{
	return node_must(json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:s}", "name", name, "run_name",
		name, "run_type", "iteration", "process", process, "real_time", ns, "cpu_time", ns, "time_unit", "ns", "ops", 1e6,
		"wall_ns_per_op", ns, "cpu_ns_per_op", ns, "ratio_to_floor", ratio, "oversubscribed", 0.0, "floor",
		"floor/lock_xadd/threads:1"));
}

/* A deterministic value that wavers about BASE. */
static double wavering(int process, double base)
{
	return base * (1 + 0.001 * (double)((process * 7919) % 23));
}

/* FROM to TO - 1 as processes from 0 on of a run that began at DATE; two rows, and what aggregates they have. */
static json_t *run_of(int from, int to, const char *date)
{
	static const char *const names[] = {"counter/atomic/increment/threads:1", "counter/naive/increment/threads:1"};
	json_t *report = report_new(7), *benchmarks = node_must(json_object()), *rows = node_must(json_array());
	node_set(report, "benchmarks", benchmarks);
	node_set(benchmarks, "context",
		json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:{s:s, s:b}}", "date", date, "plan", "default", "onceproof_version",
			"0.1.0", "compiler", "gcc 12.2.0", "processes", to - from, "partial", "false", "machine", "class",
			"2 cores, virtual", "loaded", 0));
	node_set(benchmarks, "benchmarks", rows);
	for (size_t i = 0; i < 2; i++) {
		json_t *own = node_must(json_array());
		for (int process = from; process < to; process++) {
			/* The second row runs in one of two ways. */
			double ns = wavering(process, i == 1 && process % 3 == 0 ? 2.4 : 0.5 + 2 * (double)(1 - i));
			json_t *line = repetition(names[i], process - from, ns, ns / 2.5);
			if (i == 1)
				node_set(line, "lost", json_real(1e5));
			node_append(own, line);
		}
		json_array_extend(rows, own);
		pool_aggregates(rows, own, NULL);
		json_decref(own);
	}
	node_set(benchmarks, "distributions",
		json_pack("[{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:[[f,i],[f,i]]}]", "name",
			"counter/atomic/increment_latency/threads:2", "unit", "ns", "count", 100, "p50", 10.0, "p90", 10.0, "p99",
			10.0, "p999", 500.0, "max", 500.0, "buckets", 10.0, 99, 500.0, 1));
	return report;
}

static json_t *line_of(json_t *report, const char *name)
{
	size_t i;
	json_t *line;
	json_array_foreach(rows_of(report), i, line)
		if (strcmp(node_string(line, "name"), name) == 0)
			return line;
	return NULL;
}

static size_t lines_of(json_t *report, const char *name)
{
	size_t i, count = 0;
	const json_t *line;
	json_array_foreach(rows_of(report), i, line)
		count += strcmp(node_string(line, "name"), name) == 0;
	return count;
}

static void has(const char *text, const char *wanted)
{
	if (!strstr(text, wanted))
		print_error("missing: %s\n", wanted);
	assert_non_null(strstr(text, wanted));
}

/* Elements end in the order in which they began, no id is there twice, and attributes are well formed. */
static void is_well_formed(const char *page)
{
	static const char *const empty[] = {"meta", "wbr", "br", "input", "col", "hr", "img", NULL};
	char open[64][16];
	size_t depth = 0;
	json_t *ids = node_must(json_object());
	for (const char *at = strchr(page, '<'); at; at = strchr(at, '<')) {
		char name[16] = "";
		if (strncmp(at, "<!DOCTYPE html>", 15) == 0) {
			at++;
			continue;
		}
		bool closing = at[1] == '/';
		assert_int_equal(sscanf(at + 1 + closing, "%15[a-z0-9]", name), 1);
		const char *end = at;
		while (*end != '>') {
			const char *quote = end + strcspn(end, "\">");
			end = *quote == '"' ? strchr(quote + 1, '"') + 1 : quote;
		}
		const char *id = strstr(at, " id=\"");
		if (id && id < end) {
			char text[128];
			assert_int_equal(sscanf(id, " id=\"%127[^\"]", text), 1);
			if (node_get(ids, text))
				print_error("two elements have the id %s\n", text);
			assert_null(node_get(ids, text));
			node_set(ids, text, json_true());
		}
		bool is_empty = false;
		for (size_t i = 0; empty[i]; i++)
			is_empty = is_empty || strcmp(empty[i], name) == 0;
		if (closing) {
			assert_true(depth > 0);
			if (strcmp(open[depth - 1], name) != 0)
				print_error("</%s> ends <%s>: %.60s\n", name, open[depth - 1], at);
			assert_string_equal(open[--depth], name);
		} else if (!is_empty) {
			assert_true(depth < 64);
			snprintf(open[depth++], sizeof open[0], "%s", name);
		}
		at = end;
		/* What is in these is no markup. */
		if (!closing && (strcmp(name, "script") == 0 || strcmp(name, "style") == 0)) {
			char stop[24];
			snprintf(stop, sizeof stop, "</%s>", name);
			at = strstr(at, stop);
			assert_non_null(at);
		}
	}
	assert_int_equal(depth, 0);
	json_decref(ids);
}

/* The page of REPORT, which it takes over; freed by the caller. */
static char *page_of(json_t *report)
{
	assert_int_equal(render_html(report, scratch("index.html")), 0);
	json_decref(report);
	char *page = read_text(scratch("index.html"));
	is_well_formed(page);
	return page;
}

static char *summary_of(json_t *report)
{
	assert_int_equal(render_markdown(report, scratch("summary.md")), 0);
	return read_text(scratch("summary.md"));
}

static void prices_have_intervals_and_modes(void **state)
{
	(void)state;
	json_t *report = run_of(0, 10, "2026-01-01"), *facts = facts_gather(report);
	json_t *median = line_of(report, "counter/atomic/increment/threads:1_median");
	const json_t *cost = facts_cost(facts, "counter/atomic", "increment", 1, "");
	assert_true(node_number(cost, "ns", 0) == node_number(median, "wall_ns_per_op", -1));
	assert_true(node_number(cost, "low", 0) == node_number(median, "low", -1) && node_number(cost, "low", 0) > 2.5);
	assert_true(node_number(cost, "ratio_high", 0) == node_number(median, "ratio_high", -1));
	assert_true(node_number(cost, "processes", 0) == 10);
	cost = facts_cost(facts, "counter/naive", "increment", 1, "");
	assert_int_equal(json_array_size(node_get(cost, "modes")), 2);
	assert_true(fabs(node_number(cost, "lost", 0) - 0.1) < 1e-12);
	json_decref(facts);
	node_set(line_of(report, "counter/atomic/increment/threads:1"), "implausible", json_string("less CPU time than none"));
	char *text = summary_of(report), *page = page_of(report);
	has(page, "2 cores, virtual; 10 processes");
	has(page, "two modes: 0.504 ns in 6 of 10, 2.44 ns in 4</small>");
	has(page, "<small class=\"lost\">loses 10 %</small>");
	has(page, "cannot be true");
	has(page, "95 % interval of the median over processes");
	has(text, "2 cores, virtual; 10 processes; gcc 12.2.0");
	has(text, "loses 10 %, two modes: 0.504 ns in 60 %, 2.44 ns in 40 %");
	free(text);
	free(page);
}

static void older_files_have_their_repetitions(void **state)
{
	(void)state;
	char *page = page_of(sample_report());
	has(page, "the least and the most of the repetitions");
	has(page, "<b>2.60 ns</b> <small class=\"ci range\">2.40–9.90</small>");
	assert_null(strstr(page, "95 % interval of the median over processes"));
	free(page);
}

/* Too few processes for an interval: none is printed, and the repetitions' range does not stand in its place. */
static void few_processes_have_no_interval(void **state)
{
	(void)state;
	json_t *report = run_of(0, 5, "2026-01-01"), *line = line_of(report, "counter/atomic/increment/threads:1_median");
	static const char *const none[] = {"low", "high", "ratio_low", "ratio_high"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		node_set(line, none[i], json_real(0));
		node_set(line_of(report, "counter/naive/increment/threads:1_median"), none[i], json_real(0));
	}
	char *text = summary_of(report), *page = page_of(report);
	const char *row = strstr(page, "<tr data-filter=\"counter/atomic\"><th scope=\"row\"><a");
	assert_non_null(row);
	has(row, " ns</b><small>1.0");
	has(page, "too few processes for intervals");
	assert_null(strstr(page, "class=\"ci"));
	assert_null(strstr(page, "0.00–"));
	assert_null(strstr(text, "0.00–"));
	assert_null(strstr(text, "["));
	free(text);
	free(page);
}

static void what_was_not_measured_says_why(void **state)
{
	(void)state;
	json_t *report = run_of(0, 3, "2026-01-01");
	node_append(rows_of(report), json_pack("{s:s, s:b, s:s}", "name", "counter/peer_ck_fas/increment/threads:1",
					     "error_occurred", 1, "error_message", "skipped: libck-dev was not there"));
	node_set(node_get(benchmarks_of(report), "context"), "peers",
		json_pack("[{s:s, s:n, s:s}, {s:s, s:s, s:n}]", "name", "counter/peer_ck_fas", "version", "missing",
			"libck-dev was not there", "name", "counter/atomic", "version", "builtin 12", "missing"));
	node_set(node_get(benchmarks_of(report), "context"), "partial", json_string("true"));
	char *page = page_of(report);
	has(page, "Not measured: ck_fas: libck-dev was not there.");
	has(page, "<td>no: libck-dev was not there</td>");
	has(page, "<small>builtin 12</small>");
	has(page, "partial: stopped before the end");
	free(page);
}

/* A file of prices alone: what this version's implementations promise is known all the same. */
static void prices_alone_know_right_from_wrong(void **state)
{
	(void)state;
	json_t *report = run_of(0, 10, "2026-01-01"), *facts = facts_gather(report);
	assert_true(facts_right(facts_subject(facts, "counter/atomic"), "no_lost_update"));
	assert_true(facts_wrong(facts_subject(facts, "counter/naive")));
	const json_t *list = json_array_get(node_get(facts, "shorts"), 0);
	assert_string_equal(node_string(list, "verdict"), "right costs 4.99× as much as wrong");
	assert_string_equal(node_string(facts, "headline"), "An increment that returns its step costs 1× the floor.");
	json_decref(facts);
	node_set(node_get(report, "host"), "onceproof", json_string("0.0.0"));
	facts = facts_gather(report);
	assert_null(facts_subject(facts, "counter/atomic"));
	assert_int_equal(json_array_size(node_get(facts, "shorts")), 0);
	assert_string_equal(node_string(facts, "headline"), "2 prices.");
	json_decref(facts);
	json_decref(report);
}

/* Sizes, crossings and first use as the studies tell them. */
static void studies_are_tables_and_curves(void **state)
{
	(void)state;
	json_t *report = run_of(0, 3, "2026-01-01");
	node_set(benchmarks_of(report), "studies",
		json_pack("{s:{s:[{s:s, s:i, s:n, s:n}, {s:s, s:s}], s:[s]}}", "sizes", "rows", "subject", "counter/atomic",
			"bytes_instance", 64, "code_bytes", "missing", "subject", "counter/peer_x", "missing", "no library",
			"notes", "A note."));
	json_t *studies = node_get(benchmarks_of(report), "studies");
	node_set(studies, "crossings",
		json_pack("{s:f, s:s, s:[{s:s, s:i, s:s, s:f, s:f, s:f, s:[{s:f, s:f}]}, {s:s, s:s, s:[]}], s:[{s:s, s:s}]}",
			"limit", 0.05, "against", "nothing", "choices", "choice", "a+b+c", "threads", 2, "found", "between",
			"item_ns", 2000.0, "low", 1000.0, "high", 3000.0, "points", "item_ns", 1000.0, "overhead", -0.01,
			"choice", "d+e+f", "found", "below", "points", "missing", "choice", "g+h+i", "why", "not here"));
	node_set(studies, "first_use",
		json_pack("{s:i, s:[{s:s, s:[{s:f, s:f, s:f, s:f}]}, {s:s, s:[{s:f, s:f, s:f}]}]}", "workers", 2, "choices",
			"initialiser", "naive", "points", "load_ns", 1000.0, "all_have_ns", 2000.0, "ratio", 2.0, "extra_loads",
			1.0, "initialiser", "peer_other", "points", "load_ns", 500.0, "all_have_ns", 600.0, "ratio", 1.2));
	char *page = page_of(report);
	has(page, "<td class=\"n\">64 B</td>");
	has(page, "<td colspan=\"5\" class=\"none\">no library</td>");
	has(page, "From items of 3.00 µs on, none of these adds more than 5 %.");
	has(page, "<b>2.00 µs</b></td><td class=\"n\">1.00 µs to 3.00 µs</td>");
	has(page, "<b>never</b>");
	has(page, "Not measured: g+h+i: not here.");
	has(page, ">load of 500 ns</th><th scope=\"col\" class=\"n\">load of 1.00 µs</th>");
	has(page, "2.00 µs<small>2.00× the load</small><small class=\"lost\">1 extra load</small>");
	has(page, "<th scope=\"row\">other</th><td class=\"n\">600 ns");
	free(page);
}

static void nothing_timed_is_said(void **state)
{
	(void)state;
	json_t *report = sample_report();
	node_set(report, "benchmarks", json_object());
	char *text = summary_of(report), *page = page_of(report);
	has(page, "Nothing was timed for this report.");
	assert_null(strstr(text, "## Fast?"));
	free(text);
	free(page);
	report = report_new(1);
	node_set(report, "benchmarks", json_pack("{s:{}, s:[]}", "context", "benchmarks"));
	free(page_of(report));
}

/* A machine of COUNT CPUs in the context of REPORT. */
static void give_machine(json_t *report, int count)
{
	json_t *cpus = node_must(json_array()), *trips = node_must(json_array());
	for (int row = 0; row < count; row++) {
		json_t *line = node_append(trips, json_array());
		node_append(cpus, json_integer(row * 2));
		for (int column = 0; column < count; column++)
			node_append(line, row == column || row + column == 5 ? json_null() : json_real(50 + row + column));
	}
	node_set(node_get(benchmarks_of(report), "context"), "machine",
		json_pack("{s:s, s:s, s:f, s:{s:o, s:o}, s:{s:f, s:f}, s:n, s:b, s:{s:b, s:s}, s:[s, s]}", "cpu_model",
			"A processor", "class", "a phrase", "cycle_ns", 0.3, "ping_pong", "cpus", cpus, "round_trip_ns", trips,
			"wake_ns", "p50", 25000.0, "p99", 90000.0, "quota", "loaded", 1, "perf", "available", 0, "why",
			"no rights", "notes", "One.", "Two."));
}

static size_t occurrences(const char *text, const char *needle)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle))
		count++;
	return count;
}

static void the_heat_map_has_each_pair_once(void **state)
{
	(void)state;
	for (int count = 2; count <= 64; count *= 2) {
		json_t *report = run_of(0, 3, "2026-01-01");
		give_machine(report, count);
		char *page = page_of(report);
		size_t pairs = (size_t)(count * (count - 1) / 2), holes = count > 5 ? 3 : count > 3 ? 1 : 0;
		assert_int_equal(occurrences(page, " title=\"CPU "), pairs - holes);
		assert_int_equal(occurrences(page, "class=\"heat dense\""), count > 20);
		has(page, "title=\"CPU 2 and 0: 51 ns\">51</td>");
		has(page, "waking a sleeping thread");
		has(page, "perf counters <b>no</b>: no rights");
		has(page, "loaded: other programs took CPU time");
		has(page, "<li>Two.</li>");
		free(page);
	}
	json_t *report = run_of(0, 3, "2026-01-01");
	give_machine(report, 1);
	char *page = page_of(report);
	has(page, "a ping-pong takes two");
	free(page);
}

/* Each cost of the machine is there once, and says what kind of cost it is; what is not known is said in one phrase. */
static void the_machine_is_told_once(void **state)
{
	(void)state;
	json_t *report = run_of(0, 3, "2026-01-01");
	give_machine(report, 2);
	json_t *machine = node_get(node_get(benchmarks_of(report), "context"), "machine");
	node_set(machine, "class", json_string("2 cores, virtual, ping-pong 52 ns, wake 25 us"));
	node_set(node_get(machine, "ping_pong"), "median_ns", json_real(52));
	node_set(machine, "l1_load_ns", json_real(1.2));
	node_set(machine, "load_branch_ns", json_real(0.13));
	node_set(machine, "others_share", json_null());
	node_set(machine, "steal_share", json_null());
	node_set(machine, "seconds", json_real(0.2));
	node_append(node_get(machine, "notes"), json_string("perf counters: not available: no rights"));
	char *page = page_of(json_deep_copy(report)), *box = strstr(page, "<div class=\"measured\">");
	has(box, "<p class=\"class\">2 cores, virtual</p>");
	has(box, "what a lock pays that sleeps; one in a hundred takes more than 90.0 µs");
	assert_int_equal(occurrences(box, "25.0 µs"), 1);
	assert_int_equal(occurrences(box, "no rights"), 1);
	has(box, "<li>Two.</li>");
	assert_null(strstr(box, "wake 25"));
	has(box, "nearest cache: latency</th>");
	has(box, "predicted branch: throughput</th>");
	has(box, "who else used the CPUs <b>not known</b>: the kernel counts too coarsely");
	*strstr(box, "<script") = '\0';
	assert_null(strstr(box, "unknown"));
	free(page);
	node_set(machine, "seconds", json_real(20));
	page = page_of(json_deep_copy(report));
	has(page, "<b>not known</b>: the kernel’s counts could not be read");
	free(page);
	node_set(machine, "steal_share", json_real(0.01));
	node_set(machine, "others_share", json_real(0.02));
	json_object_del(machine, "wake_ns");
	page = page_of(report);
	has(page, "<li>stolen by the hypervisor <b>1.0 %</b></li>");
	has(page, "<p class=\"class\">2 cores, virtual, wake 25 us</p>");
	assert_null(strstr(page, "not known</b>"));
	free(page);
}

/* Windows that were cut make a busy machine only where its own account does not say that nobody else was there. */
static void a_quiet_machine_is_not_called_busy(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++)
		for (int loaded = 0; loaded < 2; loaded++) {
			json_t *report = run_of(0, 6, "2026-01-01"), *line;
			size_t i;
			json_array_foreach(rows_of(report), i, line) {
				node_set(line, "preempted", json_real(1));
				node_set(line, "cpu_ns_per_op", json_real(0.01));
			}
			node_set(node_get(benchmarks_of(report), "context"), "machine",
				json_pack("{s:b, s:o}", "loaded", loaded, "others_share", known ? json_real(0.01) : json_null()));
			json_t *facts = facts_gather(report), *sentences = node_get(facts, "sentences");
			const char *last = json_string_value(json_array_get(sentences, json_array_size(sentences) - 1));
			assert_int_equal(strstr(last, "The machine was busy") != NULL, !known || loaded);
			json_decref(facts);
			json_decref(report);
		}
}

static void latencies_have_a_table_and_a_curve(void **state)
{
	(void)state;
	json_t *report = run_of(0, 3, "2026-01-01"), *facts = facts_gather(report);
	const json_t *curve = node_get(json_array_get(node_get(facts, "distributions"), 0), "curve");
	/* 99 of 100 operations are two nines. */
	assert_true(fabs(json_number_value(json_array_get(json_array_get(curve, 0), 0)) - 2) < 1e-9);
	assert_true(json_number_value(json_array_get(json_array_get(curve, 0), 1)) == 10);
	assert_true(json_number_value(json_array_get(json_array_get(curve, json_array_size(curve) - 1), 1)) == 500);
	json_decref(facts);
	char *page = page_of(report);
	has(page, "<td class=\"n\">100</td><td class=\"n\">10.0 ns</td><td class=\"n\">10.0 ns</td><td class=\"n\">500 ns</td>");
	has(page, "data-chart=\"latency\"");
	free(page);
}

static void goals_say_where_they_fall_short(void **state)
{
	(void)state;
	json_t *report = run_of(0, 3, "2026-01-01");
	node_set(benchmarks_of(report), "goals",
		json_pack("[{s:s, s:s, s:f, s:f, s:f, s:f, s:s, s:s, s:b, s:b, s:[s, s]}, {s:s, s:s, s:f, s:f, s:s, s:s, s:b, "
			  "s:s}]",
			"subject", "counter/tally", "what", "costs little", "value", 1.2, "low", 1.1, "high", 1.3, "limit", 1.0,
			"better", "less", "kind", "gate", "met", 0, "sure", 1, "rows", "counter/a", "counter/b", "subject",
			"counter/tally", "what", "is quick", "value", 12.0, "limit", 10.0, "better", "more", "kind", "expected",
			"met", 1, "why", "because"));
	char *text = summary_of(report), *page = page_of(report);
	has(page, "Goals <b>1 of 2 met</b>");
	has(page, "id=\"goals\" open>"); /* a gate fell short */
	has(page, "falls short");
	has(page, "counter/a over counter/b");
	has(page, "≥ 10");
	has(text, "Goals: 1 of 2 met.");
	free(text);
	free(page);
}

/* Everything below NODE becomes hostile: texts, and numbers of all sizes. */
static void poison(json_t *node, const char *key)
{
	static const double numbers[] = {1e300, -1, 0, 1e-300, 9e15};
	static size_t next;
	size_t i;
	json_t *value;
	const char *name;
	if (json_is_string(node) && strcmp(key, "name") != 0 && strcmp(key, "run_name") != 0 &&
		strcmp(key, "aggregate_name") != 0)
		json_string_set_nocheck(node, hostile);
	if (json_is_real(node))
		json_real_set(node, numbers[next++ % 5]);
	json_array_foreach(node, i, value)
		poison(value, key);
	json_object_foreach(node, name, value)
		poison(value, name);
}

static void hostile_prices_stay_text(void **state)
{
	(void)state;
	json_t *report = run_of(0, 4, "2026-01-01"), *context = node_get(benchmarks_of(report), "context");
	give_machine(report, 4);
	node_set(context, "peers", json_pack("[{s:s, s:s, s:s}]", "name", "counter/atomic", "version", "1", "missing", "no"));
	node_set(benchmarks_of(report), "goals", json_pack("[{s:s, s:s, s:f}]", "name", "g", "why", "w", "value", 1.0));
	poison(benchmarks_of(report), "");
	node_append(rows_of(report), json_pack("{s:s, s:b, s:s}", "name", "counter/<script>/increment</small>/threads:1",
					     "error_occurred", 1, "error_message", hostile));
	char *text = summary_of(report), *page = page_of(report);
	char *data = strstr(page, "id=\"data\">");
	*data = '\0';
	assert_null(strstr(page, "<script>"));
	assert_null(strstr(page, "<img"));
	assert_null(strstr(page, ":nan"));
	assert_null(strstr(page, ":-nan"));
	assert_null(strstr(page, ":inf"));
	assert_null(strstr(page, ">nan"));
	assert_null(strstr(page, ">inf"));
	assert_null(strstr(text, "<script"));
	free(text);
	free(page);
}

/* Members of other types than they should have are as good as missing. */
static void damaged_prices_do_no_harm(void **state)
{
	(void)state;
	static const char *const members[] = {"context", "distributions", "studies", "goals", "contexts"};
	json_t *wrong[] = {json_integer(5), json_string("x"), json_pack("[[], {}, s, i]", "a", 1), json_pack("{s:[]}", "x"),
		json_pack("[{s:i, s:[], s:{}}]", "name", 3, "value", "buckets")};
	for (size_t m = 0; m < sizeof members / sizeof *members; m++)
		for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
			json_t *report = run_of(0, 3, "2026-01-01");
			node_set(benchmarks_of(report), members[m], json_incref(wrong[w]));
			json_t *merged = report_merge(&report, 1);
			free(summary_of(merged));
			free(page_of(merged));
			free(page_of(report));
		}
	for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++)
		json_decref(wrong[w]);
}

/* Merges ---------------------------------------------------------------------------------------------------------------------------------- */

static void same_number(json_t *a, json_t *b, const char *key)
{
	if (fabs(node_number(a, key, -1) - node_number(b, key, -2)) > 1e-12)
		print_error(
			"%s: %s is %g and %g\n", node_string(a, "name"), key, node_number(a, key, -1), node_number(b, key, -2));
	assert_true(fabs(node_number(a, key, -1) - node_number(b, key, -2)) <= 1e-12);
}

/* Two halves of a run say together what the whole says. */
static void halves_are_pooled(void **state)
{
	(void)state;
	json_t *whole = run_of(0, 12, "2026-01-01"), *halves[] = {run_of(0, 5, "2026-01-01"), run_of(5, 12, "2026-01-02")};
	json_t *merged = report_merge(halves, 2);
	assert_null(node_get(benchmarks_of(merged), "contexts"));
	assert_int_equal(json_array_size(rows_of(merged)), json_array_size(rows_of(whole)));
	static const char *const names[] = {"counter/atomic/increment/threads:1", "counter/naive/increment/threads:1"};
	static const char *const keys[] = {
		"wall_ns_per_op", "low", "high", "ratio_to_floor", "ratio_low", "ratio_high", "processes"};
	for (size_t i = 0; i < 2; i++) {
		char name[96];
		snprintf(name, sizeof name, "%s_median", names[i]);
		assert_int_equal(lines_of(merged, name), 1);
		assert_int_equal(lines_of(merged, names[i]), 12);
		json_t *ours = line_of(merged, name), *theirs = line_of(whole, name);
		for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
			same_number(ours, theirs, keys[k]);
		assert_true(json_equal(node_get(ours, "modes"), node_get(theirs, "modes")) ||
			    node_get(ours, "modes") == node_get(theirs, "modes"));
	}
	json_t *distribution = json_array_get(node_get(benchmarks_of(merged), "distributions"), 0);
	assert_true(node_number(distribution, "count", 0) == 200 && node_number(distribution, "p99", 0) == 10);
	assert_true(node_number(node_get(benchmarks_of(merged), "context"), "processes", 0) == 12);
	/* The first half once more, beside the whole that holds it: nothing is counted twice. */
	json_t *again[] = {merged, halves[0]}, *twice = report_merge(again, 2);
	assert_int_equal(json_array_size(rows_of(twice)), json_array_size(rows_of(merged)));
	same_number(line_of(twice, "counter/naive/increment/threads:1_median"),
		line_of(merged, "counter/naive/increment/threads:1_median"), "high");
	json_decref(twice);
	json_decref(merged);
	json_decref(halves[0]);
	json_decref(halves[1]);
	json_decref(whole);
}

static void other_builds_stay_apart(void **state)
{
	(void)state;
	json_t *runs[] = {run_of(0, 5, "2026-01-01"), run_of(5, 12, "2026-01-02")};
	node_set(node_get(benchmarks_of(runs[1]), "context"), "compiler", json_string("clang 14.0.6"));
	json_t *merged = report_merge(runs, 2);
	assert_int_equal(json_object_size(node_get(benchmarks_of(merged), "contexts")), 2);
	assert_int_equal(lines_of(merged, "counter/atomic/increment/threads:1_median"), 2);
	json_t *facts = facts_gather(merged);
	assert_int_equal(json_array_size(node_get(facts, "machines")), 2);
	json_decref(facts);
	char *page = page_of(json_incref(merged));
	has(page, "<b class=\"label\">A</b>");
	has(page, "gcc 12.2.0");
	has(page, "clang 14.0.6");
	has(page, "counter increment, machine B");
	free(page);
	json_t *once_more = report_merge(&merged, 1);
	assert_true(json_equal(benchmarks_of(once_more), benchmarks_of(merged)));
	json_decref(once_more);
	json_decref(merged);
	json_decref(runs[0]);
	json_decref(runs[1]);
}

/* Each machine keeps its context, its numbers and its ratios. */
static void machines_stand_side_by_side(void **state)
{
	(void)state;
	json_t *runs[] = {run_of(0, 6, "2026-01-01"), run_of(6, 12, "2026-01-02")};
	node_set(node_get(runs[1], "host"), "id", json_string("another"));
	node_set(node_get(benchmarks_of(runs[0]), "context"), "machine", json_pack("{s:s}", "class", "a class"));
	node_set(node_get(benchmarks_of(runs[1]), "context"), "machine", json_pack("{s:s}", "class", "another class"));
	node_set(benchmarks_of(runs[1]), "studies", json_pack("{s:{s:f}}", "machine", "cycle_ns", 0.5));
	json_t *merged = report_merge(runs, 2), *contexts = node_get(benchmarks_of(merged), "contexts");
	assert_string_equal(node_string(node_get(node_get(contexts, "another"), "machine"), "class"), "another class");
	assert_non_null(node_get(node_get(node_get(benchmarks_of(merged), "studies"), "another"), "machine"));
	size_t i, k;
	json_t *line;
	json_array_foreach(rows_of(merged), i, line)
		assert_true(*node_string(line, "host") != '\0');
	json_t *facts = facts_gather(merged);
	for (k = 0; k < 2; k++) {
		json_t *own = line_of(runs[k], "counter/atomic/increment/threads:1_median");
		const json_t *cost =
			facts_cost(facts, "counter/atomic", "increment", 1, node_string(node_get(runs[k], "host"), "id"));
		same_number(own, (json_t *)(uintptr_t)cost, "low");
		assert_true(node_number(cost, "ratio", 0) == node_number(own, "ratio_to_floor", -1));
	}
	json_decref(facts);
	char *text = summary_of(merged), *page = page_of(merged);
	has(text, "- **A**: ");
	has(text, "**counter increment** on B");
	has(page, "another class");
	has(page, "Machine B: ");
	assert_true(occurrences(page, "data-chart=\"latency\"") == 2);
	free(text);
	free(page);
	json_decref(runs[0]);
	json_decref(runs[1]);
}

/* Shards of a run have different rows and the same floors. */
static void shards_are_joined(void **state)
{
	(void)state;
	json_t *shards[] = {run_of(0, 4, "2026-01-01"), run_of(4, 8, "2026-01-01")};
	json_t *rows = rows_of(shards[1]), *line;
	size_t i;
	json_array_foreach(rows, i, line) {
		static const char *const keys[] = {"name", "run_name"};
		for (size_t k = 0; k < 2; k++) {
			const char *name = node_string(line, keys[k]), *rest = strstr(name, "/increment/");
			if (strncmp(name, "counter/naive/", 14) == 0)
				node_set(line, keys[k], json_sprintf("counter/mutex%s", rest));
		}
	}
	json_t *merged = report_merge(shards, 2);
	assert_int_equal(lines_of(merged, "counter/atomic/increment/threads:1"), 8);
	assert_int_equal(lines_of(merged, "counter/atomic/increment/threads:1_median"), 1);
	assert_int_equal(lines_of(merged, "counter/naive/increment/threads:1"), 4);
	assert_true(json_equal(line_of(merged, "counter/naive/increment/threads:1_median"),
		line_of(shards[0], "counter/naive/increment/threads:1_median")));
	assert_int_equal(lines_of(merged, "counter/mutex/increment/threads:1_median"), 1);
	json_decref(merged);
	json_decref(shards[0]);
	json_decref(shards[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_have_intervals_and_modes),
		cmocka_unit_test(older_files_have_their_repetitions),
		cmocka_unit_test(few_processes_have_no_interval),
		cmocka_unit_test(what_was_not_measured_says_why),
		cmocka_unit_test(prices_alone_know_right_from_wrong),
		cmocka_unit_test(studies_are_tables_and_curves),
		cmocka_unit_test(nothing_timed_is_said),
		cmocka_unit_test(the_heat_map_has_each_pair_once),
		cmocka_unit_test(the_machine_is_told_once),
		cmocka_unit_test(a_quiet_machine_is_not_called_busy),
		cmocka_unit_test(latencies_have_a_table_and_a_curve),
		cmocka_unit_test(goals_say_where_they_fall_short),
		cmocka_unit_test(hostile_prices_stay_text),
		cmocka_unit_test(damaged_prices_do_no_harm),
		cmocka_unit_test(halves_are_pooled),
		cmocka_unit_test(other_builds_stay_apart),
		cmocka_unit_test(machines_stand_side_by_side),
		cmocka_unit_test(shards_are_joined),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
