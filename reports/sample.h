/* SPDX-License-Identifier: MIT */
/* What a handful of measured values says. Pure, and safe from any thread: resampling draws from a generator with a fixed seed, so that one
 * result always gives the same intervals, on every machine. */
#ifndef ONCEPROOF_SAMPLE_H
#define ONCEPROOF_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The next of pseudo-random numbers that are the same everywhere: SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom
 * Number Generators", 2014). */
uint64_t sample_draw(uint64_t *state);

/* 0 to COUNT - 1; COUNT is above 0. */
size_t sample_draw_below(uint64_t *state, size_t count);

/* Of COUNT values, which are sorted on the way; 0 for none. */
double sample_median(double *values, size_t count);

/* Confidence interval of the median: two of the sorted VALUES, which hold it between them in at least 95 of 100 samples, whatever they are
 * distributed like (W. Thompson, "On Confidence Ranges for the Median", 1936). A percentile bootstrap of seven values holds it in 87 of 100.
 * VALUES are independent of one another: one per process, not one per repetition. Both 0 for fewer than SAMPLE_INTERVAL_LEAST (of five
 * values even the least and the greatest hold the median between them in only 15 of 16 samples), and where memory is short. */
enum { SAMPLE_INTERVAL_LEAST = 6 };
void sample_interval(const double *values, size_t count, double *low, double *high);

/* VALUES are sorted, and may fall apart into two groups with a gap that their own spread does not explain: identical code can run in one of
 * two ways per process (alignment, store forwarding). How many are in the lower group; 0: there is one group. Fewer than a fifth of them,
 * or one, is no group. */
size_t sample_split(double *values, size_t count);

#ifdef __cplusplus
}
#endif
#endif
