/* SPDX-License-Identifier: MIT */
/* Correct programs: threads come and go; memory, keys and the C library. */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

static int data, other_data;

/* --- create and join ------------------------------------------------------------------------------------------------------------------ */

static void *write_data(void *arg)
{
	must(data == 1);
	data = 2;
	return arg;
}
static void join_orders(void)
{
	pthread_t thread;
	data = 1;
	must(!pthread_create(&thread, NULL, write_data, NULL));
	must(!pthread_join(thread, NULL));
	must(data == 2);
}

static void *square(void *arg)
{
	return (void *)((intptr_t)arg * (intptr_t)arg);
}
static void results_of_threads(void)
{
	pthread_t thread[3];
	intptr_t total = 0;
	for (intptr_t i = 0; i < 3; i++)
		must(!pthread_create(&thread[i], NULL, square, (void *)(i + 1)));
	for (int i = 0; i < 3; i++) {
		void *result;
		must(!pthread_join(thread[i], &result));
		total += (intptr_t)result;
	}
	must(total == 14);
}

static void *parent(void *arg)
{
	pthread_t child;
	data = 1;
	must(!pthread_create(&child, NULL, write_data, NULL));
	must(!pthread_join(child, NULL));
	must(data == 2);
	return arg;
}
static void nested_threads(void)
{
	pthread_t thread;
	must(!pthread_create(&thread, NULL, parent, NULL));
	must(!pthread_join(thread, NULL));
	must(data == 2);
}

/* A thread that another one joins than the one that made it. */
static pthread_t first;
static void *join_first(void *arg)
{
	must(!pthread_join(first, NULL));
	must(data == 2);
	return arg;
}
static void joined_by_sibling(void)
{
	pthread_t second;
	data = 1;
	must(!pthread_create(&first, NULL, write_data, NULL));
	must(!pthread_create(&second, NULL, join_first, NULL));
	must(!pthread_join(second, NULL));
}

static void leave(int value)
{
	pthread_exit((void *)(intptr_t)value);
}
static void *exit_from_deep(void *arg)
{
	data = 3;
	leave(5);
	return arg;
}
static void thread_exit(void)
{
	pthread_t thread;
	void *result;
	must(!pthread_create(&thread, NULL, exit_from_deep, NULL));
	must(!pthread_join(thread, &result));
	must((intptr_t)result == 5 && data == 3);
}

static int c11_thread(void *arg)
{
	data = *(int *)arg + 1;
	return 9;
}
static void c11_threads(void)
{
	thrd_t thread;
	int four = 4, result;
	must(thrd_create(&thread, c11_thread, &four) == thrd_success);
	must(thrd_join(thread, &result) == thrd_success);
	must(result == 9 && data == 5);
}

/* --- detached threads --------------------------------------------------------------------------------------------------------------- */

static sem_t done;
static void *detached_thread(void *arg)
{
	data = 1;
	must(!sem_post(&done));
	return arg;
}
static void detached(void)
{
	pthread_t thread;
	pthread_attr_t attributes;
	data = 0;
	must(!sem_init(&done, 0, 0));
	must(!pthread_attr_init(&attributes));
	must(!pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED));
	must(!pthread_create(&thread, &attributes, detached_thread, NULL));
	must(!pthread_attr_destroy(&attributes));
	must(!sem_wait(&done));
	must(data == 1);
}
static void *detaches_itself(void *arg)
{
	must(!pthread_detach(pthread_self()));
	return detached_thread(arg);
}
static void detached_later(void)
{
	pthread_t thread;
	data = 0;
	must(!sem_init(&done, 0, 0));
	must(!pthread_create(&thread, NULL, detaches_itself, NULL));
	must(!sem_wait(&done));
	must(data == 1);
}

static pthread_t selves[2];
static void *note_self(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return NULL;
}
static void self(void)
{
	pthread_t thread[2];
	for (int i = 0; i < 2; i++)
		must(!pthread_create(&thread[i], NULL, note_self, &selves[i]));
	for (int i = 0; i < 2; i++)
		must(!pthread_join(thread[i], NULL));
	must(pthread_equal(selves[0], thread[0]) && pthread_equal(selves[1], thread[1]));
	must(!pthread_equal(thread[0], thread[1]) && !pthread_equal(thread[0], pthread_self()));
}

