/* SPDX-License-Identifier: MIT */
/* A thread pool that is shut down by a flag and a signal.
 *
 * The signal wakes one worker; those that sleep, too, are never told.
 *
 * Finds  deadlock lost-wakeup
 */
#include <pthread.h>
#include <stdbool.h>

enum { WORKERS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int queued = 1, finished;
static bool shutting_down;

static void *worker(void *arg)
{
	pthread_mutex_lock(&lock);
	for (;;) {
		while (queued == 0 && !shutting_down)
			pthread_cond_wait(&news, &lock);
		if (queued == 0)
			break;
		queued--;
		pthread_mutex_unlock(&lock);
		/* the job */
		pthread_mutex_lock(&lock);
		finished++;
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t threads[WORKERS];
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	pthread_mutex_lock(&lock);
	shutting_down = true;
#ifdef FIXED
	pthread_cond_broadcast(&news);
#else
	pthread_cond_signal(&news);
#endif
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	return finished == 1 ? 0 : 1;
}
