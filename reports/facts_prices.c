/* SPDX-License-Identifier: MIT */
/* Benchmark rows, one price for each: what several processes measured together, or for older files the median of the repetitions. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "facts_parts.h"
#include "node.h"

/* "counter/mutex/increment/threads:2/real_time_median" -> subject "counter/mutex", operation "increment", threads 2. A floor,
 * "floor/load_branch/threads:1", has subject "floor" and operation "load_branch". False if NAME has another shape. */
bool row_name_split(const char *name, char *subject, char *operation, size_t bytes, int *threads)
{
	const char *tail = strstr(name, "/threads:");
	const char *first = strchr(name, '/');
	if (!first)
		return false;
	size_t length = tail ? (size_t)(tail - name) : strlen(name);
	bool is_floor = strncmp(name, "floor/", 6) == 0;
	const char *second = is_floor ? first : strchr(first + 1, '/');
	if (!second || (size_t)(second - name) >= length || length >= bytes)
		return false;
	snprintf(subject, bytes, "%.*s", (int)(second - name), name);
	snprintf(operation, bytes, "%.*s", (int)(name + length - second - 1), second + 1);
	*threads = tail ? (int)strtol(tail + strlen("/threads:"), NULL, 10) : 1;
	return true;
}

/* The operation of the floor that ROW is compared with, "lock_xadd", or null. */
static json_t *floor_of(const json_t *row)
{
	char subject[256], operation[256];
	int threads;
	bool known = row_name_split(node_string(row, "floor"), subject, operation, sizeof subject, &threads);
	return known ? node_text(operation) : json_null();
}

static json_t *new_cost(const char *subject, const char *operation, int threads, const char *host)
{
	const char *slash = strchr(subject, '/');
	json_t *cost = node_must(json_object());
	node_set(cost, "subject", node_text(subject));
	node_set(cost, "family", json_sprintf("%.*s", (int)(slash ? slash - subject : (int)strlen(subject)), subject));
	node_set(cost, "implementation", node_text(slash ? slash + 1 : ""));
	node_set(cost, "operation", node_text(operation));
	node_set(cost, "threads", json_integer(threads));
	node_set(cost, "host", node_text(host));
	node_set(cost, "peer", json_boolean(slash && strncmp(slash + 1, "peer_", strlen("peer_")) == 0));
	static const char *const lists[] = {"times", "ratios", "rates", "median_time", "median_ratio", "median_rate"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		node_set(cost, lists[i], json_array());
	return cost;
}

static void add_number(json_t *object, const char *key, const json_t *row, const char *from)
{
	const json_t *value = node_get(row, from);
	if (json_is_number(value) && json_number_value(value) > 0)
		node_append(json_object_get(object, key), json_incref((json_t *)value));
}

static void add_sum(json_t *cost, const char *key, double more)
{
	node_set(cost, key, json_real(node_number(cost, key, 0) + more));
}

/* Operations that a repetition made, and how many of them went wrong. */
static const char *const wrongs[][2] = {{"lost", "lost_ops"}, {"extra_loads", "extra_ops"}, {"backwards", "backwards_ops"}};

static void add_repetition(json_t *cost, const json_t *row)
{
	add_number(cost, "times", row, "wall_ns_per_op");
	add_number(cost, "ratios", row, "ratio_to_floor");
	add_number(cost, "rates", row, "items_per_second");
	add_sum(cost, "ops", node_number(row, "ops", 0));
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
		add_sum(cost, wrongs[i][1], fmax(0, node_number(row, wrongs[i][0], 0)));
	/* Somebody else had the CPU for more than a twentieth of the window. Single operations leave such windows out by themselves. */
	double cpu = node_number(row, "cpu_ns_per_op", 0), wall = node_number(row, "wall_ns_per_op", 0);
	add_sum(cost, "cut",
		node_number(row, "preempted", 0) > 0 && cpu > 0 && cpu < 0.95 * wall * node_number(cost, "threads", 1));
	add_sum(cost, "windows", 1);
	if (node_get(row, "pinned") && node_number(row, "pinned", 1) == 0)
		node_set(cost, "unpinned", json_true());
}

/* MODES with the numbers that a reader needs of each: ns, and its share of the processes. */
static json_t *good_modes(const json_t *modes)
{
	json_t *good = node_must(json_array());
	size_t i;
	const json_t *mode;
	json_array_foreach(modes, i, mode) {
		double ns = node_number(mode, "ns", 0), share = node_number(mode, "share", 0);
		if (ns > 0 && share > 0 && share <= 1)
			node_append(good, json_pack("{s:f, s:f}", "ns", ns, "share", share));
	}
	return good;
}

/* The median over the medians of several processes, with its interval, is the price as it stands. */
static void add_median(json_t *cost, const json_t *row)
{
	add_number(cost, "median_time", row, "wall_ns_per_op");
	add_number(cost, "median_ratio", row, "ratio_to_floor");
	add_number(cost, "median_rate", row, "items_per_second");
	double processes = node_number(row, "processes", 0);
	if (processes < 1)
		return;
	node_set(cost, "processes", json_real(processes));
	static const char *const members[] = {"low", "high", "ratio_low", "ratio_high"};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (node_number(row, members[i], 0) > 0)
			node_set(cost, members[i], json_real(node_number(row, members[i], 0)));
	json_t *modes = good_modes(node_get(row, "modes"));
	if (json_array_size(modes) > 1)
		node_set(cost, "modes", json_incref(modes));
	json_decref(modes);
}

/* Replaces the sums of the repetitions by what they say: shares of the operations, and whether the row was disturbed. */
static void finish_marks(json_t *cost)
{
	double ops = node_number(cost, "ops", 0), windows = node_number(cost, "windows", 0);
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		double share = ops > 0 ? node_number(cost, wrongs[i][1], 0) / ops : 0;
		json_object_del(cost, wrongs[i][1]);
		if (share > 0)
			node_set(cost, wrongs[i][0], json_real(share));
	}
	/* Where threads outnumber CPUs they take these from one another. */
	if (node_number(cost, "cut", 0) * 2 > windows && !json_is_true(node_get(cost, "oversubscribed")))
		node_set(cost, "disturbed", json_true());
	static const char *const done[] = {"ops", "windows", "cut"};
	for (size_t i = 0; i < sizeof done / sizeof *done; i++)
		json_object_del(cost, done[i]);
}

