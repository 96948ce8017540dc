/* SPDX-License-Identifier: MIT */
/* The report for a CI job summary: the answer, what is broken, then the matrices. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "facts.h"
#include "interleaving.h"
#include "markdown_parts.h"
#include "markup.h"
#include "node.h"
#include "render.h"

/* A job summary may have 1 MiB; what comes after this much is counted instead of written. Texts of the report are cut as well, so that
 * no single one can fill the page. */
enum { SUMMARY_MAX = 900 * 1024, TEXT_MAX = 400, BROKEN_MAX = 100 };

void markdown_text(FILE *out, const char *words)
{
	char cut[TEXT_MAX + 8];
	size_t length = strlen(words);
	if (length > TEXT_MAX) {
		/* Not in the middle of a UTF-8 sequence. */
		for (length = TEXT_MAX; length > 0 && ((unsigned char)words[length] & 0xc0) == 0x80;)
			length--;
		snprintf(cut, sizeof cut, "%.*s …", (int)length, words);
		words = cut;
	}
	markdown_escape(out, words);
}

bool markdown_full(FILE *out, size_t *left_out)
{
	if (ftell(out) < SUMMARY_MAX)
		return false;
	++*left_out;
	return true;
}

static void lost_shards(FILE *out, const json_t *report)
{
	enum { NAMED = 24 };
	const json_t *lost = node_get(report, "missing_shards"), *one;
	size_t i;
	json_array_foreach(lost, i, one) {
		if (i == NAMED)
			break;
		fputs(i ? ", " : "**Partial: missing shards:** ", out);
		markdown_text(out, json_is_string(one) ? json_string_value(one) : "");
	}
	if (json_array_size(lost) > NAMED)
		fprintf(out, " and %zu more", json_array_size(lost) - NAMED);
	if (i)
		fputs(".\n\n", out);
}

static void opening(FILE *out, const json_t *facts, const json_t *report)
{
	fputs("# ", out);
	markdown_text(out, node_string(facts, "headline"));
	fputs("\n\n", out);
	if (json_is_true(node_get(report, "partial")) && !json_is_false(node_get(report, "ended_early")))
		fputs("**Partial:** the run ended before everything was measured. What is missing is not judged.\n\n", out);
	lost_shards(out, report);
	const json_t *broken = node_get(facts, "broken"), *sentence;
	size_t i;
	if (json_array_size(broken)) {
		fputs("## Broken contracts\n\n", out);
		json_array_foreach(broken, i, sentence) {
			if (i == BROKEN_MAX) {
				fprintf(out, "- … and %zu more: see results.json\n", json_array_size(broken) - i);
				break;
			}
			fputs("- **!** ", out);
			markdown_text(out, json_string_value(sentence));
			putc('\n', out);
		}
		putc('\n', out);
	}
	json_array_foreach(node_get(facts, "sentences"), i, sentence) {
		fputs("- ", out);
		markdown_text(out, json_string_value(sentence));
		putc('\n', out);
	}
	putc('\n', out);
}

static void right_row(FILE *out, const json_t *subject, enum family family)
{
	size_t count;
	const struct promise_info *promises = family_promises(family, &count);
	fputs("| ", out);
	markdown_text(out, node_string(subject, "name"));
	for (size_t i = 0; i < count; i++)
		fprintf(out, " | %s", standing_looks[facts_standing(subject, promises[i].name)].symbol);
	fputs(" |\n", out);
}

static void right(FILE *out, const json_t *facts, size_t *left_out)
{
	fputs("## Right?\n\n", out);
	for (int look = STANDING_HOLDS; look <= STANDING_NOT_OFFERED; look++)
		fprintf(out, "%s%s %s", look ? " · " : "", standing_looks[look].symbol, standing_looks[look].word);
	fputs("\n\n", out);
	for (int family = 0; family < FAMILY_COUNT; family++) {
		size_t count, i;
		const struct promise_info *promises = family_promises((enum family)family, &count);
		bool open = false;
		const json_t *subject;
		json_array_foreach(node_get(facts, "subjects"), i, subject) {
			if ((int)subject_family(node_string(subject, "subject")) != family ||
				!json_object_size(node_get(subject, "contracts")) || markdown_full(out, left_out))
				continue;
			if (!open) {
				open = true;
				fprintf(out, "| %s", family_name((enum family)family));
				for (size_t p = 0; p < count; p++) {
					fputs(" | ", out);
					markdown_text(out, promises[p].name);
				}
				fputs(" |\n|---", out);
				for (size_t p = 0; p < count; p++)
					fputs("|:-:", out);
				fputs("|\n", out);
			}
			right_row(out, subject, (enum family)family);
		}
		if (open)
			putc('\n', out);
	}
}

