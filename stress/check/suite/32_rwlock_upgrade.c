/* SPDX-License-Identifier: MIT */
/* A reader that finds an entry missing and locks for writing without giving the read lock back.
 *
 * Two readers that do so at once each wait until the other stops reading.
 *
 * Finds  deadlock misuse
 */
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int entry;

static int get(void)
{
	pthread_rwlock_rdlock(&lock);
	int value = entry;
	if (!value) {
#ifdef FIXED
		pthread_rwlock_unlock(&lock);
#endif
		pthread_rwlock_wrlock(&lock);
		if (!entry)
			entry = 5;
		value = entry;
#ifndef FIXED
		pthread_rwlock_unlock(&lock);
#endif
	}
	pthread_rwlock_unlock(&lock);
	return value;
}

static void *worker(void *arg)
{
	(void)get();
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
