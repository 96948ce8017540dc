/* SPDX-License-Identifier: MIT */
/* A progress line: the step is counted in one critical section and shown in another.
 *
 * The worker that counted step 1 can be overtaken before it shows it, and the line goes from 2 back to 1.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t count_lock = PTHREAD_MUTEX_INITIALIZER, screen_lock = PTHREAD_MUTEX_INITIALIZER;
static int count, shown;

static void show(int step)
{
	pthread_mutex_lock(&screen_lock);
	assert(step > shown);
	shown = step;
	printf("\r%d/2", step);
	pthread_mutex_unlock(&screen_lock);
}

static void *worker(void *arg)
{
	pthread_mutex_lock(&count_lock);
	int step = ++count;
#ifdef FIXED
	show(step);
	pthread_mutex_unlock(&count_lock);
#else
	pthread_mutex_unlock(&count_lock);
	show(step);
#endif
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, worker, NULL);
	pthread_create(&b, NULL, worker, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
