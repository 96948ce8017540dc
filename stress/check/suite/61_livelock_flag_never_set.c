/* SPDX-License-Identifier: MIT */
/* A worker that spins until its input is ready, and a loader that may fail.
 *
 * If the loader fails it returns without saying so, and the worker spins for ever.
 *
 * Finds  livelock
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { WAITING, READY, FAILED };

static atomic_int state = WAITING, disk_full;

static void *loader(void *arg)
{
	if (atomic_load(&disk_full)) {
#ifdef FIXED
		atomic_store(&state, FAILED);
#endif
		return arg;
	}
	atomic_store(&state, READY);
	return arg;
}

static void *writer(void *arg)
{
	atomic_store(&disk_full, 1);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, loader, NULL);
	pthread_create(&b, NULL, writer, NULL);
	while (atomic_load(&state) == WAITING)
		sched_yield();
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
