// SPDX-License-Identifier: MIT
// What this project promises of its two headers, as quotients of rows of one run: each process gives one quotient, so that the interval is
// of what was compared side by side. A gate holds on any x86-64 machine; what is expected depends on the machine's class.
#include <cmath>
#include <cstdio>
#include <map>

#include "bench.h"
#include "names.h"

namespace bench
{

namespace
{

enum better { LESS, MORE };
enum kind { GATE, EXPECTED };

/* OVER / UNDER, both row names without threads and with. */
struct goal {
	enum kind kind;
	const char *subject, *what;
	const char *over, *under;
	enum better better;
	double limit;
	bool of_cpu; /* compare CPU time per operation; else wall time */
};

const goal goals[] = {
	{GATE, "initialiser/once", "a load of 2 us is over for both of two threads within 1.3 of its time",
		"initialiser/once/storm/threads:2", "floor/load_2us/threads:1", LESS, 1.3, false},
	/* What waiters burn, over the load and one sleep with its wake-up: the rows tell that quotient themselves. */
	{GATE, "initialiser/once", "who waits for a load of 2 us burns no more CPU than it takes, and one wake-up",
		"initialiser/once/waiter/threads:2", "floor/load_2us/threads:1", LESS, 1, false},
	{GATE, "initialiser/once", "the same, a load of 100 us", "initialiser/once/waiter_100us/threads:2",
		"floor/load_100us/threads:1", LESS, 1, false},
	{GATE, "initialiser/once", "the same, a load of 1 ms", "initialiser/once/waiter_1ms/threads:2",
		"floor/load_1ms/threads:1", LESS, 1, false},
	{EXPECTED, "initialiser/once", "a get costs the floor", "initialiser/once/get/threads:1", "floor/load_branch/threads:1",
		LESS, 1.05, false},
	{EXPECTED, "initialiser/once", "two threads cost each what one costs", "initialiser/once/get/threads:2",
		"initialiser/once/get/threads:1", LESS, 1.05, true},
	{EXPECTED, "initialiser/once", "a get is faster than pthread_once", "initialiser/pthread_once/get/threads:1",
		"initialiser/once/get/threads:1", MORE, 10, false},
	{EXPECTED, "initialiser/once", "a get is faster than std::call_once", "initialiser/peer_std_call_once/get/threads:1",
		"initialiser/once/get/threads:1", MORE, 15, false},
	{EXPECTED, "initialiser/once", "a get is faster than a magic static", "initialiser/peer_magic_static/get/threads:1",
		"initialiser/once/get/threads:1", MORE, 2, false},
	{EXPECTED, "initialiser/once", "a storm of two threads is over sooner than with pthread_once",
		"initialiser/pthread_once/storm/threads:2", "initialiser/once/storm/threads:2", MORE, 8, false},
	{EXPECTED, "initialiser/once", "a storm over a load of 0.5 us, against the load alone",
		"initialiser/once/storm_500ns/threads:2", "floor/load_500ns/threads:1", LESS, 2, false},
	{EXPECTED, "initialiser/once", "a storm over a load of 5 us, against the load alone",
		"initialiser/once/storm_5us/threads:2", "floor/load_5us/threads:1", LESS, 2, false},
	{EXPECTED, "initialiser/once", "a storm over a load of 20 us, against the load alone",
		"initialiser/once/storm_20us/threads:2", "floor/load_20us/threads:1", LESS, 2, false},
	{EXPECTED, "initialiser/once", "a storm over a load of 60 us, against the load alone",
		"initialiser/once/storm_60us/threads:2", "floor/load_60us/threads:1", LESS, 2, false},
	{EXPECTED, "initialiser/once", "a storm over a load of 100 us, against the load alone",
		"initialiser/once/storm_100us/threads:2", "floor/load_100us/threads:1", LESS, 2, false},
	{EXPECTED, "initialiser/once", "a storm over a load of 1 ms, against the load alone",
		"initialiser/once/storm_1ms/threads:2", "floor/load_1ms/threads:1", LESS, 2, false},
	{GATE, "counter/tally",
		"an increment in an opaque call costs no more than the racy counter's (2 % for chance), one thread",
		"counter/tally/increment_call/threads:1", "counter/naive/increment_call/threads:1", LESS, 1.02, false},
	{GATE, "counter/tally", "the same, two threads", "counter/tally/increment_call/threads:2",
		"counter/naive/increment_call/threads:2", LESS, 1.02, false},
	{GATE, "pipeline", "a batch of items of 1 us costs what it costs without any counting",
		"pipeline/once+tally+teller/overhead_1us/threads:2", "floor/batch_1us/threads:2", LESS, 1.01, false},
	{EXPECTED, "counter/tally", "an increment is faster than the racy counter's, two threads",
		"counter/naive/increment/threads:2", "counter/tally/increment/threads:2", MORE, 10, false},
	{EXPECTED, "counter/tally", "an increment is faster than lock xadd, two threads", "floor/lock_xadd/threads:2",
		"counter/tally/increment/threads:2", MORE, 40, false},
	{EXPECTED, "counter/tally", "two threads count more than one", "counter/tally/increment/threads:1",
		"counter/tally/increment/threads:2", MORE, 1.9, false},
	{EXPECTED, "counter/tally", "an increment is faster than lock xadd, one thread", "floor/lock_xadd/threads:1",
		"counter/tally/increment/threads:1", MORE, 5, false},
	{EXPECTED, "counter/tally", "eight threads count faster than under a mutex", "counter/mutex/increment/threads:8",
		"counter/tally/increment/threads:8", MORE, 150, false},
	{EXPECTED, "counter/tally", "reading eight dirty shards, against one dirty line", "counter/tally/read_dirty_8/threads:1",
		"counter/tally/read_dirty_1/threads:1", LESS, 1.3, false},
	{EXPECTED, "counter/tally", "a reader every ms costs the increments little",
		"counter/tally/increment_polled_1ms/threads:2", "counter/tally/increment/threads:2", LESS, 1.05, false},
	{EXPECTED, "counter/tally", "with a read every 100 increments it is faster than lock xadd", "floor/lock_xadd/threads:2",
		"counter/tally/read_every_100/threads:2", MORE, 3, false},
	{EXPECTED, "counter/tally_tickets", "unique (not dense) tickets are faster than lock xadd, one thread",
		"floor/lock_xadd/threads:1", "counter/tally_tickets/increment/threads:1", MORE, 5, false},
	{EXPECTED, "counter/tally_tickets", "unique (not dense) tickets are faster than lock xadd, two threads",
		"floor/lock_xadd/threads:2", "counter/tally_tickets/increment/threads:2", MORE, 15, false},
	{EXPECTED, "counter/tally_steps", "dense steps cost what lock xadd costs, one thread",
		"counter/tally_steps/increment/threads:1", "floor/lock_xadd/threads:1", LESS, 1.05, false},
	{EXPECTED, "counter/tally_steps", "dense steps cost what lock xadd costs, two threads",
		"counter/tally_steps/increment/threads:2", "floor/lock_xadd/threads:2", LESS, 1.05, false},
};

struct judged {
	const struct goal *goal;
	double value;
	interval likely;
	bool met;  /* the median is on the right side */
	bool sure; /* the whole interval is on that side; not where there are too few processes for one */
};

} // namespace

std::vector<std::string> goal_rows(const std::vector<std::string> &globs)
{
	std::vector<std::string> names;
	for (const goal &goal : goals)
		if (name_matches(globs, goal.over) || name_matches(globs, goal.under))
			names.insert(names.end(), {goal.over, goal.under});
	return names;
}

/* Rows that measure in pairs tell the quotient themselves, as counter `overhead`: of each process the median. Empty for other rows. */
static std::vector<double> paired_quotients(const row &over)
{
	std::map<unsigned, std::vector<double>> told;
	for (const measurement &one : over.measurements)
		for (const auto &counter : one.counters)
			if (counter.first == "overhead")
				told[one.process].push_back(1 + counter.second);
	std::vector<double> found;
	for (const auto &each : told)
		found.push_back(median(each.second));
	return found;
}

/* One quotient per process that measured both rows. */
static std::vector<double> quotients(const row &over, const row &under, bool of_cpu)
{
	const std::vector<double> paired = paired_quotients(over);
	if (!paired.empty())
		return paired;
	std::map<unsigned, std::vector<double>> a, b;
	for (const measurement &one : over.measurements)
		a[one.process].push_back(of_cpu ? one.cpu_ns_per_op : one.ns_per_op);
	for (const measurement &one : under.measurements)
		b[one.process].push_back(of_cpu ? one.cpu_ns_per_op : one.ns_per_op);
	std::vector<double> found;
	for (const auto &each : a)
		if (b.count(each.first) && median(b[each.first]) > 0)
			found.push_back(median(each.second) / median(b[each.first]));
	return found;
}

/* The goals whose rows are in this run. */
static std::vector<judged> judge(const std::vector<row> &rows)
{
	std::vector<judged> all;
	for (const goal &goal : goals) {
		const row *over = find_row(rows, goal.over), *under = find_row(rows, goal.under);
		const std::vector<double> each = over && under ? quotients(*over, *under, goal.of_cpu) : std::vector<double>();
		if (each.empty())
			continue;
		judged one = {&goal, median(each), median_interval(each), false, false};
		one.met = goal.better == LESS ? one.value <= goal.limit : one.value >= goal.limit;
		one.sure = goal.better == LESS ? one.likely.high <= goal.limit : one.likely.low >= goal.limit;
		const bool unknown = one.likely.low == 0 && one.likely.high == 0;
		/* On the wrong side the whole interval must be there, too, for the answer to be sure. */
		if (!one.met)
			one.sure = goal.better == LESS ? one.likely.low > goal.limit : one.likely.high < goal.limit;
		one.sure &= !unknown;
		all.push_back(one);
	}
	return all;
}

json_t *goals_json(const std::vector<row> &rows)
{
	json_t *list = json_array();
	for (const judged &one : judge(rows))
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:s, s:s, s:b, s:b, s:[s, s]}", "subject", one.goal->subject,
				"what", one.goal->what, "value", one.value, "low", one.likely.low, "high", one.likely.high,
				"limit", one.goal->limit, "better", one.goal->better == LESS ? "less" : "more", "kind",
				one.goal->kind == GATE ? "gate" : "expected", "met", one.met, "sure", one.sure, "rows",
				one.goal->over, one.goal->under));
	return list;
}

