// SPDX-License-Identifier: MIT
// Who else used the machine meanwhile, by the kernel's accounts.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/resource.h>
#include <system_error>
#include <thread>
#include <unistd.h>

extern "C" {
#include "../reports/node.h"
}
#include "machine.h"
#include "window.h"

namespace bench
{

/* /proc/stat: time of CPUS not idle, and stolen by the hypervisor. False where it is not there. */
static bool read_stat(const std::string &root, const std::vector<int> &cpus, machine_watch::counts *counts)
{
	const double tick_s = 1.0 / static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK)));
	std::ifstream file(root + "/proc/stat");
	bool found = false;
	for (std::string line; std::getline(file, line);) {
		std::istringstream words(line);
		std::string name;
		words >> name;
		if (name.compare(0, 3, "cpu") != 0 || name.size() == 3)
			continue;
		if (!std::binary_search(cpus.begin(), cpus.end(), atoi(name.c_str() + 3)))
			continue;
		/* user, nice, system, idle, iowait, irq, softirq, steal; guests' time is in user. */
		double ticks[8] = {};
		for (double &one : ticks)
			words >> one;
		counts->busy_s += (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * tick_s;
		counts->steal_s += ticks[7] * tick_s;
		found = true;
	}
	return found;
}

/* Folders of the control groups that limit our CPU time, from ours up to the top, in either layout. */
static std::set<std::string> group_folders(const std::string &root)
{
	std::set<std::string> folders;
	std::ifstream file(root + "/proc/self/cgroup");
	for (std::string line; std::getline(file, line);) {
		const size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
		if (second == std::string::npos)
			continue;
		const std::string controllers = line.substr(first + 1, second - first - 1);
		if (!controllers.empty() && ("," + controllers + ",").find(",cpu,") == std::string::npos)
			continue;
		const std::string top = root + "/sys/fs/cgroup" + (controllers.empty() ? "" : "/" + controllers);
		std::string group = line.substr(second + 1);
		for (;;) {
			folders.insert(top + (group == "/" ? "" : group));
			const size_t slash = group.rfind('/');
			if (slash == std::string::npos || group.size() <= 1)
				break;
			group.resize(slash);
		}
		folders.insert(top);
	}
	return folders;
}

/* cpu.stat of all groups: each quota above us stops us too. */
static void read_throttling(const std::string &root, machine_watch::counts *counts)
{
	for (const std::string &folder : group_folders(root)) {
		std::ifstream file(folder + "/cpu.stat");
		std::string key;
		for (double value; file >> key >> value;) {
			if (key == "throttled_usec")
				counts->throttled_s += value * 1e-6;
			else if (key == "throttled_time")
				counts->throttled_s += value * 1e-9;
			else if (key == "nr_throttled")
				counts->throttled_periods += static_cast<uint64_t>(value);
		}
	}
}

static double seconds_of(const timeval &t)
{
	return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

machine_watch::counts machine_count(const std::string &root, const std::vector<int> &cpus)
{
	machine_watch::counts counts;
	counts.known = read_stat(root, cpus, &counts);
	read_throttling(root, &counts);
	counts.wall_s = static_cast<double>(now_ns()) * 1e-9;
	if (getloadavg(&counts.load, 1) != 1)
		counts.load = -1;
	for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
		rusage used = {};
		getrusage(who, &used);
		counts.ours_s += seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
	}
	return counts;
}

static double share(double part, double whole)
{
	return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0;
}

