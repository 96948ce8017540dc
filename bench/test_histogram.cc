// SPDX-License-Identifier: MIT
// Histograms against the raw values that went into them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "bench.h"
#include "histogram.h"

using bench::histogram;

static int failed;

static void need(bool ok, const char *what, double got = 0, double wanted = 0)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s: %.17g, wanted %.17g\n", what, got, wanted);
	failed = 1;
}

/* Nanoseconds as they come: most short, some up to minutes. */
static std::vector<uint64_t> drawn(size_t count, unsigned seed)
{
	std::mt19937_64 random(seed);
	std::vector<uint64_t> values;
	for (size_t i = 0; i < count; i++)
		values.push_back(random() >> (24 + random() % 40)); /* below 2^40 */
	return values;
}

static histogram recorded(const std::vector<uint64_t> &values)
{
	histogram made;
	for (uint64_t value : values)
		made.record(value);
	return made;
}

/* The smallest of the sorted VALUES that at least SHARE of them do not exceed. */
static double exact(const std::vector<uint64_t> &sorted, double share)
{
	const size_t rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size()) * (1 - 1e-12)));
	return static_cast<double>(sorted[std::max<size_t>(rank, 1) - 1]);
}

/* Never below, and at most 1/128 above. */
static void need_near(double got, double wanted, const char *what)
{
	need(got >= wanted && got <= wanted * (1 + 1.0 / 128), what, got, wanted);
	need(wanted >= 256 || got == wanted, "small values are exact", got, wanted);
}

static void every_value_is_in_its_bucket()
{
	size_t former = 0;
	for (uint64_t value = 0; value < 100000; value++) {
		const size_t index = histogram::index_of(value);
		need(index == former || index == former + 1, "buckets follow one another", static_cast<double>(index));
		need(histogram::upper_of(index) >= value, "not above its bucket's end", static_cast<double>(value));
		need(index == 0 || histogram::upper_of(index - 1) < value, "not in the bucket before",
			static_cast<double>(value));
		former = index;
	}
	for (uint64_t value : drawn(100000, 1)) {
		const size_t index = histogram::index_of(value);
		need_near(static_cast<double>(histogram::upper_of(index)), static_cast<double>(value), "a bucket's end");
		need(index == 0 || histogram::upper_of(index - 1) < value, "in no bucket before", static_cast<double>(value));
	}
}

static void percentiles_are_those_of_the_values()
{
	for (size_t count : {1u, 2u, 3u, 10u, 999u, 1000u, 1001u, 50000u}) {
		std::vector<uint64_t> values = drawn(count, static_cast<unsigned>(count));
		const histogram seen = recorded(values);
		const bench::buckets filled = seen.filled();
		std::sort(values.begin(), values.end());
		uint64_t sum = 0;
		for (uint64_t value : values)
			sum += value;
		need(seen.count() == count && seen.sum() == sum && seen.max() == values.back(), "count, sum and largest");
		need(std::is_sorted(filled.begin(), filled.end()), "ascending");
		for (double share : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0})
			need_near(bench::at_share(filled, share), exact(values, share), "percentile");
	}
	need(bench::at_share({}, 0.5) == 0 && bench::at_time({}, 0.5) == 0 && bench::smooth_median({}) == 0, "of nothing");
}

/* 999 operations of 1 us and one of 999 us: the mean moment meets the one as often as the others. */
static void time_weighs_long_operations()
{
	histogram seen;
	for (int i = 0; i < 999; i++)
		seen.record(1000);
	seen.record(999001);
	const bench::buckets filled = seen.filled();
	need_near(bench::at_share(filled, 0.999), 1000, "operations");
	need_near(bench::at_share(filled, 0.9995), 999001, "the last operation");
	need_near(bench::at_time(filled, 0.49), 1000, "time before");
	need_near(bench::at_time(filled, 0.51), 999001, "time in the long one");
}

static void medians_move_smoothly()
{
	/* One bucket per ns: 20 ns stands for 19.5 to 20.5. */
	need(std::fabs(bench::smooth_median({{20, 100}}) - 20) < 1e-9, "all in one", bench::smooth_median({{20, 100}}), 20);
	need(std::fabs(bench::smooth_median({{20, 100}, {21, 100}}) - 20.5) < 1e-9, "half and half",
		bench::smooth_median({{20, 100}, {21, 100}}), 20.5);
	need(std::fabs(bench::smooth_median({{20, 100}, {21, 300}}) - (20.5 + 1.0 / 3)) < 1e-9, "a third in",
		bench::smooth_median({{20, 100}, {21, 300}}), 20.5 + 1.0 / 3);
	histogram wide;
	wide.record(100000);
	const double median = bench::smooth_median(wide.filled());
	need(std::fabs(median - 100000) <= 100000 / 128.0, "a wide bucket", median, 100000);
	need(bench::smooth_median({{0, 5}}) >= 0, "not below nothing");
}

