/* SPDX-License-Identifier: MIT */
#include "merge_shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/say.h"
#include "node.h"

/* "2/3" of a result; false: it is no shard. */
static bool shard_of(const json_t *result, unsigned *index, unsigned *total)
{
	return sscanf(node_string(result, "shard"), "%u/%u", index, total) == 2 && *index >= 1 && *index <= *total && *total > 1;
}

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
	return strcmp(node_string(a, key), node_string(b, key)) == 0;
}

/* Of the same thing and of as many shards, whatever the search. */
static bool same_work(const json_t *a, const json_t *b)
{
	unsigned index, of_a, of_b;
	return same_text(a, b, "subject") && same_text(a, b, "scenario") && same_text(a, b, "engine") &&
	       shard_of(a, &index, &of_a) && shard_of(b, &index, &of_b) && of_a == of_b;
}

bool shards_of_one_search(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {"compiler", "model", "strategy", "search"};
	bool same = same_work(a, b) && json_equal(node_get(a, "flags") ? node_get(a, "flags") : json_null(),
					       node_get(b, "flags") ? node_get(b, "flags") : json_null());
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		same = same && same_text(a, b, keys[i]);
	return same;
}

/* RESULT without what differs from one run of the same shard to the next. New reference. */
static json_t *essence(const json_t *result)
{
	static const char *const passing[] = {"seconds", "peak_bytes", "host", "processes"};
	static const char *const of_findings[] = {"replay", "fixes", "baseline"};
	json_t *copy = node_must(json_deep_copy(result)), *finding;
	size_t i;
	for (size_t k = 0; k < sizeof passing / sizeof *passing; k++)
		json_object_del(copy, passing[k]);
	json_array_foreach(node_get(copy, "findings"), i, finding)
		for (size_t k = 0; k < sizeof of_findings / sizeof *of_findings; k++)
			json_object_del(finding, of_findings[k]);
	return copy;
}

static bool same_essence(const json_t *a, const json_t *b)
{
	json_t *one = essence(a), *other = essence(b);
	bool same = json_equal(one, other);
	json_decref(one);
	json_decref(other);
	return same;
}

/* Is B the shard A once more, whether or not it says the same? */
static bool same_shard(const json_t *a, const json_t *b)
{
	return shards_of_one_search(a, b) && same_text(a, b, "shard");
}

/* Complains about each shard of report AT that differs from the same in report BEFORE. */
static bool agree(json_t *const *reports, const char *const *names, size_t before, size_t at)
{
	size_t i, j;
	const json_t *mine, *other;
	bool good = true;
	json_array_foreach(node_get(reports[at], "results"), i, mine)
		json_array_foreach(node_get(reports[before], "results"), j, other) {
			if ((before == at && j >= i) || !same_shard(mine, other) || same_essence(mine, other))
				continue;
			complain("%s: shard %s of %s %s is in %s, too, with other results; one search has one result for each "
				 "shard: leave out the file that is not right",
				names[at], node_string(mine, "shard"), node_string(mine, "subject"),
				node_string(mine, "scenario"), names[before]);
			good = false;
		}
	return good;
}

bool shards_agree(json_t *const *reports, const char *const *names, size_t n)
{
	bool good = true;
	for (size_t at = 0; at < n; at++)
		for (size_t before = 0; before <= at; before++)
			good &= agree(reports, names, before, at);
	return good;
}

void shards_drop_doubles(json_t *results)
{
	for (size_t i = 0; i < json_array_size(results); i++)
		for (size_t j = i + 1; j < json_array_size(results);) {
			const json_t *a = json_array_get(results, i), *b = json_array_get(results, j);
			if (same_shard(a, b) && same_essence(a, b))
				json_array_remove(results, j);
			else
				j++;
		}
}

/* In what the shard OTHER is of another search than LIKE, in words. */
static void difference(const json_t *like, const json_t *other, char *text, size_t bytes)
{
	if (!same_text(like, other, "compiler"))
		snprintf(text, bytes, "by another compiler (%.60s, not %.60s)", node_string(other, "compiler"),
			node_string(like, "compiler"));
	else if (!same_text(like, other, "build"))
		snprintf(text, bytes, "of other code (build %.12s, not %.12s)", node_string(other, "build"),
			node_string(like, "build"));
	else if (!json_equal(node_get(like, "seed"), node_get(other, "seed")))
		snprintf(text, bytes, "of another seed (%.0f, not %.0f)", node_number(other, "seed", 0),
			node_number(like, "seed", 0));
	else
		snprintf(text, bytes, "of a search with other options, or of another version of onceproof");
}

