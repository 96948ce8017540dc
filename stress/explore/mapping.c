/* SPDX-License-Identifier: MIT */
/* Memory that a program maps itself. Each thread's mappings lie one behind the other at an address of its own and are never given out
 * again, as in its heap: an address depends on what the thread mapped before and on nothing else, and what is used after it was unmapped
 * is a fault. */
#include <errno.h>
#include <sys/mman.h>

#include "heap.h"
#include "isolate.h"
#include "process.h"
#include "runtime.h"

#define TAKEN __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

enum { PAGE = 4096 };

/* Where thread 0 begins, and how far apart threads are. */
#define MAPPINGS_AT UINT64_C(0x500000000000)
#define MAPPINGS_SHIFT 36

static void *map(size_t bytes, int protection, int flags, int fd, off_t at, const void *site)
{
	unsigned self = runtime->current;
	size_t whole = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1), used = heap->mapped[self].bytes;
	if (!isolate_need("mmap")) {
		runtime_uncontrolled("mmap");
		return mmap(NULL, bytes, protection, flags, fd, at);
	}
	process_effect(site);
	/* The same bytes at two addresses would be two places to the explorer; an address that the program wants may be the explorer's. */
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) ||
		(flags & MAP_SHARED && !(flags & MAP_ANONYMOUS) && protection & PROT_WRITE))
		runtime_uncontrolled("mmap (at a given address, or of a shared file)");
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) || !bytes || whole < bytes ||
		used + whole > UINT64_C(1) << MAPPINGS_SHIFT) {
		errno = bytes ? ENOMEM : EINVAL;
		return MAP_FAILED;
	}
	uintptr_t first = MAPPINGS_AT + ((uintptr_t)self << MAPPINGS_SHIFT);
	void *got = mmap((void *)(first + used), bytes, protection, flags | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, at);
	if (got != MAP_FAILED)
		heap->mapped[self] = (struct mapped){first, used + whole};
	return got;
}

TAKEN void *explored_mmap(void *wanted, size_t bytes, int protection, int flags, int fd, off_t at);
void *explored_mmap(void *wanted, size_t bytes, int protection, int flags, int fd, off_t at)
{
	if (!runtime_on() || !process)
		return mmap(wanted, bytes, protection, flags, fd, at);
	return map(bytes, protection, flags, fd, at, SITE);
}

TAKEN void *explored_mmap64(void *wanted, size_t bytes, int protection, int flags, int fd, off_t at);
void *explored_mmap64(void *wanted, size_t bytes, int protection, int flags, int fd, off_t at)
{
	return explored_mmap(wanted, bytes, protection, flags, fd, at);
}

TAKEN int explored_munmap(void *from, size_t bytes);
int explored_munmap(void *from, size_t bytes)
{
	if (!runtime_on() || !process || !isolate_on())
		return munmap(from, bytes);
	process_effect(SITE);
	if ((uintptr_t)from % PAGE || !bytes) {
		errno = EINVAL;
		return -1;
	}
	/* To the explorer it is a write: who still uses it races. */
	runtime_access(from, 1, true, SITE);
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	return mmap(from, bytes, PROT_NONE, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}
