/* SPDX-License-Identifier: MIT */
/* JUnit XML, for what reads test results. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "facts.h"
#include "junit_parts.h"
#include "markup.h"
#include "node.h"
#include "render.h"

/* What a case is; the word in the file. */
enum state { PASSED, FAILED, UNDECIDED };

static enum state result_state(const json_t *result)
{
	const json_t *as_expected = node_get(result, "as_expected");
	return json_is_true(as_expected) ? PASSED : json_is_false(as_expected) ? FAILED : UNDECIDED;
}

static enum state contract_state(const json_t *subject, const char *promise)
{
	switch (facts_standing(subject, promise)) {
	case STANDING_HOLDS:
	case STANDING_AS_STATED:
		return PASSED;
	case STANDING_BROKEN:
		return FAILED;
	default:
		return UNDECIDED;
	}
}

static void count(struct junit_totals *totals, enum state state, double seconds)
{
	totals->tests++;
	totals->failures += state == FAILED;
	totals->skipped += state == UNDECIDED;
	totals->seconds += seconds;
}

/* The findings of a failed result, one a line; places as file:line, which CI systems turn into links. */
static void details(FILE *out, const json_t *result)
{
	size_t i, k;
	const json_t *finding, *place;
	json_array_foreach(node_get(result, "findings"), i, finding) {
		fill(out, "$: $\n", node_string(finding, "kind"), node_string(finding, "message"));
		json_array_foreach(node_get(finding, "locations"), k, place) {
			char line[16];
			snprintf(line, sizeof line, "%.0f", node_number(place, "line", 0));
			fill(out, "  $:$ $\n", node_string(place, "file"), line, node_string(place, "function"));
		}
	}
}

static void result_case(FILE *out, const json_t *result)
{
	const char *host = node_string(result, "host");
	fill(out, "<testcase classname=\"$\" name=\"$ $ ($$$)\" time=\"", node_string(result, "subject"),
		node_string(result, "engine"), node_string(result, "scenario"), node_string(result, "compiler"),
		*host ? ", host " : "", host);
	fprintf(out, "%.6f\">", node_number(result, "seconds", 0));
	switch (result_state(result)) {
	case FAILED:
		fill(out, "<failure type=\"$\" message=\"expected $: $\">", node_string(result, "verdict"),
			node_string(result, "expected"), node_string(result, "evidence"));
		details(out, result);
		fputs("</failure>", out);
		break;
	case UNDECIDED:
		fill(out, "<skipped message=\"$: $\"/>", node_string(result, "verdict"), node_string(result, "evidence"));
		break;
	case PASSED:
		break;
	}
	fputs("</testcase>\n", out);
}

static void contract_case(FILE *out, const json_t *subject, const char *promise, const json_t *contract)
{
	const char *claim = node_string(contract, "claim"), *status = node_string(contract, "status"),
		   *by = node_string(contract, "by");
	fill(out, "<testcase classname=\"$\" name=\"contract $\" time=\"0\">", node_string(subject, "subject"), promise);
	enum state state = contract_state(subject, promise);
	if (state == FAILED)
		fill(out, "<failure type=\"contract\" message=\"$ and $\">$</failure>", claim, status, by);
	else if (state == UNDECIDED)
		fill(out, "<skipped message=\"$ and $\"/>", claim, *status ? status : "unshown");
	fputs("</testcase>\n", out);
}

/* A choice of the pipeline: all batches that were run with it. */
static enum state choice_state(const json_t *choice)
{
	return node_number(choice, "broken", 0) > 0 ? FAILED : node_number(choice, "judged", 0) > 0 ? PASSED : UNDECIDED;
}

static void choice_case(FILE *out, const json_t *choice)
{
	double workers = node_number(choice, "workers", 0), cost = node_number(choice, "item_cost_ns", 0);
	const char *host = node_string(choice, "host");
	const json_t *seen = node_get(choice, "seen"), *sentence;
	size_t i;
	/* The name stays the same from run to run, so that a test server can follow it: no count of batches in it. */
	fill(out, "<testcase classname=\"pipeline/$+$+$\" name=\"$$, $ items$$, model of $$$\" time=\"",
		node_string(choice, "initialiser"), node_string(choice, "counter"), node_string(choice, "progress"),
		workers > 0 ? count_words(workers).text : "serial",
		workers > 1   ? " workers"
		: workers > 0 ? " worker"
			      : "",
		count_words(node_number(choice, "batch_items", 0)).text, cost > 0 ? " of " : "",
		cost > 0 ? time_words(cost).text : "", bytes_words(node_number(choice, "model_bytes", 0)).text,
		*host ? ", host " : "", host);
	fprintf(out, "%.6f\">", node_number(choice, "seconds", 0));
	if (choice_state(choice) == FAILED) {
		fill(out, "<failure type=\"contract\" message=\"$ of $ batches did not keep what their parts claim$$\">",
			count_words(node_number(choice, "broken", 0)).text, count_words(node_number(choice, "judged", 0)).text,
			json_array_size(seen) ? "; seen: " : "",
			json_array_size(seen) ? json_string_value(json_array_get(seen, 0)) : "");
		json_array_foreach(seen, i, sentence)
			fill(out, "$\n", json_string_value(sentence));
		fputs("</failure>", out);
	} else if (choice_state(choice) == UNDECIDED) {
		fputs("<skipped message=\"the batches were not judged\"/>", out);
	}
	fputs("</testcase>\n", out);
}

