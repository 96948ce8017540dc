// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <ctime>

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

/* A batch of as many items as fit into SECONDS. */
static measurement measure_batch(row &self, double seconds, batch_options options, int64_t cost_ns)
{
	options.workers = self.threads;
	options.item_cost_ns = cost_ns;
	options.model_bytes = BATCH_MODEL_MIN;
	options.quiet = true;
	if (!self.chunk) {
		/* The rehearsal finds how many items fill a window. */
		options.synthetic_items = 256;
		self.chunk = options.synthetic_items;
	} else {
		options.synthetic_items = self.chunk;
	}
	batch_summary summary = {};
	uint64_t cpu = 0;
	{
		timespec before, after;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		if (int error = batch_run(&options, &summary))
			throw unmeasurable(std::string("batch: ") + std::strerror(error));
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		cpu = static_cast<uint64_t>(after.tv_sec - before.tv_sec) * 1000000000u + static_cast<uint64_t>(after.tv_nsec) -
		      static_cast<uint64_t>(before.tv_nsec);
	}
	if (!self.rehearsed) {
		double each_s = std::max(summary.seconds / static_cast<double>(summary.items), 1e-9);
		self.chunk = static_cast<uint64_t>(std::clamp(seconds / each_s, 64.0, 1e7));
	}
	const double n = static_cast<double>(summary.items);
	measurement result = {summary.seconds * 1e9 / n, static_cast<double>(cpu) / n, summary.items, 0, true,
		{{"lost", static_cast<double>(summary.items) - static_cast<double>(summary.counted)},
			{"extra_loads", static_cast<double>(summary.models_made) - 1},
			{"backwards", static_cast<double>(summary.anomalies.backwards)},
			{"duplicates", static_cast<double>(summary.anomalies.duplicate)}},
		{}};
	if (summary.counted != summary.items && (options.counter->about.claims & COUNTER_NO_LOST_UPDATE))
		result.broken = "counted " + std::to_string(summary.counted) + " of " + std::to_string(summary.items) +
				" items, though its counter claims no_lost_update";
	else if (summary.models_made != 1 && (options.initialiser->about.claims & INITIALISER_EXACTLY_ONCE))
		result.broken = std::to_string(summary.models_made) + " models made, though its initialiser claims exactly_once";
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
				made.note = "per item of a batch";
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
				made.measure = [options, ns = cost.ns](row &self, double seconds) {
					return measure_batch(self, seconds, options, ns);
				};
				if (!made.oversubscribed() || plan.everything)
					rows.push_back(made);
			}
	}
}

} // namespace bench
