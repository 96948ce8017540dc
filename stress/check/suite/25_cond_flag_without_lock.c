/* SPDX-License-Identifier: MIT */
/* A flag that is atomic, and therefore set without the lock of those who wait for it.
 *
 * The flag can be set, and the signal sent, between the waiter's look at the flag and its wait: nobody wakes it again.
 *
 * Finds  lost-wakeup deadlock
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static atomic_bool ready;

static void *waiter(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!atomic_load(&ready))
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, waiter, NULL);
#ifdef FIXED
	pthread_mutex_lock(&lock);
#endif
	atomic_store(&ready, true);
	pthread_cond_signal(&changed);
#ifdef FIXED
	pthread_mutex_unlock(&lock);
#endif
	pthread_join(thread, NULL);
	return 0;
}
