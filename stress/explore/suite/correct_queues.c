/* SPDX-License-Identifier: MIT */
/* Correct programs: threads that wait for each other, and queues between them. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

static pthread_mutex_t mutex;
static pthread_cond_t cond, space;
static int ready, data, waiting; /* guarded by mutex where there is one */

static void open_all(void)
{
	ready = data = waiting = 0;
	must(!pthread_mutex_init(&mutex, NULL));
	must(!pthread_cond_init(&cond, NULL));
	must(!pthread_cond_init(&space, NULL));
}
static void close_all(void)
{
	must(!pthread_cond_destroy(&space));
	must(!pthread_cond_destroy(&cond));
	must(!pthread_mutex_destroy(&mutex));
}

/* --- condition variables ---------------------------------------------------------------------------------------------------------- */

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
	data++;
	must(!pthread_mutex_unlock(&mutex));
}
static void condition(void)
{
	open_all();
	TOGETHER(set_ready, wait_ready);
	must(data == 1);
	close_all();
}

static void set_ready_then_signal(void)
{
	must(!pthread_mutex_lock(&mutex));
	ready = 1;
	must(!pthread_mutex_unlock(&mutex));
	must(!pthread_cond_signal(&cond));
}
static void signal_after_unlock(void)
{
	open_all();
	TOGETHER(set_ready_then_signal, wait_ready);
	must(data == 1);
	close_all();
}

