/* SPDX-License-Identifier: MIT */
/* Pieces of the measured loops that the families' export headers generate. */
#ifndef ONCEPROOF_IMPL_MEASURE_H
#define ONCEPROOF_IMPL_MEASURE_H

/* Loops are functions of their own, with their own symbol, so that a test can read their disassembly. flatten: whatever they do is
 * inlined, also where the compiler finds it large, so that no call is measured beside the operation. */
#if defined(__clang__)
#define MEASURED __attribute__((noinline, used, flatten))
#define MEASURE_UNROLL _Pragma("clang loop unroll_count(64)")
#else
#define MEASURED __attribute__((noipa, used, flatten))
#define MEASURE_UNROLL _Pragma("GCC unroll 64")
#endif

/* The compiler may neither drop X nor move memory accesses across this point; costs no instruction. */
#define measure_keep(x) __asm__ volatile("" : : "r"(x) : "memory")

#endif
