/* SPDX-License-Identifier: MIT */
/* Benchmarks and batches, grouped. */
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
static bool split_name(const char *name, char *subject, char *operation, size_t bytes, int *threads)
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

static int by_value(const void *a, const void *b)
{
	double left = json_number_value(*(json_t *const *)a), right = json_number_value(*(json_t *const *)b);
	return (left > right) - (left < right);
}

/* The median of an array of numbers, which is sorted on the way; -1 for an empty one. */
static double median(json_t *numbers)
{
	size_t count = json_array_size(numbers);
	if (count == 0)
		return -1;
	json_t **list = malloc(count * sizeof *list);
	if (!list)
		node_must(NULL);
	for (size_t i = 0; i < count; i++)
		list[i] = json_incref(json_array_get(numbers, i));
	qsort(list, count, sizeof *list, by_value);
	for (size_t i = 0; i < count; i++)
		json_array_set_new(numbers, i, list[i]);
	free(list);
	return (json_number_value(json_array_get(numbers, (count - 1) / 2)) +
		       json_number_value(json_array_get(numbers, count / 2))) /
	       2;
}

static void add_number(json_t *object, const char *key, const json_t *row, const char *from)
{
	const json_t *value = node_get(row, from);
	if (json_is_number(value) && json_number_value(value) > 0)
		node_append(json_object_get(object, key), json_incref((json_t *)value));
}

/* The operation of the floor that ROW is compared with, "lock_xadd", or null. */
static json_t *floor_of(const json_t *row)
{
	char subject[256], operation[256];
	int threads;
	bool known = split_name(node_string(row, "floor"), subject, operation, sizeof subject, &threads);
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
	static const char *const lists[] = {"times", "ratios", "rates", "median_time", "median_ratio", "median_rate"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		node_set(cost, lists[i], json_array());
	return cost;
}

/* Turns the lists of a cost into its numbers. Google Benchmark's own median stands where the repetitions themselves were not kept. */
static void finish_cost(json_t *cost, double cores)
{
	static const char *const parts[][3] = {{"times", "median_time", "ns"}, {"ratios", "median_ratio", "ratio"},
		{"rates", "median_rate", "items_per_second"}};
	for (size_t i = 0; i < 3; i++) {
		json_t *list = json_object_get(cost, parts[i][0]);
		double middle = json_array_size(list) ? median(list) : median(json_object_get(cost, parts[i][1]));
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
	if (!node_get(cost, "oversubscribed"))
		node_set(cost, "oversubscribed", json_boolean(cores > 0 && node_number(cost, "threads", 1) > cores));
}

json_t *facts_costs(const json_t *report)
{
	json_t *costs = node_must(json_array()), *index = node_must(json_object());
	const json_t *host = node_get(report, "host");
	double cores = node_number(host, "cores_usable", node_number(host, "cores_online", 0));
	double quota = floor(node_number(host, "cpu_quota", 0));
	if (node_number(host, "cpu_quota", 0) > 0 && quota < cores)
		cores = fmax(quota, 1);
	size_t i;
	json_t *row, *cost;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "benchmarks"), i, row) {
		char subject[256], operation[256];
		int threads;
		const char *aggregate = node_string(row, "aggregate_name");
		bool middle = strcmp(aggregate, "median") == 0;
		/* Means, deviations and rows that ended in an error say nothing here. */
		if ((*aggregate && !middle) || json_is_true(node_get(row, "error_occurred")) ||
			!split_name(node_string(row, "name"), subject, operation, sizeof subject, &threads))
			continue;
		const char *machine = node_string(row, "host");
		json_t *key = node_must(json_sprintf("%s %s %d %s", subject, operation, threads, machine));
		cost = json_object_get(index, json_string_value(key));
		if (!cost) {
			cost = node_append(costs, new_cost(subject, operation, threads, machine));
			node_set(index, json_string_value(key), json_incref(cost));
		}
		json_decref(key);
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
		add_number(cost, middle ? "median_time" : "times", row, "wall_ns_per_op");
		add_number(cost, middle ? "median_ratio" : "ratios", row, "ratio_to_floor");
		add_number(cost, middle ? "median_rate" : "rates", row, "items_per_second");
	}
	json_decref(index);
	json_array_foreach(costs, i, cost)
		finish_cost(cost, cores);
	return costs;
}

static void add(json_t *object, const char *key, double more)
{
	node_set(object, key, json_real(node_number(object, key, 0) + more));
}

static const char *const anomaly_kinds[] = {"duplicate", "gap", "backwards", "missing_last"};

