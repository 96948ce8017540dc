/* SPDX-License-Identifier: MIT */
/* Double-checked locking with a plain pointer.
 *
 * The first check is made without the lock, so nothing orders it behind the store of the pointer or what the pointer leads to: a
 * thread may use a cache whose size it does not see yet.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct cache {
	int size;
	int *entries;
};

#ifdef FIXED
static struct cache *_Atomic cache;
#else
static struct cache *cache;
#endif
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct cache *cache_get(void)
{
	struct cache *c = cache;
	if (c)
		return c;
	pthread_mutex_lock(&lock);
	c = cache;
	if (!c) {
		c = malloc(sizeof *c);
		if (!c)
			abort();
		c->size = 16;
		c->entries = calloc(16, sizeof *c->entries);
		cache = c;
	}
	pthread_mutex_unlock(&lock);
	return c;
}

static void *reader(void *arg)
{
	const struct cache *c = cache_get();
	*(int *)arg = c->size;
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	int sizes[2] = {0};
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, reader, &sizes[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	free(cache->entries);
	free(cache);
	return sizes[0] == 16 && sizes[1] == 16 ? 0 : 1;
}
