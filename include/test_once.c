/* SPDX-License-Identifier: MIT */
/* <onceproof/once.h>, one promise a test. Where threads must meet, one stops inside the loader until the test lets it go. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "test_once.h"

enum { THREADS = 8, ROUNDS = 300, CHILD_PATIENCE_S = 30 };

/* A loader's orders, and what it did. */
static struct {
	int loads, failures; /* written by who loads; once_get() orders them */
	int failing;         /* the errno value to fail with; 0: succeed; -1: fail and leave errno alone */
	int inner_error;
	void *(*inside)(void); /* called inside the load; NULL: nothing */
	sem_t entered, go_on;
} orders;

static struct once object;
static int instances[4];

static void *load(void *arg)
{
	assert_ptr_equal(arg, &orders);
	if (orders.inside)
		orders.inside();
	if (orders.failing) {
		orders.failures++;
		if (orders.failing > 0)
			errno = orders.failing;
		return NULL;
	}
	return &instances[orders.loads++ % 4];
}

static void *get(void)
{
	return once_get(&object, load, &orders);
}

static void *thread_get(void *arg)
{
	(void)arg;
	return get();
}

static int set_up(void **state)
{
	(void)state;
	object = (struct once)ONCE_INIT;
	orders.loads = orders.failures = orders.failing = orders.inner_error = 0;
	orders.inside = NULL;
	return sem_init(&orders.entered, 0, 0) || sem_init(&orders.go_on, 0, 0);
}

/* For `inside`: the other threads' turn, until the test posts go_on. */
static void *stop(void)
{
	sem_post(&orders.entered);
	while (sem_wait(&orders.go_on) != 0)
		;
	return NULL;
}

static pthread_t started(void *(*body)(void *))
{
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, body, NULL), 0);
	return thread;
}

static void *ended(pthread_t thread)
{
	void *result;
	assert_int_equal(pthread_join(thread, &result), 0);
	return result;
}

static void loads_on_first_get(void **state)
{
	(void)state;
	assert_null(once_peek(&object));
	errno = ENOTTY;
	assert_ptr_equal(get(), &instances[0]);
	assert_int_equal(errno, ENOTTY);
	assert_ptr_equal(get(), &instances[0]);
	assert_ptr_equal(once_peek(&object), &instances[0]);
	assert_int_equal(orders.loads, 1);
}

static void zeroed_memory_holds_nothing(void **state)
{
	(void)state;
	struct once *mine = malloc(sizeof *mine);
	assert_non_null(mine);
	memset(mine, 0xff, sizeof *mine);
	memset(mine, 0, sizeof *mine); /* as calloc() has it, of memory that was used before */
	assert_null(once_peek(mine));
	assert_null(once_reset(mine));
	orders.failing = ENOENT;
	assert_null(once_get(mine, load, &orders));
	orders.failing = 0;
	assert_ptr_equal(once_get(mine, load, &orders), &instances[0]);
	assert_ptr_equal(once_get(mine, load, &orders), &instances[0]);
	assert_ptr_equal(once_reset(mine), &instances[0]);
	free(mine);
}

static void reports_failure_and_retries(void **state)
{
	(void)state;
	orders.failing = ENOENT;
	for (int i = 1; i <= 2; i++) {
		errno = 0;
		assert_null(get());
		assert_int_equal(errno, ENOENT);
		assert_int_equal(orders.failures, i);
	}
	orders.failing = -1; /* a loader that says nothing, while errno holds what somebody else said */
	errno = ENOTTY;
	assert_null(get());
	assert_int_equal(errno, EIO);
	orders.failing = 0;
	assert_ptr_equal(get(), &instances[0]);
}

/* The waiting thread does not get the failure of the one that it waited for: it loads. */
static void waiters_retry_a_failure(void **state)
{
	(void)state;
	orders.inside = stop;
	orders.failing = ENOENT;
	pthread_t first = started(thread_get);
	while (sem_wait(&orders.entered) != 0)
		;
	pthread_t second = started(thread_get);
	sem_post(&orders.go_on);
	while (sem_wait(&orders.entered) != 0)
		;
	/* The second one is inside now: the first has failed. */
	orders.failing = 0;
	sem_post(&orders.go_on);
	assert_null(ended(first));
	assert_ptr_equal(ended(second), &instances[0]);
	assert_int_equal(orders.failures, 1);
	assert_int_equal(orders.loads, 1);
}

