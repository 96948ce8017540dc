/* SPDX-License-Identifier: MIT */
/* A connection that the reader closes on an error and the owner closes at the end.
 *
 * Both look whether it is open, and both close it: the second close hits a descriptor that somebody else may have got meanwhile.
 *
 * Finds  assertion
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int descriptor = 5, open_descriptors = 1;

static void close_descriptor(int fd)
{
	(void)fd;
	assert(atomic_fetch_sub(&open_descriptors, 1) == 1);
}

static void hang_up(void)
{
#ifdef FIXED
	int fd = atomic_exchange(&descriptor, -1);
	if (fd >= 0)
		close_descriptor(fd);
#else
	int fd = atomic_load(&descriptor);
	if (fd >= 0) {
		close_descriptor(fd);
		atomic_store(&descriptor, -1);
	}
#endif
}

static void *reader(void *arg)
{
	hang_up();
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, reader, NULL);
	hang_up();
	pthread_join(thread, NULL);
	return 0;
}
