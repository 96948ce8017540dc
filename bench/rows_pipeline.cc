// SPDX-License-Identifier: MIT
// What a whole batch costs per item, for choices of initialiser, counter and progress, beside a batch that chooses nothing.
#include <algorithm>
#include <memory>

#include "batches.h"

namespace bench
{

/* How long the worker's own work on an item takes. */
static const struct item_cost {
	const char *name;
	int64_t ns;
	enum tier tier;
} costs[] = {
	{"0", NO_WORK, TIER_DEFAULT}, /* only the plumbing and the choice are left */
	{"1us", 1000, TIER_QUICK},
	{"10us", 10000, TIER_DEFAULT},
	{"100us", 100000, TIER_DEFAULT},
};

static const char NOTE[] = "per further item of a batch; its start is taken off";

/* A batch that fills SECONDS. Its start is taken off, so that what is left is what more items cost. */
static measurement measure_batch(double seconds, batch_options options, batch_cost &cost)
{
	const uint64_t least = options.workers;
	if (cost.each_s <= 0)
		cost = rehearse(options);
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
	result.counters = {{"start_ns", cost.start_s * 1e9}, {"batch_ns", timed.wall_s * 1e9}};
	if (options.counter == no_choice().counter)
		return result;
	result.counters.insert(
		result.counters.begin(), {{"lost", static_cast<double>(summary.items) - static_cast<double>(summary.counted)},
						 {"extra_loads", static_cast<double>(summary.models_made) - 1},
						 {"backwards", static_cast<double>(summary.anomalies.backwards)},
						 {"duplicates", static_cast<double>(summary.anomalies.duplicate)}});
	result.broken = broken_claim(options, summary);
	return result;
}

/* Pairs of a batch with the choice and one without, for SECONDS; both end to end, first use and all. Counter `overhead`: the median pair's
 * share of time that the choice adds. */
static measurement measure_overhead(double seconds, batch_options with, batch_cost &cost, uint64_t *random)
{
	/* Each batch lasts this long: long against its start, short against what else happens on a machine. */
	const double batch_s = 0.01;
	enum { PAIRS_LEAST = 3 };
	batch_options without = batch_of(no_choice(), with.workers, with.item_cost_ns);
	if (cost.each_s <= 0)
		cost = rehearse(without);
	const uint64_t items = batch_items(batch_s, cost.start_s, cost.each_s);
	measurement result;
	std::vector<double> overheads, with_ns, cpu_ns;
	const uint64_t end = now_ns() + static_cast<uint64_t>(seconds * 1e9);
	while ((overheads.size() < PAIRS_LEAST || now_ns() < end) &&
		!interrupted.load(std::memory_order_relaxed)) { // relaxed: a flag alone
		const pair both = time_pair(with, without, items, random);
		overheads.push_back(both.overhead());
		with_ns.push_back(both.with_s * 1e9 / static_cast<double>(items));
		cpu_ns.push_back(both.with_cpu_s * 1e9 / static_cast<double>(items));
		result.ops += items;
		if (result.broken.empty())
			result.broken = broken_claim(with, both.summary);
	}
	if (overheads.empty())
		throw unmeasurable("interrupted");
	const interval likely = median_interval(overheads);
	result.ns_per_op = median(with_ns);
	result.cpu_ns_per_op = median(cpu_ns);
	result.counters = {{"overhead", median(overheads)}, {"pairs", static_cast<double>(overheads.size())}};
	if (overheads.size() >= INTERVAL_LEAST) {
		result.counters.emplace_back("overhead_low", likely.low);
		result.counters.emplace_back("overhead_high", likely.high);
	}
	return result;
}

static row batch_row(
	const std::string &subject, const std::string &operation, const choice &choice, unsigned threads, enum tier tier)
{
	row made;
	made.name = row_name(subject, operation, threads);
	made.threads = threads;
	made.note = NOTE;
	made.skipped = choice.missing;
	made.tier = made.oversubscribed() ? TIER_FULL : tier;
	return made;
}

static void add_batch(std::vector<row> &rows, const std::string &subject, const std::string &operation, const choice &choice,
	const item_cost &cost, unsigned threads, const std::string &floor)
{
	row made = batch_row(subject, operation, choice, threads, cost.tier);
	made.floor = floor;
	auto found = std::make_shared<batch_cost>();
	made.measure = [choice, threads, ns = cost.ns, found](
			       row &, double seconds) { return measure_batch(seconds, batch_of(choice, threads, ns), *found); };
	rows.push_back(made);
}

static void add_overhead(std::vector<row> &rows, const choice &choice, const item_cost &cost, unsigned threads, enum tier tier)
{
	row made = batch_row("pipeline/" + choice.name, std::string("overhead_") + cost.name, choice, threads, tier);
	made.note = "whole batches in pairs, with the choice and without any; overhead: the share of time that the choice adds";
	auto found = std::make_shared<batch_cost>();
	auto random = std::make_shared<uint64_t>(threads);
	made.measure = [choice, threads, ns = cost.ns, found, random](row &, double seconds) {
		/* A share of one per cent needs more than one window's noise lets through. */
		const double windows = 10;
		return measure_overhead(windows * seconds, batch_of(choice, threads, ns), *found, random.get());
	};
	rows.push_back(made);
}

void add_pipeline_rows(std::vector<row> &rows, const plan &plan)
{
	for (const item_cost &cost : costs)
		for (unsigned threads : plan.threads) {
			const std::string operation = std::string("batch_") + cost.name;
			const std::string floor = row_name("floor", operation, threads);
			add_batch(rows, "floor", operation, no_choice(), cost, threads, "");
			for (const choice &choice : batch_choices())
				add_batch(rows, "pipeline/" + choice.name, std::string("item_") + cost.name, choice, cost,
					threads, floor);
		}
	const item_cost &microsecond = costs[1];
	for (const choice &choice : batch_choices())
		for (unsigned threads : plan.threads)
			add_overhead(rows, choice, microsecond, threads,
				choice.name == batch_choices().back().name ? TIER_QUICK : TIER_DEFAULT);
}

} // namespace bench
