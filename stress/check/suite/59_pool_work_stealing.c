/* SPDX-License-Identifier: MIT */
/* A deque of jobs: the owner takes from one end, a thief from the other.
 *
 * For the last job both ends meet, and both may take it. The owner must compete with the thief by the same exchange.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { JOBS = 2 };

static atomic_int top, bottom = JOBS;
static atomic_int runs[JOBS];

static int steal(void)
{
	int t = atomic_load(&top);
	if (t >= atomic_load(&bottom))
		return -1;
	return atomic_compare_exchange_strong(&top, &t, t + 1) ? t : -1;
}

static int take(void)
{
	int b = atomic_load(&bottom) - 1;
	atomic_store(&bottom, b);
	int t = atomic_load(&top);
	if (t > b) {
		atomic_store(&bottom, b + 1);
		return -1;
	}
#ifdef FIXED
	if (t == b) {
		int won = atomic_compare_exchange_strong(&top, &t, t + 1);
		atomic_store(&bottom, b + 1);
		return won ? b : -1;
	}
#endif
	return b;
}

static void run(int job)
{
	if (job >= 0)
		assert(atomic_fetch_add(&runs[job], 1) == 0);
}

static void *thief(void *arg)
{
	run(steal());
	run(steal());
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, thief, NULL);
	run(take());
	run(take());
	pthread_join(thread, NULL);
	return 0;
}
