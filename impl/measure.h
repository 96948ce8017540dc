/* SPDX-License-Identifier: MIT */
/* Pieces of the measured loops that the families' export headers generate. */
#ifndef ONCEPROOF_IMPL_MEASURE_H
#define ONCEPROOF_IMPL_MEASURE_H

/* Loops are functions of their own, with their own symbol, so that a test can read their disassembly. flatten: whatever they do is
 * inlined, also where the compiler finds it large, so that no call is measured beside the operation. */
#if defined(__clang__)
#define MEASURED __attribute__((noinline, used, flatten))
#define MEASURE_PRAGMA(words) _Pragma(#words)
#define MEASURE_UNROLL_BY(times) MEASURE_PRAGMA(clang loop unroll_count(times))
#else
#define MEASURED __attribute__((noipa, used, flatten))
#define MEASURE_PRAGMA(words) _Pragma(#words)
#define MEASURE_UNROLL_BY(times) MEASURE_PRAGMA(GCC unroll times)
#endif
#define MEASURE_UNROLL MEASURE_UNROLL_BY(64)

/* Where a loop is compared with the same loop around another operation, both begin at the same place of a line of code. */
#define MEASURE_PLACED __attribute__((aligned(64)))

/* The compiler may neither drop X nor move memory accesses across this point; costs no instruction. */
#define measure_keep(x) __asm__ volatile("" : : "r"(x) : "memory")

#endif
