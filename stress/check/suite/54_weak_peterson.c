/* SPDX-License-Identifier: MIT */
/* Peterson's lock.
 *
 * It needs every thread to see the other's flag after it wrote the turn: relaxed accesses do not promise that, and both get in.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#ifdef FIXED
#define ORDER memory_order_seq_cst
#else
#define ORDER memory_order_relaxed
#endif

static atomic_int wants[2], turn;
static int counter;

static void *worker(void *arg)
{
	int self = *(int *)arg, other = 1 - self;
	atomic_store_explicit(&wants[self], 1, ORDER);
	atomic_store_explicit(&turn, other, ORDER);
	while (atomic_load_explicit(&wants[other], ORDER) && atomic_load_explicit(&turn, ORDER) == other)
		sched_yield();
	counter++;
	atomic_store_explicit(&wants[self], 0, ORDER);
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int zero = 0, one = 1;
	pthread_create(&a, NULL, worker, &zero);
	pthread_create(&b, NULL, worker, &one);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return counter == 2 ? 0 : 1;
}
