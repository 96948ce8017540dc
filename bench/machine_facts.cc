// SPDX-License-Identifier: MIT
// What the kernel's files say of the machine: caches, siblings, frequency, clock, perf counters, quota.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <sched.h>
#include <set>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

extern "C" {
#include "../reports/node.h"
}
#include "../reports/host.h"
#include "machine.h"
#include "perf.h"
#include "window.h"

namespace bench
{

std::string text_of(const char *format, ...)
{
	char *text = nullptr;
	va_list values;
	va_start(values, format);
	int length = vasprintf(&text, format, values);
	va_end(values);
	std::string copy = length < 0 ? "" : text;
	if (length >= 0)
		free(text);
	return copy;
}

void machine_note(json_t *machine, const std::string &text)
{
	json_t *notes = json_object_get(machine, "notes");
	if (!notes)
		node_set(machine, "notes", notes = node_must(json_array()));
	node_append(notes, node_text(text.c_str()));
}

std::vector<int> parse_cpu_list(const std::string &text)
{
	enum { CPUS_MAX = 1 << 16 };
	std::vector<int> cpus;
	const char *at = text.c_str();
	while (*at >= '0' && *at <= '9') {
		char *end;
		long first = strtol(at, &end, 10), last = first;
		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		for (long cpu = first; cpu <= last && cpu < CPUS_MAX; cpu++)
			cpus.push_back(static_cast<int>(cpu));
		at = *end == ',' ? end + 1 : end;
	}
	return cpus;
}

std::vector<int> machine_cpus()
{
	std::vector<int> cpus;
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &set))
				cpus.push_back(cpu);
	return cpus.empty() ? std::vector<int>{0} : cpus;
}

int machine_pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(static_cast<size_t>(cpu), &set);
	return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

static std::string first_line(const std::string &path)
{
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	return line;
}

static json_t *text_or_null(const std::string &text)
{
	return text.empty() ? node_must(json_null()) : node_text(text.c_str());
}

static std::string cpu_folder(const std::string &root, int cpu)
{
	return root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu);
}

/* "12345" -> 12345; NULL JSON where there is no number. */
static json_t *number_or_null(const std::string &text, double scale)
{
	char *end;
	double value = strtod(text.c_str(), &end);
	return end == text.c_str() ? node_must(json_null()) : node_must(json_real(value * scale));
}

/* "32K", "480M" in bytes. */
static uint64_t size_of(const std::string &text)
{
	char *end;
	uint64_t value = strtoull(text.c_str(), &end, 10);
	return *end == 'K' ? value << 10 : *end == 'M' ? value << 20 : *end == 'G' ? value << 30 : value;
}

static void find_caches(json_t *machine, const std::string &root, int cpu)
{
	json_t *caches = node_must(json_array());
	for (int index = 0;; index++) {
		const std::string folder = cpu_folder(root, cpu) + "/cache/index" + std::to_string(index) + "/";
		const std::string level = first_line(folder + "level");
		if (level.empty())
			break;
		json_t *cache = node_append(caches, node_must(json_object()));
		node_set(cache, "level", json_integer(atoi(level.c_str())));
		node_set(cache, "type", node_text(first_line(folder + "type").c_str()));
		node_set(cache, "bytes", node_count(size_of(first_line(folder + "size"))));
		node_set(cache, "line_bytes", json_integer(atoi(first_line(folder + "coherency_line_size").c_str())));
		node_set(cache, "shared_cpus", node_text(first_line(folder + "shared_cpu_list").c_str()));
	}
	node_set(machine, "caches", caches);
}

/* Do two of CPUS share a core, as the kernel was told? A hypervisor may tell it anything: machine_pairs looks again. */
static void find_siblings(json_t *machine, const std::string &root, const std::vector<int> &cpus)
{
	bool known = false;
	std::string shared;
	for (int cpu : cpus) {
		const std::string list = first_line(cpu_folder(root, cpu) + "/topology/thread_siblings_list");
		known |= !list.empty();
		size_t ours = 0;
		for (int sibling : parse_cpu_list(list))
			ours += std::binary_search(cpus.begin(), cpus.end(), sibling);
		if (ours > 1 && shared.empty())
			shared = list;
	}
	node_set(machine, "smt", known ? json_boolean(!shared.empty()) : json_null());
	node_set(machine, "smt_how", known ? node_text("as the kernel's topology says") : json_null());
	if (!shared.empty())
		machine_note(machine, "CPUs " + shared + " share a core (SMT): two threads there are less than twice one.");
}

static void find_nodes(json_t *machine, const std::string &root)
{
	int nodes = 0;
	if (DIR *folder = opendir((root + "/sys/devices/system/node").c_str())) {
		for (dirent *entry; (entry = readdir(folder));)
			nodes += strncmp(entry->d_name, "node", 4) == 0 && entry->d_name[4] >= '0' && entry->d_name[4] <= '9';
		closedir(folder);
	}
	node_set(machine, "numa_nodes", nodes ? json_integer(nodes) : json_null());
}

