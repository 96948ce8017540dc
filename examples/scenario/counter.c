/* SPDX-License-Identifier: MIT */
/* A counter that two threads increase. `n++` reads, adds and writes: between the read and the write another thread can do the same. */
#include <onceproof.h>

static unsigned n;

static void set_up(void)
{
	n = 0;
}

static void increment(void)
{
	n++;
}

static void check(void)
{
	ONCEPROOF_EXPECT(n == 2, "two increments made %u", n);
}

ONCEPROOF_SCENARIO(two_increments, .set_up = set_up, .actors = {increment, increment}, .check = check);
