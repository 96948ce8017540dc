/* SPDX-License-Identifier: MIT */
/* Last include of a counter's file: checks the operations' signatures, makes the measured loops in this translation unit, and
 * offers COUNTER_EXPORT. No include guard: one file, one use. */
#include "../measure.h"
#include "counter.h"

static int counter_open(struct counter *c);
static void counter_close(struct counter *c);
static int counter_join(struct counter *c, struct counter_seat *seat);
static void counter_leave(struct counter *c, struct counter_seat *seat);
static uint64_t counter_increment(struct counter *c, struct counter_seat *seat);
static uint64_t counter_value(struct counter *c);

MEASURED static void counter_loop_increment(struct counter *c, struct counter_seat *seat, uint64_t ops)
{
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++)
		measure_keep(counter_increment(c, seat));
}

MEASURED static uint64_t counter_loop_value(struct counter *c, uint64_t ops)
{
	uint64_t last = 0;
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		last = counter_value(c);
		measure_keep(last);
	}
	return last;
}

#define COUNTER_EXPORT(id, ...)                                                             \
	extern const struct counter_implementation counter_##id;                            \
	const struct counter_implementation counter_##id = {.about.family = FAMILY_COUNTER, \
		.about.name = #id,                                                          \
		.counter_bytes = sizeof(struct counter),                                    \
		.counter_align = _Alignof(struct counter),                                  \
		.seat_bytes = sizeof(struct counter_seat),                                  \
		.seat_align = _Alignof(struct counter_seat),                                \
		.open = counter_open,                                                       \
		.close = counter_close,                                                     \
		.join = counter_join,                                                       \
		.leave = counter_leave,                                                     \
		.increment = counter_increment,                                             \
		.value = counter_value,                                                     \
		.loop_increment = counter_loop_increment,                                   \
		.loop_value = counter_loop_value,                                           \
		__VA_ARGS__}
