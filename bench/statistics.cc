// SPDX-License-Identifier: MIT
#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace bench
{

/* Of sorted values. */
static double middle(const double *values, size_t count)
{
	const size_t half = count / 2;
	return count % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double median(std::vector<double> values)
{
	if (values.empty())
		return 0;
	std::sort(values.begin(), values.end());
	return middle(values.data(), values.size());
}

double smallest(const std::vector<double> &values)
{
	return *std::min_element(values.begin(), values.end());
}

double largest(const std::vector<double> &values)
{
	return *std::max_element(values.begin(), values.end());
}

uint64_t draws::next()
{
	/* SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014). The standard library's
	 * distributions differ from one implementation to the next; intervals shall not. */
	uint64_t x = state_ += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

size_t draws::below(size_t n)
{
	return static_cast<size_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
}

double draws::uniform()
{
	return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53;
}

interval percentiles(std::vector<double> resampled, double confidence)
{
	std::sort(resampled.begin(), resampled.end());
	const double last = static_cast<double>(resampled.size() - 1), outside = (1 - confidence) / 2;
	return {resampled[static_cast<size_t>(std::floor(outside * last))],
		resampled[static_cast<size_t>(std::ceil((1 - outside) * last))]};
}

interval bootstrap_median(const std::vector<double> &values, double confidence)
{
	enum { RESAMPLES = 4000 };
	if (values.size() < 3)
		return {0, 0};
	draws draws(1);
	std::vector<double> medians(RESAMPLES), sample(values.size());
	for (double &one : medians) {
		for (double &value : sample)
			value = values[draws.below(values.size())];
		one = median(sample);
	}
	return percentiles(std::move(medians), confidence);
}

/* How far the values of a sorted group lie from its middle, as large as it may well be: two or three values that happen to be close
 * say little about the group that they come from. */
static double spread(const double *values, size_t count)
{
	static const double unsure[] = {1, 1, 4, 2, 1.5};
	/* Less than this no two runs of one process agree. */
	static const double CLOSE = 0.004;
	std::vector<double> distances(values, values + count);
	for (double &one : distances)
		one = std::fabs(one - middle(values, count));
	return std::max(CLOSE, median(distances) * (count < std::size(unsure) ? unsure[count] : 1));
}

std::vector<mode> find_modes(std::vector<double> values)
{
	if (values.empty())
		return {};
	std::sort(values.begin(), values.end());
	const size_t n = values.size();
	/* Fewer than a fifth, or one alone, is an outlier: somebody else had the CPU. */
	const size_t least = std::max<size_t>(2, (n + 4) / 5);
	std::vector<double> logs;
	for (double value : values)
		logs.push_back(value > 0 ? std::log(value) : 0);
	/* Groups that lie closer together than a twentieth are one to a reader of prices. How many spreads wide the gap must be was
	 * found by simulation: with ten values, normal, exponential, lognormal, Pareto and uniform noise shows two modes in at most 2
	 * of 100 samples; with twenty, in less than 1 of 300. */
	const double closest = std::log(1.05);
	double best = std::max(5.0, 8 - 0.3 * std::max(0.0, static_cast<double>(n) - 10));
	size_t split = 0;
	for (size_t k = least; values[0] > 0 && k + least <= n; k++) {
		const double gap = logs[k] - logs[k - 1];
		const double spreads = gap / std::max(spread(&logs[0], k), spread(&logs[k], n - k));
		if (gap >= closest && spreads >= best) {
			best = spreads;
			split = k;
		}
	}
	if (!split)
		return {{middle(values.data(), n), n}};
	return {{middle(&values[0], split), split}, {middle(&values[split], n - split), n - split}};
}

/* In how many of all ways to draw N of N + M ranks each value of U comes out: the coefficients of the Gaussian binomial, a product of
 * (1 - x^(M + i)) / (1 - x^i) for i = 1..N, each of whose prefixes is a polynomial. Exact in doubles up to 40 ranks. */
static std::vector<double> ways(size_t n, size_t m)
{
	std::vector<double> count(n * m + 1);
	count[0] = 1;
	for (size_t i = 1; i <= n; i++) {
		for (size_t u = count.size(); u-- > m + i;)
			count[u] -= count[u - m - i];
		for (size_t u = i; u < count.size(); u++)
			count[u] += count[u - i];
	}
	return count;
}

/* More values than this have too many orders for doubles to count. */
enum { EXACT = 40 };

/* p value of a U of LOWER, by the normal distribution of U with the correction for continuity. TIES: sum of t^3 - t over groups of t. */
static double by_normal(double n, double m, double lower, double ties)
{
	const double all = n + m, variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
	if (variance <= 0)
		return 1; /* all values are equal */
	const double z = (n * m / 2 - lower - 0.5) / std::sqrt(variance);
	return z <= 0 ? 1 : std::erfc(z / std::sqrt(2.0));
}

std::vector<double> mann_whitney_table(size_t n, size_t m)
{
	std::vector<double> p(n * m / 2 + 1);
	if (n + m > EXACT) {
		for (size_t u = 0; u < p.size(); u++)
			p[u] = by_normal(static_cast<double>(n), static_cast<double>(m), static_cast<double>(u), 0);
		return p;
	}
	const std::vector<double> count = ways(n, m);
	const double all = std::accumulate(count.begin(), count.end(), 0.0);
	double below = 0;
	for (size_t u = 0; u < p.size(); u++) {
		below += count[u];
		p[u] = std::min(1.0, 2 * below / all);
	}
	return p;
}

/* 2 U of A against B, a tie counting half a win, and the sum over groups of t equal values of t^3 - t. */
static double twice_u(const std::vector<double> &a, const std::vector<double> &b, double *ties)
{
	std::vector<std::pair<double, bool>> all;
	for (double value : a)
		all.emplace_back(value, true);
	for (double value : b)
		all.emplace_back(value, false);
	std::sort(all.begin(), all.end());
	double u2 = 0, below = 0; /* values of B that are smaller */
	*ties = 0;
	for (size_t i = 0, end; i < all.size(); i = end) {
		for (end = i; end < all.size() && all[end].first == all[i].first;)
			end++;
		const double t = static_cast<double>(end - i);
		const double of_a =
			static_cast<double>(std::count_if(&all[i], &all[i] + (end - i), [](auto &one) { return one.second; }));
		u2 += of_a * (2 * below + (t - of_a));
		below += t - of_a;
		*ties += t * t * t - t;
	}
	return u2;
}

double mann_whitney(const std::vector<double> &a, const std::vector<double> &b)
{
	if (a.empty() || b.empty())
		return 1;
	double ties;
	const double u2 = twice_u(a, b, &ties), n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
	const double lower = std::min(u2, 2 * n * m - u2) / 2;
	if (ties == 0 && a.size() + b.size() <= EXACT)
		return mann_whitney_table(a.size(), b.size())[static_cast<size_t>(lower)];
	return by_normal(n, m, lower, ties);
}

std::vector<double> holm(const std::vector<double> &p)
{
	std::vector<size_t> order(p.size());
	std::iota(order.begin(), order.end(), 0);
	std::sort(order.begin(), order.end(), [&](size_t x, size_t y) { return p[x] < p[y]; });
	std::vector<double> adjusted(p.size());
	double highest = 0;
	for (size_t i = 0; i < order.size(); i++) {
		highest = std::max(highest, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
		adjusted[order[i]] = highest;
	}
	return adjusted;
}

} // namespace bench
