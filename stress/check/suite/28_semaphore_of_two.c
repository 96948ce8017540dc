/* SPDX-License-Identifier: MIT */
/* A semaphore used as a lock, but initialised to two.
 *
 * Two threads are let in at once.
 *
 * Finds  data-race assertion
 */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>

static sem_t gate;
static int inside;

static void *visitor(void *arg)
{
	sem_wait(&gate);
	inside++;
	assert(inside == 1);
	inside--;
	sem_post(&gate);
	return arg;
}

int main(void)
{
	pthread_t a, b;
#ifdef FIXED
	sem_init(&gate, 0, 1);
#else
	sem_init(&gate, 0, 2);
#endif
	pthread_create(&a, NULL, visitor, NULL);
	pthread_create(&b, NULL, visitor, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	sem_destroy(&gate);
	return 0;
}
