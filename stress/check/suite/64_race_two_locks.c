/* SPDX-License-Identifier: MIT */
/* A statistics counter that one function protects by its own lock and another function by a different one.
 *
 * Both critical sections are correct alone, and together they protect nothing.
 *
 * Finds  data-race forbidden-outcome
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t input_lock = PTHREAD_MUTEX_INITIALIZER, output_lock = PTHREAD_MUTEX_INITIALIZER;
static long bytes;

static void *receive(void *arg)
{
	pthread_mutex_lock(&input_lock);
	bytes += 100;
	pthread_mutex_unlock(&input_lock);
	return arg;
}

static void *send(void *arg)
{
#ifdef FIXED
	pthread_mutex_t *lock = &input_lock;
	(void)output_lock;
#else
	pthread_mutex_t *lock = &output_lock;
#endif
	pthread_mutex_lock(lock);
	bytes += 50;
	pthread_mutex_unlock(lock);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, receive, NULL);
	pthread_create(&b, NULL, send, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	printf("%ld bytes\n", bytes);
	return bytes == 150 ? 0 : 1;
}
