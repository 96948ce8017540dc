// SPDX-License-Identifier: MIT
#include "perf.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
#include "../reports/node.h"
}
#include "machine_loops.h"

namespace bench
{

const std::vector<perf_event> &perf_hardware()
{
	static const std::vector<perf_event> events = {{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
		{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
		{"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES}};
	return events;
}

const std::vector<perf_event> &perf_software()
{
	static const std::vector<perf_event> events = {{"context_switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
		{"page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
		{"migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS}};
	return events;
}

/* A descriptor, or -1 with errno set. Of the calling thread on any CPU; a switch happens in the kernel, so software events look there. */
static int open_event(const perf_event &event, int leader)
{
	perf_event_attr attributes = {};
	attributes.size = sizeof attributes;
	attributes.type = event.type;
	attributes.config = event.config;
	attributes.exclude_kernel = event.type != PERF_TYPE_SOFTWARE; /* what an unprivileged user may count */
	attributes.exclude_hv = 1;
	attributes.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	long file = syscall(SYS_perf_event_open, &attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
	if (file < 0 && event.type == PERF_TYPE_SOFTWARE && (errno == EACCES || errno == EPERM)) {
		attributes.exclude_kernel = 1;
		file = syscall(SYS_perf_event_open, &attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
	}
	return static_cast<int>(file);
}

perf_group::perf_group(const std::vector<perf_event> &events)
{
	for (const perf_event &event : events) {
		int file = open_event(event, files_.empty() ? -1 : files_.front());
		if (file >= 0) {
			files_.push_back(file);
			continue;
		}
		error_ = errno;
		for (int opened : files_)
			close(opened);
		files_.clear();
		return;
	}
}

perf_group::~perf_group()
{
	for (int file : files_)
		close(file);
}

bool perf_group::read_all(reading &into) const
{
	/* As PERF_FORMAT_GROUP writes it: how many, time enabled, time running, then the values. */
	std::vector<uint64_t> words(3 + files_.size());
	const ssize_t bytes = static_cast<ssize_t>(words.size() * sizeof(uint64_t));
	if (files_.empty() || read(files_.front(), words.data(), static_cast<size_t>(bytes)) != bytes ||
		words[0] != files_.size())
		return false;
	into.enabled = words[1];
	into.running = words[2];
	into.values.assign(words.begin() + 3, words.end());
	return true;
}

void perf_group::start()
{
	if (!read_all(from_))
		from_.values.clear();
}

std::vector<double> perf_group::stop()
{
	reading to;
	if (from_.values.empty() || !read_all(to) || to.running == from_.running)
		return {};
	const double share = static_cast<double>(to.running - from_.running) / static_cast<double>(to.enabled - from_.enabled);
	std::vector<double> counts;
	for (size_t i = 0; i < to.values.size(); i++)
		counts.push_back(static_cast<double>(to.values[i] - from_.values[i]) / share);
	return counts;
}

/* Some virtual machines open counters that stand still, so a known number of instructions is counted. An errno value; EIO: they do. */
static int try_hardware()
{
	constexpr unsigned ADDITIONS = 1 << 16;
	perf_group group(perf_hardware());
	if (!group.open())
		return group.error();
	group.start();
	machine_loop_add(ADDITIONS);
	std::vector<double> counts = group.stop();
	return counts.size() < 2 || counts[0] < ADDITIONS / 8.0 || counts[1] < ADDITIONS ? EIO : 0;
}

static int hardware_error()
{
	static const int error = try_hardware();
	return error;
}

bool perf_available()
{
	return hardware_error() == 0;
}

static std::vector<perf_event> &counted()
{
	static std::vector<perf_event> events = perf_available() ? perf_hardware() : std::vector<perf_event>();
	return events;
}

const std::vector<perf_event> &perf_counted()
{
	return counted();
}

void perf_count(const std::vector<perf_event> &events)
{
	counted() = events;
}

std::string perf_why(int error, const std::string &paranoid)
{
	switch (error) {
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		return std::string("the processor's counters are not visible here, as in most virtual machines (") +
		       strerror(error) + ")";
	case EACCES:
	case EPERM:
		if (!paranoid.empty() && atoi(paranoid.c_str()) > 2)
			return "kernel.perf_event_paranoid is " + paranoid +
			       "; `sysctl kernel.perf_event_paranoid=2` as root allows them";
		return std::string("perf_event_open is refused, as in most containers (") + strerror(error) + ")";
	case ENOSYS:
		return "this kernel has no perf_event_open, or a filter of system calls hides it";
	case EIO:
		return "the counters can be opened, but stand still";
	default:
		return strerror(error);
	}
}

json_t *perf_describe(const std::string &root)
{
	std::ifstream file(root + "/proc/sys/kernel/perf_event_paranoid");
	std::string paranoid;
	std::getline(file, paranoid);
	json_t *about = node_must(json_object()), *names = node_must(json_array());
	const int error = hardware_error();
	node_set(about, "available", json_boolean(error == 0));
	node_set(about, "why", error ? node_text(perf_why(error, paranoid).c_str()) : json_null());
	for (const perf_event &event : perf_hardware())
		if (error == 0)
			node_append(names, node_text(event.name));
	node_set(about, "events", names);
	return about;
}

} // namespace bench
