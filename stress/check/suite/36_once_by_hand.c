/* SPDX-License-Identifier: MIT */
/* A once of one's own: an atomic flag that is set first.
 *
 * The second caller sees the flag and goes on, although the first is still at work.
 *
 * Finds  data-race crash
 */
#include <pthread.h>
#include <stdatomic.h>

static int table[4];

static void fill(void)
{
	for (int i = 0; i < 4; i++)
		table[i] = i + 1;
}

static void table_init(void)
{
#ifdef FIXED
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fill);
#else
	static atomic_flag begun = ATOMIC_FLAG_INIT;
	if (!atomic_flag_test_and_set(&begun))
		fill();
#endif
}

static void *user(void *arg)
{
	table_init();
	*(int *)arg = 12 / table[3];
	return NULL;
}

int main(void)
{
	pthread_t a, b;
	int x = 0, y = 0;
	pthread_create(&a, NULL, user, &x);
	pthread_create(&b, NULL, user, &y);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return x == 3 && y == 3 ? 0 : 1;
}
