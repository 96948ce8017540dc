/* SPDX-License-Identifier: MIT */
#include "amend.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "orders.h"
#include "runtime_private.h"
#include "sync_mutex.h"

enum { LOCKS_MAX = 8, OWN_LOCKS = 4, SECTIONS_MAX = 64, RANGES_MAX = 4096, SITES_MAX = 1024 };

/* An access that is atomic instead of plain, or half of an update. */
enum part { PART_ALONE, PART_READS, PART_WRITES, PART_READS_BACK };

struct amended_site {
	const void *site;
	uint8_t part; /* enum part: of an update */
	uint8_t order;
};

struct code {
	uintptr_t from, to;
	uint8_t section;
};

struct section {
	uint8_t lock;
	bool locks;     /* the program takes the lock inside */
	uint64_t bytes; /* of code */
};

struct amended_lock {
	uint64_t address;    /* of the mutex */
	pthread_mutex_t own; /* stands for one that the program does not have yet */
};

/* What a thread has because of where it is. */
struct region {
	bool held;
	uint8_t section;
	unsigned depth;    /* of calls, where it took the lock */
	const void *entry; /* the first step under it */
	const void *last;  /* the latest one in the same function */
	uint32_t nested;   /* lent while it waits: locks of the program on top */
};

/* The first half of an update whose second half is still to come. */
struct half {
	event_id event; /* 0: none */
	event_id ended; /* the one before, as long as the thread does nothing else */
	uintptr_t address;
	uint32_t bytes, done;
};

struct amended {
	unsigned lock_count, section_count, range_count, site_count;
	struct amended_lock lock[LOCKS_MAX];
	struct section section[SECTIONS_MAX];
	struct code code[RANGES_MAX];
	struct amended_site site[SITES_MAX];
	struct region region[GRAPH_THREADS_MAX][LOCKS_MAX];
	struct half half[GRAPH_THREADS_MAX];
};

struct amended *amended; /* set once, with the first change */

/* The changes --------------------------------------------------------------------------------------------------------------------- */

static int make(void)
{
	if (!amended)
		amended = memory_map(sizeof *amended);
	return amended ? 0 : ENOMEM;
}

/* Reads an address counted from the start of the program; *END is behind it. 0: there is none. */
static uintptr_t address_at(const char *text, const char **end)
{
	extern const char __executable_start[];
	char *behind;
	uintptr_t address = strncmp(text, "0x", 2) == 0 ? strtoull(text, &behind, 16) : 0;
	*end = address ? behind : text;
	return address ? (uintptr_t)__executable_start + address : 0;
}

static int add_site(uintptr_t site, int order, enum part part)
{
	if (amended->site_count == SITES_MAX)
		return ENOSPC;
	amended->site[amended->site_count++] =
		(struct amended_site){.site = (const void *)site, .order = (uint8_t)order, .part = (uint8_t)part};
	return 0;
}

int amend_atomic_text(const char *text)
{
	const char *at;
	uintptr_t first = address_at(text, &at), second = 0, third = 0;
	if (!first || *at++ != '=')
		return EINVAL;
	size_t length = strcspn(at, ",");
	int order = order_from_name(at, length), why = make();
	at += length;
	if (*at == ',' && !(second = address_at(at + 1, &at)))
		return EINVAL;
	if (*at == ',' && !(third = address_at(at + 1, &at)))
		return EINVAL;
	if (*at || order < ORDER_RELAXED)
		return EINVAL;
	if (!why)
		why = add_site(first, order, second ? PART_READS : PART_ALONE);
	if (!why && second)
		why = add_site(second, order, PART_WRITES);
	if (!why && third)
		why = add_site(third, order, PART_READS_BACK);
	return why;
}

/* The lock that TEXT names, made if it is new; -1: none. */
static int lock_at(const char *text, const char **end)
{
	uint64_t address = 0;
	if (*text == '@') {
		address = address_at(text + 1, end);
	} else if (strncmp(text, "0x", 2) == 0) {
		char *behind;
		address = strtoull(text, &behind, 16);
		*end = behind;
	} else if (*text >= '0' && *text < '0' + OWN_LOCKS) {
		address = (uint64_t)&amended->lock[*text - '0'].own;
		*end = text + 1;
	}
	if (!address || (**end != '=' && **end != '!'))
		return -1;
	for (unsigned i = 0; i < amended->lock_count; i++)
		if (amended->lock[i].address == address)
			return (int)i;
	if (amended->lock_count == LOCKS_MAX)
		return -1;
	amended->lock[amended->lock_count].address = address;
	return (int)amended->lock_count++;
}

static int by_address(const void *a, const void *b)
{
	const struct code *x = a, *y = b;
	return (x->from > y->from) - (x->from < y->from);
}

