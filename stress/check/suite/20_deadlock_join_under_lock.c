/* SPDX-License-Identifier: MIT */
/* A manager that waits for its worker's end while it holds the lock that the worker needs.
 *
 * If the worker has not had the lock yet, it never gets it, and never ends.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool running = true;
static int jobs;

static void *worker(void *arg)
{
	pthread_mutex_lock(&lock);
	if (running)
		jobs++;
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, worker, NULL);
	pthread_mutex_lock(&lock);
	running = false;
#ifdef FIXED
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
#else
	pthread_join(thread, NULL);
	pthread_mutex_unlock(&lock);
#endif
	return jobs > 1;
}
