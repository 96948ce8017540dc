/* SPDX-License-Identifier: MIT */
/* A string that remembers its length when it is asked for the first time.
 *
 * The function looks like a reader, and callers share the string without a lock; but it writes.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct text {
	const char *words;
#ifdef FIXED
	atomic_int length;
#else
	int length; /* -1: not known yet */
#endif
};

static struct text title = {"once upon a time", -1};

static int text_length(struct text *t)
{
	if (t->length < 0)
		t->length = (int)strlen(t->words);
	return t->length;
}

static void *reader(void *arg)
{
	*(int *)arg = text_length(&title);
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int x, y;
	pthread_create(&a, NULL, reader, &x);
	pthread_create(&b, NULL, reader, &y);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return x == 16 && y == 16 ? 0 : 1;
}
