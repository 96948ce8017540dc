/* SPDX-License-Identifier: MIT */
#include "merge.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explored_verdict.h"
#include "merge_benchmarks.h"
#include "merge_shards.h"
#include "node.h"

/* Are A and B the same machine? */
static bool same_host(const json_t *a, const json_t *b)
{
	if (*node_string(a, "id") && *node_string(b, "id"))
		return strcmp(node_string(a, "id"), node_string(b, "id")) == 0;
	json_t *left = node_must(json_copy((json_t *)a)), *right = node_must(json_copy((json_t *)b));
	json_object_del(left, "date");
	json_object_del(right, "date");
	bool same = json_equal(left, right);
	json_decref(left);
	json_decref(right);
	return same;
}

/* Adds HOST to HOSTS unless it is there; one without an id gets its place in the list as its id. Returns the id, borrowed. */
static json_t *host_id(json_t *hosts, const json_t *host)
{
	size_t i;
	json_t *known;
	json_array_foreach(hosts, i, known) {
		if (same_host(known, host))
			return json_object_get(known, "id");
	}
	known = node_append(hosts, json_deep_copy(host));
	if (!*node_string(known, "id")) {
		char id[32];
		snprintf(id, sizeof id, "host%zu", i + 1);
		node_set(known, "id", node_text(id));
	}
	return json_object_get(known, "id");
}

/* Appends copies of FROM's members to TO, each marked with HOST unless it says already where it comes from. */
static void append_marked(json_t *to, const json_t *from, json_t *host)
{
	size_t i;
	json_t *node;
	json_array_foreach(from, i, node) {
		json_t *copy = node_append(to, json_deep_copy(node));
		if (!node_get(copy, "host"))
			node_set(copy, "host", json_incref(host));
	}
}

static void remove_marks(json_t *list)
{
	size_t i;
	json_t *node;
	json_array_foreach(list, i, node)
		json_object_del(node, "host");
}

static int weight(const json_t *contract)
{
	const char *status = node_string(contract, "status");
	return strcmp(status, "refuted") == 0 ? 2 : strcmp(status, "upheld") == 0;
}

/* Adds the texts of `seen` that KNOWN lacks. */
static void merge_seen(json_t *known, const json_t *contract)
{
	json_t *all = node_get(known, "seen");
	size_t i, k;
	json_t *one, *other;
	json_array_foreach(node_get(contract, "seen"), i, one) {
		bool found = false;
		json_array_foreach(all, k, other)
			found = found || json_equal(one, other);
		if (!found && json_is_array(all))
			node_append(all, json_incref(one));
	}
}

/* INDEX maps "subject promise claim" to the row that stands for it in TO. */
static void merge_contracts(json_t *to, json_t *index, const json_t *from)
{
	size_t i;
	json_t *contract;
	json_array_foreach(from, i, contract) {
		json_t *key = node_must(json_sprintf("%s %s %s", node_string(contract, "subject"),
			node_string(contract, "promise"), node_string(contract, "claim")));
		json_t *known = json_object_get(index, json_string_value(key));
		if (!known) {
			node_set(index, json_string_value(key), json_incref(node_append(to, json_deep_copy(contract))));
		} else {
			json_t *heavier = node_must(json_deep_copy(weight(contract) > weight(known) ? contract : known));
			merge_seen(heavier, weight(contract) > weight(known) ? known : contract);
			if (json_object_update(known, heavier) != 0)
				node_must(NULL);
			json_decref(heavier);
		}
		json_decref(key);
	}
}

/* Adds the members of FROM that TO lacks. Members are the same when KEY and SECOND (or NULL) are equal. */
static void merge_described(json_t *to, const json_t *from, const char *key, const char *second)
{
	size_t i, j;
	json_t *node, *known;
	json_array_foreach(from, i, node) {
		bool found = false;
		json_array_foreach(to, j, known) {
			if (strcmp(node_string(known, key), node_string(node, key)) != 0 ||
				(second && strcmp(node_string(known, second), node_string(node, second)) != 0))
				continue;
			found = true;
			if (!node_get(known, "source") && node_get(node, "source"))
				node_set(known, "source", json_incref(node_get(node, "source")));
		}
		if (!found)
			node_append(to, json_deep_copy(node));
	}
}

