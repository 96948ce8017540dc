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
 *               cpu_ns_per_op, ratio_to_floor (to the floor's median of the same process), oversubscribed, preempted, pinned, window_ms (the
 *               plan's, or less where there are more rows than time), the row's own counters (lost, extra_loads, p50 …); floor (a name), broken, implausible.
 *               aggregates: _mean _median _stddev _cv _min _max over the processes' medians; the _median also has low and high (95 %
 *               interval; 0 where fewer than INTERVAL_LEAST processes measured the row), ratio_low and ratio_high, processes, and modes[] {ns, share} where there are two.
 * distributions[]  {name (a row's), unit "ns", count, p50, p90, p99, p999, max, buckets[] [upper ns, count]} over all processes
 * studies       {NAME: what study NAME found}: measurements that are no rows (struct study)
 * goals[]       {subject, what, value, low, high, limit, better ("less", "more"), kind ("gate", "expected"), met, sure (the whole interval
 *               is on that side of the limit), rows[] (value: the quotient of the two)}
 */
#ifndef ONCEPROOF_BENCH_BENCH_H
#define ONCEPROOF_BENCH_BENCH_H

#include <cstdint>
#include <functional>
#include <memory>
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
	double window_s = 0;                                  /* that it was given */
	std::vector<std::pair<std::string, double>> counters; /* "lost" and the like */
	std::string broken; /* a claimed promise that this repetition refuted, in a sentence; else empty */
	/* Of single operations, where the row times each by itself: buckets in ascending order, {upper bound in ns, operations}. */
	std::vector<std::pair<double, uint64_t>> buckets;
	/* Set by the parent: which process of the plan it was, and Google Benchmark's JSON of it. */
	unsigned process = 0;
	std::shared_ptr<json_t> told;
};

/* What a window gave, for rows to add to. With several threads, counter `slowest_share`: the slowest thread's operations over the mean
 * thread's (1: fair, 0: one thread had nothing). It is of wall time, so the scheduler's part is in it: with more threads than cores a
 * window holds few time slices of each, and beside other programs one core is slower than the other. What threads that share nothing
 * show in the same run (floor/store) is that part; only less than that is the operation's doing. */
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
	double window_s = 0.025; /* at most: see fit_window() in main.cc */
	unsigned processes = 10;
	unsigned repetitions = 1;      /* per process */
	double row_budget_s = 6;       /* a row that has used this much gets no further repetition */
	double budget_s = 400;         /* of the whole run; a process that would exceed it is not started */
	std::vector<unsigned> threads; /* ascending; see default_threads */
	double process_budget_s = 0;   /* of a child: rows beyond it are left to the next process; 0: none */
	double window_share = 0.7;     /* of that, for windows; the rest is for setting up, and for storms and batches */
	std::vector<std::string> globs;
	std::vector<std::string> outputs; /* files for Google Benchmark's JSON; "-" is stdout */
	bool table = true;
	unsigned shard = 1, shards = 1;
	bool quiet = false;
	bool child = false;             /* one process of the plan: rows are measured here */
	unsigned process = 0;           /* which; orders nothing, named in progress */
	std::string study;              /* not empty: a child that makes this study */
	std::string save;               /* the name to keep the result under (store.h), or empty */
	std::vector<std::string> loads; /* shared objects with implementations of the user's */
	int hints = -1;                 /* descriptor of what the processes before found out; -1: none */
	bool verbose = false;           /* a line on stderr for each repetition */
};

/* What can be measured: an implementation of the registry, or a peer: other people's work behind the same contract (peers/peers.h). */
struct subject {
	std::string name; /* "counter/atomic", "initialiser/peer_absl_call_once" */
	const implementation *about;
	std::string note;    /* a peer's package and version; else empty */
	std::string missing; /* why it cannot be measured; else empty */
};
std::vector<subject> subjects_of(enum family family);

/* After all rows are made: gives those of peers the plan that measures them first and the reason where one is missing, and says in each
 * row's note whose library and version it is. */
void finish_rows_of_subjects(std::vector<row> &rows);

/* For people: which libraries stand behind ROWS, with their versions, and which peers are missing and how to get them; "" where there is
 * neither. */
std::string peers_told(const std::vector<row> &rows);

/* Is this row's peer missing? peers_told() says so once for all its rows. */
bool is_missing_peer(const row &row);

/* A measurement that is no row: it runs once, in a process of its own, and may take several steps that depend on one another. */
struct study {
	const char *name; /* its filter, and its key under `studies` */
	const char *what; /* in a progress line: "the machine" */
	enum tier tier;
	/* A new JSON object. Looks at `interrupted` between its steps, and then returns what it has, with "partial": true. */
	json_t *(*measure)(const plan &plan);
};
std::vector<const study *> studies(); /* studies.cc */

/* Powers of two up to the usable cores, the cores themselves, and four threads for each core: what oversubscription costs. FULL also
 * has two for each core. */
std::vector<unsigned> default_threads(enum tier tier);

