// SPDX-License-Identifier: MIT
#include <cstring>

#include "../impl/counter/counter.h"
#include "bench.h"

namespace bench
{

namespace
{

/* An open counter with its seats, joined. */
class open_counter
{
      public:
	open_counter(const counter_implementation *how, unsigned seats)
	    : how_(how), counter_(how->counter_bytes, how->counter_align), seats_(how->seat_bytes, how->seat_align, seats)
	{
		if (int error = how->open(it()))
			throw unmeasurable(std::string("open: ") + std::strerror(error));
		for (unsigned i = 0; i < seats; i++)
			if (int error = how->join(it(), seat(i))) {
				while (i-- > 0)
					how->leave(it(), seat(i));
				how->close(it());
				throw unmeasurable(std::string("join: ") + std::strerror(error));
			}
	}
	~open_counter()
	{
		how_->close(it());
	}
	open_counter(const open_counter &) = delete;
	open_counter &operator=(const open_counter &) = delete;
	counter *it() const
	{
		return static_cast<counter *>(counter_.at(0));
	}
	counter_seat *seat(unsigned i) const
	{
		return static_cast<counter_seat *>(seats_.at(i));
	}

      private:
	const counter_implementation *how_;
	block counter_, seats_;
};

} // namespace

/* What a window of increments showed: OPS were made, and each happened before this. */
static measurement judged(const loop_result &ran, uint64_t ops, const counter_implementation *how, uint64_t value)
{
	const int64_t lost = static_cast<int64_t>(ops - value);
	measurement result = measured(ran);
	result.counters.emplace_back("lost", static_cast<double>(lost));
	if (lost != 0 && (how->about.claims & COUNTER_NO_LOST_UPDATE))
		result.broken = (lost > 0 ? "lost " + std::to_string(lost) : "counted " + std::to_string(-lost) + " too many") +
				" of " + std::to_string(ops) + " increments, though it claims no_lost_update";
	return result;
}

using increment_loop = void (*)(struct counter *, counter_seat *, uint64_t);

/* POLL_US: how often a companion reads the value meanwhile; 0: not at all. */
static measurement measure_increment(
	row &self, double seconds, const counter_implementation *how, increment_loop increments, unsigned poll_us)
{
	open_counter counter(how, self.threads);
	loop loop;
	loop.threads = self.threads;
	loop.seconds = seconds;
	loop.work = [&](unsigned thread, uint64_t ops) { increments(counter.it(), counter.seat(thread), ops); };
	loop.after = [&](unsigned thread) { how->leave(counter.it(), counter.seat(thread)); };
	std::atomic<uint64_t> seen{0};
	if (poll_us) {
		loop.companion = [&] {
			seen.store(how->value(counter.it()), std::memory_order_relaxed); // relaxed: kept alive only
		};
		loop.companion_us = poll_us;
	}
	loop_result ran = run_loop(loop, &self.chunk);
	return judged(ran, ran.ops, how, how->value(counter.it()));
}

/* Each thread reads the value after every hundredth increment of its own. What a chunk has beyond full hundreds is left to the next. */
static measurement measure_read_every_100(row &self, double seconds, const counter_implementation *how)
{
	struct alignas(128) debt {
		uint64_t ops = 0;
	};
	std::vector<debt> debts(self.threads);
	open_counter counter(how, self.threads);
	loop loop;
	loop.threads = self.threads;
	loop.seconds = seconds;
	loop.work = [&](unsigned thread, uint64_t ops) {
		uint64_t &owed = debts[thread].ops;
		owed += ops;
		how->loop_read_every_100(counter.it(), counter.seat(thread), owed / 100);
		owed %= 100;
	};
	loop.after = [&](unsigned thread) { how->leave(counter.it(), counter.seat(thread)); };
	loop_result ran = run_loop(loop, &self.chunk);
	uint64_t ops = ran.ops;
	for (const debt &one : debts)
		ops -= one.ops;
	return judged(ran, ops, how, how->value(counter.it()));
}

/* Reads of a counter at rest, all its lines in the reader's own cache after the first. */
static measurement measure_read(row &self, double seconds, const counter_implementation *how)
{
	enum { SEATS = 8 };
	open_counter counter(how, SEATS);
	for (unsigned i = 0; i < SEATS; i++)
		how->increment(counter.it(), counter.seat(i));
	loop loop;
	loop.threads = self.threads;
	loop.seconds = seconds;
	loop.work = [&](unsigned, uint64_t ops) { how->loop_value(counter.it(), ops); };
	loop_result ran = run_loop(loop, &self.chunk);
	for (unsigned i = 0; i < SEATS; i++)
		how->leave(counter.it(), counter.seat(i));
	return measured(ran);
}

/* One value() after another core has just counted through each of SEATS seats, so that every line must travel. Each read is timed by
 * itself; what two looks at the clock cost is measured in the same rounds and taken off. */
static measurement measure_dirty_read(row &, double seconds, const counter_implementation *how, unsigned seats)
{
	open_counter counter(how, seats);
	alignas(128) std::atomic<uint64_t> turn{0}; /* even: the writer's, odd: the reader's */
	const uint64_t last = UINT64_MAX;
	std::vector<double> reads, blanks;
	reads.reserve(1 << 20);
	blanks.reserve(1 << 20);
	team team;
	team.threads = 2;
	team.seconds = seconds;
	team.body = [&](unsigned thread, const std::atomic<bool> &stop) {
		for (uint64_t round = 0;; round++) {
			uint64_t seen;
			// acquire: pairs with the other side's release; the increments are over when the read begins, and the other way round
			for (unsigned i = 0; (seen = turn.load(std::memory_order_acquire)) != 2 * round + thread && seen != last;
				i++)
				wait_a_little(i);
			if (seen == last)
				break;
			if (thread == 0) {
				for (unsigned i = 0; i < seats; i++)
					how->increment(counter.it(), counter.seat(i));
				turn.store(2 * round + 1, std::memory_order_release); // release: pairs with the acquire above
				continue;
			}
			uint64_t start = now_ns();
			uint64_t blank = now_ns();
			how->value(counter.it());
			uint64_t end = now_ns();
			reads.push_back(static_cast<double>(end - blank));
			blanks.push_back(static_cast<double>(blank - start));
			// relaxed: a flag alone
			bool over = stop.load(std::memory_order_relaxed) || reads.size() == reads.capacity();
			turn.store(
				over ? last : 2 * round + 2, std::memory_order_release); // release: pairs with the acquire above
			if (over)
				break;
		}
		if (thread == 0)
			for (unsigned i = 0; i < seats; i++)
				how->leave(counter.it(), counter.seat(i));
	};
	team_result ran = run_team(team);
	/* The median, because a preemption inside one read would outweigh thousands of reads. */
	double clock = median(blanks), cost = median(reads) - clock;
	measurement result = measured(ran, cost, 0, reads.size());
	result.counters.emplace_back("clock_ns", clock);
	return result;
}

/* A quick run measures these in all placements, and of the others what an increment costs in a loop and what a read costs. */
static bool asked_first(const std::string &subject)
{
	return subject == "counter/naive" || subject == "counter/atomic" || subject.compare(0, 13, "counter/tally") == 0;
}

static void add_increments(
	std::vector<row> &rows, const plan &plan, const counter_implementation *how, const std::string &subject)
{
	const enum tier placements = asked_first(subject) ? TIER_QUICK : TIER_DEFAULT;
	for (unsigned threads : plan.threads) {
		const auto add = [&](const char *operation, const char *note, enum tier tier, auto measure) {
			row made;
			made.threads = threads;
			made.floor = row_name("floor/lock_xadd", "", threads);
			made.least = row_name("floor/store", "", threads);
			made.name = row_name(subject, operation, threads);
			made.note = note;
			made.tier = tier;
			made.measure = measure;
			rows.push_back(made);
		};
		const auto loop = [how](increment_loop increments, unsigned poll_us) {
			return [=](row &self, double seconds) {
				return measure_increment(self, seconds, how, increments, poll_us);
			};
		};
		add("increment", "", TIER_QUICK, loop(how->loop_increment, 0));
		if (rows.back().oversubscribed())
			continue; /* a fair lock would need minutes, and the scheduler would be measured */
		add("increment_call", "a call per increment, opaque to the compiler", placements,
			loop(how->loop_increment_call, 0));
		add("increment_polled", "a reader asks for the value every 100 us", TIER_DEFAULT, loop(how->loop_increment, 100));
		add("increment_polled_1ms", "a reader asks for the value every ms", placements, loop(how->loop_increment, 1000));
		add("read_every_100", "each thread reads the value after every 100 increments", placements,
			[how](row &self, double seconds) { return measure_read_every_100(self, seconds, how); });
	}
}

static void add_reads(std::vector<row> &rows, const plan &plan, const counter_implementation *how, const std::string &subject)
{
	for (unsigned threads : plan.threads) {
		row made;
		made.threads = threads;
		made.name = row_name(subject, "read", threads);
		made.floor = row_name("floor/load_branch", "", threads);
		made.least = made.floor;
		made.note = "8 seats, at rest";
		made.tier = threads == 1 && asked_first(subject) ? TIER_QUICK : TIER_DEFAULT;
		made.measure = [how](row &self, double seconds) { return measure_read(self, seconds, how); };
		if (!made.oversubscribed())
			rows.push_back(made);
	}
	for (unsigned seats : {1u, 8u}) {
		row made;
		made.threads = 1;
		made.name = row_name(subject, "read_dirty_" + std::to_string(seats), 1);
		made.note = "another core has just counted through " + std::to_string(seats) + (seats == 1 ? " seat" : " seats");
		made.tier = asked_first(subject) ? TIER_QUICK : TIER_DEFAULT;
		made.measure = [how, seats](row &self, double seconds) { return measure_dirty_read(self, seconds, how, seats); };
		if (this_machine().cores < 2)
			made.skipped = "needs two cores";
		rows.push_back(made);
	}
}

void add_counter_rows(std::vector<row> &rows, const plan &plan)
{
	for (const struct subject &each : subjects_of(FAMILY_COUNTER)) {
		const counter_implementation *how = reinterpret_cast<const counter_implementation *>(each.about);
		const size_t first = rows.size();
		add_increments(rows, plan, how, each.name);
		add_reads(rows, plan, how, each.name);
		for (size_t i = first; i < rows.size(); i++) {
			row &made = rows[i];
			if (!each.missing.empty())
				made.skipped = each.missing;
			if (!each.note.empty())
				made.note = made.note.empty() ? each.note : each.note + "; " + made.note;
		}
	}
}

} // namespace bench
