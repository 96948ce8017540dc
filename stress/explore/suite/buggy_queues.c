/* SPDX-License-Identifier: MIT */
/* Buggy programs: threads that wait wrongly, and queues that lose or repeat. Compare correct_queues.c. */
#include <linux/futex.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suite.h"

static pthread_mutex_t mutex, other_mutex;
static pthread_cond_t cond, space;
static int ready, data, place;
static _Atomic int atomic_ready;

static void open_all(void)
{
	ready = data = place = 0;
	atomic_init(&atomic_ready, 0);
	must(!pthread_mutex_init(&mutex, NULL));
	must(!pthread_mutex_init(&other_mutex, NULL));
	must(!pthread_cond_init(&cond, NULL));
	must(!pthread_cond_init(&space, NULL));
}

/* --- condition variables ---------------------------------------------------------------------------------------------------------- */

static void signal_only(void)
{
	must(!pthread_mutex_lock(&mutex));
	must(!pthread_cond_signal(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void wait_only(void)
{
	must(!pthread_mutex_lock(&mutex));
	must(!pthread_cond_wait(&cond, &mutex));
	must(!pthread_mutex_unlock(&mutex));
}
static void no_predicate(void)
{
	open_all();
	TOGETHER(signal_only, wait_only);
}

static void set_ready(void)
{
	must(!pthread_mutex_lock(&mutex));
	ready = 1;
	must(!pthread_cond_signal(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void wait_ready(void)
{
	must(!pthread_mutex_lock(&mutex));
	while (!ready)
		must(!pthread_cond_wait(&cond, &mutex));
	must(!pthread_mutex_unlock(&mutex));
}
static void signal_for_two(void)
{
	open_all();
	TOGETHER(set_ready, wait_ready, wait_ready);
}

static void set_without_signal(void)
{
	must(!pthread_mutex_lock(&mutex));
	ready = 1;
	must(!pthread_mutex_unlock(&mutex));
}
static void signal_forgotten(void)
{
	open_all();
	TOGETHER(set_without_signal, wait_ready);
}

/* The flag changes between the look and the wait, since its writer does not take the lock. */
static void set_outside_lock(void)
{
	atomic_store(&atomic_ready, 1);
	must(!pthread_cond_signal(&cond));
}
static void wait_atomic_ready(void)
{
	must(!pthread_mutex_lock(&mutex));
	while (!atomic_load(&atomic_ready))
		must(!pthread_cond_wait(&cond, &mutex));
	must(!pthread_mutex_unlock(&mutex));
}
static void set_without_lock(void)
{
	open_all();
	TOGETHER(set_outside_lock, wait_atomic_ready);
}

/* `if` where `while` is needed: a wake-up for no reason, or another consumer in between. */
static void wait_if(void)
{
	must(!pthread_mutex_lock(&mutex));
	if (!ready)
		must(!pthread_cond_wait(&cond, &mutex));
	must(ready == 1);
	ready = 0;
	must(!pthread_mutex_unlock(&mutex));
}
static void if_for_while(void)
{
	open_all();
	TOGETHER(set_ready, wait_if);
}
static void set_two(void)
{
	must(!pthread_mutex_lock(&mutex));
	place++;
	must(!pthread_cond_broadcast(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void take_if(void)
{
	must(!pthread_mutex_lock(&mutex));
	if (!place)
		must(!pthread_cond_wait(&cond, &mutex));
	must(place > 0);
	place--;
	must(!pthread_mutex_unlock(&mutex));
}
static void broadcast_and_if(void)
{
	open_all();
	TOGETHER(set_two, take_if, set_two, take_if);
}

/* One condition for producers and consumers, and a signal that wakes the wrong kind. */
static void put_one_condition(void)
{
	must(!pthread_mutex_lock(&mutex));
	while (place)
		must(!pthread_cond_wait(&cond, &mutex));
	place = 1;
	must(!pthread_cond_signal(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void take_one_condition(void)
{
	must(!pthread_mutex_lock(&mutex));
	while (!place)
		must(!pthread_cond_wait(&cond, &mutex));
	place = 0;
	must(!pthread_cond_signal(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void put_twice(void)
{
	put_one_condition();
	put_one_condition();
}
static void one_condition_for_both(void)
{
	open_all();
	TOGETHER(put_twice, put_twice, take_one_condition, take_one_condition, take_one_condition, take_one_condition);
}

static void wait_with_other_mutex(void)
{
	must(!pthread_mutex_lock(&other_mutex));
	if (!atomic_load(&atomic_ready))
		pthread_cond_wait(&cond, &other_mutex);
	must(!pthread_mutex_unlock(&other_mutex));
}
static void wait_once(void)
{
	must(!pthread_mutex_lock(&mutex));
	if (!atomic_load(&atomic_ready))
		pthread_cond_wait(&cond, &mutex);
	must(!pthread_mutex_unlock(&mutex));
}
static void two_mutexes_for_a_condition(void)
{
	open_all();
	TOGETHER(wait_with_other_mutex, wait_once);
}
static void wait_without_lock(void)
{
	open_all();
	pthread_cond_wait(&cond, &mutex);
}
static void destroy_condition(void)
{
	pthread_cond_destroy(&cond);
	must(!pthread_mutex_lock(&mutex));
	ready = 1;
	must(!pthread_mutex_unlock(&mutex));
}
static void destroyed_with_waiters(void)
{
	open_all();
	TOGETHER(wait_ready, destroy_condition);
}

/* --- semaphores, barriers, futexes --------------------------------------------------------------------------------------------- */

static sem_t semaphore;
static void wait_semaphore(void)
{
	must(!sem_wait(&semaphore));
	must(data == 1);
}
static void post_semaphore(void)
{
	data = 1;
	must(!sem_post(&semaphore));
}
static void one_post_for_two(void)
{
	data = 0;
	must(!sem_init(&semaphore, 0, 0));
	TOGETHER(post_semaphore, wait_semaphore, wait_semaphore);
}
static void post_early(void)
{
	must(!sem_post(&semaphore));
	data = 1;
}
static void post_before_data(void)
{
	data = 0;
	must(!sem_init(&semaphore, 0, 0));
	TOGETHER(post_early, wait_semaphore);
}

static pthread_barrier_t barrier;
static int parts[3];
static void barrier_phase(int me)
{
	parts[me] = 1;
	pthread_barrier_wait(&barrier);
	must(parts[(me + 1) % 3] == 1);
}
static void barrier_0(void)
{
	barrier_phase(0);
}
static void barrier_1(void)
{
	barrier_phase(1);
}
static void barrier_2(void)
{
	barrier_phase(2);
}
static void open_barrier(unsigned count)
{
	for (int i = 0; i < 3; i++)
		parts[i] = 0;
	must(!pthread_barrier_init(&barrier, NULL, count));
}
static void barrier_of_too_many(void)
{
	open_barrier(4);
	TOGETHER(barrier_0, barrier_1, barrier_2);
}
static void barrier_of_too_few(void)
{
	open_barrier(1);
	TOGETHER(barrier_0, barrier_1, barrier_2);
}
static void destroy_barrier(void)
{
	pthread_barrier_destroy(&barrier);
}
static void wait_barrier(void)
{
	pthread_barrier_wait(&barrier);
}
static void barrier_destroyed_in_use(void)
{
	open_barrier(2);
	TOGETHER(wait_barrier, destroy_barrier);
}

static _Atomic int event;
static void wait_event(void)
{
	while (!atomic_load_explicit(&event, memory_order_acquire))
		syscall(SYS_futex, &event, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}
static void set_event(void)
{
	atomic_store_explicit(&event, 1, memory_order_release);
}
static void wake_forgotten(void)
{
	atomic_init(&event, 0);
	TOGETHER(wait_event, set_event);
}
static void set_and_wake_one(void)
{
	atomic_store_explicit(&event, 1, memory_order_release);
	syscall(SYS_futex, &event, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
static void one_woken_of_two(void)
{
	atomic_init(&event, 0);
	TOGETHER(wait_event, wait_event, set_and_wake_one);
}

/* --- queues -------------------------------------------------------------------------------------------------------------------------- */

static _Atomic unsigned head, tail;
static int slots[2];
static void ring_producer_relaxed(void)
{
	for (unsigned i = 0; i < 2; i++) {
		slots[i] = (int)i + 1;
		atomic_store_explicit(&tail, i + 1, memory_order_relaxed);
	}
}
static void ring_consumer(void)
{
	for (unsigned i = 0; i < 2; i++) {
		while (atomic_load_explicit(&tail, memory_order_acquire) == i)
			continue;
		must(slots[i] == (int)i + 1);
	}
}
static void ring_relaxed(void)
{
	atomic_init(&tail, 0);
	slots[0] = slots[1] = 0;
	TOGETHER(ring_producer_relaxed, ring_consumer);
}
/* The ring has two places, but the producer never looks how far the consumer is. */
static void ring_producer_unbounded(void)
{
	for (unsigned i = 0; i < 3; i++) {
		slots[i % 2] = (int)i + 1;
		atomic_store_explicit(&tail, i + 1, memory_order_release);
	}
}
static void ring_overrun(void)
{
	atomic_init(&tail, 0);
	slots[0] = slots[1] = 0;
	TOGETHER(ring_producer_unbounded, ring_consumer);
}
/* Two consumers with the code for one. */
static _Atomic int taken[2];
static void ring_taker(void)
{
	unsigned mine = atomic_load(&head);
	if (mine < 2) {
		atomic_store(&head, mine + 1);
		must(atomic_fetch_add(&taken[mine], 1) == 0);
	}
}
static void ring_two_consumers(void)
{
	atomic_init(&head, 0);
	atomic_init(&taken[0], 0);
	atomic_init(&taken[1], 0);
	TOGETHER(ring_taker, ring_taker);
}

struct item {
	_Atomic(struct item *) next;
	int value;
};
static struct item items[4];
static _Atomic(struct item *) top;
static void push(struct item *i, memory_order order)
{
	struct item *old = atomic_load_explicit(&top, memory_order_relaxed);
	do
		atomic_store_explicit(&i->next, old, memory_order_relaxed);
	while (!atomic_compare_exchange_strong_explicit(&top, &old, i, order, memory_order_relaxed));
}
static struct item *pop(void)
{
	struct item *old = atomic_load_explicit(&top, memory_order_acquire);
	while (old && !atomic_compare_exchange_strong_explicit(&top, &old, atomic_load_explicit(&old->next, memory_order_relaxed),
			      memory_order_acq_rel, memory_order_acquire))
		continue;
	return old;
}
static void push_relaxed(void)
{
	items[1].value = 1;
	push(&items[1], memory_order_relaxed);
}
static void pop_and_look(void)
{
	struct item *i = pop();
	if (i)
		must(i->value == 1);
}
static void treiber_relaxed(void)
{
	items[1].value = 0;
	atomic_init(&items[1].next, NULL);
	atomic_init(&top, NULL);
	TOGETHER(push_relaxed, pop_and_look);
}

/* ABA: one has read that C follows A; meanwhile A and B are taken and A is put back. Then B, which is taken, becomes the top. */
static _Atomic int owners[4];
static void own(struct item *i)
{
	must(atomic_fetch_add(&owners[i - items], 1) == 0);
}
static void disown(struct item *i)
{
	atomic_fetch_sub(&owners[i - items], 1);
}
static void pop_one(void)
{
	struct item *i = pop();
	if (i)
		own(i);
}
static void pop_pop_push(void)
{
	struct item *first = pop();
	if (!first)
		return;
	own(first);
	struct item *second = pop();
	if (second)
		own(second);
	disown(first);
	push(first, memory_order_release);
	struct item *third = pop();
	if (third)
		own(third);
}
static void treiber_aba(void)
{
	atomic_init(&top, NULL);
	for (int i = 1; i < 4; i++)
		atomic_init(&owners[i], 0);
	for (int i = 1; i < 4; i++)
		push(&items[i], memory_order_release);
	TOGETHER(pop_one, pop_pop_push);
	pop_one();
}

/* Nodes are freed while another thread may still look at them. */
static void push_new(void)
{
	struct item *i = malloc(sizeof *i);
	must(i);
	i->value = 1;
	push(i, memory_order_release);
}
static void pop_and_free(void)
{
	free(pop());
}
static void treiber_freed(void)
{
	atomic_init(&top, NULL);
	push_new();
	TOGETHER(pop_and_free, pop_and_free);
	free(pop());
}

/* Owner and thief without the fences that make one of them see the other. */
static _Atomic int steal_top, steal_bottom, last_item;
static void owner(void)
{
	atomic_store_explicit(&steal_bottom, 1, memory_order_relaxed);
	if (!atomic_load_explicit(&steal_top, memory_order_relaxed))
		must(atomic_fetch_add_explicit(&last_item, 1, memory_order_relaxed) == 0);
}
static void thief(void)
{
	atomic_store_explicit(&steal_top, 1, memory_order_relaxed);
	if (!atomic_load_explicit(&steal_bottom, memory_order_relaxed))
		must(atomic_fetch_add_explicit(&last_item, 1, memory_order_relaxed) == 0);
}
static void stealing_unfenced(void)
{
	atomic_init(&steal_top, 0);
	atomic_init(&steal_bottom, 0);
	atomic_init(&last_item, 0);
	TOGETHER(owner, thief);
}

static void forget(void)
{
	atomic_init(&top, NULL);
}

static const struct suite_program programs[] = {
	{"no_predicate", no_predicate, .kind = FINDING_LOST_WAKEUP},
	{"signal_for_two", signal_for_two, .kind = FINDING_DEADLOCK},
	{"signal_forgotten", signal_forgotten, .kind = FINDING_DEADLOCK},
	{"set_without_lock", set_without_lock, .kind = FINDING_LOST_WAKEUP},
	{"if_for_while", if_for_while, .kind = FINDING_ASSERTION},
	{"broadcast_and_if", broadcast_and_if, .kind = FINDING_ASSERTION},
	{"one_condition_for_both", one_condition_for_both, .kind = FINDING_LOST_WAKEUP},
	{"two_mutexes_for_a_condition", two_mutexes_for_a_condition, .kind = FINDING_MISUSE},
	{"wait_without_lock", wait_without_lock, .kind = FINDING_MISUSE},
	{"destroyed_with_waiters", destroyed_with_waiters, .kind = FINDING_MISUSE},
	{"one_post_for_two", one_post_for_two, .kind = FINDING_DEADLOCK},
	{"post_before_data", post_before_data, .kind = FINDING_DATA_RACE},
	{"barrier_of_too_many", barrier_of_too_many, .kind = FINDING_DEADLOCK},
	{"barrier_of_too_few", barrier_of_too_few, .kind = FINDING_DATA_RACE},
	{"barrier_destroyed_in_use", barrier_destroyed_in_use, .kind = FINDING_MISUSE},
	{"wake_forgotten", wake_forgotten, .kind = FINDING_DEADLOCK},
	{"one_woken_of_two", one_woken_of_two, .kind = FINDING_DEADLOCK},
	{"ring_relaxed", ring_relaxed, .kind = FINDING_DATA_RACE},
	{"ring_overrun", ring_overrun, .kind = FINDING_DATA_RACE},
	{"ring_two_consumers", ring_two_consumers, .kind = FINDING_ASSERTION},
	{"treiber_relaxed", treiber_relaxed, .kind = FINDING_DATA_RACE},
	{"treiber_aba", treiber_aba, .kind = FINDING_ASSERTION},
	{"treiber_freed", treiber_freed, .kind = FINDING_USE_AFTER_FREE},
	{"stealing_unfenced", stealing_unfenced, .kind = FINDING_ASSERTION},
};
SUITE_GROUP(buggy_queues, programs, forget);
