/* SPDX-License-Identifier: MIT */
/* A hazard pointer: a reader announces which node it is about to use, and the remover frees no node that is announced.
 *
 * Between the reader's look at the list and its announcement the node may be removed and freed. The reader must look again.
 *
 * Finds  use-after-free
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
	int value;
};

static struct node *_Atomic shared;
static struct node *_Atomic hazard;

static void *reader(void *arg)
{
	struct node *n;
#ifdef FIXED
	do {
		n = atomic_load(&shared);
		atomic_store(&hazard, n);
	} while (n != atomic_load(&shared));
#else
	n = atomic_load(&shared);
	atomic_store(&hazard, n);
#endif
	*(int *)arg = n ? n->value : 9;
	atomic_store(&hazard, NULL);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int got = 0;
	struct node *n = malloc(sizeof *n);
	if (!n)
		return 2;
	n->value = 9;
	atomic_init(&shared, n);
	pthread_create(&thread, NULL, reader, &got);
	struct node *old = atomic_exchange(&shared, NULL);
	while (atomic_load(&hazard) == old)
		sched_yield();
	free(old);
	pthread_join(thread, NULL);
	return got == 9 ? 0 : 1;
}
