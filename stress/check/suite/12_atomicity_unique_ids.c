/* SPDX-License-Identifier: MIT */
/* Numbers for new objects, from an atomic counter that is loaded and stored.
 *
 * Atomic loads and stores do not make an atomic increment: two objects can get one number.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_uint next_id = 1;

static unsigned make_id(void)
{
#ifdef FIXED
	return atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed);
#else
	unsigned id = atomic_load(&next_id);
	atomic_store(&next_id, id + 1);
	return id;
#endif
}

static void *creator(void *arg)
{
	*(unsigned *)arg = make_id();
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	unsigned ids[3];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, creator, &ids[i]);
	ids[2] = make_id();
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
	return 0;
}
