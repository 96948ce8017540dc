/* SPDX-License-Identifier: MIT */
/* Statistics of benchmark results. Functions are pure and deterministic: resampling draws from a generator with a fixed seed, so that
 * one result file always gives the same intervals. All are safe from any thread. */
#ifndef ONCEPROOF_BENCH_STATISTICS_H
#define ONCEPROOF_BENCH_STATISTICS_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../reports/sample.h"

namespace bench
{

/* 0 for no values. */
double median(std::vector<double> values);
double smallest(const std::vector<double> &values);
double largest(const std::vector<double> &values);

struct interval {
	double low, high;
};

/* Pseudo-random numbers that are the same on every machine and with every standard library. */
class draws
{
      public:
	explicit draws(uint64_t seed) : state_(seed)
	{
	}
	uint64_t next();
	size_t below(size_t n); /* 0 .. N - 1, N > 0 */
	double uniform();       /* above 0, below 1 */

      private:
	uint64_t state_;
};

/* The middle CONFIDENCE of resampled values; there must be some. */
interval percentiles(std::vector<double> resampled, double confidence);

/* 95 % confidence interval of the median: sample_interval() in ../reports/sample.h. {0, 0} for fewer than INTERVAL_LEAST values. */
enum { INTERVAL_LEAST = SAMPLE_INTERVAL_LEAST };
interval median_interval(const std::vector<double> &values);

/* A cluster of values: identical code can run in one of two ways per process (alignment, store forwarding). */
struct mode {
	double centre; /* median of its values */
	size_t count;
};

/* One mode, or two where the values fall apart (sample_split() in ../reports/sample.h), in ascending order. VALUES are one per process.
 * Empty for no values. */
std::vector<mode> find_modes(std::vector<double> values);

/* Two-sided p value of the Mann-Whitney U test (1947) that A and B come from one distribution: exact without ties up to 40 values in
 * all, else normal with tie correction. 1 for an empty side. */
double mann_whitney(const std::vector<double> &a, const std::vector<double> &b);

/* The two-sided p values of the same test for sides of N and M values without ties (exact up to 40 in all): element U is the p value of the
 * smaller of the two U statistics being U. Element 0 is the smallest p value that these numbers of values can give. */
std::vector<double> mann_whitney_table(size_t n, size_t m);

/* The p values of one family of tests, adjusted so that comparing each with alpha keeps the chance of even one false alarm among all of
 * them below alpha (S. Holm, 1979). Same order as given. */
std::vector<double> holm(const std::vector<double> &p);

} // namespace bench
#endif
