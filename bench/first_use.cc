// SPDX-License-Identifier: MIT
// First use in the pipeline: all workers ask for the model at once. How long until all of them run, against how long the model loads?
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "batches.h"
#include "studies.h"

namespace bench
{

namespace
{

struct first_use {
	size_t model_bytes;
	std::vector<double> loads_ns, all_ns, ratios, extra;
};

struct initialiser_runs {
	const initialiser_implementation *how;
	std::vector<first_use> points;
};

/* How many bytes of model take NS to load: its weights are computed, so time goes with size. */
size_t model_bytes(double ns)
{
	static const double ns_per_byte = [] {
		const size_t bytes = 256 * 1024;
		const int tries = 5;
		batch_options options = batch_of(no_choice(), 1, NO_WORK);
		options.model_bytes = bytes;
		std::vector<double> loads;
		for (int i = 0; i < tries; i++)
			loads.push_back(static_cast<double>(time_batch(options, 1).summary.load_ns));
		return smallest(loads) / static_cast<double>(bytes);
	}();
	return std::max<size_t>(static_cast<size_t>(ns / ns_per_byte) / 8 * 8, BATCH_MODEL_MIN);
}

void measure_once(initialiser_runs &runs, first_use &point, unsigned workers)
{
	choice choice = no_choice();
	choice.initialiser = runs.how;
	batch_options options = batch_of(choice, workers, NO_WORK);
	options.model_bytes = point.model_bytes;
	batch_summary summary = {};
	uint64_t all_ns = 0;
	if (probe_first_use(&options, &summary, &all_ns) != 0)
		throw unmeasurable(std::string(runs.how->about.name) + ": the batch did not run");
	/* A double load shares its cores and takes longer: the ratio is to what one load takes, so to the shortest that was seen. */
	point.loads_ns.push_back(static_cast<double>(summary.load_ns));
	point.all_ns.push_back(static_cast<double>(all_ns));
	point.extra.push_back(static_cast<double>(summary.models_made) - 1);
}

double quantile(std::vector<double> values, double q)
{
	std::sort(values.begin(), values.end());
	return values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}

double mean(const std::vector<double> &values)
{
	double sum = 0;
	for (double value : values)
		sum += value;
	return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

/* LOAD_NS: what one load of this size takes by itself. */
json_t *point_json(const first_use &point, double load_ns)
{
	const interval likely = median_interval(point.all_ns);
	json_t *made = json_pack("{s:f, s:f, s:f, s:f, s:f, s:i}", "load_ns", load_ns, "all_have_ns", median(point.all_ns), "p99",
		quantile(point.all_ns, 0.99), "ratio", median(point.all_ns) / load_ns, "extra_loads", mean(point.extra),
		"batches", static_cast<int>(point.all_ns.size()));
	const bool known = likely.high > 0;
	json_object_set_new(made, "low", known ? json_real(likely.low) : json_null());
	json_object_set_new(made, "high", known ? json_real(likely.high) : json_null());
	return made;
}

std::string rounded(double value, const char *format)
{
	char text[32];
	snprintf(text, sizeof text, format, value);
	return text;
}

std::string time_text(double ns)
{
	return ns < 1e6 ? rounded(ns / 1e3, "%.3g us") : rounded(ns / 1e6, "%.3g ms");
}

/* The shortest and the longest load, in words. */
std::string sentence_of(const initialiser_runs &runs, unsigned workers, const std::vector<double> &loads_ns)
{
	std::string text =
		std::string("initialiser/") + runs.how->about.name + ": all " + std::to_string(workers) + " workers run after ";
	const size_t ends[] = {0, runs.points.size() - 1};
	for (size_t at : ends) {
		const first_use &point = runs.points[at];
		if (point.all_ns.empty())
			return "";
		text += (at ? ", and after " : "") + time_text(median(point.all_ns)) + " where the model loads in " +
			time_text(loads_ns[at]);
	}
	size_t twice = 0;
	for (const first_use &point : runs.points)
		for (double extra : point.extra)
			twice += extra > 0;
	return text + (twice ? "; it loaded more than once in " + std::to_string(twice) + " batches" : "");
}

/* Why it cannot be armed again and again in one process, or NULL. */
const char *unfit(const initialiser_implementation *how)
{
	return how->loading == LOADER_LINK_TIME ? "it loads before main"
	       : !how->rearmable                ? "a process has one, and it loads once"
						: nullptr;
}

} // namespace

json_t *study_first_use(const plan &plan)
{
	const double loads[] = {10e3, 100e3, 1e6, 10e6, 50e6};
	const bool full = plan.tier == TIER_FULL;
	const uint64_t end_ns = now_ns() + static_cast<uint64_t>(full ? 60e9 : 12e9);
	unsigned workers = 2;
	for (unsigned threads : plan.threads)
		if (threads <= this_machine().cores)
			workers = std::max(workers, threads);
	std::vector<initialiser_runs> all;
	json_t *missing = json_array();
	for (const subject &each : subjects_of(FAMILY_INITIALISER)) {
		const initialiser_implementation *how = reinterpret_cast<const initialiser_implementation *>(each.about);
		const char *why = !each.missing.empty() ? each.missing.c_str() : unfit(how);
		if (why) {
			json_array_append_new(missing, json_pack("{s:s, s:s}", "initialiser", each.name.c_str(), "why", why));
			continue;
		}
		initialiser_runs runs = {how, {}};
		for (double load : loads)
			runs.points.push_back({model_bytes(load), {}, {}, {}, {}});
		all.push_back(runs);
	}
	/* Rounds over everything, in an order drawn anew; long loads less often. */
	uint64_t random = 2;
	const unsigned rounds = full ? 60 : 20;
	bool partial = false;
	for (unsigned round = 0; round < rounds && !partial; round++) {
		std::vector<std::pair<size_t, size_t>> order;
		for (size_t i = 0; i < all.size(); i++)
			for (size_t p = 0; p < std::size(loads); p++)
				if (loads[p] < 5e6 || round % (loads[p] < 2e7 ? 2 : 5) == 0)
					order.emplace_back(i, p);
		for (size_t i = order.size(); i > 1; i--)
			std::swap(order[i - 1], order[draw(&random) % i]);
		for (const auto &each : order) {
			partial = now_ns() > end_ns || interrupted.load(std::memory_order_relaxed); // relaxed: a flag alone
			if (partial)
				break;
			measure_once(all[each.first], all[each.first].points[each.second], workers);
		}
	}
	/* What a load of each size takes: the median over all that loaded once. */
	std::vector<double> loads_ns;
	for (size_t p = 0; p < std::size(loads); p++) {
		std::vector<double> alone;
		for (const initialiser_runs &runs : all)
			for (size_t i = 0; i < runs.points[p].loads_ns.size(); i++)
				if (runs.points[p].extra[i] == 0)
					alone.push_back(runs.points[p].loads_ns[i]);
		loads_ns.push_back(alone.empty() ? loads[p] : median(alone));
	}
	json_t *choices = json_array(), *sentences = json_array();
	for (const initialiser_runs &runs : all) {
		json_t *points = json_array();
		for (size_t p = 0; p < runs.points.size(); p++)
			if (!runs.points[p].all_ns.empty())
				json_array_append_new(points, point_json(runs.points[p], loads_ns[p]));
		const std::string sentence = sentence_of(runs, workers, loads_ns);
		json_array_append_new(choices, json_pack("{s:s, s:o}", "initialiser", runs.how->about.name, "points", points));
		if (!sentence.empty())
			json_array_append_new(sentences, json_string(sentence.c_str()));
	}
	json_t *found = json_pack("{s:i, s:o, s:o, s:o}", "workers", static_cast<int>(workers), "choices", choices, "missing",
		missing, "sentences", sentences);
	if (partial)
		json_object_set_new(found, "partial", json_true());
	return found;
}

} // namespace bench