json_t *machine_judge(const machine_watch::counts &from, const machine_watch::counts &to, unsigned cpus)
{
	json_t *found = node_must(json_object());
	const double wall = to.wall_s - from.wall_s, time = wall * cpus;
	/* The kernel counts in ticks, at both ends of each CPU's time. */
	const double blur = time > 0 ? 2.0 / static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK))) / wall : 1;
	const bool known = from.known && to.known && blur < OTHERS_LIMIT;
	const double others = share(to.busy_s - from.busy_s - (to.ours_s - from.ours_s), time);
	const double steal = share(to.steal_s - from.steal_s, time), throttled = share(to.throttled_s - from.throttled_s, wall);
	const double drift = from.cycle_ns > 0 && to.cycle_ns > 0 ? to.cycle_ns / from.cycle_ns - 1 : 0;
	bool loaded = false;
	auto weigh = [&](bool too_much, const std::string &note) {
		loaded |= too_much;
		if (too_much)
			machine_note(found, note);
	};
	node_set(found, "notes", node_must(json_array()));
	weigh(known && others > OTHERS_LIMIT, text_of("Other programs took %.1f %% of the CPUs while this was measured (more "
						      "than %.0f %%): times of several threads are "
						      "too long, and minima mean more than medians.",
						      100 * others, 100 * OTHERS_LIMIT));
	weigh(known && steal > STEAL_LIMIT,
		text_of("The hypervisor kept %.1f %% of the CPUs' time for others while this was measured (more than %.0f %%).",
			100 * steal, 100 * STEAL_LIMIT));
	weigh(!known && from.load > 0.5 * cpus, text_of("The load average was %.1f on %u CPUs before this was measured, in a "
							"time too short to see who used them.",
							from.load, cpus));
	weigh(throttled > THROTTLED_LIMIT, text_of("The control group's CPU quota stopped us for %.1f %% of the CPUs' time (more "
						   "than %.0f %%): times are too long.",
						   100 * throttled, 100 * THROTTLED_LIMIT));
	loaded |= std::fabs(drift) > DRIFT_LIMIT;
	if (std::fabs(drift) > DRIFT_TOLD)
		machine_note(found,
			text_of("A CPU cycle took %.3f ns before and %.3f ns after: the frequency changed meanwhile. Ratios to a "
				"floor bear that, times do not.",
				from.cycle_ns, to.cycle_ns));
	node_set(found, "seconds", json_real(wall));
	node_set(found, "others_share", known ? json_real(others) : json_null());
	node_set(found, "steal_share", known ? json_real(steal) : json_null());
	node_set(found, "throttled_share", json_real(throttled));
	node_set(found, "throttled_periods", node_count(to.throttled_periods - from.throttled_periods));
	node_set(found, "load", from.load >= 0 ? json_real(from.load) : json_null());
	node_set(found, "cycle_ns_before", from.cycle_ns > 0 ? json_real(from.cycle_ns) : json_null());
	node_set(found, "cycle_ns_after", to.cycle_ns > 0 ? json_real(to.cycle_ns) : json_null());
	node_set(found, "cycle_drift", json_real(drift));
	node_set(found, "loaded", json_boolean(loaded));
	return found;
}

/* On the first CPU, so that both times are of the same one; 0 where no thread could be started. */
static double cycle_on_first(const std::vector<int> &cpus)
{
	double cycle_ns = 0;
	try {
		std::thread([&] {
			machine_pin(cpus.front());
			cycle_ns = machine_cycle_ns(0.02); /* long enough to wake up from idling */
		}).join();
	} catch (const std::system_error &) {
	}
	return cycle_ns;
}

void machine_watch::begin()
{
	const double cycle_ns = cycle_on_first(machine_cpus());
	from_ = machine_count(root, machine_cpus());
	from_.cycle_ns = cycle_ns;
}

json_t *machine_watch::end()
{
	const std::vector<int> cpus = machine_cpus();
	counts to = machine_count(root, cpus);
	to.cycle_ns = cycle_on_first(cpus);
	return machine_judge(from_, to, static_cast<unsigned>(cpus.size()));
}

void machine_merge(json_t *machine, const json_t *watched)
{
	const char *key;
	json_t *value;
	json_object_foreach(node_must(const_cast<json_t *>(watched)), key, value) {
		if (std::string(key) == "notes")
			continue;
		node_set(machine, key, json_incref(value));
	}
	/* What an earlier watch said of a shorter time is no longer true. */
	json_t *notes = json_object_get(machine, "notes"), *before = json_object_get(machine, "load_notes");
	for (size_t i = json_array_size(notes); i-- > 0;)
		for (size_t j = 0; j < json_array_size(before); j++)
			if (json_equal(json_array_get(notes, i), json_array_get(before, j))) {
				json_array_remove(notes, i);
				break;
			}
	json_t *now = node_get(watched, "notes");
	size_t i;
	json_array_foreach(now, i, value)
		machine_note(machine, json_string_value(value));
	node_set(machine, "load_notes", json_incref(now));
}

} // namespace bench
