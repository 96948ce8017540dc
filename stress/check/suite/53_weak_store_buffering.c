/* SPDX-License-Identifier: MIT */
/* Dekker's entry: raise your own flag, then look at the other's.
 *
 * With release and acquire both threads may read the flag of before, also on x86: a store waits in the store buffer while the load
 * goes ahead. Both enter.
 *
 * Finds  data-race assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifdef FIXED
#define STORE memory_order_seq_cst
#define LOAD memory_order_seq_cst
#else
#define STORE memory_order_release
#define LOAD memory_order_acquire
#endif

static atomic_int wants[2];
static int inside;

static void *enter(void *arg)
{
	int self = *(int *)arg;
	atomic_store_explicit(&wants[self], 1, STORE);
	if (!atomic_load_explicit(&wants[1 - self], LOAD)) {
		assert(inside == 0);
		inside++;
	}
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int zero = 0, one = 1;
	pthread_create(&a, NULL, enter, &zero);
	pthread_create(&b, NULL, enter, &one);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
