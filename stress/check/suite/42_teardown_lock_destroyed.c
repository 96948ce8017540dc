/* SPDX-License-Identifier: MIT */
/* A session that destroys its lock as soon as the other side has signed off.
 *
 * The other side signs off inside of the critical section: it still has to unlock.
 *
 * Finds  misuse
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int signed_off;

static void *client(void *arg)
{
	pthread_mutex_lock(&lock);
#ifdef FIXED
	pthread_mutex_unlock(&lock);
	atomic_store(&signed_off, 1);
#else
	atomic_store(&signed_off, 1);
	pthread_mutex_unlock(&lock);
#endif
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, client, NULL);
	while (!atomic_load(&signed_off))
		sched_yield();
	pthread_mutex_destroy(&lock);
	pthread_join(thread, NULL);
	return 0;
}
