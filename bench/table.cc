// SPDX-License-Identifier: MIT
// The price list for people.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench.h"
#include "machine.h"

namespace bench
{

std::string counted(size_t count, const char *one, const char *many)
{
	return std::to_string(count) + " " + (count == 1 ? one : many);
}

void print_header(const plan &plan, const json_t *machine)
{
	fputs(machine_summary(machine).c_str(), stdout);
	printf("%s. %s, each with a window of %.0f ms at most for every row, in an order drawn anew each time.\n"
	       "ns/op: wall time over the operations of all threads, median of the processes with its 95 %% interval; min: the "
	       "least of all;\n"
	       "CPU: what one operation takes of its thread; x floor: the median of each process's own ratio to its floor.\n\n",
		this_machine().compiler.c_str(), counted(plan.processes, "process", "processes").c_str(), plan.window_s * 1e3);
}

/* Did other programs take the CPUs away in half of the repetitions, for more than a twentieth of the time? With more threads than cores they
 * do that to one another. Medians of single operations (storms, dirty reads) leave such operations out by themselves. */
static bool disturbed(const row &row)
{
	size_t disturbed = 0;
	for (const measurement &one : row.measurements)
		disturbed += one.preempted > 0 && one.cpu_ns_per_op > 0 && one.cpu_ns_per_op < 0.95 * one.ns_per_op * row.threads;
	return !row.oversubscribed() && disturbed * 2 >= row.measurements.size();
}

/* "disturbed", "floor disturbed", and what the CPU times say that were meanwhile used. */
static std::string disturbance_of(const std::vector<row> &rows, const row &row, const summary &all)
{
	const struct row *floor = row.floor.empty() ? nullptr : find_row(rows, row.floor);
	const bool below = floor && disturbed(*floor);
	if (!disturbed(row) && !below)
		return "";
	char text[64] = "";
	if (all.cpu_ratio > 0)
		snprintf(text, sizeof text, ": by CPU time %.3g x floor", all.cpu_ratio);
	return (disturbed(row) ? "disturbed" : "floor disturbed") + std::string(text);
}

/* "oversubscribed, lost 12 %" */
static std::string marks_of(const std::vector<row> &rows, const row &row, const summary &all, const collected &collected)
{
	std::string marks;
	auto mark = [&](const std::string &text) { marks += (marks.empty() ? "" : ", ") + text; };
	if (row.oversubscribed())
		mark("oversubscribed");
	for (const char *name : {"lost", "extra_loads", "backwards"}) {
		double sum = 0, ops = 0;
		for (const measurement &one : row.measurements) {
			ops += static_cast<double>(one.ops);
			for (const auto &counter : one.counters)
				sum += counter.first == name ? counter.second : 0;
		}
		char text[64];
		snprintf(text, sizeof text, "%s %.3g %%", std::string(name) == "extra_loads" ? "extra loads" : name,
			100 * sum / ops);
		if (sum != 0)
			mark(text);
	}
	bool pinned = true;
	for (const measurement &one : row.measurements)
		pinned &= one.pinned;
	if (!pinned)
		mark("not pinned");
	if (all.processes < collected.processes)
		mark("in " + std::to_string(all.processes) + " of " + std::to_string(collected.processes) + " processes");
	const std::string disturbance = disturbance_of(rows, row, all);
	if (!disturbance.empty())
		mark(disturbance);
	std::string why = implausible(rows, row);
	if (!why.empty())
		mark("cannot be true: " + why);
	return marks;
}

/* "0.33 in 6 of 10 processes, 2.4 in 4" */
static std::string modes_of(const summary &all)
{
	char text[96];
	snprintf(text, sizeof text, "%.3g in %zu of %zu processes, %.3g in %zu", all.modes[0].centre, all.modes[0].count,
		all.processes, all.modes[1].centre, all.modes[1].count);
	return text;
}

static void print_row(const std::vector<row> &rows, const row &row, int width, const collected &collected)
{
	const summary all = summarise(rows, row);
	char likely[48], ratio[64] = "";
	snprintf(likely, sizeof likely, "%.4g - %.4g", all.likely.low, all.likely.high);
	if (all.ratio > 0 && all.likely_ratio.high <= 0)
		snprintf(ratio, sizeof ratio, "%.3g", all.ratio);
	else if (all.ratio > 0)
		snprintf(ratio, sizeof ratio, "%.3g (%.3g - %.3g)", all.ratio, all.likely_ratio.low, all.likely_ratio.high);
	printf("%-*s %9.4g %20s %9.4g ", width, row.name.c_str(), all.median, all.likely.high > 0 ? likely : "", all.min);
	if (all.cpu_median > 0)
		printf("%9.4g", all.cpu_median);
	else
		printf("%9s", "-");
	std::string marks = marks_of(rows, row, all, collected);
	if (all.modes.size() > 1)
		marks += (marks.empty() ? "" : ", ") + modes_of(all);
	printf(marks.empty() ? " %s\n" : " %-21s %s\n", ratio, marks.c_str());
}

void print_table(const std::vector<row> &rows, const collected &collected)
{
	size_t width = 10;
	for (const row &row : rows)
		width = std::max(width, row.name.size());
	const int w = static_cast<int>(width);
	printf("%-*s %9s %20s %9s %9s %s\n", w, "", "ns/op", "95 % interval", "min", "CPU", "x floor");
	std::string family;
	for (const row &row : rows) {
		std::string here = row.name.substr(0, row.name.find('/'));
		if (row.measurements.empty() && row.skipped.empty())
			continue;
		if (here != family && !family.empty())
			printf("\n");
		family = here;
		if (!row.measurements.empty())
			print_row(rows, row, w, collected);
		else if (!row.skipped.empty() && !is_missing_peer(row))
			printf("%-*s skipped: %s\n", w, row.name.c_str(), row.skipped.c_str());
	}
	const std::string peers = peers_told(rows);
	if (!peers.empty())
		printf("\n%s", peers.c_str());
	print_goals(rows);
	const json_t *machine = json_object_get(collected.context.get(), "machine");
	if (json_is_true(json_object_get(machine, "loaded")))
		printf("\nThe machine was not this run's alone (others %.0f %%, stolen %.0f %%, throttled %.0f %% of its CPUs): "
		       "prefer minima, CPU "
		       "times and ratios.\n",
			100 * json_number_value(json_object_get(machine, "others_share")),
			100 * json_number_value(json_object_get(machine, "steal_share")),
			100 * json_number_value(json_object_get(machine, "throttled_share")));
	const char *plan = json_string_value(json_object_get(collected.context.get(), "plan"));
	const bool full = plan && strcmp(plan, "full") == 0;
	if (collected.partial)
		printf("\nInterrupted: %s ended whole.\n", counted(collected.processes, "process", "processes").c_str());
	else if (collected.dropped)
		printf("\nThe time was too short for %u repetitions: %s.\n", collected.dropped,
			full ? "a filter needs less" : "--full has more, a filter needs less");
}

} // namespace bench
