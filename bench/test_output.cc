// SPDX-License-Identifier: MIT
// What a row leaves in the JSON, with rows made up for the purpose, and how large batches are. Nothing is timed.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "stuck.h"

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
	std::vector<bench::row> rows = {made_up("floor/x/threads:1", 6, 1), made_up("counter/y/increment/threads:1", 6, 3)};
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
	need(number(line, "processes") == 6, "six processes");
}

/* Google Benchmark's `cpu_time` is CPU time in every aggregate. */
static void aggregates_tell_both_times()
{
	std::vector<bench::row> rows = {made_up("initialiser/x/storm/threads:2", 6, 100)};
	for (bench::measurement &one : rows[0].measurements)
		one.cpu_ns_per_op = 10 + one.process;
	const std::shared_ptr<json_t> result = result_of(rows);
	auto cpu = [&](const char *aggregate) { return number(aggregate_of(result, rows[0].name, aggregate), "cpu_time"); };
	need(cpu("median") == 12.5 && cpu("mean") == 12.5 && cpu("min") == 10 && cpu("max") == 15, "CPU time");
	need(number(aggregate_of(result, rows[0].name, "min"), "real_time") == 100, "wall time");
	need(number(aggregate_of(result, rows[0].name, "stddev"), "real_time") < 1e-9 && cpu("stddev") > 1.8,
		"each its own spread");
}

/* Five say too little, and it is said by saying nothing. */
static void few_processes_give_no_interval()
{
	std::vector<bench::row> rows = {made_up("counter/x/increment/threads:1", 5, 2)};
	const std::shared_ptr<json_t> result = result_of(rows);
	json_t *line = aggregate_of(result, rows[0].name, "median");
	need(number(line, "real_time") == 2 && number(line, "low") == 0 && number(line, "high") == 0, "a median and no interval");
}

static std::string read_all(int fd)
{
	std::string text;
	char some[4096];
	for (ssize_t length; (length = read(fd, some, sizeof some)) > 0;)
		text.append(some, static_cast<size_t>(length));
	close(fd);
	return text;
}

/* In a process of its own, whose stdout is TO: two repetitions come back, the third does not. */
[[noreturn]] static void be_stuck(int to)
{
	dup2(to, STDOUT_FILENO);
	close(to);
	bench::row row;
	row.name = "counter/x/increment/threads:1";
	row.chunk = 512;
	bench::stuck_watch(1);
	kill(getpid(), SIGALRM); /* as if the alarm of a repetition before came late */
	for (double ns : {3.0, 4.0}) {
		bench::measurement one;
		one.ns_per_op = ns;
		one.broken = ns > 3 ? "lost 1 of 2 increments" : "";
		bench::stuck_begin();
		bench::stuck_end();
		bench::stuck_keep(row, one, 0.5);
	}
	bench::stuck_begin();
	for (;;)
		pause();
}

static void what_was_measured_survives_a_stuck_row()
{
	int ends[2];
	if (pipe(ends) != 0)
		return need(false, "a pipe");
	const pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		be_stuck(ends[1]);
	}
	close(ends[1]);
	const std::string text = read_all(ends[0]);
	int status = 0;
	waitpid(child, &status, 0);
	need(WIFEXITED(status) && WEXITSTATUS(status) == bench::EXIT_STUCK, "the process ends itself");
	json_t *root = json_loads(text.c_str(), 0, nullptr), *lines = json_object_get(root, "benchmarks");
	need(json_array_size(lines) == 2, "two repetitions are kept");
	json_t *second = json_array_get(lines, 1);
	need(number(second, "real_time") == 4 && number(second, "wall_ns_per_op") == 4 && number(second, "spent_s") == 0.5,
		"with their numbers");
	need(json_string_value(json_object_get(second, "broken")) && !json_object_get(json_array_get(lines, 0), "broken"),
		"and with what they refuted");
	need(number(json_object_get(root, "chunks"), "counter/x/increment/threads:1") == 512, "the next process's hints, too");
	json_decref(root);
}

/* Ctrl-C just before a repetition begins: its own alarm, of an hour, is not what ends it. */
static void nobody_waits_long_after_an_interrupt()
{
	const pid_t child = fork();
	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO); /* it has nothing to tell */
		bench::stuck_watch(3600);
		bench::stuck_hurry();
		bench::stuck_begin();
		for (;;)
			pause();
	}
	const uint64_t start = bench::now_ns();
	int status = 0;
	pid_t ended = 0;
	while (!ended && bench::now_ns() - start < 60 * UINT64_C(1000000000)) {
		usleep(50000);
		ended = waitpid(child, &status, WNOHANG);
	}
	need(ended == child && WIFEXITED(status) && WEXITSTATUS(status) == bench::EXIT_STUCK, "it ends soon after an interrupt");
	if (ended)
		return;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
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
	what_was_measured_survives_a_stuck_row(); /* first: it forks, and the others start threads */
	nobody_waits_long_after_an_interrupt();
	broken_claims_reach_the_json();
	aggregates_tell_both_times();
	few_processes_give_no_interval();
	ratios_are_within_processes();
	two_modes_are_named();
	distributions_are_summed();
	batches_fill_their_window();
	if (!failed)
		puts("what is broken is said, and batches are as large as they must be");
	return failed;
}
