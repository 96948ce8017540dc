/* SPDX-License-Identifier: MIT */
/* Statistics of benchmark results. Functions are pure and deterministic: resampling draws from a generator with a fixed seed, so that
 * one result file always gives the same intervals. All are safe from any thread. */
#ifndef ONCEPROOF_BENCH_STATISTICS_H
#define ONCEPROOF_BENCH_STATISTICS_H

#include <cstddef>
#include <vector>

namespace bench
{

/* 0 for no values. */
double median(std::vector<double> values);
double smallest(const std::vector<double> &values);
double largest(const std::vector<double> &values);

struct interval {
	double low, high;
};

/* Confidence interval of the median by the percentile bootstrap (B. Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979).
 * VALUES are independent of one another: one per process, not one per repetition. {0, 0} for fewer than three. */
interval bootstrap_median(const std::vector<double> &values, double confidence = 0.95);

/* A cluster of values: identical code can run in one of two ways per process (alignment, store forwarding). */
struct mode {
	double centre; /* median of its values */
	size_t count;
};

/* One mode, or two where the values fall apart into two groups with a gap that their own spread does not explain; in ascending order.
 * Empty for no values. */
std::vector<mode> find_modes(std::vector<double> values);

/* Two-sided p value of the Mann-Whitney U test (1947) that A and B come from one distribution: exact without ties up to 40 values in
 * all, else normal with tie correction. 1 for an empty side. */
double mann_whitney(const std::vector<double> &a, const std::vector<double> &b);

/* The p values of one family of tests, adjusted so that comparing each with alpha keeps the chance of even one false alarm among all of
 * them below alpha (S. Holm, 1979). Same order as given. */
std::vector<double> holm(const std::vector<double> &p);

} // namespace bench
#endif
