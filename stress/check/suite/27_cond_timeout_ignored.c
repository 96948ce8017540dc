/* SPDX-License-Identifier: MIT */
/* A request with a time limit, whose caller does not look whether the limit passed.
 *
 * After a time-out there is no answer yet, and the caller uses what is not there.
 *
 * Finds  crash
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static const char *answer;

static void *server(void *arg)
{
	pthread_mutex_lock(&lock);
	answer = arg;
	pthread_cond_signal(&answered);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	struct timespec limit;
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 2;
	pthread_create(&thread, NULL, server, (char[]){"42"});
	pthread_mutex_lock(&lock);
	int why = 0;
	while (!answer && why == 0)
		why = pthread_cond_timedwait(&answered, &lock, &limit);
#ifdef FIXED
	printf("%c\n", answer ? answer[0] : '-');
#else
	printf("%c\n", answer[0]);
#endif
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	return 0;
}
