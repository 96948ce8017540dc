/* SPDX-License-Identifier: MIT */
/* One verdict of several engines' results. */
#include <stdio.h>
#include <string.h>

#include "../../reports/node.h"
#include "../../reports/result.h"
#include "check.h"

static const char *kind_name(enum check_kind kind)
{
	static const char *const names[] = {"program", "scenario-file", "implementation", "executable"};
	return names[kind];
}

/* helgrind and drd inform; they take atomics for plain accesses. */
static bool decides(const json_t *result)
{
	return strcmp(node_string(result, "engine"), "helgrind") != 0 && strcmp(node_string(result, "engine"), "drd") != 0;
}

/* What is worth more: a finding is final, then come proofs, then sampling that ended, then what decided nothing. */
static int rank(const char *verdict)
{
	static const char *const order[] = {"skipped", "inconclusive", "not-found", "proved", "bug"};
	for (int i = 0; i < 5; i++)
		if (strcmp(order[i], verdict) == 0)
			return i;
	return 0;
}

/* Of an implementation: one forced order that went well, and what broke only as it was declared, say nothing about the rest. */
static bool neutral(const json_t *result)
{
	const char *verdict = node_string(result, "verdict");
	return strcmp(verdict, "bug") != 0 &&
	       (strcmp(node_string(result, "engine"), "sequential") == 0 ||
		       (strcmp(verdict, "not-found") == 0 && json_array_size(node_get(result, "declared"))));
}

/* The best result of SCENARIO that decides something, borrowed; NULL: there is none. */
static const json_t *best_of(const json_t *results, const char *scenario, bool neutral_too)
{
	const json_t *best = NULL, *it;
	size_t i;
	json_array_foreach(results, i, it)
		if (decides(it) && (neutral_too || !neutral(it)) && strcmp(node_string(it, "scenario"), scenario) == 0 &&
			(!best || rank(node_string(it, "verdict")) > rank(node_string(best, "verdict"))))
			best = it;
	return best;
}

/* Is the result at INDEX the first of its scenario? */
static bool first_of_scenario(const json_t *results, size_t index)
{
	const char *scenario = node_string(json_array_get(results, index), "scenario");
	for (size_t i = 0; i < index; i++)
		if (strcmp(node_string(json_array_get(results, i), "scenario"), scenario) == 0)
			return false;
	return true;
}

/* Over all scenarios: a bug in one is a bug of the whole; else the weakest of them says what can be said of all. */
static const json_t *decisive_of(const json_t *results, bool neutral_too)
{
	const json_t *whole = NULL;
	for (size_t i = 0; i < json_array_size(results); i++) {
		if (!first_of_scenario(results, i))
			continue;
		const json_t *best = best_of(results, node_string(json_array_get(results, i), "scenario"), neutral_too);
		if (!best)
			continue;
		int its = rank(node_string(best, "verdict")), so_far = whole ? rank(node_string(whole, "verdict")) : 5;
		bool bug = its == 4, had_bug = so_far == 4;
		/* What is skipped for every engine says nothing about the rest. */
		if (!whole || (bug && !had_bug) || (!had_bug && its < so_far && its > 0) || (so_far == 0 && its > 0))
			whole = best;
	}
	return whole;
}

static const json_t *decisive(const json_t *results)
{
	const json_t *whole = decisive_of(results, false);
	return whole ? whole : decisive_of(results, true);
}

/* Adds the names of LIST to TEXT, each once: "a, b". */
static void add_names(const json_t *list, char *text, size_t bytes)
{
	size_t i;
	const json_t *name;
	json_array_foreach(list, i, name)
		if (!strstr(text, json_string_value(name)))
			snprintf(text + strlen(text), bytes - strlen(text), "%s%s", *text ? ", " : "", json_string_value(name));
}