/* Turns the lists of a cost into its numbers. Of one process, or in older files, the median is that of the repetitions; Google
 * Benchmark's own stands where these were not kept. */
static void finish_cost(json_t *cost, double cores)
{
	static const char *const parts[][3] = {{"times", "median_time", "ns"}, {"ratios", "median_ratio", "ratio"},
		{"rates", "median_rate", "items_per_second"}};
	bool summed = node_get(cost, "processes") != NULL;
	for (size_t i = 0; i < 3; i++) {
		json_t *list = json_object_get(cost, parts[i][0]), *made = json_object_get(cost, parts[i][1]);
		bool take_made = json_array_size(made) && (summed || json_array_size(list) == 0);
		double own = numbers_median(list), middle = take_made ? numbers_median(made) : own;
		if (middle > 0)
			node_set(cost, parts[i][2], json_real(middle));
		if (i == 0 && json_array_size(list) > 1) {
			node_set(cost, "least", json_incref(json_array_get(list, 0)));
			node_set(cost, "most", json_incref(json_array_get(list, json_array_size(list) - 1)));
			node_set(cost, "repetitions", json_integer((json_int_t)json_array_size(list)));
		}
		json_object_del(cost, parts[i][0]);
		json_object_del(cost, parts[i][1]);
	}
	if (node_get(cost, "ns"))
		json_object_del(cost, "skipped");
	if (!node_get(cost, "oversubscribed"))
		node_set(cost, "oversubscribed", json_boolean(cores > 0 && node_number(cost, "threads", 1) > cores));
	finish_marks(cost);
}

/* Why a row has no number: "loads before main" of "skipped: loads before main". */
static void add_error(json_t *cost, const json_t *row)
{
	const char *why = node_string(row, "error_message");
	if (strncmp(why, "skipped: ", 9) == 0)
		why += 9;
	node_set(cost, "skipped", node_text(*why ? why : "it ended in an error"));
}

static void add_row(json_t *cost, const json_t *row)
{
	bool middle = strcmp(node_string(row, "aggregate_name"), "median") == 0;
	if (json_is_true(node_get(row, "error_occurred"))) {
		add_error(cost, row);
		return;
	}
	if (!node_get(cost, "floor"))
		node_set(cost, "floor", floor_of(row));
	/* What the benchmark says knows the CPU quota too; without it, the machine is asked. */
	if (json_is_true(node_get(row, "oversubscribed")) || node_number(row, "oversubscribed", 0) > 0)
		node_set(cost, "oversubscribed", json_true());
	else if (node_get(row, "oversubscribed") && !node_get(cost, "oversubscribed"))
		node_set(cost, "oversubscribed", json_false());
	static const char *const notes[] = {"label", "implausible", "broken"};
	for (size_t k = 0; k < sizeof notes / sizeof *notes; k++)
		if (*node_string(row, notes[k]))
			node_set(cost, notes[k], json_incref(node_get(row, notes[k])));
	if (middle)
		add_median(cost, row);
	else
		add_repetition(cost, row);
}

/* Threads that the report's own machine runs at once; 0 if unknown. */
static double usable_cores(const json_t *report)
{
	const json_t *host = node_get(report, "host");
	double cores = node_number(host, "cores_usable", node_number(host, "cores_online", 0));
	double quota = floor(node_number(host, "cpu_quota", 0));
	return node_number(host, "cpu_quota", 0) > 0 && quota < cores ? fmax(quota, 1) : cores;
}

json_t *facts_costs(const json_t *report)
{
	json_t *costs = node_must(json_array()), *index = node_must(json_object());
	size_t i;
	json_t *row, *cost;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "benchmarks"), i, row) {
		char subject[256], operation[256];
		int threads;
		const char *aggregate = node_string(row, "aggregate_name");
		/* Means and deviations say nothing here. */
		if ((*aggregate && strcmp(aggregate, "median") != 0) ||
			!row_name_split(node_string(row, "name"), subject, operation, sizeof subject, &threads))
			continue;
		const char *machine = node_string(row, "host");
		json_t *key = node_must(json_sprintf("%s %s %d %s", subject, operation, threads, machine));
		cost = json_object_get(index, json_string_value(key));
		if (!cost) {
			cost = node_append(costs, new_cost(subject, operation, threads, machine));
			node_set(index, json_string_value(key), json_incref(cost));
		}
		json_decref(key);
		add_row(cost, row);
	}
	json_decref(index);
	json_array_foreach(costs, i, cost)
		finish_cost(cost, usable_cores(report));
	return costs;
}

bool facts_ranged(const json_t *cost)
{
	return !node_get(cost, "processes") && node_number(cost, "least", 0) > 0;
}
