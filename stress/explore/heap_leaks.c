/* SPDX-License-Identifier: MIT */
/* Leaks, found as LeakSanitizer does: whatever looks like a pointer into a block keeps the block alive, from static data, thread-local
 * storage and stacks of threads that have not ended, results that nobody joined, the environment, and from blocks that are alive. What a
 * program hands over for libc to keep in memory of libc's own (the keys of tsearch) is not seen there: such a block must be reachable in
 * another way, or it is reported.
 */
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "heap.h"
#include "sync.h"

/* Blocks to be looked through, linked by their origins. An element is 1 + arena * 2^32 + index; 0 ends the list. */
struct trace {
	enum leak_mark mark; /* for blocks that are reached and have none (or are heads) */
	uint64_t first;
};

static struct origin *origin_of(uint64_t element)
{
	return &heap->arena[(element - 1) >> 32].origin[(uint32_t)(element - 1)];
}

/* Takes VALUE for a pointer. */
static void look_at(struct trace *trace, uintptr_t value)
{
	unsigned t;
	if (value - heap->base >= heap->span)
		return;
	int64_t b = heap_find(value, &t);
	if (b < 0)
		return;
	const struct extent *extent = &heap->arena[t].extent[b];
	uintptr_t offset = value - heap_start_of(t, (uint32_t)b);
	struct origin *origin = &heap->arena[t].origin[b];
	if (extent->freed || (offset >= extent->bytes && offset != 0) || origin->mark > MARK_HEAD)
		return;
	origin->mark = (uint8_t)trace->mark;
	origin->next = trace->first;
	trace->first = 1 + ((uint64_t)t << 32) + (uint64_t)b;
}

__attribute__((no_sanitize("address", "thread"))) static void look_through(struct trace *trace, const void *from, size_t bytes)
{
	uintptr_t at = ((uintptr_t)from + 7) & ~(uintptr_t)7, end = (uintptr_t)from + bytes;
	for (; at + sizeof at <= end; at += sizeof at)
		look_at(trace, *(const volatile uintptr_t *)at);
}

static void flood(struct trace *trace)
{
	while (trace->first) {
		uint64_t element = trace->first;
		unsigned t = (unsigned)((element - 1) >> 32);
		uint32_t b = (uint32_t)(element - 1);
		trace->first = origin_of(element)->next;
		look_through(trace, (const void *)heap_start_of(t, b), heap->arena[t].extent[b].bytes);
	}
}

/* Roots ------------------------------------------------------------------------------------------------------------------------------- */

static void look_through_object(struct trace *trace, const struct dl_phdr_info *info)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		if (header->p_type == PT_LOAD && (header->p_flags & PF_W))
			look_through(trace, (const void *)(info->dlpi_addr + header->p_vaddr), header->p_memsz);
	}
}

static int main_program(struct dl_phdr_info *info, size_t size, void *trace)
{
	(void)size;
	look_through_object(trace, info);
	return 1;
}

static int every_object(struct dl_phdr_info *info, size_t size, void *trace)
{
	(void)size;
	look_through_object(trace, info);
	return 0;
}

static void look_through_thread(struct trace *trace, unsigned t)
{
	const struct thread *thread = &runtime->thread[t];
	uintptr_t low, high;
	size_t bytes;
	if (!thread->joined)
		look_at(trace, (uintptr_t)thread->result);
	/* The storage of the first thread lives as long as the program. */
	if (thread->ended && t != 0)
		return;
	look_at(trace, (uintptr_t)thread->arg);
	const void *storage = fiber_tls(t + 1, &bytes);
	look_through(trace, storage, bytes);
	fiber_stack(t + 1, &low, &high);
	uintptr_t pointer = fiber_stack_pointer(t + 1);
	if (!thread->ended && pointer >= low && pointer < high)
		look_through(trace, (const void *)pointer, high - pointer);
}

static void look_at_value(void *value, void *trace)
{
	look_at(trace, (uintptr_t)value);
}

/* What a thread mapped, as far as it may be read: some of it is unmapped by now. */
static void look_through_mappings(struct trace *trace, unsigned t)
{
	uint64_t chunk[512];
	size_t bytes = heap->mapped[t].bytes;
	uintptr_t from = heap->mapped[t].from;
	for (size_t at = 0; at < bytes; at += sizeof chunk) {
		struct iovec to = {chunk, sizeof chunk}, of = {(void *)(from + at), sizeof chunk};
		ssize_t got = process_vm_readv(getpid(), &to, 1, &of, 1, 0);
		if (got > 0)
			look_through(trace, chunk, (size_t)got);
	}
}

