/* SPDX-License-Identifier: MIT */
/* A worker that gives up by pthread_exit in the middle of a critical section.
 *
 * Its lock stays locked for ever.
 *
 * Finds  misuse deadlock
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int budget = 1;

static void spend(void)
{
	pthread_mutex_lock(&lock);
	if (budget == 0) {
#ifdef FIXED
		pthread_mutex_unlock(&lock);
#endif
		pthread_exit(NULL);
	}
	budget--;
	pthread_mutex_unlock(&lock);
}

static void *worker(void *arg)
{
	spend();
	return arg;
}

int main(void)
{
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
