/* SPDX-License-Identifier: MIT */
/* The machine, measured: what a price is worth nothing without. And whether it was ours while prices were taken.
 *
 * What the kernel says (files under /proc and /sys) is read below a root folder that tests choose; what it does is measured.
 * Nothing here throws; what cannot be found out is null in the JSON, with a plain sentence in notes[]. Not for several threads at once.
 */
#ifndef ONCEPROOF_BENCH_MACHINE_H
#define ONCEPROOF_BENCH_MACHINE_H

#include <cstdint>
#include <string>
#include <vector>

#include <jansson.h>

namespace bench
{

struct plan;

/* The machine in an object for context.machine:
 *
 * cpu_model, kernel, clock, class (a phrase), depth ("short", "full"), cores, allowed, can_pin, virtual, hypervisor, smt (do two of the
 * CPUs share a core: bool or null), smt_how, caches[] {level, type, bytes, line_bytes, shared_cpus}, numa_nodes, governor, turbo,
 * frequency_mhz {min, max}, tsc_mhz, quota
 * cycle_ns, cycle_ns_per_cpu[], l1_load_ns, load_branch_ns, lock_xadd_ns: the least of many short runs on the first CPU
 * ping_pong {cpus[], round_trip_ns[][] (null on the diagonal and where not measured), median_ns, min_ns, max_ns, sampled, unpinned_ns}
 * wake_ns {p50, p99, samples}: from before a futex wake to the woken thread's running; clock_ns, clock_step_ns, clock_is_call,
 * sleep_overshoot_ns {p50, p99}: of a sleep of 100 us
 * others_share, steal_share, throttled_share, load, loaded: of the time that this look itself took; see machine_watch
 * perf {available, why, events[]}, notes[]
 *
 * machine_look takes less than 0.3 s on an idle machine: few pairs of CPUs, few wakes. A new reference. */
json_t *machine_look(const plan &plan);

/* The study "machine": the same at full depth, in 0.2 s (quick) to 7 s, by the number of CPUs. */
json_t *study_machine(const plan &plan);

/* Two to four lines for people, each ending in a newline, of what machine_look or study_machine gave (and machine_merge added). */
std::string machine_summary(const json_t *machine);

/* Who else used the machine while something was measured. begin(), run and wait for all children, end(). CPU time of children that were
 * not waited for counts as others'. Intervals of less than about half a second are too short for the kernel's counts; then the load
 * average from before decides. */
struct machine_watch {
	void begin();
	/* A new object: seconds, others_share and steal_share (of the time of the CPUs that we may use), throttled_share (how long the control
	 * group's quota stopped us, on all CPUs together, of the time that passed; at most 1), throttled_periods, load (before), cycle_ns_before,
	 * cycle_ns_after, cycle_drift (after/before - 1), loaded (was the machine not ours), notes[] (why). */
	json_t *end();

	std::string root; /* before /proc and /sys; empty but in tests */

	struct counts {
		bool known = false; /* the kernel's counts could be read */
		double wall_s = 0, busy_s = 0, steal_s = 0, ours_s = 0, throttled_s = 0;
		uint64_t throttled_periods = 0;
		double cycle_ns = 0, load = 0;
	};

      private:
	counts from_;
};

/* Puts what a watch found over the corresponding members of MACHINE, and its notes in the place of an earlier watch's, also as
 * load_notes[]. Borrows both. */
void machine_merge(json_t *machine, const json_t *watched);

/* From here to what is only measured above: the parts, for each other and for tests. */

/* Shares above which the machine counts as not ours. Rows of two builds are to agree within 5 %; another program that takes a
 * twentieth of the CPUs, or a hypervisor or quota that takes a fiftieth, can move a median by as much. */
constexpr double OTHERS_LIMIT = 0.05, STEAL_LIMIT = 0.02, THROTTLED_LIMIT = 0.01, DRIFT_LIMIT = 0.25;
/* Less of a drift than that is said: ratios to a floor of the same process bear it. */
constexpr double DRIFT_TOLD = 0.05;

/* What a watch says of two counts, taken on CPUS CPUs. A new object. */
json_t *machine_judge(const machine_watch::counts &from, const machine_watch::counts &to, unsigned cpus);
machine_watch::counts machine_count(const std::string &root, const std::vector<int> &cpus);

/* Sets what the kernel's files below ROOT say of CPUS, and appends to notes[]. */
void machine_facts(json_t *machine, const std::string &root, const std::vector<int> &cpus);

/* CPUs of this thread's affinity mask, ascending. */
std::vector<int> machine_cpus();
/* Pins the calling thread; 0 or an errno value. */
int machine_pin(int cpu);

/* How long measurements may take. */
struct machine_budget {
	bool full;
	double cost_s;  /* each instruction's cost */
	double pairs_s; /* all pairs of CPUs */
	unsigned wakes, sleeps;
	size_t cpus_max; /* in the matrix of pairs; beyond, they are sampled */
};
void machine_costs(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget);
void machine_pairs(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget);
void machine_wakes(json_t *machine, const std::vector<int> &cpus, const machine_budget &budget);

/* What reading a clock costs. READ gives ns; CALL is a reader that surely enters the kernel, or null. */
struct clock_costs {
	double read_ns, step_ns; /* one reading; the least time that two readings can differ by */
	bool is_call;            /* as dear as a system call */
	bool runs_back;
};
clock_costs machine_clock(uint64_t (*read)(), uint64_t (*call)());
/* What follows for measurements: sentences for notes[]. */
std::vector<std::string> clock_notes(const clock_costs &costs, const std::string &source, const std::string &available);

/* Cycle time of the calling thread's CPU in ns: dependent additions against the clock, the least of runs over SECONDS. */
double machine_cycle_ns(double seconds);

/* CPU lists as the kernel writes them: "0-3,8". */
std::vector<int> parse_cpu_list(const std::string &text);

/* Appends TEXT to MACHINE's notes[]. */
void machine_note(json_t *machine, const std::string &text);

/* printf into a string. */
__attribute__((format(printf, 1, 2))) std::string text_of(const char *format, ...);

} // namespace bench
#endif
