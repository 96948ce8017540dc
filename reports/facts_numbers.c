/* SPDX-License-Identifier: MIT */
/* Batches, grouped by choice. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "facts_parts.h"
#include "node.h"

static int by_value(const void *a, const void *b)
{
	double left = json_number_value(*(json_t *const *)a), right = json_number_value(*(json_t *const *)b);
	return (left > right) - (left < right);
}

double numbers_median(json_t *numbers)
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

/* Adds the positive number FROM of ROW to the list KEY. */
static void add_number(json_t *object, const char *key, const json_t *row, const char *from)
{
	const json_t *value = node_get(row, from);
	if (json_is_number(value) && json_number_value(value) > 0)
		node_append(json_object_get(object, key), json_incref((json_t *)value));
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
		const json_t *rates = json_object_get(choice, "rates");
		double rate = numbers_median(json_object_get(choice, "rates"));
		size_t count = json_array_size(rates);
		if (rate > 0)
			node_set(choice, "throughput", json_real(rate));
		if (rate > 0 && count > 1) {
			node_set(choice, "throughput_least", json_incref(json_array_get(rates, 0)));
			node_set(choice, "throughput_most", json_incref(json_array_get(rates, count - 1)));
		}
		json_object_del(choice, "rates");
		double load = numbers_median(json_object_get(choice, "loads"));
		json_object_del(choice, "loads");
		if (load > 0)
			node_set(choice, "load_ns", json_real(load));
	}
	mark_sweeps(choices);
	return choices;
}