/* Of an implementation: what it broke, or how much of it was seen. */
static json_t *evidence_of_scenarios(const json_t *results, const json_t *by)
{
	char broken[256] = "", declared[256] = "";
	size_t i, f, threads = 0, proved = 0, forced = 0;
	const json_t *it, *finding;
	json_array_foreach(results, i, it) {
		json_array_foreach(node_get(it, "findings"), f, finding)
			add_names(node_get(finding, "refutes"), broken, sizeof broken);
		json_array_foreach(node_get(it, "declared"), f, finding)
			add_names(node_get(finding, "refutes"), declared, sizeof declared);
		bool script = strcmp(node_string(it, "engine"), "sequential") == 0;
		forced += script;
		threads += !script && first_of_scenario(results, i);
		proved += strcmp(node_string(it, "verdict"), "proved") == 0;
	}
	const char *may = *declared ? "; broken, and not claimed: " : "";
	if (strcmp(node_string(by, "verdict"), "bug") == 0)
		return node_must(json_sprintf(
			"%s%s%s%s", *broken ? "breaks " : "", broken, *broken ? ": " : "", node_string(by, "evidence")));
	if (strcmp(node_string(by, "verdict"), "proved") == 0)
		return node_must(json_sprintf(
			"every execution of %zu of %zu scenarios of threads was explored, and %zu forced orders were run%s%s",
			proved, threads, forced, may, declared));
	return node_must(json_sprintf(
		"%zu of %zu scenarios of threads were explored to the end, and %zu forced orders ran; the least is: %s: %s%s%s",
		proved, threads, forced, node_string(by, "scenario"), node_string(by, "evidence"), may, declared));
}

/* What kept the explorer from saying more, for verdicts that rest on other engines. */
static json_t *evidence(const json_t *results, const json_t *by)
{
	size_t i;
	const json_t *it;
	json_array_foreach(results, i, it) {
		const char *verdict = node_string(it, "verdict");
		if (it == by || strcmp(node_string(it, "engine"), "explore") != 0 ||
			strcmp(node_string(it, "scenario"), node_string(by, "scenario")) != 0 ||
			(strcmp(verdict, "inconclusive") != 0 && strcmp(verdict, "skipped") != 0))
			continue;
		return node_must(
			json_sprintf("%s; not explored to an end: %s", node_string(by, "evidence"), node_string(it, "evidence")));
	}
	return node_text(node_string(by, "evidence"));
}

json_t *check_conclude(const struct check_subject *subject, enum check_kind kind, const json_t *results)
{
	json_t *check = node_must(json_object()), *flags = node_must(json_array());
	const json_t *by = decisive(results), *it;
	size_t i, findings = 0;
	double seconds = 0;
	for (i = 0; i < subject->source.flag_count; i++)
		node_append(flags, node_text(subject->source.flags[i]));
	if (subject->source.optimise)
		node_append(flags, node_text(subject->source.optimise));
	json_array_foreach(results, i, it) {
		seconds += node_number(it, "seconds", 0);
		findings += decides(it) && strcmp(node_string(it, "verdict"), "bug") == 0
				    ? json_array_size(node_get(it, "findings"))
				    : 0;
	}
	node_set(check, "subject", node_text(subject->name));
	node_set(check, "kind", node_text(kind_name(kind)));
	node_set(check, "compiler", node_text(by ? node_string(by, "compiler") : ""));
	node_set(check, "flags", flags);
	node_set(check, "verdict", node_text(by ? node_string(by, "verdict") : "inconclusive"));
	node_set(check, "engine", by ? node_text(node_string(by, "engine")) : json_null());
	node_set(check, "evidence",
		by ? kind == CHECK_IMPLEMENTATION ? evidence_of_scenarios(results, by) : evidence(results, by)
		   : node_text("helgrind and drd take atomics for plain accesses, and decide nothing: run explore, tsan or "
			       "native, too"));
	node_set(check, "seconds", json_real(seconds));
	node_set(check, "cached", json_false());
	node_set(check, "findings", json_integer((json_int_t)findings));
	return check;
}
