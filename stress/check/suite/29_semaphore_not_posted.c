/* SPDX-License-Identifier: MIT */
/* Connections from a pool that a semaphore counts.
 *
 * A request that fails returns without giving its connection back; after that many failures everybody waits.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static sem_t connections;
static atomic_int healthy = 1;

static void *request(void *arg)
{
	sem_wait(&connections);
	if (!atomic_load(&healthy)) {
#ifdef FIXED
		sem_post(&connections);
#endif
		return arg;
	}
	sem_post(&connections);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	sem_init(&connections, 0, 1);
	pthread_create(&a, NULL, request, NULL);
	pthread_create(&b, NULL, request, NULL);
	atomic_store(&healthy, 0);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	sem_destroy(&connections);
	return 0;
}
