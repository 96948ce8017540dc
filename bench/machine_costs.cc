// SPDX-License-Identifier: MIT
// What single instructions, the clock and sleeping cost on one CPU.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

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

/* A run is this long: short against a time slice, so that the least of many was interrupted by nobody; long against the clock. */
static constexpr double RUN_NS = 20000;

/* The least time per operation of runs of work(ops) over SECONDS. Doubling from few operations finds how many a run takes. */
template <typename Work> static double least_ns(double seconds, Work work)
{
	enum { OPS_START = 256, RUNS_MIN = 8 };
	uint64_t ops = OPS_START;
	double best = 0;
	const uint64_t until = now_ns() + static_cast<uint64_t>(seconds * 1e9);
	for (unsigned runs = 0; runs < RUNS_MIN || now_ns() < until;) {
		const uint64_t from = now_ns();
		work(ops);
		const double took = static_cast<double>(now_ns() - from);
		if (took < RUN_NS / 2) {
			ops *= 2;
			continue;
		}
		const double each = took / static_cast<double>(ops);
		best = runs++ ? std::min(best, each) : each;
	}
	return best;
}

double machine_cycle_ns(double seconds)
{
	return least_ns(seconds, machine_loop_add);
}

/* A ring of pointers through a page's worth of lines in an order that no prefetcher guesses. */
static double chase_ns(double seconds)
{
	enum { LINES = 64, LINE = 64 / sizeof(void *) };
	struct alignas(4096) page {
		void *words[LINES * LINE];
	};
	auto ring = std::make_unique<page>();
	size_t order[LINES];
	for (size_t i = 0; i < LINES; i++)
		order[i] = i * LINE;
	std::shuffle(order, order + LINES, std::mt19937(1));
	for (size_t i = 0; i < LINES; i++)
		ring->words[order[i]] = &ring->words[order[(i + 1) % LINES]];
	void **at = &ring->words[order[0]];
	return least_ns(seconds, [&at](uint64_t ops) { at = machine_loop_chase(at, ops); });
}

static uint64_t clock_by_call()
{
	timespec t;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

clock_costs machine_clock(uint64_t (*read)(), uint64_t (*call)())
{
	enum { ROUNDS = 20, STEP_READS = 20000 };
	constexpr double READS = 500;
	clock_costs costs = {};
	auto cost_of = [](uint64_t (*one)()) {
		double best = 0;
		for (int round = 0; round < ROUNDS; round++) {
			const uint64_t from = now_ns();
			for (int i = 0; i < READS; i++)
				one();
			const double each = static_cast<double>(now_ns() - from) / READS;
			best = round ? std::min(best, each) : each;
		}
		return best;
	};
	costs.read_ns = cost_of(read);
	/* A call that the C library answers itself, without the kernel, costs a fraction of one that enters it. */
	costs.is_call = call && costs.read_ns > 0.5 * cost_of(call);
	uint64_t last = read(), least = UINT64_MAX;
	const uint64_t give_up = now_ns() + 20000000; /* a clock of jiffies steps a few times in this */
	/* The last look is after the time is over, however late that is: a clock that goes has moved by then. */
	for (int i = 0;; i++) {
		const bool late = now_ns() >= give_up;
		const uint64_t now = read();
		costs.runs_back |= now < last;
		if (now > last)
			least = std::min(least, now - last);
		last = now;
		if (late || (i >= STEP_READS && least != UINT64_MAX))
			break;
	}
	costs.step_ns = least == UINT64_MAX ? 0 : static_cast<double>(least);
	return costs;
}

std::vector<std::string> clock_notes(const clock_costs &costs, const std::string &source, const std::string &available)
{
	std::vector<std::string> notes;
	const std::string named = source.empty() ? "The clock" : "The clock (" + source + ")";
	if (costs.is_call)
		notes.push_back(
			text_of("%s is read by a system call of %.0f ns each: latencies of single operations are blurred by it.",
				named.c_str(), costs.read_ns));
	else if (costs.read_ns > 200)
		notes.push_back(text_of("%s takes %.0f ns to read: latencies of single operations are blurred by it.",
			named.c_str(), costs.read_ns));
	/* Two readings differ by what one costs, at least; a step beyond that is the clock's own. */
	if (costs.step_ns > 100 && costs.step_ns > 4 * costs.read_ns)
		notes.push_back(text_of(
			"%s goes in steps of %.0f ns: shorter times cannot be told apart.", named.c_str(), costs.step_ns));
	if (costs.step_ns <= 0)
		notes.push_back(named + " stood still for 20 ms: no time here can be believed.");
	if (costs.runs_back)
		notes.push_back(named + " has run backwards: no time here can be believed.");
	/* The kernel drops the processor's own counter when it finds it unstable; another one on x86 is slow or a hypervisor's. */
	if ((source == "hpet" || source == "acpi_pm" || source == "jiffies" || source == "refined-jiffies") &&
		available.find("tsc") == std::string::npos)
		notes.push_back("The kernel does not trust the processor's own clock (tsc) and uses " + source + " instead.");
	return notes;
}

/* Ticks of the processor's time-stamp counter per us, or null: a fixed rate, which cycle_ns is compared with. */
static json_t *tsc_mhz()
{
#if defined(__x86_64__)
	const uint64_t from = now_ns(), ticks = __rdtsc();
	uint64_t to;
	while ((to = now_ns()) - from < 2000000)
		;
	return json_real(static_cast<double>(__rdtsc() - ticks) * 1e3 / static_cast<double>(to - from));
#else
	return json_null();
#endif
}

static void find_sleep(json_t *machine, unsigned sleeps)
{
	constexpr long NAP_NS = 100000;
	std::vector<double> over;
	for (unsigned i = 0; i < sleeps; i++) {
		const timespec nap = {0, NAP_NS};
		const uint64_t from = now_ns();
		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr) == 0)
			over.push_back(static_cast<double>(now_ns() - from) - static_cast<double>(NAP_NS));
	}
	std::sort(over.begin(), over.end());
	json_t *found = node_must(json_object());
	node_set(found, "p50", over.empty() ? json_null() : json_real(over[over.size() / 2]));
	node_set(found, "p99", over.empty() ? json_null() : json_real(over[over.size() * 99 / 100]));
	const int slack = prctl(PR_GET_TIMERSLACK);
	node_set(found, "timer_slack", slack < 0 ? json_null() : json_integer(slack));
	node_set(machine, "sleep_overshoot_ns", found);
}