static bool seen_before(json_t **reports, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (json_equal(reports[i], reports[at]))
			return true;
	return false;
}

static void add_seeds(json_t *seeds, const json_t *report)
{
	json_t *own = node_get(report, "seeds"),
	       *list = own ? json_incref(own) : node_must(json_pack("[O]", node_get(report, "seed")));
	size_t i, j;
	json_t *seed, *known;
	json_array_foreach(list, i, seed) {
		bool found = false;
		json_array_foreach(seeds, j, known)
			found = found || json_equal(known, seed);
		if (!found)
			node_append(seeds, json_incref(seed));
	}
	json_decref(list);
}

/* Adds "stress 2/3 SEED VERSION" or "bench 2/3 …" for the shards that REPORT holds: its own, or those of an incomplete merge. What was
 * made from another seed or by another version is a shard of another plan. */
static void add_shards(json_t *shards, const json_t *report)
{
	const json_t *benchmarks = node_get(report, "benchmarks"), *one;
	bool timed = json_object_size(node_get(benchmarks, "context")) || json_array_size(node_get(benchmarks, "benchmarks"));
	if (*node_string(report, "shard")) {
		char *seed = json_dumps(node_get(report, "seed"), JSON_ENCODE_ANY);
		json_t *key = node_must(json_sprintf("%s %s %s %s", timed ? "bench" : "stress", node_string(report, "shard"),
			seed && !timed ? seed : "-", node_string(node_get(report, "host"), "onceproof")));
		node_set(shards, json_string_value(key), json_true());
		json_decref(key);
		free(seed);
	}
	size_t i;
	json_array_foreach(node_get(report, "shards"), i, one) {
		if (json_is_string(one))
			node_set(shards, json_string_value(one), json_true());
	}
}

/* "2/3", or where the others of that kind are of several plans "2/3 (seed 5, version 0.1.0)". */
static json_t *lost_name(const json_t *shards, const char *kind, unsigned index, unsigned total, const char *plan)
{
	const char *name, *bench = strcmp(kind, "stress") == 0 ? "" : "bench ";
	json_t *value;
	char its_kind[16], its_plan[96], seed[48] = "", version[48] = "";
	bool several = false;
	json_object_foreach((json_t *)shards, name, value) {
		*its_plan = '\0';
		if (sscanf(name, "%15s %*u/%*u %95[^\n]", its_kind, its_plan) >= 1 && strcmp(its_kind, kind) == 0)
			several |= strcmp(its_plan, plan) != 0;
	}
	if (!several || sscanf(plan, "%47s %47s", seed, version) < 1)
		return node_must(json_sprintf("%s%u/%u", bench, index, total));
	return node_must(json_sprintf("%s%u/%u (seed %s, version %s)", bench, index, total, seed, version));
}

/* The shards that a plan of one of SHARDS still lacks, in order. */
static json_t *lost_shards(const json_t *shards)
{
	enum { SHARDS_MAX = 1000000 };
	json_t *lost = node_must(json_array()), *plans = node_must(json_object());
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)shards, name, value) {
		char kind[16], plan[96] = "", key[160];
		unsigned index, total;
		if (sscanf(name, "%15s %u/%u %95[^\n]", kind, &index, &total, plan) < 3 || total < 2 || total > SHARDS_MAX)
			continue;
		snprintf(key, sizeof key, "%s %u %s", kind, total, plan);
		if (node_get(plans, key))
			continue;
		node_set(plans, key, json_true());
		for (index = 1; index <= total; index++) {
			snprintf(key, sizeof key, "%s %u/%u%s%s", kind, index, total, *plan ? " " : "", plan);
			if (!node_get(shards, key))
				node_append(lost, lost_name(shards, kind, index, total, plan));
		}
	}
	json_decref(plans);
	return lost;
}

