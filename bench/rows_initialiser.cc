// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../impl/initialiser/initialiser.h"
#include "bench.h"
#include "floors.h"

namespace bench
{

namespace
{

/* The storm's loader: real computation, instances out of its own table, so that whatever an implementation
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

static measurement measure_storm(row &self, double seconds, const initialiser_implementation *how, double load_ns)
{
	storm_loader loader;
	loader.iterations = burn_iterations(load_ns);
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

/* CPU time of the calling thread. Reading it is a system call: what two readings in a row differ by is taken off. */
static double thread_cpu_ns()
{
	timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

static double thread_cpu_reading_ns()
{
	static const double reading_ns = [] {
		std::vector<double> differences(101);
		for (double &each : differences) {
			const double before = thread_cpu_ns();
			each = thread_cpu_ns() - before;
		}
		return median(differences);
	}();
	return reading_ns;
}

/* The CPU time that one sleep in the kernel and the wake-up from it take of the sleeper: a thread of its own sleeps on a word, and is woken
 * when it has slept for a while. */
static double sleep_and_wake_cpu_ns()
{
	static const double cpu_ns = [] {
		enum { SLEEPS = 101, WHILE_NS = 50000 };
		alignas(128) static uint32_t word;
		alignas(128) static std::atomic<uint32_t> going;
		std::vector<double> each;
		team team;
		team.threads = 2;
		team.seconds = 10;
		team.body = [&](unsigned thread, const std::atomic<bool> &) {
			for (uint32_t number = 1; number <= SLEEPS; number++) {
				if (thread == 0) {
					// relaxed, here and below: only a handshake
					for (unsigned i = 0; going.load(std::memory_order_relaxed) < number; i++)
						wait_a_little(i);
					floor_burn(burn_iterations(WHILE_NS));
					__atomic_store_n(&word, number, __ATOMIC_RELAXED);
					syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
					continue;
				}
				const double before = thread_cpu_ns();
				going.store(number, std::memory_order_relaxed);
				while (__atomic_load_n(&word, __ATOMIC_RELAXED) < number)
					syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, number - 1, nullptr, nullptr, 0);
				each.push_back(thread_cpu_ns() - before - thread_cpu_reading_ns());
			}
		};
		thread_cpu_reading_ns();
		run_team(team);
		return median(each);
	}();
	return cpu_ns;
}

/* Stands for the times of a thread that came when the load was over, and so did not wait: as where both share a CPU. */
static const double LATE = -INFINITY;

/* Waits: the first thread loads; the others come while it does, and tell what CPU time their get took. */
struct waiting {
	const initialiser_implementation *how;
	uint64_t iterations;
	initialiser_loader loader = {load, unload, this};
	alignas(128) std::atomic<uint64_t> begun{0};              /* the load that is under way; UINT64_MAX: no more */
	alignas(128) std::atomic<uint64_t> over{0};               /* the load that ended last */
	alignas(128) std::atomic<uint64_t> number{0}, load_ns{0}; /* the round, and what its load took */
	alignas(128) std::atomic<uint64_t> ready{0}, done{0};     /* of all rounds together */
	open_initialiser *opened = nullptr;
	std::vector<double> loads_ns;                     /* of each round */
	std::vector<std::vector<double>> cpu_ns, wall_ns; /* of each of the others */
	int error = 0;                                    /* of re-arming */

