/* SPDX-License-Identifier: MIT */
#include "machine_loops.h"

#include <sched.h>
#include <time.h>

#include "../impl/measure.h"

/* The compiler knows nothing of X's value behind this; costs no instruction. */
#define forget(x) __asm__ volatile("" : "+r"(x))

MEASURED void machine_loop_add(uint64_t ops)
{
	uint64_t sum = 1, step = 3;
	forget(step);
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		sum += step;
		forget(sum);
	}
}

MEASURED void **machine_loop_chase(void **start, uint64_t ops)
{
	void **at = start;
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		at = *at;
		forget(at);
	}
	return at;
}

MEASURED void machine_loop_multiply(uint64_t ops)
{
	uint64_t a = 3, b = 5, c = 7, d = 9, factor = 11;
	forget(factor);
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops / 4; i++) {
		a *= factor;
		b *= factor;
		c *= factor;
		d *= factor;
		forget(a);
		forget(b);
		forget(c);
		forget(d);
	}
}

/* The partner may be waiting for this very CPU. */
static __attribute__((noinline, cold)) bool is_past(uint64_t deadline_ns)
{
	sched_yield();
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec >= deadline_ns;
}

bool machine_ping(uint64_t *turn, uint64_t rounds, uint64_t deadline_ns)
{
	enum { LOOK_EVERY = 4096 }; /* spins between two looks at the clock, so that it stays out of the measurement */
	/* relaxed, here and below: the word carries nothing but itself; only its travel is measured. */
	uint64_t mine = __atomic_load_n(turn, __ATOMIC_RELAXED);
	for (uint64_t i = 0; i < rounds; i++) {
		__atomic_store_n(turn, mine + 1, __ATOMIC_RELAXED);
		for (unsigned spins = 1; __atomic_load_n(turn, __ATOMIC_RELAXED) != mine + 2; spins++)
			if (spins % LOOK_EVERY == 0 && is_past(deadline_ns))
				return false;
		mine += 2;
	}
	return true;
}
