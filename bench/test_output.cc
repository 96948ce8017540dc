// SPDX-License-Identifier: MIT
// What a row leaves in the JSON, with rows made up for the purpose, and how large batches are. Nothing is timed.
#include <cstdio>
#include <cstdlib>
#include <jansson.h>

#include "bench.h"

static int failed;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s\n", what);
	failed = 1;
}

/* A row that was measured in PROCESSES processes, in each of them at NS. */
static bench::row made_up(const char *name, unsigned processes, double ns)
{
	bench::row row;
	row.name = name;
	for (unsigned process = 0; process < processes; process++) {
		bench::measurement one;
		one.process = process;
		one.ns_per_op = one.cpu_ns_per_op = ns;
		one.ops = 64;
		one.told = std::shared_ptr<json_t>(
			json_pack("{s:s, s:s, s:s}", "name", name, "run_name", name, "run_type", "iteration"), json_decref);
		row.measurements.push_back(one);
	}
	return row;
}

static std::shared_ptr<json_t> result_of(const std::vector<bench::row> &rows)
{
	bench::collected collected;
	collected.context = std::shared_ptr<json_t>(json_object(), json_decref);
	collected.studies = std::shared_ptr<json_t>(json_object(), json_decref);
	return bench::result_json(rows, collected);
}

/* The line of an aggregate, borrowed. */
static json_t *aggregate_of(const std::shared_ptr<json_t> &result, const std::string &row, const char *aggregate)
{
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(result.get(), "benchmarks"), i, line) {
		const char *kind = json_string_value(json_object_get(line, "aggregate_name"));
		if (kind && std::string(kind) == aggregate && row == json_string_value(json_object_get(line, "run_name")))
			return line;
	}
	return nullptr;
}

static double number(json_t *line, const char *key)
{
	return json_number_value(json_object_get(line, key));
}

/* A child says which repetition is broken; the result says so in every line of the row. */
static void broken_claims_reach_the_json()
{
	std::vector<bench::row> rows(2);
	rows[0].name = "counter/good/increment/threads:1";
	rows[1].name = "counter/bad/increment/threads:1";
	for (bench::row &row : rows)
		row.measure = [](bench::row &self, double) {
			bench::measurement one;
			one.ns_per_op = one.cpu_ns_per_op = 2;
			one.ops = 64;
			if (self.measurements.size() == 1 && self.name.find("/bad/") != std::string::npos)
				one.broken = "lost 5 of 64 increments";
			return one;
		};
	bench::plan plan;
	plan.repetitions = 3;
	const std::string text = bench::run_rows(rows, plan, {});
	json_t *root = json_loads(text.c_str(), 0, nullptr);
	need(json_array_size(json_object_get(root, "benchmarks")) == 6, "three repetitions of each row and no aggregates");
	size_t i, broken = 0;
	json_t *run;
	json_array_foreach(json_object_get(root, "benchmarks"), i, run)
		broken += json_object_get(run, "broken") != nullptr;
	need(broken == 1, "one repetition is broken");
	json_decref(root);

	for (bench::row &row : rows)
		for (bench::measurement &one : row.measurements)
			one.told = std::shared_ptr<json_t>(json_pack("{s:s}", "run_name", row.name.c_str()), json_decref);
	const std::shared_ptr<json_t> result = result_of(rows);
	json_array_foreach(json_object_get(result.get(), "benchmarks"), i, run) {
		const std::string name = json_string_value(json_object_get(run, "run_name"));
		const char *said = json_string_value(json_object_get(run, "broken"));
		need((said != nullptr) == (name.find("/bad/") != std::string::npos),
			"`broken` on the lines of that row, and no others");
		need(!said || std::string(said) == "lost 5 of 64 increments", "the sentence as it was");
	}
	need(aggregate_of(result, rows[1].name, "median") != nullptr, "a median");
}

/* Ratios are taken within each process, so that a process on a slower machine changes none of them. */
static void ratios_are_within_processes()
{
	std::vector<bench::row> rows = {made_up("floor/x/threads:1", 5, 1), made_up("counter/y/increment/threads:1", 5, 3)};
	rows[1].floor = rows[0].name;
	for (bench::row &row : rows)
		for (bench::measurement &one : row.measurements)
			one.ns_per_op *= one.process < 2 ? 10 : 1;
	const std::shared_ptr<json_t> result = result_of(rows);
	json_t *line = aggregate_of(result, rows[1].name, "median");
	need(number(line, "ratio_to_floor") == 3 && number(line, "ratio_low") == 3 && number(line, "ratio_high") == 3,
		"the ratio is 3 in each process");
	need(number(line, "real_time") == 3 && number(aggregate_of(result, rows[1].name, "max"), "real_time") == 30,
		"times as they were");
	need(number(line, "processes") == 5, "five processes");
}

static void two_modes_are_named()
{
	std::vector<bench::row> rows = {made_up("counter/x/increment/threads:1", 10, 0.33)};
	for (bench::measurement &one : rows[0].measurements)
		one.ns_per_op = (one.process % 5 < 2 ? 2.4 : 0.33) * (1 + 0.002 * one.process);
	const std::shared_ptr<json_t> result = result_of(rows);
	json_t *modes = json_object_get(aggregate_of(result, rows[0].name, "median"), "modes");
	need(json_array_size(modes) == 2, "two modes");
	need(number(json_array_get(modes, 0), "share") == 0.6 && number(json_array_get(modes, 1), "share") == 0.4,
		"their shares");
	need(number(json_array_get(modes, 1), "ns") > 2.3, "the slower one comes second");
}

static void distributions_are_summed()
{
	std::vector<bench::row> rows = {made_up("counter/x/increment_latency/threads:1", 2, 1)};
	rows[0].measurements[0].buckets = {{10, 98}, {20, 1}};
	rows[0].measurements[1].buckets = {{10, 98}, {1000, 3}};
	const std::shared_ptr<json_t> result = result_of(rows);
	json_t *one = json_array_get(json_object_get(result.get(), "distributions"), 0);
	need(number(one, "count") == 200 && number(one, "p50") == 10 && number(one, "p99") == 1000 && number(one, "max") == 1000,
		"percentiles over all processes");
	need(json_array_size(json_object_get(one, "buckets")) == 3, "the union of the buckets");
}

static void batches_fill_their_window()
{
	/* 30 ms of items of 10 us, started in 0.1 ms. */
	need(bench::batch_items(0.03, 0.0001, 1e-5) == 3000, "the whole window, not a rehearsal's");
	/* A slow start asks for a longer window: it must stay below a fiftieth. */
	need(static_cast<double>(bench::batch_items(0.01, 0.002, 1e-6)) * 1e-6 >= 50 * 0.002 * 0.999, "start-up below 2 %");
	need(bench::batch_items(1, 0, 1e-9) == 10000000, "an end to it");
}

int main()
{
	broken_claims_reach_the_json();
	ratios_are_within_processes();
	two_modes_are_named();
	distributions_are_summed();
	batches_fill_their_window();
	if (!failed)
		puts("what is broken is said, and batches are as large as they must be");
	return failed;
}