int amend_lock_text(const char *text)
{
	int why = make(), lock = why ? -1 : lock_at(text, &text);
	if (lock < 0)
		return why ? why : EINVAL;
	if (amended->section_count == SECTIONS_MAX)
		return ENOSPC;
	uint8_t number = (uint8_t)amended->section_count++;
	struct section *section = &amended->section[number];
	*section = (struct section){.lock = (uint8_t)lock, .locks = *text == '!'};
	text += *text == '!';
	do {
		uintptr_t from = address_at(text + 1, &text), to = from && *text == '-' ? address_at(text + 1, &text) : 0;
		if (to <= from)
			return EINVAL;
		if (amended->range_count == RANGES_MAX)
			return ENOSPC;
		amended->code[amended->range_count++] = (struct code){from, to, number};
		section->bytes += to - from;
	} while (*text == ',');
	qsort(amended->code, amended->range_count, sizeof *amended->code, by_address);
	return *text ? EINVAL : 0;
}

/* Code under a lock ----------------------------------------------------------------------------------------------------------------- */

/* Bits of the sections that the call which returns to SITE is in. */
static uint64_t sections_of(const void *site)
{
	uintptr_t at = (uintptr_t)site - 1;
	uint64_t sections = 0, decided = 0,
		 all = amended->section_count == 64 ? UINT64_MAX : (1ull << amended->section_count) - 1;
	unsigned low = 0, high = amended->range_count;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (amended->code[middle].from <= at)
			low = middle + 1;
		else
			high = middle;
	}
	/* Of each section's ranges that begin at or in front of it the nearest decides. */
	for (unsigned i = low; i-- > 0 && decided != all;) {
		uint64_t bit = 1ull << amended->code[i].section;
		if (!(decided & bit) && at < amended->code[i].to)
			sections |= bit;
		decided |= bit;
	}
	return sections;
}

/* The largest one of SECTIONS that is under LOCK; -1: none. One that was inlined in another is part of it. */
static int section_under(uint64_t sections, unsigned lock)
{
	int found = -1;
	for (; sections; sections &= sections - 1) {
		int i = __builtin_ctzll(sections);
		if (amended->section[i].lock == lock && (found < 0 || amended->section[i].bytes > amended->section[found].bytes))
			found = i;
	}
	return found;
}

/* Other threads may move meanwhile and leave their registers where the caller's were kept: a step of a lock is none that a loop could repeat
 * without effect, so nobody looks at them. */
static void take(unsigned lock, int section, struct region *r, const void *site)
{
	r->held = true;
	r->section = (uint8_t)section;
	r->depth = runtime_thread()->depth;
	r->entry = r->last = site;
	r->nested = 0;
	sync_mutex_enter((void *)amended->lock[lock].address, site);
}

static void give_back(unsigned lock, struct region *r)
{
	r->held = false;
	bool nested = sync_mutex_leave((void *)amended->lock[lock].address, r->last);
	if (amended->section[r->section].locks && !nested)
		runtime_uncontrolled("a section that does not take the lock that it was to take first");
}

/* Is a step at SITE still in the region? AGAIN: one that is where the region was entered begins it anew: a loop came round. */
static bool stays(const struct region *r, unsigned depth, bool inside, const void *site, bool again)
{
	if (depth != r->depth)
		return depth > r->depth;
	return inside && (site != r->entry || (!again && r->last == site));
}

void amend_step_(const void *site, bool again)
{
	if (!runtime_on() || !amended->lock_count)
		return;
	unsigned depth = runtime_thread()->depth;
	uint64_t sections = sections_of(site);
	struct region *r = amended->region[runtime->current];
	for (unsigned i = amended->lock_count; i-- > 0;)
		if (r[i].held && !stays(&r[i], depth, sections >> r[i].section & 1, site, again))
			give_back(i, &r[i]);
	for (unsigned i = 0; i < amended->lock_count; i++) {
		int section = r[i].held ? -1 : section_under(sections, i);
		if (section >= 0 && !runtime->quiet)
			take(i, section, &r[i], site);
		else if (r[i].held && r[i].depth == depth)
			r[i].last = site;
	}
}

void amend_thread_ends(void)
{
	if (!amended)
		return;
	struct region *r = amended->region[runtime->current];
	for (unsigned i = amended->lock_count; i-- > 0;)
		if (r[i].held)
			give_back(i, &r[i]);
}

void amend_clear(void)
{
	if (!amended)
		return;
	memset(amended->region, 0, sizeof amended->region);
	memset(amended->half, 0, sizeof amended->half);
}

/* The region of the running thread that has the mutex at ADDRESS; NULL: none. */
static struct region *holding(uint64_t address)
{
	for (unsigned i = 0; amended && i < amended->lock_count; i++)
		if (amended->lock[i].address == address && amended->region[runtime->current][i].held)
			return &amended->region[runtime->current][i];
	return NULL;
}

bool amend_holds(uint64_t address)
{
	return holding(address) != NULL;
}

