/* SPDX-License-Identifier: MIT */
/* Scratch memory kept for each thread, with a destructor.
 *
 * All threads are given the same block: each frees it when it ends.
 *
 * Finds  double-free
 */
#include <pthread.h>
#include <stdlib.h>

static pthread_key_t key;

static void *worker(void *arg)
{
#ifdef FIXED
	(void)arg;
	pthread_setspecific(key, malloc(64));
#else
	pthread_setspecific(key, arg);
#endif
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	void *scratch = malloc(64);
	pthread_key_create(&key, free);
	pthread_create(&a, NULL, worker, scratch);
	pthread_create(&b, NULL, worker, scratch);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	pthread_key_delete(key);
#ifdef FIXED
	free(scratch);
#endif
	return 0;
}
