/* SPDX-License-Identifier: MIT */
/* A spin lock of one's own.
 *
 * It is taken and given back by relaxed operations: only one thread is inside, but what it did there is not ordered before the next.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>

#ifdef FIXED
#define TAKE memory_order_acquire
#define GIVE memory_order_release
#else
#define TAKE memory_order_relaxed
#define GIVE memory_order_relaxed
#endif

static atomic_flag lock = ATOMIC_FLAG_INIT;
static long total;

static void add(long amount)
{
	while (atomic_flag_test_and_set_explicit(&lock, TAKE))
		;
	total += amount;
	atomic_flag_clear_explicit(&lock, GIVE);
}

static void *worker(void *arg)
{
	add(2);
	add(3);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, worker, NULL);
	pthread_create(&b, NULL, worker, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return total == 10 ? 0 : 1;
}