static void broadcast_ready(void)
{
	must(!pthread_mutex_lock(&mutex));
	ready = 1;
	must(!pthread_cond_broadcast(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void broadcast(void)
{
	open_all();
	TOGETHER(broadcast_ready, wait_ready, wait_ready);
	must(data == 2);
	close_all();
}

static void timed_wait_ready(void)
{
	struct timespec until;
	int error = 0;
	must(!clock_gettime(CLOCK_REALTIME, &until));
	until.tv_sec += 1;
	must(!pthread_mutex_lock(&mutex));
	while (!ready && error != ETIMEDOUT) {
		error = pthread_cond_timedwait(&cond, &mutex, &until);
		must(!error || error == ETIMEDOUT);
	}
	data += ready;
	must(!pthread_mutex_unlock(&mutex));
}
static void timed_wait(void)
{
	open_all();
	TOGETHER(set_ready, timed_wait_ready);
	must(data == 0 || data == 1);
	close_all();
}

static cnd_t standard_cond;
static mtx_t standard_mutex;
static void c11_set(void)
{
	must(mtx_lock(&standard_mutex) == thrd_success);
	ready = 1;
	must(cnd_signal(&standard_cond) == thrd_success);
	must(mtx_unlock(&standard_mutex) == thrd_success);
}
static void c11_wait(void)
{
	must(mtx_lock(&standard_mutex) == thrd_success);
	while (!ready)
		must(cnd_wait(&standard_cond, &standard_mutex) == thrd_success);
	must(mtx_unlock(&standard_mutex) == thrd_success);
}
static void c11_condition(void)
{
	ready = 0;
	must(mtx_init(&standard_mutex, mtx_plain) == thrd_success);
	must(cnd_init(&standard_cond) == thrd_success);
	TOGETHER(c11_set, c11_wait);
	cnd_destroy(&standard_cond);
	mtx_destroy(&standard_mutex);
}

/* Both arrive, then both go on. */
static void meet(void)
{
	must(!pthread_mutex_lock(&mutex));
	if (++data == 2)
		must(!pthread_cond_broadcast(&cond));
	while (data < 2)
		must(!pthread_cond_wait(&cond, &mutex));
	must(!pthread_mutex_unlock(&mutex));
	must(data == 2);
}
static void rendezvous(void)
{
	open_all();
	TOGETHER(meet, meet);
	close_all();
}

/* Workers sleep until there is work or the end has come. */
static void pool_worker(void)
{
	must(!pthread_mutex_lock(&mutex));
	for (;;) {
		while (!waiting && !ready)
			must(!pthread_cond_wait(&cond, &mutex));
		if (!waiting)
			break;
		waiting--;
		data++;
	}
	must(!pthread_mutex_unlock(&mutex));
}
static void pool_owner(void)
{
	must(!pthread_mutex_lock(&mutex));
	waiting = 2;
	must(!pthread_cond_broadcast(&cond));
	must(!pthread_mutex_unlock(&mutex));
	must(!pthread_mutex_lock(&mutex));
	ready = 1;
	must(!pthread_cond_broadcast(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static void worker_pool(void)
{
	open_all();
	TOGETHER(pool_owner, pool_worker, pool_worker);
	must(data == 2);
	close_all();
}

/* --- queues -------------------------------------------------------------------------------------------------------------------------- */

/* One place: producers wait until it is empty, consumers until it is full. */
static int place, sum;
static void put(int value)
{
	must(!pthread_mutex_lock(&mutex));
	while (place)
		must(!pthread_cond_wait(&space, &mutex));
	place = value;
	must(!pthread_cond_signal(&cond));
	must(!pthread_mutex_unlock(&mutex));
}
static int take(void)
{
	must(!pthread_mutex_lock(&mutex));
	while (!place)
		must(!pthread_cond_wait(&cond, &mutex));
	int value = place;
	place = 0;
	sum += value;
	must(!pthread_cond_signal(&space));
	must(!pthread_mutex_unlock(&mutex));
	return value;
}
static void produce_1(void)
{
	put(1);
}
static void produce_2(void)
{
	put(2);
}
static void produce_both(void)
{
	put(1);
	put(2);
}
static void consume_both(void)
{
	must(take() == 1);
	must(take() == 2);
}
static void consume_one(void)
{
	int value = take();
	must(value == 1 || value == 2);
}
static void open_queue(void)
{
	open_all();
	place = sum = 0;
}
static void queue_1_1(void)
{
	open_queue();
	TOGETHER(produce_both, consume_both);
	close_all();
}
static void consume_two(void)
{
	consume_one();
	consume_one();
}
static void queue_2_1(void)
{
	open_queue();
	TOGETHER(produce_1, produce_2, consume_two);
	must(sum == 3);
	close_all();
}
static void queue_1_2(void)
{
	open_queue();
	TOGETHER(produce_both, consume_one, consume_one);
	must(sum == 3);
	close_all();
}

static sem_t filled, empty;
static int slots[2];
static void buffer_producer(void)
{
	for (int i = 0; i < 3; i++) {
		must(!sem_wait(&empty));
		slots[i % 2] = i + 1;
		must(!sem_post(&filled));
	}
}
static void buffer_consumer(void)
{
	for (int i = 0; i < 3; i++) {
		must(!sem_wait(&filled));
		must(slots[i % 2] == i + 1);
		must(!sem_post(&empty));
	}
}
static void bounded_buffer(void)
{
	must(!sem_init(&filled, 0, 0));
	must(!sem_init(&empty, 0, 2));
	slots[0] = slots[1] = 0;
	TOGETHER(buffer_producer, buffer_consumer);
	must(!sem_destroy(&filled));
	must(!sem_destroy(&empty));
}

static void post_data(void)
{
	data = 1;
	must(!sem_post(&filled));
}
static void wait_data(void)
{
	must(!sem_wait(&filled));
	must(data == 1);
}
static void try_data(void)
{
	if (!sem_trywait(&filled)) {
		must(data == 1);
		must(!sem_post(&filled));
	} else {
		must(errno == EAGAIN);
	}
}
static void semaphore_hand_over(void)
{
	data = 0;
	must(!sem_init(&filled, 0, 0));
	TOGETHER(post_data, wait_data);
	must(!sem_destroy(&filled));
}
static void semaphore_try(void)
{
	data = 0;
	must(!sem_init(&filled, 0, 0));
	TOGETHER(post_data, try_data);
	must(!sem_destroy(&filled));
}

/* A ring with one producer and one consumer: each owns one end. */
static _Atomic unsigned head, tail;
static void ring_producer(void)
{
	for (unsigned i = 0; i < 3; i++) {
		while (i - atomic_load_explicit(&head, memory_order_acquire) == 2)
			continue;
		slots[i % 2] = (int)i + 1;
		atomic_store_explicit(&tail, i + 1, memory_order_release);
	}
}
static void ring_consumer(void)
{
	for (unsigned i = 0; i < 3; i++) {
		while (atomic_load_explicit(&tail, memory_order_acquire) == i)
			continue;
		must(slots[i % 2] == (int)i + 1);
		atomic_store_explicit(&head, i + 1, memory_order_release);
	}
}
static void ring(void)
{
	atomic_init(&head, 0);
	atomic_init(&tail, 0);
	slots[0] = slots[1] = 0;
	TOGETHER(ring_producer, ring_consumer);
}

struct item {
	_Atomic(struct item *) next;
	int value;
};
static struct item items[4];

/* Treiber (1986). Nodes are not used again, so there is no ABA. */
static _Atomic(struct item *) top;
static void push(struct item *i)
{
	struct item *old = atomic_load_explicit(&top, memory_order_relaxed);
	do
		atomic_store_explicit(&i->next, old, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&top, &old, i, memory_order_release, memory_order_relaxed));
}
static struct item *pop(void)
{
	struct item *old = atomic_load_explicit(&top, memory_order_acquire);
	while (old && !atomic_compare_exchange_weak_explicit(&top, &old, atomic_load_explicit(&old->next, memory_order_relaxed),
			      memory_order_acquire, memory_order_acquire))
		continue;
	return old;
}
static void push_1(void)
{
	items[1].value = 1;
	push(&items[1]);
}
static void push_2(void)
{
	items[2].value = 2;
	push(&items[2]);
}
static void pop_one(void)
{
	struct item *i = pop();
	if (i)
		must(i->value == i - items);
}
static void treiber_push(void)
{
	atomic_init(&top, NULL);
	TOGETHER(push_1, push_2);
	struct item *first = pop(), *second = pop();
	must(first && second && first != second && !pop());
}
static void treiber_push_pop(void)
{
	atomic_init(&top, NULL);
	TOGETHER(push_1, pop_one, push_2);
}
static void treiber_pop_pop(void)
{
	atomic_init(&top, NULL);
	push_1();
	push_2();
	TOGETHER(pop_one, pop_one);
	must(!pop());
}

/* Michael and Scott (1996), without reuse of nodes: items[0] is the first dummy. */
static _Atomic(struct item *) front, back;
static void enqueue(struct item *i)
{
	struct item *last, *next;
	atomic_store_explicit(&i->next, NULL, memory_order_relaxed);
	for (;;) {
		last = atomic_load_explicit(&back, memory_order_acquire);
		next = atomic_load_explicit(&last->next, memory_order_acquire);
		if (next) { /* somebody has not moved the end yet */
			atomic_compare_exchange_strong_explicit(&back, &last, next, memory_order_release, memory_order_relaxed);
			continue;
		}
		if (atomic_compare_exchange_strong_explicit(&last->next, &next, i, memory_order_release, memory_order_relaxed))
			break;
	}
	atomic_compare_exchange_strong_explicit(&back, &last, i, memory_order_release, memory_order_relaxed);
}
static int dequeue(void)
{
	for (;;) {
		struct item *first = atomic_load_explicit(&front, memory_order_acquire);
		struct item *next = atomic_load_explicit(&first->next, memory_order_acquire);
		if (!next)
			return 0;
		if (atomic_compare_exchange_strong_explicit(&front, &first, next, memory_order_acq_rel, memory_order_relaxed))
			return next->value;
	}
}
static void open_ms(void)
{
	for (int i = 0; i < 4; i++) {
		atomic_init(&items[i].next, NULL);
		items[i].value = 0;
	}
	atomic_init(&front, &items[0]);
	atomic_init(&back, &items[0]);
}
static void enqueue_1(void)
{
	items[1].value = 1;
	enqueue(&items[1]);
}
static void enqueue_2(void)
{
	items[2].value = 2;
	enqueue(&items[2]);
}
static void dequeue_some(void)
{
	int value = dequeue();
	must(value >= 0 && value <= 2);
}
static void ms_enqueue(void)
{
	open_ms();
	TOGETHER(enqueue_1, enqueue_2);
	must(dequeue() + dequeue() == 3 && !dequeue());
}
static void ms_hand_over(void)
{
	open_ms();
	TOGETHER(enqueue_1, dequeue_some);
}
static void ms_three(void)
{
	open_ms();
	TOGETHER(enqueue_1, enqueue_2, dequeue_some);
}

/* Owner and thief agree on who takes the last item (the heart of Chase and Lev, SPAA 2005). */
static _Atomic int steal_top, steal_bottom, taken_by_owner, taken_by_thief;
static void owner(void)
{
	atomic_store_explicit(&steal_bottom, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	int t = atomic_load_explicit(&steal_top, memory_order_relaxed);
	if (t == 0) {
		if (atomic_compare_exchange_strong_explicit(&steal_top, &t, 1, memory_order_seq_cst, memory_order_relaxed))
			atomic_fetch_add_explicit(&taken_by_owner, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&steal_bottom, 1, memory_order_relaxed);
}
static void thief(void)
{
	int t = atomic_load_explicit(&steal_top, memory_order_acquire);
	atomic_thread_fence(memory_order_seq_cst);
	if (t < atomic_load_explicit(&steal_bottom, memory_order_acquire)) {
		must(data == 9);
		if (atomic_compare_exchange_strong_explicit(&steal_top, &t, t + 1, memory_order_seq_cst, memory_order_relaxed))
			atomic_fetch_add_explicit(&taken_by_thief, 1, memory_order_relaxed);
	}
}
static void work_stealing(void)
{
	data = 9;
	atomic_init(&steal_top, 0);
	atomic_init(&steal_bottom, 1);
	atomic_init(&taken_by_owner, 0);
	atomic_init(&taken_by_thief, 0);
	TOGETHER(owner, thief);
	must(atomic_load(&taken_by_owner) + atomic_load(&taken_by_thief) == 1);
}

/* --- barriers, events ------------------------------------------------------------------------------------------------------------- */

static pthread_barrier_t barrier;
static int parts[2];
static void barrier_phase(int me)
{
	parts[me] = 1;
	int result = pthread_barrier_wait(&barrier);
	must(!result || result == PTHREAD_BARRIER_SERIAL_THREAD);
	must(parts[1 - me] == 1);
	pthread_barrier_wait(&barrier);
	parts[me] = 2;
}
static void barrier_0(void)
{
	barrier_phase(0);
}
static void barrier_1(void)
{
	barrier_phase(1);
}
static void barrier_phases(void)
{
	parts[0] = parts[1] = 0;
	must(!pthread_barrier_init(&barrier, NULL, 2));
	TOGETHER(barrier_0, barrier_1);
	must(parts[0] == 2 && parts[1] == 2);
	must(!pthread_barrier_destroy(&barrier));
}

static _Atomic int serial;
static void count_serial(void)
{
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed);
}
static void one_is_serial(void)
{
	atomic_init(&serial, 0);
	must(!pthread_barrier_init(&barrier, NULL, 3));
	TOGETHER(count_serial, count_serial, count_serial);
	must(atomic_load(&serial) == 1);
	must(!pthread_barrier_destroy(&barrier));
}

/* An event: set once, waited for by sleeping on its word. */
static _Atomic int event;
static void set_event(void)
{
	data = 1;
	atomic_store_explicit(&event, 1, memory_order_release);
	syscall(SYS_futex, &event, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
static void wait_event(void)
{
	while (!atomic_load_explicit(&event, memory_order_acquire))
		syscall(SYS_futex, &event, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	must(data == 1);
}
static void futex_event(void)
{
	data = 0;
	atomic_init(&event, 0);
	TOGETHER(set_event, wait_event, wait_event);
}

static const struct suite_program programs[] = {
	{"condition", condition, .proved = true},
	{"signal_after_unlock", signal_after_unlock, .proved = true},
	{"broadcast", broadcast, .proved = true},
	{"timed_wait", timed_wait, .proved = true},
	{"c11_condition", c11_condition, .proved = true},
	{"rendezvous", rendezvous, .proved = true},
	{"worker_pool", worker_pool, .proved = true},
	{"queue_1_1", queue_1_1, .proved = true},
	{"queue_2_1", queue_2_1, .proved = true},
	{"queue_1_2", queue_1_2, .proved = true},
	{"bounded_buffer", bounded_buffer, .proved = true},
	{"semaphore_hand_over", semaphore_hand_over, .proved = true},
	{"semaphore_try", semaphore_try, .proved = true},
	{"ring", ring, .proved = true},
	{"treiber_push", treiber_push, .proved = true},
	{"treiber_push_pop", treiber_push_pop, .proved = true},
	{"treiber_pop_pop", treiber_pop_pop, .proved = true},
	{"ms_enqueue", ms_enqueue, .proved = true},
	{"ms_hand_over", ms_hand_over, .proved = true},
	{"ms_three", ms_three, .proved = true},
	{"work_stealing", work_stealing, .proved = true},
	{"barrier_phases", barrier_phases, .proved = true},
	{"one_is_serial", one_is_serial, .proved = true},
	{"futex_event", futex_event, .proved = true},
};
SUITE_GROUP(correct_queues, programs, NULL);
