/* SPDX-License-Identifier: MIT */
/* A thread that polls a counter under a lock until all workers have reported.
 *
 * A worker that finds nothing to do does not report, and the poll never ends.
 *
 * Finds  livelock
 */
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

enum { WORKERS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int jobs = WORKERS, reports;

static void *worker(void *arg)
{
	pthread_mutex_lock(&lock);
	bool idle = jobs < WORKERS;
	jobs--;
#ifdef FIXED
	reports++;
#else
	if (!idle)
		reports++;
#endif
	pthread_mutex_unlock(&lock);
	(void)idle;
	return arg;
}

int main(void)
{
	pthread_t threads[WORKERS];
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (;;) {
		pthread_mutex_lock(&lock);
		bool all = reports == WORKERS;
		pthread_mutex_unlock(&lock);
		if (all)
			break;
		usleep(1000);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
