/* SPDX-License-Identifier: MIT */
/* Programs whose executions can be counted by hand: T workers that do the same thing, K times each.
 *
 * Complete executions are counted: classes of equal reads-from and modification order in which every thread ends. What a thread reads
 * while it waits (for a lock, in a loop that only reads again) is not part of the class: the explorer leaves such reads out.
 */
#include "optimality.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <threads.h>

#include "suite.h"

static unsigned threads, rounds; /* written before the workers exist */
static int total;                /* guarded by whatever the program shows */

static void work(const struct countable *row, void *(*worker)(void *))
{
	pthread_t thread[SUITE_ACTORS_MAX];
	threads = row->threads;
	rounds = row->rounds;
	for (unsigned i = 0; i < threads; i++)
		must(!pthread_create(&thread[i], NULL, worker, NULL));
	for (unsigned i = 0; i < threads; i++)
		must(!pthread_join(thread[i], NULL));
}

static void count_under(const struct countable *row, void *(*worker)(void *))
{
	total = 0;
	work(row, worker);
	must(total == (int)(row->threads * row->rounds));
}

static pthread_mutex_t mutex;
static void *lock_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		must(!pthread_mutex_lock(&mutex));
		total++;
		must(!pthread_mutex_unlock(&mutex));
	}
	return arg;
}
static void lock(void *row)
{
	must(!pthread_mutex_init(&mutex, NULL));
	count_under(row, lock_worker);
	must(!pthread_mutex_destroy(&mutex));
}

static mtx_t standard;
static void *mtx_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		must(mtx_lock(&standard) == thrd_success);
		total++;
		must(mtx_unlock(&standard) == thrd_success);
	}
	return arg;
}
static void mtx(void *row)
{
	must(mtx_init(&standard, mtx_plain) == thrd_success);
	count_under(row, mtx_worker);
	mtx_destroy(&standard);
}

static pthread_spinlock_t spin;
static void *spin_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		must(!pthread_spin_lock(&spin));
		total++;
		must(!pthread_spin_unlock(&spin));
	}
	return arg;
}
static void spinlock(void *row)
{
	must(!pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
	count_under(row, spin_worker);
	must(!pthread_spin_destroy(&spin));
}

static pthread_rwlock_t rwlock;
static void *writer(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		must(!pthread_rwlock_wrlock(&rwlock));
		total++;
		must(!pthread_rwlock_unlock(&rwlock));
	}
	return arg;
}
static void write_lock(void *row)
{
	must(!pthread_rwlock_init(&rwlock, NULL));
	count_under(row, writer);
	must(!pthread_rwlock_destroy(&rwlock));
}

static sem_t semaphore;
static void *semaphore_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		must(!sem_wait(&semaphore));
		total++;
		must(!sem_post(&semaphore));
	}
	return arg;
}
static void binary_semaphore(void *row)
{
	must(!sem_init(&semaphore, 0, 1));
	count_under(row, semaphore_worker);
	must(!sem_destroy(&semaphore));
}

static _Atomic int counter;
static void *add_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++)
		atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed); /* relaxed: only the value matters */
	return arg;
}
static void fetch_add(void *row)
{
	const struct countable *r = row;
	atomic_init(&counter, 0);
	work(r, add_worker);
	must(atomic_load(&counter) == (int)(r->threads * r->rounds));
}

/* The loop's failed attempts are reads of values that others have added behind: each attempt is a read of its own. */
static void *cas_add_worker(void *arg)
{
	int seen = atomic_load_explicit(&counter, memory_order_relaxed);
	while (!atomic_compare_exchange_strong_explicit(&counter, &seen, seen + 1, memory_order_relaxed, memory_order_relaxed))
		continue;
	return arg;
}
static void cas_add(void *row)
{
	const struct countable *r = row;
	atomic_init(&counter, 0);
	work(r, cas_add_worker);
	must(atomic_load(&counter) == (int)r->threads);
}

static _Atomic int ready;
static int loads, instance;
static void *double_checked_worker(void *arg)
{
	/* acquire: pairs with the release store below; publishes instance. */
	if (!atomic_load_explicit(&ready, memory_order_acquire)) {
		must(!pthread_mutex_lock(&mutex));
		/* relaxed: the lock orders it. */
		if (!atomic_load_explicit(&ready, memory_order_relaxed)) {
			instance = ++loads;
			atomic_store_explicit(&ready, 1, memory_order_release);
		}
		must(!pthread_mutex_unlock(&mutex));
	}
	must(instance == 1);
	return arg;
}
static void double_checked(void *row)
{
	must(!pthread_mutex_init(&mutex, NULL));
	atomic_init(&ready, 0);
	loads = instance = 0;
	work(row, double_checked_worker);
	must(loads == 1);
	must(!pthread_mutex_destroy(&mutex));
}