/* --- once ------------------------------------------------------------------------------------------------------------------------------- */

static pthread_once_t once;
static void load(void)
{
	data++;
}
static void get_once(void)
{
	must(!pthread_once(&once, load));
	must(data == 1);
}
static void posix_once(void)
{
	static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
	once = fresh;
	data = 0;
	TOGETHER(get_once, get_once, get_once);
}

static once_flag flag;
static void get_call_once(void)
{
	call_once(&flag, load);
	must(data == 1);
}
static void c11_once(void)
{
	static const once_flag fresh = ONCE_FLAG_INIT;
	flag = fresh;
	data = 0;
	TOGETHER(get_call_once, get_call_once);
}

/* --- each thread its own --------------------------------------------------------------------------------------------------------------- */

static _Thread_local int own = 7;
static void use_own(void)
{
	must(own == 7);
	own++;
	sched_yield();
	must(own == 8);
}
static void thread_local_variable(void)
{
	own = 7;
	TOGETHER(use_own, use_own);
	must(own == 7);
}

static void fail_in_own_way(int error)
{
	errno = error;
	sched_yield();
	must(errno == error);
}
static void fail_1(void)
{
	fail_in_own_way(EINTR);
}
static void fail_2(void)
{
	fail_in_own_way(ENOENT);
}
static void own_errno(void)
{
	TOGETHER(fail_1, fail_2);
}

static pthread_key_t key;
static _Atomic int destroyed;
static void destroy_value(void *value)
{
	atomic_fetch_add_explicit(&destroyed, *(int *)value, memory_order_relaxed);
	free(value);
}
static void use_key(void)
{
	must(!pthread_getspecific(key));
	int *value = malloc(sizeof *value);
	must(value);
	*value = 1;
	must(!pthread_setspecific(key, value));
	must(pthread_getspecific(key) == value);
}
static void key_destructors(void)
{
	atomic_init(&destroyed, 0);
	must(!pthread_key_create(&key, destroy_value));
	TOGETHER(use_key, use_key);
	must(atomic_load(&destroyed) == 2);
	must(!pthread_key_delete(key));
}
static tss_t tss;
static void use_tss(void)
{
	int *value = malloc(sizeof *value);
	must(value);
	*value = 3;
	must(tss_set(tss, value) == thrd_success);
	must(tss_get(tss) == value);
}
static void c11_tss(void)
{
	atomic_init(&destroyed, 0);
	must(tss_create(&tss, destroy_value) == thrd_success);
	TOGETHER(use_tss, use_tss);
	must(atomic_load(&destroyed) == 6);
	tss_delete(tss);
}

/* --- cancellation ----------------------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex;
static pthread_cond_t cond;
static void unlock(void *arg)
{
	must(!pthread_mutex_unlock(arg));
}
static void *wait_for_ever(void *arg)
{
	must(!pthread_mutex_lock(&mutex));
	pthread_cleanup_push(unlock, &mutex);
	for (;;)
		must(!pthread_cond_wait(&cond, &mutex));
	pthread_cleanup_pop(1);
	return arg;
}
static void cancel_a_waiter(void)
{
	pthread_t thread;
	void *result;
	must(!pthread_mutex_init(&mutex, NULL));
	must(!pthread_cond_init(&cond, NULL));
	must(!pthread_create(&thread, NULL, wait_for_ever, NULL));
	must(!pthread_cancel(thread));
	must(!pthread_join(thread, &result));
	must(result == PTHREAD_CANCELED);
	must(!pthread_mutex_lock(&mutex)); /* the handler has let it go */
	must(!pthread_mutex_unlock(&mutex));
	must(!pthread_cond_destroy(&cond));
	must(!pthread_mutex_destroy(&mutex));
}

