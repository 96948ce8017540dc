// SPDX-License-Identifier: MIT
// What `merge` pools and what the benchmark says of the same values agree, number for number.
#include <cstdio>
#include <vector>

#include "../bench/statistics.h"
extern "C" {
#include "pool.h"
}

/* Values that waver about one place or two; all from the generator that intervals are drawn with. */
static std::vector<double> sample(bench::draws &draws, size_t count, double gap)
{
	std::vector<double> values;
	for (size_t i = 0; i < count; i++)
		values.push_back((1 + 0.02 * draws.uniform()) * (draws.below(3) ? 1 : gap));
	return values;
}

static bool agree(const std::vector<double> &values)
{
	double low, high;
	pool_interval(values.data(), values.size(), &low, &high);
	const bench::interval interval = bench::bootstrap_median(values);
	const std::vector<bench::mode> modes = bench::find_modes(values);
	std::vector<double> sorted = values;
	const size_t split = pool_split(sorted.data(), sorted.size());
	const bool same = low == interval.low && high == interval.high &&
			  pool_median(sorted.data(), sorted.size()) == bench::median(values) &&
			  split == (modes.size() > 1 ? modes[0].count : 0);
	if (!same)
		fprintf(stderr, "FAILED: %zu values: [%g, %g] and [%g, %g], split %zu of %zu modes\n", values.size(), low, high,
			interval.low, interval.high, split, modes.size());
	return same;
}

int main()
{
	bench::draws draws(7);
	bool good = true;
	size_t two = 0;
	for (size_t count = 0; count < 24; count++)
		for (double gap : {1.0, 1.04, 1.3, 6.0}) {
			const std::vector<double> values = sample(draws, count, gap);
			good &= agree(values);
			two += bench::find_modes(values).size() > 1;
		}
	if (two < 5) {
		fprintf(stderr, "FAILED: only %zu samples had two modes\n", two);
		good = false;
	}
	return good ? 0 : 1;
}
