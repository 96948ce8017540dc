/* SPDX-License-Identifier: MIT */
/* Two flags in one word, each with a lock of its own.
 *
 * Neighbouring bit-fields are one memory location: setting one of them reads and writes the other, too, so that two locks protect
 * nothing and a flag can be lost.
 *
 * Finds  data-race assertion
 */
#include <assert.h>
#include <pthread.h>

struct connection {
#ifdef FIXED
	unsigned readable;
	unsigned writable;
#else
	unsigned readable : 1;
	unsigned writable : 1;
#endif
	pthread_mutex_t read_lock, write_lock;
};

static struct connection c = {.read_lock = PTHREAD_MUTEX_INITIALIZER, .write_lock = PTHREAD_MUTEX_INITIALIZER};

static void *on_input(void *arg)
{
	pthread_mutex_lock(&c.read_lock);
	c.readable = 1;
	pthread_mutex_unlock(&c.read_lock);
	return arg;
}

static void *on_room(void *arg)
{
	pthread_mutex_lock(&c.write_lock);
	c.writable = 1;
	pthread_mutex_unlock(&c.write_lock);
	return arg;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, NULL, on_input, NULL);
	pthread_create(&b, NULL, on_room, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	assert(c.readable && c.writable);
	return 0;
}
