/* SPDX-License-Identifier: MIT */
/* The heap of explored code. Each thread has an arena at a fixed address and allocates upwards in it, so an address depends on what the
 * thread allocated before and on nothing else. Nothing is given out twice in an execution: a pointer to a freed block is always told
 * from a pointer to a new one.
 *
 * The content of a new block is the same in every execution: its first 64 KiB are filled with 0xbe, the rest is zero.
 */
#include "heap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "contexts.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum {
	ALIGNMENT = 16,
	GAP_BYTES = 16, /* at least, behind each block */
	HINT_SHIFT = 6,
	FILL = 0xbe,
	FILLED_BYTES = 64 << 10,
	KEPT_BYTES = 1 << 20,  /* an arena's memory beyond is given back after the execution */
	KEPT_BLOCKS = 1 << 15, /* entries of the block table, likewise */
	LEAST_SHIFT = 24,
};

/* What all threads together can allocate in one execution. */
#define BYTES_MAX (UINT64_C(1) << 30)

/* Where the arenas are asked for, and the size of each. Smaller ones are tried if the system grants no more address space. */
#define ARENAS_AT UINT64_C(0x300000000000)
static const unsigned shifts[] = {32, 28, LEAST_SHIFT};

struct heap *heap;

static void *reserve(uintptr_t at, size_t bytes)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	if (at) {
		void *got = mmap((void *)at, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, -1, 0);
		if (got == (void *)at)
			return got;
		if (got != MAP_FAILED)
			munmap(got, bytes);
	}
	void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	return got == MAP_FAILED ? NULL : got;
}

/* Arenas of 2^SHIFT bytes and their tables. */
static bool reserve_all(struct heap *made, unsigned shift)
{
	size_t each = (size_t)1 << shift, blocks = each / (ALIGNMENT + GAP_BYTES), hints = each >> HINT_SHIFT;
	size_t one = blocks * (sizeof(struct extent) + sizeof(struct origin)) + hints * sizeof(uint32_t);
	char *tables = reserve(0, one * GRAPH_THREADS_MAX);
	if (!tables)
		return false;
	void *base = reserve(ARENAS_AT, each * GRAPH_THREADS_MAX);
	if (!base) {
		munmap(tables, one * GRAPH_THREADS_MAX);
		return false;
	}
	made->base = (uintptr_t)base;
	made->span = each * GRAPH_THREADS_MAX;
	made->shift = shift;
	made->blocks_max = (uint32_t)blocks;
	for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++, tables += one) {
		struct arena *arena = &made->arena[t];
		arena->used = GAP_BYTES;
		arena->origin = (void *)tables;
		arena->extent = (void *)(tables + blocks * sizeof(struct origin));
		arena->hint = (void *)(tables + blocks * (sizeof(struct origin) + sizeof(struct extent)));
	}
	return true;
}

int heap_start(void)
{
	if (heap)
		return 0;
	int why = contexts_start();
	struct heap *made = why ? NULL : reserve(0, sizeof *made);
	if (!made)
		return why ? why : ENOMEM;
	for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++)
		if (reserve_all(made, shifts[i])) {
			heap = made;
			return 0;
		}
	munmap(made, sizeof *made);
	return ENOMEM;
}

/* Gives back what lies behind the first KEEP of USED elements of a table; whole pages are kept. */
static void trim(void *table, size_t element_bytes, size_t keep, size_t used)
{
	if (used > keep)
		madvise((char *)table + keep * element_bytes, (used - keep) * element_bytes, MADV_DONTNEED);
}

