/* SPDX-License-Identifier: MIT */
/* A formatting function that returns a static buffer.
 *
 * It is handy in one thread; with two, one thread reads the name that the other is writing.
 *
 * Finds  data-race assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#ifdef FIXED
#define STORAGE static _Thread_local
#else
#define STORAGE static
#endif

static const char *job_name(int job)
{
	STORAGE char name[16];
	snprintf(name, sizeof name, "job-%d", job);
	return name;
}

static void *run(void *arg)
{
	int job = *(int *)arg;
	char expected[16];
	snprintf(expected, sizeof expected, "job-%d", job);
	assert(strcmp(job_name(job), expected) == 0);
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int one = 1, two = 2;
	pthread_create(&a, NULL, run, &one);
	pthread_create(&b, NULL, run, &two);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
