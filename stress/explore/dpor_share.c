/* SPDX-License-Identifier: MIT */
/* What is left of an exhaustive search, taken apart and put together again, so that other processes can explore parts of it
 * (parallel.c). Depth first, the stack is explored from its top down: every way to cut it gives parts that follow one another in the
 * search's own order.
 */
#include <stdlib.h>
#include <string.h>

#include "dpor.h"

/* A piece of the stack in one block: the struct, its items bottom first, their nodes in the same order. */
struct search_rest {
	uint64_t bytes;
	uint64_t items, nodes;
};

static struct dpor_item *items_of(const struct search_rest *rest)
{
	return (struct dpor_item *)(uintptr_t)(rest + 1);
}

static struct dpor_node *nodes_of(const struct search_rest *rest)
{
	return (struct dpor_node *)(uintptr_t)(items_of(rest) + rest->items);
}

static struct search_rest *make(uint64_t items, uint64_t nodes)
{
	uint64_t bytes = sizeof(struct search_rest) + items * sizeof(struct dpor_item) + nodes * sizeof(struct dpor_node);
	struct search_rest *rest = malloc(bytes);
	if (rest)
		*rest = (struct search_rest){bytes, items, nodes};
	return rest;
}

/* Copies COUNT items, which point into POOL, behind the first ITEM items and NODE nodes of REST. */
static void put(struct search_rest *rest, uint64_t item, uint64_t node, const struct dpor_item *items, uint64_t count,
	const struct dpor_node *pool)
{
	for (uint64_t i = 0; i < count; i++) {
		struct dpor_item *to = &items_of(rest)[item + i];
		*to = items[i];
		to->start = node;
		memcpy(nodes_of(rest) + node, pool + items[i].start, items[i].count * sizeof *pool);
		node += items[i].count;
	}
}

static uint64_t nodes_in(const struct dpor_item *items, uint64_t count)
{
	uint64_t nodes = 0;
	for (uint64_t i = 0; i < count; i++)
		nodes += items[i].count;
	return nodes;
}

static struct search_rest *copy(const struct dpor_item *items, uint64_t count, const struct dpor_node *pool)
{
	struct search_rest *rest = make(count, nodes_in(items, count));
	if (rest)
		put(rest, 0, 0, items, count, pool);
	return rest;
}

bool search_dpor_steady(const struct search *s)
{
	const struct dpor *d = (const struct dpor *)s;
	return d->started && !d->failed && !d->splitting && !d->asymmetric;
}

struct search_rest *search_dpor_rest(const struct search *s)
{
	const struct dpor *d = (const struct dpor *)s;
	return copy(d->items + d->first_item, d->item_count - d->first_item, d->pool);
}

void search_dpor_forget(struct search *s)
{
	struct dpor *d = (struct dpor *)s;
	d->first_item = d->item_count = 0;
	d->pool_used = 0;
}

bool search_dpor_push(struct search *s, const struct search_rest *rest)
{
	struct dpor *d = (struct dpor *)s;
	for (uint64_t i = 0; i < rest->items; i++) {
		const struct dpor_item *item = &items_of(rest)[i];
		struct dpor_node *nodes = dpor_push(d, item->count, item->stamp);
		if (!nodes)
			return false;
		memcpy(nodes, nodes_of(rest) + item->start, item->count * sizeof *nodes);
		d->items[d->item_count - 1].share = item->share;
	}
	return true;
}

struct search_progress search_dpor_progress(struct search *s)
{
	struct dpor *d = (struct dpor *)s;
	struct search_progress progress = {d->explored, d->executions};
	d->explored = 0;
	d->executions = 0;
	return progress;
}

void search_dpor_advance(struct search *s, const struct search_progress *progress)
{
	struct dpor *d = (struct dpor *)s;
	d->explored += progress->explored;
	d->executions += progress->executions;
}

uint64_t search_rest_bytes(const struct search_rest *rest)
{
	return rest->bytes;
}

uint64_t search_rest_items(const struct search_rest *rest)
{
	return rest->items;
}