/* Shard INDEX of the search that LIKE is of; NULL: it is missing, and *INSTEAD is that of another search, or NULL. */
static const json_t *find(const json_t *results, const json_t *like, unsigned index, const json_t **instead)
{
	size_t i;
	const json_t *it;
	unsigned its, total;
	*instead = NULL;
	json_array_foreach(results, i, it) {
		if (!same_work(it, like) || !shard_of(it, &its, &total) || its != index)
			continue;
		if (shards_of_one_search(it, like))
			return it;
		*instead = it;
	}
	return NULL;
}

static bool first_of_search(const json_t *results, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (shards_of_one_search(json_array_get(results, i), json_array_get(results, at)))
			return false;
	return true;
}

/* Adds "shard 3/8 of SUBJECT SCENARIO" for each that the search of LIKE lacks to LOST. */
static void add_lost(json_t *lost, const json_t *results, const json_t *like, unsigned total)
{
	for (unsigned index = 1; index <= total; index++) {
		const json_t *instead;
		char why[256] = "";
		if (find(results, like, index, &instead))
			continue;
		if (instead)
			difference(like, instead, why, sizeof why);
		node_append(lost, node_must(json_sprintf("shard %u/%u of %s %s%s%s", index, total, node_string(like, "subject"),
					  node_string(like, "scenario"), *why ? "; the one that is there is " : "", why)));
	}
}

/* A shard that has found nothing says what keeps it from a verdict. */
static void tell(json_t *result, const json_t *missing)
{
	if (strcmp(node_string(result, "verdict"), "inconclusive") != 0 || json_array_size(missing) == 0)
		return;
	const char *evidence = node_string(result, "evidence"), *old = strstr(evidence, " (missing: ");
	size_t more = json_array_size(missing) - 1;
	json_t *text = node_must(
		more ? json_sprintf("%.*s (missing: %s, and %d more)", old ? (int)(old - evidence) : (int)strlen(evidence),
			       evidence, json_string_value(json_array_get(missing, 0)), (int)more)
		     : json_sprintf("%.*s (missing: %s)", old ? (int)(old - evidence) : (int)strlen(evidence), evidence,
			       json_string_value(json_array_get(missing, 0))));
	node_set(result, "evidence", text);
}

json_t *shards_lost(json_t *results)
{
	json_t *lost = node_must(json_array()), *it, *other;
	size_t i, j;
	unsigned index, total;
	json_array_foreach(results, i, it) {
		if (!shard_of(it, &index, &total) || !first_of_search(results, i))
			continue;
		json_t *missing = node_must(json_array());
		add_lost(missing, results, it, total);
		json_array_foreach(results, j, other)
			if (shards_of_one_search(it, other))
				tell(other, missing);
		json_array_extend(lost, missing);
		json_decref(missing);
	}
	return lost;
}

/* Checks ------------------------------------------------------------------------------------------------------------------------------ */

static bool same_check(const json_t *a, const json_t *b)
{
	return same_text(a, b, "subject") && same_text(a, b, "kind") && same_text(a, b, "compiler") &&
	       json_equal(node_get(a, "flags"), node_get(b, "flags"));
}

/* A known finding has vanished where no shard has seen it. */
static void keep_vanished(json_t *row, const json_t *other)
{
	json_t *vanished = node_get(row, "vanished"), *one;
	for (size_t i = 0; i < json_array_size(vanished);) {
		bool there = false;
		size_t j;
		json_array_foreach(node_get(other, "vanished"), j, one)
			there |= json_equal(one, json_array_get(vanished, i));
		if (there)
			i++;
		else
			json_array_remove(vanished, i);
	}
}

json_t *shards_checks(json_t *const *reports, size_t n)
{
	json_t *rows = node_must(json_array());
	for (size_t i = 0; i < n; i++) {
		size_t j, k;
		json_t *check, *known;
		json_array_foreach(node_get(reports[i], "checks"), j, check) {
			json_t *same = NULL;
			json_array_foreach(rows, k, known)
				if (same_check(known, check))
					same = known;
			if (!same)
				node_append(rows, json_deep_copy(check));
			else
				keep_vanished(same, check);
		}
	}
	return rows;
}
