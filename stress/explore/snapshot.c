/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime.h"

enum {
	PAGE = 4096,
	COMPARED_BYTES = 16 * 1024, /* per execution, on the average: half a microsecond */
	PRESENT_AT_ONCE = 512,      /* entries of the page map that are read together */
};

struct snapshot *snapshot; /* set once, by snapshot_start */

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

/* Calls VISIT for each page, by number in the region, that has memory behind it and that a range touches, with the part of it that the
 * ranges cover. Pages that were never touched hold zeros, then as now: gigabytes of them cost nothing. */
static void each_page(struct snapshot *s, void (*visit)(struct snapshot *s, uint32_t page, uintptr_t from, uintptr_t to))
{
	uint64_t entries[PRESENT_AT_ONCE];
	for (unsigned r = 0; r < s->range_count; r++) {
		uintptr_t at = s->range[r].from;
		ssize_t known = 0; /* entries that are valid, from page number `base` of the address space */
		uintptr_t base = 0;
		while (at < s->range[r].to) {
			uintptr_t number = at / PAGE, next = (number + 1) * PAGE;
			if (next > s->range[r].to)
				next = s->range[r].to;
			if (s->pagemap >= 0 && number >= base + (uintptr_t)known) {
				base = number;
				known = pread(s->pagemap, entries, sizeof entries, (off_t)(number * 8)) / 8;
				if (known <= 0) {
					close(s->pagemap);
					s->pagemap = -1;
				}
			}
			/* Bits 63 and 62: present, swapped (Documentation/admin-guide/mm/pagemap.rst). */
			if (s->pagemap < 0 || entries[number - base] >> 62)
				visit(s, (uint32_t)((number * PAGE - s->low) / PAGE), at, next);
			at = next;
		}
	}
}

static void copy_page(struct snapshot *s, uint32_t page, uintptr_t from, uintptr_t to)
{
	(void)page;
	memcpy(s->pristine + (from - s->low), (const void *)from, to - from);
}

static void compare_page(struct snapshot *s, uint32_t page, uintptr_t from, uintptr_t to)
{
	const char *before = s->pristine + (from - s->low);
	if (memcmp((const void *)from, before, to - from) == 0)
		return;
	memcpy((void *)from, before, to - from);
	for (uint32_t i = 0; i < s->whole_count; i++)
		if (s->whole[i] == page)
			return;
	s->whole[s->whole_count++] = page;
}

int snapshot_start(const struct snapshot_range *ranges, unsigned count)
{
	struct snapshot *s = map(sizeof *s);
	if (!s)
		return ENOMEM;
	uintptr_t high = 0;
	s->low = UINTPTR_MAX;
	for (unsigned i = 0; i < count && i < SNAPSHOT_RANGES_MAX; i++) {
		if (ranges[i].from >= ranges[i].to)
			continue;
		s->range[s->range_count++] = ranges[i];
		s->low = ranges[i].from < s->low ? ranges[i].from : s->low;
		high = ranges[i].to > high ? ranges[i].to : high;
	}
	if (!s->range_count)
		return 0;
	s->low &= ~(uintptr_t)(PAGE - 1);
	s->bytes = (high - s->low + PAGE - 1) & ~(size_t)(PAGE - 1);
	if (s->bytes / 8 > UINT32_MAX)
		return EFBIG;
	s->stamp = map(s->bytes / 8 * sizeof *s->stamp);
	s->log = map(s->bytes / 8 * sizeof *s->log);
	s->whole = map(s->bytes / PAGE * sizeof *s->whole);
	s->pristine = map(s->bytes);
	if (!s->stamp || !s->log || !s->whole || !s->pristine)
		return ENOMEM;
	size_t compared = 0;
	for (unsigned i = 0; i < s->range_count; i++)
		compared += s->range[i].to - s->range[i].from;
	s->interval = 1 + compared / COMPARED_BYTES;
	s->generation = 1;
	s->pagemap = -1;
	snapshot = s;
	return 0;
}

void snapshot_compare(void)
{
	struct snapshot *s = snapshot;
	if (!s)
		return;
	/* A few pages are looked at faster than asked about. */
	if (s->bytes > 256 * PAGE)
		s->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	each_page(s, copy_page);
	s->compares = true;
}

void runtime_save(const void *address, size_t bytes)
{
	snapshot_save((uintptr_t)address, bytes);
}

void snapshot_restore(void)
{
	struct snapshot *s = snapshot;
	if (!s)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		((uint64_t *)s->low)[s->log[i].granule] = s->log[i].value;
	s->count = 0;
	if (++s->generation == 0) {
		madvise(s->stamp, s->bytes / 8 * sizeof *s->stamp, MADV_DONTNEED);
		s->generation = 1;
	}
	for (uint32_t i = 0; i < s->whole_count; i++)
		for (unsigned r = 0; r < s->range_count; r++) {
			uintptr_t from = s->low + (uintptr_t)s->whole[i] * PAGE, to = from + PAGE;
			from = from < s->range[r].from ? s->range[r].from : from;
			to = to > s->range[r].to ? s->range[r].to : to;
			if (from < to)
				memcpy((void *)from, s->pristine + (from - s->low), to - from);
		}
	/* The first executions tell the most. */
	if (s->compares && (++s->executions % s->interval == 0 || s->executions <= 16))
		each_page(s, compare_page);
}

void snapshot_look(void)
{
	if (snapshot && snapshot->compares)
		each_page(snapshot, compare_page);
}

static void note_difference(struct snapshot *s, uint32_t page, uintptr_t from, uintptr_t to)
{
	(void)page;
	s->differs |= memcmp((const void *)from, s->pristine + (from - s->low), to - from) != 0;
}

bool snapshot_is_clean(void)
{
	if (!snapshot || !snapshot->compares)
		return true;
	snapshot->differs = false;
	each_page(snapshot, note_difference);
	return !snapshot->differs;
}

void snapshot_passed(uint64_t executions)
{
	if (snapshot)
		snapshot->executions += executions;
}

void snapshot_forked(void)
{
	if (!snapshot || snapshot->pagemap < 0)
		return;
	/* The other one's tells of the other one's memory. Without it all pages are compared. */
	close(snapshot->pagemap);
	snapshot->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
}

unsigned snapshot_unseen_pages(void)
{
	return snapshot ? snapshot->whole_count : 0;
}
