// SPDX-License-Identifier: MIT
// Every peer that is there keeps its contract: eight threads load once and get the same, a failed load is tried again or kept as declared,
// counts are exact through every loop that is measured, and steps are unique. No time decides anything here.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include "peers.h"

static int failed;

static void need(bool ok, const bench::peer &peer, const std::string &what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s: %s\n", peer.file, what.c_str());
	failed = 1;
}

static std::string text(uint64_t number)
{
	return std::to_string(number);
}

enum { THREADS = 8, FEW = 2, STORMS = 50, MANY = 1 << 30 };

/* Runs BODY on THREADS threads that start together. */
static void together(unsigned threads, const std::function<void(unsigned)> &body)
{
	std::atomic<unsigned> ready{0};
	std::vector<std::thread> team;
	for (unsigned i = 0; i < threads; i++)
		team.emplace_back([&, i] {
			ready.fetch_add(1, std::memory_order_relaxed);          // relaxed: only a start
			while (ready.load(std::memory_order_relaxed) < threads) // relaxed: likewise
				std::this_thread::yield();
			body(i);
		});
	for (std::thread &each : team)
		each.join();
}

/* Raw memory for an object that is known by its size. */
struct room {
	room(size_t bytes, size_t align)
	    : bytes_(bytes ? bytes : 1), align_(std::align_val_t(align)), at(::operator new(bytes_, align_))
	{
		memset(at, 0xa5, bytes_);
	}
	~room()
	{
		::operator delete(at, align_);
	}
	room(const room &) = delete;
	room &operator=(const room &) = delete;

      private:
	size_t bytes_;
	std::align_val_t align_;

      public:
	void *const at;
};

/* A loader that fails so many times first. */
struct source {
	int failures = 0;
	std::atomic<int> loads{0}, unloads{0};
	struct instance {
		int words[16]; /* plain: published by the initialiser or by nobody */
	} made = {};
	initialiser_loader loader = {load, unload, this};

	static void *load(void *arg, int *error)
	{
		source *self = static_cast<source *>(arg);
		// relaxed: a number; the threads are joined before it is read
		const int number = self->loads.fetch_add(1, std::memory_order_relaxed);
		if (number < self->failures) {
			*error = ENODATA;
			return nullptr;
		}
		*error = 0;
		std::this_thread::yield(); // lets others arrive
		for (int &word : self->made.words)
			word = 7;
		return &self->made;
	}
	static void unload(void *arg, void *instance)
	{
		source *self = static_cast<source *>(arg);
		if (instance == &self->made)
			self->unloads.fetch_add(1, std::memory_order_relaxed); // relaxed: likewise
	}
};

static void storm(const bench::peer &peer, const initialiser_implementation &how, void *at)
{
	::initialiser *it = static_cast<::initialiser *>(at);
	source from;
	need(how.open(it, &from.loader) == 0, peer, "open failed");
	void *got[THREADS] = {};
	int errors[THREADS] = {}, wrong[THREADS] = {};
	together(THREADS, [&](unsigned i) {
		got[i] = how.get(it, &errors[i]);
		for (int word : got[i] ? static_cast<source::instance *>(got[i])->words : from.made.words)
			wrong[i] += word != 7;
	});
	for (unsigned i = 0; i < THREADS; i++)
		need(got[i] == &from.made && errors[i] == 0 && wrong[i] == 0, peer,
			"thread " + text(i) + " got another instance, or one that was not ready");
	need(how.loop_get(it, 64) == &from.made, peer, "the measured loop got another instance");
	need(from.loads == 1, peer, text(static_cast<uint64_t>(from.loads)) + " loads instead of 1");
	how.close(it);
	need(from.unloads == 1, peer, "not unloaded once");
}

static void failing_load(const bench::peer &peer, const initialiser_implementation &how, void *at)
{
	::initialiser *it = static_cast<::initialiser *>(at);
	const bool retries = how.about.claims & INITIALISER_RETRIES_FAILURE;
	need(retries != !!(how.about.missing & INITIALISER_RETRIES_FAILURE), peer,
		"does not say whether a failed load is tried again");
	source from;
	from.failures = 2;
	need(how.open(it, &from.loader) == 0, peer, "open failed");
	for (int i = 0; i < 3; i++) {
		int error = 0;
		const void *got = how.get(it, &error);
		if (i < 2 || !retries)
			need(got == nullptr && error == ENODATA, peer,
				"get " + text(static_cast<uint64_t>(i)) + " did not tell the failure");
		else
			need(got == &from.made && error == 0, peer, "the third load succeeded, and get did not");
	}
	need(from.loads == (retries ? 3 : 1), peer, text(static_cast<uint64_t>(from.loads)) + " loads of one that fails");
	how.close(it);
	need(from.unloads == (retries ? 1 : 0), peer, "what was unloaded is not what was loaded");
}

/* Many threads, the first loads fail: each gets an error or the one instance, and only one load succeeds. */
static void failing_storm(const bench::peer &peer, const initialiser_implementation &how, void *at)
{
	::initialiser *it = static_cast<::initialiser *>(at);
	source from;
	from.failures = 3;
	need(how.open(it, &from.loader) == 0, peer, "open failed");
	int errors[THREADS] = {};
	void *got[THREADS] = {};
	together(THREADS, [&](unsigned i) { got[i] = how.get(it, &errors[i]); });
	int empty = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		need(got[i] ? got[i] == &from.made && errors[i] == 0 : errors[i] == ENODATA, peer,
			"neither an instance nor the error");
		empty += !got[i];
	}
	if (how.about.claims & INITIALISER_RETRIES_FAILURE)
		need(empty == 3 && from.loads == 4, peer, "of 8 threads and 3 failures, not 3 were told");
	else
		need(empty == THREADS && from.loads == 1, peer, "a kept failure was not told to all");
	how.close(it);
}

