/* SPDX-License-Identifier: MIT */
/* A bounded buffer in which producers and consumers wait on one condition variable.
 *
 * A signal meant for a consumer can wake a producer, which finds the buffer full and sleeps again: the signal is lost, and all wait.
 *
 * Finds  deadlock lost-wakeup
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int buffer, full;

static void tell(void)
{
#ifdef FIXED
	pthread_cond_broadcast(&changed);
#else
	pthread_cond_signal(&changed);
#endif
}

static void *producer(void *arg)
{
	pthread_mutex_lock(&lock);
	while (full)
		pthread_cond_wait(&changed, &lock);
	buffer = 1;
	full = 1;
	tell();
	pthread_mutex_unlock(&lock);
	return arg;
}

static void *consumer(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!full)
		pthread_cond_wait(&changed, &lock);
	full = 0;
	tell();
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t threads[4];
	pthread_create(&threads[0], NULL, consumer, NULL);
	pthread_create(&threads[1], NULL, consumer, NULL);
	pthread_create(&threads[2], NULL, producer, NULL);
	pthread_create(&threads[3], NULL, producer, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
