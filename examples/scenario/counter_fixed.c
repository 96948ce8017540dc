/* SPDX-License-Identifier: MIT */
/* The counter of counter.c, increased in one step. */
#include <onceproof.h>
#include <stdatomic.h>

static atomic_uint n;

static void set_up(void)
{
	atomic_init(&n, 0);
}

static void increment(void)
{
	/* relaxed: only the number matters, and nothing is published with it. */
	atomic_fetch_add_explicit(&n, 1, memory_order_relaxed);
}

static void check(void)
{
	unsigned sum = atomic_load_explicit(&n, memory_order_relaxed); /* relaxed: the actors have ended */
	ONCEPROOF_EXPECT(sum == 2, "two increments made %u", sum);
}

ONCEPROOF_SCENARIO(two_increments, .set_up = set_up, .actors = {increment, increment}, .check = check);
