/* SPDX-License-Identifier: MIT */
/* Numbers that come with counting. A ticket is unique, and costs no more than tally_add(). A step is the next of 1, 2, 3 … for all threads
 * together, and costs a locked addition to a line that they share.
 *
 *   cc -O2 numbers.c -pthread && ./a.out
 */
#include <onceproof/tally.h>
#include <pthread.h>
#include <stdio.h>

enum { WORKERS = 4, FILES = 1000 };

static struct tally files = TALLY_INITIALISER, lines = TALLY_INITIALISER;

struct work {
	uint64_t name[FILES]; /* of a file of its own: any number that no other file has */
	uint64_t line[FILES]; /* in a list that all write: each line one file, and no line empty */
};

static void *worker(void *arg)
{
	struct work *work = (struct work *)arg;
	struct tally_seat *seat = tally_join(&files);
	if (!seat)
		return arg;
	for (int i = 0; i < FILES; i++) {
		work->name[i] = tally_ticket(seat);
		work->line[i] = tally_step(&lines);
	}
	tally_leave(seat);
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

int main(void)
{
	static struct work work[WORKERS];
	static uint64_t name[WORKERS * FILES], line[WORKERS * FILES];
	pthread_t thread[WORKERS];
	size_t started = 0, sure = 0;
	while (started < WORKERS && pthread_create(&thread[started], NULL, worker, &work[started]) == 0)
		started++;
	for (size_t i = 0; i < started; i++) {
		pthread_join(thread[i], NULL);
		for (size_t k = 0; k < FILES; k++) {
			name[i * FILES + k] = work[i].name[k];
			line[i * FILES + k] = work[i].line[k];
		}
	}
	qsort(name, WORKERS * FILES, sizeof *name, by_number);
	qsort(line, WORKERS * FILES, sizeof *line, by_number);
	for (size_t i = 0; i < WORKERS * FILES; i++)
		sure += line[i] == i + 1 && name[i] > (i ? name[i - 1] : 0);
	printf("%zu of %d have a name of their own, and lines go from 1 to %llu\n", sure, WORKERS * FILES,
		(unsigned long long)tally_value(&lines));
	tally_close(&files);
	tally_close(&lines);
	return sure == WORKERS * FILES ? 0 : 1;
}
