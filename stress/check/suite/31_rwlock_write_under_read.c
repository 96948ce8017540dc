/* SPDX-License-Identifier: MIT */
/* A cache behind a read-write lock that counts its hits.
 *
 * Counting is writing: two readers are inside at once, and both change the counter.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int values[4] = {3, 1, 4, 1};
#ifdef FIXED
static atomic_uint hits;
#else
static unsigned hits;
#endif

static int lookup(int key)
{
	pthread_rwlock_rdlock(&lock);
	int value = values[key];
	hits++;
	pthread_rwlock_unlock(&lock);
	return value;
}

static void *reader(void *arg)
{
	*(int *)arg = lookup(*(int *)arg);
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int one = 1, two = 2;
	pthread_create(&a, NULL, reader, &one);
	pthread_create(&b, NULL, reader, &two);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	printf("%d %d, %u hits\n", one, two, (unsigned)hits);
	return 0;
}
