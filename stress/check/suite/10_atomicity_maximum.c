/* SPDX-License-Identifier: MIT */
/* The largest value so far, kept in an atomic variable.
 *
 * The comparison and the store are two operations: a smaller value that was compared earlier can overwrite a larger one.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int peak;

static void note(int load)
{
	int seen = atomic_load(&peak);
#ifdef FIXED
	while (load > seen && !atomic_compare_exchange_weak(&peak, &seen, load))
		;
#else
	if (load > seen)
		atomic_store(&peak, load);
#endif
}

static void *sensor(void *arg)
{
	note(*(const int *)arg);
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int low = 10, high = 90;
	pthread_create(&a, NULL, sensor, &high);
	pthread_create(&b, NULL, sensor, &low);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	assert(atomic_load(&peak) == 90);
	return 0;
}
