// SPDX-License-Identifier: MIT
// Comparisons of results that were drawn, not measured: how often two of one build are told apart, and how often a slowdown is seen.
//
//   test_bench_compare                        the checks
//   test_bench_compare write FILE WORDS...    a result for test_compare.sh; WORDS: seed=N slower=SHARE rows=N processes=N
//                                             and context members, such as partial=true
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "compare.h"

static int failed;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s\n", what);
	failed = 1;
}

static double normal(bench::draws &draws)
{
	return std::sqrt(-2 * std::log(draws.uniform())) * std::cos(2 * 3.14159265358979323846 * draws.uniform());
}

namespace
{

/* How results are drawn. A row's price, its scatter (0.3 to 10 %) and whether its processes run in one of two modes follow from its number:
 * both sides of a pair agree on them, like two runs of one build. */
struct world {
	size_t rows = 30;
	unsigned processes = 10;
	double wobble = 0;       /* standard deviation of what a row is off by in one save as a whole */
	double pace = 0;         /* what the whole machine is slower by */
	double slower = 0;       /* what row `which` is slower by */
	size_t which = SIZE_MAX; /* SIZE_MAX: all rows */
	bool modes = true;
	double slow_share = 0.5; /* of the processes of rows with two modes */
};

} // namespace

static std::string name_of(size_t row)
{
	return "counter/drawn_" + std::to_string(row) + "/increment/threads:" + std::to_string(row % 2 + 1);
}

/* Lognormal scatter with a tail to the right: one process in twenty was preempted. */
static double scattered(bench::draws &draws, double spread)
{
	const double preempted = draws.uniform() < 0.05 ? -0.3 * std::log(draws.uniform()) : 0;
	return std::exp(spread * normal(draws)) * (1 + preempted);
}

static bench::saved draw(const world &world, uint64_t seed, const char *from)
{
	bench::draws draws(seed);
	bench::saved result;
	result.from = from;
	result.version = result.plan = result.compiler = result.cpu_model = "drawn";
	result.cores = 2;
	result.processes = world.processes;
	bench::saved_row floor;
	floor.name = "floor/drawn/threads:1";
	for (unsigned process = 0; process < world.processes; process++)
		floor.ns[process] = (1 + world.pace) * scattered(draws, 0.002);
	result.rows.push_back(floor);
	for (size_t i = 0; i < world.rows; i++) {
		bench::draws shape(1000 + i);
		const double price = 0.3 * std::exp(6 * shape.uniform()), spread = 0.003 * std::exp(3.5 * shape.uniform());
		const bool two = world.modes && i % 5 == 4;
		const double other = 1.15 + shape.uniform(), off = std::exp(world.wobble * normal(draws));
		const double slower = world.which == i || world.which == SIZE_MAX ? 1 + world.slower : 1;
		bench::saved_row row;
		row.name = name_of(i);
		row.floor = floor.name;
		row.threads = static_cast<unsigned>(i % 2 + 1);
		for (unsigned process = 0; process < world.processes; process++) {
			const double mode = two && draws.uniform() < world.slow_share ? other : 1;
			row.ns[process] = (1 + world.pace) * price * off * slower * mode * scattered(draws, spread);
			row.ratio[process] = row.ns[process] / floor.ns[process];
		}
		result.rows.push_back(row);
	}
	return result;
}

/* In how many of COUNT pairs of one build any row is reported. */
static size_t false_alarms(const world &world, size_t count, double at_least)
{
	bench::compare_options options;
	options.at_least = at_least;
	size_t alarms = 0;
	for (size_t i = 0; i < count; i++) {
		const bench::comparison found = bench::compare(draw(world, 2 * i + 1, "a"), draw(world, 2 * i + 2, "b"), options);
		alarms += found.slower + found.faster > 0;
	}
	return alarms;
}

/* At most 5 % of comparisons: 10 of 200 are expected then, 18 and more are one case in a hundred. */
static void equal_builds_are_not_told_apart()
{
	world world;
	need(false_alarms(world, 200, 0) <= 17, "two results of one build: no change");
	world.wobble = 0.01;
	need(false_alarms(world, 60, 0.02) <= 6, "rows that are off by 1 % from save to save: no change");
	world.wobble = 0.05;
	need(false_alarms(world, 60, 0.02) <= 6, "rows that are off by 5 % from save to save: no change");
	world.wobble = 0;
	world.processes = 15;
	need(false_alarms(world, 30, 0.02) <= 5, "with 15 processes: no change");
}

/* A slowdown of FACTOR times the smallest visible one, in each row by itself, COUNT times; how often it is missed. */
static size_t missed(const world &base, double factor, size_t count)
{
	size_t misses = 0;
	for (size_t i = 0; i < count; i++) {
		world changed = base;
		const bench::saved before = draw(base, 7000 + 3 * i, "before");
		const bench::comparison first = bench::compare(before, draw(base, 7001 + 3 * i, "again"), {});
		changed.which = i % base.rows;
		changed.slower = factor * first.rows[changed.which].visible;
		const bench::comparison found = bench::compare(before, draw(changed, 7002 + 3 * i, "after"), {});
		misses += found.rows[changed.which].change != bench::CHANGE_SLOWER;
	}
	return misses;
}

