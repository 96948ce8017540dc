/* SPDX-License-Identifier: MIT */
/* Bad on purpose: its loop over value() ends in a jump to another function. */
#include "template.h"

#include "../../impl/measure.h"

uint64_t elsewhere(struct counter *c, uint64_t ops);

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	return ++c->value;
}

/* Stands in for the loop of counter_export.h. */
MEASURED static uint64_t counter_loop_value(struct counter *c, uint64_t ops)
{
	measure_keep(counter_value(c));
	return elsewhere(c, ops);
}

MEASURED static void counter_loop_increment(struct counter *c, struct counter_seat *seat, uint64_t ops)
{
	for (uint64_t i = 0; i < ops; i++)
		measure_keep(counter_increment(c, seat));
}

extern const struct counter_implementation counter_tail;
const struct counter_implementation counter_tail = {.open = counter_open,
	.close = counter_close,
	.join = counter_join,
	.leave = counter_leave,
	.loop_increment = counter_loop_increment,
	.loop_value = counter_loop_value};
