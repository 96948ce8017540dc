/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

/* Of sorted values. */
static double middle(const double *values, size_t count)
{
	return count == 0 ? 0 : (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double sample_median(double *values, size_t count)
{
	if (count)
		qsort(values, count, sizeof *values, by_value);
	return middle(values, count);
}

uint64_t sample_draw(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

size_t sample_draw_below(uint64_t *state, size_t count)
{
	return (size_t)(((unsigned __int128)sample_draw(state) * count) >> 64);
}

void sample_interval(const double *values, size_t count, double *low, double *high)
{
	const double outside = 0.025;
	*low = *high = 0;
	/* Of COUNT values just `cut` lie below the median as often as of COUNT tosses just `cut` show heads. */
	double chance = -(double)count * log(2), below = exp(chance); /* the first as a logarithm */
	size_t cut = 0;
	for (; below <= outside && cut < count; cut++) {
		chance += log((double)(count - cut) / (double)(cut + 1));
		below += exp(chance);
	}
	double *sorted = cut ? malloc(count * sizeof *sorted) : NULL;
	if (!sorted)
		return;
	memcpy(sorted, values, count * sizeof *sorted);
	qsort(sorted, count, sizeof *sorted, by_value);
	*low = sorted[cut - 1];
	*high = sorted[count - cut];
	free(sorted);
}

/* How far the values of a sorted group lie from its middle, as large as it may well be: two or three values that happen to be close say
 * little about the group that they come from. DISTANCES is room for COUNT. */
static double spread(const double *values, size_t count, double *distances)
{
	static const double unsure[] = {1, 1, 4, 2, 1.5};
	/* Less than this no two runs of one process agree. */
	const double close = 0.004;
	for (size_t i = 0; i < count; i++)
		distances[i] = fabs(values[i] - middle(values, count));
	return fmax(close, sample_median(distances, count) * (count < sizeof unsure / sizeof *unsure ? unsure[count] : 1));
}

size_t sample_split(double *values, size_t count)
{
	/* Fewer than a fifth, or one alone, is an outlier: somebody else had the CPU. */
	size_t least = (count + 4) / 5 > 2 ? (count + 4) / 5 : 2, split = 0;
	if (count < 2 * least)
		return 0;
	qsort(values, count, sizeof *values, by_value);
	double *logs = malloc(2 * count * sizeof *logs), *room = logs + count;
	if (!logs)
		return 0;
	for (size_t i = 0; i < count; i++)
		logs[i] = values[i] > 0 ? log(values[i]) : 0;
	/* Groups that lie closer together than a twentieth are one to a reader of prices. How many spreads wide the gap must be was found by
	 * simulation: with ten values, normal, exponential, lognormal, Pareto and uniform noise shows two modes in at most 2 of 100 samples;
	 * with twenty, in less than 1 of 300. */
	const double closest = log(1.05);
	double best = fmax(5, 8 - 0.3 * fmax(0, (double)count - 10));
	for (size_t k = least; values[0] > 0 && k + least <= count; k++) {
		double gap = logs[k] - logs[k - 1];
		double spreads = gap / fmax(spread(logs, k, room), spread(logs + k, count - k, room));
		if (gap >= closest && spreads >= best) {
			best = spreads;
			split = k;
		}
	}
	free(logs);
	return split;
}
