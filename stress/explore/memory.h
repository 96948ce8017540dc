/* SPDX-License-Identifier: MIT */
/* Memory of what outlives an execution: the runtime, graphs, searches, races that were promoted.
 *
 * Where executions run in processes of their own (isolate.h) it is shared with them, at the same addresses: what an execution writes into
 * it is simply there afterwards. Everything else that an execution changes is its process's own and gone with it.
 *
 * Not thread-safe; two processes never use it at once: the parent waits for its child.
 */
#ifndef ONCEPROOF_EXPLORE_MEMORY_H
#define ONCEPROOF_EXPLORE_MEMORY_H

#include <stddef.h>

/* From now on this memory is shared with children. Before anything else of this file is called. 0, or an errno value. */
int memory_share(void);

/* As calloc, realloc and free do. Blocks do not move between here and the C library's heap. */
void *memory_calloc(size_t count, size_t bytes);
void *memory_realloc(void *block, size_t bytes);
void memory_free(void *block);

/* BYTES of zeroes; those never touched cost nothing. NULL: no memory. */
void *memory_map(size_t bytes);
void memory_unmap(void *at, size_t bytes);

#endif