static _Atomic(int *) published;
static int instances[SUITE_ACTORS_MAX];
static void *publish_worker(void *arg)
{
	int *mine = arg, *winner = atomic_load_explicit(&published, memory_order_acquire);
	if (!winner) {
		*mine = 1;
		if (atomic_compare_exchange_strong_explicit(
			    &published, &winner, mine, memory_order_acq_rel, memory_order_acquire))
			winner = mine;
	}
	must(*winner == 1);
	return NULL;
}
static void cas_publish(void *row)
{
	const struct countable *r = row;
	pthread_t thread[SUITE_ACTORS_MAX];
	atomic_init(&published, NULL);
	for (unsigned i = 0; i < r->threads; i++) {
		instances[i] = 0;
		must(!pthread_create(&thread[i], NULL, publish_worker, &instances[i]));
	}
	for (unsigned i = 0; i < r->threads; i++)
		must(!pthread_join(thread[i], NULL));
}

static _Atomic int taken;
static void *tas_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		while (atomic_exchange_explicit(&taken, 1, memory_order_acquire))
			continue;
		total++;
		atomic_store_explicit(&taken, 0, memory_order_release);
	}
	return arg;
}
static void tas(void *row)
{
	atomic_init(&taken, 0);
	count_under(row, tas_worker);
}

static void *tas_cas_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		int free = 0;
		while (!atomic_compare_exchange_strong_explicit(&taken, &free, 1, memory_order_acquire, memory_order_relaxed))
			free = 0;
		total++;
		atomic_store_explicit(&taken, 0, memory_order_release);
	}
	return arg;
}
static void tas_cas(void *row)
{
	atomic_init(&taken, 0);
	count_under(row, tas_cas_worker);
}

static void *ttas_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		do {
			while (atomic_load_explicit(&taken, memory_order_relaxed))
				continue;
		} while (atomic_exchange_explicit(&taken, 1, memory_order_acquire));
		total++;
		atomic_store_explicit(&taken, 0, memory_order_release);
	}
	return arg;
}
static void ttas(void *row)
{
	atomic_init(&taken, 0);
	count_under(row, ttas_worker);
}

static _Atomic unsigned next_ticket, serving;
static void *ticket_worker(void *arg)
{
	for (unsigned i = 0; i < rounds; i++) {
		unsigned mine = atomic_fetch_add_explicit(&next_ticket, 1, memory_order_relaxed);
		while (atomic_load_explicit(&serving, memory_order_acquire) != mine)
			continue;
		total++;
		/* Only the owner writes it. */
		atomic_store_explicit(&serving, mine + 1, memory_order_release);
	}
	return arg;
}
static void ticket(void *row)
{
	atomic_init(&next_ticket, 0);
	atomic_init(&serving, 0);
	count_under(row, ticket_worker);
}

struct waiter {
	_Atomic(struct waiter *) next;
	_Atomic int waits;
};
static _Atomic(struct waiter *) tail;
static struct waiter waiters[SUITE_ACTORS_MAX];
static void *mcs_worker(void *arg)
{
	struct waiter *mine = arg, *before, *behind, *expected = mine;
	before = atomic_exchange_explicit(&tail, mine, memory_order_acq_rel);
	if (before) {
		atomic_store_explicit(&before->next, mine, memory_order_release);
		while (atomic_load_explicit(&mine->waits, memory_order_acquire))
			continue;
	}
	total++;
	behind = atomic_load_explicit(&mine->next, memory_order_acquire);
	if (!behind) {
		if (atomic_compare_exchange_strong_explicit(&tail, &expected, NULL, memory_order_release, memory_order_relaxed))
			return NULL;
		while (!(behind = atomic_load_explicit(&mine->next, memory_order_acquire)))
			continue;
	}
	atomic_store_explicit(&behind->waits, 0, memory_order_release);
	return NULL;
}
static void mcs(void *row)
{
	const struct countable *r = row;
	pthread_t thread[SUITE_ACTORS_MAX];
	atomic_init(&tail, NULL);
	total = 0;
	for (unsigned i = 0; i < r->threads; i++) {
		atomic_init(&waiters[i].next, NULL);
		atomic_init(&waiters[i].waits, 1);
	}
	for (unsigned i = 0; i < r->threads; i++)
		must(!pthread_create(&thread[i], NULL, mcs_worker, &waiters[i]));
	for (unsigned i = 0; i < r->threads; i++)
		must(!pthread_join(thread[i], NULL));
	must(total == (int)r->threads);
}

