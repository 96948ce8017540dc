// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "../impl/initialiser/initialiser.h"
#include "bench.h"
#include "floors.h"

namespace bench
{

namespace
{

/* The storm's loader: about STORM_LOAD_NS of real computation, instances out of its own table, so that whatever an implementation
 * loads too often is counted and never lost. Between two storms nobody is inside. */
struct storm_loader {
	enum { TABLE = 1024 };
	struct instance {
		std::atomic<uint64_t> weight{0};
	};
	uint64_t iterations = 0;
	std::atomic<uint64_t> loads{0}; /* of the current storm */
	std::vector<instance> table = std::vector<instance>(TABLE);
	initialiser_loader as_loader = {load, unload, this};

	static void *load(void *arg, int *error)
	{
		storm_loader *self = static_cast<storm_loader *>(arg);
		*error = 0;
		// relaxed: hands out numbers; the storm's end orders the total
		uint64_t number = self->loads.fetch_add(1, std::memory_order_relaxed);
		instance *made = &self->table[number % TABLE];
		// relaxed: publication is the initialiser's business
		made->weight.store(floor_burn(self->iterations) | 1, std::memory_order_relaxed);
		return made;
	}
	static void unload(void *, void *)
	{
	}
};

/* An open initialiser. */
class open_initialiser
{
      public:
	open_initialiser(const initialiser_implementation *how, const initialiser_loader *loader)
	    : how_(how), memory_(how->bytes, how->align), loader_(loader)
	{
		if (int error = how->open(it(), loader))
			throw unmeasurable(std::string("open: ") + std::strerror(error));
	}
	~open_initialiser()
	{
		how_->close(it());
	}
	open_initialiser(const open_initialiser &) = delete;
	open_initialiser &operator=(const open_initialiser &) = delete;
	initialiser *it() const
	{
		return static_cast<initialiser *>(memory_.at(0));
	}
	/* Nothing is loaded again. 0 or an errno value. */
	int rearm()
	{
		how_->close(it());
		return how_->open(it(), loader_);
	}

      private:
	const initialiser_implementation *how_;
	block memory_;
	const initialiser_loader *loader_;
};

/* What one thread of a storm tells the first, on lines of its own. */
struct alignas(128) arrival {
	std::atomic<uint64_t> ready{0}, done{0}; /* storms that this thread stands ready for, has its instance of */
	uint64_t end_ns = 0;                     /* published by `done` */
	bool empty_handed = false;               /* likewise */
};

} // namespace

/* The cost of a get once the instance is there. */
static measurement measure_get(row &self, double seconds, const initialiser_implementation *how)
{
	storm_loader loader;
	open_initialiser opened(how, &loader.as_loader);
	int error = 0;
	if (!how->get(opened.it(), &error))
		throw unmeasurable(std::string("get: ") + std::strerror(error));
	loop loop;
	loop.threads = self.threads;
	loop.seconds = seconds;
	loop.work = [&](unsigned, uint64_t ops) { how->loop_get(opened.it(), ops); };
	loop_result ran = run_loop(loop, &self.chunk);
	return measured(ran);
}

/* Storms, one after the other: all threads stand ready, the first re-arms the initialiser and gives the signal, all call get; a storm
 * lasts from the signal until the last of them has its instance. */
struct storm {
	const initialiser_implementation *how;
	open_initialiser *opened;
	storm_loader *loader;
	std::vector<arrival> arrivals;
	alignas(128) std::atomic<uint64_t> signal{0}; /* the storm that is on; UINT64_MAX: no more */
	std::vector<double> durations_ns;             /* the first thread's */
	uint64_t loads = 0, empty_handed = 0;
	int error = 0; /* of re-arming */

