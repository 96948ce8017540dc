/* SPDX-License-Identifier: MIT */
/* The queue of queue.c; whoever is woken up looks again. */
#include <onceproof.h>

enum { ROOM = 2 };

static pthread_mutex_t lock;
static pthread_cond_t not_empty, not_full;
static int items[ROOM], taken[2]; /* taken: by consumer */
static unsigned count, first;     /* guarded by lock, as items */

static void put(int item)
{
	pthread_mutex_lock(&lock);
	while (count == ROOM)
		pthread_cond_wait(&not_full, &lock);
	items[(first + count++) % ROOM] = item;
	pthread_cond_signal(&not_empty);
	pthread_mutex_unlock(&lock);
}

static int take(void)
{
	pthread_mutex_lock(&lock);
	while (count == 0)
		pthread_cond_wait(&not_empty, &lock);
	int item = items[first++ % ROOM];
	count--;
	pthread_cond_signal(&not_full);
	pthread_mutex_unlock(&lock);
	return item;
}

static void set_up(void)
{
	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&not_empty, NULL);
	pthread_cond_init(&not_full, NULL);
	count = first = 0;
}

static void produce(void)
{
	put(1);
	put(2);
}

static void consume(unsigned self)
{
	taken[self] = take();
}

static void check(void)
{
	ONCEPROOF_EXPECT(taken[0] + taken[1] == 3, "1 and 2 were put, %d and %d were taken", taken[0], taken[1]);
}

static void tear_down(void)
{
	pthread_cond_destroy(&not_full);
	pthread_cond_destroy(&not_empty);
	pthread_mutex_destroy(&lock);
}

ONCEPROOF_SCENARIO(one_producer_two_consumers, .set_up = set_up, .actors = {produce}, .worker = consume, .workers = 2,
	.check = check, .tear_down = tear_down);
