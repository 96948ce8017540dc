/* SPDX-License-Identifier: MIT */
/* Users' code in JUnit XML: a suite per subject, a case per engine and scenario. What fails here is what makes `onceproof check` fail. */
#include <stdlib.h>
#include <string.h>

#include "../impl/support/say.h"
#include "advice.h"
#include "facts.h"
#include "found.h"
#include "interleaving.h"
#include "junit_parts.h"
#include "markup.h"
#include "node.h"

enum state { PASSED, FAILED, ERROR, SKIPPED };

bool junit_checked(const json_t *checks, const char *subject)
{
	size_t i;
	const json_t *check;
	json_array_foreach(checks, i, check)
		if (strcmp(node_string(check, "subject"), subject) == 0)
			return true;
	return subject_family(subject) == FAMILY_COUNT;
}

/* Are all findings of RESULT in the baseline? */
static bool all_known(const json_t *result)
{
	size_t i;
	const json_t *finding;
	json_array_foreach(node_get(result, "findings"), i, finding)
		if (strcmp(node_string(finding, "baseline"), "known") != 0)
			return false;
	return i > 0;
}

/* An engine that could not decide matters where the check could not, either. */
static enum state state_of(const json_t *report, const json_t *result)
{
	const char *verdict = node_string(result, "verdict");
	const json_t *check = found_check(report, result);
	bool bug_expected = strcmp(node_string(check, "expected"), "bug") == 0;
	double status = node_number(check, "exit_status", check ? EXIT_HOLDS : EXIT_INCONCLUSIVE);
	if (strcmp(verdict, "skipped") == 0 || found_informs_only(result))
		return SKIPPED;
	if (strcmp(verdict, "inconclusive") == 0)
		return status == EXIT_INCONCLUSIVE ? ERROR : SKIPPED;
	if (strcmp(verdict, "bug") == 0)
		return bug_expected || all_known(result) ? PASSED : FAILED;
	return bug_expected && status == EXIT_BROKEN ? FAILED : PASSED;
}

/* A finding in words, as a terminal has it. */
static void write_finding(FILE *out, const json_t *finding)
{
	const struct interleaving_look look = {.width = 110, .indent = "  "};
	const json_t *place;
	size_t i;
	char *change = advice_words(finding);
	fprintf(out, "%s: %s\n", node_string(finding, "kind"), node_string(finding, "message"));
	json_array_foreach(node_get(finding, "locations"), i, place)
		fprintf(out, "  %s:%.0f %s: %s %s\n", node_string(place, "file"), node_number(place, "line", 0),
			node_string(place, "function"), node_string(place, "thread"), node_string(place, "access"));
	interleaving_text(out, finding, &look);
	fprintf(out, "  What to change: %s\n", change);
	if (*node_string(finding, "replay"))
		fprintf(out, "  Replay: %s\n", node_string(finding, "replay"));
	fputc('\n', out);
	free(change);
}

static void findings(FILE *out, const json_t *result)
{
	char *text = NULL;
	size_t bytes, i;
	const json_t *finding;
	FILE *to = open_memstream(&text, &bytes);
	if (!to)
		node_must(NULL);
	json_array_foreach(node_get(result, "findings"), i, finding)
		write_finding(to, finding);
	if (fclose(to) != 0)
		node_must(NULL);
	markup_escape(out, text);
	free(text);
}

static void result_case(FILE *out, const json_t *report, const json_t *result)
{
	const char *scenario = node_string(result, "scenario"), *verdict = node_string(result, "verdict"),
		   *host = node_string(result, "host"), *evidence = node_string(result, "evidence");
	bool program = strcmp(scenario, "program") == 0;
	fill(out, "<testcase classname=\"$\" name=\"$$$ ($$$)\" time=\"", node_string(result, "subject"),
		node_string(result, "engine"), program ? "" : " ", program ? "" : scenario, node_string(result, "compiler"),
		*host ? ", host " : "", host);
	fprintf(out, "%.6f\">", node_number(result, "seconds", 0));
	switch (state_of(report, result)) {
	case FAILED:
		fill(out, "<failure type=\"$\" message=\"$\">", verdict, evidence);
		findings(out, result);
		fputs("</failure>", out);
		break;
	case ERROR:
		fill(out, "<error type=\"$\" message=\"$\"/>", verdict, evidence);
		break;
	case SKIPPED:
		fill(out, "<skipped message=\"$: $\"/>", verdict, evidence);
		break;
	case PASSED:
		fill(out, "<system-out>$: $\n", verdict, evidence);
		findings(out, result);
		fputs("</system-out>", out);
		break;
	}
	fputs("</testcase>\n", out);
}

/* The cases of SUBJECT: counted, and written if there is an OUT. */
static struct junit_totals cases(FILE *out, const json_t *report, const char *subject)
{
	struct junit_totals totals = {0};
	const json_t *result;
	size_t i;
	json_array_foreach(node_get(report, "results"), i, result) {
		if (strcmp(node_string(result, "subject"), subject) != 0)
			continue;
		enum state state = state_of(report, result);
		totals.tests++;
		totals.failures += state == FAILED;
		totals.errors += state == ERROR;
		totals.skipped += state == SKIPPED;
		totals.seconds += node_number(result, "seconds", 0);
		if (out)
			result_case(out, report, result);
	}
	return totals;
}

struct junit_totals junit_check_suites(FILE *out, const json_t *report)
{
	struct junit_totals whole = {0};
	json_t *done = node_must(json_object());
	const char *date = node_string(node_get(report, "host"), "date");
	const json_t *result;
	size_t i;
	json_array_foreach(node_get(report, "results"), i, result) {
		const char *subject = node_string(result, "subject");
		if (node_get(done, subject) || !junit_checked(node_get(report, "checks"), subject))
			continue;
		node_set(done, subject, json_true());
		struct junit_totals its = cases(NULL, report, subject);
		whole.tests += its.tests;
		whole.failures += its.failures;
		whole.errors += its.errors;
		whole.skipped += its.skipped;
		whole.seconds += its.seconds;
		if (!out)
			continue;
		fill(out, "<testsuite name=\"$\" timestamp=\"$\"", subject, date);
		junit_attributes(out, &its);
		cases(out, report, subject);
		fputs("</testsuite>\n", out);
	}
	json_decref(done);
	return whole;
}
