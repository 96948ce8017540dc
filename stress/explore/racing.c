/* SPDX-License-Identifier: MIT */
/* Plain accesses to locations that race. C calls the program undefined from there on; for whoever wants to see the damage, such an
 * access goes on as a relaxed one: a read may return an older store, and a store may be overtaken.
 *
 * The compiler's callback comes before the access itself, so a store's value is known only when its thread enters the runtime again,
 * and a stale value is put into memory for the read and taken out again at that time. No other thread runs in between.
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "runtime_private.h"

enum { GRANULES_MAX = 1 << 14 };

/* In which pieces a granule of 8 bytes is accessed: the smallest size seen, so that different sizes meet. Lasts over executions. */
struct granules {
	uint32_t count;
	uint64_t key[GRANULES_MAX]; /* address >> 3; 0: empty */
	uint8_t bytes[GRANULES_MAX];
};

static struct granules *granules; /* set once, by racing_start */

int racing_start(void)
{
	void *made = memory_map(sizeof *granules);
	if (!made)
		return ENOMEM;
	granules = made;
	return 0;
}

void runtime_forget_races(void)
{
	races_forget_promoted();
	if (granules->count)
		memset(granules, 0, sizeof *granules);
}

/* The size of pieces at ADDRESS, if an access there wants pieces of BYTES. */
static uint32_t piece_bytes(uint64_t address, uint32_t bytes)
{
	uint64_t key = address >> 3;
	uint32_t at = (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 50);
	for (uint32_t probes = 0; probes < GRANULES_MAX; probes++, at = (at + 1) % GRANULES_MAX) {
		if (granules->key[at] == key) {
			if (bytes < granules->bytes[at]) {
				granules->bytes[at] = (uint8_t)bytes;
				/* Graphs change with it: as good as another promotion. */
				races_promote(address, 0);
			}
			return granules->bytes[at];
		}
		if (granules->key[at] == 0) {
			granules->key[at] = key;
			granules->bytes[at] = (uint8_t)bytes;
			granules->count++;
			runtime->lasting++;
			return bytes;
		}
	}
	return bytes;
}

static uint64_t memory_get(uintptr_t address, uint32_t bytes)
{
	uint64_t value = 0;
	memcpy(&value, (const void *)address, bytes);
	return value;
}

void racing_complete(void)
{
	struct inner_thread *own = inner_thread();
	struct graph *g = runtime->graph;
	/* Backwards: if a place was lent twice, what was there first comes back. */
	while (own->under_way_count) {
		struct under_way *u = &own->under_way[--own->under_way_count];
		if (!u->store) {
			memcpy(u->at, &u->back, u->bytes);
			continue;
		}
		graph_value(g, u->store, memory_get((uintptr_t)u->at, u->bytes));
		const struct event *store = &g->events[u->store];
		event_id last = g->locations[store->location].last;
		if (last != u->store)
			memcpy(u->at, &g->events[last].value, u->bytes);
	}
}

void racing_under_way(event_id store, uintptr_t address, uint32_t bytes)
{
	struct inner_thread *own = inner_thread();
	own->under_way[own->under_way_count++] =
		(struct under_way){.store = store, .at = (void *)address, .bytes = bytes, .back = memory_get(address, bytes)};
}

/* The pieces of an access, in order of address. */
static unsigned pieces(uintptr_t address, size_t bytes, uintptr_t *at, uint32_t *size)
{
	unsigned count = 0;
	uintptr_t end = address + bytes;
	while (address < end && count < PIECES_MAX) {
		/* The largest naturally aligned piece that fits, and no larger than what the granule is cut into. */
		uint32_t wanted = 8;
		while (address % wanted || address + wanted > end)
			wanted /= 2;
		uint32_t piece = piece_bytes(address, wanted);
		piece = piece < wanted ? piece : wanted;
		at[count] = address;
		size[count++] = piece;
		address += piece;
	}
	return count;
}

/* A race stays one in every execution in which nothing orders the two accesses, also once it is known. Was there one? */
static bool note_access(uintptr_t address, size_t bytes, bool write, const void *site)
{
	struct race race;
	const struct graph *g = runtime->graph;
	unsigned self = runtime->current;
	if (!races_access(address, bytes, write, false, false, self, graph_clock(g, self), g->done[self], site, &race))
		return false;
	findings_race(&race, address, bytes, write, false, site);
	return true;
}