/* "on", "off", or "" where the machine hides it. */
static std::string turbo_state(const std::string &root)
{
	const std::string intel = first_line(root + "/sys/devices/system/cpu/intel_pstate/no_turbo");
	if (!intel.empty())
		return intel == "0" ? "on" : "off";
	const std::string boost = first_line(root + "/sys/devices/system/cpu/cpufreq/boost");
	return boost.empty() ? "" : boost == "1" ? "on" : "off";
}

static void find_frequency(json_t *machine, const std::string &root, const std::vector<int> &cpus)
{
	std::set<std::string> governors;
	for (int cpu : cpus)
		governors.insert(first_line(cpu_folder(root, cpu) + "/cpufreq/scaling_governor"));
	governors.erase("");
	std::string governor;
	for (const std::string &one : governors)
		governor += (governor.empty() ? "" : ", ") + one;
	const std::string turbo = turbo_state(root), folder = cpu_folder(root, cpus.front()) + "/cpufreq/";
	node_set(machine, "governor", text_or_null(governor));
	node_set(machine, "turbo", text_or_null(turbo));
	json_t *range = node_must(json_object());
	json_t *min = number_or_null(first_line(folder + "scaling_min_freq"), 1e-3);
	json_t *max = number_or_null(first_line(folder + "scaling_max_freq"), 1e-3);
	const double min_mhz = json_number_value(min), max_mhz = json_number_value(max);
	node_set(range, "min", min);
	node_set(range, "max", max);
	node_set(machine, "frequency_mhz", range);
	const std::string span = max_mhz > 0 ? text_of(", %.0f to %.0f MHz", min_mhz, max_mhz) : "";
	if (!governor.empty() && governor != "performance" && min_mhz != max_mhz)
		machine_note(
			machine, "The CPUs' frequency is scaled (governor " + governor + span +
					 "): a short window may run at any of these; `cpupower frequency-set -g performance` "
					 "as root keeps it up.");
	if (turbo == "on")
		machine_note(machine,
			"Turbo is on: how fast a CPU runs depends on how many of them work and how warm they are, so "
			"that rows of one thread may run at a higher frequency than rows of many.");
}

static std::string hypervisor()
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 31))
		return "";
	__cpuid(0x40000000, a, b, c, d);
	const unsigned words[3] = {b, c, d};
	char name[sizeof words + 1] = "";
	memcpy(name, words, sizeof words);
	return name[0] ? name : "unknown";
#else
	return first_line("/sys/hypervisor/type");
#endif
}

static void find_clock(json_t *machine, const std::string &root)
{
	const std::string folder = root + "/sys/devices/system/clocksource/clocksource0/";
	node_set(machine, "clock", text_or_null(first_line(folder + "current_clocksource")));
	node_set(machine, "clocks_available", text_or_null(first_line(folder + "available_clocksource")));
}

static void find_quota(json_t *machine, const std::string &root, size_t allowed)
{
	std::ifstream file(root + "/proc/self/cgroup");
	const std::string self((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
	const double quota = host_cpu_quota((root + "/sys/fs/cgroup").c_str(), self.c_str());
	node_set(machine, "quota", quota > 0 ? json_real(quota) : json_null());
	if (quota > 0 && quota < static_cast<double>(allowed))
		machine_note(
			machine, text_of("The control group grants %.2f of %zu CPUs: threads are stopped in turn once that is "
					 "used up, which a row of more threads than that will show.",
					 quota, allowed));
}

void machine_facts(json_t *machine, const std::string &root, const std::vector<int> &cpus)
{
	const bench::machine &here = this_machine();
	node_set(machine, "cpu_model", node_text(here.cpu_model.c_str()));
	node_set(machine, "kernel", node_text(here.kernel.c_str()));
	node_set(machine, "cores", json_integer(here.cores));
	node_set(machine, "allowed", json_integer(static_cast<json_int_t>(cpus.size())));
	node_set(machine, "can_pin", json_boolean(here.can_pin));
	const std::string host = hypervisor();
	node_set(machine, "virtual", json_boolean(!host.empty()));
	node_set(machine, "hypervisor", text_or_null(host));
	if (cpus.size() == 1)
		machine_note(machine,
			"One CPU: threads take turns, every row of two threads or more is oversubscribed, and no line "
			"can travel between CPUs.");
	if (!here.can_pin)
		machine_note(machine,
			"Threads cannot be pinned (sched_setaffinity is refused): the scheduler moves them, and one CPU "
			"cannot be told from another.");
	find_quota(machine, root, cpus.size());
	find_siblings(machine, root, cpus);
	find_caches(machine, root, cpus.front());
	find_nodes(machine, root);
	find_frequency(machine, root, cpus);
	find_clock(machine, root);
	json_t *perf = perf_describe(root);
	if (!json_is_true(json_object_get(perf, "available")))
		machine_note(machine, std::string("perf counters: not available: ") + node_string(perf, "why"));
	node_set(machine, "perf", perf);
}

} // namespace bench
