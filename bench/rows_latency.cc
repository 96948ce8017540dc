// SPDX-License-Identifier: MIT
// Distributions of single operations: how long one increment takes its caller, and how long each thread's first get takes in a storm.
#include <algorithm>
#include <cstring>
#include <memory>

#include "../impl/counter/counter.h"
#include "../impl/initialiser/initialiser.h"
#include "bench.h"
#include "floors.h"
#include "histogram.h"

namespace bench
{

namespace
{

/* Increments of one thread that were given steps without anybody else's in between: how unevenly a lock or a line changes hands. A fair
 * lock gives streaks of 1 while others wait; what the scheduler does to a thread ends in long ones with any. */
struct streaks {
	uint64_t last = 0, length = 0, longest = 0, number = 0, steps = 0;
	void add(uint64_t step)
	{
		const bool goes_on = length && step == last + 1; /* the first one begins a streak, also with step 1 */
		length = goes_on ? length + 1 : 1;
		number += !goes_on;
		longest = std::max(longest, length);
		last = step;
		steps++;
	}
};

/* What one thread saw, on lines of its own. */
struct alignas(128) record {
	histogram seen;
	struct streaks streaks;
	uint64_t late = 0; /* gets that came when the load was over */
};

} // namespace

/* The slowest thread's operations over the mean thread's, as in other rows. */
static void add_shares(measurement &made, const std::vector<record> &records)
{
	if (records.size() < 2 || made.ops == 0)
		return;
	uint64_t slowest = UINT64_MAX;
	for (const record &each : records)
		slowest = std::min(slowest, each.seen.count());
	const double mean = static_cast<double>(made.ops) / static_cast<double>(records.size());
	made.counters.emplace_back("slowest_share", static_cast<double>(slowest) / mean);
}

/* What a distribution's row is made of, from the threads' own. */
static measurement measured(const team_result &ran, const std::vector<record> &records, double cpu_ns)
{
	histogram all;
	for (const record &each : records)
		all.merge(each.seen);
	const uint64_t ops = all.count();
	const buckets filled = all.filled();
	measurement made = measured(ran, smooth_median(filled), ops ? cpu_ns / static_cast<double>(ops) : 0, ops);
	made.counters = percentile_counters(all);
	made.buckets = filled;
	return made;
}

/* What one reading of the clock and one recording take, in ns: the least that any of these rows can show. */
static double clock_ns()
{
	static const double cost = [] {
		histogram seen;
		uint64_t last = now_ns();
		for (int i = 0; i < 20000; i++) {
			const uint64_t now = now_ns();
			seen.record(now - last);
			last = now;
		}
		return smooth_median(seen.filled());
	}();
	return cost;
}

static void take_seats(const counter_implementation *how, counter *it, const block &seats, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++)
		if (int error = how->join(it, static_cast<counter_seat *>(seats.at(i)))) {
			while (i-- > 0)
				how->leave(it, static_cast<counter_seat *>(seats.at(i)));
			how->close(it);
			throw unmeasurable(std::string("join: ") + std::strerror(error));
		}
}

/* One thread's window: the reading of the clock that ends an operation begins the next, so that nothing is left out between two. */
template <typename Operation> static void time_each(record &mine, const std::atomic<bool> &stop, Operation operation)
{
	uint64_t last = now_ns();
	do {
		operation();
		const uint64_t now = now_ns();
		mine.seen.record(now - last);
		last = now;
	} while (!stop.load(std::memory_order_relaxed)); // relaxed: a flag alone
}

/* The same loop without an increment: the clock, and what the scheduler does to threads whatever they call. */
static measurement measure_nothing(row &self, double seconds)
{
	std::vector<record> records(self.threads);
	team team;
	team.threads = self.threads;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) { time_each(records[thread], stop, [] {}); };
	const team_result ran = run_team(team);
	return measured(ran, records, ran.cpu_ns);
}

static void add_streaks(measurement &result, const std::vector<record> &records)
{
	streaks sum;
	for (const record &each : records) {
		sum.steps += each.streaks.steps;
		sum.number += each.streaks.number;
		sum.longest = std::max(sum.longest, each.streaks.longest);
	}
	result.counters.emplace_back("mean_streak", static_cast<double>(sum.steps) / static_cast<double>(sum.number));
	result.counters.emplace_back("longest_streak", static_cast<double>(sum.longest));
}

