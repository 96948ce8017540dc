/* SPDX-License-Identifier: MIT */
/* Workers that meet at a barrier, and a main thread that was counted in although it does not come.
 *
 * The barrier waits for one thread more than there are.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <stddef.h>

enum { WORKERS = 2 };

static pthread_barrier_t barrier;
static int part[WORKERS], sum[WORKERS];

static void *worker(void *arg)
{
	int n = *(int *)arg;
	part[n] = n + 1;
	pthread_barrier_wait(&barrier);
	sum[n] = part[0] + part[1];
	return NULL;
}

int main(void)
{
	pthread_t threads[WORKERS];
	int numbers[WORKERS];
#ifdef FIXED
	pthread_barrier_init(&barrier, NULL, WORKERS);
#else
	pthread_barrier_init(&barrier, NULL, WORKERS + 1);
#endif
	for (int i = 0; i < WORKERS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, worker, &numbers[i]);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return sum[0] == 3 && sum[1] == 3 ? 0 : 1;
}