double search_rest_share(const struct search_rest *rest)
{
	double share = 0;
	for (uint64_t i = 0; i < rest->items; i++)
		share += items_of(rest)[i].share;
	return share;
}

bool search_rest_split(const struct search_rest *whole, double share, struct search_rest **first, struct search_rest **then)
{
	uint64_t low = whole->items;
	for (double taken = 0; low > 1 && (low == whole->items || taken < share); low--)
		taken += items_of(whole)[low - 1].share;
	*first = copy(items_of(whole) + low, whole->items - low, nodes_of(whole));
	*then = copy(items_of(whole), low, nodes_of(whole));
	if (*first && *then)
		return true;
	free(*first);
	free(*then);
	return false;
}

struct search_rest *search_rest_join(const struct search_rest *first, const struct search_rest *then)
{
	struct search_rest *whole = make(first->items + then->items, first->nodes + then->nodes);
	if (!whole)
		return NULL;
	put(whole, 0, 0, items_of(then), then->items, nodes_of(then));
	put(whole, then->items, then->nodes, items_of(first), first->items, nodes_of(first));
	return whole;
}

/* For a journal: what the estimate rests on, then the items bottom first, each with its nodes behind it. So what is far down, and seldom
 * changes, is where it was before (journal.c). */
struct kept_item {
	uint64_t count, stamp;
	double share;
};

static void keep_items(struct search_state *to, const struct dpor_item *items, uint64_t count, const struct dpor_node *pool)
{
	for (uint64_t i = 0; i < count; i++) {
		const struct kept_item kept = {items[i].count, items[i].stamp, items[i].share};
		search_state_add(to, &kept, sizeof kept);
		search_state_add(to, pool + items[i].start, items[i].count * sizeof *pool);
	}
}

static void keep_progress(struct search_state *to, const struct dpor *d)
{
	uint64_t progress[4] = {(uint64_t)d->explored, (uint64_t)(d->explored >> 64), d->executions, sizeof(struct dpor_node)};
	search_state_add(to, progress, sizeof progress);
}

void search_dpor_save(const struct search *s, struct search_state *to)
{
	const struct dpor *d = (const struct dpor *)s;
	keep_progress(to, d);
	keep_items(to, d->items + d->first_item, d->item_count - d->first_item, d->pool);
}

void search_dpor_save_rests(const struct search *s, struct search_rest *const *rests, size_t count, struct search_state *to)
{
	keep_progress(to, (const struct dpor *)s);
	while (count--)
		keep_items(to, items_of(rests[count]), rests[count]->items, nodes_of(rests[count]));
}

bool search_dpor_load(struct search *s, struct search_state_reader *from)
{
	struct dpor *d = (struct dpor *)s;
	uint64_t progress[4];
	if (!search_dpor_steady(s) || !search_state_take(from, progress, sizeof progress) ||
		progress[3] != sizeof(struct dpor_node))
		return false;
	/* First all of it is looked through. */
	struct search_state_reader ahead = *from;
	for (struct kept_item kept; ahead.left && search_state_take(&ahead, &kept, sizeof kept);) {
		size_t bytes = (size_t)kept.count * sizeof(struct dpor_node);
		if (kept.count > GRAPH_EVENTS_MAX || bytes > ahead.left)
			return false;
		ahead.at += bytes;
		ahead.left -= bytes;
	}
	if (ahead.failed)
		return false;
	search_dpor_forget(s);
	for (struct kept_item kept; from->left && search_state_take(from, &kept, sizeof kept);) {
		struct dpor_node *nodes = dpor_push(d, (uint32_t)kept.count, (uint32_t)kept.stamp);
		if (!nodes)
			return true; /* the search has failed, and says so */
		search_state_take(from, nodes, (size_t)kept.count * sizeof *nodes);
		d->items[d->item_count - 1].share = kept.share;
	}
	d->explored = (unsigned __int128)progress[1] << 64 | progress[0];
	d->executions = progress[2];
	return true;
}