static void racing_read(const uintptr_t *at, const uint32_t *size, unsigned count, const void *site)
{
	uint64_t value[PIECES_MAX];
	for (unsigned i = 0; i < count; i++) {
		struct operation op = {.kind = EVENT_READ,
			.tag = STEP_RACY_READ,
			.order = ORDER_PLAIN,
			.bytes = size[i],
			.address = at[i],
			.location = UINT32_MAX,
			.site = site};
		value[i] = runtime_atomic(&op, NULL);
	}
	for (unsigned i = 0; i < count; i++) {
		if (memory_get(at[i], size[i]) == value[i])
			continue;
		racing_under_way(0, at[i], size[i]);
		memcpy((void *)at[i], &value[i], size[i]);
	}
}

/* The pieces of one store come one right behind the other: their values are only known together. Readers can still tear them apart by
 * what they read. */
static bool racing_write(const uintptr_t *at, const uint32_t *size, unsigned count, size_t bytes, const void *site)
{
	bool race = false;
	for (unsigned i = 0; i < count; i++) {
		struct operation op = {.kind = EVENT_WRITE,
			.tag = STEP_RACY_WRITE,
			.order = ORDER_PLAIN,
			.bytes = size[i],
			.address = at[i],
			.location = UINT32_MAX,
			.thread = (uint16_t)runtime->current,
			.site = site};
		uint64_t initial = memory_get(at[i], size[i]);
		op.location = graph_location(runtime->graph, at[i], size[i], &initial);
		racing_know(at[i]);
		if (i == 0) {
			runtime_schedule(&op);
			race = note_access(at[0], bytes, true, site);
		}
		event_id store = step_write(&op);
		racing_under_way(store, at[i], size[i]);
	}
	spin_effect();
	return race;
}

/* Bits of granules in which locations with events lie, by a hash: says no for certain. */
static inline uint64_t known_bit(uintptr_t granule, unsigned *word)
{
	uint64_t hash = (uint64_t)granule * 0x9e3779b97f4a7c15u;
	*word = (unsigned)(hash >> 58);
	return 1ull << (hash >> 52 & 63);
}

void racing_know(uintptr_t address)
{
	unsigned word;
	uint64_t bit = known_bit(address >> 3, &word);
	inner()->known[word] |= bit;
	inner()->knows = true;
}

bool racing_knows(uintptr_t address, size_t bytes)
{
	if (!inner()->knows)
		return false;
	for (uintptr_t granule = address >> 3; granule <= (address + bytes - 1) >> 3; granule++) {
		unsigned word;
		uint64_t bit = known_bit(granule, &word);
		if (inner()->known[word] & bit)
			return true;
	}
	return false;
}

/* The location with events that covers AT and lies wholly within [from, to); *size its bytes. UINT32_MAX: none. */
static uint32_t known_at(uintptr_t at, uintptr_t to, uint32_t *size)
{
	const struct graph *g = runtime->graph;
	if (graph_find(g, at & ~(uintptr_t)15, 16) != UINT32_MAX)
		runtime_uncontrolled("plain stores to an atomic object of 16 bytes");
	for (uint32_t bytes = 8; bytes; bytes /= 2) {
		if (at % bytes)
			continue;
		uint32_t location = graph_find(g, at, bytes);
		if (location == UINT32_MAX || g->locations[location].chain)
			continue;
		if (at + bytes > to)
			runtime_uncontrolled("plain stores to a part of an atomic object");
		*size = bytes;
		return at + bytes > to ? UINT32_MAX : location;
	}
	return UINT32_MAX;
}

void racing_store_known(uintptr_t address, size_t bytes, const void *site)
{
	struct inner_thread *own = inner_thread();
	for (uintptr_t at = address, to = address + bytes; at < to;) {
		uint32_t size = 1, location = UINT32_MAX;
		if (!racing_knows(at, 1)) {
			at = (at | 7) + 1;
			continue;
		}
		location = known_at(at, to, &size);
		if (location != UINT32_MAX && own->under_way_count == PIECES_MAX)
			runtime_uncontrolled("one store over very many atomic objects");
		if (location != UINT32_MAX && own->under_way_count < PIECES_MAX) {
			struct operation op = {.kind = EVENT_WRITE,
				.tag = STEP_STORE,
				.order = ORDER_PLAIN,
				.bytes = size,
				.address = at,
				.location = location,
				.thread = (uint16_t)runtime->current,
				.site = site};
			racing_under_way(step_write(&op), at, size);
		}
		at += size;
	}
}

void racing_access(uintptr_t address, size_t bytes, bool write, const void *site)
{
	uintptr_t at[PIECES_MAX];
	uint32_t size[PIECES_MAX];
	unsigned count = pieces(address, bytes, at, size);
	runtime->raced = true;
	bool race = write && racing_write(at, size, count, bytes, site);
	if (!write) {
		racing_read(at, size, count, site);
		race = note_access(address, bytes, false, site);
	}
	/* With its second access as its last step. */
	if (race && inner()->options.races_end)
		runtime_stop(ENDING_FINDING);
}
