/* SPDX-License-Identifier: MIT */
/* Settings that are replaced by exchanging a pointer.
 *
 * The old settings are freed at once, although a reader may have fetched the pointer already. Here readers count themselves in, and
 * the updater waits until those that were there have left.
 *
 * Finds  use-after-free
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct settings {
	int volume;
};

static struct settings *_Atomic current;
static atomic_int readers;

static struct settings *make(int volume)
{
	struct settings *s = malloc(sizeof *s);
	if (!s)
		exit(2);
	s->volume = volume;
	return s;
}

static void *player(void *arg)
{
	atomic_fetch_add(&readers, 1);
	const struct settings *s = atomic_load(&current);
	*(int *)arg = s->volume;
	atomic_fetch_sub(&readers, 1);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	int heard = 0;
	atomic_init(&current, make(5));
	pthread_create(&thread, NULL, player, &heard);
	struct settings *old = atomic_exchange(&current, make(8));
#ifdef FIXED
	while (atomic_load(&readers) != 0)
		sched_yield();
#endif
	free(old);
	pthread_join(thread, NULL);
	free(atomic_load(&current));
	return heard == 5 || heard == 8 ? 0 : 1;
}
