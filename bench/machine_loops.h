/* SPDX-License-Identifier: MIT */
/* Loops that measure the machine itself. Compiled as C with the floors' means: functions of their own, unrolled, nothing else inside. */
#ifndef ONCEPROOF_BENCH_MACHINE_LOOPS_H
#define ONCEPROOF_BENCH_MACHINE_LOOPS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* OPS dependent additions of two registers, a multiple of 64: one cycle each on every processor that this is likely to meet. Additions of
 * a constant are no clock: some processors do them while renaming registers, in no time at all. */
void machine_loop_add(uint64_t ops);

/* Follows OPS pointers, each read from where the last one pointed; a multiple of 64. Where it arrived. */
void **machine_loop_chase(void **start, uint64_t ops);

/* OPS multiplications in four independent chains, a multiple of 64: as many as the core's multiplier takes. */
void machine_loop_multiply(uint64_t ops);

/* Like floor_ping, but a wait that is not over when CLOCK_MONOTONIC is at DEADLINE_NS ends it: false. */
bool machine_ping(uint64_t *turn, uint64_t rounds, uint64_t deadline_ns);

#ifdef __cplusplus
}
#endif
#endif
