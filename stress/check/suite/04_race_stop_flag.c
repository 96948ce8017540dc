/* SPDX-License-Identifier: MIT */
/* A worker that runs until it is told to stop, through a volatile flag.
 *
 * volatile orders nothing and is no atomic object: the two accesses race, and what main wrote before the flag may not be there.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#ifdef FIXED
static atomic_int stop_requested;
#else
static volatile int stop_requested;
#endif
static const char *reason = "none";
static unsigned beats;

static void *heart(void *arg)
{
	while (!stop_requested) {
		beats++;
		usleep(1000);
	}
	printf("stopped after %u beats: %s\n", beats, reason);
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, heart, NULL);
	usleep(5000);
	reason = "user";
	stop_requested = 1;
	pthread_join(thread, NULL);
	return 0;
}
