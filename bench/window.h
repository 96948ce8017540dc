/* SPDX-License-Identifier: MIT */
/* The measuring window: a team of pinned threads with one start line and one stop flag.
 *
 * Google Benchmark aligns no thread with another and divides their time by their number (up to 1.8). So it only drives and reports
 * here; operations and wall time are our own, over a window in which all threads run.
 */
#ifndef ONCEPROOF_BENCH_WINDOW_H
#define ONCEPROOF_BENCH_WINDOW_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench
{

/* What a price is worth nothing without. */
struct machine {
	std::string cpu_model;
	unsigned cores;   /* that this process may use: affinity and CPU quota, rounded down to at least 1 */
	unsigned allowed; /* CPUs in the affinity mask */
	double quota;     /* CPUs that the control group grants; 0: no limit */
	bool can_pin;     /* sched_setaffinity works */
	std::string kernel, clock;
	std::string compiler; /* of the measured loops */
};
const machine &this_machine();

/* CLOCK_MONOTONIC in ns. */
uint64_t now_ns();

/* Waits politely inside a handshake: a few pauses, then the rest of the time slice goes to others. ROUND counts the calls. */
void wait_a_little(unsigned round);

/* Set by the signal handler: windows end at once and no new ones are worth opening. Lock-free. */
extern std::atomic<bool> interrupted;

/* One team. The body runs in each thread from the shared start line and returns soon after `stop`. */
struct team {
	unsigned threads = 1;
	double seconds = 0.01; /* until `stop` is raised; less when every body has returned by itself */
	std::function<void(unsigned thread, const std::atomic<bool> &stop)> body;
	/* In the thread, after the clock has stopped; or empty. */
	std::function<void(unsigned thread)> after;
	/* A companion that is called every companion_us from its own, unpinned thread while the team runs; or empty. */
	std::function<void()> companion;
	unsigned companion_us = 100;
};

struct team_result {
	double wall_ns;     /* from the start line to the last thread's end */
	double cpu_ns;      /* CPU time of all team threads between */
	uint64_t preempted; /* how often one of them lost its CPU to somebody else */
	bool pinned;
	std::vector<double>
		events; /* of perf_counted(), in order, by all team threads between; empty where they are not counted */
};

/* Throws std::system_error when a thread cannot be started. */
team_result run_team(const team &team);

/* A measured loop in chunks: work(thread, ops) does ops operations, a multiple of 64. */
struct loop {
	unsigned threads = 1;
	double seconds = 0.01;
	std::function<void(unsigned thread, uint64_t ops)> work;
	std::function<void(unsigned thread)> after;
	std::function<void()> companion;
	unsigned companion_us = 100;
};

struct loop_result {
	uint64_t ops;                     /* of all threads */
	std::vector<uint64_t> thread_ops; /* of each */
	double ns_per_op, cpu_ns_per_op;
	team_result ran;
};

/* Runs LOOP for one window. *CHUNK is how many operations lie between two looks at the stop flag. When it is 0, this run is a short
 * rehearsal that finds it: large enough for the flag to cost nothing, small enough for it to be noticed in microseconds, and 64 where
 * an operation can wait for a thread that is not running (a fair lock with more threads than cores). A rehearsal's times are not to
 * be used; its totals are as good as any. */
loop_result run_loop(const loop &loop, uint64_t *chunk);

/* Memory for a struct that only its implementation's file completes: zeroed, on cache lines of its own. */
class block
{
      public:
	block(size_t bytes, size_t align, size_t count = 1);
	~block();
	block(const block &) = delete;
	block &operator=(const block &) = delete;
	void *at(size_t index) const;

      private:
	size_t stride_;
	void *memory_;
};

} // namespace bench
#endif
