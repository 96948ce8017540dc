// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bench.h"
#include "floors.h"
#include "perf.h"

namespace bench
{

std::string row_name(const std::string &subject, const std::string &operation, unsigned threads)
{
	return subject + (operation.empty() ? "" : "/" + operation) + "/threads:" + std::to_string(threads);
}

uint64_t burn_iterations(double ns)
{
	static const double each_ns = [] {
		const uint64_t iterations = 20000;
		double best = INFINITY;
		for (int i = 0; i < 50; i++) {
			uint64_t start = now_ns();
			floor_burn(iterations);
			best = std::min(best, static_cast<double>(now_ns() - start) / iterations);
		}
		return best;
	}();
	return static_cast<uint64_t>(std::llround(ns / each_ns));
}

measurement measured(const team_result &ran, double ns_per_op, double cpu_ns_per_op, uint64_t ops)
{
	measurement made;
	made.ns_per_op = ns_per_op;
	made.cpu_ns_per_op = cpu_ns_per_op;
	made.ops = ops;
	made.preempted = ran.preempted;
	made.pinned = ran.pinned;
	return made;
}

measurement measured(const loop_result &ran)
{
	measurement made = measured(ran.ran, ran.ns_per_op, ran.cpu_ns_per_op, ran.ops);
	if (ran.thread_ops.size() > 1) {
		const double mean = static_cast<double>(ran.ops) / static_cast<double>(ran.thread_ops.size());
		const uint64_t slowest = *std::min_element(ran.thread_ops.begin(), ran.thread_ops.end());
		made.counters.emplace_back("slowest_share", static_cast<double>(slowest) / mean);
	}
	for (size_t i = 0; i < ran.ran.events.size(); i++)
		made.counters.emplace_back(
			std::string(perf_counted()[i].name) + "_per_op", ran.ran.events[i] / static_cast<double>(ran.ops));
	return made;
}

using floor_loop = void (*)(floor_cell *cell, uint64_t ops);

/* SHARED: all threads use one cell; else each its own. */
static measurement measure_floor(row &self, double seconds, floor_loop work, bool shared)
{
	block cells(sizeof(floor_cell), alignof(floor_cell), self.threads);
	auto cell = [&](unsigned thread) { return static_cast<floor_cell *>(cells.at(shared ? 0 : thread)); };
	for (unsigned i = 0; i < self.threads; i++)
		cell(i)->pointer = cell(i);
	loop loop;
	loop.threads = self.threads;
	loop.seconds = seconds;
	loop.work = [&](unsigned thread, uint64_t ops) { work(cell(thread), ops); };
	loop_result ran = run_loop(loop, &self.chunk);
	return measured(ran);
}

/* A round trip of one cache line between the first two CPUs. */
static measurement measure_ping_pong(row &, double seconds)
{
	block line(sizeof(uint64_t), alignof(uint64_t));
	uint64_t *turn = static_cast<uint64_t *>(line.at(0));
	uint64_t trips = 0;
	team team;
	team.threads = 2;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) {
		if (thread == 1) {
			floor_pong(turn);
			return;
		}
		do {
			floor_ping(turn, FLOOR_PING_ROUNDS);
			trips += FLOOR_PING_ROUNDS;
		} while (!stop.load(std::memory_order_relaxed));      // relaxed: a flag alone
		__atomic_store_n(turn, UINT64_MAX, __ATOMIC_RELAXED); // relaxed: the word carries nothing but itself
	};
	team_result ran = run_team(team);
	double n = static_cast<double>(trips);
	return measured(ran, ran.wall_ns / n, ran.cpu_ns / n, trips);
}

/* The loader of a first-use storm, alone; timed one by one and taken at the median, as storms are. */
static measurement measure_load(row &self, double seconds, double load_ns)
{
	enum { LOADS_MAX = 1 << 16 };
	const uint64_t iterations = burn_iterations(load_ns);
	std::vector<double> loads;
	loads.reserve(LOADS_MAX);
	team team;
	team.threads = self.threads;
	team.seconds = seconds;
	team.body = [&](unsigned, const std::atomic<bool> &stop) {
		do {
			uint64_t start = now_ns();
			floor_burn(iterations);
			loads.push_back(static_cast<double>(now_ns() - start));
		} while (loads.size() < LOADS_MAX && !stop.load(std::memory_order_relaxed)); // relaxed: a flag alone
	};
	team_result ran = run_team(team);
	return measured(ran, median(loads), ran.cpu_ns / static_cast<double>(loads.size()), loads.size());
}

static row floor_row(const char *name, unsigned threads, const char *note)
{
	row made;
	made.name = row_name(std::string("floor/") + name, "", threads);
	made.threads = threads;
	made.note = note;
	return made;
}

void add_floor_rows(std::vector<row> &rows, const plan &plan)
{
	static const struct {
		const char *name, *note;
		floor_loop work;
		bool shared;
	} loops[] = {
		{"load_branch", "acquire load and predicted branch", floor_loop_load_branch, true},
		{"lock_xadd", "fetch_add on one word", floor_loop_lock_xadd, true},
		{"store", "release store of a count kept in a register, a word per thread", floor_loop_store, false},
	};
	std::vector<unsigned> threads = plan.threads;
	if (std::find(threads.begin(), threads.end(), 1u) == threads.end())
		threads.insert(threads.begin(), 1); /* for the rows whose floor is one thread alone */
	for (const auto &each : loops)
		for (unsigned n : threads) {
			row made = floor_row(each.name, n, each.note);
			made.measure = [work = each.work, shared = each.shared](
					       row &self, double seconds) { return measure_floor(self, seconds, work, shared); };
			rows.push_back(made);
		}
	row ping = floor_row("ping_pong", 2, "round trip of one cache line between two cores");
	ping.measure = measure_ping_pong;
	if (ping.oversubscribed())
		ping.skipped = "needs two cores";
	rows.push_back(ping);
	for (const storm_load &load : storm_loads) {
		row made = floor_row(load.floor, 1, "the storm's loader alone");
		made.tier = load.ns > +STORM_LOAD_NS ? TIER_DEFAULT : TIER_QUICK;
		made.measure = [ns = load.ns](row &self, double seconds) { return measure_load(self, seconds, ns); };
		rows.push_back(made);
	}
}

} // namespace bench
