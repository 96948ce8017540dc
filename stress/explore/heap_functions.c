/* SPDX-License-Identifier: MIT */
/* malloc and its family for explored threads. Memory that libc's own functions made (getline, realpath) stays libc's. */
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "libc_private.h"

static void *allocate(size_t bytes, size_t alignment, const void *site)
{
	if (bytes > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	return heap_allocate(bytes, alignment, site);
}

static bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

/* Memory that no allocator made: */
struct unfreeable {
	uintptr_t address;
	const char *what; /* NULL: it may have been allocated */
};

static int look_at_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct unfreeable *p = arg;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		if (header->p_type == PT_LOAD && p->address - (info->dlpi_addr + header->p_vaddr) < header->p_memsz)
			p->what = "a static object";
	}
	return 0;
}

static void expect_allocated(const void *address, const char *does, const void *site)
{
	struct unfreeable p = {(uintptr_t)address, NULL};
	for (unsigned t = 0; t < runtime->moment.threads; t++) {
		uintptr_t low, high;
		fiber_stack(t + 1, &low, &high);
		if (runtime->thread[t].exists && p.address >= low && p.address < high)
			p.what = "an object on a stack";
	}
	if (!p.what)
		dl_iterate_phdr(look_at_segments, &p);
	if (!p.what)
		return;
	struct place place = runtime_place(site, "%s it", does);
	runtime_finding(
		FINDING_MISUSE, &place, 1, "thread %u %s %s, which malloc never returned", runtime->current, does, p.what);
	runtime_stop(ENDING_FINDING);
}

void *explored_malloc(size_t bytes)
{
	return explored_enters() ? allocate(bytes, 1, SITE) : malloc(bytes);
}

void *explored_calloc(size_t count, size_t bytes)
{
	if (!explored_enters())
		return calloc(count, bytes);
	if (__builtin_mul_overflow(count, bytes, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return bytes > PTRDIFF_MAX ? allocate(bytes, 1, SITE) : heap_allocate_zeroed(bytes, SITE);
}

static void *reallocate(void *p, size_t bytes, const void *site)
{
	size_t old = heap_expect(p, "reallocates", site);
	if (!bytes) { /* as glibc does */
		heap_release(p, site);
		return NULL;
	}
	void *moved = allocate(bytes, 1, site);
	if (!moved)
		return NULL;
	memory_move(moved, p, old < bytes ? old : bytes, site);
	heap_release(p, site);
	return moved;
}

static void *reallocate_any(void *p, size_t bytes, const void *site)
{
	if (!explored_enters()) {
		if (!heap_owns((uintptr_t)p))
			return realloc(p, bytes);
		/* The host takes over a block of an execution that is over. */
		size_t old = heap_expect(p, "reallocates", site);
		void *moved = malloc(bytes);
		if (moved)
			memcpy(moved, p, old < bytes ? old : bytes);
		if (moved || !bytes)
			heap_release(p, site);
		return moved;
	}
	if (!p)
		return allocate(bytes, 1, site);
	if (heap_owns((uintptr_t)p))
		return reallocate(p, bytes, site);
	expect_allocated(p, "reallocates", site);
	return realloc(p, bytes);
}

void *explored_realloc(void *p, size_t bytes)
{
	return reallocate_any(p, bytes, SITE);
}

void *explored_reallocarray(void *p, size_t count, size_t bytes)
{
	if (__builtin_mul_overflow(count, bytes, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return reallocate_any(p, bytes, SITE);
}

static void release_any(void *p, const void *site)
{
	bool explored = explored_enters();
	if (!p)
		return;
	if (heap_owns((uintptr_t)p)) {
		heap_release(p, site);
		return;
	}
	if (explored)
		expect_allocated(p, "frees", site);
	free(p);
}

void explored_free(void *p)
{
	release_any(p, SITE);
}

void *explored_aligned_alloc(size_t alignment, size_t bytes)
{
	if (!explored_enters())
		return aligned_alloc(alignment, bytes);
	if (!is_power_of_two(alignment)) {
		errno = EINVAL;
		return NULL;
	}
	return allocate(bytes, alignment, SITE);
}

int explored_posix_memalign(void **p, size_t alignment, size_t bytes)
{
	if (!explored_enters())
		return posix_memalign(p, alignment, bytes);
	if (!is_power_of_two(alignment) || alignment % sizeof(void *))
		return EINVAL;
	int before = errno;
	void *made = allocate(bytes, alignment, SITE);
	errno = before;
	if (!made)
		return ENOMEM;
	memory_put(p, &made, sizeof made, SITE);
	return 0;
}

void *explored_memalign(size_t alignment, size_t bytes)
{
	if (!explored_enters())
		return memalign(alignment, bytes);
	size_t power = 1;
	while (power < alignment && power <= PTRDIFF_MAX)
		power *= 2;
	return allocate(bytes, power, SITE);
}

void *explored_valloc(size_t bytes)
{
	return explored_enters() ? allocate(bytes, (size_t)getpagesize(), SITE) : valloc(bytes);
}

void *explored_pvalloc(size_t bytes)
{
	size_t page = (size_t)getpagesize();
	return explored_enters() ? allocate(bytes < PTRDIFF_MAX ? (bytes + page - 1) & ~(page - 1) : bytes, page, SITE)
				 : pvalloc(bytes);
}

size_t explored_malloc_usable_size(void *p)
{
	if (!explored_enters() || !p || !heap_owns((uintptr_t)p))
		return malloc_usable_size(p);
	return heap_expect(p, "asks for the size of", SITE);
}

static char *duplicate(const char *text, size_t limit, const void *site)
{
	struct view view;
	size_t length;
	const char *seen = memory_view_text(&view, text, limit, &length, site);
	char *copy = allocate(length + 1, 1, site);
	if (!copy)
		return NULL;
	memory_put(copy, seen, length, site);
	memory_set(copy + length, 0, 1, site);
	return copy;
}

char *explored_strdup(const char *text)
{
	return explored_enters() ? duplicate(text, SIZE_MAX, SITE) : strdup(text);
}

char *explored___strdup(const char *text)
{
	return explored_enters() ? duplicate(text, SIZE_MAX, SITE) : strdup(text);
}

char *explored_strndup(const char *text, size_t limit)
{
	return explored_enters() ? duplicate(text, limit, SITE) : strndup(text, limit);
}

char *explored___strndup(const char *text, size_t limit)
{
	return explored_enters() ? duplicate(text, limit, SITE) : strndup(text, limit);
}

/* For operator new and delete of C++ (cxx/plain/new.cc). */
void *explored_new(size_t bytes, size_t alignment, const void *site);
void *explored_new(size_t bytes, size_t alignment, const void *site)
{
	if (explored_enters())
		return allocate(bytes, alignment, site);
	return alignment > _Alignof(max_align_t) ? aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1))
						 : malloc(bytes ? bytes : 1);
}

void explored_delete(void *p, const void *site);
void explored_delete(void *p, const void *site)
{
	release_any(p, site);
}
