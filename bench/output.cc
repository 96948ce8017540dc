// SPDX-License-Identifier: MIT
// One process's rows to Google Benchmark and back: registration, repetitions, our names and counters in its JSON.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <jansson.h>
#include <memory>
#include <sstream>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "bench.h"
#include "stuck.h"

namespace bench
{

/* The message of repetitions that were not made and are not to be seen in results. */
static const char DROPPED[] = "dropped";

/* Floors are what everything else is divided by: they get so many times the repetitions. Where threads meet on a line, repetitions of
 * one process differ by a fifth, and hundreds of rows share that floor. */
enum { FLOOR_CARE = 3, SHARED_FLOOR_CARE = 9 };

namespace
{

/* Keeps every run, for us to rename. */
class collector : public benchmark::BenchmarkReporter
{
      public:
	bool ReportContext(const Context &context) override
	{
		context_ = std::make_unique<Context>(context);
		return true;
	}
	void ReportRuns(const std::vector<Run> &runs) override
	{
		collected.insert(collected.end(), runs.begin(), runs.end());
	}
	/* Google Benchmark's JSON of the runs as they are now. */
	std::string json() const
	{
		std::ostringstream text;
		benchmark::JSONReporter reporter;
		reporter.SetOutputStream(&text);
		reporter.SetErrorStream(&text);
		if (!context_ || !reporter.ReportContext(*context_))
			throw std::runtime_error("Google Benchmark gave no context");
		for (const Run &run : collected)
			reporter.ReportRuns({run});
		reporter.Finalize();
		return text.str();
	}
	std::vector<Run> collected;

