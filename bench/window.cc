// SPDX-License-Identifier: MIT
#include "window.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "../impl/contract.h"
#include "perf.h"

namespace bench
{

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler stores to it");

uint64_t now_ns()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

/* How often the scheduler has taken the CPU away from this thread. */
static uint64_t preemptions()
{
	rusage used = {};
	getrusage(RUSAGE_THREAD, &used);
	return static_cast<uint64_t>(used.ru_nivcsw);
}

static uint64_t thread_cpu_ns()
{
	timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

void wait_a_little(unsigned round)
{
	enum { PAUSES = 200 };
	if (round < PAUSES)
		cpu_relax();
	else
		sched_yield();
}

/* The CPUs that the process may use, in order, as it was started. */
static const std::vector<int> &allowed_cpus()
{
	static const std::vector<int> cpus = [] {
		std::vector<int> list;
		cpu_set_t set;
		if (sched_getaffinity(0, sizeof set, &set) == 0)
			for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
				if (CPU_ISSET(cpu, &set))
					list.push_back(cpu);
		return list;
	}();
	return cpus;
}

static bool pin_to(unsigned thread)
{
	const std::vector<int> &cpus = allowed_cpus();
	if (cpus.empty())
		return false;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpus[thread % cpus.size()], &set);
	return sched_setaffinity(0, sizeof set, &set) == 0;
}

namespace
{

/* What one thread leaves behind; on lines of its own, so that nobody's measuring disturbs another's. */
struct alignas(128) record {
	uint64_t end_ns = 0, cpu_ns = 0, preempted = 0;
	bool pinned = false;
	std::vector<double> events;
};

/* Shared by a team and its starter. */
struct start_line {
	alignas(128) std::atomic<unsigned> ready{0};
	alignas(128) std::atomic<bool> go{false};
	bool called_off = false; /* published by `go`: the team is not whole, and bodies may wait for one another */
	alignas(128) std::atomic<bool> stop{false};
	alignas(128) std::atomic<unsigned> done{0};
};

} // namespace

/* Under SCHED_FIFO (chrt -f) a thread that spins keeps its CPU from its equals for good, and from whoever is to stop it too: it goes one
 * step below them. */
static void let_the_starter_in()
{
	sched_param priority;
	int policy;
	if (pthread_getschedparam(pthread_self(), &policy, &priority) != 0 || policy == SCHED_OTHER)
		return;
	if (priority.sched_priority > sched_get_priority_min(policy)) {
		priority.sched_priority--;
		pthread_setschedparam(pthread_self(), policy, &priority);
	}
}

static void run_member(const team &team, unsigned thread, start_line &line, record &mine)
{
	let_the_starter_in();
	mine.pinned = pin_to(thread);
	perf_group counters(perf_counted());
	line.ready.fetch_add(1, std::memory_order_release); // release: pairs with the starter's acquire; publishes `pinned`
	for (unsigned round = 0; !line.go.load(std::memory_order_acquire); round++) // acquire: pairs with the starter's release
		wait_a_little(round);
	if (line.called_off)
		return;
	counters.start();
	uint64_t preempted = preemptions(), cpu = thread_cpu_ns();
	team.body(thread, line.stop);
	mine.end_ns = now_ns();
	mine.cpu_ns = thread_cpu_ns() - cpu;
	mine.preempted = preemptions() - preempted;
	mine.events = counters.stop();
	if (team.after)
		team.after(thread);
	line.done.fetch_add(1, std::memory_order_release); // release: pairs with the starter's acquire
}

/* Sleeps until the window's end, a signal, or until every body has returned. */
static void sleep_through(const team &team, const start_line &line, uint64_t start)
{
	const uint64_t end = start + static_cast<uint64_t>(team.seconds * 1e9);
	const uint64_t slice = 20000000; /* bodies that end by themselves, and signals to other threads, are noticed this late */
	for (uint64_t now = now_ns(); now < end; now = now_ns()) {
		// relaxed: both are only looked at again after the join
		if (interrupted.load(std::memory_order_relaxed) || line.done.load(std::memory_order_relaxed) == team.threads)
			return;
		uint64_t nap = std::min(end - now, slice);
		timespec t = {static_cast<time_t>(nap / 1000000000u), static_cast<long>(nap % 1000000000u)};
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, nullptr);
	}
}

static void accompany(const team &team, const std::atomic<bool> &stop)
{
	while (!stop.load(std::memory_order_relaxed)) { // relaxed: joined afterwards
		team.companion();
		timespec t = {0, static_cast<long>(team.companion_us) * 1000};
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, nullptr);
	}
}

