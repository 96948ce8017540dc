/* SPDX-License-Identifier: MIT */
/* The parts of a counter that is one word: nothing to close, and a seat is empty. Included by a peer's file behind `struct counter`. No
 * include guard: one file, one use. */

struct counter_seat {
	char unused;
};

static void counter_close(struct counter *c)
{
	(void)c;
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}
