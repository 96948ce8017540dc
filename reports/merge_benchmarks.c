/* SPDX-License-Identifier: MIT */
#include "merge_benchmarks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "pool.h"

/* Of KEY, text or number: contexts write some numbers as text. */
static bool same_member(const json_t *a, const json_t *b, const char *key)
{
	const json_t *left = node_get(a, key), *right = node_get(b, key);
	return left && right ? json_equal(left, right) : !left && !right;
}

/* May runs with these contexts be pooled? */
static bool one_plan(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {
		"plan", "onceproof_version", "compiler", "window_ms", "kernel", "cores_usable", "quota"};
	if (!json_object_size(a) || !json_object_size(b))
		return false;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (!same_member(a, b, keys[i]))
			return false;
	return true;
}

static bool is_repetition(const json_t *line)
{
	return !*node_string(line, "aggregate_name") && !json_is_true(node_get(line, "error_occurred"));
}

static const char *row_of(const json_t *line)
{
	return *node_string(line, "run_name") ? node_string(line, "run_name") : node_string(line, "name");
}

/* Does LINES hold the repetition LINE already? Its process has another number there. */
static bool holds(const json_t *lines, const json_t *line)
{
	static const char *const keys[] = {"name", "real_time", "cpu_time", "ops"};
	size_t i;
	const json_t *known;
	json_array_foreach(lines, i, known) {
		bool same = true;
		for (size_t k = 0; k < sizeof keys / sizeof *keys && same; k++)
			same = same_member(known, line, keys[k]);
		if (same)
			return true;
	}
	return false;
}

/* Is a run with CONTEXT and LINES in GROUP already, from another file? It began at the same second, and all its repetitions are there. */
static bool known_run(const json_t *group, const json_t *context, const json_t *lines)
{
	size_t i;
	const json_t *began, *line;
	bool same = false;
	json_array_foreach(node_get(node_get(group, "context"), "pooled"), i, began)
		same = same || json_equal(began, node_get(context, "date"));
	same = same || same_member(node_get(group, "context"), context, "date");
	if (!same)
		return false;
	json_array_foreach(lines, i, line)
		if (is_repetition(line) && !holds(node_get(group, "lines"), line))
			return false;
	return true;
}

static json_t *group_for(json_t *groups, const char *host, const json_t *context)
{
	size_t i, others = 0;
	json_t *group;
	json_array_foreach(groups, i, group) {
		if (strcmp(node_string(group, "host"), host) != 0)
			continue;
		if (one_plan(node_get(group, "context"), context))
			return group;
		others++;
	}
	group = node_append(groups, json_object());
	node_set(group, "key", others ? json_sprintf("%s/%zu", host, others + 1) : node_text(host));
	node_set(group, "host", node_text(host));
	node_set(group, "lines", json_array());
	node_set(group, "distributions", json_array());
	node_set(group, "studies", json_object());
	node_set(group, "goals", json_array());
	node_set(group, "runs", json_integer(0));
	return group;
}

static double processes_of(const json_t *lines)
{
	double most = -1;
	size_t i;
	const json_t *line;
	json_array_foreach(lines, i, line)
		if (is_repetition(line))
			most = fmax(most, node_number(line, "process", 0));
	return most + 1;
}

/* The context of both: more processes, and what spoils either run spoils the whole. */
static void join_context(json_t *group, const json_t *context, double processes)
{
	json_t *ours = node_get(group, "context"), *peer, *known;
	size_t i, k;
	if (!node_get(ours, "pooled"))
		node_set(ours, "pooled", json_pack("[O]", node_get(ours, "date") ? node_get(ours, "date") : json_null()));
	if (json_array_size(node_get(context, "pooled")))
		json_array_extend(node_get(ours, "pooled"), node_get(context, "pooled"));
	else if (node_get(context, "date"))
		node_append(node_get(ours, "pooled"), json_incref(node_get(context, "date")));
	if (strcmp(node_string(context, "partial"), "true") == 0)
		node_set(ours, "partial", node_text("true"));
	node_set(ours, "processes", json_real(processes));
	if (json_is_true(node_get(node_get(context, "machine"), "loaded")) && json_is_object(node_get(ours, "machine")))
		node_set(node_get(ours, "machine"), "loaded", json_true());
	if (!node_get(ours, "machine") && node_get(context, "machine"))
		node_set(ours, "machine", json_deep_copy(node_get(context, "machine")));
	json_array_foreach(node_get(context, "peers"), i, peer) {
		bool found = false;
		json_array_foreach(node_get(ours, "peers"), k, known)
			found = found || same_member(known, peer, "name");
		if (!found && json_is_array(node_get(ours, "peers")))
			node_append(node_get(ours, "peers"), json_deep_copy(peer));
	}
}

static void add_distribution(json_t *list, const json_t *one)
{
	size_t i;
	const json_t *known;
	json_array_foreach(list, i, known)
		if (same_member(known, one, "name")) {
			json_array_set_new(list, i, pool_distributions(known, one));
			return;
		}
	node_append(list, json_deep_copy(one));
}