void heap_clear(void)
{
	for (uint64_t left = heap->arenas; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		struct arena *arena = &heap->arena[t];
		char *base = (char *)heap->base + ((uintptr_t)t << heap->shift);
		if (arena->used > KEPT_BYTES) {
			madvise(base + KEPT_BYTES, arena->used - KEPT_BYTES, MADV_DONTNEED);
			trim(arena->hint, sizeof *arena->hint, KEPT_BYTES >> HINT_SHIFT, arena->used >> HINT_SHIFT);
			trim(arena->extent, sizeof *arena->extent, KEPT_BLOCKS, arena->count);
			trim(arena->origin, sizeof *arena->origin, KEPT_BLOCKS, arena->count);
			arena->dirty = KEPT_BYTES;
		} else if (arena->used > arena->dirty)
			arena->dirty = arena->used;
		arena->used = GAP_BYTES;
		arena->count = 0;
	}
	heap->arenas = 0;
	heap->live = 0;
	heap->bytes = 0;
}

bool heap_owns(uintptr_t address)
{
	return heap && address - heap->base < heap->span;
}

/* Blocks ----------------------------------------------------------------------------------------------------------------------------- */

/* The last block that begins at or before UNIT. */
static int64_t search(const struct arena *arena, uint32_t unit)
{
	uint32_t low = 0, high = arena->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (arena->extent[middle].start <= unit)
			low = middle + 1;
		else
			high = middle;
	}
	return (int64_t)low - 1;
}

int64_t heap_find(uintptr_t address, unsigned *t)
{
	uintptr_t offset = address - heap->base;
	*t = (unsigned)(offset >> heap->shift);
	offset &= ((uintptr_t)1 << heap->shift) - 1;
	struct arena *arena = &heap->arena[*t];
	uint32_t *hint = &arena->hint[offset >> HINT_SHIFT], unit = (uint32_t)(offset / ALIGNMENT);
	if (offset >= arena->used)
		return -1;
	/* A hint of an older execution may lead anywhere; it or a neighbour is only taken if it is right. */
	for (uint32_t b = *hint ? *hint - 1 : 0; b <= *hint + UINT64_C(1) && b < arena->count; b++)
		if (arena->extent[b].start <= unit && (b + 1 == arena->count || arena->extent[b + 1].start > unit))
			return b;
	int64_t found = search(arena, unit);
	if (found >= 0)
		*hint = (uint32_t)found;
	return found;
}

const void *heap_block(uintptr_t address, uintptr_t *start, size_t *bytes, unsigned *thread)
{
	unsigned t;
	int64_t b = heap_owns(address) ? heap_find(address, &t) : -1;
	if (b < 0 || address - heap_start_of(t, (uint32_t)b) >= heap->arena[t].extent[b].bytes)
		return NULL;
	*start = heap_start_of(t, (uint32_t)b);
	*bytes = heap->arena[t].extent[b].bytes;
	*thread = t;
	return heap->arena[t].origin[b].made;
}

/* The first FILLED_BYTES of new memory get the fill, the rest is made zero where it may not be. Returns nothing, costs no system call. */
static void fill(const struct arena *arena, char *start, uint64_t offset, size_t bytes)
{
	size_t filled = bytes < FILLED_BYTES ? bytes : FILLED_BYTES;
	memset(start, FILL, filled);
	if (bytes > filled && offset + filled < arena->dirty) {
		uint64_t end = offset + bytes < arena->dirty ? offset + bytes : arena->dirty;
		memset(start + filled, 0, end - offset - filled);
	}
}

/* A new block of the running thread with content from an earlier execution; *OFFSET in its arena. */
static void *take(size_t bytes, size_t alignment, const void *site, uint64_t *offset)
{
	unsigned t = runtime->current;
	struct arena *arena = &heap->arena[t];
	if (bytes > BYTES_MAX || alignment > BYTES_MAX)
		goto full;
	alignment = alignment < ALIGNMENT ? ALIGNMENT : alignment;
	uint64_t start = (arena->used + alignment - 1) & ~(uint64_t)(alignment - 1);
	uint64_t next = ((start + bytes + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1)) + GAP_BYTES;
	if (heap->bytes + (next - arena->used) > BYTES_MAX || next > UINT64_C(1) << heap->shift ||
		arena->count == heap->blocks_max)
		goto full;
	heap->bytes += next - arena->used;
	heap->arenas |= UINT64_C(1) << t;
	heap->live++;
	arena->used = next;
	arena->extent[arena->count] = (struct extent){(uint32_t)(start / ALIGNMENT), (uint32_t)bytes & INT32_MAX, 0};
	struct origin *origin = &arena->origin[arena->count++];
	origin->made = site;
	origin->made_context = context_now(t);
	*offset = start;
	return (char *)heap->base + ((uintptr_t)t << heap->shift) + start;
full:
	/* Another machine would have given it, unless it is more than any address space. */
	if (bytes < UINT64_C(1) << 46)
		runtime_uncontrolled("more memory than the explorer gives (1 GiB)");
	errno = ENOMEM;
	return NULL;
}

