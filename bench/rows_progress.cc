// SPDX-License-Identifier: MIT
#include <cstring>

#include "../impl/progress/progress.h"
#include "bench.h"

namespace bench
{

namespace
{

/* The cheapest front end, and a counter of its own that gives steps: what is compared is the way between the two. */
struct alignas(128) front_end {
	std::atomic<uint64_t> shown{0};
	alignas(128) std::atomic<uint64_t> counted{0};

	static void tell(void *arg, uint64_t done, uint64_t)
	{
		// relaxed: kept for nobody; several threads may tell at once
		static_cast<front_end *>(arg)->shown.store(done, std::memory_order_relaxed);
	}
	static uint64_t increment(void *arg)
	{
		// relaxed: as in counter/atomic
		return static_cast<front_end *>(arg)->counted.fetch_add(1, std::memory_order_relaxed) + 1;
	}
	static uint64_t value(void *arg)
	{
		return static_cast<front_end *>(arg)->counted.load(std::memory_order_relaxed); // relaxed: as in counter/atomic
	}
};

} // namespace

static measurement measure_step(row &self, double seconds, const progress_implementation *how)
{
	front_end front;
	const progress_sink sink = {front_end::tell, &front};
	const progress_source source = {front_end::increment, front_end::value, &front};
	block memory(how->bytes, how->align);
	progress *it = static_cast<progress *>(memory.at(0));
	if (int error = how->open(it, &sink, UINT64_MAX))
		throw unmeasurable(std::string("open: ") + std::strerror(error));
	loop loop;
	loop.threads = self.threads;
	loop.seconds = seconds;
	loop.work = [&](unsigned, uint64_t ops) { how->loop_step(it, &source, ops); };
	/* The front end's turn, at the pace of the pipeline's. */
	loop.companion = [&] { how->poll(it, &source); };
	loop.companion_us = 1000;
	loop_result ran = run_loop(loop, &self.chunk);
	how->finish(it, &source);
	how->close(it);
	measurement result = measured(ran);
	const uint64_t counted = front.counted.load(std::memory_order_relaxed); // relaxed: every thread has been joined
	if (counted != ran.ops)
		result.broken = "counted " + std::to_string(counted) + " in " + std::to_string(ran.ops) + " steps";
	return result;
}

void add_progress_rows(std::vector<row> &rows, const plan &plan)
{
	for (const struct subject &each : subjects_of(FAMILY_PROGRESS)) {
		const progress_implementation *how = reinterpret_cast<const progress_implementation *>(each.about);
		for (unsigned threads : plan.threads) {
			row made;
			made.name = row_name(each.name, "step", threads);
			made.threads = threads;
			made.floor = row_name("floor/lock_xadd", "", threads);
			made.note = "counts by fetch_add; telling costs a store; the front end looks every ms";
			made.measure = [how](row &self, double seconds) { return measure_step(self, seconds, how); };
			rows.push_back(made);
		}
	}
}

} // namespace bench