static void *not_cancelled(void *arg)
{
	must(!pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL));
	data = 1;
	pthread_testcancel();
	return arg;
}
static void cancel_disabled(void)
{
	pthread_t thread;
	void *result;
	data = 0;
	must(!pthread_create(&thread, NULL, not_cancelled, &data));
	must(!pthread_cancel(thread));
	must(!pthread_join(thread, &result));
	must(result == &data && data == 1);
}

static void count_cleanup(void *arg)
{
	++*(int *)arg;
}
static void *clean_up(void *arg)
{
	pthread_cleanup_push(count_cleanup, &data);
	pthread_cleanup_push(count_cleanup, &other_data);
	pthread_cleanup_pop(0);
	pthread_exit(arg);
	pthread_cleanup_pop(0);
	return NULL;
}
static void cleanup_handlers(void)
{
	pthread_t thread;
	data = other_data = 0;
	must(!pthread_create(&thread, NULL, clean_up, NULL));
	must(!pthread_join(thread, NULL));
	must(data == 1 && other_data == 0);
}

/* --- memory -------------------------------------------------------------------------------------------------------------------------------- */

static int *block;
static void *make_block(void *arg)
{
	block = malloc(4 * sizeof *block);
	must(block);
	for (int i = 0; i < 4; i++)
		block[i] = i;
	return arg;
}
static void free_after_join(void)
{
	pthread_t thread;
	must(!pthread_create(&thread, NULL, make_block, NULL));
	must(!pthread_join(thread, NULL));
	must(block[3] == 3);
	free(block);
	block = NULL;
}

/* Who comes second frees. */
static void make_or_free(void)
{
	must(!pthread_mutex_lock(&mutex));
	if (block) {
		must(block[1] == 1);
		free(block);
		block = NULL;
	} else {
		make_block(NULL);
	}
	must(!pthread_mutex_unlock(&mutex));
}
static void free_under_lock(void)
{
	block = NULL;
	must(!pthread_mutex_init(&mutex, NULL));
	TOGETHER(make_or_free, make_or_free);
	must(!block);
	must(!pthread_mutex_destroy(&mutex));
}

static void allocate_a_lot(void)
{
	int *zeroes = calloc(8, sizeof *zeroes);
	must(zeroes && !zeroes[7]);
	zeroes[0] = 5;
	int *more = realloc(zeroes, 64 * sizeof *more);
	must(more && more[0] == 5);
	char *name = strdup("a name");
	must(name && strlen(name) == 6);
	free(name);
	free(more);
	void *aligned = NULL;
	must(!posix_memalign(&aligned, 64, 128) && (uintptr_t)aligned % 64 == 0);
	free(aligned);
	free(NULL);
}
static void allocation(void)
{
	TOGETHER(allocate_a_lot, allocate_a_lot);
}

/* A list that is still reachable when the program ends is no leak. */
struct link {
	struct link *next;
};
static struct link *list;
static void add_link(void)
{
	struct link *mine = malloc(sizeof *mine);
	must(mine);
	must(!pthread_mutex_lock(&mutex));
	mine->next = list;
	list = mine;
	must(!pthread_mutex_unlock(&mutex));
}
static void reachable_list(void)
{
	list = NULL;
	must(!pthread_mutex_init(&mutex, NULL));
	TOGETHER(add_link, add_link);
	must(list && list->next && !list->next->next);
	must(!pthread_mutex_destroy(&mutex));
}

/* --- the C library ---------------------------------------------------------------------------------------------------------------------- */

static int by_value(const void *p, const void *q)
{
	return *(const int *)p - *(const int *)q;
}
static void sort_and_format(void)
{
	int numbers[] = {3, 1, 2};
	char line[32], *end;
	qsort(numbers, 3, sizeof *numbers, by_value);
	must(snprintf(line, sizeof line, "%d-%d-%d", numbers[0], numbers[1], numbers[2]) == 5);
	must(!strcmp(line, "1-2-3"));
	must(strtol(line + 4, &end, 10) == 3 && !*end);
	must(atoi("12") == 12 && memcmp(line, "1-", 2) == 0 && strchr(line, '2') == line + 2);
}
static void library_functions(void)
{
	TOGETHER(sort_and_format, sort_and_format);
}

