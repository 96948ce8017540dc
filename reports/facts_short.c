/* SPDX-License-Identifier: MIT */
/* The price list in short: on each machine what the bug costs, what a right one costs, and what people take instead. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "facts_parts.h"
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

enum { PEERS_SHOWN = 2 };

static bool asked(const json_t *row, const struct question *question, const char *host, int threads)
{
	return strcmp(node_string(row, "family"), question->family) == 0 &&
	       strcmp(node_string(row, "operation"), question->operation) == 0 && strcmp(node_string(row, "host"), host) == 0 &&
	       (threads == 0 || (int)node_number(row, "threads", 0) == threads);
}

int facts_most_threads(const json_t *facts, const char *family, const char *operation, const char *host)
{
	const struct question question = {.family = family, .operation = operation};
	int most = 0;
	size_t i;
	const json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		int threads = (int)node_number(row, "threads", 0);
		if (asked(row, &question, host, 0) && node_get(row, "ns") && !json_is_true(node_get(row, "oversubscribed")) &&
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

int facts_dearer(const json_t *one, const json_t *other, double times)
{
	double a = times * node_number(one, "ns", 0), b = node_number(other, "ns", 0);
	double a_low = times * node_number(one, "low", a / times), a_high = times * node_number(one, "high", a / times);
	double b_low = node_number(other, "low", b), b_high = node_number(other, "high", b);
	/* Identical code varies by a few per cent from one build to the next, and by a third from one process to another. */
	const double enough = node_get(one, "low") && node_get(other, "low") ? 1.1 : 1.5;
	if (a_high < b_low && b > enough * a)
		return -1;
	return a_low > b_high && a > enough * b;
}

/* "right costs 9.6× less than wrong", as far as the intervals carry it. */
static struct words verdict(const json_t *right, const json_t *wrong)
{
	struct words words;
	double a = node_number(right, "ns", 0), b = node_number(wrong, "ns", 0);
	int dearer = facts_dearer(right, wrong, 1);
	if (dearer < 0)
		snprintf(words.text, sizeof words.text, "right costs %.20s less than wrong", ratio_words(b / a).text);
	else if (dearer > 0)
		snprintf(words.text, sizeof words.text, "right costs %.20s as much as wrong", ratio_words(a / b).text);
	else
		snprintf(words.text, sizeof words.text, "right costs the same as wrong");
	return words;
}

/* Adds ROW to the lines of LIST unless it has no number or is there already. */
static void add_line(json_t *list, const json_t *row, const char *kind, const char *word)
{
	json_t *lines = node_get(list, "lines"), *line;
	size_t i;
	if (!row || !node_get(row, "ns"))
		return;
	json_array_foreach(lines, i, line)
		if (node_get(line, "cost") == row)
			return;
	node_append(lines, json_pack("{s:O, s:s, s:s}", "cost", row, "kind", kind, "word", word));
}

static bool is_header(const json_t *row)
{
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		if (strcmp(node_string(row, "implementation"), headers[i]) == 0)
			return true;
	return false;
}

static void add_short(json_t *shorts, const json_t *facts, const struct question *question, const json_t *machine)
{
	const char *host = node_string(machine, "key");
	int threads = facts_most_threads(facts, question->family, question->operation, host);
	const json_t *wrong = named(facts, question, host, threads, "naive"), *peer = NULL;
	const json_t *right = threads ? best_right(facts, question, host, threads) : NULL;
	if (!right)
		return;
	json_t *list = node_append(shorts, json_pack("{s:s, s:i, s:s, s:s, s:s, s:[]}", "what", question->what, "threads",
						   threads, "host", host, "label", node_string(machine, "label"), "verdict",
						   wrong && node_get(wrong, "ns") ? verdict(right, wrong).text : "", "lines"));
	add_line(list, wrong, "wrong", "the bug as it ships");
	add_line(list, right, "right", is_header(right) ? "right: a header to take along" : "the cheapest that is right");
	for (size_t i = 0; i < sizeof textbook / sizeof *textbook; i++)
		add_line(list, named(facts, question, host, threads, textbook[i]), "right", "right");
	for (size_t i = 0; i < PEERS_SHOWN; i++) {
		peer = cheapest(facts, question, host, threads, true, peer);
		add_line(list, peer, "peer", "peer");
		if (!peer)
			break;
	}
}

json_t *facts_shorts(const json_t *facts)
{
	json_t *shorts = node_must(json_array());
	size_t i;
	const json_t *machine;
	json_array_foreach(node_get(facts, "machines"), i, machine)
		for (size_t q = 0; q < sizeof questions / sizeof *questions; q++)
			add_short(shorts, facts, &questions[q], machine);
	return shorts;
}

void facts_short_sentences(json_t *sentences, const json_t *shorts)
{
	size_t i;
	const json_t *list;
	json_array_foreach(shorts, i, list) {
		const json_t *wrong = node_get(json_array_get(node_get(list, "lines"), 0), "cost"),
			     *right = node_get(json_array_get(node_get(list, "lines"), 1), "cost");
		const char *label = node_string(list, "label");
		double threads = node_number(list, "threads", 1);
		if (!*node_string(list, "verdict"))
			continue;
		node_append(sentences, json_sprintf("%s, %s thread%s%s%s: %s (%s %s, %s %s).", node_string(list, "what"),
					       number_words((uint64_t)threads).text, threads == 1 ? "" : "s",
					       *label ? ", machine " : "", label, node_string(list, "verdict"),
					       node_string(right, "subject"), time_words(node_number(right, "ns", 0)).text,
					       node_string(wrong, "subject"), time_words(node_number(wrong, "ns", 0)).text));
	}
}
