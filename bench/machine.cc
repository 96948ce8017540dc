// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/utsname.h>

#include "../reports/result.h"
#include "floors.h"
#include "window.h"

namespace bench
{

static std::string first_line(const std::string &path)
{
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	return line;
}

static std::string read_cpu_model()
{
	std::ifstream file("/proc/cpuinfo");
	for (std::string line; std::getline(file, line);) {
		if (line.compare(0, 10, "model name") != 0)
			continue;
		size_t colon = line.find(": ");
		if (colon != std::string::npos)
			return line.substr(colon + 2);
	}
	utsname name;
	return uname(&name) == 0 ? name.machine : "unknown";
}

/* The tightest CPU limit from this process's control group up to the root, version 2 or 1; 0: none. */
static double read_quota()
{
	double quota = 0;
	auto limit = [&](const std::string &text, double period) {
		if (text.empty() || text[0] == 'm' || text[0] == '-' || period <= 0)
			return;
		double cpus = std::strtod(text.c_str(), nullptr) / period;
		if (cpus > 0 && (quota <= 0 || cpus < quota))
			quota = cpus;
	};
	std::ifstream groups("/proc/self/cgroup");
	for (std::string line; std::getline(groups, line);) {
		size_t second = line.find(':', line.find(':') + 1);
		if (second == std::string::npos)
			continue;
		std::string controllers = line.substr(line.find(':') + 1, second - line.find(':') - 1);
		bool unified = controllers.empty();
		if (!unified && ("," + controllers + ",").find(",cpu,") == std::string::npos)
			continue;
		std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
		for (std::string path = line.substr(second + 1);; path.erase(path.rfind('/'))) {
			if (path == "/")
				path.clear();
			if (unified) {
				std::istringstream max(first_line(root + path + "/cpu.max"));
				std::string granted;
				double period = 0;
				max >> granted >> period;
				limit(granted, period);
			} else {
				limit(first_line(root + path + "/cpu.cfs_quota_us"),
					std::strtod(first_line(root + path + "/cpu.cfs_period_us").c_str(), nullptr));
			}
			if (path.find('/') == std::string::npos)
				break;
		}
	}
	return quota;
}

static machine look()
{
	machine found = {};
	found.cpu_model = read_cpu_model();
	cpu_set_t set;
	CPU_ZERO(&set);
	found.allowed = 1;
	if (sched_getaffinity(0, sizeof set, &set) == 0) {
		found.allowed = static_cast<unsigned>(CPU_COUNT(&set));
		found.can_pin = sched_setaffinity(0, sizeof set, &set) == 0;
	}
	found.quota = read_quota();
	found.cores = found.allowed;
	if (found.quota > 0)
		found.cores = std::clamp(static_cast<unsigned>(found.quota), 1u, found.allowed);
	utsname name;
	if (uname(&name) == 0)
		found.kernel = std::string(name.sysname) + " " + name.release;
	found.clock = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
	found.compiler = floor_compiler();
	return found;
}

const machine &this_machine()
{
	static const machine found = look();
	return found;
}

} // namespace bench
