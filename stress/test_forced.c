/* SPDX-License-Identifier: MIT */
/* Forced orders: each way to settle is told from the others, also on a loaded machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "forced.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int steps;
static _Atomic int let_go;

static void just_step(void *arg)
{
	(void)arg;
	/* relaxed: read after the thread settled. */
	atomic_fetch_add_explicit(&steps, 1, memory_order_relaxed);
}

static void park_twice(void *arg)
{
	just_step(arg);
	forced_park();
	just_step(arg);
	forced_park();
	just_step(arg);
}

static void take_lock(void *arg)
{
	pthread_mutex_lock(&lock);
	just_step(arg);
	pthread_mutex_unlock(&lock);
}

static void spin(void *arg)
{
	/* relaxed: only the value matters. */
	while (!atomic_load_explicit(&let_go, memory_order_relaxed))
		continue;
	just_step(arg);
}

static int steps_so_far(void)
{
	/* relaxed: the thread has settled. */
	return atomic_load_explicit(&steps, memory_order_relaxed);
}

static int reset(void **state)
{
	(void)state;
	/* relaxed: no other thread runs. */
	atomic_store_explicit(&steps, 0, memory_order_relaxed);
	atomic_store_explicit(&let_go, 0, memory_order_relaxed);
	return 0;
}

static void parks_and_goes_on_step_by_step(void **state)
{
	(void)state;
	static struct forced_thread t;
	forced_start(&t, park_twice, NULL);
	assert_int_equal(forced_settle(&t), FORCED_PARKED);
	assert_int_equal(steps_so_far(), 1);
	assert_int_equal(forced_settle(&t), FORCED_PARKED); /* it stays where it is */
	forced_release(&t);
	assert_int_equal(forced_settle(&t), FORCED_PARKED);
	assert_int_equal(steps_so_far(), 2);
	forced_release(&t);
	assert_int_equal(forced_settle(&t), FORCED_DONE);
	assert_int_equal(steps_so_far(), 3);
}

static void a_thread_that_waits_for_a_lock_is_asleep(void **state)
{
	(void)state;
	static struct forced_thread t;
	pthread_mutex_lock(&lock);
	forced_start(&t, take_lock, NULL);
	assert_int_equal(forced_settle(&t), FORCED_ASLEEP);
	assert_int_equal(steps_so_far(), 0);
	pthread_mutex_unlock(&lock);
	assert_int_equal(forced_settle(&t), FORCED_DONE);
}

static void a_busy_thread_is_not_called_blocked(void **state)
{
	(void)state;
	static struct forced_thread t;
	forced_start(&t, spin, NULL);
	assert_int_equal(forced_settle(&t), FORCED_SPINS);
	atomic_store_explicit(&let_go, 1, memory_order_relaxed); /* relaxed: only the value matters */
	assert_int_equal(forced_settle(&t), FORCED_DONE);
}

static void a_parked_thread_can_be_cancelled(void **state)
{
	(void)state;
	static struct forced_thread t;
	forced_start(&t, park_twice, NULL);
	assert_int_equal(forced_settle(&t), FORCED_PARKED);
	forced_cancel(&t);
	assert_int_equal(steps_so_far(), 1);
	assert_int_equal(forced_settle(&t), FORCED_DONE);
}

static void the_script_itself_does_not_park(void **state)
{
	(void)state;
	forced_park();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(parks_and_goes_on_step_by_step, reset),
		cmocka_unit_test_setup(a_thread_that_waits_for_a_lock_is_asleep, reset),
		cmocka_unit_test_setup(a_busy_thread_is_not_called_blocked, reset),
		cmocka_unit_test_setup(a_parked_thread_can_be_cancelled, reset),
		cmocka_unit_test_setup(the_script_itself_does_not_park, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
