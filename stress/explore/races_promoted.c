/* SPDX-License-Identifier: MIT */
/* The addresses at which plain accesses were found to race: a set of 8-byte granules that outlives executions. */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "races.h"
#include "sync.h"

struct promoted {
	uint64_t times; /* that the set, or how its places are cut, changed */
	size_t count;
	size_t room;       /* of `granule`, a power of two; `slot` has twice as many */
	uint64_t *granule; /* in the order in which they came */
	uint32_t *slot;    /* open addressing; 1 + index into `granule`; 0: empty */
};

static struct promoted *all; /* set once, by races_promoted_start */

/* The slot where GRANULE is, or the empty one where it would be. */
static uint32_t *find(uint64_t granule)
{
	size_t slots = all->room * 2;
	for (size_t i = (granule * 0x9e3779b97f4a7c15u >> 32) & (slots - 1);; i = (i + 1) & (slots - 1))
		if (!all->slot[i] || all->granule[all->slot[i] - 1] == granule)
			return &all->slot[i];
}

/* Makes room for twice as many. */
static bool grow(void)
{
	size_t room = all->room ? all->room * 2 : 512;
	uint64_t *granule = memory_map(room * sizeof *granule);
	uint32_t *slot = memory_map(room * 2 * sizeof *slot);
	if (!granule || !slot)
		return false;
	if (all->room) {
		memcpy(granule, all->granule, all->count * sizeof *granule);
		memory_unmap(all->granule, all->room * sizeof *granule);
		memory_unmap(all->slot, all->room * 2 * sizeof *slot);
	}
	*all = (struct promoted){all->times, all->count, room, granule, slot};
	for (size_t i = 0; i < all->count; i++)
		*find(granule[i]) = (uint32_t)(i + 1);
	return true;
}

int races_promoted_start(void)
{
	if (all)
		return 0;
	all = memory_map(sizeof *all);
	return all && grow() ? 0 : ENOMEM;
}

void races_promote(uintptr_t address, size_t bytes)
{
	/* No bytes: only how a known place is cut into pieces is new. */
	all->times += !bytes;
	for (uint64_t granule = address >> 3; bytes && granule <= (address + bytes - 1) >> 3; granule++) {
		if (all->count == all->room && !grow()) {
			runtime_uncontrolled("races at more addresses than there is memory for");
			return;
		}
		uint32_t *slot = find(granule);
		if (!*slot) {
			all->granule[all->count++] = granule;
			*slot = (uint32_t)all->count;
			all->times++;
		}
	}
}

bool races_promoted(uintptr_t address, size_t bytes)
{
	if (!all->count || !bytes)
		return false;
	uint64_t first = address >> 3, last = (address + bytes - 1) >> 3;
	if (last - first < all->count) {
		for (uint64_t granule = first; granule <= last; granule++)
			if (*find(granule))
				return true;
		return false;
	}
	for (size_t i = 0; i < all->count; i++)
		if (all->granule[i] >= first && all->granule[i] <= last)
			return true;
	return false;
}

bool races_any_promoted(void)
{
	return all->count != 0;
}

void races_forget_promoted(void)
{
	all->count = 0;
	memset(all->slot, 0, all->room * 2 * sizeof *all->slot);
	sync_forget();
}

uint64_t races_promotions(void)
{
	return all->times;
}