static void what_is_visible_is_seen()
{
	world world;
	world.modes = false;
	/* "19 of 20" is an estimate from twenty values. */
	need(missed(world, 1, 60) <= 8, "a slowdown of the smallest visible size: seen in about 19 of 20");
	need(missed(world, 2, 60) == 0, "twice that: always");
	need(missed(world, 0.3, 30) >= 10, "and a third of it: often missed, so that the figure is not just large");
}

static bench::compared_row only_row(const bench::comparison &found)
{
	return found.rows.at(0);
}

static std::map<unsigned, double> numbered(const std::vector<double> &values)
{
	std::map<unsigned, double> map;
	for (size_t i = 0; i < values.size(); i++)
		map[static_cast<unsigned>(i)] = values[i];
	return map;
}

/* One row without a floor. */
static bench::saved of_times(const char *from, const std::vector<double> &values)
{
	world world;
	world.rows = 0;
	bench::saved result = draw(world, 1, from);
	bench::saved_row row;
	row.name = "pipeline/x/item/threads:2";
	row.ns = numbered(values);
	result.rows.push_back(row);
	return result;
}

static void changes_are_described()
{
	const std::vector<double> ten = {10, 10.01, 10.02, 10.03, 10.04, 10.05, 10.06, 10.07, 10.08, 10.09};
	std::vector<double> twelve;
	for (double value : ten)
		twelve.push_back(1.2 * value);
	bench::compared_row row = only_row(bench::compare(of_times("a", ten), of_times("b", twelve), {}));
	need(row.change == bench::CHANGE_SLOWER && std::fabs(row.estimate - 0.2) < 1e-9, "20 % slower");
	need(row.likely.low > 0.19 && row.likely.low < 0.2 && row.likely.high > 0.2 && row.likely.high < 0.21, "its interval");
	need(row.p < 1.1e-5 && row.corrected >= row.p, "its p value");
	row = only_row(bench::compare(of_times("b", twelve), of_times("a", ten), {}));
	need(row.change == bench::CHANGE_FASTER && std::fabs(row.estimate + 1 / 6.0) < 1e-9, "and the other way round");
	bench::compare_options options;
	options.at_least = 0.25;
	row = only_row(bench::compare(of_times("a", ten), of_times("b", twelve), options));
	need(row.change == bench::CHANGE_NONE && row.visible > 0.24, "20 % is nothing to who does not mind 25 %");
	const std::vector<double> few(ten.begin(), ten.begin() + 3);
	const bench::comparison small = bench::compare(of_times("a", few), of_times("b", few), {});
	need(only_row(small).change == bench::CHANGE_UNTESTED && small.inconclusive, "three processes say nothing");
}

/* The same two modes, another mix of them. */
static void mixes_of_modes_are_named()
{
	const std::vector<double> mostly_fast = {1.01, 1, 1.02, 1, 1.01, 1, 1.03, 1.02, 2.01, 2};
	const std::vector<double> half = {1.01, 1.04, 1.02, 1.06, 2.04, 1.05, 1.03, 2.02, 2.01, 2.005};
	const std::vector<double> slow = {2.03, 2.04, 2.05, 2.06, 2.07, 2.08, 2.09, 2.1, 2.11, 2.12};
	bench::compared_row row = only_row(bench::compare(of_times("a", mostly_fast), of_times("b", half), {}));
	need(row.change == bench::CHANGE_NONE && row.modes.size() == 2 && row.mix_a.slow == 2 && row.mix_b.slow == 4,
		"2 and 4 of 10 slow: chance");
	row = only_row(bench::compare(of_times("a", mostly_fast), of_times("b", slow), {}));
	need(row.change == bench::CHANGE_SLOWER && row.modes.size() == 2 && row.mix_b.slow == 10,
		"all slow: slower, and the modes are named");
	const std::vector<double> fast = {1.01, 1, 1.02, 1.005, 1.015, 1.004, 1.03, 1.021, 1.022, 1.023};
	row = only_row(bench::compare(of_times("a", fast), of_times("b", slow), {}));
	need(row.change == bench::CHANGE_SLOWER && row.modes.empty(), "one mode each: no mix, but a change");
}

static void the_machine_is_told_from_the_rows()
{
	world plain, faster;
	plain.modes = faster.modes = false;
	faster.pace = -0.2;
	bench::comparison found = bench::compare(draw(plain, 1, "a"), draw(faster, 2, "b"), {});
	need(found.machine_changed && found.slower + found.faster == 0 && !found.inconclusive, "another pace changes no ratio");
	bench::compare_options by_time;
	by_time.by_time = true;
	found = bench::compare(draw(plain, 1, "a"), draw(faster, 2, "b"), by_time);
	need(found.slower + found.faster == 0, "times are not judged on a machine that changed");
	world all;
	all.modes = false;
	all.slower = 0.8;
	found = bench::compare(draw(plain, 1, "a"), draw(all, 2, "b"), {});
	need(found.slower > 15 && !found.notes.empty() && found.notes.back().find("together") != std::string::npos,
		"all rows together are said to be");
	/* A floor alone: the rows over it have other ratios and the same times. */
	bench::saved a = draw(plain, 1, "a"), b = draw(plain, 2, "b");
	for (bench::saved *side : {&a, &b}) { /* more floors, of which only one changes */
		bench::saved_row other = side->rows[0];
		for (const char *name : {"floor/x/threads:1", "floor/y/threads:1"}) {
			other.name = name;
			side->rows.push_back(other);
		}
	}
	for (auto &each : b.rows[0].ns)
		each.second *= 0.5;
	for (bench::saved_row &row : b.rows)
		for (auto &each : row.ratio)
			each.second *= 2;
	found = bench::compare(a, b, {});
	need(found.slower + found.faster == 0 && !found.machine_changed && found.rows[0].note == "its floor changed, not the row",
		"a floor that changed is not held against its rows");
}

