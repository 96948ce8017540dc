/* SPDX-License-Identifier: MIT */
/* Three philosophers and three forks.
 *
 * Each takes the fork on the left, then the one on the right: if all have the left one, nobody gets a second.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <stdio.h>

enum { SEATS = 3 };

static pthread_mutex_t forks[SEATS] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void *philosopher(void *arg)
{
	int seat = (int)(long)arg, first = seat, second = (seat + 1) % SEATS;
#ifdef FIXED
	if (seat == SEATS - 1) {
		first = 0;
		second = seat;
	}
#endif
	pthread_mutex_lock(&forks[first]);
	pthread_mutex_lock(&forks[second]);
	printf("%d eats\n", seat);
	pthread_mutex_unlock(&forks[second]);
	pthread_mutex_unlock(&forks[first]);
	return NULL;
}

int main(void)
{
	pthread_t threads[SEATS];
	for (long i = 0; i < SEATS; i++)
		pthread_create(&threads[i], NULL, philosopher, (void *)i);
	for (int i = 0; i < SEATS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
