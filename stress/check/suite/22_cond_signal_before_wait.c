/* SPDX-License-Identifier: MIT */
/* A thread that waits for another's signal, without a condition to look at.
 *
 * A signal is not kept for later: if it is sent before the wait begins, the wait never ends.
 *
 * Finds  lost-wakeup deadlock
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t connected = PTHREAD_COND_INITIALIZER;
static bool is_connected;

static void *connect_thread(void *arg)
{
	pthread_mutex_lock(&lock);
	is_connected = true;
	pthread_cond_signal(&connected);
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, connect_thread, NULL);
	pthread_mutex_lock(&lock);
#ifdef FIXED
	while (!is_connected)
#endif
		pthread_cond_wait(&connected, &lock);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	puts("connected");
	return 0;
}
