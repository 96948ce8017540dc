/* SPDX-License-Identifier: MIT */
/* The third matrix: whole batches, and double loads against the model's load time. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

/* A mark, and how many batches or times it took to get it. */
static void counted_cell(FILE *out, enum standing standing, double seen, double of)
{
	fill(out, "<td class=\"$\">", standing_looks[standing].css);
	html_standing(out, standing);
	if (seen > 0 && of > 0)
		fill(out, "<small class=\"by\">$ of $</small>", count_words(seen).text, count_words(of).text);
	else if (seen > 0)
		fill(out, "<small class=\"by\">$</small>", count_words(seen).text);
	fputs("</td>", out);
}

/* Choices with another model than most say so. */
static double usual_model(const json_t *choices)
{
	double usual = 0, most = 0;
	size_t i, k;
	const json_t *choice, *other;
	json_array_foreach(choices, i, choice) {
		double size = node_number(choice, "model_bytes", 0), count = 0;
		json_array_foreach(choices, k, other)
			count += node_number(other, "model_bytes", 0) == size;
		if (count > most) {
			most = count;
			usual = size;
		}
	}
	return usual;
}

static void choice_row(FILE *out, const json_t *facts, const json_t *choice, double usual)
{
	const char *initialiser = node_string(choice, "initialiser"), *counter = node_string(choice, "counter");
	const char *progress = node_string(choice, "progress"), *host = node_string(choice, "host");
	double batches = node_number(choice, "batches", 0), workers = node_number(choice, "workers", 0);
	double model = node_number(choice, "model_bytes", 0), rate = node_number(choice, "throughput", 0);
	fill(out, "<tr data-filter=\"$ $ $\"><th scope=\"row\">$ <i>+</i> $ <i>+</i> $", initialiser, counter, progress,
		initialiser, counter, progress);
	if (model != usual)
		fill(out, "<small>model of $</small>", bytes_words(model).text);
	double cost = node_number(choice, "item_cost_ns", 0);
	if (cost > 0)
		fill(out, "<small>$ items of $</small>", count_words(node_number(choice, "batch_items", 0)).text,
			time_words(cost).text);
	if (*host)
		fill(out, "<small>on $</small>", host);
	fill(out, "</th><td>$</td><td>$</td>", workers > 0 ? count_words(workers).text : "serial", count_words(batches).text);
	counted_cell(out, facts_choice_standing(facts, choice, CHOICE_LOADS), node_number(choice, "loaded_twice", 0), batches);
	fill(out, "<td>$</td><td>$</td>", count_words(node_number(choice, "models_most", 0)).text,
		bytes_words(node_number(choice, "wasted_bytes", 0)).text);
	counted_cell(out, facts_choice_standing(facts, choice, CHOICE_COUNT), node_number(choice, "miscounted", 0), batches);
	for (int kind = CHOICE_DUPLICATE; kind <= CHOICE_MISSING_LAST; kind++)
		counted_cell(out, facts_choice_standing(facts, choice, (enum choice_question)kind),
			node_number(node_get(choice, "anomalies"), choice_anomalies[kind], 0), 0);
	fill(out, "<td>$", rate > 0 ? count_words(rate).text : "–");
	double least = node_number(choice, "throughput_least", 0), most = node_number(choice, "throughput_most", 0);
	if (least > 0)
		fill(out, "<small>$–$</small>", count_words(least).text, count_words(most).text);
	fputs("</td></tr>\n", out);
}

/* Are all its promises kept, and none left open? Such rows say nothing that a reader must see first. */
static bool all_green(const json_t *facts, const json_t *choice)
{
	for (int question = CHOICE_LOADS; question <= CHOICE_MISSING_LAST; question++) {
		enum standing standing = facts_choice_standing(facts, choice, (enum choice_question)question);
		if (standing != STANDING_HOLDS && standing != STANDING_NOT_OFFERED)
			return false;
	}
	return true;
}

static bool is_shown(const json_t *choice, double usual)
{
	return !json_is_true(node_get(choice, "swept")) || node_number(choice, "model_bytes", 0) == usual;
}

/* Of the choices shown, those that are all green or those that are not. */
static void some_choices(FILE *out, const json_t *facts, double usual, bool green)
{
	fill(out,
		"<div class=\"scroll\" role=\"region\" aria-label=\"Batches by choice$\" tabindex=\"0\">\n"
		"<table class=\"matrix pipeline\"><caption>initialiser + counter + progress</caption>\n<thead><tr>"
		"<th scope=\"col\">choice</th><th scope=\"col\">workers</th><th scope=\"col\">batches</th><th scope=\"col\">one "
		"load</th>"
		"<th scope=\"col\">most models</th><th scope=\"col\">wasted</th><th scope=\"col\">count right</th>"
		"<th scope=\"col\">told once</th><th scope=\"col\">none skipped</th><th scope=\"col\">never back&shy;wards</th>"
		"<th scope=\"col\">last told</th><th scope=\"col\" title=\"finished items in a second: the median of the "
		"batches; "
		"small: the least and the most of them\">items/s</th></tr></thead>\n<tbody>\n",
		green ? ", those that kept everything" : "");
	size_t i;
	const json_t *choice;
	json_array_foreach(node_get(facts, "choices"), i, choice) {
		if (is_shown(choice, usual) && all_green(facts, choice) == green)
			choice_row(out, facts, choice, usual);
	}
	fputs("</tbody></table></div>\n", out);
}

