/* SPDX-License-Identifier: MIT */
/* The makers of a report's nodes. */
#include "result.h"

#include <string.h>

#include "host.h"
#include "node.h"

json_t *report_new(uint64_t seed)
{
	json_t *report = node_must(json_object());
	node_set(report, "schema", node_text("onceproof/1"));
	node_set(report, "host", host_describe());
	node_set(report, "seed", node_count(seed));
	node_set(report, "partial", json_false());
	static const char *const lists[] = {"results", "contracts", "batches"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		node_set(report, lists[i], json_array());
	json_t *benchmarks = node_must(json_object());
	node_set(benchmarks, "context", json_object());
	node_set(benchmarks, "benchmarks", json_array());
	node_set(report, "benchmarks", benchmarks);
	return report;
}

json_t *result_new(const char *subject, const char *scenario, const char *engine, const char *compiler)
{
	json_t *result = node_must(json_object());
	node_set(result, "subject", node_text(subject));
	node_set(result, "scenario", node_text(scenario));
	node_set(result, "engine", node_text(engine));
	node_set(result, "compiler", node_text(compiler));
	node_set(result, "verdict", node_text("inconclusive"));
	node_set(result, "expected", node_text("clean"));
	node_set(result, "as_expected", json_null());
	node_set(result, "findings", json_array());
	node_set(result, "outcomes", json_array());
	node_set(result, "executions", json_integer(0));
	node_set(result, "blocked", json_integer(0));
	node_set(result, "seconds", json_real(0));
	node_set(result, "peak_bytes", json_integer(0));
	node_set(result, "evidence", node_text("not judged"));
	return result;
}

/* Does every finding break something, and nothing that is claimed? A crash breaks no promise by name and is never as stated. */
static bool as_stated(const json_t *result)
{
	size_t i, j, k;
	json_t *finding, *refuted, *claimed;
	json_array_foreach(json_object_get(result, "findings"), i, finding) {
		const json_t *refutes = json_object_get(finding, "refutes");
		if (json_array_size(refutes) == 0)
			return false;
		json_array_foreach(refutes, j, refuted)
			json_array_foreach(json_object_get(result, "claims"), k, claimed)
				if (json_equal(refuted, claimed))
					return false;
	}
	return true;
}

void result_judge(json_t *result, const char *verdict, const char *expected, const char *evidence)
{
	bool bug_expected = strcmp(expected, "bug") == 0;
	json_t *as_expected = json_null();
	if (strcmp(verdict, "bug") == 0)
		as_expected = json_boolean(bug_expected && as_stated(result));
	else if (strcmp(verdict, "proved") == 0)
		as_expected = json_boolean(!bug_expected);
	else if (strcmp(verdict, "not-found") == 0 && !bug_expected)
		as_expected = json_true();
	node_set(result, "verdict", node_text(verdict));
	node_set(result, "expected", node_text(expected));
	node_set(result, "as_expected", as_expected);
	node_set(result, "evidence", node_text(evidence));
}

json_t *promise_names(enum family family, uint32_t bits)
{
	json_t *names = node_must(json_array());
	size_t count;
	const struct promise_info *list = family_promises(family, &count);
	for (size_t i = 0; i < count; i++)
		if (bits >> i & 1)
			node_append(names, node_text(list[i].name));
	return names;
}

json_t *result_add_finding(json_t *result, const char *kind, const char *message, enum family family, uint32_t refutes)
{
	json_t *finding = node_must(json_object());
	node_set(finding, "kind", node_text(kind));
	node_set(finding, "message", node_text(message));
	node_set(finding, "refutes", promise_names(family, refutes));
	node_set(finding, "locations", json_array());
	node_set(finding, "interleaving", json_array());
	node_set(finding, "replay", json_null());
	return node_append(json_object_get(result, "findings"), finding);
}

void finding_add_location(
	json_t *finding, const char *file, int line, const char *function, const char *thread, const char *access)
{
	json_t *location = node_must(json_object());
	node_set(location, "file", node_text(file));
	node_set(location, "line", json_integer(line));
	node_set(location, "function", node_text(function));
	node_set(location, "thread", node_text(thread));
	node_set(location, "access", node_text(access));
	node_append(json_object_get(finding, "locations"), location);
}

void result_add_outcome(json_t *result, const char *label, const char *grade, uint64_t count, const char *why, enum family family,
	uint32_t refutes)
{
	json_t *outcome = node_must(json_object());
	node_set(outcome, "label", node_text(label));
	node_set(outcome, "grade", node_text(grade));
	node_set(outcome, "count", node_count(count));
	node_set(outcome, "why", node_text(why));
	node_set(outcome, "refutes", promise_names(family, refutes));
	node_append(json_object_get(result, "outcomes"), outcome);
}
