/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

static void *must(void *memory)
{
	if (!memory)
		node_must(NULL);
	return memory;
}

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

double pool_median(double *values, size_t count)
{
	if (count)
		qsort(values, count, sizeof *values, by_value);
	return middle(values, count);
}

/* SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014). */
static uint64_t draw(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void pool_interval(const double *values, size_t count, double *low, double *high)
{
	enum { RESAMPLES = 4000 };
	const double outside = 0.025;
	*low = *high = 0;
	if (count < 3)
		return;
	double *medians = must(malloc(RESAMPLES * sizeof *medians)), *sample = must(malloc(count * sizeof *sample));
	uint64_t state = 1;
	for (size_t i = 0; i < RESAMPLES; i++) {
		for (size_t k = 0; k < count; k++)
			sample[k] = values[(size_t)(((unsigned __int128)draw(&state) * count) >> 64)];
		medians[i] = pool_median(sample, count);
	}
	qsort(medians, RESAMPLES, sizeof *medians, by_value);
	*low = medians[(size_t)floor(outside * (RESAMPLES - 1))];
	*high = medians[(size_t)ceil((1 - outside) * (RESAMPLES - 1))];
	free(sample);
	free(medians);
}

/* How far the values of a sorted group lie from its middle; of few values, as large as it may well be. */
static double spread(const double *values, size_t count)
{
	static const double unsure[] = {1, 1, 4, 2, 1.5};
	const double close = 0.004;
	double *distances = must(malloc(count * sizeof *distances));
	for (size_t i = 0; i < count; i++)
		distances[i] = fabs(values[i] - middle(values, count));
	double wide = pool_median(distances, count) * (count < sizeof unsure / sizeof *unsure ? unsure[count] : 1);
	free(distances);
	return fmax(close, wide);
}

size_t pool_split(double *values, size_t count)
{
	size_t split = 0, least = (count + 4) / 5 > 2 ? (count + 4) / 5 : 2;
	if (count == 0)
		return 0;
	qsort(values, count, sizeof *values, by_value);
	double *logs = must(malloc(count * sizeof *logs)), best = fmax(5, 8 - 0.3 * fmax(0, (double)count - 10));
	for (size_t i = 0; i < count; i++)
		logs[i] = values[i] > 0 ? log(values[i]) : 0;
	for (size_t k = least; values[0] > 0 && k + least <= count; k++) {
		double gap = logs[k] - logs[k - 1], spreads = gap / fmax(spread(logs, k), spread(logs + k, count - k));
		if (gap >= log(1.05) && spreads >= best) {
			best = spreads;
			split = k;
		}
	}
	free(logs);
	return split;
}

/* The median of KEY over the lines of each process, in the order of the processes; their count in *COUNT. Freed by the caller. */
static double *process_medians(const json_t *lines, const char *key, size_t *count)
{
	size_t size = json_array_size(lines), i;
	double *medians = must(malloc((size + 1) * sizeof *medians)), *values = must(malloc((size + 1) * sizeof *values));
	double process = -1;
	for (*count = 0;;) {
		double next = INFINITY;
		size_t here = 0;
		const json_t *line;
		json_array_foreach(lines, i, line) {
			double its = node_number(line, "process", 0);
			if (its > process && its < next)
				next = its;
		}
		if (!isfinite(next))
			break;
		process = next;
		json_array_foreach(lines, i, line) {
			if (node_number(line, "process", 0) == process && node_number(line, key, 0) > 0)
				values[here++] = node_number(line, key, 0);
		}
		if (here)
			medians[(*count)++] = pool_median(values, here);
	}
	free(values);
	return medians;
}

static void set(json_t *line, const char *key, double value)
{
	node_set(line, key, json_real(isfinite(value) ? value : 0));
}

/* What every line of a row says, taken from the first that says it. */
static void add_marks(json_t *to, const json_t *lines)
{
	static const char *const marks[] = {"label", "floor", "implausible", "broken"};
	size_t i;
	const json_t *line;
	for (size_t k = 0; k < sizeof marks / sizeof *marks; k++)
		json_array_foreach(lines, i, line)
			if (*node_string(line, marks[k]) && !node_get(to, marks[k]))
				node_set(to, marks[k], json_incref(node_get(line, marks[k])));
}

static json_t *aggregate(const json_t *lines, const char *name, double ns, double cpu_ns)
{
	const json_t *first = json_array_get(lines, 0);
	json_t *line = node_must(json_object()), *count = json_integer((json_int_t)json_array_size(lines));
	node_set(line, "name", json_sprintf("%s_%s", node_string(first, "name"), name));
	node_set(line, "run_name", node_text(node_string(first, "name")));
	node_set(line, "run_type", node_text("aggregate"));
	node_set(line, "repetitions", count);
	node_set(line, "threads", json_integer((json_int_t)node_number(first, "threads", 1)));
	node_set(line, "aggregate_name", node_text(name));
	node_set(line, "aggregate_unit", node_text(strcmp(name, "cv") == 0 ? "percentage" : "time"));
	node_set(line, "iterations", json_incref(count));
	set(line, "real_time", ns);
	set(line, "cpu_time", cpu_ns > 0 ? cpu_ns : ns);
	node_set(line, "time_unit", node_text("ns"));
	add_marks(line, lines);
	return line;
}

/* The median of KEY over the lines that have it. */
static double counter_median(const json_t *lines, const char *key)
{
	double *values = must(malloc((json_array_size(lines) + 1) * sizeof *values));
	size_t count = 0, i;
	const json_t *line;
	json_array_foreach(lines, i, line)
		if (json_is_number(node_get(line, key)))
			values[count++] = node_number(line, key, 0);
	double found = pool_median(values, count);
	free(values);
	return found;
}

/* The row's own counters, which an older median of it had. */
static void add_counters(json_t *median, const json_t *lines, const json_t *like)
{
	static const char *const ours[] = {"low", "high", "ratio_low", "ratio_high", "processes"};
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)like, key, value) {
		bool own = json_is_number(value) && !node_get(median, key) && node_get(json_array_get(lines, 0), key);
		for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
			own = own && strcmp(key, ours[i]) != 0;
		if (own)
			set(median, key, counter_median(lines, key));
	}
}

