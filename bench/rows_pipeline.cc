// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <memory>

#include "../impl/pipeline/batch.h"
#include "bench.h"

namespace bench
{

/* A few choices that people make, and one that nobody should. The full product belongs to `stress`, not to a price list. */
static const struct choice {
	const char *initialiser, *counter, *progress;
} choices[] = {
	{"naive", "naive", "plain_global"},
	{"mutex", "mutex", "under_lock"},
	{"atomic", "atomic", "after_increment"},
	{"atomic", "sharded_store", "sampler"},
	{"atomic", "sharded_store", "monotone"},
	{"futex", "atomic", "channel"},
};

/* How long the worker's own work on an item takes; 0: no work at all, so that only the plumbing and the choice are left. */
static const struct item_cost {
	const char *operation;
	int64_t ns; /* as batch_options.item_cost_ns */
} costs[] = {
	{"item_0", -1},
	{"item_1us", 1000},
	{"item_10us", 10000},
	{"item_100us", 100000},
};

/* What a batch costs apart from its items, and what an item adds; both are found in the rehearsal. */
struct batch_cost {
	double start_s = 0, start_cpu_s = 0; /* threads, model, first items, joins: a batch of one item per worker */
	double each_s = 0;
};

struct timed_batch {
	batch_summary summary = {};
	double wall_s = 0, cpu_s = 0;
};

static double process_cpu_s()
{
	timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

static timed_batch time_batch(batch_options &options, uint64_t items)
{
	timed_batch timed;
	options.synthetic_items = items;
	const double before = process_cpu_s();
	if (int error = batch_run(&options, &timed.summary))
		throw unmeasurable(std::string("batch: ") + std::strerror(error));
	timed.cpu_s = process_cpu_s() - before;
	timed.wall_s = timed.summary.seconds;
	return timed;
}

uint64_t batch_items(double seconds, double start_s, double each_s)
{
	const double start_share = 50;
	return static_cast<uint64_t>(std::clamp(std::ceil(std::max(seconds, start_share * start_s) / each_s), 64.0, 1e7));
}

/* Finds what a batch costs and what an item adds: batches of one item per worker, then larger ones until the items outweigh the start. */
static batch_cost rehearse(batch_options &options, uint64_t least)
{
	enum { STARTS = 5 };
	batch_cost found;
	std::vector<double> wall, cpu;
	for (int i = 0; i < STARTS; i++) {
		timed_batch start = time_batch(options, least);
		wall.push_back(start.wall_s);
		cpu.push_back(start.cpu_s);
	}
	found.start_s = median(wall);
	found.start_cpu_s = median(cpu);
	for (uint64_t items = least + 256;; items *= 4) {
		const double rest_s = time_batch(options, items).wall_s - found.start_s;
		found.each_s = std::max(rest_s / static_cast<double>(items - least), 1e-9);
		if (rest_s > 4 * found.start_s || items > 1000000)
			return found;
	}
}

static std::string broken_claim(const batch_options &options, const batch_summary &summary)
{
	if (summary.counted != summary.items && (options.counter->about.claims & COUNTER_NO_LOST_UPDATE))
		return "counted " + std::to_string(summary.counted) + " of " + std::to_string(summary.items) +
		       " items, though its counter claims no_lost_update";
	if (summary.models_made != 1 && (options.initialiser->about.claims & INITIALISER_EXACTLY_ONCE))
		return std::to_string(summary.models_made) + " models made, though its initialiser claims exactly_once";
	return "";
}

/* A batch that fills SECONDS. Its start is taken off, so that what is left is what more items cost. */
static measurement measure_batch(row &self, double seconds, batch_options options, int64_t cost_ns, batch_cost &cost)
{
	options.workers = self.threads;
	options.item_cost_ns = cost_ns;
	options.model_bytes = BATCH_MODEL_MIN;
	options.quiet = true;
	const uint64_t least = self.threads;
	if (cost.each_s <= 0)
		cost = rehearse(options, least);
	const timed_batch timed = time_batch(options, batch_items(seconds, cost.start_s, cost.each_s));
	const batch_summary &summary = timed.summary;
	const double n = static_cast<double>(summary.items - least);
	/* Whatever disturbed the rehearsal or a window, the next ones are sized by the fastest: too long rather than too short. */
	const double each_s = std::max((timed.wall_s - cost.start_s) / n, 1e-9);
	cost.each_s = std::min(cost.each_s, each_s);
	measurement result;
	result.ns_per_op = each_s * 1e9;
	result.cpu_ns_per_op = std::max(timed.cpu_s - cost.start_cpu_s, 0.0) * 1e9 / n;
	result.ops = summary.items;
	result.counters = {{"lost", static_cast<double>(summary.items) - static_cast<double>(summary.counted)},
		{"extra_loads", static_cast<double>(summary.models_made) - 1},
		{"backwards", static_cast<double>(summary.anomalies.backwards)},
		{"duplicates", static_cast<double>(summary.anomalies.duplicate)}, {"start_ns", cost.start_s * 1e9},
		{"batch_ns", timed.wall_s * 1e9}};
	result.broken = broken_claim(options, summary);
	return result;
}

void add_pipeline_rows(std::vector<row> &rows, const plan &plan)
{
	for (const choice &choice : choices) {
		const registered *initialiser = registry_find(FAMILY_INITIALISER, choice.initialiser);
		const registered *counter = registry_find(FAMILY_COUNTER, choice.counter);
		const registered *progress = registry_find(FAMILY_PROGRESS, choice.progress);
		const std::string subject =
			std::string("pipeline/") + choice.initialiser + "+" + choice.counter + "+" + choice.progress;
		for (const item_cost &cost : costs)
			for (unsigned threads : plan.threads) {
				row made;
				made.name = row_name(subject, cost.operation, threads);
				made.threads = threads;
				made.note = "per further item of a batch; its start is taken off";
				batch_options options = {};
				if (!initialiser || !counter || !progress) {
					made.skipped = "an implementation of this choice is missing";
				} else {
					options.initialiser = initialiser_of(initialiser);
					options.counter = counter_of(counter);
					options.progress = progress_of(progress);
					if (const char *why = batch_impossible(&options))
						made.skipped = why;
				}
				auto found = std::make_shared<batch_cost>();
				made.measure = [options, ns = cost.ns, found](row &self, double seconds) {
					return measure_batch(self, seconds, options, ns, *found);
				};
				if (!made.oversubscribed() || plan.tier == TIER_FULL)
					rows.push_back(made);
			}
	}
}

} // namespace bench