void amend_lend(uint64_t address, uint32_t *nested)
{
	struct region *r = holding(address);
	if (!r)
		return;
	r->nested = *nested;
	*nested = 0;
}

void amend_restore(uint64_t address, uint32_t *nested)
{
	struct region *r = holding(address);
	if (r)
		*nested = r->nested;
}

/* Accesses ---------------------------------------------------------------------------------------------------------------------------- */

static const struct amended_site *find(const void *site, bool write)
{
	for (unsigned i = 0; i < amended->site_count; i++) {
		const struct amended_site *it = &amended->site[i];
		if (it->site == site && (it->part == PART_ALONE || (it->part == PART_WRITES) == write))
			return it;
	}
	return NULL;
}

static struct operation operation(
	uintptr_t address, uint32_t bytes, enum event_kind kind, enum step_tag tag, uint8_t order, const void *site)
{
	return (struct operation){.kind = (uint8_t)kind,
		.tag = (uint8_t)tag,
		.order = order,
		.bytes = bytes,
		.address = address,
		.location = UINT32_MAX,
		.site = site};
}

/* The first half of an update; returns what it read. What it writes is not known yet: what is there. */
static uint64_t update_begins(uintptr_t address, uint32_t bytes, uint8_t order, const void *site)
{
	struct half *half = &amended->half[runtime->current];
	if (half->event)
		runtime_uncontrolled("an update whose second half never came");
	struct operation op = operation(address, bytes, EVENT_UPDATE, STEP_FETCH_ADD, order, site);
	uint64_t value;
	half->event = step_update_later(&op, &value);
	half->ended = 0;
	half->address = address;
	half->bytes = bytes;
	half->done = runtime->graph->done[runtime->current];
	return value;
}

/* The event of the update that a write at ADDRESS ends; 0: there is none. */
static event_id update_ends(uintptr_t address, uint32_t bytes)
{
	struct half *half = &amended->half[runtime->current];
	event_id event = half->event;
	half->event = 0;
	half->ended = event;
	if (event && half->address == address && half->bytes == bytes && half->done == runtime->graph->done[runtime->current])
		return event;
	runtime_uncontrolled("an update whose halves stand apart");
	return 0;
}

/* What the program reads from ADDRESS next is VALUE. */
static void lend_value(uintptr_t address, uint32_t bytes, uint64_t value)
{
	uint64_t there = 0;
	memcpy(&there, (const void *)address, bytes);
	if (there == value)
		return;
	racing_under_way(0, address, bytes);
	memcpy((void *)address, &value, bytes);
}

/* A compiler that was told not to optimise takes the value of ++x from memory: it is what the update wrote. */
static void reads_back(uintptr_t address, uint32_t bytes)
{
	const struct half *half = &amended->half[runtime->current];
	const struct graph *g = runtime->graph;
	if (half->ended && half->address == address && half->bytes == bytes && half->done == g->done[runtime->current])
		lend_value(address, bytes, g->events[half->ended].value);
	else
		runtime_uncontrolled("an update that is read back later");
}

static void plain_update(uintptr_t address, uint32_t bytes, enum part part, uint8_t order, const void *site)
{
	if (part == PART_READS_BACK) {
		reads_back(address, bytes);
		return;
	}
	if (part == PART_READS) {
		uint64_t value = update_begins(address, bytes, order, site);
		racing_under_way(amended->half[runtime->current].event, address, bytes);
		memcpy((void *)address, &value, bytes);
		return;
	}
	event_id event = update_ends(address, bytes);
	if (event)
		racing_under_way(event, address, bytes);
}

bool amend_plain(uintptr_t address, size_t bytes, bool write, const void *site)
{
	const struct amended_site *it = bytes <= 8 && address % bytes == 0 ? find(site, write) : NULL;
	if (!it)
		return false;
	uint32_t size = (uint32_t)bytes;
	if (it->part != PART_ALONE) {
		plain_update(address, size, it->part, it->order, site);
	} else if (write) {
		struct operation op = operation(address, size, EVENT_WRITE, STEP_STORE, it->order, site);
		racing_under_way(step_store_later(&op), address, size);
	} else {
		struct operation op = operation(address, size, EVENT_READ, STEP_LOAD, it->order, site);
		lend_value(address, size, runtime_atomic(&op, NULL));
	}
	return true;
}

bool amend_atomic(uintptr_t address, uint32_t bytes, bool write, uint64_t *value, const void *site)
{
	const struct amended_site *it = runtime->quiet ? NULL : find(site, write);
	if (!it || it->part == PART_ALONE || it->part == PART_READS_BACK)
		return false;
	if (!write) {
		*value = update_begins(address, bytes, it->order, site);
		return true;
	}
	runtime_enter();
	event_id event = update_ends(address, bytes);
	if (!event)
		return false;
	struct graph *g = runtime->graph;
	graph_value(g, event, *value);
	if (g->locations[g->events[event].location].last == event)
		memcpy((void *)address, value, bytes);
	return true;
}
