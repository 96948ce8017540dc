/* SPDX-License-Identifier: MIT */
/* The textbook bounded buffer, with two waits in the wrong order.
 *
 * The consumer takes the lock first and then waits for an item, which no producer can put in without the lock.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

enum { SIZE = 2, ITEMS = 3 };

static sem_t empty, filled, mutex;
static int buffer[SIZE], in, out;

static void *producer(void *arg)
{
	for (int i = 0; i < ITEMS; i++) {
		sem_wait(&empty);
		sem_wait(&mutex);
		buffer[in] = i;
		in = (in + 1) % SIZE;
		sem_post(&mutex);
		sem_post(&filled);
	}
	return arg;
}

static void *consumer(void *arg)
{
	for (int i = 0; i < ITEMS; i++) {
#ifdef FIXED
		sem_wait(&filled);
		sem_wait(&mutex);
#else
		sem_wait(&mutex);
		sem_wait(&filled);
#endif
		printf("%d\n", buffer[out]);
		out = (out + 1) % SIZE;
		sem_post(&mutex);
		sem_post(&empty);
	}
	return arg;
}

int main(void)
{
	pthread_t p, c;
	sem_init(&empty, 0, SIZE);
	sem_init(&filled, 0, 0);
	sem_init(&mutex, 0, 1);
	pthread_create(&p, NULL, producer, NULL);
	pthread_create(&c, NULL, consumer, NULL);
	pthread_join(p, NULL);
	pthread_join(c, NULL);
	return 0;
}