void *heap_allocate(size_t bytes, size_t alignment, const void *site)
{
	uint64_t offset;
	char *start = take(bytes, alignment, site, &offset);
	if (start)
		fill(&heap->arena[runtime->current], start, offset, bytes);
	return start;
}

void *heap_allocate_zeroed(size_t bytes, const void *site)
{
	uint64_t offset;
	char *start = take(bytes, ALIGNMENT, site, &offset);
	if (!start)
		return NULL;
	const struct arena *arena = &heap->arena[runtime->current];
	if (offset < arena->dirty)
		memset(start, 0, offset + bytes < arena->dirty ? bytes : arena->dirty - offset);
	runtime_access(start, bytes, true, site);
	runtime_wrote();
	return start;
}

/* Findings --------------------------------------------------------------------------------------------------------------------------- */

struct place heap_place(unsigned thread, const void *site, uint32_t context, const char *role)
{
	struct place place = {.thread = thread};
	place.frame_count = context_frames(context, site, place.frame);
	snprintf(place.role, sizeof place.role, "%s", role);
	return place;
}

/* An error that nothing can follow. In the host, which cleans up after an execution, it is only noted. */
static void end(void)
{
	if (runtime_on())
		runtime_stop(ENDING_FINDING);
}

/* Where block B of arena T was made and, if it was, freed. */
static unsigned history(unsigned t, int64_t b, struct place *places)
{
	const struct origin *origin = &heap->arena[t].origin[b];
	unsigned count = 0;
	char role[64];
	if (heap->arena[t].extent[b].freed)
		places[count++] = heap_place(origin->freed_by, origin->freed, origin->freed_context, "freed it");
	snprintf(role, sizeof role, "allocated %u bytes", heap->arena[t].extent[b].bytes);
	places[count++] = heap_place(t, origin->made, origin->made_context, role);
	return count;
}

/* An access to a freed block, or to bytes that belong to none. */
static __attribute__((noinline)) void misplaced(uintptr_t address, size_t bytes, bool write, const void *site)
{
	struct place places[3];
	unsigned t;
	int64_t b = heap_find(address, &t);
	const char *does = write ? "writes" : "reads";
	places[0] = runtime_place(site, "%s %zu bytes", does, bytes);
	if (b < 0) {
		runtime_finding(FINDING_MISUSE, places, 1, "thread %u %s %zu bytes of heap memory outside of any block",
			runtime->current, does, bytes);
		end();
		return;
	}
	unsigned count = 1 + history(t, b, places + 1);
	size_t offset = address - heap_start_of(t, (uint32_t)b), length = heap->arena[t].extent[b].bytes;
	if (offset >= length || bytes > length - offset)
		runtime_finding(FINDING_MISUSE, places, count,
			"thread %u %s %zu bytes outside of any block, at offset %zu of a block of %zu bytes", runtime->current,
			does, bytes, offset, length);
	else
		runtime_finding(FINDING_USE_AFTER_FREE, places, count,
			"thread %u %s %zu bytes at offset %zu of a block of %zu bytes that thread %u has freed", runtime->current,
			does, bytes, offset, length, heap->arena[t].origin[b].freed_by);
	end();
}

