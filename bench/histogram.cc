// SPDX-License-Identifier: MIT
#include "histogram.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <new>

#include "bench.h"

namespace bench
{

histogram::histogram() : counts_(BUCKETS)
{
}

void histogram::merge(const histogram &other) noexcept
{
	for (size_t i = 0; i < counts_.size(); i++)
		counts_[i] += other.counts_[i];
	sum_ += other.sum_;
	max_ = std::max(max_, other.max_);
}

uint64_t histogram::count() const
{
	uint64_t count = 0;
	for (uint64_t each : counts_)
		count += each;
	return count;
}

uint64_t histogram::upper_of(size_t index) noexcept
{
	const size_t exact = size_t{1} << (PRECISION_BITS + 1);
	if (index < exact)
		return index;
	const unsigned shift = static_cast<unsigned>(index >> PRECISION_BITS) - 1;
	const uint64_t first = (index & ((size_t{1} << PRECISION_BITS) - 1)) + (uint64_t{1} << PRECISION_BITS);
	return ((first + 1) << shift) - 1;
}

buckets histogram::filled() const
{
	buckets found;
	for (size_t i = 0; i < counts_.size(); i++)
		if (counts_[i])
			found.emplace_back(static_cast<double>(upper_of(i)), counts_[i]);
	return found;
}

/* What the values of the bucket with that upper end are taken for when they are weighed: its middle. */
static double middle_of(double upper)
{
	const uint64_t last = static_cast<uint64_t>(upper);
	const size_t index = histogram::index_of(last);
	const uint64_t before = index ? histogram::upper_of(index - 1) : 0;
	return index ? (static_cast<double>(before + 1) + upper) / 2 : 0;
}

/* The upper end of the bucket in which the running sum of WEIGHT(bucket) reaches SHARE of the whole. */
template <typename Weight> static double reached(const buckets &filled, double share, Weight weight)
{
	double whole = 0, sum = 0;
	for (const auto &bucket : filled)
		whole += weight(bucket);
	/* Less than one operation's weight of rounding may not ask for the next one. */
	const double wanted = share * whole * (1 - 1e-12);
	for (const auto &bucket : filled) {
		sum += weight(bucket);
		if (sum >= wanted && sum > 0)
			return bucket.first;
	}
	return filled.empty() ? 0 : filled.back().first;
}

double at_share(const buckets &filled, double share)
{
	return reached(filled, share, [](const auto &bucket) { return static_cast<double>(bucket.second); });
}

double at_time(const buckets &filled, double share)
{
	return reached(
		filled, share, [](const auto &bucket) { return static_cast<double>(bucket.second) * middle_of(bucket.first); });
}

double smooth_median(const buckets &filled)
{
	double whole = 0, sum = 0;
	for (const auto &bucket : filled)
		whole += static_cast<double>(bucket.second);
	for (const auto &bucket : filled) {
		const double here = static_cast<double>(bucket.second);
		if (sum + here >= whole / 2) {
			/* A whole number of ns stands for what is at most half a ns away. */
			const double width = 2 * (bucket.first - middle_of(bucket.first)) + 1;
			return std::max(0.0, bucket.first + 0.5 - width * (1 - (whole / 2 - sum) / here));
		}
		sum += here;
	}
	return 0;
}

buckets merged(const buckets &a, const buckets &b)
{
	std::map<double, uint64_t> sums(a.begin(), a.end());
	for (const auto &bucket : b)
		sums[bucket.first] += bucket.second;
	return buckets(sums.begin(), sums.end());
}

/* The percentiles that are told of, by their names in results. No percentile is above the largest value. */
static std::vector<std::pair<std::string, double>> percentiles(const buckets &filled, double max)
{
	std::vector<std::pair<std::string, double>> told;
	const std::pair<const char *, double> shares[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
	for (const auto &each : shares)
		told.emplace_back(each.first, std::min(max, at_share(filled, each.second)));
	told.emplace_back("max", max);
	told.emplace_back("time_p50", std::min(max, at_time(filled, 0.5)));
	return told;
}

std::vector<std::pair<std::string, double>> percentile_counters(const histogram &seen)
{
	return percentiles(seen.filled(), static_cast<double>(seen.max()));
}

json_t *distribution_json(const std::string &row, const std::vector<measurement> &repetitions)
{
	buckets all;
	double max = 0;
	for (const measurement &one : repetitions) {
		all = merged(all, one.buckets);
		for (const auto &counter : one.counters)
			if (counter.first == "max" && !one.buckets.empty())
				max = std::max(max, counter.second);
	}
	if (all.empty())
		return nullptr;
	if (max == 0) /* a row that does not say it: as exact as its last bucket */
		max = all.back().first;
	uint64_t count = 0;
	json_t *list = json_array();
	for (const auto &bucket : all) {
		count += bucket.second;
		json_array_append_new(list, json_pack("[f, I]", bucket.first, static_cast<json_int_t>(bucket.second)));
	}
	json_t *told = json_pack("{s:s, s:s, s:I}", "name", row.c_str(), "unit", "ns", "count", static_cast<json_int_t>(count));
	if (!told || !list) {
		json_decref(list);
		json_decref(told);
		throw std::bad_alloc();
	}
	for (const auto &each : percentiles(all, max))
		json_object_set_new(told, each.first.c_str(), json_real(each.second));
	json_object_set_new(told, "buckets", list);
	return told;
}

} // namespace bench
