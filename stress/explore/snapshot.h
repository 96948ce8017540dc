/* SPDX-License-Identifier: MIT */
/* The state of a whole program between executions: its static data is put back by an undo log.
 *
 * Before explored code changes a granule of 8 bytes for the first time in an execution, its old value is logged; restoring writes the
 * logged values back, so that it costs what the execution changed and not what the program has. Library functions may write to static
 * data without telling (snprintf into a static buffer): now and then, for small data always, everything is compared with a copy from
 * before the first execution, and a page that differs is put back as a whole from then on.
 *
 * Not thread-safe. All state is in mapped memory, so that putting data back leaves it alone.
 */
#ifndef ONCEPROOF_EXPLORE_SNAPSHOT_H
#define ONCEPROOF_EXPLORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SNAPSHOT_RANGES_MAX = 8 };

/* Static data of the program: [from, to). */
struct snapshot_range {
	uintptr_t from, to;
};

struct snapshot_saved {
	uint64_t value;
	uint32_t granule;
};

struct snapshot {
	uintptr_t low;
	size_t bytes;        /* from low: all ranges, and what lies between them */
	uint32_t generation; /* of the execution */
	uint32_t count;      /* granules logged in this execution */
	uint32_t *stamp;     /* by granule: the generation that logged it */
	struct snapshot_saved *log;
	/* For the comparison. */
	bool compares;
	unsigned range_count;
	struct snapshot_range range[SNAPSHOT_RANGES_MAX];
	char *pristine; /* like the region itself */
	uint64_t executions, interval;
	uint32_t *whole; /* pages, by number in the region, that are put back as a whole */
	uint32_t whole_count;
	bool differs; /* snapshot_is_clean() found something */
	int pagemap; /* /proc/self/pagemap, or -1 */
};

extern struct snapshot *snapshot; /* set once; NULL: nothing is put back */

/* Takes the state that every execution begins with. 0, or an errno value. */
int snapshot_start(const struct snapshot_range *ranges, unsigned count);

/* From now on everything in the ranges is also compared: only where nothing but the program itself keeps data there. Right before the
 * first execution. */
void snapshot_compare(void);

/* Explored code is about to change BYTES at ADDRESS. */
static inline void snapshot_save(uintptr_t address, size_t bytes)
{
	struct snapshot *s = snapshot;
	if (!s || !bytes || address + bytes <= s->low || address - s->low >= s->bytes)
		return;
	uintptr_t first = address < s->low ? 0 : (address - s->low) / 8, last = (address + bytes - 1 - s->low) / 8;
	if (last >= s->bytes / 8)
		last = s->bytes / 8 - 1;
	for (uintptr_t i = first; i <= last; i++) {
		if (s->stamp[i] == s->generation)
			continue;
		s->stamp[i] = s->generation;
		s->log[s->count++] = (struct snapshot_saved){((const uint64_t *)s->low)[i], (uint32_t)i};
	}
}

/* Puts everything back; after each execution. */
void snapshot_restore(void);

/* Compares everything now. */
void snapshot_look(void);

/* Behind an execution: is everything as it was before the first one? Changes nothing. */
bool snapshot_is_clean(void);

/* Other processes have made EXECUTIONS from this one's state: when everything is compared next does not depend on who made them. */
void snapshot_passed(uint64_t executions);

/* In a process that was forked from one with a snapshot. */
void snapshot_forked(void);

/* How many pages are put back as a whole because something wrote to them unseen. */
unsigned snapshot_unseen_pages(void);

#endif
