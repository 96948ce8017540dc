/* SPDX-License-Identifier: MIT */
/* Steps that are counted by one atomic operation and read by another.
 *
 * Between the increment and the load another worker may increment, too: both then tell step 2, and nobody tells step 1.
 *
 * Finds  forbidden-outcome
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { WORKERS = 2 };

static atomic_int done;
static int told[WORKERS];

static void *worker(void *arg)
{
#ifdef FIXED
	int step = atomic_fetch_add(&done, 1) + 1;
#else
	atomic_fetch_add(&done, 1);
	int step = atomic_load(&done);
#endif
	*(int *)arg = step;
	return NULL;
}

int main(void)
{
	pthread_t threads[WORKERS];
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, worker, &told[i]);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	if (told[0] == told[1]) {
		fprintf(stderr, "step %d was told twice\n", told[0]);
		return 1;
	}
	return 0;
}
