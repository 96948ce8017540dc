// SPDX-License-Identifier: MIT
// The price list for people.
#include <cstdio>
#include <cstdlib>

#include "bench.h"

namespace bench
{

void print_header(const plan &plan)
{
	const machine &machine = this_machine();
	double load = 0;
	if (getloadavg(&load, 1) != 1)
		load = -1;
	printf("%s; %u usable core%s of %u", machine.cpu_model.c_str(), machine.cores, machine.cores == 1 ? "" : "s",
		machine.allowed);
	if (machine.quota > 0)
		printf(", quota %.2f", machine.quota);
	printf("; load %.2f; %s; clock %s; %s%s\n", load, machine.kernel.c_str(), machine.clock.c_str(), machine.compiler.c_str(),
		machine.can_pin ? "" : "; threads cannot be pinned");
	if (load > 0.5)
		printf("The machine is busy (load %.2f): compare minima and CPU times rather than medians.\n", load);
	printf("%u repetitions of %.0f ms, interleaved in an order drawn anew each time. ns/op is wall time over the operations\n"
	       "of all threads; CPU ns/op is what one operation takes of its thread, whoever else is on the machine.\n\n",
		plan.repetitions, plan.window_s * 1e3);
}

/* Did other programs take the CPUs away in most repetitions, for more than a twentieth of the time? With more threads than cores they
 * do that to one another. Medians of single operations (storms, dirty reads) leave such operations out by themselves. */
static bool disturbed(const row &row)
{
	size_t disturbed = 0;
	for (const measurement &one : row.measurements)
		disturbed += one.preempted > 0 && one.cpu_ns_per_op > 0 && one.cpu_ns_per_op < 0.95 * one.ns_per_op * row.threads;
	return !row.oversubscribed() && disturbed * 2 > row.measurements.size();
}

/* "oversubscribed, lost 12 %" */
static std::string marks_of(const std::vector<row> &rows, const row &row)
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
	if (disturbed(row))
		mark("disturbed");
	std::string why = implausible(rows, row);
	if (!why.empty())
		mark("cannot be true: " + why);
	return marks;
}

void print_table(const std::vector<row> &rows, bool partial)
{
	size_t width = 10;
	for (const row &row : rows)
		width = std::max(width, row.name.size());
	const int w = static_cast<int>(width);
	printf("%-*s %10s %21s %10s %8s\n", w, "", "ns/op", "min - max", "CPU ns/op", "x floor");
	std::string family;
	for (const row &row : rows) {
		std::string here = row.name.substr(0, row.name.find('/'));
		if (here != family && !family.empty())
			printf("\n");
		family = here;
		if (row.measurements.empty()) {
			if (!row.skipped.empty())
				printf("%-*s skipped: %s\n", w, row.name.c_str(), row.skipped.c_str());
			continue;
		}
		std::vector<double> values;
		for (const measurement &one : row.measurements)
			values.push_back(one.ns_per_op);
		const double middle = median(values), ratio = ratio_of(rows, row, middle);
		printf("%-*s %10.4g %10.4g %10.4g ", w, row.name.c_str(), middle, smallest(values), largest(values));
		if (median_cpu_ns(row) > 0)
			printf("%10.4g ", median_cpu_ns(row));
		else
			printf("%10s ", "-");
		if (ratio > 0)
			printf("%8.3g", ratio);
		else
			printf("%8s", "");
		std::string marks = marks_of(rows, row);
		printf("%s%s\n", marks.empty() ? "" : "  ", marks.c_str());
	}
	if (partial)
		printf("\nInterrupted: only what was measured until then.\n");
}

} // namespace bench
