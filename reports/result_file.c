/* SPDX-License-Identifier: MIT */
/* Results files: written whole or not at all, and checked when read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "node.h"
#include "result.h"

int report_write(const json_t *report, const char *path)
{
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12);
	if (strcmp(path, "-") == 0) {
		errno = 0;
		bool written = json_dumpf(report, stdout, flags) == 0 && putchar('\n') != EOF && fflush(stdout) == 0;
		int why = written ? 0 : errno ? errno : EIO;
		if (why)
			complain("results: cannot write to stdout: %s", strerror(why));
		return why;
	}
	struct draft draft;
	int why = draft_open(&draft, path);
	if (!why) {
		errno = 0;
		if (json_dumpf(report, draft.stream, flags) == 0 && fputc('\n', draft.stream) != EOF) {
			why = draft_commit(&draft);
		} else {
			why = errno ? errno : EIO;
			draft_abandon(&draft);
		}
	}
	if (why)
		complain("%s: cannot write the results: %s; an earlier file is as it was", path, strerror(why));
	return why;
}

enum { ANY = -1 };

/* One required member of an object and its JSON type; -1: any. */
struct member {
	const char *key;
	int type;
};

static const struct member report_members[] = {{"schema", JSON_STRING}, {"host", JSON_OBJECT}, {"seed", ANY}, {"partial", ANY},
	{"results", JSON_ARRAY}, {"contracts", JSON_ARRAY}, {"batches", JSON_ARRAY}, {"benchmarks", JSON_OBJECT}, {NULL, 0}};
static const struct member result_members[] = {{"subject", JSON_STRING}, {"scenario", JSON_STRING}, {"engine", JSON_STRING},
	{"compiler", JSON_STRING}, {"verdict", JSON_STRING}, {"expected", JSON_STRING}, {"as_expected", ANY},
	{"findings", JSON_ARRAY}, {"outcomes", JSON_ARRAY}, {"executions", ANY}, {NULL, 0}};
static const struct member finding_members[] = {
	{"kind", JSON_STRING}, {"message", JSON_STRING}, {"refutes", JSON_ARRAY}, {"locations", JSON_ARRAY}, {NULL, 0}};
static const struct member outcome_members[] = {
	{"label", JSON_STRING}, {"grade", JSON_STRING}, {"count", ANY}, {"why", JSON_STRING}, {NULL, 0}};
static const struct member contract_members[] = {
	{"subject", JSON_STRING}, {"promise", JSON_STRING}, {"claim", JSON_STRING}, {"status", JSON_STRING}, {NULL, 0}};
static const struct member batch_members[] = {
	{"initialiser", JSON_STRING}, {"counter", JSON_STRING}, {"progress", JSON_STRING}, {NULL, 0}};
static const struct member row_members[] = {{"name", JSON_STRING}, {NULL, 0}};

/* Complains and returns false unless NODE is an object with all MEMBERS. WHERE names it, like "results[3]". */
static bool check_object(const char *path, const char *where, const json_t *node, const struct member *members)
{
	if (!json_is_object(node)) {
		complain("%s: %s is not an object; is this a results.json of onceproof?", path, where);
		return false;
	}
	for (; members->key; members++) {
		const json_t *value = node_get(node, members->key);
		if (!value || (members->type != ANY && (int)json_typeof(value) != members->type)) {
			complain("%s: %s: \"%s\" is %s; was the file edited by hand?", path, where, members->key,
				value ? "of the wrong type" : "missing");
			return false;
		}
	}
	return true;
}

static bool check_list(const char *path, const char *where, const json_t *owner, const char *key, const struct member *members)
{
	const json_t *list = node_get(owner, key);
	size_t i;
	const json_t *node;
	json_array_foreach(list, i, node) {
		char name[128];
		snprintf(name, sizeof name, "%s%s%s[%zu]", where, *where ? "." : "", key, i);
		if (!check_object(path, name, node, members))
			return false;
	}
	return true;
}

static bool known_word(const char *const *words, const char *word)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static bool check_result(const char *path, const char *where, const json_t *result)
{
	static const char *const verdicts[] = {"proved", "not-found", "bug", "inconclusive", "skipped", NULL};
	const char *verdict = node_string(result, "verdict");
	if (!known_word(verdicts, verdict)) {
		complain("%s: %s: unknown verdict '%s'; was the file made by a newer onceproof?", path, where, verdict);
		return false;
	}
	return check_list(path, where, result, "findings", finding_members) &&
	       check_list(path, where, result, "outcomes", outcome_members);
}

static bool check_report(const char *path, const json_t *report)
{
	const char *schema = node_string(report, "schema");
	if (json_is_object(report) && *schema && strcmp(schema, "onceproof/1") != 0) {
		complain("%s: schema '%s', but this program reads 'onceproof/1'; use the onceproof that wrote it", path, schema);
		return false;
	}
	if (!check_object(path, "the report", report, report_members) ||
		!check_list(path, "", report, "results", result_members) ||
		!check_list(path, "", report, "contracts", contract_members) ||
		!check_list(path, "", report, "batches", batch_members) ||
		!check_list(path, "benchmarks", node_get(report, "benchmarks"), "benchmarks", row_members))
		return false;
	const json_t *results = node_get(report, "results");
	for (size_t i = 0; i < json_array_size(results); i++) {
		char where[64];
		snprintf(where, sizeof where, "results[%zu]", i);
		if (!check_result(path, where, json_array_get(results, i)))
			return false;
	}
	return true;
}

json_t *report_read(const char *path)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		complain("%s: cannot read the results: %s", path, strerror(errno));
		return NULL;
	}
	json_error_t error;
	errno = 0;
	json_t *report = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	int why = ferror(file) ? errno : 0;
	fclose(file);
	if (why || !report) {
		json_decref(report);
		if (why)
			complain("%s: cannot read the results: %s", path, strerror(why));
		else
			complain("%s: not valid JSON: line %d: %s", path, error.line, error.text);
		return NULL;
	}
	if (check_report(path, report))
		return report;
	json_decref(report);
	return NULL;
}
