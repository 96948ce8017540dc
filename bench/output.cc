// SPDX-License-Identifier: MIT
// From rows to Google Benchmark and back: registration, repetitions, our names and ratios in its JSON.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <jansson.h>
#include <memory>
#include <sstream>
#include <unistd.h>
#include <unordered_map>

#include "bench.h"

namespace bench
{

/* The message of repetitions that were not made and are not to be seen in results. */
static const char DROPPED[] = "dropped";

/* No correct measurement can be this much below the cheapest instruction's CPU time; identical code varies by a third. */
static const double PLAUSIBLE = 0.6;

/* Floors are what everything else is divided by: they get so many times the repetitions. */
enum { FLOOR_CARE = 3 };

namespace
{

/* "12/340 counter/mutex/increment/threads:2, 41 s left" on a terminal, rewritten in place. */
class progress_line
{
      public:
	progress_line(size_t total, bool quiet) : total_(total), shown_(!quiet && isatty(STDERR_FILENO)), start_(now_ns())
	{
	}
	~progress_line()
	{
		if (shown_)
			fputs("\r\033[K", stderr);
	}
	void step(const std::string &name)
	{
		if (!shown_)
			return;
		double elapsed = static_cast<double>(now_ns() - start_) * 1e-9;
		double left = done_ ? elapsed / static_cast<double>(done_) * static_cast<double>(total_ - done_) : 0;
		fprintf(stderr, "\r\033[K%zu/%zu %s", done_, total_, name.c_str());
		if (done_ * 20 > total_)
			fprintf(stderr, ", %.0f s left", std::ceil(left));
		fflush(stderr);
		done_++;
	}

