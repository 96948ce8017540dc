/* SPDX-License-Identifier: MIT */
/* The processor's own counters around a measured window, where the machine has them and lets us. */
#ifndef ONCEPROOF_BENCH_PERF_H
#define ONCEPROOF_BENCH_PERF_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <jansson.h>

namespace bench
{

/* One countable event: perf_event_open's type and config. */
struct perf_event {
	const char *name; /* "cycles" */
	uint32_t type;
	uint64_t config;
};

/* cycles, instructions, cache_misses (of the last level, as the processor defines it). */
const std::vector<perf_event> &perf_hardware();
/* context_switches, page_faults, migrations: the kernel's own, which need no counters of the processor. */
const std::vector<perf_event> &perf_software();

/* Events of the calling thread, in user space alone, opened as one group so that they are counted over the same time. All calls of one
 * object from one thread. */
class perf_group
{
      public:
	explicit perf_group(const std::vector<perf_event> &events);
	~perf_group();
	perf_group(const perf_group &) = delete;
	perf_group &operator=(const perf_group &) = delete;

	bool open() const
	{
		return !files_.empty();
	}
	int error() const /* errno of the first refusal; 0 when open */
	{
		return error_;
	}

	/* From now on. */
	void start();
	/* Since start(), one number per event; scaled up where the kernel had to share the counters with others. Empty when not open, or when
	 * they never ran. */
	std::vector<double> stop();

      private:
	struct reading {
		uint64_t enabled = 0, running = 0;
		std::vector<uint64_t> values;
	};
	bool read_all(reading &into) const;
	std::vector<int> files_; /* the first is the group's leader */
	reading from_;
	int error_ = 0;
};

/* Can hardware events be counted here? Found out once, by counting. */
bool perf_available();

/* What windows count: perf_hardware() where it is available, else nothing; or what perf_count chose. Choose before windows run. */
const std::vector<perf_event> &perf_counted();
void perf_count(const std::vector<perf_event> &events);

/* {available, why (null when available), events[] names}. Reads perf_event_paranoid below ROOT. A new object. */
json_t *perf_describe(const std::string &root);

/* Why ERROR came of perf_event_open, in a phrase; PARANOID is the text of kernel.perf_event_paranoid. */
std::string perf_why(int error, const std::string &paranoid);

} // namespace bench
#endif
