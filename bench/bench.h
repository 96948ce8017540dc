/* SPDX-License-Identifier: MIT */
/* Rows of the price list, and what is done with them.
 *
 * The parent process (main.cc, run.cc) draws nothing and measures nothing: it starts the same program again, once per process of the
 * plan. Each such child has Google Benchmark drive all rows once, in random order, and prints Google Benchmark's JSON. The parent puts
 * the children's repetitions side by side, and writes one JSON object of Google Benchmark's shape (result.cc):
 *
 * context       Google Benchmark's, and onceproof_version, partial ("true", "false"), plan, processes, window_ms, compiler, machine {}
 *               (machine.h), and peers[] {name, version, missing (why it is not measured, or null)}
 * benchmarks[]  repetitions (run_type "iteration"): Google Benchmark's members and counters, `process` (from 0), ops, wall_ns_per_op,
 *               cpu_ns_per_op, ratio_to_floor (to the floor's median of the same process), oversubscribed, preempted, pinned, the row's own
 *               counters (lost, extra_loads, p50 …); floor (a name), broken, implausible.
 *               aggregates: _mean _median _stddev _cv _min _max over the processes' medians; the _median also has low and high (95 %
 *               bootstrap interval), ratio_low and ratio_high, processes, and modes[] {ns, share} where there are two.
 * distributions[]  {name (a row's), unit "ns", count, p50, p90, p99, p999, max, buckets[] [upper ns, count]} over all processes
 * studies       {NAME: what study NAME found}: measurements that are no rows (struct study)
 * goals[]       {name, subject, what, value, low, high, limit, better ("less", "more"), kind ("gate", "expected"), met, rows[], why}
 */
#ifndef ONCEPROOF_BENCH_BENCH_H
#define ONCEPROOF_BENCH_BENCH_H

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <jansson.h>

#include "../impl/contract.h"
#include "statistics.h"
#include "window.h"

namespace bench
{

/* One repetition of one row. */
struct measurement {
	double ns_per_op = 0;     /* wall time between start and stop over the operations of all threads */
	double cpu_ns_per_op = 0; /* the threads' CPU time over the same operations */
	uint64_t ops = 0;
	uint64_t preempted = 0; /* as in team_result */
	bool pinned = true;
	std::vector<std::pair<std::string, double>> counters; /* "lost" and the like */
	std::string broken; /* a claimed promise that this repetition refuted, in a sentence; else empty */
	/* Of single operations, where the row times each by itself: buckets in ascending order, {upper bound in ns, operations}. */
	std::vector<std::pair<double, uint64_t>> buckets;
	unsigned process = 0; /* set by the parent */
};

/* What a window gave, for rows to add to. With several threads, counter `slowest_share`: the slowest thread's operations over the mean
 * thread's (1: fair). */
measurement measured(const loop_result &ran);
measurement measured(const team_result &ran, double ns_per_op, double cpu_ns_per_op, uint64_t ops);

/* Thrown by a row that cannot be measured on this machine; what() is the reason. */
struct unmeasurable : std::runtime_error {
	using std::runtime_error::runtime_error;
};

/* The smallest plan that measures a row. */
enum tier { TIER_QUICK, TIER_DEFAULT, TIER_FULL };

struct row {
	std::string name; /* family/implementation/operation/threads:N */
	unsigned threads = 1;
	std::string floor;   /* name of the row that its price is compared with; empty: none */
	std::string least;   /* name of the row whose CPU time per operation no correct measurement can undercut; empty: none */
	std::string note;    /* what a reader of the number must know; one phrase or empty */
	std::string skipped; /* why it is not measured; empty: it is */
	std::function<measurement(row &self, double seconds)> measure; /* one window of about SECONDS */
	uint64_t chunk = 0;                                            /* of run_loop; the first call rehearses and sets it */
	bool rehearsed = false;

	std::vector<measurement> measurements; /* one per repetition */
	double spent_s = 0;
	enum tier tier = TIER_QUICK;
	bool oversubscribed() const
	{
		return threads > this_machine().cores;
	}
};

struct plan {
	const char *name = "default";
	enum tier tier = TIER_DEFAULT;
	double window_s = 0.03;
	unsigned processes = 10;
	unsigned repetitions = 1; /* per process */
	double row_budget_s = 6;  /* a row that has used this much gets no further repetition */
	double budget_s = 400;    /* of the whole run; a process that would exceed it is not started */
	std::vector<unsigned> threads = {1, 2, 4, 8};
	std::vector<std::string> globs;
	std::vector<std::string> outputs; /* files for Google Benchmark's JSON; "-" is stdout */
	bool table = true;
	unsigned shard = 1, shards = 1;
	bool quiet = false;
	bool verbose = false; /* a line on stderr for each repetition */
};

/* What can be measured: an implementation of the registry, or a peer: other people's work behind the same contract (peers/peers.h). */
struct subject {
	std::string name; /* "counter/atomic", "initialiser/peer_absl_call_once" */
	const implementation *about;
	std::string note;    /* a peer's package and version; else empty */
	std::string missing; /* why it cannot be measured; else empty */
};
std::vector<subject> subjects_of(enum family family);

/* A measurement that is no row: it runs once, in a process of its own, and may take several steps that depend on one another. */
struct study {
	const char *name; /* its filter, and its key under `studies` */
	const char *what; /* in a progress line: "the machine" */
	enum tier tier;
	/* A new JSON object. Looks at `interrupted` between its steps, and then returns what it has, with "partial": true. */
	json_t *(*measure)(const plan &plan);
};
std::vector<const study *> studies(); /* studies.cc */

/* Every row that PLAN's threads ask for. */
void add_floor_rows(std::vector<row> &rows, const plan &plan);
void add_initialiser_rows(std::vector<row> &rows, const plan &plan);
void add_counter_rows(std::vector<row> &rows, const plan &plan);
void add_progress_rows(std::vector<row> &rows, const plan &plan);
void add_pipeline_rows(std::vector<row> &rows, const plan &plan);

/* How many items a batch needs to fill SECONDS with work, where START_S pass before the first item is under way and each item then
 * takes EACH_S of the whole: so many that the start is less than a fiftieth of it. */
uint64_t batch_items(double seconds, double start_s, double each_s);

/* How long floor_burn(burn_iterations(ns)) takes is NS, as well as this machine can tell when it is calibrated. */
uint64_t burn_iterations(double ns);
enum { STORM_LOAD_NS = 2000 };

/* "counter/naive/increment/threads:2". */
std::string row_name(const std::string &subject, const std::string &operation, unsigned threads);

/* Median CPU time per operation over the row's repetitions. */
double median_cpu_ns(const row &row);

/* NS over the median of the row's floor, or 0 when that is not in this run. */
double ratio_of(const std::vector<row> &rows, const row &row, double ns);

/* Why a row's number cannot be true, or "". */
std::string implausible(const std::vector<row> &rows, const row &row);

/* Registers ROWS with Google Benchmark and runs them; FLAGS are for Google Benchmark. Fills in every row's measurements and returns
 * Google Benchmark's JSON with our names, counters and floors, as text. Throws std::runtime_error on bad flags. */
std::string run_rows(std::vector<row> &rows, const plan &plan, const std::vector<std::string> &flags);

/* For people, on stdout. */
void print_header(const plan &plan);
void print_table(const std::vector<row> &rows, bool partial);

} // namespace bench
#endif