      private:
	size_t total_, done_ = 0;
	bool shown_;
	uint64_t start_;
};

/* Keeps every run until the floors are known. */
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
static void run_repetition(benchmark::State &state, row &row, const plan &plan, progress_line &line)
{
	for (auto _ : state) {
		line.step(row.name);
		// relaxed: a flag alone
		if (interrupted.load(std::memory_order_relaxed) ||
			(row.spent_s > plan.row_budget_s && row.measurements.size() >= 2)) {
			state.SkipWithError(DROPPED);
			break;
		}
		const double window_s = row.oversubscribed() ? plan.window_s * 2 : plan.window_s;
		const uint64_t start = now_ns();
		measurement one;
		try {
			std::string broken;
			if (!row.rehearsed) {
				broken = row.measure(row, std::min(window_s, 0.005)).broken;
				row.rehearsed = true;
			}
			one = row.measure(row, window_s);
			if (!broken.empty())
				one.broken = broken;
		} catch (const unmeasurable &why) {
			row.skipped = why.what();
			state.SkipWithError(("skipped: " + row.skipped).c_str());
			break;
		}
		row.spent_s += static_cast<double>(now_ns() - start) * 1e-9;
		if (interrupted.load(std::memory_order_relaxed)) {
			state.SkipWithError(DROPPED); /* the window was cut short */
			break;
		}
		state.SetIterationTime(one.ns_per_op * 1e-9);
		state.counters["ops"] = static_cast<double>(one.ops);
		state.counters["wall_ns_per_op"] = one.ns_per_op;
		if (one.cpu_ns_per_op > 0)
			state.counters["cpu_ns_per_op"] = one.cpu_ns_per_op;
		state.counters["oversubscribed"] = row.oversubscribed();
		state.counters["preempted"] = static_cast<double>(one.preempted);
		state.counters["pinned"] = one.pinned;
		for (const auto &counter : one.counters)
			state.counters[counter.first] = counter.second;
		if (plan.verbose)
			fprintf(stderr, "%s: %.4g ns\n", row.name.c_str(), one.ns_per_op);
		row.measurements.push_back(std::move(one));
	}
}

static double median_ns(const row &row)
{
	std::vector<double> values;
	for (const measurement &one : row.measurements)
		values.push_back(one.ns_per_op);
	return median(values);
}

double median_cpu_ns(const row &row)
{
	std::vector<double> values;
	for (const measurement &one : row.measurements)
		values.push_back(one.cpu_ns_per_op);
	return median(values);
}

static const row *find_row(const std::vector<row> &rows, const std::string &name)
{
	for (const row &row : rows)
		if (row.name == name && !row.measurements.empty())
			return &row;
	return nullptr;
}

double ratio_of(const std::vector<row> &rows, const row &row, double ns)
{
	const struct row *floor = row.floor.empty() ? nullptr : find_row(rows, row.floor);
	return floor ? ns / median_ns(*floor) : 0;
}

std::string implausible(const std::vector<row> &rows, const row &row)
{
	const struct row *least = row.least.empty() ? nullptr : find_row(rows, row.least);
	if (!least || row.measurements.empty() || median_cpu_ns(row) >= PLAUSIBLE * median_cpu_ns(*least))
		return "";
	return "less CPU time than " + row.least;
}

/* A run under our name, with the ratio, the threads' CPU time, and nothing that JSON has no word for. */
static void rewrite(benchmark::BenchmarkReporter::Run &run, const std::vector<row> &rows, const row &row)
{
	const bool share = run.aggregate_unit == benchmark::kPercentage && run.run_type == run.RT_Aggregate;
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
		run.cpu_accumulated_time =
			share ? cpu->second.value : cpu->second.value * 1e-9 * static_cast<double>(run.iterations);
	if (!std::isfinite(run.cpu_accumulated_time))
		run.cpu_accumulated_time = 0;
	if (!std::isfinite(run.real_accumulated_time))
		run.real_accumulated_time = 0;
	if (!share && run.aggregate_name != "stddev") {
		double ratio = ratio_of(rows, row, run.GetAdjustedRealTime());
		if (ratio > 0) {
			run.counters["ratio_to_floor"] = ratio;
			/* The same for CPU time, which a busy machine spoils less. */
			const double floor_cpu = median_cpu_ns(*find_row(rows, row.floor));
			if (cpu != run.counters.end() && floor_cpu > 0)
				run.counters["cpu_ratio_to_floor"] = run.GetAdjustedCPUTime() / floor_cpu;
		}
	}
}

/* Adds what Google Benchmark's runs have no field for. Throws std::runtime_error. */
static std::string add_strings(const std::string &text, const std::vector<row> &rows)
{
	json_error_t error;
	json_t *root = json_loads(text.c_str(), 0, &error);
	if (!root)
		throw std::runtime_error(std::string("Google Benchmark's JSON cannot be read: ") + error.text);
	std::unordered_map<std::string, const row *> by_name;
	for (const row &row : rows)
		by_name[row.name] = &row;
	size_t index;
	json_t *run;
	json_array_foreach(json_object_get(root, "benchmarks"), index, run) {
		const char *name = json_string_value(json_object_get(run, "run_name"));
		auto found = by_name.find(name ? name : "");
		if (found == by_name.end())
			continue;
		if (!found->second->floor.empty())
			json_object_set_new(run, "floor", json_string(found->second->floor.c_str()));
		std::string why = implausible(rows, *found->second);
		if (!why.empty())
			json_object_set_new(run, "implausible", json_string(why.c_str()));
		/* What one repetition refuted is refuted, so every line of the row says it. */
		for (const measurement &one : found->second->measurements)
			if (!one.broken.empty()) {
				json_object_set_new(run, "broken", json_string(one.broken.c_str()));
				break;
			}
	}
	char *dumped = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
	json_decref(root);
	if (!dumped)
		throw std::bad_alloc();
	std::string result(dumped);
	free(dumped);
	return result + "\n";
}

static unsigned repetitions_of(const row &row, const plan &plan)
{
	if (!row.skipped.empty())
		return 1;
	return row.name.compare(0, 6, "floor/") == 0 ? plan.repetitions * FLOOR_CARE : plan.repetitions;
}

static void register_rows(std::vector<row> &rows, const plan &plan, progress_line &line)
{
	for (row &row : rows) {
		auto run = [&row, &plan, &line](benchmark::State &state) {
			if (row.skipped.empty()) {
				run_repetition(state, row, plan, line);
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
		made->ComputeStatistics("min", smallest)->ComputeStatistics("max", largest);
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

static void add_context(const plan &plan)
{
	const machine &machine = this_machine();
	auto add = [](const char *key, const std::string &value) { benchmark::AddCustomContext(key, value); };
	add("onceproof_version", ONCEPROOF_VERSION);
	add("partial", interrupted.load(std::memory_order_relaxed) ? "true" : "false");
	add("plan", plan.name);
	add("window_ms", std::to_string(std::lround(plan.window_s * 1e3)));
	add("cpu_model", machine.cpu_model);
	add("cores_usable", std::to_string(machine.cores));
	add("quota", machine.quota > 0 ? std::to_string(machine.quota) : "none");
	add("kernel", machine.kernel);
	add("clock", machine.clock);
	add("compiler", machine.compiler);
}

std::string run_rows(std::vector<row> &rows, const plan &plan, const std::vector<std::string> &flags)
{
	initialise_google_benchmark(flags);
	std::unordered_map<std::string, const row *> by_name;
	size_t total = 0;
	for (const row &row : rows) {
		by_name[row.name] = &row;
		total += row.skipped.empty() ? repetitions_of(row, plan) : 0;
	}
	collector reporter;
	{
		progress_line line(total, plan.quiet);
		register_rows(rows, plan, line);
		if (benchmark::RunSpecifiedBenchmarks(&reporter) == 0)
			return "";
	}
	std::vector<benchmark::BenchmarkReporter::Run> kept;
	std::string skipped_before;
	for (auto &run : reporter.collected) {
		const row *row = by_name.at(run.run_name.function_name);
		if (run.error_occurred && (run.error_message == DROPPED || row->name == skipped_before))
			continue;
		if (run.error_occurred)
			skipped_before = row->name; /* the reason once, not once per repetition */
		rewrite(run, rows, *row);
		kept.push_back(run);
	}
	/* Interleaving finishes rows in any order; results come in the order of the registry. */
	std::stable_sort(kept.begin(), kept.end(), [&](const auto &a, const auto &b) {
		return by_name.at(a.run_name.function_name) < by_name.at(b.run_name.function_name);
	});
	reporter.collected = kept;
	add_context(plan);
	return add_strings(reporter.json(), rows);
}

} // namespace bench
