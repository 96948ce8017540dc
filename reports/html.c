/* SPDX-License-Identifier: MIT */
/* The page: one file that needs nothing else, readable without its script. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "facts.h"
#include "html_parts.h"
#include "markup.h"
#include "node.h"
#include "page_text.h"
#include "render.h"

void html_chart(FILE *out, const char *kind, const char *key, const char *label)
{
	fill(out,
		"<figure class=\"chart\" data-chart=\"$\" data-key=\"$\" hidden><figcaption>$</figcaption>"
		"<div class=\"canvas\"></div></figure>\n",
		kind, key, label);
}

void html_standing(FILE *out, enum standing standing)
{
	const struct standing_look *look = &standing_looks[standing];
	fill(out, "<span class=\"mark\" aria-hidden=\"true\">$</span><span class=\"aside\">$</span>", look->symbol, look->word);
}

void html_nonce(char nonce[HTML_NONCE_MAX])
{
	unsigned char random[16];
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		memset(random, 0x5a, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(nonce + 2 * i, 3, "%02x", random[i]);
}

void html_head(FILE *out, const char *title, const char *nonce, const char *style)
{
	fill(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
		"script-src 'nonce-$'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>onceproof: $</title>\n<style>\n",
		nonce, title);
	fputs(page_css, out);
	fputs(style, out);
	fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#answer\">Skip to the answer</a>\n", out);
}

static void lost_shards(FILE *out, const json_t *report)
{
	enum { NAMED = 24 };
	const json_t *lost = node_get(report, "missing_shards"), *one;
	size_t i;
	json_array_foreach(lost, i, one) {
		if (i == NAMED)
			break;
		fill(out, i ? ", $" : "<p class=\"partial\"><b>Partial: missing shards:</b> $",
			json_is_string(one) ? json_string_value(one) : "");
	}
	if (json_array_size(lost) > NAMED)
		fill(out, " and $ more", count_words((double)(json_array_size(lost) - NAMED)).text);
	if (i)
		fputs(".</p>\n", out);
}

static void opening(FILE *out, const json_t *facts, const json_t *report)
{
	fill(out,
		"<header class=\"top\">\n<p class=\"name\"><b>onceproof</b> $</p>\n"
		"<nav aria-label=\"Sections\"><a href=\"#right\">Right?</a> <a href=\"#fast\">Fast?</a> <a href=\"#pipeline\">In "
		"the pipeline?</a> "
		"<a href=\"#implementations\">Each one</a> <a href=\"#words\">Words</a> <a href=\"#machine\">Machine</a></nav>\n"
		"<div class=\"tools\" id=\"tools\"></div>\n</header>\n<main>\n"
		"<section id=\"answer\" class=\"answer tone-$\" aria-labelledby=\"headline\">\n<h1 id=\"headline\">$</h1>\n",
		node_string(node_get(report, "host"), "onceproof"), node_string(facts, "tone"), node_string(facts, "headline"));
	if (json_is_true(node_get(report, "partial")) && !json_is_false(node_get(report, "ended_early")))
		fputs("<p class=\"partial\"><b>Partial:</b> the run ended before everything was measured. What is missing is not "
		      "judged.</p>\n",
			out);
	lost_shards(out, report);
	const json_t *broken = node_get(facts, "broken");
	size_t i;
	const json_t *sentence;
	if (json_array_size(broken)) {
		fputs("<ul class=\"alarms\">\n", out);
		json_array_foreach(broken, i, sentence) {
			if (i == 12) {
				fill(out, "<li>… and $ more, marked <b>!</b> below.</li>\n",
					count_words((double)(json_array_size(broken) - i)).text);
				break;
			}
			fill(out, "<li><span class=\"mark\" aria-hidden=\"true\">!</span> $</li>\n", json_string_value(sentence));
		}
		fputs("</ul>\n", out);
	}
	const json_t *sentences = node_get(facts, "sentences");
	if (json_array_size(sentences)) {
		fputs("<ul class=\"lede\">\n", out);
		json_array_foreach(sentences, i, sentence)
			fill(out, "<li>$</li>\n", json_string_value(sentence));
		fputs("</ul>\n", out);
	}
	fputs("</section>\n", out);
}

/* Of the machines what the charts draw. New reference. */
static json_t *chart_machines(const json_t *facts)
{
	json_t *list = node_must(json_array());
	size_t i;
	json_t *machine;
	json_array_foreach(node_get(facts, "machines"), i, machine) {
		const json_t *studies = node_get(machine, "studies");
		node_append(list,
			json_pack("{s:O, s:O, s:O*, s:O*}", "key", node_get(machine, "key"), "label", node_get(machine, "label"),
				"crossings", node_get(studies, "crossings"), "first_use", node_get(studies, "first_use")));
	}
	return list;
}

/* What the charts draw, which the tables say too. */
static void data_block(FILE *out, const json_t *facts)
{
	json_t *data = node_must(
		json_pack("{s:O, s:O, s:O, s:o}", "costs", node_get(facts, "costs"), "choices", node_get(facts, "choices"),
			"distributions", node_get(facts, "distributions"), "machines", chart_machines(facts)));
	json_t *wrong = node_must(json_array()), *right = node_must(json_array());
	size_t i;
	const json_t *subject;
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		if (facts_wrong(subject))
			node_append(wrong, node_text(node_string(subject, "subject")));
		else if (facts_right(subject, "exactly_once") || facts_right(subject, "no_lost_update"))
			node_append(right, node_text(node_string(subject, "subject")));
	}
	node_set(data, "wrong", wrong);
	node_set(data, "right", right);
	fputs("<script type=\"application/json\" id=\"data\">", out);
	markup_json(out, data);
	fputs("</script>\n", out);
	json_decref(data);
}

static void scripts(FILE *out, const char *nonce)
{
	if (*page_chart_js) {
		fill(out, "<script nonce=\"$\">\n", nonce);
		fputs(page_chart_js, out);
		fputs("</script>\n", out);
	}
	fill(out, "<script nonce=\"$\">\n", nonce);
	fputs(page_js, out);
	fputs(charts_js, out);
	fputs("</script>\n", out);
}

static void page(FILE *out, const json_t *report)
{
	json_t *facts = facts_gather(report);
	char nonce[HTML_NONCE_MAX] = "";
	html_nonce(nonce);
	html_head(out, node_string(facts, "headline"), nonce, prices_css);
	opening(out, facts, report);
	if (!*page_chart_js)
		fputs("<p class=\"note\">This program was built without Chart.js (Debian's package libjs-chart.js), so there are "
		      "no charts: the "
		      "tables hold the same numbers.</p>\n",
			out);
	html_matrix_right(out, facts);
	html_fast(out, facts, report);
	html_matrix_pipeline(out, facts);
	html_subjects(out, facts);
	html_glossary(out);
	html_machine(out, facts, report);
	fputs("</main>\n<footer><p>Made by onceproof. This page is whole: it loads nothing.</p></footer>\n", out);
	data_block(out, facts);
	scripts(out, nonce);
	fputs("</body>\n</html>\n", out);
	json_decref(facts);
}

int render_html(const json_t *report, const char *path)
{
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		page(draft.stream, report);
		why = draft_commit(&draft);
	}
	if (why)
		complain("%s: cannot write the page: %s; an earlier file is as it was", path, strerror(why));
	return why;
}
