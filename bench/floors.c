/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "../impl/contract.h"
#include "../impl/measure.h"
#include "../reports/result.h"
#include "floors.h"

/* Where a get would load. Never reached in a window. */
static __attribute__((noinline, cold)) void *load_slowly(struct floor_cell *cell)
{
	__atomic_store_n(&cell->pointer, cell, __ATOMIC_RELEASE);
	return cell;
}

MEASURED void floor_loop_load_branch(struct floor_cell *cell, uint64_t ops)
{
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		/* acquire: what a get needs to see the instance whole; on x86 a plain load. */
		void *pointer = __atomic_load_n(&cell->pointer, __ATOMIC_ACQUIRE);
		if (__builtin_expect(pointer == NULL, 0))
			pointer = load_slowly(cell);
		measure_keep(pointer);
	}
}

MEASURED void floor_loop_lock_xadd(struct floor_cell *cell, uint64_t ops)
{
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++)
		/* relaxed: the cheapest order that still loses nothing. */
		measure_keep(__atomic_fetch_add(&cell->count, 1, __ATOMIC_RELAXED));
}

MEASURED void floor_loop_store(struct floor_cell *cell, uint64_t ops)
{
	/* relaxed: only this thread writes the word. */
	uint64_t own = __atomic_load_n(&cell->count, __ATOMIC_RELAXED);
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		/* release: what a reader needs to see the counted work; on x86 a plain store. */
		__atomic_store_n(&cell->count, ++own, __ATOMIC_RELEASE);
		measure_keep(own);
	}
}

/* Odd turns are pong's. */
void floor_ping(uint64_t *turn, uint64_t rounds)
{
	/* relaxed, here and below: the word carries nothing but itself; only its travel is measured. */
	uint64_t mine = __atomic_load_n(turn, __ATOMIC_RELAXED);
	for (uint64_t i = 0; i < rounds; i++) {
		__atomic_store_n(turn, mine + 1, __ATOMIC_RELAXED);
		while (__atomic_load_n(turn, __ATOMIC_RELAXED) != mine + 2)
			;
		mine += 2;
	}
}

void floor_pong(uint64_t *turn)
{
	for (;;) {
		uint64_t seen = __atomic_load_n(turn, __ATOMIC_RELAXED);
		if (seen == UINT64_MAX)
			return;
		if (seen & 1)
			__atomic_store_n(turn, seen + 1, __ATOMIC_RELAXED);
	}
}

uint64_t floor_burn(uint64_t iterations)
{
	uint64_t x = 88172645463325252u;
	for (uint64_t i = 0; i < iterations; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		measure_keep(x);
	}
	return x;
}

const char *floor_compiler(void)
{
	return compiler_name();
}
