/* SPDX-License-Identifier: MIT */
/* How <onceproof/once.h> waits, with a clock, a processor number and a kernel of the test's own: what is asked of them, and how often.
 * No time passes here. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ME = 70, OTHER = 71, LOOK_NS = 1000, NEVER = INT_MAX };

/* The world as the header sees it. */
static struct {
	uint64_t now_ns;
	int cpu, settles_after; /* so many looks at the clock until the other thread has settled */
	bool other_lives;
	unsigned looks, waits, wakes, asked_alive, asked_self;
} world;

static long kernel(long number, ...);
static int look_at_clock(clockid_t clock, struct timespec *now);
static int which_cpu(void);

#define syscall kernel
#define clock_gettime look_at_clock
#define sched_getcpu which_cpu
#include <onceproof/once.h>
#undef syscall
#undef clock_gettime
#undef sched_getcpu

static struct once object;
static int instance, loads;

/* The other thread's last steps. */
static void settle(void)
{
	object.instance = &instance;
	object.state = ONCE_READY_;
}

static long kernel(long number, ...)
{
	va_list list;
	va_start(list, number);
	const uint32_t *word = number == SYS_futex ? va_arg(list, const uint32_t *) : NULL;
	int operation = word ? va_arg(list, int) : 0;
	uint32_t expected = word ? va_arg(list, uint32_t) : 0;
	va_end(list);
	if (number == SYS_gettid) {
		world.asked_self++;
		return ME;
	}
	if (number == SYS_tgkill) {
		world.asked_alive++;
		errno = ESRCH;
		return world.other_lives ? 0 : -1;
	}
	assert_int_equal(number, SYS_futex);
	assert_ptr_equal(word, &object.state);
	if (operation == FUTEX_WAKE_PRIVATE) {
		world.wakes++;
		return 0;
	}
	assert_int_equal(operation, FUTEX_WAIT_PRIVATE);
	assert_int_equal(expected, *word);
	assert_int_equal(expected, 2 * OTHER + 1);
	world.waits++;
	settle();
	return 0;
}

static int look_at_clock(clockid_t clock, struct timespec *now)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	world.now_ns += LOOK_NS;
	*now = (struct timespec){.tv_sec = (time_t)(world.now_ns / 1000000000u), .tv_nsec = (long)(world.now_ns % 1000000000u)};
	if ((int)++world.looks == world.settles_after)
		settle();
	return 0;
}

static int which_cpu(void)
{
	return world.cpu;
}

static void *load(void *arg)
{
	(void)arg;
	loads++;
	return &instance;
}

static void *get(void)
{
	return once_get(&object, load, NULL);
}

/* OTHER loads, on processor 0; this thread is on CPU. */
static void other_loads(int cpu, int settles_after, bool lives)
{
	memset(&world, 0, sizeof world);
	world.cpu = cpu;
	world.settles_after = settles_after;
	world.other_lives = lives;
	world.now_ns = 999999000; /* seconds roll over */
	object = (struct once){.state = 2 * OTHER, .cpu = 0 + 1};
	loads = 0;
}

static void spins_for_the_bound_then_sleeps_once(void **state)
{
	(void)state;
	other_loads(1, NEVER, true);
	assert_ptr_equal(get(), &instance);
	/* One look before the first turn, one after each. */
	assert_int_equal(world.looks, 1 + ONCE_SPIN_NS / LOOK_NS);
	assert_int_equal(world.waits, 1);
	assert_int_equal(world.asked_alive, 1);
	assert_int_equal(world.asked_self, 1);
	assert_int_equal(loads, 0);
}

static void stops_looking_when_it_is_there(void **state)
{
	(void)state;
	other_loads(1, 7, true);
	assert_ptr_equal(get(), &instance);
	assert_int_equal(world.looks, 7);
	assert_int_equal(world.waits + world.asked_alive, 0);
}

static void does_not_spin_on_the_loaders_processor(void **state)
{
	(void)state;
	other_loads(0, NEVER, true);
	assert_ptr_equal(get(), &instance);
	assert_int_equal(world.looks, 0);
	assert_int_equal(world.waits, 1);
}

static void takes_over_from_a_loader_that_is_no_more(void **state)
{
	(void)state;
	other_loads(1, NEVER, false);
	assert_ptr_equal(get(), &instance);
	assert_int_equal(loads, 1);
	assert_int_equal(world.waits + world.wakes, 0);
	assert_int_equal(object.state, ONCE_READY_);
	/* Somebody sleeps for it: whoever takes over wakes them. */
	other_loads(1, NEVER, false);
	object.state |= ONCE_ASLEEP_;
	assert_ptr_equal(get(), &instance);
	assert_int_equal(loads, 1);
	assert_int_equal(world.wakes, 1);
}

static void a_load_without_waiters_asks_the_kernel_for_its_name_only(void **state)
{
	(void)state;
	other_loads(1, NEVER, true);
	object.state = ONCE_EMPTY_;
	assert_ptr_equal(get(), &instance);
	assert_int_equal(world.asked_self, 1);
	assert_int_equal(world.looks + world.waits + world.wakes + world.asked_alive, 0);
	assert_ptr_equal(get(), &instance);
	assert_int_equal(world.asked_self, 1);
	assert_int_equal(loads, 1);
}

static void a_reset_finds_what_a_forked_loader_left(void **state)
{
	(void)state;
	other_loads(1, NEVER, true);
	assert_null(once_reset(&object));
	/* The fork came between its last two steps. */
	other_loads(1, NEVER, false);
	object.instance = &instance;
	assert_ptr_equal(once_reset(&object), &instance);
	assert_int_equal(object.state, ONCE_EMPTY_);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spins_for_the_bound_then_sleeps_once),
		cmocka_unit_test(stops_looking_when_it_is_there),
		cmocka_unit_test(does_not_spin_on_the_loaders_processor),
		cmocka_unit_test(takes_over_from_a_loader_that_is_no_more),
		cmocka_unit_test(a_load_without_waiters_asks_the_kernel_for_its_name_only),
		cmocka_unit_test(a_reset_finds_what_a_forked_loader_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