static pthread_once_t once;
static void load_once(void)
{
	loads++;
}
static void *once_worker(void *arg)
{
	must(!pthread_once(&once, load_once));
	must(loads == 1);
	return arg;
}
static void once_each(void *row)
{
	static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
	once = fresh;
	loads = 0;
	work(row, once_worker);
}

#define ORDERS "orders of the critical sections: (TK)!/(K!)^T"
const struct countable countables[] = {
	{"mutex", lock, 2, 1, 2, ORDERS, 1},
	{"mutex", lock, 3, 1, 6, ORDERS, 1},
	{"mutex", lock, 4, 1, 24, ORDERS, 1},
	{"mutex", lock, 5, 1, 120, ORDERS, 1},
	{"mutex", lock, 2, 2, 6, ORDERS, 3},
	{"mutex", lock, 2, 3, 20, ORDERS, 10},
	{"mutex", lock, 3, 2, 90, ORDERS, 15},
	{"mutex", lock, 3, 3, 1680, ORDERS, 280},
	{"mtx_t", mtx, 3, 1, 6, ORDERS, 1},
	{"pthread_spinlock", spinlock, 3, 1, 6, ORDERS, 1},
	{"rwlock_writers", write_lock, 3, 1, 6, ORDERS, 1},
	{"semaphore", binary_semaphore, 3, 1, 6, ORDERS, 1},
	{"fetch_add", fetch_add, 2, 1, 2, "orders of the additions: T!", 1},
	{"fetch_add", fetch_add, 3, 1, 6, "orders of the additions: T!", 1},
	{"fetch_add", fetch_add, 4, 1, 24, "orders of the additions: T!", 1},
	{"fetch_add", fetch_add, 5, 1, 120, "orders of the additions: T!", 1},
	{"double_checked", double_checked, 2, 1, 4, "floor(e T!) - 1; symmetric: how many came too early", 2},
	{"double_checked", double_checked, 3, 1, 15, "floor(e T!) - 1; symmetric: how many came too early", 3},
	{"double_checked", double_checked, 4, 1, 64, "floor(e T!) - 1; symmetric: how many came too early", 4},
	{"double_checked", double_checked, 5, 1, 325, "floor(e T!) - 1; symmetric: how many came too early", 5},
	{"cas_publish", cas_publish, 2, 1, 4, "the winner, and how each other learns: T 2^(T-1)", 0},
	{"cas_publish", cas_publish, 3, 1, 12, "the winner, and how each other learns: T 2^(T-1)", 0},
	{"cas_publish", cas_publish, 4, 1, 32, "the winner, and how each other learns: T 2^(T-1)", 0},
	{"once", once_each, 2, 1, 2, "who runs it", 1},
	{"once", once_each, 3, 1, 3, "who runs it", 1},
	{"tas_exchange", tas, 2, 1, 2, "T!: a failed exchange waits", 1},
	{"tas_exchange", tas, 3, 1, 6, "T!: a failed exchange waits", 1},
	{"tas_exchange", tas, 4, 1, 24, "T!: a failed exchange waits", 1},
	{"tas_exchange", tas, 2, 2, 6, ORDERS, 3},
	{"tas_cas", tas_cas, 2, 1, 2, "T!: a failed compare-and-swap waits", 1},
	{"tas_cas", tas_cas, 3, 1, 6, "T!: a failed compare-and-swap waits", 1},
	{"ttas", ttas, 2, 1, 4, "orders, and each load may have seen any unlock before its turn: (T!)^2", 2},
	{"ttas", ttas, 3, 1, 36, "orders, and each load may have seen any unlock before its turn: (T!)^2", 6},
	{"ticket", ticket, 2, 1, 2, "orders of the tickets: T!", 1},
	{"ticket", ticket, 3, 1, 6, "orders of the tickets: T!", 1},
	{"ticket", ticket, 2, 2, 6, ORDERS, 3},
	{"mcs", mcs, 2, 1, 6,
		"two orders; the second comes behind the first's unlock, or before its look at the queue, or between: 2 x 3", 0},
	{"cas_add", cas_add, 2, 1, 4, "two orders; the second loads the first's value, or its compare-and-swap fails with it", 2},
};
const unsigned countable_count = sizeof countables / sizeof *countables;