/* A price is no test, but one that refuted a claim on the way has failed. */
static void cost_case(FILE *out, const json_t *cost)
{
	const char *host = node_string(cost, "host"), *broken = node_string(cost, "broken");
	fill(out,
		"<testcase classname=\"$\" name=\"bench $, threads: $$$\" time=\"0\"><failure type=\"contract\" "
		"message=\"$\">$</failure></testcase>\n",
		node_string(cost, "subject"), node_string(cost, "operation"), count_words(node_number(cost, "threads", 0)).text,
		*host ? ", host " : "", host, broken, broken);
}

/* Writes (OUT) or only counts (OUT is NULL) the cases of one family; FAMILY_COUNT stands for all other subjects. */
static struct junit_totals cases(FILE *out, const json_t *facts, int family)
{
	struct junit_totals totals = {0};
	size_t i, k;
	const json_t *subject, *result, *one;
	if (family == FAMILY_COUNT && json_is_true(node_get(facts, "partial"))) {
		count(&totals, FAILED, 0);
		if (out)
			fputs("<testcase classname=\"onceproof\" name=\"the whole plan was run\" time=\"0\"><failure "
			      "type=\"partial\" "
			      "message=\"stopped before the end: what is missing here was not tested\"/></testcase>\n",
				out);
	}
	json_array_foreach(node_get(facts, "choices"), i, one) {
		if (family != FAMILY_PIPELINE)
			break;
		count(&totals, choice_state(one), node_number(one, "seconds", 0));
		if (out)
			choice_case(out, one);
	}
	json_array_foreach(node_get(facts, "costs"), i, one) {
		if (!*node_string(one, "broken") || (int)subject_family(node_string(one, "subject")) != family)
			continue;
		count(&totals, FAILED, 0);
		if (out)
			cost_case(out, one);
	}
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		if ((int)subject_family(node_string(subject, "subject")) != family ||
			junit_checked(node_get(facts, "checks"), node_string(subject, "subject")))
			continue;
		json_array_foreach(node_get(subject, "results"), k, result) {
			count(&totals, result_state(result), node_number(result, "seconds", 0));
			if (out)
				result_case(out, result);
		}
		const char *promise;
		json_t *contract;
		json_object_foreach(node_get(subject, "contracts"), promise, contract) {
			count(&totals, contract_state(subject, promise), 0);
			if (out)
				contract_case(out, subject, promise, contract);
		}
	}
	return totals;
}

void junit_attributes(FILE *out, const struct junit_totals *totals)
{
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.6f\">\n", totals->tests,
		totals->failures, totals->errors, totals->skipped, totals->seconds);
}

static void suites(FILE *out, const json_t *report)
{
	json_t *facts = facts_gather(report);
	node_set(facts, "checks", node_get(report, "checks") ? json_incref(node_get(report, "checks")) : json_array());
	node_set(facts, "partial", json_boolean(json_is_true(node_get(report, "partial"))));
	struct junit_totals whole = junit_check_suites(NULL, report), each[FAMILY_COUNT + 1];
	for (int family = 0; family <= FAMILY_COUNT; family++) {
		each[family] = cases(NULL, facts, family);
		whole.tests += each[family].tests;
		whole.failures += each[family].failures;
		whole.skipped += each[family].skipped;
		whole.seconds += each[family].seconds;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"onceproof\"", out);
	junit_attributes(out, &whole);
	const char *date = node_string(node_get(report, "host"), "date");
	for (int family = 0; family <= FAMILY_COUNT; family++) {
		if (each[family].tests == 0)
			continue;
		fill(out, "<testsuite name=\"$\" timestamp=\"$\"",
			family < FAMILY_COUNT ? family_name((enum family)family) : "other", date);
		junit_attributes(out, &each[family]);
		cases(out, facts, family);
		fputs("</testsuite>\n", out);
	}
	junit_check_suites(out, report);
	fputs("</testsuites>\n", out);
	json_decref(facts);
}

int render_junit(const json_t *report, const char *path)
{
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		suites(draft.stream, report);
		why = draft_commit(&draft);
	}
	if (why)
		complain("%s: cannot write JUnit XML: %s; an earlier file is as it was", path, strerror(why));
	return why;
}
