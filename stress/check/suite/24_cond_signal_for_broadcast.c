/* SPDX-License-Identifier: MIT */
/* A start signal that several workers wait for.
 *
 * pthread_cond_signal wakes one of them; the others sleep for ever.
 *
 * Finds  deadlock lost-wakeup
 */
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t start = PTHREAD_COND_INITIALIZER;
static bool started;

static void *worker(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!started)
		pthread_cond_wait(&start, &lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	pthread_mutex_lock(&lock);
	started = true;
#ifdef FIXED
	pthread_cond_broadcast(&start);
#else
	pthread_cond_signal(&start);
#endif
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
