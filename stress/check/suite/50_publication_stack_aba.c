/* SPDX-License-Identifier: MIT */
/* A lock-free stack whose nodes are used again.
 *
 * Between a thread's look at the top and its exchange, another pops two nodes and pushes the first one back: the top is the same, its
 * neighbour is not, and a node that is in use is on the stack again. A tag beside the index tells the difference.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { NODES = 3, NONE = 0 };

static atomic_int next[NODES + 1] = {0, 2, 3, NONE};
static atomic_uint top = 1; /* index; in the fixed version above it a tag that each pop changes */
static atomic_int owners[NODES + 1];

static unsigned tagged(unsigned old, unsigned index)
{
#ifdef FIXED
	return ((old >> 8) + 1) << 8 | index;
#else
	(void)old;
	return index;
#endif
}

static unsigned pop(void)
{
	unsigned old = atomic_load(&top), node;
	do {
		node = old & 0xff;
		if (node == NONE)
			return NONE;
	} while (!atomic_compare_exchange_strong(&top, &old, tagged(old, (unsigned)atomic_load(&next[node]))));
	assert(atomic_fetch_add(&owners[node], 1) == 0);
	return node;
}

static void push(unsigned node)
{
	atomic_fetch_sub(&owners[node], 1);
	unsigned old = atomic_load(&top);
	do
		atomic_store(&next[node], (int)(old & 0xff));
	while (!atomic_compare_exchange_strong(&top, &old, tagged(old, node)));
}

static void *first(void *arg)
{
	pop();
	pop();
	return arg;
}

static void *second(void *arg)
{
	unsigned a = pop();
	pop();
	if (a)
		push(a);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, first, NULL);
	pthread_create(&b, NULL, second, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
