/* SPDX-License-Identifier: MIT */
/* The price list in short: what the bug costs, what a right one costs, and what people take instead, as bars on one scale. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

/* What is asked: an operation of a family, and the promise that makes an implementation of it right. */
struct question {
	const char *family, *operation, *promise, *what;
};
static const struct question questions[] = {
	{"initialiser", "get", "exactly_once", "A get"},
	{"counter", "increment", "no_lost_update", "An increment"},
};

/* The headers to take away. What is cheaper by less than a tenth is not cheaper. */
static const char *const headers[] = {"once", "tally"};
static const double NO_LESS = 0.9;

/* What stands beside the cheapest right one: the locks that people think of first, and the usual textbook answer. */
static const char *const textbook[] = {"atomic", "pthread_once", "mutex"};

enum { LINES_MAX = 8, PEERS_SHOWN = 2 };

struct line {
	const json_t *row;
	const char *css, *mark, *word;
};

struct short_list {
	struct line lines[LINES_MAX];
	size_t count;
	double least, most; /* ends of the bars' scale, ns */
};

/* Nothing is added twice. */
static void add_line(struct short_list *list, const json_t *row, const char *css, const char *mark, const char *word)
{
	if (!row || !node_get(row, "ns") || list->count == LINES_MAX)
		return;
	for (size_t i = 0; i < list->count; i++)
		if (list->lines[i].row == row)
			return;
	double ns = node_number(row, "ns", 0), low = node_number(row, "low", ns), high = node_number(row, "high", ns);
	list->least = list->count ? fmin(list->least, fmin(ns, low)) : fmin(ns, low);
	list->most = fmax(list->most, fmax(ns, high));
	list->lines[list->count++] = (struct line){row, css, mark, word};
}

static bool asked(const json_t *row, const struct question *question, const char *host, int threads)
{
	return strcmp(node_string(row, "family"), question->family) == 0 &&
	       strcmp(node_string(row, "operation"), question->operation) == 0 && strcmp(node_string(row, "host"), host) == 0 &&
	       (threads == 0 || (int)node_number(row, "threads", 0) == threads);
}

/* As many threads as were measured and run at once on the machine; 0: nothing was. */
static int most_threads(const json_t *facts, const struct question *question, const char *host)
{
	int most = 0;
	size_t i;
	const json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		int threads = (int)node_number(row, "threads", 0);
		if (asked(row, question, host, 0) && node_get(row, "ns") && !json_is_true(node_get(row, "oversubscribed")) &&
			threads > most)
			most = threads;
	}
	return most;
}

/* The cheapest that is dearer than AFTER (NULL: than nothing): of the peers, or of the right ones. */
static const json_t *cheapest(
	const json_t *facts, const struct question *question, const char *host, int threads, bool peer, const json_t *after)
{
	const json_t *best = NULL, *row;
	size_t i;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		double ns = node_number(row, "ns", 0);
		if (!asked(row, question, host, threads) || ns <= 0 || json_is_true(node_get(row, "peer")) != peer ||
			*node_string(row, "broken") || node_get(row, "implausible"))
			continue;
		const json_t *subject = facts_subject(facts, node_string(row, "subject"));
		if (!peer && (!subject || !facts_right(subject, question->promise)))
			continue;
		if ((!after || ns > node_number(after, "ns", 0)) && (!best || ns < node_number(best, "ns", 0)))
			best = row;
	}
	return best;
}

static const json_t *named(const json_t *facts, const struct question *question, const char *host, int threads, const char *name)
{
	char subject[128];
	snprintf(subject, sizeof subject, "%s/%s", question->family, name);
	return facts_cost(facts, subject, question->operation, threads, host);
}

/* The header's where it is right and nothing right is clearly cheaper, else the cheapest. */
static const json_t *best_right(const json_t *facts, const struct question *question, const char *host, int threads)
{
	const json_t *least = cheapest(facts, question, host, threads, false, NULL);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		const json_t *row = named(facts, question, host, threads, headers[i]),
			     *subject = row ? facts_subject(facts, node_string(row, "subject")) : NULL;
		if (subject && facts_right(subject, question->promise) && node_get(row, "ns") &&
			node_number(row, "ns", 0) * NO_LESS <= node_number(least, "ns", 0))
			return row;
	}
	return least;
}