/* What a batch that is not as stated was seen to do; each sentence once. */
static void add_sentences(json_t *choice, const json_t *batch)
{
	enum { SENTENCES_MAX = 20 };
	json_t *list = json_object_get(choice, "seen");
	size_t i;
	const json_t *one;
	json_array_foreach(node_get(batch, "seen"), i, one) {
		if (json_is_string(one) && json_array_size(list) < SENTENCES_MAX && !list_has(list, json_string_value(one)))
			node_append(list, json_incref((json_t *)one));
	}
}

static void add_batch(json_t *choice, const json_t *batch)
{
	static const char *const sums[] = {"items", "done", "failed", "not_started", "wasted_bytes"};
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
		add(choice, sums[i], node_number(batch, sums[i], 0));
	double finished = node_number(batch, "done", 0) + node_number(batch, "failed", 0);
	add(choice, "batches", 1);
	add(choice, "miscounted", node_number(batch, "counted", finished) != finished);
	double models = node_number(batch, "models_made", 0);
	if (models > node_number(choice, "models_most", 0))
		node_set(choice, "models_most", json_real(models));
	add(choice, "loaded_twice", models > 1);
	for (size_t i = 0; i < sizeof anomaly_kinds / sizeof *anomaly_kinds; i++) {
		add(json_object_get(choice, "anomalies"), anomaly_kinds[i],
			node_number(node_get(batch, "anomalies"), anomaly_kinds[i], 0));
	}
	add(choice, "judged", json_is_boolean(node_get(batch, "as_stated")));
	add(choice, "seconds", node_number(batch, "seconds", 0));
	if (json_is_false(node_get(batch, "as_stated"))) {
		add(choice, "broken", 1);
		add_sentences(choice, batch);
	}
	add_number(choice, "loads", batch, "load_ns");
	double seconds = node_number(batch, "seconds", 0);
	if (seconds > 0)
		node_append(json_object_get(choice, "rates"), json_real(finished / seconds));
}

static bool same_parts(const json_t *a, const json_t *b)
{
	static const char *const parts[] = {
		"initialiser", "counter", "progress", "host", "workers", "batch_items", "item_cost_ns"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!json_equal(node_get(a, parts[i]), node_get(b, parts[i])))
			return false;
	return true;
}

/* Choices that differ in nothing but three or more sizes of the model belong to a sweep over its load time. */
static void mark_sweeps(json_t *choices)
{
	size_t i, k;
	json_t *choice;
	const json_t *other;
	json_array_foreach(choices, i, choice) {
		int sizes = 0;
		json_array_foreach(choices, k, other)
			sizes += same_parts(choice, other);
		node_set(choice, "swept", json_boolean(sizes >= 3));
	}
}

json_t *facts_choices(const json_t *report)
{
	json_t *choices = node_must(json_array()), *index = node_must(json_object());
	size_t i;
	json_t *batch, *choice;
	json_array_foreach(node_get(report, "batches"), i, batch) {
		static const char *const names[] = {"initialiser", "counter", "progress", "host"};
		double workers = json_is_true(node_get(batch, "serial")) ? 0 : node_number(batch, "workers", 0);
		double model = node_number(batch, "model_bytes", 0);
		double items = node_number(batch, "items", 0), cost = node_number(batch, "item_cost_ns", 0);
		json_t *key = node_must(json_sprintf("%s %s %s %s %.0f %.0f %.0f %.0f", node_string(batch, names[0]),
			node_string(batch, names[1]), node_string(batch, names[2]), node_string(batch, names[3]), workers, model,
			items, cost));
		choice = json_object_get(index, json_string_value(key));
		if (!choice) {
			choice = node_append(choices, json_object());
			node_set(index, json_string_value(key), json_incref(choice));
			for (size_t k = 0; k < sizeof names / sizeof *names; k++)
				node_set(choice, names[k], node_text(node_string(batch, names[k])));
			node_set(choice, "workers", json_real(workers));
			node_set(choice, "model_bytes", json_real(model));
			node_set(choice, "batch_items", json_real(items));
			node_set(choice, "item_cost_ns", json_real(cost));
			node_set(choice, "loads", json_array());
			node_set(choice, "anomalies", json_object());
			node_set(choice, "seen", json_array());
			node_set(choice, "rates", json_array());
		}
		json_decref(key);
		add_batch(choice, batch);
	}
	json_decref(index);
	json_array_foreach(choices, i, choice) {
		double rate = median(json_object_get(choice, "rates"));
		json_object_del(choice, "rates");
		if (rate > 0)
			node_set(choice, "throughput", json_real(rate));
		double load = median(json_object_get(choice, "loads"));
		json_object_del(choice, "loads");
		if (load > 0)
			node_set(choice, "load_ns", json_real(load));
	}
	mark_sweeps(choices);
	return choices;
}