      private:
	std::unique_ptr<Context> context_;
};

} // namespace

/* One repetition, from inside Google Benchmark: one iteration whose manual time is our ns per operation. */
static void run_repetition(benchmark::State &state, row &row, const plan &plan)
{
	static const uint64_t began = now_ns();
	for (auto _ : state) {
		if (plan.child)
			fprintf(stderr, "@%s\n", row.name.c_str()); /* the parent's progress line */
		// relaxed: a flag alone
		if (interrupted.load(std::memory_order_relaxed) ||
			(row.spent_s > plan.row_budget_s && row.measurements.size() >= 2) ||
			(plan.process_budget_s > 0 && static_cast<double>(now_ns() - began) * 1e-9 > plan.process_budget_s)) {
			state.SkipWithError(DROPPED);
			break;
		}
		const double window_s = row.oversubscribed() ? plan.window_s * 2 : plan.window_s;
		const uint64_t start = now_ns();
		stuck_begin();
		measurement one;
		try {
			std::string broken;
			if (!row.rehearsed) {
				broken = row.measure(row, std::min(window_s, REHEARSAL_S)).broken;
				row.rehearsed = true;
			}
			one = row.measure(row, window_s);
			if (!broken.empty())
				one.broken = broken;
		} catch (const unmeasurable &why) {
			row.skipped = why.what();
		} catch (const std::system_error &why) {
			row.skipped = std::string("a thread could not be started: ") + why.what();
		}
		stuck_end();
		if (!row.skipped.empty()) {
			state.SkipWithError(("skipped: " + row.skipped).c_str());
			break;
		}
		const double spent_s = static_cast<double>(now_ns() - start) * 1e-9;
		row.spent_s += spent_s;
		if (interrupted.load(std::memory_order_relaxed)) {
			state.SkipWithError(DROPPED); /* the window was cut short */
			break;
		}
		one.window_s = window_s;
		state.SetIterationTime(one.ns_per_op * 1e-9);
		for (const auto &counter : counters_of(row, one, spent_s))
			state.counters[counter.first] = counter.second;
		stuck_keep(row, std::move(one), spent_s);
	}
}

/* A run under our name, with the threads' CPU time, and nothing that JSON has no word for. */
static void rewrite(benchmark::BenchmarkReporter::Run &run, const row &row)
{
	benchmark::BenchmarkName plain;
	plain.function_name = row.name;
	run.run_name = plain;
	run.threads = row.threads;
	run.report_label = row.note;
	if (run.error_occurred) {
		run.iterations = 0;
		return;
	}
	for (auto counter = run.counters.begin(); counter != run.counters.end();)
		counter = std::isfinite(counter->second.value) ? std::next(counter) : run.counters.erase(counter);
	auto cpu = run.counters.find("cpu_ns_per_op");
	if (cpu != run.counters.end())
		run.cpu_accumulated_time = cpu->second.value * 1e-9 * static_cast<double>(run.iterations);
	if (!std::isfinite(run.cpu_accumulated_time))
		run.cpu_accumulated_time = 0;
	if (!std::isfinite(run.real_accumulated_time))
		run.real_accumulated_time = 0;
}

/* Adds what Google Benchmark's runs have no field for; the runs of a row stand in the order of its measurements. Throws
 * std::runtime_error. */
static std::string add_strings(const std::string &text, const std::vector<row> &rows)
{
	json_error_t error;
	json_t *root = json_loads(text.c_str(), 0, &error);
	if (!root)
		throw std::runtime_error(std::string("Google Benchmark's JSON cannot be read: ") + error.text);
	std::unordered_map<std::string, const row *> by_name;
	std::unordered_map<std::string, size_t> seen;
	for (const row &row : rows)
		by_name[row.name] = &row;
	size_t index;
	json_t *run;
	json_array_foreach(json_object_get(root, "benchmarks"), index, run) {
		const char *name = json_string_value(json_object_get(run, "run_name"));
		auto found = by_name.find(name ? name : "");
		if (found == by_name.end() || json_is_true(json_object_get(run, "error_occurred")))
			continue;
		const measurement &one = found->second->measurements.at(seen[name]++);
		if (!one.broken.empty())
			json_object_set_new(run, "broken", json_string(one.broken.c_str()));
		if (!one.buckets.empty())
			json_object_set_new(run, "buckets", buckets_json(one));
	}
	/* For the processes that come after this one. */
	json_t *chunks = json_object();
	for (const row &row : rows)
		if (row.chunk)
			json_object_set_new(chunks, row.name.c_str(), json_integer(static_cast<json_int_t>(row.chunk)));
	json_object_set_new(root, "chunks", chunks);
	char *dumped = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
	json_decref(root);
	if (!dumped)
		throw std::bad_alloc();
	std::string result(dumped);
	free(dumped);
	return result + "\n";
}

unsigned repetitions_of(const row &row, const plan &plan)
{
	if (!row.skipped.empty())
		return 1;
	if (row.name.compare(0, 6, "floor/") != 0)
		return plan.repetitions;
	return plan.repetitions * (row.threads > 1 ? SHARED_FLOOR_CARE : FLOOR_CARE);
}

static void register_rows(std::vector<row> &rows, const plan &plan)
{
	for (row &row : rows) {
		auto run = [&row, &plan](benchmark::State &state) {
			if (row.skipped.empty()) {
				run_repetition(state, row, plan);
				return;
			}
			for (auto _ : state) {
				state.SkipWithError(("skipped: " + row.skipped).c_str());
				break;
			}
		};
		auto *made = benchmark::RegisterBenchmark(row.name.c_str(), run)
				     ->UseManualTime()
				     ->Iterations(1)
				     ->Unit(benchmark::kNanosecond);
		made->Repetitions(static_cast<int>(repetitions_of(row, plan)));
	}
}

static void initialise_google_benchmark(const std::vector<std::string> &flags)
{
	static std::vector<std::string> words; /* kept: Google Benchmark remembers argv[0] */
	words = {"onceproof-bench", "--benchmark_enable_random_interleaving=true"};
	words.insert(words.end(), flags.begin(), flags.end());
	std::vector<char *> argv;
	for (std::string &word : words)
		argv.push_back(word.data());
	argv.push_back(nullptr);
	int argc = static_cast<int>(words.size());
	benchmark::Initialize(&argc, argv.data());
	if (argc > 1)
		throw std::runtime_error(std::string("'") + argv[1] + "' is no flag of Google Benchmark; see --benchmark_help");
}

std::string run_rows(std::vector<row> &rows, const plan &plan, const std::vector<std::string> &flags)
{
	initialise_google_benchmark(flags);
	std::unordered_map<std::string, const row *> by_name;
	for (const row &row : rows)
		by_name[row.name] = &row;
	collector reporter;
	register_rows(rows, plan);
	stuck_watch();
	if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0)
		return "";
	std::vector<benchmark::BenchmarkReporter::Run> kept;
	std::unordered_set<std::string> skipped;
	for (auto &run : reporter.collected) {
		const row *row = by_name.at(run.run_name.function_name);
		/* Aggregates are the parent's. The reason once, not once per repetition. */
		if (run.run_type == run.RT_Aggregate ||
			(run.error_occurred && (run.error_message == DROPPED || !skipped.insert(row->name).second)))
			continue;
		rewrite(run, *row);
		kept.push_back(run);
	}
	reporter.collected = kept;
	return add_strings(reporter.json(), rows);
}

} // namespace bench
