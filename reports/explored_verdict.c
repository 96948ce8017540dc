/* SPDX-License-Identifier: MIT */
#include "explored_verdict.h"

#include <stdio.h>
#include <string.h>

#include "merge_shards.h"
#include "node.h"
#include "result.h"

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(node_get(object, key));
}

static const char *plural(long long count)
{
	return count == 1 ? "" : "s";
}

static const char *model_words(const json_t *result)
{
	return strcmp(node_string(result, "model"), "sc") == 0
		       ? "sc"
		       : "rc11 (program order and reads-from acyclic: no load buffering, though C11 allows it)";
}

/* The chance to have found a bug of depth d, where the strategy has one; only PCT under sc does. */
static void chances(const json_t *result, char *text, size_t bytes)
{
	const json_t *list = node_get(result, "probability"), *it;
	size_t i;
	snprintf(text, bytes, json_array_size(list) ? "; a bug of depth" : "; no probability bound");
	json_array_foreach(list, i, it)
		snprintf(text + strlen(text), bytes - strlen(text), "%s %zu", i ? "," : "", i + 1);
	if (json_array_size(list))
		snprintf(text + strlen(text), bytes - strlen(text), " would have been found with a probability of at least");
	json_array_foreach(list, i, it)
		snprintf(text + strlen(text), bytes - strlen(text), "%s %.3g", i ? "," : "", json_number_value(it));
}

static void verdict_bug(json_t *result, const char *expected)
{
	char why[512];
	/* Executions that got too long show findings, too. */
	long long executions = number(result, "executions") + number(result, "cut"), first = -1;
	size_t i, count = json_array_size(node_get(result, "findings"));
	const json_t *found;
	json_array_foreach(node_get(result, "findings"), i, found)
		if (first < 0 || number(found, "first") < first)
			first = number(found, "first");
	snprintf(why, sizeof why, "%zu finding%s in %lld execution%s under %s; the first in execution %lld", count,
		plural((long long)count), executions, plural(executions), node_string(result, "model"), first);
	result_judge(result, "bug", expected, why);
}

static void verdict_clean(json_t *result, const char *expected)
{
	char why[2048], chance[256];
	const char *bound = node_string(result, "bound"), *plan = node_string(result, "plan");
	long long executions = number(result, "executions"), blocked = number(result, "blocked"),
		  distinct = number(result, "distinct"), cut = number(result, "cut");
	bool exhausted = json_is_true(node_get(result, "exhausted"));
	if (exhausted) {
		/* What the proof leaves out comes first. */
		snprintf(why, sizeof why, "%s%s%severy execution under %s%s was explored: %lld execution%s, %lld blocked",
			*bound ? "within a bound (" : "", bound, *bound ? "), " : "", model_words(result),
			*bound ? " and that bound" : "", executions, plural(executions), blocked);
	} else {
		chances(result, chance, sizeof chance);
		snprintf(why, sizeof why, "%lld schedule%s sampled under %s, %lld distinct behaviour%s%s%s%s", executions,
			plural(executions), model_words(result), distinct, plural(distinct), chance, *plan ? "; plan: " : "",
			plan);
		if (cut)
			snprintf(why + strlen(why), sizeof why - strlen(why),
				"; %lld more were left where they got longer than the bound on steps", cut);
	}
	if (*node_string(result, "isolated"))
		snprintf(why + strlen(why), sizeof why - strlen(why), "; each execution in a process of its own (because of %s)",
			node_string(result, "isolated"));
	bool proved = exhausted && (!*bound || strcmp(expected, "bug") != 0);
	result_judge(result, proved ? "proved" : "not-found", expected, why);
	/* A proof for one scenario is none for a promise that others may break: contracts look at all of them. */
	if (proved && strcmp(expected, "bug") == 0)
		node_set(result, "as_expected", json_null());
}

void explored_verdict(json_t *result, const char *expected)
{
	const char *limits = node_string(result, "limits"), *shard = node_string(result, "shard");
	char why[2048];
	if (json_array_size(node_get(result, "findings"))) {
		verdict_bug(result, expected);
	} else if (*shard) {
		snprintf(why, sizeof why, "shard %s of a whole, %s: %lld executions%s%s", shard,
			json_is_true(node_get(result, "exhausted")) ? "explored to its end" : "sampled",
			number(result, "executions"), *limits ? "; " : "", limits);
		result_judge(result, "inconclusive", expected, why);
	} else if (*limits) {
		result_judge(result, "inconclusive", expected, limits);
	} else {
		verdict_clean(result, expected);
	}
}

static json_t *find_shard(const json_t *results, const json_t *like, unsigned index, unsigned total)
{
	char shard[32];
	size_t i;
	json_t *it;
	snprintf(shard, sizeof shard, "%u/%u", index, total);
	json_array_foreach(results, i, it)
		if (strcmp(node_string(it, "shard"), shard) == 0 && shards_of_one_search(it, like))
			return it;
	return NULL;
}

