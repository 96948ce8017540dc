/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "sample.h"

static void *must(void *memory)
{
	if (!memory)
		node_must(NULL);
	return memory;
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
			medians[(*count)++] = sample_median(values, here);
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
	set(line, "cpu_time", cpu_ns);
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
	double found = sample_median(values, count);
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
	size_t split = sample_split(values, count);
	if (!split)
		return;
	double all = (double)count;
	node_set(median, "modes",
		json_pack("[{s:f, s:f}, {s:f, s:f}]", "ns", sample_median(values, split), "share", (double)split / all, "ns",
			sample_median(values + split, count - split), "share", (double)(count - split) / all));
}

static void add_ratio(json_t *median, const json_t *lines)
{
	size_t count;
	double *ratios = process_medians(lines, "ratio_to_floor", &count), low, high;
	if (count) {
		sample_interval(ratios, count, &low, &high);
		set(median, "ratio_to_floor", sample_median(ratios, count));
		set(median, "ratio_low", low);
		set(median, "ratio_high", high);
	}
	free(ratios);
	ratios = process_medians(lines, "cpu_ratio_to_floor", &count);
	if (count)
		set(median, "cpu_ratio_to_floor", sample_median(ratios, count));
	free(ratios);
}

static json_t *median_line(const json_t *lines, double *values, size_t count, const json_t *like)
{
	size_t cpu_count;
	double *cpu = process_medians(lines, "cpu_ns_per_op", &cpu_count), low, high;
	/* In the order of the processes: what is drawn depends on it. */
	sample_interval(values, count, &low, &high);
	double middle_ns = sample_median(values, count), cpu_ns = sample_median(cpu, cpu_count);
	json_t *line = aggregate(lines, "median", middle_ns, cpu_ns > 0 ? cpu_ns : middle_ns);
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

/* Of KEY over LINES: mean and standard deviation of the processes' medians, and the ends of all repetitions. */
struct spread {
	double mean, stddev, cv, min, max;
};

static struct spread spread_of(const json_t *lines, const char *key)
{
	size_t count, i;
	struct spread all = {0, 0, 0, INFINITY, 0};
	double *medians = process_medians(lines, key, &count);
	const json_t *line;
	json_array_foreach(lines, i, line) {
		all.min = fmin(all.min, node_number(line, key, 0));
		all.max = fmax(all.max, node_number(line, key, 0));
	}
	for (i = 0; i < count; i++)
		all.mean += medians[i] / (double)count;
	for (i = 0; i < count; i++)
		all.stddev += (medians[i] - all.mean) * (medians[i] - all.mean);
	all.stddev = count > 1 ? sqrt(all.stddev / (double)(count - 1)) : 0;
	all.cv = all.mean > 0 ? all.stddev / all.mean : 0;
	free(medians);
	return all;
}

void pool_aggregates(json_t *to, const json_t *lines, const json_t *like)
{
	size_t count;
	double *values = process_medians(lines, "wall_ns_per_op", &count);
	const struct spread wall = spread_of(lines, "wall_ns_per_op"), cpu = spread_of(lines, "cpu_ns_per_op");
	/* A row that tells no CPU time has its wall time there. */
	const struct spread *its = cpu.max > 0 ? &cpu : &wall;
	if (count) {
		node_append(to, median_line(lines, values, count, like));
		node_append(to, aggregate(lines, "mean", wall.mean, its->mean));
		node_append(to, aggregate(lines, "stddev", wall.stddev, its->stddev));
		node_append(to, aggregate(lines, "cv", wall.cv, its->cv));
		node_append(to, aggregate(lines, "min", wall.min, its->min));
		node_append(to, aggregate(lines, "max", wall.max, its->max));
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
