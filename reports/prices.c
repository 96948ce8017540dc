/* SPDX-License-Identifier: MIT */
#include "prices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

static void add_threads(json_t *list, json_int_t threads)
{
	size_t t = 0;
	while (t < json_array_size(list) && json_integer_value(json_array_get(list, t)) < threads)
		t++;
	if (t == json_array_size(list) || json_integer_value(json_array_get(list, t)) != threads)
		json_array_insert_new(list, t, node_must(json_integer(threads)));
}

static json_int_t threads_of(const json_t *row)
{
	return json_integer_value(node_get(row, "threads"));
}

struct operation prices_gather(const json_t *facts, const char *family, const char *name, const json_t *machine)
{
	const json_t *costs = node_get(facts, "costs"), *row;
	struct operation found = {.family = family,
		.name = name,
		.host = node_string(machine, "key"),
		.label = node_string(machine, "label"),
		.threads = node_must(json_array())};
	found.costs = malloc((json_array_size(costs) + 1) * sizeof *found.costs);
	if (!found.costs)
		node_must(NULL);
	size_t i;
	json_array_foreach(costs, i, row) {
		if (strcmp(node_string(row, "family"), family) != 0 || strcmp(node_string(row, "operation"), name) != 0 ||
			strcmp(node_string(row, "host"), found.host) != 0)
			continue;
		found.costs[found.count++] = row;
		add_threads(found.threads, threads_of(row));
		if (!json_is_true(node_get(row, "oversubscribed")) && node_get(row, "ns") && threads_of(row) > found.main)
			found.main = threads_of(row);
	}
	if (!found.main)
		found.main = json_integer_value(json_array_get(found.threads, 0));
	return found;
}

void prices_done(struct operation *operation)
{
	json_decref(operation->threads);
	free(operation->costs);
}

const json_t *prices_row(const struct operation *operation, const json_t *like, json_int_t threads)
{
	for (size_t i = 0; i < operation->count; i++) {
		const json_t *row = operation->costs[i];
		if (threads_of(row) == threads && strcmp(node_string(row, "subject"), node_string(like, "subject")) == 0)
			return row;
	}
	return NULL;
}

static int by_price(const void *a, const void *b)
{
	const struct priced *left = a, *right = b;
	if (left->ns < right->ns || left->ns > right->ns)
		return left->ns < right->ns ? -1 : 1;
	return (left->place > right->place) - (left->place < right->place);
}

struct priced *prices_sorted(const struct operation *operation, size_t *count)
{
	struct priced *list = malloc((operation->count + 1) * sizeof *list);
	if (!list)
		node_must(NULL);
	*count = 0;
	for (size_t i = 0; i < operation->count; i++) {
		const json_t *row = operation->costs[i];
		size_t k;
		for (k = 0; k < *count && strcmp(node_string(list[k].row, "subject"), node_string(row, "subject")) != 0;)
			k++;
		if (k < *count || !node_get(row, "ns"))
			continue;
		double ns = node_number(prices_row(operation, row, operation->main), "ns", INFINITY);
		list[(*count)++] = (struct priced){ns, i, row};
	}
	qsort(list, *count, sizeof *list, by_price);
	return list;
}

bool prices_over(const struct operation *operation, json_int_t threads)
{
	for (size_t i = 0; i < operation->count; i++)
		if (threads_of(operation->costs[i]) == threads && json_is_true(node_get(operation->costs[i], "oversubscribed")))
			return true;
	return false;
}
