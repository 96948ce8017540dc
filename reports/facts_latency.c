/* SPDX-License-Identifier: MIT */
/* Latency distributions, with the curve that a plot of percentiles draws. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts_parts.h"
#include "node.h"

enum { POINTS_MAX = 120 };

/* The share of operations that end up to here, on the scale of G. Tene's HdrHistogram plots: 1 is 90 %, 2 is 99 %, 3 is 99.9 %. */
static double nines(double share)
{
	return -log10(1 - share);
}

/* [[nines, ns]...] of BUCKETS with COUNT operations in all, ending with the last operation that has a percentile of its own. */
static json_t *curve(const json_t *buckets, double count)
{
	json_t *points = node_must(json_array());
	double before = 0, last_x = -1, last_ns = 0;
	const double end = nines(1 - 1 / fmax(count, 2)), step = end / POINTS_MAX;
	size_t i;
	const json_t *bucket;
	json_array_foreach(buckets, i, bucket) {
		double ns = json_number_value(json_array_get(bucket, 0)), here = json_number_value(json_array_get(bucket, 1));
		if (!json_is_array(bucket) || ns <= 0 || here <= 0)
			continue;
		before += here;
		double x = before < count ? fmin(nines(before / count), end) : end;
		last_ns = fmax(last_ns, ns);
		if (x - last_x >= step || before >= count)
			node_append(points, json_pack("[f, f]", x, last_ns));
		if (x - last_x >= step)
			last_x = x;
	}
	return points;
}

static double operations(const json_t *buckets)
{
	double count = 0;
	size_t i;
	const json_t *bucket;
	json_array_foreach(buckets, i, bucket)
		count += fmax(0, json_number_value(json_array_get(bucket, 1)));
	return count;
}

json_t *facts_distributions(const json_t *report)
{
	static const char *const members[] = {"p50", "p90", "p99", "p999", "max"};
	json_t *all = node_must(json_array());
	size_t i;
	const json_t *from;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "distributions"), i, from) {
		char subject[256], operation[256];
		int threads;
		double count = operations(node_get(from, "buckets"));
		if (!row_name_split(node_string(from, "name"), subject, operation, sizeof subject, &threads) || count < 1)
			continue;
		const char *slash = strchr(subject, '/');
		json_t *one = node_append(all, json_object());
		node_set(one, "subject", node_text(subject));
		node_set(one, "family", json_stringn(subject, slash ? (size_t)(slash - subject) : strlen(subject)));
		node_set(one, "implementation", node_text(slash ? slash + 1 : subject));
		node_set(one, "operation", node_text(operation));
		node_set(one, "threads", json_integer(threads));
		node_set(one, "host", node_text(node_string(from, "host")));
		node_set(one, "count", json_real(count));
		for (size_t k = 0; k < sizeof members / sizeof *members; k++)
			if (json_is_number(node_get(from, members[k])))
				node_set(one, members[k], json_incref(node_get(from, members[k])));
		node_set(one, "curve", curve(node_get(from, "buckets"), count));
	}
	return all;
}
