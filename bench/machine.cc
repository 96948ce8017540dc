// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <sys/utsname.h>

#include "../reports/host.h"
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
	found.quota = host_own_cpu_quota();
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