void heap_check(uintptr_t address, size_t bytes, bool write, const void *site)
{
	uintptr_t offset = address - heap->base;
	if (offset >= heap->span)
		return;
	const struct arena *arena = &heap->arena[offset >> heap->shift];
	offset &= ((uintptr_t)1 << heap->shift) - 1;
	uint32_t hint = arena->hint[offset >> HINT_SHIFT];
	if (__builtin_expect(hint < arena->count, 1)) {
		struct extent extent = arena->extent[hint];
		uint64_t in = offset - (uint64_t)extent.start * ALIGNMENT;
		if (__builtin_expect(!extent.freed && in < extent.bytes && bytes <= extent.bytes - in, 1))
			return;
	}
	unsigned t;
	int64_t b = heap_find(address, &t);
	if (b >= 0) {
		struct extent extent = arena->extent[b];
		uint64_t in = offset - (uint64_t)extent.start * ALIGNMENT;
		if (!extent.freed && in < extent.bytes && bytes <= extent.bytes - in)
			return;
	}
	misplaced(address, bytes, write, site);
}

size_t heap_expect(const void *p, const char *does, const void *site)
{
	struct place places[3];
	unsigned t;
	int64_t b = heap_find((uintptr_t)p, &t);
	size_t offset = b < 0 ? 0 : (uintptr_t)p - heap_start_of(t, (uint32_t)b);
	if (b >= 0 && !offset && !heap->arena[t].extent[b].freed)
		return heap->arena[t].extent[b].bytes;
	places[0] = runtime_place(site, "%s it", does);
	if (b < 0) {
		runtime_finding(
			FINDING_MISUSE, places, 1, "thread %u %s a pointer that malloc never returned", runtime->current, does);
		end();
		return 0;
	}
	unsigned count = 1 + history(t, b, places + 1);
	if (offset)
		runtime_finding(FINDING_MISUSE, places, count,
			"thread %u %s a pointer that malloc never returned: it is %zu bytes behind the start of a block of %u "
			"bytes",
			runtime->current, does, offset, heap->arena[t].extent[b].bytes);
	else
		runtime_finding(FINDING_DOUBLE_FREE, places, count,
			"thread %u %s a block of %u bytes that thread %u has freed already", runtime->current, does,
			heap->arena[t].extent[b].bytes, heap->arena[t].origin[b].freed_by);
	end();
	return 0;
}

/* Nothing orders this free behind an access by another thread: in another execution the access comes later. */
static __attribute__((noinline)) void freed_too_early(const struct race *race, unsigned t, int64_t b, const void *site)
{
	struct place places[3];
	places[0] = runtime_place(site, "frees it");
	places[1] = (struct place){.thread = race->thread, .frame_count = race->frame_count};
	memcpy(places[1].frame, race->frame, sizeof places[1].frame);
	snprintf(places[1].role, sizeof places[1].role, "%s %u bytes%s", race->write ? "writes" : "reads", race->bytes,
		race->atomic ? " atomically" : "");
	unsigned count = 2 + history(t, b, places + 2);
	runtime_finding(FINDING_USE_AFTER_FREE, places, count,
		"thread %u frees a block of %u bytes that thread %u %s, and nothing orders the two", runtime->current,
		heap->arena[t].extent[b].bytes, race->thread, race->write ? "writes" : "reads");
}

void heap_release(void *p, const void *site)
{
	size_t bytes = heap_expect(p, "frees", site);
	unsigned t, self = runtime->current;
	int64_t b = heap_find((uintptr_t)p, &t);
	if (b < 0 || heap_start_of(t, (uint32_t)b) != (uintptr_t)p || heap->arena[t].extent[b].freed)
		return; /* the host goes on after a finding */
	struct race race;
	if (bytes && runtime_on() && !runtime->quiet &&
		races_access((uintptr_t)p, bytes, true, false, true, self, graph_clock(runtime->graph, self),
			runtime->graph->done[self], site, &race))
		freed_too_early(&race, t, b, site);
	struct origin *origin = &heap->arena[t].origin[b];
	heap->arena[t].extent[b].freed = 1;
	heap->live--;
	origin->freed = site;
	origin->freed_context = context_now(self);
	origin->freed_by = (uint8_t)self;
}