static void add_to(json_t *whole, const json_t *part, const char *key)
{
	node_set(whole, key, json_integer(number(whole, key) + number(part, key)));
}

static void add_outcomes(json_t *whole, const json_t *part)
{
	size_t i, j;
	json_t *outcome, *other;
	json_array_foreach(node_get(whole, "outcomes"), i, outcome)
		json_array_foreach(node_get(part, "outcomes"), j, other)
			if (strcmp(node_string(outcome, "label"), node_string(other, "label")) == 0)
				add_to(outcome, other, "count");
}

/* Findings that say the same and lie at the same places are one; it keeps the witness that was found first. */
static void add_findings(json_t *whole, const json_t *part)
{
	size_t i, j;
	json_t *finding, *other;
	json_array_foreach(node_get(part, "findings"), i, finding) {
		json_t *same = NULL;
		json_array_foreach(node_get(whole, "findings"), j, other)
			if (strcmp(node_string(other, "kind"), node_string(finding, "kind")) == 0 &&
				strcmp(node_string(other, "message"), node_string(finding, "message")) == 0 &&
				json_equal(node_get(other, "locations"), node_get(finding, "locations")))
				same = other;
		if (!same) {
			node_append(node_get(whole, "findings"), json_deep_copy(finding));
			continue;
		}
		long long executions = number(same, "executions") + number(finding, "executions");
		if (number(finding, "first") < number(same, "first")) {
			json_t *copy = node_must(json_deep_copy(finding));
			json_object_update(same, copy);
			json_decref(copy);
		}
		node_set(same, "executions", json_integer(executions));
	}
}

/* The chance that one of the shards found it. */
static void add_chances(json_t *whole, const json_t *part)
{
	json_t *list = node_get(whole, "probability");
	for (size_t i = 0; i < json_array_size(list); i++) {
		double mine = json_number_value(json_array_get(list, i));
		double other = json_number_value(json_array_get(node_get(part, "probability"), i));
		json_array_set_new(list, i, node_must(json_real(1 - (1 - mine) * (1 - other))));
	}
}

static void add_limits(json_t *whole, const json_t *part)
{
	const char *mine = node_string(whole, "limits"), *other = node_string(part, "limits");
	if (*other && strcmp(mine, other) != 0)
		node_set(whole, "limits", node_must(json_sprintf("%s%s%s", mine, *mine ? "; " : "", other)));
}

static void join(json_t *whole, const json_t *part)
{
	static const char *const summed[] = {"executions", "blocked", "cut", "distinct"};
	for (size_t i = 0; i < sizeof summed / sizeof *summed; i++)
		add_to(whole, part, summed[i]);
	node_set(whole, "seconds", json_real(node_number(whole, "seconds", 0) + node_number(part, "seconds", 0)));
	if (number(part, "peak_bytes") > number(whole, "peak_bytes"))
		node_set(whole, "peak_bytes", json_integer(number(part, "peak_bytes")));
	bool exhausted = json_is_true(node_get(whole, "exhausted")) && json_is_true(node_get(part, "exhausted"));
	node_set(whole, "exhausted", json_boolean(exhausted));
	if (strcmp(node_string(whole, "host"), node_string(part, "host")) != 0)
		json_object_del(whole, "host");
	add_outcomes(whole, part);
	add_findings(whole, part);
	add_chances(whole, part);
	add_limits(whole, part);
}

/* How many shards of the search that LIKE is of were skipped? */
static unsigned skipped_shards(const json_t *results, const json_t *like, unsigned total)
{
	unsigned count = 0;
	for (unsigned index = 1; index <= total; index++)
		count += strcmp(node_string(find_shard(results, like, index, total), "verdict"), "skipped") == 0;
	return count;
}

bool explored_join_shards(json_t *results)
{
	bool any = false;
	for (size_t i = 0; i < json_array_size(results); i++) {
		json_t *whole = json_array_get(results, i);
		unsigned index = 0, total = 0, there = 0;
		if (sscanf(node_string(whole, "shard"), "%u/%u", &index, &total) != 2 || total < 2)
			continue;
		while (there < total && find_shard(results, whole, there + 1, total))
			there++;
		if (there < total)
			continue;
		/* What cannot be explored cannot be explored in any shard; if it could be in some, there is no whole. */
		unsigned skipped = skipped_shards(results, whole, total);
		if (skipped && skipped < total)
			continue;
		for (unsigned other = 1; other <= total; other++) {
			json_t *part = find_shard(results, whole, other, total);
			size_t at = 0;
			if (!part || part == whole)
				continue;
			if (!skipped)
				join(whole, part);
			while (json_array_get(results, at) != part)
				at++;
			json_array_remove(results, at);
			i -= at < i;
		}
		json_object_del(whole, "shard");
		any = true;
		if (skipped)
			continue;
		char expected[16];
		snprintf(expected, sizeof expected, "%s", node_string(whole, "expected"));
		explored_verdict(whole, expected);
	}
	return any;
}