static measurement measure_increment(row &self, double seconds, const counter_implementation *how)
{
	block memory(how->counter_bytes, how->counter_align), seats(how->seat_bytes, how->seat_align, self.threads);
	counter *it = static_cast<counter *>(memory.at(0));
	if (int error = how->open(it))
		throw unmeasurable(std::string("open: ") + std::strerror(error));
	take_seats(how, it, seats, self.threads);
	std::vector<record> records(self.threads);
	team team;
	team.threads = self.threads;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) {
		counter_seat *seat = static_cast<counter_seat *>(seats.at(thread));
		record &mine = records[thread];
		if (how->steps)
			time_each(mine, stop, [&] { mine.streaks.add(how->increment(it, seat)); });
		else
			time_each(mine, stop, [&] { how->increment(it, seat); });
	};
	team.after = [&](unsigned thread) { how->leave(it, static_cast<counter_seat *>(seats.at(thread))); };
	const team_result ran = run_team(team);

	measurement result = measured(ran, records, ran.cpu_ns);
	add_shares(result, records);
	/* Every thread has ended: the counter is at rest. */
	const int64_t lost = static_cast<int64_t>(result.ops - how->value(it));
	how->close(it);
	result.counters.emplace_back("clock_ns", clock_ns());
	result.counters.emplace_back("lost", static_cast<double>(lost));
	if (how->steps && self.threads > 1 && (how->about.claims & COUNTER_UNIQUE_STEPS))
		add_streaks(result, records);
	if (lost != 0 && (how->about.claims & COUNTER_NO_LOST_UPDATE))
		result.broken = (lost > 0 ? "lost " + std::to_string(lost) : "counted " + std::to_string(-lost) + " too many") +
				" of " + std::to_string(result.ops) + " increments, though it claims no_lost_update";
	return result;
}

namespace
{

/* A loader of about STORM_LOAD_NS of real computation that notes when the first load of a storm was over. */
struct timed_loader {
	uint64_t iterations = burn_iterations(STORM_LOAD_NS);
	std::atomic<uint64_t> loads{0}, over_ns{0}; /* of the current storm; 0: not yet */
	std::atomic<uint64_t> instances[64] = {};
	initialiser_loader as_loader = {load, unload, this};

	static void *load(void *arg, int *error)
	{
		timed_loader *self = static_cast<timed_loader *>(arg);
		*error = 0;
		// relaxed: hands out numbers; the storm's end orders the total
		const uint64_t number = self->loads.fetch_add(1, std::memory_order_relaxed);
		std::atomic<uint64_t> *made = &self->instances[number % (sizeof self->instances / sizeof *self->instances)];
		// relaxed: publication is the initialiser's business
		made->store(floor_burn(self->iterations) | 1, std::memory_order_relaxed);
		uint64_t none = 0;
		// relaxed: read when the storm is over
		self->over_ns.compare_exchange_strong(none, now_ns(), std::memory_order_relaxed);
		return made;
	}
	static void unload(void *, void *)
	{
	}
};

/* Storms, one after the other: the threads gather, the first re-arms the initialiser and gives the signal, and each times its own get. */
struct first_uses {
	const initialiser_implementation *how;
	initialiser *it;
	timed_loader loader;
	std::vector<record> records;
	unsigned threads;
	alignas(128) std::atomic<uint64_t> signal{0}; /* the storm that is on; UINT64_MAX: no more */
	alignas(128) std::atomic<uint64_t> arrived{
		0};                     /* threads that have ended their storms, over all storms; all but the first */
	uint64_t storms = 0, loads = 0; /* the first thread's */
	std::atomic<uint64_t> empty_handed{0};
	int error = 0; /* of re-arming */

	first_uses(const initialiser_implementation *family, initialiser *memory, unsigned team)
	    : how(family), it(memory), records(team), threads(team)
	{
	}

	struct timing {
		uint64_t begin, end;
	};
	timing get()
	{
		int failure = 0;
		const uint64_t begin = now_ns();
		const void *instance = how->get(it, &failure);
		const uint64_t end = now_ns();
		if (!instance)
			empty_handed.fetch_add(1, std::memory_order_relaxed); // relaxed: read after the join
		return {begin, end};
	}
	/* Before this thread has arrived, or in the first thread: nobody re-arms meanwhile. */
	void note(unsigned thread, timing mine)
	{
		// relaxed: a get that returned an instance comes after its load; a race that breaks this shows 0 at worst
		const uint64_t over = loader.over_ns.load(std::memory_order_relaxed);
		if (over == 0 || mine.begin < over)
			records[thread].seen.record(mine.end - mine.begin);
		else
			records[thread].late++;
	}
	void follow(unsigned thread)
	{
		for (uint64_t number = 1;; number++) {
			uint64_t seen;
			// acquire: pairs with the leader's release; the initialiser is re-armed
			for (unsigned i = 0; (seen = signal.load(std::memory_order_acquire)) < number; i++)
				wait_a_little(i);
			if (seen == UINT64_MAX)
				return;
			note(thread, get());
			// release: pairs with the leader's acquire; this thread is outside
			arrived.fetch_add(1, std::memory_order_release);
		}
	}
	void lead(const std::atomic<bool> &stop)
	{
		do {
			if (storms > 0) {
				how->close(it);
				if ((error = how->open(it, &loader.as_loader)) != 0)
					break;
			}
			// relaxed, both: the signal publishes them
			loader.loads.store(0, std::memory_order_relaxed);
			loader.over_ns.store(0, std::memory_order_relaxed);
			signal.store(++storms, std::memory_order_release); // release: pairs with the followers' acquire
			const timing mine = get();
			// acquire: pairs with the followers' release
			for (unsigned i = 0; arrived.load(std::memory_order_acquire) < storms * (threads - 1); i++)
				wait_a_little(i);
			note(0, mine);
			loads += loader.loads.load(std::memory_order_relaxed); // relaxed: the wait above ordered it
		} while (!stop.load(std::memory_order_relaxed));               // relaxed: a flag alone
		signal.store(UINT64_MAX, std::memory_order_release);
	}
};

} // namespace

