/* SPDX-License-Identifier: MIT */
/* A function that returns early on an error, with its lock still held.
 *
 * The error is rare: the queue is full only if the other producer came first. The next caller waits for ever.
 *
 * Finds  deadlock misuse
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int slots[1], used;

static int put(int item)
{
	pthread_mutex_lock(&lock);
	if (used == 1) {
#ifdef FIXED
		pthread_mutex_unlock(&lock);
#endif
		return -1;
	}
	slots[used++] = item;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int take(void)
{
	pthread_mutex_lock(&lock);
	int item = used ? slots[--used] : -1;
	pthread_mutex_unlock(&lock);
	return item;
}

static void *producer(void *arg)
{
	if (put(*(int *)arg) != 0)
		puts("full");
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int one = 1, two = 2;
	pthread_create(&a, NULL, producer, &one);
	pthread_create(&b, NULL, producer, &two);
	printf("%d\n", take());
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