static void pipeline(FILE *out, const json_t *facts, size_t *left_out)
{
	const json_t *choices = node_get(facts, "choices"), *choice;
	if (json_array_size(choices) == 0)
		return;
	fputs("## In the pipeline?\n\n| initialiser + counter + progress | workers | batches | loaded twice | wasted | "
	      "miscounted | told twice | "
	      "skipped | backwards | last missing | items/s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		out);
	size_t i;
	json_array_foreach(choices, i, choice) {
		if (markdown_full(out, left_out))
			continue;
		fputs("| ", out);
		markdown_text(out, node_string(choice, "initialiser"));
		fputs(" + ", out);
		markdown_text(out, node_string(choice, "counter"));
		fputs(" + ", out);
		markdown_text(out, node_string(choice, "progress"));
		double cost = node_number(choice, "item_cost_ns", 0);
		if (json_is_true(node_get(choice, "swept")))
			fprintf(out, ", model of %s", bytes_words(node_number(choice, "model_bytes", 0)).text);
		if (cost > 0)
			fprintf(out, ", %s items of %s", count_words(node_number(choice, "batch_items", 0)).text,
				time_words(cost).text);
		const json_t *anomalies = node_get(choice, "anomalies");
		double workers = node_number(choice, "workers", 0), rate = node_number(choice, "throughput", 0);
		fprintf(out, " | %s | %s | %s | %s | %s", workers > 0 ? count_words(workers).text : "serial",
			count_words(node_number(choice, "batches", 0)).text,
			count_words(node_number(choice, "loaded_twice", 0)).text,
			bytes_words(node_number(choice, "wasted_bytes", 0)).text,
			count_words(node_number(choice, "miscounted", 0)).text);
		static const char *const kinds[] = {"duplicate", "gap", "backwards", "missing_last"};
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
			fprintf(out, " | %s", count_words(node_number(anomalies, kinds[k], 0)).text);
		fprintf(out, " | %s |\n", rate > 0 ? count_words(rate).text : "–");
	}
	putc('\n', out);
}

/* A finding as text in a fence. Lines are indented by four, so that none of them can end the fence. */
static void witness(FILE *out, const json_t *result, const json_t *finding)
{
	const struct interleaving_look look = {.width = 116, .indent = "    "};
	fputs("**", out);
	markdown_text(out, node_string(result, "subject"));
	putc(' ', out);
	markdown_text(out, node_string(result, "scenario"));
	fputs("**: ", out);
	markdown_text(out, node_string(finding, "message"));
	fputs("\n\n~~~~~~~~text\n", out);
	interleaving_text(out, finding, &look);
	fputs("~~~~~~~~\n\n", out);
	if (*node_string(finding, "replay")) {
		fputs("Again: ", out);
		markdown_text(out, node_string(finding, "replay"));
		fputs("\n\n", out);
	}
}

/* Interleavings of findings that were not stated, and a few of those that were: the page has them all. */
static void witnesses(FILE *out, const json_t *report, size_t *left_out)
{
	enum { BROKEN_SHOWN = 20, STATED_SHOWN = 3 };
	size_t i, k, shown[2] = {0, 0};
	const json_t *result, *finding;
	for (int stated = 0; stated < 2; stated++)
		json_array_foreach(node_get(report, "results"), i, result)
			json_array_foreach(node_get(result, "findings"), k, finding) {
				if (json_is_true(node_get(result, "as_expected")) != (stated == 1) ||
					json_array_size(node_get(finding, "interleaving")) == 0 ||
					shown[stated] == (stated ? STATED_SHOWN : BROKEN_SHOWN) || markdown_full(out, left_out))
					continue;
				if (shown[0] + shown[1] == 0)
					fputs("## Interleavings\n\n", out);
				shown[stated]++;
				witness(out, result, finding);
			}
}

static void closing(FILE *out, const json_t *report, size_t left_out)
{
	const json_t *host = node_get(report, "host");
	fputs("---\n", out);
	if (left_out)
		fprintf(out, "%zu more rows did not fit; results.json and the page have them all.\n\n", left_out);
	markdown_text(out, node_string(host, "cpu"));
	fprintf(out, ", %.0f cores, ", node_number(host, "cores_usable", node_number(host, "cores_online", 0)));
	markdown_text(out, node_string(host, "kernel"));
	fputs(", ", out);
	markdown_text(out, node_string(host, "compiler"));
	fputs(", onceproof ", out);
	markdown_text(out, node_string(host, "onceproof"));
	const json_t *seed = node_get(report, "seed");
	if (json_is_integer(seed))
		fprintf(out, ", seed %" JSON_INTEGER_FORMAT, json_integer_value(seed));
	else if (json_is_string(seed)) {
		fputs(", seed ", out);
		markdown_text(out, json_string_value(seed));
	}
	fputs(". A sampled ✓ means: not seen to break here.\n", out);
}

int render_markdown(const json_t *report, const char *path)
{
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		json_t *facts = facts_gather(report);
		size_t left_out = 0;
		opening(draft.stream, facts, report);
		right(draft.stream, facts, &left_out);
		markdown_prices(draft.stream, facts, &left_out);
		pipeline(draft.stream, facts, &left_out);
		witnesses(draft.stream, report, &left_out);
		closing(draft.stream, report, left_out);
		json_decref(facts);
		why = draft_commit(&draft);
	}
	if (why)
		complain("%s: cannot write the summary: %s; an earlier file is as it was", path, strerror(why));
	return why;
}
