// SPDX-License-Identifier: MIT
// The statistics against published tables, values computed by other programs, and samples from generators with fixed seeds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

#include "statistics.h"

static int failed;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s\n", what);
	failed = 1;
}

static void near(double got, double wanted, double relative, const char *what)
{
	if (std::fabs(got - wanted) <= relative * std::fabs(wanted))
		return;
	fprintf(stderr, "FAILED: %s: %.17g, not %.17g\n", what, got, wanted);
	failed = 1;
}

static std::vector<double> from_to(double first, double last)
{
	std::vector<double> values;
	for (double value = first; value <= last; value++)
		values.push_back(value);
	return values;
}

static void medians()
{
	need(bench::median({}) == 0 && bench::median({3}) == 3 && bench::median({4, 1}) == 2.5 && bench::median({9, 1, 2}) == 2,
		"median");
	need(bench::smallest({3, 1, 2}) == 1 && bench::largest({3, 1, 2}) == 3, "smallest and largest");
}

/* Expected values: scipy.stats.mannwhitneyu of SciPy 1.10.1, method="exact" without ties, method="asymptotic" (with its correction for
 * continuity) for ties and for more than 40 values. */
static void mann_whitney_agrees_with_scipy()
{
	near(bench::mann_whitney({19, 22, 16, 29, 24}, {20, 11, 17, 12}), 0.1111111111111111, 1e-12, "5 and 4 values");
	near(bench::mann_whitney({1, 2, 3}, {4, 5, 6}), 0.1, 1e-12, "3 and 3, apart");
	near(bench::mann_whitney(from_to(1, 10), from_to(11, 20)), 1.082508822446903e-05, 1e-12, "10 and 10, apart");
	near(bench::mann_whitney(from_to(0, 9), from_to(0.5, 9.5)), 0.7393643508194593, 1e-12, "10 and 10, interleaved");
	const std::vector<double> a = {0.1, 2.2, 3.3, 4.4, 9.1, 7.7, 6.2, 5.5, 1.9, 2.8};
	const std::vector<double> b = {3.1, 4.9, 5.8, 8.8, 9.9, 10.4, 11.2, 12.1, 6.6, 7.1};
	near(bench::mann_whitney(a, b), 0.014689644720604474, 1e-12, "10 and 10");
	near(bench::mann_whitney(b, a), 0.014689644720604474, 1e-12, "the other way round");
	near(bench::mann_whitney({1, 2, 2, 3, 3, 3, 4, 5}, {2, 3, 4, 4, 5, 6, 6, 7}), 0.04859743569452557, 1e-9, "ties");
	near(bench::mann_whitney({1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 2, 2, 2, 2, 2, 2}, {1.5, 1.5, 1.5, 2, 2, 2, 2, 2, 2, 2, 2, 2}),
		0.22863528529128096, 1e-9, "many ties");
	near(bench::mann_whitney(from_to(0, 24), from_to(3.5, 27.5)), 0.11603618751300343, 1e-9, "50 values");
	need(bench::mann_whitney({}, {1}) == 1 && bench::mann_whitney({1}, {}) == 1, "an empty side");
	need(bench::mann_whitney({2, 2, 2}, {2, 2, 2, 2}) == 1, "equal values");
}

/* The largest U that is significant, two-sided, at 0.05 and at 0.01: the table in H. B. Mann, D. R. Whitney (1947) continued by
 * D. Auble, "Extended Tables for the Mann-Whitney Statistic" (1953), as reprinted in S. Siegel, "Nonparametric Statistics" (1956). */
static void mann_whitney_agrees_with_the_tables()
{
	static const struct {
		size_t n, m, at_5, at_1;
	} table[] = {{5, 5, 2, 0}, {6, 8, 8, 4}, {8, 8, 13, 7}, {10, 10, 23, 16}, {12, 15, 49, 37}, {20, 20, 127, 105}};
	for (const auto &row : table) {
		const std::vector<double> p = bench::mann_whitney_table(row.n, row.m);
		need(p.size() == row.n * row.m / 2 + 1, "size of the table");
		need(p[row.at_5] <= 0.05 && p[row.at_5 + 1] > 0.05, "critical U at 0.05");
		need(p[row.at_1] <= 0.01 && p[row.at_1 + 1] > 0.01, "critical U at 0.01");
		need(std::is_sorted(p.begin(), p.end()) && p.back() <= 1, "p rises with U");
	}
	near(bench::mann_whitney_table(20, 20)[0], 2 / 137846528820.0, 1e-12, "one way of all");
}

static void holm_is_holms()
{
	/* By hand: 0.01 * 4, 0.02 * 3 = 0.06, 0.03 * 2 = 0.06, 0.04. */
	const std::vector<double> got = bench::holm({0.04, 0.01, 0.03, 0.02}), wanted = {0.06, 0.04, 0.06, 0.06};
	for (size_t i = 0; i < wanted.size(); i++)
		near(got[i], wanted[i], 1e-12, "holm");
	need(bench::holm({}).empty() && bench::holm({0.7, 0.6})[0] == 1, "holm at its ends");
}

