/* SPDX-License-Identifier: MIT */
/* Message passing with relaxed accesses and fences.
 *
 * The release fence of the writer needs an acquire fence of the reader; without it the reader may see the flag and not the message.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>

static int message;
static atomic_int arrived;

static void *sender(void *arg)
{
	message = 17;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&arrived, 1, memory_order_relaxed);
	return arg;
}

static void *receiver(void *arg)
{
	if (atomic_load_explicit(&arrived, memory_order_relaxed)) {
#ifdef FIXED
		atomic_thread_fence(memory_order_acquire);
#endif
		*(int *)arg = message;
	}
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int got = 17;
	pthread_create(&a, NULL, sender, NULL);
	pthread_create(&b, NULL, receiver, &got);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return got == 17 ? 0 : 1;
}
