/* SPDX-License-Identifier: MIT */
/* Every thread gets the address of the same loop variable.
 *
 * By the time a thread reads its number, main may have counted on: two threads work on one part, and another part is left out.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdio.h>

enum { PARTS = 3 };

static int table[PARTS];

static void *fill_part(void *arg)
{
	int part = *(int *)arg;
	if (part < PARTS)
		table[part] = part * part;
	return NULL;
}

int main(void)
{
	pthread_t threads[PARTS];
#ifdef FIXED
	int numbers[PARTS];
#endif
	for (int i = 0; i < PARTS; i++) {
#ifdef FIXED
		numbers[i] = i;
		pthread_create(&threads[i], NULL, fill_part, &numbers[i]);
#else
		pthread_create(&threads[i], NULL, fill_part, &i);
#endif
	}
	for (int i = 0; i < PARTS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < PARTS; i++)
		printf("%d\n", table[i]);
	return 0;
}