static double normal(bench::draws &draws)
{
	return std::sqrt(-2 * std::log(draws.uniform())) * std::cos(2 * 3.14159265358979323846 * draws.uniform());
}

static void intervals_hold_the_median()
{
	const std::vector<double> values = {5, 1, 9, 3, 7, 2, 8, 4, 6, 10};
	const bench::interval once = bench::median_interval(values), again = bench::median_interval(values);
	need(once.low == again.low && once.high == again.high, "the same values give the same interval");
	need(once.low >= 1 && once.low < 5.5 && once.high > 5.5 && once.high <= 10, "around the median");
	need(bench::median_interval({1, 2, 3, 4, 5}).high == 0, "five values give none");
	need(bench::median_interval({1, 2, 3, 4, 5, 6}).high > 4, "six give one");
	/* Of seven values only least and greatest will do: the second ones miss the median in one of eight samples. */
	const bench::interval seven = bench::median_interval({1, 2, 3, 4, 5, 6, 7});
	need(seven.low == 1 && seven.high == 7, "seven values");
	const bench::interval many = bench::median_interval(from_to(1, 2000));
	need(many.low == 956 && many.high == 1045, "and thousands");
	bench::draws draws(7);
	for (size_t count : {size_t{6}, size_t{7}, size_t{9}, size_t{10}, size_t{12}, size_t{15}}) {
		int held = 0;
		for (int i = 0; i < 1000; i++) {
			std::vector<double> sample;
			for (size_t k = 0; k < count; k++)
				sample.push_back(std::exp(normal(draws)));
			const bench::interval found = bench::median_interval(sample);
			held += found.low <= 1 && 1 <= found.high;
		}
		need(held >= 940 && held <= 995, "95 of 100 intervals or more hold the true median");
	}
}

/* In how many of 1000 samples of COUNT values two modes are seen. */
static int two_modes_in(size_t count, uint64_t seed, const std::function<double(bench::draws &)> &draw)
{
	bench::draws draws(seed);
	int seen = 0;
	for (int i = 0; i < 1000; i++) {
		std::vector<double> sample;
		for (size_t k = 0; k < count; k++)
			sample.push_back(draw(draws));
		seen += bench::find_modes(sample).size() == 2;
	}
	return seen;
}

static void modes()
{
	auto found = bench::find_modes({2.41, 0.33, 2.39, 0.331, 0.334, 2.4, 0.329, 2.43, 0.33, 0.333});
	need(found.size() == 2 && found[0].centre == 0.3305 && found[0].count == 6 && found[1].count == 4, "0.33 and 2.4");
	found = bench::find_modes({1.01, 1.0, 1.21, 1.2, 1.0, 1.19, 1.01, 1.2, 0.99, 9.0});
	need(found.size() == 2 && found[0].count == 5 && found[1].count == 5, "1.0 and 1.2, with one outlier");
	need(bench::find_modes({}).empty() && bench::find_modes({4}).size() == 1 && bench::find_modes({4, 4, 4})[0].count == 3,
		"few values");
	need(bench::find_modes({0, 0, 0, 5, 5, 5}).size() == 1, "no ratio to zero");
	found = bench::find_modes({1.0, 1.01, 1.0, 0.99, 1.0, 1.01, 1.0, 0.99, 1.0, 1.9});
	need(found.size() == 1 && found[0].count == 10, "one preempted process is no mode");
	need(bench::find_modes({1, 1, 1, 1, 1, 1.04, 1.04, 1.04, 1.04, 1.04}).size() == 1, "4 % apart is no mode");
	/* Noise with one top, and with a long tail to the right. */
	const auto lognormal = [](bench::draws &draws) { return 1 + 0.2 * std::exp(normal(draws)); };
	const auto exponential = [](bench::draws &draws) { return 1 - 0.3 * std::log(draws.uniform()); };
	const auto quiet = [](bench::draws &draws) { return std::exp(0.02 * normal(draws)); };
	for (size_t count : {10u, 15u, 30u}) {
		need(two_modes_in(count, 1, lognormal) <= 30, "lognormal noise shows no modes");
		need(two_modes_in(count, 2, exponential) <= 30, "exponential noise shows no modes");
		need(two_modes_in(count, 3, quiet) <= 3, "the noise of an idle machine shows no modes");
	}
	const auto mixed = [&](bench::draws &draws) { return (draws.below(2) ? 1.2 : 1.0) * std::exp(0.01 * normal(draws)); };
	need(two_modes_in(10, 4, mixed) >= 900 && two_modes_in(20, 5, mixed) >= 990,
		"1.0 and 1.2 by the toss of a coin are seen");
}

int main()
{
	medians();
	mann_whitney_agrees_with_scipy();
	mann_whitney_agrees_with_the_tables();
	holm_is_holms();
	intervals_hold_the_median();
	modes();
	if (!failed)
		puts("the statistics agree with tables, with other programs and with what the samples were drawn from");
	return failed;
}