static void choices_table(FILE *out, const json_t *facts, double usual)
{
	size_t counts[2] = {0}, i;
	const json_t *choice;
	json_array_foreach(node_get(facts, "choices"), i, choice)
		counts[all_green(facts, choice)] += is_shown(choice, usual);
	if (counts[false])
		some_choices(out, facts, usual, false);
	if (counts[true]) {
		fill(out,
			"<details class=\"one op\"$><summary><h4><b>$ choice$ kept everything</b></h4><span "
			"class=\"lesson\">every mark "
			"is $ $ or $ $</span></summary>\n<div class=\"body\">\n",
			counts[false] ? "" : " open", count_words((double)counts[true]).text, counts[true] == 1 ? "" : "s",
			standing_looks[STANDING_HOLDS].symbol, standing_looks[STANDING_HOLDS].word,
			standing_looks[STANDING_NOT_OFFERED].symbol, standing_looks[STANDING_NOT_OFFERED].word);
		some_choices(out, facts, usual, true);
		fputs("</div></details>\n", out);
	}
	html_chart(out, "throughput", "", "Items per second by choice, real items");
}

static int by_load(const void *a, const void *b)
{
	double left = node_number(*(const json_t *const *)a, "load_ns", 0),
	       right = node_number(*(const json_t *const *)b, "load_ns", 0);
	return (left > right) - (left < right);
}

static void sweep_row(FILE *out, const json_t *choice)
{
	double batches = node_number(choice, "batches", 0), twice = node_number(choice, "loaded_twice", 0);
	fill(out, "<tr data-filter=\"$\"><th scope=\"row\">$</th><td class=\"n\">$</td><td class=\"n\">$</td>",
		node_string(choice, "initialiser"), time_words(node_number(choice, "load_ns", 0)).text,
		bytes_words(node_number(choice, "model_bytes", 0)).text, count_words(batches).text);
	fprintf(out, "<td class=\"n\"><span class=\"bar\" style=\"--part:%.3f\"></span>", batches > 0 ? twice / batches : 0);
	fill(out, "$ of $</td><td class=\"n\">$</td></tr>\n", count_words(twice).text, count_words(batches).text,
		count_words(node_number(choice, "models_most", 0)).text);
}

/* The window for the race is the load itself: the longer it takes, the more surely a second thread still finds nothing. */
static void sweep_table(FILE *out, const json_t *choices)
{
	size_t count = 0, i;
	const json_t **swept = malloc((json_array_size(choices) + 1) * sizeof *swept), *choice;
	if (!swept)
		node_must(NULL);
	json_array_foreach(choices, i, choice) {
		if (json_is_true(node_get(choice, "swept")))
			swept[count++] = choice;
	}
	qsort(swept, count, sizeof *swept, by_load);
	if (count) {
		fill(out,
			"<h3>Double loads against the model’s load time</h3>\n<p>$ + $ + $, with models from small to large. The "
			"race’s window is the "
			"load itself.</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"Double loads by load time\" "
			"tabindex=\"0\">"
			"<table class=\"outcomes sweep\"><caption class=\"aside\">Double loads by load "
			"time</caption><thead><tr><th scope=\"col\">load "
			"takes</th><th scope=\"col\">model</th><th scope=\"col\">batches</th><th scope=\"col\">loaded more than "
			"once</th>"
			"<th scope=\"col\">most models</th></tr></thead><tbody>\n",
			node_string(swept[0], "initialiser"), node_string(swept[0], "counter"),
			node_string(swept[0], "progress"));
		for (i = 0; i < count; i++)
			sweep_row(out, swept[i]);
		fputs("</tbody></table></div>\n", out);
	}
	free(swept);
}

void html_matrix_pipeline(FILE *out, const json_t *facts)
{
	const json_t *choices = node_get(facts, "choices");
	fputs("<section id=\"pipeline\" aria-labelledby=\"pipeline-title\">\n<h2 id=\"pipeline-title\">In the pipeline?</h2>\n",
		out);
	if (json_array_size(choices) == 0) {
		fputs("<p class=\"note\">No batch was run for this report.</p>\n", out);
		html_crossings(out, facts);
		fputs("</section>\n", out);
		return;
	}
	fputs("<p>Whole batches, each part chosen by name: was the model loaded once, did the counter end on the number of "
	      "finished items, and "
	      "did the progress line repeat, skip or run backwards? Small print counts the batches, or the times; below items/s, "
	      "the least and the most of the batches.</p>\n",
		out);
	choices_table(out, facts, usual_model(choices));
	sweep_table(out, choices);
	html_crossings(out, facts);
	fputs("</section>\n", out);
}
