/* SPDX-License-Identifier: MIT */
/* A result that is announced before it is there.
 *
 * Both variables are atomic, so no race detector objects; the reader that sees the flag still finds the result of before.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_int result, ready;

static void *compute(void *arg)
{
	int sum = 0;
	for (int i = 1; i <= 10; i++)
		sum += i;
#ifdef FIXED
	atomic_store(&result, sum);
	atomic_store(&ready, 1);
#else
	atomic_store(&ready, 1);
	atomic_store(&result, sum);
#endif
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, compute, NULL);
	while (!atomic_load(&ready))
		sched_yield();
	int got = atomic_load(&result);
	pthread_join(thread, NULL);
	assert(got == 55);
	return 0;
}
