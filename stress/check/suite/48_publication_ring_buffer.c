/* SPDX-License-Identifier: MIT */
/* A ring buffer for one producer and one consumer.
 *
 * The producer moves the head before it has written the slot: the consumer reads the slot as it was.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SIZE = 2, ITEMS = 3 };

static int slots[SIZE];
static atomic_uint head, tail;

static void *producer(void *arg)
{
	for (int i = 1; i <= ITEMS; i++) {
		unsigned h = atomic_load_explicit(&head, memory_order_relaxed);
		while (h - atomic_load_explicit(&tail, memory_order_acquire) == SIZE)
			sched_yield();
#ifdef FIXED
		slots[h % SIZE] = i;
		atomic_store_explicit(&head, h + 1, memory_order_release);
#else
		atomic_store_explicit(&head, h + 1, memory_order_release);
		slots[h % SIZE] = i;
#endif
	}
	return arg;
}

static void *consumer(void *arg)
{
	for (int i = 1; i <= ITEMS; i++) {
		unsigned t = atomic_load_explicit(&tail, memory_order_relaxed);
		while (atomic_load_explicit(&head, memory_order_acquire) == t)
			sched_yield();
		*(int *)arg += slots[t % SIZE];
		atomic_store_explicit(&tail, t + 1, memory_order_release);
	}
	return NULL;
}

int main(void)
{
	pthread_t p, c;
	int sum = 0;
	pthread_create(&p, NULL, producer, NULL);
	pthread_create(&c, NULL, consumer, &sum);
	pthread_join(p, NULL);
	pthread_join(c, NULL);
	return sum == 6 ? 0 : 1;
}
