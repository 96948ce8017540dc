// SPDX-License-Identifier: MIT
#include "stuck.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "../impl/support/say.h"

namespace bench
{

/* After Ctrl-C; and for the telling, should a row's thread have been stopped inside of malloc. */
enum { HURRY_SECONDS = 5, TELLING_SECONDS = 10 };

namespace
{

std::mutex guard;     /* of all rows' measurements, and of what follows */
bool running;         /* a repetition is under way */
uint64_t deadline_ns; /* when it must have ended */
unsigned limit_s;
json_t *kept; /* {benchmarks[], chunks {}} of the repetitions so far */
std::atomic<bool> watching{false}, hurried{false};

} // namespace

std::vector<std::pair<std::string, double>> counters_of(const row &row, const measurement &one, double spent_s)
{
	std::vector<std::pair<std::string, double>> all = {
		{"ops", static_cast<double>(one.ops)}, {"wall_ns_per_op", one.ns_per_op}};
	if (one.cpu_ns_per_op > 0)
		all.emplace_back("cpu_ns_per_op", one.cpu_ns_per_op);
	all.emplace_back("oversubscribed", row.oversubscribed());
	all.emplace_back("preempted", static_cast<double>(one.preempted));
	all.emplace_back("pinned", one.pinned);
	all.emplace_back("window_ms", one.window_s * 1e3);
	all.emplace_back("spent_s", spent_s);
	all.insert(all.end(), one.counters.begin(), one.counters.end());
	return all;
}

json_t *buckets_json(const measurement &one)
{
	json_t *list = json_array();
	for (const auto &bucket : one.buckets)
		json_array_append_new(list, json_pack("[f, I]", bucket.first, static_cast<json_int_t>(bucket.second)));
	return list;
}

/* As Google Benchmark tells a repetition. */
static json_t *line_of(const row &row, const measurement &one, double spent_s)
{
	const double cpu_ns = one.cpu_ns_per_op > 0 ? one.cpu_ns_per_op : one.ns_per_op;
	json_t *line = json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f, s:s}", "name", row.name.c_str(), "run_name",
		row.name.c_str(), "run_type", "iteration", "threads", static_cast<int>(row.threads), "iterations", 1, "real_time",
		one.ns_per_op, "cpu_time", cpu_ns, "time_unit", "ns");
	if (!row.note.empty())
		json_object_set_new(line, "label", json_string(row.note.c_str()));
	for (const auto &counter : counters_of(row, one, spent_s))
		json_object_set_new(
			line, counter.first.c_str(), json_real(counter.second)); /* no member where it is not finite */
	if (!one.broken.empty())
		json_object_set_new(line, "broken", json_string(one.broken.c_str()));
	if (!one.buckets.empty())
		json_object_set_new(line, "buckets", buckets_json(one));
	return line;
}

static void end_now(int)
{
	_exit(EXIT_STUCK);
}

/* Ends the process. A row's thread may have been stopped inside of malloc: then without telling. */
[[noreturn]] static void tell_and_end(const sigset_t *alarms)
{
	signal(SIGALRM, end_now);
	pthread_sigmask(SIG_UNBLOCK, alarms, nullptr);
	alarm(TELLING_SECONDS);
	const bool told = json_dumpfd(kept, STDOUT_FILENO, JSON_COMPACT | JSON_REAL_PRECISION(10)) == 0;
	if (!told)
		_exit(EXIT_USAGE);
	_exit(EXIT_STUCK);
}

static sigset_t alarm_set()
{
	sigset_t alarms;
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	return alarms;
}

/* The alarm after SECONDS; or soon, also where Ctrl-C came while this was being decided. */
static void set_alarm(unsigned seconds)
{
	alarm(seconds);
	if (hurried.load(std::memory_order_relaxed)) // relaxed: a flag alone
		alarm(HURRY_SECONDS);
}

static void watch()
{
	const sigset_t alarms = alarm_set();
	for (int which; sigwait(&alarms, &which) == 0;) {
		const std::lock_guard<std::mutex> held(guard);
		const uint64_t now = now_ns();
		if (running && (now >= deadline_ns || hurried.load(std::memory_order_relaxed))) // relaxed: a flag alone
			tell_and_end(&alarms);
		/* It was for a repetition that ended meanwhile; the one that began since has time left. */
		if (running)
			set_alarm(static_cast<unsigned>((deadline_ns - now) / 1000000000) + 1);
	}
}

void stuck_watch(unsigned seconds)
{
	const sigset_t alarms = alarm_set();
	pthread_sigmask(SIG_BLOCK, &alarms, nullptr);
	limit_s = seconds;
	kept = json_pack("{s:[], s:{}}", "benchmarks", "chunks");
	try {
		std::thread(watch).detach();
	} catch (const std::system_error &) {
		/* Without a thread to spare, a row that is stuck takes the process's other rows along. */
		signal(SIGALRM, end_now);
		pthread_sigmask(SIG_UNBLOCK, &alarms, nullptr);
	}
	watching.store(true, std::memory_order_relaxed); // relaxed: a flag alone
}

void stuck_begin()
{
	const std::lock_guard<std::mutex> held(guard);
	running = true;
	deadline_ns = now_ns() + limit_s * UINT64_C(1000000000);
	set_alarm(limit_s);
}

void stuck_end()
{
	alarm(0);
	const std::lock_guard<std::mutex> held(guard);
	running = false;
}

void stuck_keep(row &row, measurement one, double spent_s)
{
	const std::lock_guard<std::mutex> held(guard);
	json_array_append_new(json_object_get(kept, "benchmarks"), line_of(row, one, spent_s));
	if (row.chunk)
		json_object_set_new(
			json_object_get(kept, "chunks"), row.name.c_str(), json_integer(static_cast<json_int_t>(row.chunk)));
	row.measurements.push_back(std::move(one));
}

void stuck_hurry()
{
	if (!watching.load(std::memory_order_relaxed)) // relaxed: flags alone
		return;
	hurried.store(true, std::memory_order_relaxed);
	alarm(HURRY_SECONDS);
}

} // namespace bench
