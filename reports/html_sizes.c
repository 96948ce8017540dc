/* SPDX-License-Identifier: MIT */
/* What implementations weigh, in memory and in code. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "html_parts.h"
#include "markup.h"
#include "node.h"

static const struct {
	const char *key, *head;
	bool bytes;
} columns[] = {{"bytes_instance", "an instance", true}, {"bytes_thread", "and for each thread", true},
	{"fast_path_instructions", "instructions of a warm operation", false}, {"fast_path_bytes", "their code", true},
	{"code_bytes", "all its code", true}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void size_row(FILE *out, const json_t *facts, const json_t *row, const char *host)
{
	const char *subject = node_string(row, "subject"), *missing = node_string(row, "missing");
	fill(out, "<tr data-filter=\"$\">", subject);
	html_row_head(out, facts, subject, host, false);
	if (*missing) {
		fill(out, "<td colspan=\"$\" class=\"none\">$</td></tr>\n", count_words(COLUMNS).text, missing);
		return;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		const json_t *value = node_get(row, columns[i].key);
		double number = json_number_value(value);
		if (!json_is_number(value))
			fputs("<td class=\"n none\"><span aria-hidden=\"true\">–</span><span class=\"aside\">not "
			      "known</span></td>",
				out);
		else
			fill(out, "<td class=\"n\">$</td>",
				columns[i].bytes ? bytes_words(number).text : count_words(number).text);
	}
	fputs("</tr>\n", out);
}

/* A table for each family, those that are there. */
static void family_sizes(FILE *out, const json_t *facts, const json_t *rows, const char *family, const char *host)
{
	size_t i;
	const json_t *row;
	bool open = false;
	json_array_foreach(rows, i, row) {
		const char *subject = node_string(row, "subject");
		if (strncmp(subject, family, strlen(family)) != 0 || subject[strlen(family)] != '/')
			continue;
		if (!open) {
			fill(out,
				"<div class=\"scroll\" role=\"region\" aria-label=\"Sizes: $\" tabindex=\"0\"><table "
				"class=\"sizes\"><caption>$</caption><thead><tr><th scope=\"col\">implementation</th>",
				family, family);
			for (size_t k = 0; k < COLUMNS; k++)
				fill(out, "<th scope=\"col\" class=\"n\">$</th>", columns[k].head);
			fputs("</tr></thead><tbody>\n", out);
		}
		open = true;
		size_row(out, facts, row, host);
	}
	if (open)
		fputs("</tbody></table></div>\n", out);
}

static void sentences(FILE *out, const json_t *list)
{
	size_t i;
	const json_t *one;
	json_array_foreach(list, i, one)
		if (json_is_string(one))
			fill(out, "<p class=\"note\">$</p>\n", json_string_value(one));
}

static void machine_sizes(FILE *out, const json_t *facts, const json_t *machine)
{
	const json_t *study = node_get(node_get(machine, "studies"), "sizes"), *rows = node_get(study, "rows");
	const char *label = node_string(machine, "label");
	if (json_array_size(rows) == 0)
		return;
	fill(out,
		"<details class=\"one op\"><summary><h4>Sizes <b>memory and code$$</b></h4><span class=\"lesson\">bytes of an "
		"instance "
		"and of a thread; instructions of a warm operation; code, by $</span></summary>\n<div class=\"body\">",
		*label ? " on " : "", label, node_string(machine, "compiler"));
	for (int family = 0; family < FAMILY_COUNT; family++)
		family_sizes(out, facts, rows, family_name((enum family)family), node_string(machine, "key"));
	const json_t *counted = node_get(study, "counted");
	for (size_t i = 0; i < COLUMNS; i++)
		if (*node_string(counted, columns[i].key))
			fill(out, "<p class=\"note\">$: $.</p>\n", columns[i].head, node_string(counted, columns[i].key));
	sentences(out, node_get(study, "notes"));
	fputs("</div></details>\n", out);
}

void html_sizes(FILE *out, const json_t *facts)
{
	size_t i;
	const json_t *machine;
	json_array_foreach(node_get(facts, "machines"), i, machine)
		machine_sizes(out, facts, machine);
}