static void look_through_roots(struct trace *trace)
{
	dl_iterate_phdr(main_program, trace);
	for (unsigned t = 0; t < runtime->moment.threads; t++)
		if (runtime->thread[t].exists)
			look_through_thread(trace, t);
	for (unsigned t = 0; t < runtime->moment.threads; t++)
		look_through_mappings(trace, t);
	look_at(trace, (uintptr_t)environ);
	for (char **entry = environ; entry && *entry; entry++)
		look_at(trace, (uintptr_t)*entry);
	sync_each_value(look_at_value, trace);
	flood(trace);
}

/* Reports ------------------------------------------------------------------------------------------------------------------------------ */

/* Calls FOUND for each block that is not freed. */
static void for_live(void (*found)(unsigned t, uint32_t b, void *arg), void *arg)
{
	for (uint64_t left = heap->arenas; left; left &= left - 1) {
		unsigned t = (unsigned)__builtin_ctzll(left);
		const struct arena *arena = &heap->arena[t];
		for (uint32_t b = 0; b < arena->count; b++)
			if (!arena->extent[b].freed)
				found(t, b, arg);
	}
}

static void unmark(unsigned t, uint32_t b, void *arg)
{
	(void)arg;
	heap->arena[t].origin[b].mark = MARK_NONE;
}

static void look_whether_lost(unsigned t, uint32_t b, void *lost)
{
	if (heap->arena[t].origin[b].mark == MARK_NONE)
		*(bool *)lost = true;
}

/* What lost blocks lead to is lost with them, and not worth a report of its own: reported are the fewest blocks that lead to all lost
 * ones. Going through them in order and marking what each leads to leaves heads, of which a later one may lead to an earlier one (in a
 * ring) but never the other way round; so the same again over the heads, from the last one on, leaves those that are wanted. */
static void mark_behind(unsigned t, uint32_t b, enum leak_mark left)
{
	struct origin *origin = &heap->arena[t].origin[b];
	struct trace trace = {.mark = MARK_INDIRECT};
	origin->mark = MARK_DIRECT;
	look_through(&trace, (const void *)heap_start_of(t, b), heap->arena[t].extent[b].bytes);
	flood(&trace);
	origin->mark = (uint8_t)left;
}

static void find_head(unsigned t, uint32_t b, void *arg)
{
	(void)arg;
	if (heap->arena[t].origin[b].mark == MARK_NONE)
		mark_behind(t, b, MARK_HEAD);
}

static void unmark_indirect(unsigned t, uint32_t b, void *arg)
{
	(void)arg;
	if (heap->arena[t].origin[b].mark == MARK_INDIRECT)
		heap->arena[t].origin[b].mark = MARK_NONE;
}

static void find_directly_lost(void)
{
	for_live(find_head, NULL);
	for_live(unmark_indirect, NULL);
	for (unsigned t = GRAPH_THREADS_MAX; t-- > 0;)
		for (uint32_t b = heap->arena[t].count; b-- > 0;)
			if (!heap->arena[t].extent[b].freed && heap->arena[t].origin[b].mark == MARK_HEAD)
				mark_behind(t, b, MARK_DIRECT);
}

/* Lost blocks of one allocation site. */
struct group {
	unsigned thread;
	const struct origin *first; /* NULL: none yet */
	uint64_t blocks, bytes;
};

static void add_to_group(unsigned t, uint32_t b, void *arg)
{
	struct group *group = arg;
	struct origin *origin = &heap->arena[t].origin[b];
	if (origin->mark != MARK_DIRECT || (group->first && origin->made != group->first->made))
		return;
	if (!group->first) {
		group->thread = t;
		group->first = origin;
	}
	origin->mark = MARK_REPORTED;
	group->blocks++;
	group->bytes += heap->arena[t].extent[b].bytes;
}

static void report(const struct group *group)
{
	char role[64];
	snprintf(role, sizeof role, "allocated %lu bytes", (unsigned long)group->bytes);
	struct place place = heap_place(group->thread, group->first->made, group->first->made_context, role);
	runtime_finding(FINDING_LEAK, &place, 1, "%lu bytes in %lu block%s are never freed, and nothing points to them any more",
		(unsigned long)group->bytes, (unsigned long)group->blocks, group->blocks == 1 ? "" : "s");
}

void heap_leaks(void)
{
	if (!heap->live)
		return;
	struct trace trace = {.mark = MARK_REACHABLE};
	bool lost = false;
	for_live(unmark, NULL);
	look_through_roots(&trace);
	for_live(look_whether_lost, &lost);
	if (!lost)
		return;
	/* Before anything is called a leak, the data of the libraries is looked through: a buffer may have been given to setvbuf. */
	dl_iterate_phdr(every_object, &trace);
	flood(&trace);
	find_directly_lost();
	for (unsigned i = 0; i < FINDINGS_MAX; i++) {
		struct group group = {0};
		for_live(add_to_group, &group);
		if (!group.first)
			break;
		report(&group);
	}
}