static void resets(void **state)
{
	(void)state;
	assert_null(once_reset(&object));
	assert_ptr_equal(get(), &instances[0]);
	assert_ptr_equal(once_reset(&object), &instances[0]);
	assert_null(once_reset(&object));
	assert_null(once_peek(&object));
	assert_ptr_equal(get(), &instances[1]);
	assert_int_equal(orders.loads, 2);
}

static void *reset_inside(void)
{
	orders.inner_error = once_reset(&object) != NULL;
	return NULL;
}

static void a_reset_inside_the_load_finds_nothing(void **state)
{
	(void)state;
	orders.inside = reset_inside;
	assert_ptr_equal(get(), &instances[0]);
	assert_int_equal(orders.inner_error, 0);
	assert_ptr_equal(get(), &instances[0]);
}

static void *get_inside(void)
{
	orders.inner_error = get() ? -1 : errno;
	return NULL;
}

static void reentrant_calls_fail(void **state)
{
	(void)state;
	orders.inside = get_inside;
	assert_ptr_equal(get(), &instances[0]);
	assert_int_equal(orders.inner_error, EDEADLK);
	assert_int_equal(orders.loads, 1);
	/* The same thread's earlier loads are no reason. */
	assert_ptr_equal(once_reset(&object), &instances[0]);
	orders.inside = NULL;
	orders.failing = ENOENT;
	assert_null(get());
	orders.failing = 0;
	assert_ptr_equal(get(), &instances[1]);
}

static void on_signal(int number)
{
	(void)number;
	get_inside();
}

static void *raise_inside(void)
{
	raise(SIGUSR1);
	return NULL;
}

static void a_signal_handler_inside_the_load_is_told(void **state)
{
	(void)state;
	signal(SIGUSR1, on_signal);
	orders.inside = raise_inside;
	assert_ptr_equal(get(), &instances[0]);
	assert_int_equal(orders.inner_error, EDEADLK);
	signal(SIGUSR1, SIG_DFL);
}

/* Two objects do not know each other: a loader may need another one's instance. */
static struct once outer;

static void *load_through(void *arg)
{
	(void)arg;
	return get();
}

static void loads_inside_a_load(void **state)
{
	(void)state;
	outer = (struct once)ONCE_INIT;
	assert_ptr_equal(once_get(&outer, load_through, NULL), &instances[0]);
	assert_int_equal(orders.loads, 1);
}

static pthread_barrier_t line;

static void *line_up_and_get(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&line);
	return get();
}

static void many_threads_load_once(void **state)
{
	(void)state;
	assert_int_equal(pthread_barrier_init(&line, NULL, THREADS), 0);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		for (int i = 0; i < THREADS; i++)
			threads[i] = started(line_up_and_get);
		for (int i = 0; i < THREADS; i++)
			assert_ptr_equal(ended(threads[i]), &instances[round % 4]);
		assert_int_equal(orders.loads, round + 1);
		assert_ptr_equal(once_reset(&object), &instances[round % 4]);
	}
	pthread_barrier_destroy(&line);
}

/* Threads that get and threads that reset: each instance is handed out by one reset only. */
static int handed[THREADS];

static void *get_and_reset(void *arg)
{
	int *count = arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (!get())
			return NULL;
		*count += once_reset(&object) != NULL;
	}
	return arg;
}

