/* SPDX-License-Identifier: MIT */
/* Threads that come and go: each takes a seat, counts in a register, and gives the seat back. What it counted stays.
 *
 *   cc -O2 visitors.c -pthread && ./a.out
 */
#include <onceproof/tally.h>
#include <pthread.h>
#include <stdio.h>

#ifndef VISITORS
#define VISITORS 4
#endif
#ifndef ITEMS
#define ITEMS 1000
#endif

static struct tally done = TALLY_INITIALISER;

static void *visit(void *arg)
{
	struct tally_seat *seat = tally_join(&done);
	if (!seat)
		return arg; /* no memory; tally_step(&done) would count without a seat */

	uint64_t own = tally_own(seat); /* not 0 where somebody has sat here before */
	for (int item = 0; item < ITEMS; item++)
		tally_put(seat, ++own); /* the item is done: one store */
	tally_leave(seat);
	return NULL;
}

int main(void)
{
	pthread_t thread[VISITORS];
	for (int day = 1; day <= 3; day++) {
		int came = 0;
		while (came < VISITORS && pthread_create(&thread[came], NULL, visit, NULL) == 0)
			came++;
		for (int i = 0; i < came; i++)
			pthread_join(thread[i], NULL);
		printf("day %d: %llu\n", day, (unsigned long long)tally_value(&done));
	}
	tally_close(&done); /* frees the seats */
	return 0;
}
