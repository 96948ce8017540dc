/* SPDX-License-Identifier: MIT */
/* A front end that polls a counter until the work is said to be over.
 *
 * It reads the counter, then the flag: steps between the two are never shown, and the bar stops at 50 %.
 *
 * Finds  forbidden-outcome
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { TOTAL = 2 };

static atomic_int steps;
static atomic_bool over;

static void *work(void *arg)
{
	for (int i = 0; i < TOTAL; i++)
		atomic_fetch_add(&steps, 1);
	atomic_store(&over, 1);
	return arg;
}

int main(void)
{
	pthread_t thread;
	int shown = 0;
	pthread_create(&thread, NULL, work, NULL);
	for (;;) {
#ifdef FIXED
		int last_look = atomic_load(&over);
		shown = atomic_load(&steps);
		printf("%d/%d\n", shown, TOTAL);
		if (last_look)
			break;
#else
		shown = atomic_load(&steps);
		printf("%d/%d\n", shown, TOTAL);
		if (atomic_load(&over))
			break;
#endif
		usleep(100);
	}
	pthread_join(thread, NULL);
	return shown == TOTAL ? 0 : 1;
}
