/* SPDX-License-Identifier: MIT */
/* A table that is built once and published through an atomic pointer.
 *
 * The pointer is stored relaxed: whoever sees it need not see the table's content.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#ifdef FIXED
#define PUBLISH memory_order_release
#define LOOK memory_order_acquire
#else
#define PUBLISH memory_order_relaxed
#define LOOK memory_order_relaxed
#endif

struct route {
	int hops;
};

static struct route storage;
static struct route *_Atomic current;

static void *update(void *arg)
{
	storage.hops = 3;
	atomic_store_explicit(&current, &storage, PUBLISH);
	return arg;
}

static void *lookup(void *arg)
{
	const struct route *r = atomic_load_explicit(&current, LOOK);
	if (r)
		printf("%d hops\n", r->hops);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, update, NULL);
	pthread_create(&b, NULL, lookup, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