	waiting(const initialiser_implementation *which, double planned_ns, unsigned threads)
	    : how(which), iterations(burn_iterations(planned_ns)), cpu_ns(threads), wall_ns(threads)
	{
	}
	static void *load(void *arg, int *error)
	{
		waiting *self = static_cast<waiting *>(arg);
		*error = 0;
		// relaxed: the thread that leads wrote it; another that loads, too, came by `begun`
		const uint64_t round = self->number.load(std::memory_order_relaxed);
		// release: pairs with the others' acquire; the initialiser is re-armed
		self->begun.store(round, std::memory_order_release);
		const uint64_t start = now_ns();
		floor_burn(self->iterations);
		// relaxed: whichever load ends last; read by the thread that leads, when all are done
		self->load_ns.store(now_ns() - start, std::memory_order_relaxed);
		self->over.store(round, std::memory_order_relaxed); // relaxed: a number alone
		return self;
	}
	static void unload(void *, void *)
	{
	}
	void lead(const std::atomic<bool> &stop)
	{
		enum { ROUNDS_MAX = 1 << 14 };
		const uint64_t others = cpu_ns.size() - 1;
		for (uint64_t round = 1; round <= ROUNDS_MAX; round++) {
			// acquire, here and below: pairs with the others' release
			for (unsigned i = 0; ready.load(std::memory_order_acquire) < round * others; i++)
				wait_a_little(i);
			if (round > 1 && (error = opened->rearm()) != 0)
				break;
			number.store(round, std::memory_order_relaxed); // relaxed: published by `begun`
			int failure;
			how->get(opened->it(), &failure);
			for (unsigned i = 0; done.load(std::memory_order_acquire) < round * others; i++)
				wait_a_little(i);
			loads_ns.push_back(static_cast<double>(load_ns.load(std::memory_order_relaxed)));
			if (stop.load(std::memory_order_relaxed)) // relaxed: a flag alone
				break;
		}
		begun.store(UINT64_MAX, std::memory_order_release);
	}
	void follow(unsigned thread)
	{
		for (uint64_t round = 1;; round++) {
			ready.fetch_add(1, std::memory_order_release); // release: pairs with the leader's acquire
			uint64_t seen;
			// acquire: pairs with the release in load(), or at the end
			for (unsigned i = 0; (seen = begun.load(std::memory_order_acquire)) < round; i++)
				wait_a_little(i);
			if (seen == UINT64_MAX)
				return;
			const double cpu = thread_cpu_ns();
			const uint64_t start = now_ns();
			const bool late = over.load(std::memory_order_relaxed) >= round; // relaxed: a number alone
			int failure;
			how->get(opened->it(), &failure);
			const double wall = static_cast<double>(now_ns() - start);
			wall_ns[thread].push_back(late ? LATE : wall);
			cpu_ns[thread].push_back(late ? LATE : thread_cpu_ns() - cpu - thread_cpu_reading_ns());
			done.fetch_add(1, std::memory_order_release); // release: pairs with the leader's acquire
		}
	}
};

/* Of each round that had a waiter the one that took most. */
static std::vector<double> dearest(const std::vector<std::vector<double>> &threads)
{
	std::vector<double> most = threads.at(1);
	for (const std::vector<double> &each : threads)
		for (size_t i = 0; i < std::min(most.size(), each.size()); i++)
			most[i] = std::max(most[i], each[i]);
	most.erase(std::remove(most.begin(), most.end(), LATE), most.end());
	return most;
}

static measurement measure_waiter(row &self, double seconds, const initialiser_implementation *how, double load_ns)
{
	const double wake_ns = sleep_and_wake_cpu_ns();
	waiting waiting(how, load_ns, self.threads);
	open_initialiser opened(how, &waiting.loader);
	waiting.opened = &opened;
	team team;
	team.threads = self.threads;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) {
		thread == 0 ? waiting.lead(stop) : waiting.follow(thread);
	};
	team_result ran = run_team(team);
	if (waiting.error)
		throw unmeasurable(std::string("open after close: ") + std::strerror(waiting.error));
	const std::vector<double> cpu = dearest(waiting.cpu_ns);
	if (cpu.empty())
		throw unmeasurable("no thread came while a load was under way");
	const double load = median(waiting.loads_ns), rounds = static_cast<double>(waiting.loads_ns.size());
	measurement result = measured(ran, median(dearest(waiting.wall_ns)), median(cpu), cpu.size());
	/* What it may take: as much as the load itself, and one sleep with its wake-up. */
	result.counters = {{"load_ns", load}, {"sleep_wake_cpu_ns", wake_ns}, {"longest_cpu_ns", largest(cpu)},
		{"late_share", 1 - static_cast<double>(cpu.size()) / rounds}, {"overhead", median(cpu) / (load + wake_ns) - 1}};
	return result;
}

/* Why its first use cannot be measured again and again; "": it can. */
static const char *no_storms(const initialiser_implementation *how)
{
	if (how->loading == LOADER_LINK_TIME)
		return "loads before main: there is no first use to storm";
	return how->rearmable ? "" : "cannot be opened again in one process";
}

/* The plan of a row about loads other than the usual one: what this project promises is in the default plan, and of everybody a few. */
static enum tier further_tier(const row &row, bool of_all)
{
	const std::vector<std::string> goals = goal_rows({});
	const bool promised = std::find(goals.begin(), goals.end(), row.name) != goals.end();
	return promised || (of_all && row.threads == 2) ? TIER_DEFAULT : TIER_FULL;
}

static row storm_row(const std::string &subject, const initialiser_implementation *how, const storm_load &load, unsigned threads)
{
	row made;
	made.name = row_name(subject, std::string("storm") + load.suffix, threads);
	made.threads = threads;
	made.floor = row_name(std::string("floor/") + load.floor, "", 1);
	made.note = std::string("median time until all threads have what a load of ") + load.told + " makes";
	made.skipped = no_storms(how);
	if (*load.suffix)
		made.tier = further_tier(made, load.ns == 500 || load.ns == 20e3 || load.ns == 1e6);
	made.measure = [how, ns = load.ns](row &self, double seconds) { return measure_storm(self, seconds, how, ns); };
	return made;
}

static row waiter_row(const std::string &subject, const initialiser_implementation *how, const storm_load &load, unsigned threads)
{
	row made;
	made.name = row_name(subject, std::string("waiter") + load.suffix, threads);
	made.threads = threads;
	made.floor = row_name(std::string("floor/") + load.floor, "", 1);
	made.note = std::string("of a thread that comes while a load of ") + load.told + " is under way";
	made.skipped = no_storms(how);
	if (this_machine().cores < 2)
		made.skipped = "needs two cores";
	made.tier = further_tier(made, load.ns == 100e3);
	made.measure = [how, ns = load.ns](row &self, double seconds) { return measure_waiter(self, seconds, how, ns); };
	return made;
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
		for (const storm_load &load : storm_loads)
			for (unsigned threads : plan.threads) {
				/* Of further loads no more than what is told apart: threads that can run at once. */
				const bool together = threads > 1 && threads <= std::max(2u, this_machine().cores);
				if (together || !*load.suffix)
					rows.push_back(storm_row(subject, how, load, threads));
				if (together)
					rows.push_back(waiter_row(subject, how, load, threads));
			}
	}
}

} // namespace bench
