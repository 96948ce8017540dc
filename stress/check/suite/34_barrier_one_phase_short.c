/* SPDX-License-Identifier: MIT */
/* A simulation in steps: every cell is computed from the old values of its neighbours.
 *
 * There is a barrier before the new values are stored, and none behind: a fast thread reads a neighbour's value of the next step, or
 * stores while the neighbour still reads.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stddef.h>

enum { CELLS = 2, STEPS = 2 };

static pthread_barrier_t barrier;
static int cell[CELLS] = {1, 2};

static void *simulate(void *arg)
{
	int self = *(int *)arg, other = 1 - self;
	for (int step = 0; step < STEPS; step++) {
		int next = cell[self] + cell[other];
		pthread_barrier_wait(&barrier);
		cell[self] = next;
#ifdef FIXED
		pthread_barrier_wait(&barrier);
#endif
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[CELLS];
	int numbers[CELLS];
	pthread_barrier_init(&barrier, NULL, CELLS);
	for (int i = 0; i < CELLS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, simulate, &numbers[i]);
	}
	for (int i = 0; i < CELLS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return cell[0] == cell[1] ? 0 : 1;
}