	void get(unsigned thread)
	{
		int failure = 0;
		arrivals[thread].empty_handed = how->get(opened->it(), &failure) == nullptr;
		arrivals[thread].end_ns = now_ns();
	}
	void follow(unsigned thread)
	{
		for (uint64_t number = 1;; number++) {
			arrivals[thread].ready.store(
				number, std::memory_order_release); // release: whatever it did before is over
			uint64_t seen;
			// acquire: pairs with the leader's release; the initialiser is re-armed
			for (unsigned i = 0; (seen = signal.load(std::memory_order_acquire)) < number; i++)
				wait_a_little(i);
			if (seen == UINT64_MAX)
				return;
			get(thread);
			arrivals[thread].done.store(
				number, std::memory_order_release); // release: publishes end_ns and empty_handed
		}
	}
	/* Waits until every follower's FIELD says NUMBER. */
	void gather(std::atomic<uint64_t> arrival::*field, uint64_t number)
	{
		for (size_t t = 1; t < arrivals.size(); t++)
			// acquire: pairs with the follower's release
			for (unsigned i = 0; (arrivals[t].*field).load(std::memory_order_acquire) < number; i++)
				wait_a_little(i);
	}
	void lead(const std::atomic<bool> &stop)
	{
		enum { STORMS_MAX = 1 << 16 };
		durations_ns.reserve(STORMS_MAX);
		for (uint64_t number = 1; number <= STORMS_MAX; number++) {
			gather(&arrival::ready, number);
			if (number > 1 && (error = opened->rearm()) != 0)
				break;
			loader->loads.store(0, std::memory_order_relaxed); // relaxed: the signal publishes it
			uint64_t start = now_ns();
			signal.store(number, std::memory_order_release); // release: pairs with the followers' acquire
			get(0);
			gather(&arrival::done, number);
			uint64_t end = start;
			for (const arrival &each : arrivals) {
				end = std::max(end, each.end_ns);
				empty_handed += each.empty_handed;
			}
			durations_ns.push_back(static_cast<double>(end - start));
			loads += loader->loads.load(std::memory_order_relaxed); // relaxed: gather() ordered it
			if (stop.load(std::memory_order_relaxed))               // relaxed: a flag alone
				break;
		}
		signal.store(UINT64_MAX, std::memory_order_release);
	}
};

static measurement measure_storm(row &self, double seconds, const initialiser_implementation *how)
{
	storm_loader loader;
	loader.iterations = burn_iterations(STORM_LOAD_NS);
	open_initialiser opened(how, &loader.as_loader);
	struct storm storm = {};
	storm.how = how;
	storm.opened = &opened;
	storm.loader = &loader;
	storm.arrivals = std::vector<arrival>(self.threads);
	team team;
	team.threads = self.threads;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) {
		thread == 0 ? storm.lead(stop) : storm.follow(thread);
	};
	team_result ran = run_team(team);
	if (storm.error)
		throw unmeasurable(std::string("open after close: ") + std::strerror(storm.error));

	const uint64_t storms = storm.durations_ns.size();
	const double n = static_cast<double>(storms), extra = static_cast<double>(storm.loads) - n;
	/* The median: one storm that the scheduler cut in two must not outweigh a thousand. */
	/* No CPU time: the team also re-arms and shakes hands between storms. */
	measurement result = measured(ran, median(storm.durations_ns), 0, storms);
	result.counters = {{"extra_loads", extra}, {"longest_ns", largest(storm.durations_ns)}};
	if (storm.empty_handed)
		result.broken = std::to_string(storm.empty_handed) + " gets returned no instance although no load failed";
	else if (storm.loads != storms && (how->about.claims & INITIALISER_EXACTLY_ONCE))
		result.broken = std::to_string(storm.loads) + " loads in " + std::to_string(storms) +
				" storms, though it claims exactly_once";
	return result;
}

void add_initialiser_rows(std::vector<row> &rows, const plan &plan)
{
	for (const struct subject &each : subjects_of(FAMILY_INITIALISER)) {
		const initialiser_implementation *how = reinterpret_cast<const initialiser_implementation *>(each.about);
		const std::string &subject = each.name;
		for (unsigned threads : plan.threads) {
			row get;
			get.name = row_name(subject, "get", threads);
			get.threads = threads;
			get.floor = get.least = row_name("floor/load_branch", "", threads);
			get.measure = [how](row &self, double seconds) { return measure_get(self, seconds, how); };
			rows.push_back(get);
		}
		for (unsigned threads : plan.threads) {
			row storm;
			storm.name = row_name(subject, "storm", threads);
			storm.threads = threads;
			storm.floor = row_name("floor/load_2us", "", 1);
			storm.note = "median time until all threads have what a load of 2 us makes";
			storm.measure = [how](row &self, double seconds) { return measure_storm(self, seconds, how); };
			if (how->loading == LOADER_LINK_TIME)
				storm.skipped = "loads before main: there is no first use to storm";
			else if (!how->rearmable)
				storm.skipped = "cannot be opened again in one process";
			rows.push_back(storm);
		}
	}
}

} // namespace bench
