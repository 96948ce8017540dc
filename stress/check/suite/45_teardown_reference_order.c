/* SPDX-License-Identifier: MIT */
/* A reference count whose last owner frees the object, with relaxed operations throughout.
 *
 * Nothing orders what the other owners did with the object before the free: their last accesses can still be under way.
 *
 * Finds  data-race use-after-free
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#ifdef FIXED
#define DROP_ORDER memory_order_acq_rel
#else
#define DROP_ORDER memory_order_relaxed
#endif

struct message {
	atomic_int references;
	int read[2];
};

struct reader {
	struct message *message;
	int number;
};

static void *read_message(void *arg)
{
	struct reader *r = arg;
	r->message->read[r->number] = 1;
	if (atomic_fetch_sub_explicit(&r->message->references, 1, DROP_ORDER) == 1)
		free(r->message);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	struct message *m = calloc(1, sizeof *m);
	if (!m)
		return 2;
	struct reader readers[2] = {{m, 0}, {m, 1}};
	atomic_init(&m->references, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_message, &readers[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
