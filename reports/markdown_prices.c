/* SPDX-License-Identifier: MIT */
/* Prices for a CI job summary: where they were measured, and a table for each operation that matters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "markdown_parts.h"
#include "markup.h"
#include "node.h"
#include "prices.h"

/* What a reader asks first; the page has the rest. */
static const char *const asked[][2] = {{"initialiser", "get"}, {"initialiser", "storm"}, {"counter", "increment"},
	{"counter", "increment_call"}, {"counter", "read"}, {"progress", "step"}, {"pipeline", "item_1us"}};
enum { ASKED = sizeof asked / sizeof *asked };

static void machine_line(FILE *out, const json_t *machine)
{
	double processes = node_number(machine, "processes", 0);
	fputs("- ", out);
	if (*node_string(machine, "label"))
		fprintf(out, "**%s**: ", node_string(machine, "label"));
	markdown_text(out, node_string(machine, "cpu"));
	if (*node_string(machine, "class")) {
		fputs("; ", out);
		markdown_text(out, node_string(machine, "class"));
	}
	if (processes > 0)
		fprintf(out, "; %s process%s", count_words(processes).text, processes == 1 ? "" : "es");
	if (*node_string(machine, "compiler")) {
		fputs("; ", out);
		markdown_text(out, node_string(machine, "compiler"));
	}
	if (json_is_true(node_get(machine, "loaded")))
		fputs("; **loaded**: other programs took CPU time, so read the prices as rough", out);
	if (json_is_true(node_get(machine, "partial")))
		fputs("; **partial**", out);
	putc('\n', out);
}

static void marks(FILE *out, const json_t *row)
{
	double lost = node_number(row, "lost", 0);
	const json_t *modes = node_get(row, "modes"), *mode;
	size_t i;
	if (lost > 0)
		fprintf(out, ", loses %s", share_words(fmin(lost, 1), 1).text);
	if (node_get(row, "implausible"))
		fputs(", cannot be true", out);
	if (json_is_true(node_get(row, "disturbed")))
		fputs(", disturbed", out);
	json_array_foreach(modes, i, mode)
		fprintf(out, "%s %s in %s", i ? "," : ", two modes:", time_words(node_number(mode, "ns", 0)).text,
			share_words(node_number(mode, "share", 0), 1).text);
}

static void cell(FILE *out, const json_t *row)
{
	double ratio = node_number(row, "ratio", 0), low = node_number(row, "low", 0);
	if (!row || !node_get(row, "ns")) {
		fputs(" | –", out);
		return;
	}
	fprintf(out, " | %s%s", *node_string(row, "broken") ? "**!** " : "", time_words(node_number(row, "ns", 0)).text);
	if (low > 0)
		fprintf(out, " [%s]", interval_words(low, node_number(row, "high", 0), false).text);
	if (ratio > 0)
		fprintf(out, " (%s)", ratio_words(ratio).text);
	marks(out, row);
}

static void table(FILE *out, const json_t *facts, const struct operation *operation, size_t *left_out)
{
	size_t count, t;
	struct priced *list = prices_sorted(operation, &count);
	const json_t *threads;
	fprintf(out, "**%s %s**%s%s\n\n| ", operation->family, operation->name, *operation->label ? " on " : "",
		operation->label);
	json_array_foreach(operation->threads, t, threads) {
		json_int_t number = json_integer_value(threads);
		fprintf(out, " | %lld thread%s%s", (long long)number, number == 1 ? "" : "s",
			prices_over(operation, number) ? " \\*" : "");
	}
	fputs(" |\n|---", out);
	json_array_foreach(operation->threads, t, threads)
		fputs("|--:", out);
	fputs("|\n", out);
	for (size_t i = 0; i < count; i++) {
		const char *subject = node_string(list[i].row, "subject");
		const json_t *about = facts_subject(facts, subject), *peer = facts_peer(facts, subject, operation->host);
		if (markdown_full(out, left_out))
			continue;
		fputs(about && facts_wrong(about) ? "| ✗ " : "| ", out);
		markdown_text(out, subject);
		if (*node_string(peer, "version")) {
			fputs(" · ", out);
			markdown_text(out, node_string(peer, "version"));
		}
		json_array_foreach(operation->threads, t, threads)
			cell(out, prices_row(operation, list[i].row, json_integer_value(threads)));
		fputs(" |\n", out);
	}
	putc('\n', out);
	free(list);
}

static bool is_asked(const json_t *costs, size_t at)
{
	const json_t *row = json_array_get(costs, at);
	const char *family = node_string(row, "family"), *operation = node_string(row, "operation");
	for (size_t i = 0; i < ASKED; i++)
		if (strcmp(asked[i][0], family) == 0 && strcmp(asked[i][1], operation) == 0)
			return true;
	return false;
}

static void goals_line(FILE *out, const json_t *facts)
{
	const json_t *goals = node_get(facts, "goals"), *goal;
	size_t i, judged = 0, met = 0;
	json_array_foreach(goals, i, goal) {
		judged += json_is_boolean(node_get(goal, "met"));
		met += json_is_true(node_get(goal, "met"));
	}
	if (judged)
		fprintf(out, "Goals: %zu of %zu met.\n\n", met, judged);
}

void markdown_prices(FILE *out, const json_t *facts, size_t *left_out)
{
	const json_t *costs = node_get(facts, "costs"), *machines = node_get(facts, "machines"), *machine, *row;
	size_t i, k, others = 0;
	if (json_array_size(costs) == 0)
		return;
	fputs("## Fast?\n\n", out);
	json_array_foreach(machines, i, machine)
		machine_line(out, machine);
	fputs("\nWall time divided by the operations of all threads: the median, its 95 % interval, and times the floor at that "
	      "number "
	      "of threads. \\* marks more threads than cores, ✗ what is wrong, ! a claim that was refuted on the way.\n\n",
		out);
	goals_line(out, facts);
	json_t *done = node_must(json_object());
	json_array_foreach(costs, i, row) {
		json_t *key = node_must(json_sprintf("%s %s", node_string(row, "family"), node_string(row, "operation")));
		bool seen = node_get(done, json_string_value(key)) != NULL;
		node_set(done, json_string_value(key), json_true());
		json_decref(key);
		others += !seen && !is_asked(costs, i);
		if (seen || !is_asked(costs, i))
			continue;
		json_array_foreach(machines, k, machine) {
			struct operation operation =
				prices_gather(facts, node_string(row, "family"), node_string(row, "operation"), machine);
			if (operation.count && !markdown_full(out, left_out))
				table(out, facts, &operation, left_out);
			prices_done(&operation);
		}
	}
	if (others)
		fprintf(out, "%zu more operations are in the page and in results.json.\n\n", others);
	json_decref(done);
}
