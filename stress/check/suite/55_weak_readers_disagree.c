/* SPDX-License-Identifier: MIT */
/* Two events, and two observers that must agree which came first.
 *
 * Acquire loads let each observer see the two stores in an order of its own; only seq_cst gives one order for all.
 *
 * Finds  assertion
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

static atomic_int bid, ask;
static int saw[4];

static void *buyer(void *arg)
{
	atomic_store_explicit(&bid, 1, STORE);
	return arg;
}

static void *seller(void *arg)
{
	atomic_store_explicit(&ask, 1, STORE);
	return arg;
}

static void *bids_first(void *arg)
{
	saw[0] = atomic_load_explicit(&bid, LOAD);
	saw[1] = atomic_load_explicit(&ask, LOAD);
	return arg;
}

static void *asks_first(void *arg)
{
	saw[2] = atomic_load_explicit(&ask, LOAD);
	saw[3] = atomic_load_explicit(&bid, LOAD);
	return arg;
}

int main(void)
{
	void *(*roles[])(void *) = {buyer, seller, bids_first, asks_first};
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, roles[i], NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert(!(saw[0] && !saw[1] && saw[2] && !saw[3]));
	return 0;
}