/* Was the run of REPORT itself ended early, apart from shards that it lacks? */
static bool ended_early(const json_t *report)
{
	bool partial = json_is_true(node_get(report, "partial"));
	return node_get(report, "missing_shards") || node_get(report, "lost") ? json_is_true(node_get(report, "ended_early"))
									      : partial;
}

/* Sets `partial`, and says in MERGED which shards are missing; nothing of it when all are there. */
static void set_shards(json_t *merged, const json_t *shards, bool partial)
{
	static const char *const members[] = {"shard", "shards", "missing_shards", "ended_early"};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		json_object_del(merged, members[i]);
	json_t *lost = lost_shards(shards);
	bool whole = json_array_size(lost) == 0;
	node_set(merged, "partial", json_boolean(partial || !whole));
	if (whole) {
		json_decref(lost);
		return;
	}
	node_set(merged, "missing_shards", lost);
	node_set(merged, "ended_early", json_boolean(partial));
	json_t *here = json_array();
	node_set(merged, "shards", here);
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)shards, name, value)
		node_append(here, node_text(name));
}

json_t *report_merge(json_t **reports, size_t n)
{
	/* The first report's own members (schema, host, command …) lead; the lists are made anew. */
	json_t *merged = node_must(json_copy(reports[0]));
	json_t *results = node_must(json_array()), *contracts = node_must(json_array()), *batches = node_must(json_array());
	json_t *groups = node_must(json_array()), *index = node_must(json_object());
	json_t *hosts = node_must(json_array()), *seeds = node_must(json_array());
	json_t *implementations = node_must(json_array()), *scenarios = node_must(json_array());
	json_t *shards = node_must(json_object());
	bool partial = false;
	for (size_t i = 0; i < n; i++) {
		const json_t *report = reports[i];
		if (seen_before(reports, i))
			continue;
		json_t *id = host_id(hosts, node_get(report, "host"));
		size_t j;
		json_t *host;
		json_array_foreach(node_get(report, "hosts"), j, host)
			host_id(hosts, host);
		append_marked(results, node_get(report, "results"), id);
		append_marked(batches, node_get(report, "batches"), id);
		benchmarks_gather(groups, report, json_string_value(id));
		merge_contracts(contracts, index, node_get(report, "contracts"));
		merge_described(implementations, node_get(report, "implementations"), "subject", NULL);
		merge_described(scenarios, node_get(report, "scenarios"), "name", "family");
		add_seeds(seeds, report);
		add_shards(shards, report);
		partial = partial || ended_early(report);
	}
	json_decref(index);
	node_set(merged, "benchmarks", benchmarks_joined(groups, json_array_size(hosts) > 1));
	json_decref(groups);
	if (json_array_size(hosts) > 1) {
		node_set(merged, "hosts", hosts);
	} else {
		remove_marks(results);
		remove_marks(batches);
		json_decref(hosts);
	}
	if (json_array_size(seeds) > 1)
		node_set(merged, "seeds", seeds);
	else
		json_decref(seeds);
	set_shards(merged, shards, partial);
	json_decref(shards);
	shards_drop_doubles(results);
	/* Their contracts were made of shards, which decide nothing: who can judge again must. */
	if (explored_join_shards(results))
		node_set(merged, "joined", json_true());
	else
		json_object_del(merged, "joined");
	json_t *lost = shards_lost(results), *checks = shards_checks(reports, n);
	json_object_del(merged, "lost");
	if (json_array_size(lost)) {
		node_set(merged, "lost", json_incref(lost));
		node_set(merged, "partial", json_true());
		/* What one may fill the hole with is told by the results themselves. */
		if (!node_get(merged, "missing_shards"))
			node_set(merged, "ended_early", json_boolean(partial));
	}
	json_decref(lost);
	if (json_array_size(checks))
		node_set(merged, "checks", json_incref(checks));
	json_decref(checks);
	node_set(merged, "results", results);
	node_set(merged, "contracts", contracts);
	node_set(merged, "batches", batches);
	node_set(merged, "implementations", implementations);
	node_set(merged, "scenarios", scenarios);
	return merged;
}
