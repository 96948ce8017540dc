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

static bench::row made_up(const char *name, const std::string &broken)
{
	bench::row row;
	row.name = name;
	/* Only the second repetition is broken: all lines of the row must say so. */
	row.measure = [broken](bench::row &self, double) {
		bench::measurement one;
		one.ns_per_op = one.cpu_ns_per_op = 2;
		one.ops = 64;
		if (self.measurements.size() == 1)
			one.broken = broken;
		return one;
	};
	return row;
}

static void broken_claims_reach_the_json()
{
	std::vector<bench::row> rows = {made_up("counter/good/increment/threads:1", ""),
		made_up("counter/bad/increment/threads:1", "lost 5 of 64 increments")};
	bench::plan plan;
	plan.repetitions = 3;
	plan.quiet = true;
	const std::string text = bench::run_rows(rows, plan, {});
	json_t *root = json_loads(text.c_str(), 0, nullptr);
	size_t i, broken = 0, repetitions = 0;
	json_t *run;
	json_array_foreach(json_object_get(root, "benchmarks"), i, run) {
		const std::string name = json_string_value(json_object_get(run, "run_name"));
		const char *said = json_string_value(json_object_get(run, "broken"));
		need((said != nullptr) == (name.find("/bad/") != std::string::npos),
			"`broken` on the rows that are, and no others");
		need(!said || std::string(said) == "lost 5 of 64 increments", "the sentence as it was");
		broken += said != nullptr;
		repetitions += json_object_get(run, "aggregate_name") == nullptr;
	}
	need(repetitions == 6, "three repetitions of each row");
	need(broken > 3, "aggregates say it too");
	json_decref(root);
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
	batches_fill_their_window();
	if (!failed)
		puts("what is broken is said, and batches are as large as they must be");
	return failed;
}
