/* SPDX-License-Identifier: MIT */
/* A thread that detaches itself, and a main that joins it.
 *
 * Once the thread has detached itself and ended, its handle means nothing any more.
 *
 * Finds  misuse
 */
#include <pthread.h>
#include <stdio.h>

static void *logger(void *arg)
{
#ifndef FIXED
	pthread_detach(pthread_self());
#endif
	puts("started");
	return arg;
}

int main(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, logger, NULL) != 0)
		return 2;
	pthread_join(thread, NULL);
	return 0;
}