/* Cores of different kinds, or of different speed right now. */
static void find_speeds(json_t *machine, const std::vector<int> &cpus, double seconds)
{
	json_t *speeds = node_must(json_array());
	double least = 0, most = 0;
	int fast = 0, slow = 0;
	for (int cpu : cpus) {
		if (machine_pin(cpu) != 0 || interrupted.load(std::memory_order_relaxed)) { // relaxed: a flag alone
			node_append(speeds, node_must(json_null()));
			continue;
		}
		const double cycle = machine_cycle_ns(seconds);
		node_append(speeds, node_must(json_real(cycle)));
		if (least == 0 || cycle < least)
			least = cycle, fast = cpu;
		if (cycle > most)
			most = cycle, slow = cpu;
	}
	node_set(machine, "cycle_ns_per_cpu", speeds);
	if (most > 1.1 * least)
		machine_note(machine, text_of("CPUs run at different speeds: a cycle is %.3f ns on CPU %d and %.3f ns on CPU %d.",
					      least, fast, most, slow));
}

static void measure_costs(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget)
{
	std::vector<int> some(cpus.begin(), cpus.begin() + static_cast<long>(std::min(cpus.size(), budget.cpus_max)));
	find_speeds(machine, some, budget.cost_s / 8);
	machine_pin(cpus.front()); /* where it is refused, the note about that is there already */
	struct alignas(128) {
		floor_cell cell;
	} own = {};
	own.cell.pointer = &own;
	node_set(machine, "cycle_ns", json_real(machine_cycle_ns(budget.cost_s)));
	node_set(machine, "l1_load_ns", json_real(chase_ns(budget.cost_s)));
	node_set(machine, "load_branch_ns",
		json_real(least_ns(budget.cost_s, [&](uint64_t ops) { floor_loop_load_branch(&own.cell, ops); })));
	node_set(machine, "lock_xadd_ns",
		json_real(least_ns(budget.cost_s, [&](uint64_t ops) { floor_loop_lock_xadd(&own.cell, ops); })));
	node_set(machine, "tsc_mhz", tsc_mhz());
	const clock_costs clock = machine_clock(now_ns, clock_by_call);
	node_set(machine, "clock_ns", json_real(clock.read_ns));
	node_set(machine, "clock_step_ns", json_real(clock.step_ns));
	node_set(machine, "clock_is_call", json_boolean(clock.is_call));
	for (const std::string &note :
		clock_notes(clock, node_string(machine, "clock"), node_string(machine, "clocks_available")))
		machine_note(machine, note);
	find_sleep(machine, budget.sleeps);
}

void machine_costs(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget)
{
	/* A thread of its own, so that the caller's affinity stays as it is. */
	std::thread([&] { measure_costs(machine, cpus, budget); }).join();
}

} // namespace bench
