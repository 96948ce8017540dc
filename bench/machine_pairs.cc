// SPDX-License-Identifier: MIT
// What two CPUs cost each other: a line's round trip for every pair, whether they share a core, and waking a sleeper.
#include <algorithm>
#include <atomic>
#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <memory>
#include <random>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <utility>

extern "C" {
#include "../reports/node.h"
}
#include "floors.h"
#include "machine.h"
#include "machine_loops.h"
#include "statistics.h"
#include "window.h"

namespace bench
{

enum { ANYWHERE = -1 };

static bool stopped()
{
	return interrupted.load(std::memory_order_relaxed); // relaxed: a flag alone
}

static double quantile(std::vector<double> values, double q)
{
	std::sort(values.begin(), values.end());
	return values.empty() ? 0
			      : values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}

/* A thread that runs BODY on CPU, and the calling one on HOME. A new thread starts where its maker is, so that goes there first: one that
 * began on HOME might wait there for the maker to give way, which under a real-time policy it never does. */
template <typename Body> static std::thread start_on(int cpu, int home, Body body)
{
	if (cpu != ANYWHERE)
		machine_pin(cpu);
	std::thread started(body);
	if (home != ANYWHERE)
		machine_pin(home);
	return started;
}

/* Round trip in ns of a line between a thread on CPU and the calling one on HOME, over about SECONDS; 0 when the partner does not get to run.
 * The lower quartile of batches: those in which one side lost its CPU are among the others, unless the machine is busy all the time. */
static double round_trip(int cpu, int home, double seconds)
{
	enum { BATCHES_MIN = 7, BATCHES_MAX = 400 };
	constexpr uint64_t ROUNDS = 64;
	struct court {
		alignas(128) uint64_t turn = 0; /* by both, in turn */
		alignas(128) std::atomic<bool> over{false};
	} court;
	std::vector<double> batches;
	std::thread partner = start_on(cpu, home, [&] {
		floor_pong(&court.turn);
		court.over.store(true, std::memory_order_relaxed); // relaxed: the join orders everything else
	});
	const uint64_t until = now_ns() + static_cast<uint64_t>(seconds * 1e9);
	const uint64_t deadline = until + 2000000000; /* a partner that does not run for so long is starved */
	bool served = machine_ping(&court.turn, ROUNDS, deadline);
	while (served && batches.size() < BATCHES_MAX && (batches.size() < BATCHES_MIN || now_ns() < until) && !stopped()) {
		const uint64_t from = now_ns();
		served = machine_ping(&court.turn, ROUNDS, deadline);
		if (served)
			batches.push_back(static_cast<double>(now_ns() - from) / static_cast<double>(ROUNDS));
	}
	/* relaxed: the word carries nothing but itself. Again and again: a partner that was late may write one answer over it. */
	while (!court.over.load(std::memory_order_relaxed)) {
		__atomic_store_n(&court.turn, UINT64_MAX, __ATOMIC_RELAXED);
		std::this_thread::yield();
	}
	partner.join();
	return quantile(batches, 0.25);
}

/* CPUs whose pairs are measured: all, or evenly spread ones, which always include the first two. */
static std::vector<int> choose(const std::vector<int> &cpus, size_t most)
{
	if (cpus.size() <= most)
		return cpus;
	std::vector<int> chosen;
	for (size_t i = 0; i < most; i++)
		chosen.push_back(cpus[i < 2 ? i : i * cpus.size() / most]);
	return chosen;
}

namespace
{

struct matrix {
	std::vector<int> cpus;
	std::vector<std::vector<double>> ns; /* 0: not measured */
	std::pair<size_t, size_t> nearest{0, 0};
	size_t missing = 0;
};

} // namespace

/* Pairs in random order, so that what is there when the time is over is spread over all. */
static matrix measure_pairs(const std::vector<int> &cpus, const machine_budget &budget)
{
	const double PAIR_S = 0.02;              /* enough for any pair */
	const uint64_t PATIENCE_NS = 4000000000; /* for a first pair, where all partners are starved */
	matrix found;
	found.cpus = choose(cpus, budget.cpus_max);
	found.ns.assign(found.cpus.size(), std::vector<double>(found.cpus.size(), 0));
	std::vector<std::pair<size_t, size_t>> pairs;
	for (size_t i = 0; i < found.cpus.size(); i++)
		for (size_t j = i + 1; j < found.cpus.size(); j++)
			pairs.emplace_back(i, j);
	std::shuffle(pairs.begin(), pairs.end(), std::mt19937(1));
	const uint64_t until = now_ns() + static_cast<uint64_t>(budget.pairs_s * 1e9);
	double nearest = 0;
	for (auto [i, j] : pairs) {
		if (stopped() || now_ns() > (nearest > 0 ? until : until + PATIENCE_NS))
			break;
		const double ns = round_trip(
			found.cpus[j], found.cpus[i], std::min(PAIR_S, budget.pairs_s / static_cast<double>(pairs.size()) / 2));
		found.ns[i][j] = found.ns[j][i] = ns;
		if (ns > 0 && (nearest == 0 || ns < nearest)) {
			nearest = ns;
			found.nearest = {i, j};
		}
	}
	for (auto [i, j] : pairs)
		found.missing += found.ns[i][j] <= 0;
	return found;
}

static json_t *number_or_null(double value)
{
	return node_must(value > 0 ? json_real(value) : json_null());
}

static void tell_pairs(json_t *machine, const matrix &found, const std::vector<int> &cpus, double unpinned)
{
	json_t *about = node_must(json_object()), *names = node_must(json_array()), *rows = node_must(json_array());
	std::vector<double> all;
	for (size_t i = 0; i < found.cpus.size(); i++) {
		node_append(names, json_integer(found.cpus[i]));
		json_t *row = node_append(rows, node_must(json_array()));
		for (size_t j = 0; j < found.cpus.size(); j++) {
			node_append(row, number_or_null(found.ns[i][j]));
			if (i < j && found.ns[i][j] > 0)
				all.push_back(found.ns[i][j]);
		}
	}
	node_set(about, "cpus", names);
	node_set(about, "round_trip_ns", rows);
	node_set(about, "median_ns", number_or_null(all.empty() ? unpinned : median(all)));
	node_set(about, "min_ns", number_or_null(all.empty() ? 0 : smallest(all)));
	node_set(about, "max_ns", number_or_null(all.empty() ? 0 : largest(all)));
	node_set(about, "unpinned_ns", number_or_null(unpinned));
	const bool sampled = found.cpus.size() > 0 && (found.missing || found.cpus.size() < cpus.size());
	node_set(about, "sampled", json_boolean(sampled));
	if (sampled)
		machine_note(machine, text_of("The round trips of %zu pairs stand for all %zu pairs of the %zu CPUs.", all.size(),
					      cpus.size() * (cpus.size() - 1) / 2, cpus.size()));
	node_set(machine, "ping_pong", about);
}

/* How much longer multiplications take on HOME while a thread on CPU does the same: 1 with a core each, about 2 with one
 * multiplier between them. 0 when the partner was not seen to run. Times of runs during which the partner moved on. */
static double crowding(int cpu, int home, double seconds)
{
	enum { RUN_OPS = 1 << 14, STEP_OPS = 1 << 10, STEPS_MIN = 6, RUNS_MIN = 20 };
	struct shared {
		alignas(128) std::atomic<uint64_t> steps{0}; /* by the partner */
		alignas(128) std::atomic<bool> stop{false};
	} shared;
	auto least = [&](bool together) {
		double best = 0;
		const uint64_t until = now_ns() + static_cast<uint64_t>(seconds * 1e9);
		for (unsigned runs = 0; runs < RUNS_MIN || now_ns() < until; runs++) {
			// relaxed, here and below: counts and flags alone
			const uint64_t from = now_ns(), steps = shared.steps.load(std::memory_order_relaxed);
			machine_loop_multiply(RUN_OPS);
			const double took = static_cast<double>(now_ns() - from);
			const uint64_t moved = shared.steps.load(std::memory_order_relaxed) - steps;
			if ((!together || moved >= STEPS_MIN) && (best == 0 || took < best))
				best = took;
		}
		return best;
	};
	machine_pin(home);
	const double alone = least(false);
	std::thread partner = start_on(cpu, home, [&] {
		while (!shared.stop.load(std::memory_order_relaxed)) {
			machine_loop_multiply(STEP_OPS);
			shared.steps.fetch_add(1, std::memory_order_relaxed);
		}
	});
	while (shared.steps.load(std::memory_order_relaxed) == 0)
		std::this_thread::yield();
	const double together = least(true);
	shared.stop.store(true, std::memory_order_relaxed);
	partner.join();
	return alone > 0 ? together / alone : 0;
}

/* A hypervisor may show two hyperthreads as two cores. The nearest pair is asked by using it. */
static void look_at_core(json_t *machine, const matrix &found, double seconds)
{
	const auto [i, j] = found.nearest;
	if (i == j || stopped())
		return;
	const double slower = crowding(found.cpus[j], found.cpus[i], seconds);
	node_set(machine, "pair_slowdown", number_or_null(slower));
	const bool told = json_is_true(json_object_get(machine, "smt"));
	if (told || slower < 1.5)
		return;
	node_set(machine, "smt", json_true());
	node_set(machine, "smt_how", node_text("as measured: two at once take longer"));
	machine_note(machine,
		text_of("CPUs %d and %d seem to share a core, though the topology does not say so: multiplications on both at "
			"once take %.1f times as long.",
			found.cpus[i], found.cpus[j], slower));
}

static void measure_all_pairs(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget)
{
	matrix found;
	double unpinned = 0;
	if (machine_pin(cpus.front()) != 0 && cpus.size() > 1)
		unpinned = round_trip(ANYWHERE, ANYWHERE, 0.02);
	else if (cpus.size() > 1)
		found = measure_pairs(cpus, budget);
	tell_pairs(machine, found, cpus, unpinned);
	look_at_core(machine, found, budget.cost_s / 2);
}

void machine_pairs(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget)
{
	/* A thread of its own, so that the caller's affinity stays as it is. */
	std::thread([&] { measure_all_pairs(machine, cpus, budget); }).join();
}

namespace
{

/* A sleeper and its waker. */
struct bed {
	alignas(128) std::atomic<uint32_t> call{0};   /* by the waker: how often it has called */
	alignas(128) std::atomic<uint32_t> asleep{0}; /* by the sleeper: the call that it is about to wait for */
	alignas(128) std::atomic<uint64_t> awake_ns{0};
};

} // namespace

static long futex(std::atomic<uint32_t> &word, int operation, uint32_t value)
{
	return syscall(
		SYS_futex, reinterpret_cast<uint32_t *>(&word), operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

static void sleep_and_tell(bed &bed, unsigned wakes)
{
	for (uint32_t i = 1; i <= wakes; i++) {
		bed.asleep.store(i, std::memory_order_release); // release: pairs with the waker's acquire; awake_ns is free again
		while (bed.call.load(std::memory_order_acquire) != i) // acquire: pairs with the waker's release
			futex(bed.call, FUTEX_WAIT, i - 1);
		bed.awake_ns.store(now_ns(), std::memory_order_release); // release: pairs with the waker's acquire
	}
}

/* Leaves time for the sleeper to fall asleep and its CPU to become idle. With a CPU of its own the waker works meanwhile, as one that has
 * loaded something did. */
static void let_sleep(bool own_cpu)
{
	const uint64_t until = now_ns() + 60000;
	const timespec nap = {0, 60000};
	if (!own_cpu)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
	while (now_ns() < until)
		;
}

/* Times in ns from before each wake that really woke somebody to the sleeper's first instruction. */
static std::vector<double> measure_wakes(int cpu, int home, unsigned wakes)
{
	bed bed;
	std::vector<double> times;
	std::thread sleeper = start_on(cpu, home, [&] { sleep_and_tell(bed, wakes); });
	for (uint32_t i = 1; i <= wakes; i++) {
		// acquire: pairs with the sleeper's release
		for (unsigned round = 0; bed.asleep.load(std::memory_order_acquire) != i; round++)
			wait_a_little(round);
		if (!stopped())
			let_sleep(cpu != home);
		bed.awake_ns.store(0, std::memory_order_relaxed); // relaxed: published by the call
		bed.call.store(i, std::memory_order_release);     // release: pairs with the sleeper's acquire
		const uint64_t from = now_ns();
		const bool slept = futex(bed.call, FUTEX_WAKE, 1) == 1;
		uint64_t awake;
		for (unsigned round = 0; (awake = bed.awake_ns.load(std::memory_order_acquire)) == 0;
			round++) // acquire: pairs with its release
			wait_a_little(round);
		if (slept)
			times.push_back(static_cast<double>(awake) - static_cast<double>(from));
	}
	sleeper.join();
	return times;
}

void machine_wakes(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget)
{
	std::vector<double> times;
	std::thread([&] {
		const bool pinned = machine_pin(cpus.front()) == 0;
		times = measure_wakes(pinned ? cpus.back() : ANYWHERE, pinned ? cpus.front() : ANYWHERE, budget.wakes);
	}).join();
	json_t *about = node_must(json_object());
	const bool back = !times.empty() && smallest(times) < 0;
	node_set(about, "p50", number_or_null(quantile(times, 0.5)));
	node_set(about, "p99", number_or_null(quantile(times, 0.99)));
	node_set(about, "samples", node_count(times.size()));
	node_set(machine, "wake_ns", about);
	if (back)
		machine_note(machine, "A thread woke before it was called, by the clock: clocks of different CPUs do not agree.");
}

} // namespace bench