static void add_modes(json_t *median, double *values, size_t count)
{
	size_t split = pool_split(values, count);
	if (!split)
		return;
	double all = (double)count;
	node_set(median, "modes",
		json_pack("[{s:f, s:f}, {s:f, s:f}]", "ns", middle(values, split), "share", (double)split / all, "ns",
			middle(values + split, count - split), "share", (double)(count - split) / all));
}

static void add_ratio(json_t *median, const json_t *lines)
{
	size_t count;
	double *ratios = process_medians(lines, "ratio_to_floor", &count), low, high;
	if (count) {
		pool_interval(ratios, count, &low, &high);
		set(median, "ratio_to_floor", pool_median(ratios, count));
		set(median, "ratio_low", low);
		set(median, "ratio_high", high);
	}
	free(ratios);
	ratios = process_medians(lines, "cpu_ratio_to_floor", &count);
	if (count)
		set(median, "cpu_ratio_to_floor", pool_median(ratios, count));
	free(ratios);
}

static json_t *median_line(const json_t *lines, double *values, size_t count, const json_t *like)
{
	size_t cpu_count;
	double *cpu = process_medians(lines, "cpu_ns_per_op", &cpu_count), low, high;
	/* In the order of the processes: what is drawn depends on it. */
	pool_interval(values, count, &low, &high);
	double middle_ns = pool_median(values, count), cpu_ns = pool_median(cpu, cpu_count);
	json_t *line = aggregate(lines, "median", middle_ns, cpu_ns);
	set(line, "wall_ns_per_op", middle_ns);
	if (cpu_ns > 0)
		set(line, "cpu_ns_per_op", cpu_ns);
	node_set(line, "processes", json_integer((json_int_t)count));
	set(line, "low", low);
	set(line, "high", high);
	add_ratio(line, lines);
	add_counters(line, lines, like);
	add_modes(line, values, count);
	free(cpu);
	return line;
}

void pool_aggregates(json_t *to, const json_t *lines, const json_t *like)
{
	size_t count, i;
	double *values = process_medians(lines, "wall_ns_per_op", &count), mean = 0, square = 0, least = INFINITY, most = 0;
	const json_t *line;
	json_array_foreach(lines, i, line) {
		least = fmin(least, node_number(line, "wall_ns_per_op", 0));
		most = fmax(most, node_number(line, "wall_ns_per_op", 0));
	}
	for (i = 0; i < count; i++)
		mean += values[i] / (double)count;
	for (i = 0; i < count; i++)
		square += (values[i] - mean) * (values[i] - mean);
	double deviation = count > 1 ? sqrt(square / (double)(count - 1)) : 0;
	if (count) {
		node_append(to, median_line(lines, values, count, like));
		node_append(to, aggregate(lines, "mean", mean, 0));
		node_append(to, aggregate(lines, "stddev", deviation, 0));
		node_append(to, aggregate(lines, "cv", mean > 0 ? deviation / mean : 0, 0));
		node_append(to, aggregate(lines, "min", least, 0));
		node_append(to, aggregate(lines, "max", most, 0));
	}
	free(values);
}

/* Distributions --------------------------------------------------------------------------------------------------------------------------- */

static double bucket_number(const json_t *bucket, size_t at)
{
	return json_number_value(json_array_get(bucket, at));
}

static json_t *sum_buckets(const json_t *a, const json_t *b)
{
	json_t *sum = node_must(json_array());
	size_t i = 0, j = 0;
	while (i < json_array_size(a) || j < json_array_size(b)) {
		const json_t *left = json_array_get(a, i), *right = json_array_get(b, j);
		double x = left ? bucket_number(left, 0) : INFINITY, y = right ? bucket_number(right, 0) : INFINITY;
		double count = (x <= y ? bucket_number(left, 1) : 0) + (y <= x ? bucket_number(right, 1) : 0);
		node_append(sum, json_pack("[f, I]", fmin(x, y), (json_int_t)count));
		i += x <= y;
		j += y <= x;
	}
	return sum;
}

/* The upper bound of the bucket in which the share Q of COUNT operations is reached. */
static double percentile(const json_t *buckets, double count, double q)
{
	double before = 0, bound = 0;
	size_t i;
	const json_t *bucket;
	json_array_foreach(buckets, i, bucket) {
		bound = bucket_number(bucket, 0);
		before += bucket_number(bucket, 1);
		if (before >= q * count)
			break;
	}
	return bound;
}

json_t *pool_distributions(const json_t *a, const json_t *b)
{
	static const struct {
		const char *key;
		double share;
	} points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
	json_t *one = node_must(json_deep_copy(a)), *buckets = sum_buckets(node_get(a, "buckets"), node_get(b, "buckets"));
	double count = 0;
	size_t i;
	const json_t *bucket;
	json_array_foreach(buckets, i, bucket)
		count += bucket_number(bucket, 1);
	node_set(one, "count", json_integer((json_int_t)count));
	for (i = 0; i < sizeof points / sizeof *points; i++)
		set(one, points[i].key, percentile(buckets, count, points[i].share));
	node_set(one, "buckets", buckets);
	return one;
}
