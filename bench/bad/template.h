/* SPDX-License-Identifier: MIT */
/* What the bad counters have in common: everything but increment. */
#include "../../impl/counter/counter.h"

struct counter {
	uint64_t value;
};

struct counter_seat {
	char unused;
};

static int counter_open(struct counter *c)
{
	c->value = 0;
	return 0;
}

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

static uint64_t counter_value(struct counter *c)
{
	return c->value;
}
