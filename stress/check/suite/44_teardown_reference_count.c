/* SPDX-License-Identifier: MIT */
/* A reference count: whoever lets go last frees the object.
 *
 * The count is taken down by one operation and looked at by another: two threads can both find zero.
 *
 * Finds  double-free use-after-free
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct image {
	atomic_int references;
	unsigned char pixels[64];
};

static void image_drop(struct image *i)
{
#ifdef FIXED
	if (atomic_fetch_sub(&i->references, 1) == 1)
		free(i);
#else
	atomic_fetch_sub(&i->references, 1);
	if (atomic_load(&i->references) == 0)
		free(i);
#endif
}

static void *viewer(void *arg)
{
	struct image *i = arg;
	volatile unsigned char first = i->pixels[0];
	(void)first;
	image_drop(i);
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	struct image *i = calloc(1, sizeof *i);
	if (!i)
		return 2;
	atomic_init(&i->references, 2);
	pthread_create(&a, NULL, viewer, i);
	pthread_create(&b, NULL, viewer, i);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
