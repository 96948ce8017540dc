/* SPDX-License-Identifier: MIT */
/* A service that frees its state, then waits for its thread.
 *
 * The thread may still be at work on the state.
 *
 * Finds  use-after-free
 */
#include <pthread.h>
#include <stdlib.h>

struct service {
	int served;
	pthread_mutex_t lock;
};

static void *serve(void *arg)
{
	struct service *s = arg;
	pthread_mutex_lock(&s->lock);
	s->served++;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int main(void)
{
	struct service *s = calloc(1, sizeof *s);
	pthread_t thread;
	if (!s)
		return 2;
	pthread_mutex_init(&s->lock, NULL);
	pthread_create(&thread, NULL, serve, s);
#ifdef FIXED
	pthread_join(thread, NULL);
	free(s);
#else
	free(s);
	pthread_join(thread, NULL);
#endif
	return 0;
}