/* What the threads of a storm saw. No CPU time: the team also re-arms and gathers. */
static measurement judged(first_uses &uses, const team_result &ran)
{
	measurement result = measured(ran, uses.records, 0);
	uint64_t late = 0;
	for (const record &each : uses.records)
		late += each.late;
	const uint64_t gets = result.ops + late;
	result.counters.emplace_back("clock_ns", clock_ns());
	result.counters.emplace_back("late_share", static_cast<double>(late) / static_cast<double>(gets));
	result.counters.emplace_back("extra_loads", static_cast<double>(uses.loads) - static_cast<double>(uses.storms));
	if (gets != uses.storms * uses.threads)
		throw std::logic_error(
			"first use: " + std::to_string(gets) + " gets in " + std::to_string(uses.storms) + " storms");
	// relaxed: every thread was joined
	if (uint64_t empty = uses.empty_handed.load(std::memory_order_relaxed))
		result.broken = std::to_string(empty) + " gets returned no instance although no load failed";
	else if (uses.loads != uses.storms && (uses.how->about.claims & INITIALISER_EXACTLY_ONCE))
		result.broken = std::to_string(uses.loads) + " loads in " + std::to_string(uses.storms) +
				" storms, though it claims exactly_once";
	return result;
}

static measurement measure_first_use(row &self, double seconds, const initialiser_implementation *how)
{
	block memory(how->bytes, how->align);
	initialiser *it = static_cast<initialiser *>(memory.at(0));
	first_uses uses(how, it, self.threads);
	if (int error = how->open(it, &uses.loader.as_loader))
		throw unmeasurable(std::string("open: ") + std::strerror(error));
	team team;
	team.threads = self.threads;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) { thread == 0 ? uses.lead(stop) : uses.follow(thread); };
	const team_result ran = run_team(team);
	if (uses.error)
		throw unmeasurable(std::string("open after close: ") + std::strerror(uses.error));
	how->close(it);
	return judged(uses, ran);
}

/* Those that a reader of a short run needs: the bug, the usual cures and the winners. */
static bool of_the_few(const std::string &subject)
{
	static const char *const few[] = {"counter/naive", "counter/mutex", "counter/spinlock", "counter/atomic", "counter/tally",
		"initialiser/naive", "initialiser/mutex", "initialiser/atomic", "initialiser/pthread_once", "initialiser/once"};
	return std::find(std::begin(few), std::end(few), subject) != std::end(few);
}

/* Distributions are asked of a thread per core, and of four per core: then a lock's holder loses its CPU now and then. */
static enum tier tier_of(const std::string &subject, unsigned threads)
{
	const unsigned cores = this_machine().cores;
	if (threads != cores && threads != 4 * cores)
		return TIER_FULL;
	return of_the_few(subject) ? TIER_QUICK : TIER_DEFAULT;
}

static row latency_row(const std::string &subject, const char *operation, unsigned threads)
{
	row made;
	made.name = row_name(subject, operation, threads);
	made.threads = threads;
	made.tier = tier_of(subject, threads);
	return made;
}

void add_latency_rows(std::vector<row> &rows, const plan &plan)
{
	for (unsigned threads : plan.threads) {
		row made = latency_row("floor/nothing", "increment_latency", threads);
		made.tier = std::min(made.tier, tier_of("counter/naive", threads));
		made.note = "the clock and the scheduler alone";
		made.measure = measure_nothing;
		rows.push_back(made);
	}
	for (const struct subject &each : subjects_of(FAMILY_INITIALISER))
		for (unsigned threads : plan.threads) {
			const initialiser_implementation *how = reinterpret_cast<const initialiser_implementation *>(each.about);
			row made = latency_row(each.name, "first_use", threads);
			made.floor = row_name("floor/load_2us", "", 1);
			made.note = "median of the gets that began before the load of 2 us was over";
			made.measure = [how](row &self, double seconds) { return measure_first_use(self, seconds, how); };
			if (!each.missing.empty())
				made.skipped = each.missing;
			else if (how->loading == LOADER_LINK_TIME)
				made.skipped = "loads before main: there is no first use to time";
			else if (!how->rearmable)
				made.skipped = "cannot be opened again in one process";
			rows.push_back(made);
		}
	for (const struct subject &each : subjects_of(FAMILY_COUNTER))
		for (unsigned threads : plan.threads) {
			const counter_implementation *how = reinterpret_cast<const counter_implementation *>(each.about);
			row made = latency_row(each.name, "increment_latency", threads);
			made.floor = row_name("floor/nothing", "increment_latency", threads);
			made.note = "median of single increments, one reading of the clock in each; maxima have the thread's own "
				    "loss of its CPU";
			made.measure = [how](row &self, double seconds) { return measure_increment(self, seconds, how); };
			if (!each.missing.empty())
				made.skipped = each.missing;
			rows.push_back(made);
		}
}

} // namespace bench