/* A sum over threads; nothing where one thread's counters never ran. */
static void add_events(std::vector<double> &sum, const std::vector<double> &one)
{
	if (sum.size() != one.size())
		sum.clear();
	for (size_t i = 0; i < sum.size(); i++)
		sum[i] += one[i];
}

team_result run_team(const team &team)
{
	perf_counted(); /* found out here, not at the start line */
	start_line line;
	std::vector<record> records(team.threads);
	std::vector<std::thread> threads;
	std::thread companion;
	uint64_t start = 0;
	auto finish = [&] {
		line.stop.store(true, std::memory_order_relaxed); // relaxed: a flag alone; the joins order everything else
		line.go.store(true, std::memory_order_release);
		for (std::thread &thread : threads)
			thread.join();
		if (companion.joinable())
			companion.join();
	};
	try {
		for (unsigned i = 0; i < team.threads; i++)
			threads.emplace_back([&, i] { run_member(team, i, line, records[i]); });
		if (team.companion)
			companion = std::thread([&] { accompany(team, line.stop); });
	} catch (...) {
		line.called_off = true;
		finish();
		throw;
	}
	while (line.ready.load(std::memory_order_acquire) != team.threads) { // acquire: pairs with run_member's release
		timespec nap = {0, 50000};
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
	}
	start = now_ns();
	line.go.store(true, std::memory_order_release); // release: pairs with run_member's acquire; publishes what the row set up
	sleep_through(team, line, start);
	finish();

	team_result result = {0, 0, 0, true, records.front().events};
	std::fill(result.events.begin(), result.events.end(), 0);
	for (const record &one : records) {
		result.wall_ns = std::max(result.wall_ns, static_cast<double>(one.end_ns - start));
		result.cpu_ns += static_cast<double>(one.cpu_ns);
		result.preempted += one.preempted;
		result.pinned &= one.pinned;
		add_events(result.events, one.events);
	}
	return result;
}

static loop_result run_window(const loop &loop, double seconds, uint64_t chunk)
{
	struct alignas(128) count {
		uint64_t ops = 0;
	};
	std::vector<count> counts(loop.threads);
	team team;
	team.threads = loop.threads;
	team.seconds = seconds;
	team.after = loop.after;
	team.companion = loop.companion;
	team.companion_us = loop.companion_us;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) {
		uint64_t ops = 0;
		do {
			loop.work(thread, chunk);
			ops += chunk;
		} while (!stop.load(std::memory_order_relaxed)); // relaxed: a flag alone
		counts[thread].ops = ops;
	};
	team_result ran = run_team(team);
	uint64_t ops = 0;
	std::vector<uint64_t> thread_ops;
	for (const count &one : counts) {
		ops += one.ops;
		thread_ops.push_back(one.ops);
	}
	double n = static_cast<double>(ops);
	return {ops, thread_ops, ran.wall_ns / n, ran.cpu_ns / n, ran};
}

loop_result run_loop(const loop &loop, uint64_t *chunk)
{
	if (*chunk)
		return run_window(loop, loop.seconds, *chunk);
	/* Long enough for every thread to have run and to have been preempted, where there are more threads than cores. */
	const bool crowded = loop.threads > this_machine().cores;
	loop_result tried = run_window(loop, crowded ? 0.03 : 0.002, 64);
	const double target_ns = 4000; /* long against the look at the flag, short against the window */
	/* What one operation takes of its thread. With a core for each, CPU time says it whatever else the machine does. */
	const double latency_ns = crowded ? tried.ns_per_op * loop.threads : tried.cpu_ns_per_op;
	*chunk = static_cast<uint64_t>(std::clamp(target_ns / latency_ns, 64.0, 65536.0)) / 64 * 64;
	return tried;
}

block::block(size_t bytes, size_t align, size_t count)
{
	const size_t line = std::max<size_t>(align, 128); /* two lines: the prefetcher fetches pairs */
	stride_ = (std::max<size_t>(bytes, 1) + line - 1) / line * line;
	memory_ = std::aligned_alloc(line, stride_ * count);
	if (!memory_)
		throw std::bad_alloc();
	std::memset(memory_, 0, stride_ * count);
}

block::~block()
{
	std::free(memory_);
}

void *block::at(size_t index) const
{
	return static_cast<char *>(memory_) + stride_ * index;
}

} // namespace bench