/* "right costs 9.6× less than wrong", as far as the intervals carry it. */
static struct words verdict(const json_t *right, const json_t *wrong)
{
	struct words words;
	double a = node_number(right, "ns", 0), b = node_number(wrong, "ns", 0);
	double a_low = node_number(right, "low", a), a_high = node_number(right, "high", a);
	double b_low = node_number(wrong, "low", b), b_high = node_number(wrong, "high", b);
	/* Identical code varies by a few per cent from one build to the next, and by a third from one process to another. */
	const double enough = node_get(right, "low") && node_get(wrong, "low") ? 1.1 : 1.5;
	if (a_high < b_low && b > enough * a)
		snprintf(words.text, sizeof words.text, "right costs %.20s less than wrong", ratio_words(b / a).text);
	else if (a_low > b_high && a > enough * b)
		snprintf(words.text, sizeof words.text, "right costs %.20s as much as wrong", ratio_words(a / b).text);
	else
		snprintf(words.text, sizeof words.text, "right costs the same as wrong");
	return words;
}

static double place(const struct short_list *list, double ns)
{
	/* A tenth of the scale lies before the cheapest, so that its bar can be seen. */
	double span = log(fmax(list->most / list->least, 1.5)), part = log(ns / list->least) / span;
	return isfinite(part) ? 0.1 + 0.9 * fmin(1, fmax(0, part)) : 1;
}

static void bar(FILE *out, const json_t *facts, const struct short_list *list, const struct line *line)
{
	double ns = node_number(line->row, "ns", 0), low = node_number(line->row, "low", ns),
	       high = node_number(line->row, "high", ns);
	const char *name = node_string(line->row, "implementation");
	const json_t *peer = facts_peer(facts, node_string(line->row, "subject"), node_string(line->row, "host"));
	fill(out, "<tr class=\"s-$\"><th scope=\"row\"><span class=\"mark\" aria-hidden=\"true\">$</span> ", line->css,
		line->mark);
	html_breakable(out, json_is_true(node_get(line->row, "peer")) ? name + strlen("peer_") : name);
	fill(out, "<small>$$$</small></th>", line->word, *node_string(peer, "version") ? ": " : "", node_string(peer, "version"));
	fprintf(out,
		"<td class=\"track\"><span class=\"bar\" style=\"--part:%.4f\"></span><span class=\"whisker\" "
		"style=\"--from:%.4f;--to:%.4f\"></span></td>",
		place(list, ns), place(list, low), place(list, high));
	fill(out, "<td class=\"n\"><b>$</b>", time_words(ns).text);
	if (node_get(line->row, "low"))
		fill(out, "<small class=\"ci\">$</small>", interval_words(low, high, false).text);
	double lost = node_number(line->row, "lost", 0);
	if (lost > 0)
		fill(out, "<small class=\"lost\">loses $</small>", share_words(fmin(lost, 1), 1).text);
	fputs("</td></tr>\n", out);
}

static void block(FILE *out, const json_t *facts, const struct question *question, const json_t *machine)
{
	const char *host = node_string(machine, "key"), *label = node_string(machine, "label");
	int threads = most_threads(facts, question, host);
	const json_t *wrong = named(facts, question, host, threads, "naive");
	const json_t *right = best_right(facts, question, host, threads);
	if (!threads || !right)
		return;
	struct short_list list = {.count = 0};
	add_line(&list, wrong, "stated", "✗", "the bug as it ships");
	add_line(&list, right, "holds", "✓", "the cheapest that is right");
	for (size_t i = 0; i < sizeof textbook / sizeof *textbook; i++)
		add_line(&list, named(facts, question, host, threads, textbook[i]), "holds", "✓", "right");
	const json_t *peer = NULL;
	for (size_t i = 0; i < PEERS_SHOWN; i++) {
		peer = cheapest(facts, question, host, threads, true, peer);
		add_line(&list, peer, "peer", "·", "peer");
		if (!peer)
			break;
	}
	fill(out, "<table class=\"short\"><caption>$, $ thread$$$", question->what, number_words((uint64_t)threads).text,
		threads == 1 ? "" : "s", *label ? ", machine " : "", label);
	if (wrong && node_get(wrong, "ns"))
		fill(out, ": <b>$</b>", verdict(right, wrong).text);
	fputs("</caption>\n<thead class=\"aside\"><tr><th scope=\"col\">implementation</th><th scope=\"col\">on one "
	      "scale</th><th "
	      "scope=\"col\">time</th></tr></thead><tbody>\n",
		out);
	for (size_t i = 0; i < list.count; i++)
		bar(out, facts, &list, &list.lines[i]);
	fputs("</tbody></table>\n", out);
}

void html_short(FILE *out, const json_t *facts)
{
	size_t i;
	const json_t *machine;
	fputs("<div class=\"shorts\">\n", out);
	json_array_foreach(node_get(facts, "machines"), i, machine) {
		for (size_t q = 0; q < sizeof questions / sizeof *questions; q++)
			block(out, facts, &questions[q], machine);
	}
	fputs("</div>\n", out);
}
