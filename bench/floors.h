/* SPDX-License-Identifier: MIT */
/* Floors: what the machine asks for the least instruction that could do the job. Compiled like the implementations, so that a ratio
 * to a floor compares two loops of the same compiler in the same run. */
#ifndef ONCEPROOF_BENCH_FLOORS_H
#define ONCEPROOF_BENCH_FLOORS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Give it a cache line of its own. */
struct floor_cell {
	void *pointer;  /* floor/load_branch: read by all, written before the window */
	uint64_t count; /* floor/lock_xadd: added to by all. floor/store: written by its owner alone */
};

/* Measured loops; OPS is a multiple of 64. */
void floor_loop_load_branch(
	struct floor_cell *cell, uint64_t ops); /* acquire load, predicted branch: a get that finds its instance */
void floor_loop_lock_xadd(struct floor_cell *cell, uint64_t ops); /* fetch_add */
void floor_loop_store(struct floor_cell *cell, uint64_t ops);     /* release store of a count kept in a register */

/* The two sides of a ping-pong over *TURN, which starts even. ping makes it odd, ROUNDS times, and waits each time until it is even again;
 * pong makes every odd number even, until *TURN is UINT64_MAX. */
void floor_ping(uint64_t *turn, uint64_t rounds);
void floor_pong(uint64_t *turn);
enum { FLOOR_PING_ROUNDS = 256 };

/* Real computation of ITERATIONS dependent multiplications. */
uint64_t floor_burn(uint64_t iterations);

/* "gcc 12.2.0": the C compiler. */
const char *floor_compiler(void);

#ifdef __cplusplus
}
#endif
#endif