/* -1: not measured, 0: falls short, 1: met. */
static int outcome(const json_t *goal)
{
	return json_is_boolean(node_get(goal, "met")) ? json_is_true(node_get(goal, "met")) : -1;
}

/* A goal that was measured twice is met when it was met both times. */
static void add_goal(json_t *list, const json_t *goal)
{
	size_t i;
	const json_t *known;
	json_array_foreach(list, i, known)
		if (same_member(known, goal, "name") && same_member(known, goal, "subject") && same_member(known, goal, "what")) {
			if (outcome(goal) == 0 || outcome(known) < 0)
				json_array_set_new(list, i, node_must(json_deep_copy(goal)));
			return;
		}
	node_append(list, json_deep_copy(goal));
}

static void add_studies(json_t *ours, const json_t *studies)
{
	const char *name;
	json_t *study;
	json_object_foreach((json_t *)studies, name, study)
		if (!node_get(ours, name) ||
			(json_is_true(node_get(node_get(ours, name), "partial")) && !json_is_true(node_get(study, "partial"))))
			node_set(ours, name, json_deep_copy(study));
}

/* One run: its rows, and what else belongs to the same context. */
struct run {
	const char *host;
	const json_t *context, *studies;
	json_t *lines, *distributions, *goals;
};

static void add_run(json_t *groups, const struct run *run)
{
	json_t *group = group_for(groups, run->host, run->context), *lines = node_get(group, "lines");
	bool first = node_number(group, "runs", 0) == 0;
	size_t i;
	json_t *line;
	if (!first && known_run(group, run->context, run->lines))
		return;
	double before = processes_of(lines);
	json_array_foreach(run->lines, i, line) {
		json_t *copy = node_append(lines, json_deep_copy(line));
		json_object_del(copy, "host");
		/* Lines of one run are told from another's by their processes. */
		if (is_repetition(copy) && !first)
			node_set(copy, "process", json_integer((json_int_t)(node_number(copy, "process", 0) + before)));
	}
	if (first)
		node_set(group, "context", run->context ? node_must(json_deep_copy(run->context)) : json_object());
	else
		join_context(group, run->context, processes_of(lines));
	json_array_foreach(run->distributions, i, line)
		add_distribution(node_get(group, "distributions"), line);
	json_array_foreach(run->goals, i, line)
		add_goal(node_get(group, "goals"), line);
	add_studies(node_get(group, "studies"), run->studies);
	node_set(group, "runs", json_integer((json_int_t)node_number(group, "runs", 0) + 1));
}

/* Members of LIST that belong to HOST: those that say so, and with UNMARKED those that say nothing. New reference. */
static json_t *members_of(const json_t *list, const char *host, bool unmarked)
{
	json_t *found = node_must(json_array()), *one;
	size_t i;
	json_array_foreach(list, i, one) {
		const char *its = node_string(one, "host");
		if (json_is_object(one) && (*its ? strcmp(its, host) == 0 : unmarked))
			node_append(found, json_incref(one));
	}
	return found;
}

static void add_part(
	json_t *groups, const json_t *benchmarks, const char *key, bool own, const json_t *context, const json_t *studies)
{
	char host[256];
	snprintf(host, sizeof host, "%.*s", (int)strcspn(key, "/"), key);
	struct run run = {.host = host,
		.context = json_is_object(context) ? context : NULL,
		.studies = json_is_object(studies) ? studies : NULL,
		.lines = members_of(node_get(benchmarks, "benchmarks"), key, own),
		.distributions = members_of(node_get(benchmarks, "distributions"), key, own),
		.goals = members_of(node_get(benchmarks, "goals"), key, own)};
	if (json_array_size(run.lines) || json_object_size(run.context) || json_object_size(run.studies))
		add_run(groups, &run);
	json_decref(run.lines);
	json_decref(run.distributions);
	json_decref(run.goals);
}

/* Hosts that rows name and OWN is not: of merges that kept one context. */
static void add_strangers(json_t *groups, const json_t *benchmarks, const char *own)
{
	json_t *seen = node_must(json_object());
	size_t i;
	const json_t *line;
	json_array_foreach(node_get(benchmarks, "benchmarks"), i, line) {
		const char *host = node_string(line, "host");
		if (!*host || strcmp(host, own) == 0 || node_get(seen, host))
			continue;
		node_set(seen, host, json_true());
		add_part(groups, benchmarks, host, false, NULL, NULL);
	}
	json_decref(seen);
}

void benchmarks_gather(json_t *groups, const json_t *report, const char *id)
{
	const json_t *benchmarks = node_get(report, "benchmarks"), *contexts = node_get(benchmarks, "contexts");
	const char *key;
	json_t *context;
	json_object_foreach((json_t *)contexts, key, context)
		add_part(groups, benchmarks, key, false, context, node_get(node_get(benchmarks, "studies"), key));
	if (json_object_size(contexts))
		return;
	add_part(groups, benchmarks, id, true, node_get(benchmarks, "context"), node_get(benchmarks, "studies"));
	add_strangers(groups, benchmarks, id);
}