static void merging_is_recording_both()
{
	std::vector<uint64_t> a = drawn(3000, 7), b = drawn(500, 8), both = a;
	both.insert(both.end(), b.begin(), b.end());
	histogram sum = recorded(a);
	const bench::buckets apart = bench::merged(sum.filled(), recorded(b).filled());
	sum.merge(recorded(b));
	const histogram once = recorded(both);
	need(sum.filled() == once.filled() && apart == once.filled(), "the same buckets");
	need(sum.count() == 3500 && sum.sum() == once.sum() && sum.max() == once.max(), "count, sum and largest of both");
	histogram other = recorded(b);
	other.merge(recorded(a));
	need(other.max() == once.max() && other.filled() == once.filled(), "whichever comes first");
	sum.merge(histogram());
	need(sum.filled() == once.filled() && sum.max() == once.max(), "nothing adds nothing");
}

static void what_is_beyond_is_kept()
{
	const uint64_t limit = uint64_t{1} << histogram::RANGE_BITS;
	histogram seen;
	for (uint64_t value : {limit - 1, limit, 3 * limit, UINT64_MAX})
		seen.record(value);
	need(seen.count() == 4 && seen.max() == UINT64_MAX, "counted, and the largest known");
	const bench::buckets filled = seen.filled();
	need(filled.size() == 1 && filled[0].first == static_cast<double>(limit - 1) && filled[0].second == 4,
		"in the last bucket");
}

/* A row's distribution over all processes, out of the repetitions. */
static void repetitions_make_one_distribution()
{
	std::vector<uint64_t> values;
	std::vector<bench::measurement> repetitions;
	for (unsigned process = 0; process < 3; process++) {
		const std::vector<uint64_t> here = drawn(2000, 20 + process);
		const histogram seen = recorded(here);
		bench::measurement one;
		one.buckets = seen.filled();
		one.counters = bench::percentile_counters(seen);
		repetitions.push_back(one);
		values.insert(values.end(), here.begin(), here.end());
	}
	std::sort(values.begin(), values.end());
	json_t *told = bench::distribution_json("counter/x/increment_latency/threads:2", repetitions);
	auto number = [&](const char *key) { return json_number_value(json_object_get(told, key)); };
	need(std::string(json_string_value(json_object_get(told, "name"))) == "counter/x/increment_latency/threads:2", "name");
	need(std::string(json_string_value(json_object_get(told, "unit"))) == "ns", "unit");
	need(number("count") == 6000, "count", number("count"), 6000);
	need_near(number("p50"), exact(values, 0.5), "p50");
	need_near(number("p90"), exact(values, 0.9), "p90");
	need_near(number("p99"), exact(values, 0.99), "p99");
	need_near(number("p999"), exact(values, 0.999), "p999");
	need(number("max") == static_cast<double>(values.back()), "the exact maximum", number("max"));
	double sum = 0;
	size_t i;
	json_t *bucket;
	json_array_foreach(json_object_get(told, "buckets"), i, bucket)
		sum += json_number_value(json_array_get(bucket, 1));
	need(sum == 6000, "the buckets' sum", sum, 6000);
	json_decref(told);
	need(bench::distribution_json("x", {bench::measurement()}) == nullptr, "a row without one");
}

/* No percentile is above the largest value, though its bucket's end is. */
static void percentiles_end_at_the_largest()
{
	histogram seen;
	seen.record(100001);
	for (const auto &each : bench::percentile_counters(seen))
		need(each.second == 100001, each.first.c_str(), each.second, 100001);
}

int main()
{
	every_value_is_in_its_bucket();
	percentiles_are_those_of_the_values();
	time_weighs_long_operations();
	medians_move_smoothly();
	merging_is_recording_both();
	what_is_beyond_is_kept();
	repetitions_make_one_distribution();
	percentiles_end_at_the_largest();
	if (!failed)
		puts("percentiles are those of the values, within a 128th");
	return failed;
}
