/* SPDX-License-Identifier: MIT */
/* A sequence lock: a reader repeats until the sequence was even, and the same before and after.
 *
 * The reader looks at the sequence only before it reads: a pair whose halves belong to different versions goes through.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_uint sequence;
static atomic_int low, high;

static void *writer(void *arg)
{
	unsigned s = atomic_load(&sequence);
	atomic_store(&sequence, s + 1);
	atomic_store(&low, 7);
	atomic_store(&high, 7);
	atomic_store(&sequence, s + 2);
	return arg;
}

static void *reader(void *arg)
{
	unsigned before;
	int l, h;
	do {
		while ((before = atomic_load(&sequence)) % 2)
			;
		l = atomic_load(&low);
		h = atomic_load(&high);
#ifdef FIXED
	} while (atomic_load(&sequence) != before);
#else
	} while (before % 2);
#endif
	assert(l == h);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, writer, NULL);
	pthread_create(&b, NULL, reader, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