/* Joining ---------------------------------------------------------------------------------------------------------------------------------- */

/* {row: {runs' repetitions[], others[], older median}} of LINES, in the order of their coming. */
static json_t *by_row(const json_t *lines)
{
	json_t *rows = node_must(json_object());
	size_t i;
	json_t *line;
	json_array_foreach(lines, i, line) {
		const char *name = row_of(line);
		json_t *row = node_get(rows, name);
		if (!row) {
			row = node_must(json_pack("{s:[], s:[], s:[]}", "repetitions", "aggregates", "errors"));
			node_set(rows, name, row);
		}
		const char *kind = is_repetition(line)                    ? "repetitions"
				   : *node_string(line, "aggregate_name") ? "aggregates"
									  : "errors";
		node_append(node_get(row, kind), json_incref(line));
	}
	return rows;
}

static const json_t *older_median(const json_t *aggregates, size_t *count)
{
	const json_t *found = NULL, *line;
	size_t i;
	*count = 0;
	json_array_foreach(aggregates, i, line)
		if (strcmp(node_string(line, "aggregate_name"), "median") == 0) {
			found = found ? found : line;
			++*count;
		}
	return found;
}

/* A row that one run measured stays as it is; of one that several measured, the aggregates are made anew. */
static void join_row(json_t *to, const json_t *row)
{
	const json_t *repetitions = node_get(row, "repetitions"), *aggregates = node_get(row, "aggregates");
	size_t medians, i, count = json_array_size(repetitions);
	const json_t *like = older_median(aggregates, &medians);
	json_t *line;
	json_array_foreach(repetitions, i, line) {
		if (medians > 1) {
			node_set(line, "repetitions", json_integer((json_int_t)count));
			node_set(line, "repetition_index", json_integer((json_int_t)i));
		}
		node_append(to, json_incref(line));
	}
	if (medians > 1)
		pool_aggregates(to, repetitions, like);
	else
		json_array_extend(to, (json_t *)aggregates);
	/* What one run skipped and another measured was measured. */
	if (!count && !medians && json_array_size(node_get(row, "errors")))
		node_append(to, json_incref(json_array_get(node_get(row, "errors"), 0)));
}

static void mark(json_t *list, const json_t *key)
{
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
		node_set(one, "host", json_incref((json_t *)key));
}

/* The lines of GROUP with its rows joined. New reference. */
static json_t *joined_lines(const json_t *group)
{
	if (node_number(group, "runs", 0) < 2)
		return json_incref(node_get(group, "lines"));
	json_t *lines = node_must(json_array()), *rows = by_row(node_get(group, "lines")), *row;
	const char *name;
	json_object_foreach(rows, name, row)
		join_row(lines, row);
	json_decref(rows);
	return lines;
}

static void set_list(json_t *benchmarks, const char *key, json_t *list)
{
	if (json_array_size(list))
		node_set(benchmarks, key, json_incref(list));
	json_decref(list);
}

json_t *benchmarks_joined(const json_t *groups, bool apart)
{
	json_t *all = node_must(json_object()), *lines = node_must(json_array()), *distributions = node_must(json_array()),
	       *goals = node_must(json_array()), *contexts = node_must(json_object()), *studies = node_must(json_object());
	size_t i;
	json_t *group;
	bool marked = json_array_size(groups) > 1 || (apart && json_array_size(groups));
	json_array_foreach(groups, i, group) {
		const char *key = node_string(group, "key");
		json_t *own = joined_lines(group);
		if (marked) {
			mark(own, node_get(group, "key"));
			mark(node_get(group, "distributions"), node_get(group, "key"));
			mark(node_get(group, "goals"), node_get(group, "key"));
		}
		json_array_extend(lines, own);
		json_decref(own);
		json_array_extend(distributions, node_get(group, "distributions"));
		json_array_extend(goals, node_get(group, "goals"));
		node_set(contexts, key, json_incref(node_get(group, "context")));
		if (!marked)
			json_object_update(studies, node_get(group, "studies"));
		else if (json_object_size(node_get(group, "studies")))
			node_set(studies, key, json_incref(node_get(group, "studies")));
	}
	const json_t *first = json_array_get(groups, 0);
	node_set(all, "context", first ? json_incref(node_get(first, "context")) : json_object());
	if (marked)
		node_set(all, "contexts", json_incref(contexts));
	node_set(all, "benchmarks", lines);
	set_list(all, "distributions", distributions);
	if (json_object_size(studies))
		node_set(all, "studies", json_incref(studies));
	set_list(all, "goals", goals);
	json_decref(contexts);
	json_decref(studies);
	return all;
}