/* Every row that PLAN's threads ask for. */
void add_floor_rows(std::vector<row> &rows, const plan &plan);
void add_initialiser_rows(std::vector<row> &rows, const plan &plan);
void add_counter_rows(std::vector<row> &rows, const plan &plan);
void add_latency_rows(std::vector<row> &rows, const plan &plan);
void add_progress_rows(std::vector<row> &rows, const plan &plan);
void add_pipeline_rows(std::vector<row> &rows, const plan &plan);

/* How many items a batch needs to fill SECONDS with work, where START_S pass before the first item is under way and each item then
 * takes EACH_S of the whole: so many that the start is less than a fiftieth of it. */
uint64_t batch_items(double seconds, double start_s, double each_s);

/* How long floor_burn(burn_iterations(ns)) takes is NS, as well as this machine can tell when it is calibrated. */
uint64_t burn_iterations(double ns);
enum { STORM_LOAD_NS = 2000 };

/* How long the loads of first-use storms take. Rows `storm` + suffix and `waiter` + suffix; the load alone is `floor/` + floor. */
struct storm_load {
	const char *suffix, *floor, *told;
	double ns;
};
inline constexpr storm_load storm_loads[] = {{"", "load_2us", "2 us", STORM_LOAD_NS}, {"_500ns", "load_500ns", "500 ns", 500},
	{"_5us", "load_5us", "5 us", 5e3}, {"_20us", "load_20us", "20 us", 20e3}, {"_60us", "load_60us", "60 us", 60e3},
	{"_100us", "load_100us", "100 us", 100e3}, {"_1ms", "load_1ms", "1 ms", 1e6}};

/* "counter/naive/increment/threads:2". */
std::string row_name(const std::string &subject, const std::string &operation, unsigned threads);

/* What a row's repetitions say together. Processes are the sample: what one process repeats is not independent. */
struct summary {
	size_t processes = 0, repetitions = 0;
	double median = 0;        /* ns per operation, of the processes' medians */
	double min = 0;           /* of all repetitions */
	interval likely = {0, 0}; /* of the median, 95 % */
	double cpu_median = 0;
	double ratio = 0; /* median of the processes' own ratios to their floor; 0: no floor in this run */
	interval likely_ratio = {0, 0};
	double cpu_ratio = 0;
	std::vector<mode> modes; /* two where the processes fall apart into two groups; else one */
};
summary summarise(const std::vector<row> &rows, const row &row);

/* Each process's median of ns per operation, in the order of processes. */
std::vector<double> process_medians(const row &row);

/* The measured row of that name, or a null pointer. */
const row *find_row(const std::vector<row> &rows, const std::string &name);

/* Median CPU time per operation over the row's repetitions. */
double median_cpu_ns(const row &row);

/* Why a row's number cannot be true, or "". */
std::string implausible(const std::vector<row> &rows, const row &row);

/* Exit status of a child in which a row took longer than ROW_SECONDS_MAX (stuck.h). */
enum { EXIT_STUCK = 70, ROW_SECONDS_MAX = 30 };

/* How long the first process tries a row before its first window, to see that it works and how fast. */
inline constexpr double REHEARSAL_S = 0.005;

/* How often a process of PLAN measures ROW. */
unsigned repetitions_of(const row &row, const plan &plan);

/* In a child (output.cc): registers ROWS with Google Benchmark and runs them; FLAGS are for Google Benchmark. Returns Google Benchmark's
 * JSON of the repetitions under our names, with our counters and `broken`, as text; "" when no row matches the flags' filter. Throws
 * std::runtime_error on bad flags. */
std::string run_rows(std::vector<row> &rows, const plan &plan, const std::vector<std::string> &flags);

/* What the processes of a plan gave, beside the rows' measurements. */
struct collected {
	std::shared_ptr<json_t> context; /* Google Benchmark's, of the first process, and ours */
	std::shared_ptr<json_t> studies; /* {name: what it found} */
	unsigned processes = 0;          /* that ended whole */
	bool partial = false;            /* interrupted */
	unsigned dropped = 0;            /* repetitions for which the time was too short */
};

/* In the parent (run.cc): starts PROGRAM once per process of the plan and once per study, with WORDS (the user's filters and options) and
 * FLAGS (Google Benchmark's), and gives ROWS their measurements. Throws std::runtime_error with what a child said when it cannot go on. */
collected run_processes(const std::string &program, const std::vector<std::string> &words, const std::vector<std::string> &flags,
	std::vector<row> &rows, const std::vector<const study *> &studies, const plan &plan);

/* The JSON described above (result.cc). */
std::shared_ptr<json_t> result_json(const std::vector<row> &rows, const collected &collected);

/* What the two headers promise, judged where the rows are there (goals.cc): the rows of goals of which a row matches GLOBS (none: all). */
std::vector<std::string> goal_rows(const std::vector<std::string> &globs);
json_t *goals_json(const std::vector<row> &rows);
void print_goals(const std::vector<row> &rows);

/* "1 process", "10 processes". */
std::string counted(size_t count, const char *one, const char *many);

/* For people, on stdout. */
void print_header(const plan &plan, const json_t *machine);
void print_table(const std::vector<row> &rows, const collected &collected);

} // namespace bench
#endif
