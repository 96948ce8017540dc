/* SPDX-License-Identifier: MIT */
/* A progress bar for a pool of threads: each counts what it has finished, and whoever comes by when it is time draws the bar.
 *
 *   cc -O2 bar.c -pthread -o bar && ./bar
 *   onceproof check bar.c -- -DITEMS=3 -DWORKERS=2
 */
#include <onceproof/tally.h>
#include <pthread.h>
#include <stdio.h>

#ifndef ITEMS
#define ITEMS 2000000
#endif
#ifndef WORKERS
#define WORKERS 4
#endif

/* One thread at a time is in here, and DONE only grows. */
static void draw(void *arg, uint64_t done)
{
	static const char bar[] = "########################################";
	(void)arg;
	const int width = (int)sizeof bar - 1, part = (int)(done * (uint64_t)width / ITEMS);
	printf("\r[%-*.*s] %llu/%llu", width, part, bar, (unsigned long long)done, (unsigned long long)ITEMS);
	fflush(stdout);
}

static struct tally done = TALLY_INITIALISER;
static struct teller teller = TELLER_INITIALISER(&done, draw, NULL, TELLER_MS(100));

static uint64_t handed; /* atomic: items that have a worker */
static uint64_t result[ITEMS];

/* An item. */
static uint64_t work(uint64_t item)
{
	for (int i = 0; i < 100; i++)
		item = item * 6364136223846793005u + 1442695040888963407u;
	return item;
}

static void *worker(void *arg)
{
	struct tally_seat *seat = tally_join(&done);
	if (!seat)
		return arg; /* no memory: the others do it */
	for (;;) {
		/* relaxed: hands out distinct items, and nothing else. */
		uint64_t item = __atomic_fetch_add(&handed, 1, __ATOMIC_RELAXED);
		if (item >= ITEMS)
			break;
		result[item] = work(item);
		teller_add(&teller, seat);
	}
	tally_leave(seat);
	return arg;
}

int main(void)
{
	pthread_t thread[WORKERS];
	int started = 0;
	while (started < WORKERS && pthread_create(&thread[started], NULL, worker, NULL) == 0)
		started++;
	for (int i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	teller_tell(&teller);
	putchar('\n');
	uint64_t finished = tally_value(&done);
	tally_close(&done);
	return finished == ITEMS ? 0 : 1;
}
