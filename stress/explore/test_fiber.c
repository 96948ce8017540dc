/* SPDX-License-Identifier: MIT */
/* Fibers: each has its own stack, registers, errno and thread-local variables, and begins anew when it is prepared again.
 * With --time: what a switch costs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fiber.h"

enum { STACK_BYTES = 64 * 1024, SWITCHES = 20000000 };

static _Thread_local int own = 7;
static _Thread_local char zeroed[40];
static char trace[64];

static void say(char what)
{
	size_t length = strlen(trace);
	trace[length] = what;
	trace[length + 1] = '\0';
}

static void ping(void *arg)
{
	const char *names = arg;
	own += names[0];
	errno = names[0];
	double kept = names[0] * 0.5; /* lives in a register or on the stack across switches */
	for (int i = 0; names[i]; i++) {
		say(names[i]);
		fiber_switch(fiber_current() == 1 ? 2 : 1);
		assert_int_equal(own, 7 + names[0]);
		assert_int_equal(errno, names[0]);
		assert_true(kept > names[0] * 0.49 && kept < names[0] * 0.51);
	}
	for (;;)
		fiber_switch(0);
}

static void start(void **state)
{
	(void)state;
	assert_int_equal(fiber_start(STACK_BYTES), 0);
}

static void fibers_take_turns_and_share_nothing(void **state)
{
	start(state);
	trace[0] = '\0';
	errno = 3;
	own = 70;
	assert_int_equal(fiber_prepare(1, ping, "abc"), 0);
	assert_int_equal(fiber_prepare(2, ping, "xyz"), 0);
	assert_int_equal(fiber_current(), 0);
	fiber_switch(1);
	assert_string_equal(trace, "axbycz");
	assert_int_equal(fiber_current(), 0);
	assert_int_equal(own, 70);
	assert_int_equal(errno, 3);
}

static void look(void *arg)
{
	bool *fresh = arg;
	*fresh = own == 7 && errno == 0;
	for (size_t i = 0; i < sizeof zeroed; i++)
		*fresh &= zeroed[i] == 0;
	own = 99;
	memset(zeroed, 1, sizeof zeroed);
	errno = 5;
	for (;;)
		fiber_switch(0);
}

static void a_fiber_that_is_prepared_again_begins_anew(void **state)
{
	start(state);
	for (int i = 0; i < 3; i++) {
		bool fresh = false;
		assert_int_equal(fiber_prepare(3, look, &fresh), 0);
		fiber_switch(3);
		assert_true(fresh);
	}
}

static void measure_alignment(void *arg)
{
	/* The ABI promises 16 bytes in front of a call; SSE code relies on it. */
	*(uintptr_t *)arg = (uintptr_t)__builtin_frame_address(0) % 16;
	for (;;)
		fiber_switch(0);
}

static void stacks_are_aligned_apart_and_guarded(void **state)
{
	start(state);
	uintptr_t rest = 1, low, high, low_2, high_2;
	assert_int_equal(fiber_prepare(4, measure_alignment, &rest), 0);
	fiber_switch(4);
	assert_int_equal(rest, 0);
	fiber_stack(4, &low, &high);
	fiber_stack(5, &low_2, &high_2);
	assert_true(high - low >= STACK_BYTES && low_2 > high);
	assert_true(fiber_is_guard(low - 1) && fiber_is_guard(low_2 - 1));
	assert_false(fiber_is_guard(low) || fiber_is_guard(high - 1));
}

static long switches;

static void back_and_forth(void *arg)
{
	unsigned other = arg ? 2 : 1;
	for (;;)
		fiber_switch(++switches == SWITCHES ? 0 : other);
}

static int time_it(void)
{
	struct timespec from, to;
	if (fiber_start(STACK_BYTES) || fiber_prepare(1, back_and_forth, &switches) || fiber_prepare(2, back_and_forth, NULL))
		return 1;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	fiber_switch(1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
	printf("%.1f ns per switch\n", ns / SWITCHES);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--time") == 0)
		return time_it();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fibers_take_turns_and_share_nothing),
		cmocka_unit_test(a_fiber_that_is_prepared_again_begins_anew),
		cmocka_unit_test(stacks_are_aligned_apart_and_guarded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