static void resets_beside_gets_lose_nothing(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	int taken = 0;
	for (int i = 0; i < THREADS; i++) {
		handed[i] = 0;
		assert_int_equal(pthread_create(&threads[i], NULL, get_and_reset, &handed[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_non_null(ended(threads[i]));
		taken += handed[i];
	}
	taken += once_reset(&object) != NULL;
	assert_int_equal(taken, orders.loads);
}

static void *stop_here(void)
{
	stop();
	pthread_testcancel();
	return NULL;
}

static void *leave(void)
{
	stop();
	pthread_exit(&orders);
}

/* A load that never returns, by HOW, while another thread waits for it, or does not. */
static void ends_inside(void *(*how)(void), bool cancel, bool awaited)
{
	orders.inside = how;
	pthread_t first = started(thread_get), second = 0;
	while (sem_wait(&orders.entered) != 0)
		;
	orders.inside = NULL;
	if (awaited)
		second = started(thread_get);
	if (cancel)
		assert_int_equal(pthread_cancel(first), 0);
	sem_post(&orders.go_on);
	assert_ptr_equal(ended(first), cancel ? PTHREAD_CANCELED : (void *)&orders);
	if (awaited)
		assert_ptr_equal(ended(second), &instances[0]);
	assert_ptr_equal(get(), &instances[0]);
	assert_int_equal(orders.loads, 1);
}

static void a_cancelled_load_is_tried_again(void **state)
{
	(void)state;
	ends_inside(stop_here, true, false);
}

static void a_cancelled_load_wakes_who_waits(void **state)
{
	(void)state;
	ends_inside(stop_here, true, true);
}

static void a_load_that_ends_its_thread_is_tried_again(void **state)
{
	(void)state;
	ends_inside(leave, false, true);
}

/* Child's status, as exit() had it; -1 when it hangs. */
static int status_of(pid_t child)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ThreadSanitizer allows no threads in the child of a process with threads. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { THREADS_IN_CHILD = false };
#else
enum { THREADS_IN_CHILD = true };
#endif

/* In a child: gets in the forked thread and in a new one, and resets. */
static void child_uses_it(void)
{
	alarm(CHILD_PATIENCE_S);
	orders.inside = NULL;
	void *mine = get(), *other = mine;
	pthread_t thread;
	if (THREADS_IN_CHILD && (pthread_create(&thread, NULL, thread_get, NULL) != 0 || pthread_join(thread, &other) != 0))
		_exit(2);
	_exit(mine && mine == other && orders.loads == 1 && once_reset(&object) == mine ? 0 : 1);
}

static void a_forked_child_does_not_wait_for_a_thread_it_has_not_got(void **state)
{
	(void)state;
	orders.inside = stop;
	pthread_t first = started(thread_get);
	while (sem_wait(&orders.entered) != 0)
		;
	pthread_t waiting = started(thread_get);
	pid_t child = fork();
	if (child == 0)
		child_uses_it();
	assert_int_equal(status_of(child), 0);
	sem_post(&orders.go_on);
	assert_ptr_equal(ended(first), &instances[0]);
	assert_ptr_equal(ended(waiting), &instances[0]);
	assert_int_equal(orders.loads, 1);
}

static void a_forked_child_has_what_was_loaded(void **state)
{
	(void)state;
	assert_ptr_equal(get(), &instances[0]);
	pid_t child = fork();
	if (child == 0)
		child_uses_it();
	assert_int_equal(status_of(child), 0);
}

static struct shared shared_instance;
static int reentered;

static struct shared *load_shared(void)
{
	reentered = other_reenters();
	shared_instance.loads++;
	return &shared_instance;
}

ONCE_PROVIDE(struct shared, the_shared, load_shared);

static void two_files_share_an_accessor(void **state)
{
	(void)state;
	struct shared *mine = the_shared();
	assert_ptr_equal(mine, &shared_instance);
	assert_ptr_equal(other_get(), mine);
	assert_int_equal(mine->loads, 1);
	assert_int_equal(reentered, EDEADLK);
	assert_ptr_equal(other_reset(), mine);
	assert_null(the_shared_reset());
	assert_ptr_equal(other_get(), mine);
	assert_int_equal(mine->loads, 2);
}

#define test(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(loads_on_first_get),
		test(zeroed_memory_holds_nothing),
		test(reports_failure_and_retries),
		test(waiters_retry_a_failure),
		test(resets),
		test(a_reset_inside_the_load_finds_nothing),
		test(reentrant_calls_fail),
		test(a_signal_handler_inside_the_load_is_told),
		test(loads_inside_a_load),
		test(many_threads_load_once),
		test(resets_beside_gets_lose_nothing),
		test(a_cancelled_load_is_tried_again),
		test(a_cancelled_load_wakes_who_waits),
		test(a_load_that_ends_its_thread_is_tried_again),
		test(a_forked_child_does_not_wait_for_a_thread_it_has_not_got),
		test(a_forked_child_has_what_was_loaded),
		test(two_files_share_an_accessor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