void print_goals(const std::vector<row> &rows)
{
	const std::vector<judged> all = judge(rows);
	if (all.empty())
		return;
	size_t met = 0;
	for (const judged &one : all)
		met += one.met;
	printf("\nGoals: %zu met, %zu short, %zu not measured ([ ] is the 95 %% interval over the processes; ? marks those that "
	       "reach across "
	       "the limit, or have no interval)\n",
		met, all.size() - met, std::size(goals) - all.size());
	puts("  gate: holds on any x86-64 machine; expected: depends on the machine's class. Neither decides the exit status.");
	for (const judged &one : all) {
		char value[64], limit[32];
		if (one.likely.high > 0)
			snprintf(value, sizeof value, "%.3g [%.3g, %.3g]", one.value, one.likely.low, one.likely.high);
		else
			snprintf(value, sizeof value, "%.3g", one.value);
		snprintf(limit, sizeof limit, "%s %.4g", one.goal->better == LESS ? "<=" : ">=", one.goal->limit);
		printf("  %-11s%s %-8s %-26s %-8s %-21s %s\n", one.met ? "met" : "falls short", one.sure ? " " : "?",
			one.goal->kind == GATE ? "gate" : "expected", value, limit, one.goal->subject, one.goal->what);
	}
}

} // namespace bench
