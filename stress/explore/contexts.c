/* SPDX-License-Identifier: MIT */
#include "contexts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime_private.h"

enum { CONTEXTS = 1 << CONTEXT_BITS, SLOTS = 2 * CONTEXTS, CALLS_KEPT = FRAMES_MAX - 1 };

struct node {
	const void *call; /* the innermost call */
	uint32_t parent;
};

/* The path of a thread's last context. node[i + 1] is the context of call[0 .. i]; node[0] is the root. */
struct path {
	unsigned valid;
	const void *call[CALLS_KEPT];
	uint32_t node[CALLS_KEPT + 1];
};

struct contexts {
	uint32_t count; /* nodes in use; node 0 is the root */
	struct path path[GRAPH_THREADS_MAX];
	struct node node[CONTEXTS];
	uint32_t slot[SLOTS]; /* open addressing by parent and call; 0: empty */
};

static struct contexts *all; /* set once, by contexts_start */

int contexts_start(void)
{
	if (all)
		return 0;
	struct contexts *made =
		mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (made == MAP_FAILED)
		return errno;
	made->count = 1;
	all = made;
	return 0;
}

void contexts_clear(void)
{
	if (all->count <= CONTEXTS / 2)
		return;
	memset(all->slot, 0, sizeof all->slot);
	memset(all->path, 0, sizeof all->path);
	all->count = 1;
}

/* The context of CALL made in PARENT; 0 if there is no room for it. */
static uint32_t child(uint32_t parent, const void *call)
{
	uint64_t key = ((uint64_t)(uintptr_t)call ^ (uint64_t)parent << 47) * 0x9e3779b97f4a7c15u;
	for (uint32_t i = (uint32_t)(key >> 40) % SLOTS;; i = (i + 1) % SLOTS) {
		uint32_t found = all->slot[i];
		if (!found) {
			if (all->count == CONTEXTS)
				return 0;
			all->slot[i] = found = all->count++;
			all->node[found] = (struct node){call, parent};
			return found;
		}
		if (all->node[found].call == call && all->node[found].parent == parent)
			return found;
	}
}

uint32_t context_now(unsigned thread)
{
	const struct thread *t = &runtime->thread[thread];
	struct path *path = &all->path[thread];
	/* The runtime keeps no calls that are deeper. */
	unsigned depth = t->depth < CALLS_MAX ? t->depth : CALLS_MAX;
	unsigned count = depth < CALLS_KEPT ? depth : CALLS_KEPT, same = 0;
	const void *const *calls = t->calls + (depth - count);
	unsigned valid = path->valid < count ? path->valid : count;
	while (same < valid && path->call[same] == calls[same])
		same++;
	/* What lies behind the calls that are the same stays valid if none differs. */
	for (; same < count; same++) {
		uint32_t next = child(path->node[same], calls[same]);
		path->valid = same;
		if (!next)
			return CONTEXT_UNKNOWN;
		path->call[same] = calls[same];
		path->node[same + 1] = next;
		path->valid = same + 1;
	}
	return path->node[count];
}

unsigned context_frames(uint32_t context, const void *site, const void *frame[FRAMES_MAX])
{
	unsigned count = 0;
	if (site)
		frame[count++] = site;
	for (; context && count < FRAMES_MAX; context = all->node[context].parent)
		frame[count++] = all->node[context].call;
	return count;
}
