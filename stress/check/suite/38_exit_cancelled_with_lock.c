/* SPDX-License-Identifier: MIT */
/* A thread that is cancelled while it waits under a lock.
 *
 * pthread_cond_wait takes the mutex back before the thread ends, and nobody gives it back: a cleanup handler must.
 *
 * Finds  misuse deadlock
 */
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static int jobs;

#ifdef FIXED
static void give_back(void *mutex)
{
	pthread_mutex_unlock(mutex);
}
#endif

static void *worker(void *arg)
{
	pthread_mutex_lock(&lock);
#ifdef FIXED
	pthread_cleanup_push(give_back, &lock);
#endif
	while (jobs == 0)
		pthread_cond_wait(&work, &lock);
	jobs--;
#ifdef FIXED
	pthread_cleanup_pop(0);
#endif
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, worker, NULL);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	pthread_mutex_lock(&lock);
	jobs++;
	pthread_mutex_unlock(&lock);
	return 0;
}
