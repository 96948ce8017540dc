// SPDX-License-Identifier: MIT
#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace bench
{

double median(std::vector<double> values)
{
	return sample_median(values.data(), values.size());
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
	/* The standard library's distributions differ from one implementation to the next; intervals shall not. */
	return sample_draw(&state_);
}

size_t draws::below(size_t n)
{
	return sample_draw_below(&state_, n);
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

interval median_interval(const std::vector<double> &values)
{
	interval found;
	sample_interval(values.data(), values.size(), &found.low, &found.high);
	return found;
}

std::vector<mode> find_modes(std::vector<double> values)
{
	if (values.empty())
		return {};
	const size_t n = values.size(), split = sample_split(values.data(), n);
	if (!split)
		return {{median(values), n}};
	return {{sample_median(&values[0], split), split}, {sample_median(&values[split], n - split), n - split}};
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