static char letters[16];
static _Atomic int sent;
static void send_letters(void)
{
	strcpy(letters, "hello");
	strcat(letters, " you");
	atomic_store_explicit(&sent, 1, memory_order_release);
}
static void receive_letters(void)
{
	char mine[16];
	if (atomic_load_explicit(&sent, memory_order_acquire)) {
		memcpy(mine, letters, sizeof mine);
		must(!strcmp(mine, "hello you"));
	}
}
static void string_hand_over(void)
{
	memset(letters, 0, sizeof letters);
	atomic_init(&sent, 0);
	TOGETHER(send_letters, receive_letters);
}

static struct point {
	int x, y, z[6];
} points[2];
static void copy_struct(void)
{
	points[1] = points[0];
	atomic_store_explicit(&sent, 1, memory_order_release);
}
static void read_struct(void)
{
	must(points[0].z[5] == 6);
	if (atomic_load_explicit(&sent, memory_order_acquire))
		must(points[1].x == 1 && points[1].z[5] == 6);
}
static void struct_copy(void)
{
	points[0] = (struct point){.x = 1, .z[5] = 6};
	memset(&points[1], 0, sizeof points[1]);
	atomic_init(&sent, 0);
	TOGETHER(copy_struct, read_struct);
}

/* Bytes beside each other belong to different threads; so do bits of different words. */
static struct {
	unsigned char left, right;
	unsigned low : 3;
	unsigned : 0;
	unsigned high : 3;
} neighbours;
static void use_left(void)
{
	neighbours.left++;
	neighbours.low = 5;
}
static void use_right(void)
{
	neighbours.right++;
	neighbours.high = 6;
}
static void neighbouring_bytes(void)
{
	memset(&neighbours, 0, sizeof neighbours);
	TOGETHER(use_left, use_right);
	must(neighbours.left == 1 && neighbours.right == 1 && neighbours.low == 5 && neighbours.high == 6);
}

/* --- time ---------------------------------------------------------------------------------------------------------------------------------- */

static void sleep_a_little(void)
{
	struct timespec before, after, a_little = {.tv_nsec = 2000000};
	must(!clock_gettime(CLOCK_MONOTONIC, &before));
	must(!nanosleep(&a_little, NULL));
	must(!usleep(1000));
	must(!clock_gettime(CLOCK_MONOTONIC, &after));
	must((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 3000000);
}
static void sleeping(void)
{
	TOGETHER(sleep_a_little, sleep_a_little);
}

static void forget(void)
{
	block = NULL;
	list = NULL;
}

static const struct suite_program programs[] = {
	{"join_orders", join_orders, .proved = true},
	{"results_of_threads", results_of_threads, .proved = true},
	{"nested_threads", nested_threads, .proved = true},
	{"joined_by_sibling", joined_by_sibling, .proved = true},
	{"thread_exit", thread_exit, .proved = true},
	{"c11_threads", c11_threads, .proved = true},
	{"detached", detached, .proved = true},
	{"detached_later", detached_later, .proved = true},
	{"self", self, .proved = true},
	{"posix_once", posix_once, .proved = true},
	{"c11_once", c11_once, .proved = true},
	{"thread_local_variable", thread_local_variable, .proved = true},
	{"own_errno", own_errno, .proved = true},
	{"key_destructors", key_destructors, .proved = true},
	{"c11_tss", c11_tss, .proved = true},
	{"cancel_a_waiter", cancel_a_waiter, .proved = true},
	{"cancel_disabled", cancel_disabled, .proved = true},
	{"cleanup_handlers", cleanup_handlers, .proved = true},
	{"free_after_join", free_after_join, .proved = true},
	{"free_under_lock", free_under_lock, .proved = true},
	{"allocation", allocation, .proved = true},
	{"reachable_list", reachable_list, .proved = true, .keeps = true},
	{"library_functions", library_functions, .proved = true},
	{"string_hand_over", string_hand_over, .proved = true},
	{"struct_copy", struct_copy, .proved = true},
	{"neighbouring_bytes", neighbouring_bytes, .proved = true},
	{"sleeping", sleeping, .proved = true},
};
SUITE_GROUP(correct_threads, programs, forget);
