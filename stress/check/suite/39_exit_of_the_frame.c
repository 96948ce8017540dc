/* SPDX-License-Identifier: MIT */
/* A background thread that writes into a local variable of the function that started it.
 *
 * The function returns without waiting: its frame is used again for other things while the thread still writes there.
 *
 * Finds  data-race assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_t thread;

static void *measure(void *arg)
{
	int *lengths = arg;
	for (int i = 0; i < 16; i++)
		lengths[i] = 1000 + i;
	return NULL;
}

static __attribute__((noinline)) void start(void)
{
#ifdef FIXED
	static int lengths[16];
#else
	int lengths[16];
#endif
	pthread_create(&thread, NULL, measure, lengths);
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) int checksum(void)
{
	int numbers[32];
	int sum = 0;
	for (int i = 0; i < 32; i++)
		numbers[i] = 1;
	qsort(numbers, 32, sizeof *numbers, compare);
	for (int i = 0; i < 32; i++)
		sum += numbers[i];
	return sum;
}

int main(void)
{
	start();
	assert(checksum() == 32);
	pthread_join(thread, NULL);
	return 0;
}