static void what_does_not_fit_is_refused_or_said()
{
	world world;
	bench::saved a = draw(world, 1, "a"), b = draw(world, 2, "b");
	b.cpu_model = "another";
	bool refused = false;
	try {
		bench::compare(a, b, {});
	} catch (const std::runtime_error &why) {
		refused = std::string(why.what()).find("different machines") != std::string::npos;
	}
	need(refused, "different machines");
	b = draw(world, 2, "b");
	b.compiler = "clang";
	b.rows.pop_back();
	a.rows[3].skipped = "skipped: no";
	a.rows[3].ns.clear();
	a.rows[3].ratio.clear();
	b.rows[2].broken = "lost 3";
	bench::comparison found = bench::compare(a, b, {});
	need(found.only_a.size() == 1 && found.broken.size() == 1 && found.notes.size() == 1,
		"compiler, missing row, broken promise");
	need(found.rows[2].change == bench::CHANGE_UNTESTED && found.rows[2].note == "skipped: no", "a row that was skipped");
	b.partial = true;
	need(bench::compare(a, b, {}).inconclusive, "a partial result shows no absence of changes");
	b.partial = false;
	b.loaded = true;
	need(bench::compare(a, b, {}).inconclusive, "nor does a loaded machine");
}

/* Is a member of the context in the JSON of a drawn result, where test_compare.sh asks for it. */
static void set_context(json_t *context, const char *key, const char *value)
{
	char *end;
	const long number = strtol(value, &end, 10);
	json_object_set_new(context, key, *end ? json_string(value) : json_integer(number));
}

static void add_lines(json_t *lines, const bench::saved_row &row)
{
	for (const auto &each : row.ns) {
		json_t *line = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:s, s:i}", "name", row.name.c_str(),
			"run_name", row.name.c_str(), "run_type", "iteration", "repetitions", static_cast<int>(row.ns.size()),
			"repetition_index", static_cast<int>(each.first), "iterations", 1, "threads",
			static_cast<int>(row.threads), "real_time", each.second, "cpu_time", each.second, "time_unit", "ns",
			"process", static_cast<int>(each.first));
		if (!row.floor.empty())
			json_object_set_new(line, "floor", json_string(row.floor.c_str()));
		auto ratio = row.ratio.find(each.first);
		if (ratio != row.ratio.end())
			json_object_set_new(line, "ratio_to_floor", json_real(ratio->second));
		json_array_append_new(lines, line);
	}
}

static int write_drawn(int argc, char **argv)
{
	world world;
	uint64_t seed = 1;
	json_t *context = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", bench::SAVED_FORMAT,
		"onceproof_version", "drawn", "partial", "false", "plan", "quick", "cpu_model", "drawn", "cores_usable", "2",
		"compiler", "gcc", "window_ms", "10", "date", "2025-01-01T00:00:00+00:00");
	for (int i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (!value)
			return 2;
		*value++ = '\0';
		const double number = atof(value);
		if (strcmp(argv[i], "seed") == 0)
			seed = static_cast<uint64_t>(number);
		else if (strcmp(argv[i], "slower") == 0)
			world.slower = number;
		else if (strcmp(argv[i], "which") == 0)
			world.which = static_cast<size_t>(number);
		else if (strcmp(argv[i], "rows") == 0)
			world.rows = static_cast<size_t>(number);
		else if (strcmp(argv[i], "processes") == 0)
			world.processes = static_cast<unsigned>(number);
		else
			set_context(context, argv[i], value);
	}
	const bench::saved drawn = draw(world, seed, "drawn");
	json_t *root = json_object(), *lines = json_array();
	for (const bench::saved_row &row : drawn.rows)
		add_lines(lines, row);
	json_object_set_new(root, "context", context);
	json_object_set_new(root, "benchmarks", lines);
	const int written = json_dump_file(root, argv[0], JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	json_decref(root);
	return written == 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "write") == 0)
		return write_drawn(argc - 2, argv + 2);
	equal_builds_are_not_told_apart();
	what_is_visible_is_seen();
	changes_are_described();
	mixes_of_modes_are_named();
	the_machine_is_told_from_the_rows();
	what_does_not_fit_is_refused_or_said();
	if (!failed)
		puts("equal builds are not told apart, visible changes are, and what is unsure is said to be");
	return failed;
}
