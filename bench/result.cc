// SPDX-License-Identifier: MIT
// The processes' repetitions side by side: what they say together, and the JSON of it in Google Benchmark's shape.
#include <algorithm>
#include <cmath>
#include <map>

#include "bench.h"
#include "histogram.h"

namespace bench
{

/* No correct measurement can be this much below the cheapest instruction's CPU time; identical code varies by a third. */
static const double PLAUSIBLE = 0.6;

const row *find_row(const std::vector<row> &rows, const std::string &name)
{
	for (const row &row : rows)
		if (row.name == name && !row.measurements.empty())
			return &row;
	return nullptr;
}

/* process -> median of FIELD over its repetitions */
static std::map<unsigned, double> medians_by_process(const row &row, double measurement::*field)
{
	std::map<unsigned, std::vector<double>> values;
	for (const measurement &one : row.measurements)
		values[one.process].push_back(one.*field);
	std::map<unsigned, double> medians;
	for (const auto &each : values)
		medians[each.first] = median(each.second);
	return medians;
}

static std::vector<double> values_of(const std::map<unsigned, double> &map)
{
	std::vector<double> values;
	for (const auto &each : map)
		values.push_back(each.second);
	return values;
}

std::vector<double> process_medians(const row &row)
{
	return values_of(medians_by_process(row, &measurement::ns_per_op));
}

double median_cpu_ns(const row &row)
{
	return median(values_of(medians_by_process(row, &measurement::cpu_ns_per_op)));
}

/* Each process's value over its own floor: what the machine did meanwhile, it did to both. */
static std::vector<double> ratios(const row &row, const struct row &floor, double measurement::*field)
{
	const std::map<unsigned, double> floors = medians_by_process(floor, field);
	std::vector<double> found;
	for (const auto &each : medians_by_process(row, field)) {
		auto under = floors.find(each.first);
		if (under != floors.end() && under->second > 0 && each.second > 0)
			found.push_back(each.second / under->second);
	}
	return found;
}

summary summarise(const std::vector<row> &rows, const row &row)
{
	summary all;
	if (row.measurements.empty())
		return all;
	const std::vector<double> medians = process_medians(row);
	std::vector<double> single;
	for (const measurement &one : row.measurements)
		single.push_back(one.ns_per_op);
	all.processes = medians.size();
	all.repetitions = single.size();
	all.median = median(medians);
	all.min = smallest(single);
	all.likely = median_interval(medians);
	all.modes = find_modes(medians);
	all.cpu_median = median_cpu_ns(row);
	const struct row *floor = row.floor.empty() ? nullptr : find_row(rows, row.floor);
	if (!floor)
		return all;
	const std::vector<double> shares = ratios(row, *floor, &measurement::ns_per_op);
	all.ratio = median(shares);
	all.likely_ratio = median_interval(shares);
	all.cpu_ratio = median(ratios(row, *floor, &measurement::cpu_ns_per_op));
	return all;
}

std::string implausible(const std::vector<row> &rows, const row &row)
{
	const struct row *least = row.least.empty() ? nullptr : find_row(rows, row.least);
	if (!least || row.measurements.empty() || median_cpu_ns(row) >= PLAUSIBLE * median_cpu_ns(*least))
		return "";
	return "less CPU time than " + row.least;
}

static void set(json_t *object, const char *key, double value)
{
	json_object_set_new(object, key, json_real(std::isfinite(value) ? value : 0));
}

static std::string what_is_broken(const row &row)
{
	for (const measurement &one : row.measurements)
		if (!one.broken.empty())
			return one.broken;
	return "";
}

/* What every line of a row says. */
static void add_marks(json_t *line, const std::vector<row> &rows, const row &row)
{
	auto add = [line](const char *key, const std::string &text) {
		if (!text.empty())
			json_object_set_new(line, key, json_string(text.c_str()));
	};
	add("floor", row.floor);
	add("implausible", implausible(rows, row));
	/* What one repetition refuted is refuted, so every line of the row says it. */
	add("broken", what_is_broken(row));
}

/* The repetitions, as Google Benchmark told them, numbered through all processes. */
static void add_repetitions(json_t *lines, const std::vector<row> &rows, const row &row)
{
	const struct row *floor = row.floor.empty() ? nullptr : find_row(rows, row.floor);
	std::map<unsigned, double> floors, cpu_floors;
	if (floor) {
		floors = medians_by_process(*floor, &measurement::ns_per_op);
		cpu_floors = medians_by_process(*floor, &measurement::cpu_ns_per_op);
	}
	int index = 0;
	for (const measurement &one : row.measurements) {
		json_t *line = json_deep_copy(one.told.get());
		json_object_del(line, "buckets");
		json_object_set_new(line, "repetitions", json_integer(static_cast<json_int_t>(row.measurements.size())));
		json_object_set_new(line, "repetition_index", json_integer(index++));
		json_object_set_new(line, "process", json_integer(one.process));
		if (floors.count(one.process) && floors[one.process] > 0)
			set(line, "ratio_to_floor", one.ns_per_op / floors[one.process]);
		if (cpu_floors.count(one.process) && cpu_floors[one.process] > 0 && one.cpu_ns_per_op > 0)
			set(line, "cpu_ratio_to_floor", one.cpu_ns_per_op / cpu_floors[one.process]);
		add_marks(line, rows, row);
		json_array_append_new(lines, line);
	}
}

/* The median of a counter over the repetitions, or of zeroes where it is not there. */
static double counter_median(const row &row, const std::string &name)
{
	std::vector<double> values;
	for (const measurement &one : row.measurements)
		for (const auto &counter : one.counters)
			if (counter.first == name)
				values.push_back(counter.second);
	return median(values);
}

static json_t *aggregate(const row &row, const char *name, double ns, double cpu_ns)
{
	json_t *line = json_object();
	const bool share = std::string(name) == "cv";
	json_object_set_new(line, "name", json_string((row.name + "_" + name).c_str()));
	json_object_set_new(line, "run_name", json_string(row.name.c_str()));
	json_object_set_new(line, "run_type", json_string("aggregate"));
	json_object_set_new(line, "repetitions", json_integer(static_cast<json_int_t>(row.measurements.size())));
	json_object_set_new(line, "threads", json_integer(row.threads));
	json_object_set_new(line, "aggregate_name", json_string(name));
	json_object_set_new(line, "aggregate_unit", json_string(share ? "percentage" : "time"));
	json_object_set_new(line, "iterations", json_integer(static_cast<json_int_t>(row.measurements.size())));
	set(line, "real_time", ns);
	set(line, "cpu_time", cpu_ns);
	json_object_set_new(line, "time_unit", json_string("ns"));
	if (!row.note.empty())
		json_object_set_new(line, "label", json_string(row.note.c_str()));
	return line;
}

static json_t *modes_json(const std::vector<mode> &modes, size_t processes)
{
	json_t *list = json_array();
	for (const mode &each : modes)
		json_array_append_new(list, json_pack("{s:f, s:f}", "ns", each.centre, "share",
						    static_cast<double>(each.count) / static_cast<double>(processes)));
	return list;
}

/* What Google Benchmark tells of a row's repetitions beside the median. */
struct spread {
	double mean = 0, stddev = 0, cv = 0, min = 0, max = 0;
};

/* Mean and deviation of the processes' MEDIANS, the ends of all SINGLE repetitions. */
static spread spread_of(const std::vector<double> &medians, const std::vector<double> &single)
{
	spread all;
	for (double value : medians)
		all.mean += value / static_cast<double>(medians.size());
	for (double value : medians)
		all.stddev += (value - all.mean) * (value - all.mean);
	all.stddev = medians.size() > 1 ? std::sqrt(all.stddev / static_cast<double>(medians.size() - 1)) : 0;
	all.cv = all.mean > 0 ? all.stddev / all.mean : 0;
	all.min = smallest(single);
	all.max = largest(single);
	return all;
}

/* Of one member of the row's measurements. */
static spread spread_of(const row &row, double measurement::*field)
{
	std::vector<double> single;
	for (const measurement &one : row.measurements)
		single.push_back(one.*field);
	return spread_of(values_of(medians_by_process(row, field)), single);
}

/* The aggregate that readers look at. */
static json_t *median_line(const row &row, const summary &all)
{
	json_t *line = aggregate(row, "median", all.median, all.cpu_median > 0 ? all.cpu_median : all.median);
	set(line, "wall_ns_per_op", all.median);
	if (all.cpu_median > 0)
		set(line, "cpu_ns_per_op", all.cpu_median);
	json_object_set_new(line, "processes", json_integer(static_cast<json_int_t>(all.processes)));
	set(line, "low", all.likely.low);
	set(line, "high", all.likely.high);
	if (all.ratio > 0) {
		set(line, "ratio_to_floor", all.ratio);
		set(line, "ratio_low", all.likely_ratio.low);
		set(line, "ratio_high", all.likely_ratio.high);
	}
	if (all.cpu_ratio > 0)
		set(line, "cpu_ratio_to_floor", all.cpu_ratio);
	set(line, "oversubscribed", row.oversubscribed());
	for (const auto &counter : row.measurements.front().counters)
		set(line, counter.first.c_str(), counter_median(row, counter.first));
	if (all.modes.size() > 1)
		json_object_set_new(line, "modes", modes_json(all.modes, all.processes));
	return line;
}

static void add_aggregates(json_t *lines, const std::vector<row> &rows, const row &row)
{
	const summary all = summarise(rows, row);
	const spread wall = spread_of(row, &measurement::ns_per_op), cpu = spread_of(row, &measurement::cpu_ns_per_op);
	const struct {
		const char *name;
		double spread::*value;
	} plain[] = {{"mean", &spread::mean}, {"stddev", &spread::stddev}, {"cv", &spread::cv}, {"min", &spread::min},
		{"max", &spread::max}};
	json_t *line = median_line(row, all);
	add_marks(line, rows, row);
	json_array_append_new(lines, line);
	for (const auto &each : plain) {
		/* A row that tells no CPU time has its wall time there. */
		line = aggregate(row, each.name, wall.*each.value, cpu.max > 0 ? cpu.*each.value : wall.*each.value);
		add_marks(line, rows, row);
		json_array_append_new(lines, line);
	}
}

/* A row that was not measured: one line with the reason, as Google Benchmark tells errors. */
static json_t *skipped_line(const row &row)
{
	json_t *line = json_object();
	json_object_set_new(line, "name", json_string(row.name.c_str()));
	json_object_set_new(line, "run_name", json_string(row.name.c_str()));
	json_object_set_new(line, "run_type", json_string("iteration"));
	json_object_set_new(line, "repetitions", json_integer(0));
	json_object_set_new(line, "repetition_index", json_integer(0));
	json_object_set_new(line, "threads", json_integer(row.threads));
	json_object_set_new(line, "iterations", json_integer(0));
	set(line, "real_time", 0); /* Google Benchmark's tools read them of every line */
	set(line, "cpu_time", 0);
	json_object_set_new(line, "time_unit", json_string("ns"));
	json_object_set_new(line, "error_occurred", json_true());
	json_object_set_new(line, "error_message", json_string(("skipped: " + row.skipped).c_str()));
	return line;
}

static json_t *distributions_json(const std::vector<row> &rows)
{
	json_t *all = json_array();
	for (const row &row : rows)
		if (json_t *one = distribution_json(row.name, row.measurements))
			json_array_append_new(all, one);
	return all;
}

std::shared_ptr<json_t> result_json(const std::vector<row> &rows, const collected &collected)
{
	json_t *lines = json_array();
	for (const row &row : rows) {
		if (row.measurements.empty()) {
			if (!row.skipped.empty())
				json_array_append_new(lines, skipped_line(row));
			continue;
		}
		add_repetitions(lines, rows, row);
		add_aggregates(lines, rows, row);
	}
	json_t *root = json_object();
	json_object_set(root, "context", collected.context.get());
	json_object_set_new(root, "benchmarks", lines);
	json_object_set_new(root, "distributions", distributions_json(rows));
	json_object_set(root, "studies", collected.studies.get());
	json_object_set_new(root, "goals", goals_json(rows));
	return std::shared_ptr<json_t>(root, json_decref);
}

} // namespace bench
