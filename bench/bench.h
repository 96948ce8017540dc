/* SPDX-License-Identifier: MIT */
/* Rows of the price list, and what is done with them. Google Benchmark drives the rows and keeps their results. */
#ifndef ONCEPROOF_BENCH_BENCH_H
#define ONCEPROOF_BENCH_BENCH_H

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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
};

/* Thrown by a row that cannot be measured on this machine; what() is the reason. */
struct unmeasurable : std::runtime_error {
	using std::runtime_error::runtime_error;
};

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
	bool oversubscribed() const
	{
		return threads > this_machine().cores;
	}
};

struct plan {
	const char *name = "default";
	double window_s = 0.03;
	unsigned repetitions = 9;
	double row_budget_s = 6; /* a row that has used this much gets no further repetition */
	std::vector<unsigned> threads = {1, 2, 4, 8};
	std::vector<std::string> globs;
	std::vector<std::string> outputs; /* files for Google Benchmark's JSON; "-" is stdout */
	bool table = true;
	unsigned shard = 1, shards = 1;
	bool everything = false; /* also the rows that say little and take long */
	bool quiet = false;
	bool verbose = false; /* a line on stderr for each repetition */
};

/* Every row that PLAN's threads ask for; implementations come from the registry alone. */
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

double median(std::vector<double> values);
double smallest(const std::vector<double> &values);
double largest(const std::vector<double> &values);

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
