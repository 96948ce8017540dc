/* SPDX-License-Identifier: MIT */
/* Distributions of single operations' times.
 *
 * What the numbers mean. Each value is the time of one operation as its own thread saw it, with one reading of the clock in it (the
 * row's counter `clock_ns` says what that is). The next operation begins when the former is over. So a stall of 4 ms is one value among
 * millions, however many requests it would have held up had they come at a rate of their own: percentiles are of operations that were
 * made, not of requests that would have come ("coordinated omission", G. Tene). Two things make up for that. The rows read the clock once
 * between two operations and leave no gap, so that the values of a thread add up to its whole window. And at_time() weighs each operation
 * with its time: it is the percentile that a request sees which comes at a random moment.
 */
#ifndef ONCEPROOF_BENCH_HISTOGRAM_H
#define ONCEPROOF_BENCH_HISTOGRAM_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <jansson.h>

namespace bench
{

struct measurement;

/* Buckets in ascending order: {the largest value that falls into it, how many did}. Empty ones are left out. */
using buckets = std::vector<std::pair<double, uint64_t>>;

/* Counts of whole nanoseconds in log-linear buckets, after G. Tene's HdrHistogram: each power of two is cut into 2^PRECISION_BITS buckets
 * of one width, so that a bucket is never wider than 1/128 of its values (two significant digits), and values below 256 are exact. Memory
 * is taken when it is made; recording takes none, and does not branch on what came before. One thread at a time. */
class histogram
{
      public:
	enum : unsigned { PRECISION_BITS = 7, RANGE_BITS = 40 }; /* up to 2^40 ns: 18 minutes */

	histogram();
	void record(uint64_t ns) noexcept
	{
		counts_[index_of(ns)]++;
		sum_ += ns;
		max_ = ns > max_ ? ns : max_;
	}
	/* Adds what OTHER has. */
	void merge(const histogram &other) noexcept;
	uint64_t count() const;
	/* The largest value, and the sum of all, exactly; 0 for none. */
	uint64_t max() const
	{
		return max_;
	}
	uint64_t sum() const
	{
		return sum_;
	}
	/* Values of 2^RANGE_BITS ns and more are in the last bucket. */
	buckets filled() const;

	static size_t index_of(uint64_t ns) noexcept
	{
		if (ns < (uint64_t{1} << (PRECISION_BITS + 1)))
			return ns;
		const unsigned top = 63u - static_cast<unsigned>(__builtin_clzll(ns)); /* ns >= 256, so not 0 */
		if (top >= RANGE_BITS)
			return BUCKETS - 1;
		const unsigned shift = top - PRECISION_BITS;
		return (static_cast<size_t>(shift) << PRECISION_BITS) + (ns >> shift);
	}
	/* The largest value of bucket INDEX. */
	static uint64_t upper_of(size_t index) noexcept;

      private:
	enum : size_t { BUCKETS = (size_t{RANGE_BITS} - PRECISION_BITS + 1) << PRECISION_BITS };
	std::vector<uint64_t> counts_;
	uint64_t sum_ = 0, max_ = 0;
};

/* The value that a share of SHARE (0 to 1) of the operations did not exceed: the upper end of its bucket, at most 1/128 above the operation's
 * own. 0 for no operations. */
double at_share(const buckets &filled, double share);

/* The same with each operation weighed by its time: of all the time that was measured, SHARE was spent in operations that took no longer. */
double at_time(const buckets &filled, double share);

/* The median, with operations spread evenly over the width of their bucket: finer than the clock's ticks, so that ratios do not jump. */
double smooth_median(const buckets &filled);

/* Both together. */
buckets merged(const buckets &a, const buckets &b);

/* The counters of a row that has a distribution: p50, p90, p99, p999, max, time_p50 (at_time). */
std::vector<std::pair<std::string, double>> percentile_counters(const histogram &seen);

/* One object of `distributions[]` (bench.h): the repetitions of a row over all processes; NULL when it has no distribution. A new
 * reference. Throws std::bad_alloc. */
json_t *distribution_json(const std::string &row, const std::vector<measurement> &repetitions);

} // namespace bench
#endif
