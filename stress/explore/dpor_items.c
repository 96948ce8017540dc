/* SPDX-License-Identifier: MIT */
/* The exhaustive search's stack of what is left to explore, and how shards split it.
 *
 * An item is a list of nodes: what must be repeated, no more. Depth first, the stack holds the alternatives along one path of the search
 * tree, so its length is bounded by the square of an execution's length times the alternatives of one event.
 */
#include <string.h>

#include "dpor.h"
#include "memory.h"

/* Enough items for each shard that their sizes even out, and few executions that all shards make. */
enum { ITEMS_PER_SHARD = 64 };

static bool grow(struct dpor *d, void **array, size_t *capacity, size_t wanted, size_t bytes)
{
	if (wanted <= *capacity)
		return true;
	size_t more = *capacity ? *capacity * 2 : 256;
	more = more < wanted ? wanted * 2 : more;
	void *larger = memory_realloc(*array, more * bytes);
	d->failed |= !larger;
	if (!larger)
		return false;
	*array = larger;
	*capacity = more;
	return true;
}

bool dpor_room(struct dpor *d)
{
	size_t capacity = d->capacity;
	void *nodes = d->nodes;
	/* Names of nodes have 16 bits. */
	bool fits = d->count < GRAPH_EVENTS_MAX && grow(d, &nodes, &capacity, (size_t)d->count + 1, sizeof *d->nodes);
	d->nodes = nodes;
	d->capacity = (uint32_t)capacity;
	return fits;
}

struct dpor_node *dpor_push(struct dpor *d, uint32_t count, uint32_t stamp)
{
	void *pool = d->pool, *items = d->items;
	size_t item_capacity = d->item_capacity;
	bool fits = grow(d, &pool, &d->pool_capacity, d->pool_used + count, sizeof *d->pool) &&
		    grow(d, &items, &item_capacity, (size_t)d->item_count + 1, sizeof *d->items);
	d->pool = pool;
	d->items = items;
	d->item_capacity = (uint32_t)item_capacity;
	if (!fits)
		return NULL;
	d->items[d->item_count++] = (struct dpor_item){.start = d->pool_used, .count = count, .stamp = stamp};
	d->pool_used += count;
	return d->pool + d->pool_used - count;
}

void dpor_push_all(struct dpor *d)
{
	struct dpor_node *nodes = dpor_push(d, d->count, d->stamp);
	if (nodes)
		memcpy(nodes, d->nodes, d->count * sizeof *nodes);
}

/* Nodes of the prefix as they are before they are performed; readers are counted anew, as some are gone. */
static void ready(struct dpor *d)
{
	d->glues = false;
	for (uint32_t i = 0; i < d->count; i++) {
		d->nodes[i].event = 0;
		d->nodes[i].first_reader = DPOR_NEVER;
		d->glues |= d->nodes[i].glued;
	}
	for (uint32_t i = 0; i < d->count; i++) {
		const struct dpor_node *n = &d->nodes[i];
		if ((n->kind != EVENT_READ && n->kind != EVENT_UPDATE) || !n->source)
			continue;
		struct dpor_node *source = &d->nodes[n->source - 1];
		if (n->read_stamp < source->first_reader)
			source->first_reader = n->read_stamp;
	}
}

bool dpor_pop(struct dpor *d)
{
	if (d->first_item == d->item_count)
		return false;
	struct dpor_item item = d->items[d->splitting ? d->first_item++ : --d->item_count];
	void *nodes = d->nodes;
	size_t capacity = d->capacity;
	if (!grow(d, &nodes, &capacity, (size_t)item.count + 1, sizeof *d->nodes))
		return false;
	d->nodes = nodes;
	d->capacity = (uint32_t)capacity;
	memcpy(d->nodes, d->pool + item.start, item.count * sizeof *d->nodes);
	if (!d->splitting)
		d->pool_used = item.start;
	d->count = d->planned = item.count;
	d->stamp = item.stamp;
	d->share = item.share;
	d->items_before = d->item_count;
	ready(d);
	return true;
}

/* Keeps every shards-th item. */
static void share_out(struct dpor *d)
{
	size_t used = 0;
	uint32_t kept = 0;
	for (uint32_t i = d->first_item; i < d->item_count; i++) {
		struct dpor_item item = d->items[i];
		if ((i - d->first_item) % d->search.shards != d->search.shard - 1)
			continue;
		memmove(d->pool + used, d->pool + item.start, item.count * sizeof *d->pool);
		item.start = used;
		used += item.count;
		d->items[kept++] = item;
	}
	d->first_item = 0;
	d->item_count = kept;
	d->pool_used = used;
	d->splitting = false;
}

void dpor_settle(struct dpor *d)
{
	uint32_t left = d->item_count - d->items_before;
	double share = d->share / (left + 1.0);
	for (uint32_t i = d->items_before; i < d->item_count; i++)
		d->items[i].share = share;
	d->explored += (unsigned __int128)(share * DPOR_WHOLE);
	d->executions++;
	d->search.repeated = d->splitting && d->search.shard != 1;
	if (d->splitting && d->item_count - d->first_item >= d->search.shards * ITEMS_PER_SHARD)
		share_out(d);
}
