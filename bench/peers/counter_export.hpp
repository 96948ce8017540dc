/* SPDX-License-Identifier: MIT */
/* impl/counter/counter_export.h for a peer in C++: the same measured loops in the peer's translation unit, under the same symbols, and
 * COUNTER_PEER, which describes the peer with a body of assignments to `made`. Included behind PEER_END; one file, one use. */
#include "../../impl/counter/counter.h"
#include "../../impl/measure.h"

namespace peer
{
namespace
{

/* The contract's types are incomplete; here they are the file's. */
inline counter *own(::counter *c)
{
	return reinterpret_cast<counter *>(c);
}
inline counter_seat *own(::counter_seat *seat)
{
	return reinterpret_cast<counter_seat *>(seat);
}

int contract_open(::counter *c)
{
	return counter_open(own(c));
}
void contract_close(::counter *c)
{
	counter_close(own(c));
}
int contract_join(::counter *c, ::counter_seat *seat)
{
	return counter_join(own(c), own(seat));
}
void contract_leave(::counter *c, ::counter_seat *seat)
{
	counter_leave(own(c), own(seat));
}
uint64_t contract_increment(::counter *c, ::counter_seat *seat)
{
	return counter_increment(own(c), own(seat));
}
uint64_t contract_value(::counter *c)
{
	return counter_value(own(c));
}

void loop_increment(::counter *c, ::counter_seat *seat, uint64_t ops) __asm__("counter_loop_increment");
MEASURED void loop_increment(::counter *c, ::counter_seat *seat, uint64_t ops)
{
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++)
		measure_keep(counter_increment(own(c), own(seat)));
}

uint64_t increment_call(::counter *c, ::counter_seat *seat) __asm__("counter_increment_call");
MEASURED MEASURE_PLACED uint64_t increment_call(::counter *c, ::counter_seat *seat)
{
	uint64_t step = counter_increment(own(c), own(seat));
	measure_keep(step);
	return step;
}

void loop_increment_call(::counter *c, ::counter_seat *seat, uint64_t ops) __asm__("counter_loop_increment_call");
MEASURED MEASURE_PLACED void loop_increment_call(::counter *c, ::counter_seat *seat, uint64_t ops)
{
	for (uint64_t i = 0; i < ops; i++)
		measure_keep(increment_call(c, seat));
}

uint64_t loop_read_every_100(::counter *c, ::counter_seat *seat, uint64_t rounds) __asm__("counter_loop_read_every_100");
MEASURED uint64_t loop_read_every_100(::counter *c, ::counter_seat *seat, uint64_t rounds)
{
	uint64_t last = 0;
	for (uint64_t round = 0; round < rounds; round++) {
		MEASURE_UNROLL_BY(20)
		for (int i = 0; i < 100; i++)
			measure_keep(counter_increment(own(c), own(seat)));
		last = counter_value(own(c));
		measure_keep(last);
	}
	return last;
}

uint64_t loop_value(::counter *c, uint64_t ops) __asm__("counter_loop_value");
MEASURED uint64_t loop_value(::counter *c, uint64_t ops)
{
	uint64_t last = 0;
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		last = counter_value(own(c));
		measure_keep(last);
	}
	return last;
}

constexpr counter_implementation described(const char *name)
{
	counter_implementation made = {};
	made.about.family = FAMILY_COUNTER;
	made.about.name = name;
	made.counter_bytes = sizeof(counter);
	made.counter_align = alignof(counter);
	made.seat_bytes = sizeof(counter_seat);
	made.seat_align = alignof(counter_seat);
	made.open = contract_open;
	made.close = contract_close;
	made.join = contract_join;
	made.leave = contract_leave;
	made.increment = contract_increment;
	made.value = contract_value;
	made.loop_increment = loop_increment;
	made.loop_increment_call = loop_increment_call;
	made.loop_read_every_100 = loop_read_every_100;
	made.loop_value = loop_value;
	return made;
}

} // namespace
} // namespace peer

#define COUNTER_PEER(id, ...)                                       \
	extern "C" const counter_implementation counter_##id;       \
	constexpr counter_implementation counter_##id = [] {        \
		counter_implementation made = peer::described(#id); \
		__VA_ARGS__;                                        \
		return made;                                        \
	}()
