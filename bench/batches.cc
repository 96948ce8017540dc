// SPDX-License-Identifier: MIT
#include "batches.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>

namespace bench
{

static choice make_choice(const char *initialiser, const char *counter, const char *progress)
{
	choice made;
	made.name = std::string(initialiser) + "+" + counter + "+" + progress;
	const registered *i = registry_find(FAMILY_INITIALISER, initialiser);
	const registered *c = registry_find(FAMILY_COUNTER, counter);
	const registered *p = registry_find(FAMILY_PROGRESS, progress);
	if (!i || !c || !p) {
		made.missing = "an implementation of this choice is missing";
		return made;
	}
	made.initialiser = initialiser_of(i);
	made.counter = counter_of(c);
	made.progress = progress_of(p);
	batch_options options = batch_of(made, 1, NO_WORK);
	if (const char *why = batch_impossible(&options))
		made.missing = why;
	return made;
}

const std::vector<choice> &batch_choices()
{
	static const std::vector<choice> choices = {
		make_choice("naive", "naive", "plain_global"),
		make_choice("mutex", "mutex", "under_lock"),
		make_choice("atomic", "atomic", "after_increment"),
		make_choice("futex", "atomic", "channel"),
		make_choice("atomic", "sharded_store", "sampler"),
		make_choice("atomic", "sharded_store", "monotone"),
		make_choice("once", "tally", "teller"),
	};
	return choices;
}

const choice &no_choice()
{
	static const choice none = [] {
		choice made;
		made.name = "nothing";
		made.initialiser = &initialiser_nothing;
		made.counter = &counter_nothing;
		made.progress = &progress_nothing;
		return made;
	}();
	return none;
}

batch_options batch_of(const choice &choice, unsigned workers, int64_t item_ns)
{
	batch_options options = {};
	options.initialiser = choice.initialiser;
	options.counter = choice.counter;
	options.progress = choice.progress;
	options.workers = workers;
	options.item_cost_ns = item_ns;
	options.model_bytes = choice.initialiser && choice.initialiser->loading == LOADER_LINK_TIME ? 0 : BATCH_MODEL_MIN;
	options.quiet = true;
	return options;
}

static double process_cpu_s()
{
	timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

timed_batch time_batch(batch_options &options, uint64_t items)
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

batch_cost rehearse(batch_options &options)
{
	enum { STARTS = 5 };
	const uint64_t least = options.workers;
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

std::string broken_claim(const batch_options &options, const batch_summary &summary)
{
	if (summary.counted != summary.items && (options.counter->about.claims & COUNTER_NO_LOST_UPDATE))
		return "counted " + std::to_string(summary.counted) + " of " + std::to_string(summary.items) +
		       " items, though its counter claims no_lost_update";
	if (summary.models_made != 1 && (options.initialiser->about.claims & INITIALISER_EXACTLY_ONCE))
		return std::to_string(summary.models_made) + " models made, though its initialiser claims exactly_once";
	return "";
}

uint64_t draw(uint64_t *random)
{
	uint64_t x = *random += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

pair time_pair(batch_options &with, batch_options &without, uint64_t items, uint64_t *random)
{
	pair both;
	const bool first = draw(random) & 1;
	if (!first)
		both.without_s = time_batch(without, items).wall_s;
	const timed_batch timed = time_batch(with, items);
	both.with_s = timed.wall_s;
	both.with_cpu_s = timed.cpu_s;
	both.summary = timed.summary;
	if (first)
		both.without_s = time_batch(without, items).wall_s;
	return both;
}

} // namespace bench