static void test_initialiser(const bench::peer &peer)
{
	const initialiser_implementation &how = *reinterpret_cast<const initialiser_implementation *>(peer.about);
	room memory(how.bytes, how.align);
	need(how.rearmable, peer, "cannot be opened again");
	for (int i = 0; i < STORMS; i++)
		storm(peer, how, memory.at);
	failing_load(peer, how, memory.at);
	failing_storm(peer, how, memory.at);
	storm(peer, how, memory.at);
}

/* An open counter with a seat for each thread. */
struct counting {
	const bench::peer &peer;
	const counter_implementation &how;
	room memory, seats;
	::counter *it;

	explicit counting(const bench::peer &which)
	    : peer(which), how(*reinterpret_cast<const counter_implementation *>(which.about)),
	      memory(how.counter_bytes, how.counter_align), seats(how.seat_bytes * THREADS, how.seat_align),
	      it(static_cast<::counter *>(memory.at))
	{
		need(how.open(it) == 0, peer, "open failed");
		for (unsigned i = 0; i < THREADS; i++)
			need(how.join(it, seat(i)) == 0, peer, "join failed");
		need(how.value(it) == 0, peer, "does not begin at 0");
	}
	~counting()
	{
		how.close(it);
	}
	::counter_seat *seat(unsigned i) const
	{
		return reinterpret_cast<::counter_seat *>(static_cast<char *>(seats.at) + how.seat_bytes * i);
	}
	/* Each thread runs WORK, which says how much it counted, ROUNDS times, or fewer where time runs out: long enough for threads to meet,
	 * and with more threads than cores a fair lock gives a turn per time slice. */
	void expect(const char *what, unsigned threads, int rounds, const std::function<uint64_t(unsigned)> &work)
	{
		const uint64_t before = how.value(it);
		std::atomic<uint64_t> counted{0};
		std::atomic<bool> late{false};
		const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(40);
		together(threads, [&](unsigned i) {
			uint64_t mine = 0;
			for (int round = 0; round < rounds && !late.load(std::memory_order_relaxed);
				round++) { // relaxed: a flag alone
				mine += work(i);
				if (std::chrono::steady_clock::now() > end)
					late.store(true, std::memory_order_relaxed); // relaxed: a flag alone
			}
			counted.fetch_add(mine, std::memory_order_relaxed); // relaxed: read behind join
		});
		need(how.value(it) - before == counted, peer,
			std::string(what) + ": " + text(how.value(it) - before) + " counted of " + text(counted));
	}
};

static void unique_steps(const bench::peer &peer)
{
	enum { MOST = 1 << 16 };
	counting of(peer);
	std::unique_ptr<std::atomic<int>[]> seen(new std::atomic<int>[THREADS * MOST + 1]());
	of.expect("increment", THREADS, MOST, [&](unsigned i) {
		const uint64_t step = of.how.increment(of.it, of.seat(i));
		if (of.how.steps)
			seen[step].fetch_add(1, std::memory_order_relaxed); // relaxed: read when all are joined
		return 1;
	});
	bool once = true;
	for (uint64_t step = 1; of.how.steps && step <= of.how.value(of.it); step++)
		once = once && seen[step] == 1;
	need(once, peer, "steps are not 1 to N, each once");
	need(of.how.steps == !!(of.how.about.claims & COUNTER_UNIQUE_STEPS), peer,
		"offers steps and does not claim them, or the other way round");
}

static void test_counter(const bench::peer &peer)
{
	unique_steps(peer);
	counting of(peer);
	of.expect("loop_increment", FEW, MANY, [&](unsigned i) {
		of.how.loop_increment(of.it, of.seat(i), 64);
		return 64;
	});
	of.expect("loop_increment_call", FEW, MANY, [&](unsigned i) {
		of.how.loop_increment_call(of.it, of.seat(i), 64);
		return 64;
	});
	of.expect("loop_read_every_100", FEW, MANY, [&](unsigned i) {
		const uint64_t seen = of.how.loop_read_every_100(of.it, of.seat(i), 1);
		need(seen >= 100, peer, "a thread does not see what it counted itself");
		return 100;
	});
	need(of.how.loop_value(of.it, 64) == of.how.value(of.it), peer, "loop_value is not value");
	for (unsigned i = 0; i < THREADS; i++)
		of.how.leave(of.it, of.seat(i));
	need(of.how.loop_value(of.it, 64) == of.how.value(of.it), peer, "a count left with its seat");
}

int main()
{
	for (const bench::peer &peer : bench::peers()) {
		const std::string version = bench::peer_version(peer);
		if (peer.missing) {
			printf("%s: %s\n", peer.file, peer.missing);
			need(*peer.missing && version.empty(), peer, "missing, without a reason or with a version");
			continue;
		}
		printf("%s: %s\n", peer.file, version.c_str());
		need(version.find("unknown") == version.npos && version.find(' ') != version.npos, peer, "no version");
		need(strncmp(peer.about->name, "peer_", 5) == 0, peer, "its name does not begin with peer_");
		if (peer.about->family == FAMILY_INITIALISER)
			test_initialiser(peer);
		else
			test_counter(peer);
	}
	return failed;
}
