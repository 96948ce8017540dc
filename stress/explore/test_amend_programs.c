/* SPDX-License-Identifier: MIT */
#include "test_amend_programs.h"

#include <stdatomic.h>
#include <stddef.h>

unsigned amend_outcome; /* written by thread 0 when it is alone */
pthread_mutex_t amend_mutex = PTHREAD_MUTEX_INITIALIZER, amend_other = PTHREAD_MUTEX_INITIALIZER;

static int number, data, flag, seen;
static atomic_int shared, aside;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;

/* A label that the host knows. What stands on one side of it stays there; the function is there once. */
#define HERE(NAME) __asm__ volatile(".globl " #NAME "\n" #NAME ":" ::: "memory")
#ifdef __clang__
#define ONCE __attribute__((noinline))
#else
#define ONCE __attribute__((noinline, noclone))
#endif

static void both(void *(*one)(void *), void *(*other)(void *))
{
	pthread_t a, b;
	pthread_create(&a, NULL, one, NULL);
	pthread_create(&b, NULL, other, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void *count(void *arg)
{
	number++;
	return arg;
}

void amend_counts(void *arg)
{
	(void)arg;
	number = 0;
	both(count, count);
	amend_outcome = number != 2;
}

static void *publish(void *arg)
{
	data = 1;
	flag = 1;
	return arg;
}

static void *consume(void *arg)
{
	if (flag)
		seen = data;
	return arg;
}

void amend_publishes(void *arg)
{
	(void)arg;
	data = flag = 0;
	seen = 1;
	both(publish, consume);
	amend_outcome = !seen;
}

static void *count_again(void *arg)
{
	number++;
	return arg;
}

static void *look_at_number(void *arg)
{
	seen = number;
	return arg;
}

void amend_reads(void *arg)
{
	(void)arg;
	number = 0;
	both(count_again, look_at_number);
	amend_outcome = seen ? 2 : 0;
}

static void *raise(void *arg)
{
	flag = 1;
	return arg;
}

static void *look_at_flag(void *arg)
{
	seen = flag;
	return arg;
}

void amend_flags(void *arg)
{
	(void)arg;
	flag = 0;
	both(raise, look_at_flag);
	amend_outcome = seen ? 2 : 0;
}

static _Alignas(8) int one;
static _Alignas(8) int other;
static int one_saw, other_saw;

static void *store_one(void *arg)
{
	one = 1;
	one_saw = other;
	return arg;
}

static void *store_other(void *arg)
{
	other = 1;
	other_saw = one;
	return arg;
}

void amend_buffers(void *arg)
{
	(void)arg;
	one = other = 0;
	both(store_one, store_other);
	amend_outcome = one_saw && other_saw ? 0 : one_saw || other_saw ? 3 : 2;
}

static void *load_then_store(void *arg)
{
	int before = atomic_load_explicit(&shared, memory_order_relaxed);
	atomic_fetch_add_explicit(&aside, 1, memory_order_relaxed);
	atomic_store_explicit(&shared, before + 1, memory_order_relaxed);
	return arg;
}

void amend_apart(void *arg)
{
	(void)arg;
	atomic_store(&shared, 0);
	both(load_then_store, load_then_store);
	amend_outcome = atomic_load(&shared) != 2;
}

static ONCE void *check_and_act(void *arg)
{
	HERE(amend_in_checks);
	pthread_mutex_lock(&amend_mutex);
	int left = number;
	pthread_mutex_unlock(&amend_mutex);
	pthread_mutex_lock(&amend_mutex);
	number -= left;
	pthread_mutex_unlock(&amend_mutex);
	HERE(amend_out_checks);
	return arg;
}

void amend_checks(void *arg)
{
	(void)arg;
	number = 1;
	both(check_and_act, check_and_act);
	amend_outcome = number < 0;
}

/* Each turn makes both the same again. The loop is not unrolled: nobody knows how often it turns. */
static ONCE void *take_turns(void *arg)
{
	volatile int turns = 2;
	for (int i = 0, end = turns; i < end; i++) {
		HERE(amend_in_turns);
		number = number + 1;
		data = number;
		HERE(amend_out_turns);
	}
	return arg;
}

/* Branches stand outside of marked code: a compiler puts their sides where it likes. */
static ONCE int agreed(int a, int b)
{
	return a == b ? a : -1;
}

static ONCE void *look(void *arg)
{
	HERE(amend_in_looks);
	seen = agreed(number, data);
	HERE(amend_out_looks);
	return arg;
}

void amend_turns(void *arg)
{
	(void)arg;
	number = data = 0;
	both(take_turns, look);
	amend_outcome = seen < 0 ? 1 : seen == 1 ? 2 : 0;
}

static ONCE void set_both(int to)
{
	number = to;
	data = to;
}

static ONCE void *call(void *arg)
{
	HERE(amend_in_calls);
	set_both(1);
	HERE(amend_out_calls);
	return arg;
}

static ONCE void *see(void *arg)
{
	HERE(amend_in_sees);
	seen = agreed(number, data);
	HERE(amend_out_sees);
	return arg;
}

void amend_calls(void *arg)
{
	(void)arg;
	number = data = 0;
	both(call, see);
	amend_outcome = seen < 0;
}

static ONCE void *joined(void *arg)
{
	HERE(amend_in_joined);
	number++;
	HERE(amend_out_joined);
	return arg;
}

static ONCE void change(void)
{
	HERE(amend_in_returns);
	number++;
	HERE(amend_out_returns);
}

void amend_returns(void *arg)
{
	pthread_t thread;
	number = 0;
	pthread_create(&thread, NULL, joined, arg);
	change();
	pthread_join(thread, NULL);
	amend_outcome = number != 2;
}

static ONCE void *in_two_parts(void *arg)
{
	HERE(amend_in_neighbour);
	number = 1;
	HERE(amend_out_neighbour);
	HERE(amend_in_next);
	data = 1;
	HERE(amend_out_next);
	return arg;
}

static ONCE void *come_between(void *arg)
{
	HERE(amend_in_between);
	seen = number - data;
	HERE(amend_out_between);
	return arg;
}

void amend_neighbours(void *arg)
{
	(void)arg;
	number = data = 0;
	both(in_two_parts, come_between);
	amend_outcome = seen ? 2 : 0;
}

static ONCE void *cross(void *arg)
{
	HERE(amend_in_crosses);
	pthread_mutex_lock(&amend_other);
	pthread_mutex_lock(&amend_mutex);
	HERE(amend_out_crosses);
	pthread_mutex_unlock(&amend_mutex);
	pthread_mutex_unlock(&amend_other);
	return arg;
}

static void *straight(void *arg)
{
	pthread_mutex_lock(&amend_mutex);
	pthread_mutex_lock(&amend_other);
	pthread_mutex_unlock(&amend_other);
	pthread_mutex_unlock(&amend_mutex);
	return arg;
}

void amend_crosses(void *arg)
{
	(void)arg;
	both(cross, straight);
	amend_outcome = 0;
}

static ONCE void wait_unless(int came)
{
	pthread_mutex_lock(&amend_mutex);
	if (!came)
		pthread_cond_wait(&news, &amend_mutex);
	pthread_mutex_unlock(&amend_mutex);
}

static ONCE void *wait(void *arg)
{
	HERE(amend_in_waits);
	wait_unless(atomic_load(&shared));
	data = 1;
	HERE(amend_out_waits);
	return arg;
}

static ONCE void *wake(void *arg)
{
	HERE(amend_in_wakes);
	atomic_store(&shared, 1);
	pthread_cond_signal(&news);
	HERE(amend_out_wakes);
	HERE(amend_in_later);
	data = 2;
	HERE(amend_out_later);
	return arg;
}

void amend_waits(void *arg)
{
	(void)arg;
	atomic_store(&shared, 0);
	both(wait, wake);
	amend_outcome = 0;
}
