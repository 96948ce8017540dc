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

/* What a thread has in hand while it counts in a loop that the compiler sees whole. Here: its seat. An implementation whose thread can
 * keep its count in a variable of its own defines COUNTER_HAND, and these two. */
#ifndef COUNTER_HAND
struct counter_hand {
	struct counter_seat *seat; /* borrowed */
};

static inline struct counter_hand counter_take_in_hand(struct counter_seat *seat)
{
	return (struct counter_hand){seat};
}

static inline uint64_t counter_increment_in_hand(struct counter *c, struct counter_hand *hand)
{
	return counter_increment(c, hand->seat);
}
#endif

MEASURED static void counter_loop_increment(struct counter *c, struct counter_seat *seat, uint64_t ops)
{
	struct counter_hand hand = counter_take_in_hand(seat);
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++)
		measure_keep(counter_increment_in_hand(c, &hand));
}

MEASURED MEASURE_PLACED static uint64_t counter_increment_call(struct counter *c, struct counter_seat *seat)
{
	uint64_t step = counter_increment(c, seat);
	measure_keep(step);
	return step;
}

MEASURED MEASURE_PLACED static void counter_loop_increment_call(struct counter *c, struct counter_seat *seat, uint64_t ops)
{
	for (uint64_t i = 0; i < ops; i++)
		measure_keep(counter_increment_call(c, seat));
}

MEASURED static uint64_t counter_loop_read_every_100(struct counter *c, struct counter_seat *seat, uint64_t rounds)
{
	uint64_t last = 0;
	struct counter_hand hand = counter_take_in_hand(seat);
	for (uint64_t round = 0; round < rounds; round++) {
		MEASURE_UNROLL_BY(20)
		for (int i = 0; i < 100; i++)
			measure_keep(counter_increment_in_hand(c, &hand));
		last = counter_value(c);
		measure_keep(last);
	}
	return last;
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
		.loop_increment_call = counter_loop_increment_call,                         \
		.loop_read_every_100 = counter_loop_read_every_100,                         \
		.loop_value = counter_loop_value,                                           \
		__VA_ARGS__}
