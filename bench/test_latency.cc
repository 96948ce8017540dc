// SPDX-License-Identifier: MIT
// The rows that time single operations: everything that was done is in their buckets, and what they say of it agrees. The times decide
// nothing here.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench.h"
#include "histogram.h"

static int failed;

static void need(bool ok, const std::string &what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s\n", what.c_str());
	failed = 1;
}

static bool counter(const bench::measurement &one, const char *name, double *value)
{
	for (const auto &each : one.counters)
		if (each.first == name) {
			*value = each.second;
			return true;
		}
	return false;
}

static uint64_t counted(const bench::buckets &filled)
{
	uint64_t sum = 0;
	for (const auto &bucket : filled)
		sum += bucket.second;
	return sum;
}

static void check_distribution(const bench::row &row, const bench::measurement &one)
{
	need(one.broken.empty(), row.name + ": " + one.broken);
	need(one.ops > 0 && counted(one.buckets) == one.ops, row.name + ": the buckets' sum is not the operations");
	need(std::is_sorted(one.buckets.begin(), one.buckets.end()), row.name + ": buckets ascend");
	double last = 0;
	for (const char *name : {"p50", "p90", "p99", "p999", "max"}) {
		double value = -1;
		need(counter(one, name, &value) && value >= last, row.name + ": " + name);
		last = value;
	}
	need(one.buckets.empty() || last <= one.buckets.back().first, row.name + ": the largest is in the last bucket");
	double clock = 0;
	need(row.name.compare(0, 6, "floor/") == 0 || (counter(one, "clock_ns", &clock) && clock > 0), row.name + ": clock_ns");
}

static void check_increment(const bench::row &row, const bench::measurement &one)
{
	double lost = 0, mean = 0, longest = 0, share = 0;
	need(counter(one, "lost", &lost), row.name + ": lost");
	/* atomic gives steps; sharded_store does not. */
	const bool steps = row.name.find("/atomic/") != std::string::npos;
	need(counter(one, "mean_streak", &mean) == (steps && row.threads > 1), row.name + ": mean_streak");
	need(counter(one, "slowest_share", &share) == (row.threads > 1), row.name + ": slowest_share");
	if (row.threads > 1)
		need(share >= 0 && share <= 1, row.name + ": the slowest thread does no more than the mean one");
	if (steps && row.threads > 1) {
		need(counter(one, "longest_streak", &longest) && longest >= mean && mean >= 1, row.name + ": streaks");
		need(longest <= static_cast<double>(one.ops), row.name + ": a streak of more than there were");
	}
}

static void check_first_use(const bench::row &row, const bench::measurement &one)
{
	double extra = 0, late = 0;
	need(counter(one, "extra_loads", &extra) && extra == 0, row.name + ": extra_loads");
	need(counter(one, "late_share", &late) && late >= 0 && late < 1, row.name + ": late_share");
	/* The thread that loads is never late, and each storm has one. */
	const double storms = std::round(static_cast<double>(one.ops) / (1 - late)) / row.threads;
	need(std::fabs(storms - std::round(storms)) < 1e-3 && storms >= 1 && storms <= static_cast<double>(one.ops),
		row.name + ": a get of each thread in each storm");
	need(row.threads > 1 || late == 0, row.name + ": alone, and late");
}

/* Measures the rows called NAME (any number of threads). */
static void measure(
	std::vector<bench::row> &rows, const std::string &name, void (*check)(const bench::row &, const bench::measurement &))
{
	size_t found = 0;
	for (bench::row &row : rows)
		if (row.name.compare(0, name.size() + 1, name + "/") == 0) {
			found++;
			const bench::measurement one = row.measure(row, 0.002);
			check_distribution(row, one);
			if (check)
				check(row, one);
		}
	need(found == 3, name + ": rows of 1, 2 and 5 threads");
}

static void rows_are_those_of_the_plan(const std::vector<bench::row> &rows)
{
	const unsigned cores = bench::this_machine().cores;
	for (const bench::row &row : rows) {
		const bool asked = row.threads == cores || row.threads == 4 * cores;
		const bool few =
			row.name.find("/atomic/") != std::string::npos || row.name.find("/nothing/") != std::string::npos;
		need(!asked || !few || row.tier == bench::TIER_QUICK, row.name + ": in a quick run");
		need(asked || row.tier == bench::TIER_FULL, row.name + ": in a full run only");
		if (row.name.find("/eager/") != std::string::npos)
			need(row.skipped.find("before main") != std::string::npos, row.name + ": skipped, with a reason");
	}
}

int main()
{
	std::vector<bench::row> rows;
	bench::plan plan;
	plan.threads = {1, 2, 5};
	bench::add_latency_rows(rows, plan);
	rows_are_those_of_the_plan(rows);
	measure(rows, "floor/nothing/increment_latency", nullptr);
	measure(rows, "counter/atomic/increment_latency", check_increment);
	measure(rows, "counter/mutex/increment_latency", nullptr);
	measure(rows, "counter/sharded_store/increment_latency", check_increment);
	measure(rows, "initialiser/mutex/first_use", check_first_use);
	measure(rows, "initialiser/futex/first_use", check_first_use);
	if (!failed)
		puts("what was done is in the buckets");
	return failed;
}
