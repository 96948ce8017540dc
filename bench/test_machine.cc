// SPDX-License-Identifier: MIT
// The machine's description: whole, plausible, and honest about what is made up for it here: files of other machines, odd clocks, counts of
// busy times, and real conditions: one CPU, no right to pin, busy neighbours, a CPU quota. No fixed time decides anything.
//
//   test_machine [--no-affinity | --one-cpu | --quota]      internal: the look of a process that lives under this condition
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "../reports/node.h"
}
#include "bench.h"
#include "machine.h"
#include "perf.h"

/* Faults of a new page: its own, and those of ThreadSanitizer's shadow of it. */
#ifdef __SANITIZE_THREAD__
static const double FAULTS_MOST = 16;
#else
static const double FAULTS_MOST = 2;
#endif

static int failed;
static const char *about = "";

static void need(bool ok, const std::string &what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s: %s\n", about, what.c_str());
	failed = 1;
}

static bool has_note(const json_t *machine, const char *words)
{
	size_t i;
	json_t *note;
	json_array_foreach(json_object_get(machine, "notes"), i, note)
		if (strstr(json_string_value(note), words))
			return true;
	return false;
}

static void need_note(const json_t *machine, const char *words)
{
	need(has_note(machine, words), std::string("no note with '") + words + "'");
}

static double number(const json_t *machine, const char *key)
{
	return json_number_value(json_object_get(machine, key));
}

/* A folder of files that stand for another machine's /proc and /sys. */
class made_up_root
{
      public:
	made_up_root()
	{
		const char *temporary = getenv("TMPDIR");
		root_ = std::string(temporary && *temporary ? temporary : "/tmp") + "/onceproof-machine.XXXXXX";
		if (!mkdtemp(&root_[0])) {
			perror(root_.c_str());
			exit(1);
		}
		paths_.push_back(root_);
	}
	~made_up_root()
	{
		for (auto path = paths_.rbegin(); path != paths_.rend(); ++path)
			remove(path->c_str());
	}
	made_up_root(const made_up_root &) = delete;
	made_up_root &operator=(const made_up_root &) = delete;
	void write(const std::string &path, const std::string &text)
	{
		for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
			if (mkdir((root_ + path.substr(0, slash)).c_str(), 0700) == 0)
				paths_.push_back(root_ + path.substr(0, slash));
		if (std::find(paths_.begin(), paths_.end(), root_ + path) == paths_.end())
			paths_.push_back(root_ + path);
		std::ofstream(root_ + path) << text << "\n";
	}
	const std::string &root() const
	{
		return root_;
	}

      private:
	std::string root_;
	std::vector<std::string> paths_; /* in the order of their making */
};

static void lists_are_read()
{
	about = "CPU lists";
	need(bench::parse_cpu_list("0-3,8") == std::vector<int>({0, 1, 2, 3, 8}), "0-3,8");
	need(bench::parse_cpu_list("5") == std::vector<int>({5}), "5");
	need(bench::parse_cpu_list("").empty() && bench::parse_cpu_list("x").empty(), "nothing in nothing");
	need(bench::parse_cpu_list("0-99999999").size() <= 1 << 16, "an end to it");
}

/* A laptop: scaled frequency, turbo, siblings, a slow clock, half a machine by quota. */
static void files_are_told()
{
	about = "files of another machine";
	made_up_root laptop;
	const std::string cpus = "/sys/devices/system/cpu/";
	for (int cpu = 0; cpu < 4; cpu++) {
		const std::string folder = cpus + "cpu" + std::to_string(cpu) + "/";
		laptop.write(folder + "cpufreq/scaling_governor", cpu == 3 ? "schedutil" : "powersave");
		laptop.write(folder + "cpufreq/scaling_min_freq", "800000");
		laptop.write(folder + "cpufreq/scaling_max_freq", "4600000");
		laptop.write(folder + "topology/thread_siblings_list", cpu < 2 ? "0-1" : "2-3");
	}
	laptop.write(cpus + "cpu0/cache/index0/level", "1");
	laptop.write(cpus + "cpu0/cache/index0/type", "Data");
	laptop.write(cpus + "cpu0/cache/index0/size", "48K");
	laptop.write(cpus + "cpu0/cache/index0/coherency_line_size", "64");
	laptop.write(cpus + "cpu0/cache/index0/shared_cpu_list", "0-1");
	laptop.write(cpus + "intel_pstate/no_turbo", "0");
	laptop.write("/sys/devices/system/node/node0/cpulist", "0-3");
	laptop.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet");
	laptop.write("/sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet acpi_pm");
	laptop.write("/proc/self/cgroup", "0::/work");
	laptop.write("/sys/fs/cgroup/work/cpu.max", "150000 100000");
	json_t *machine = json_object();
	bench::machine_facts(machine, laptop.root(), {0, 1, 2, 3});
	need(strcmp(node_string(machine, "governor"), "powersave, schedutil") == 0, "both governors");
	need(strcmp(node_string(machine, "turbo"), "on") == 0, "turbo");
	need(json_is_true(json_object_get(machine, "smt")), "siblings");
	need(number(machine, "numa_nodes") == 1, "one node");
	need(number(machine, "quota") == 1.5, "quota");
	need(number(json_object_get(machine, "frequency_mhz"), "max") == 4600, "frequency");
	const json_t *cache = json_array_get(json_object_get(machine, "caches"), 0);
	need(number(cache, "bytes") == 48 << 10 && number(cache, "line_bytes") == 64, "cache");
	for (const char *words :
		{"governor powersave, schedutil, 800 to 4600 MHz", "Turbo is on", "CPUs 0-1 share a core", "1.50 of 4 CPUs"})
		need_note(machine, words);
	json_decref(machine);

	/* The same machine, as a benchmark wants it. */
	laptop.write(cpus + "intel_pstate/no_turbo", "1");
	laptop.write("/sys/fs/cgroup/work/cpu.max", "max 100000");
	for (int cpu = 0; cpu < 4; cpu++) {
		const std::string folder = cpus + "cpu" + std::to_string(cpu) + "/";
		laptop.write(folder + "cpufreq/scaling_governor", "performance");
		laptop.write(folder + "topology/thread_siblings_list", std::to_string(cpu));
	}
	machine = json_object();
	bench::machine_facts(machine, laptop.root(), {0, 1, 2, 3});
	need(json_is_false(json_object_get(machine, "smt")) && json_is_null(json_object_get(machine, "quota")),
		"no siblings, no quota");
	for (const char *words : {"governor", "Turbo", "share a core", "of 4 CPUs"})
		need(!has_note(machine, words), std::string("a note with '") + words + "'");
	json_decref(machine);

	/* A container that hides everything. */
	made_up_root bare;
	machine = json_object();
	bench::machine_facts(machine, bare.root(), {0});
	for (const char *key : {"governor", "turbo", "smt", "numa_nodes", "quota", "clock"})
		need(json_is_null(json_object_get(machine, key)), std::string(key) + " is unknown, and null");
	need_note(machine, "One CPU: threads take turns");
	json_decref(machine);
}

static void kernel_accounts_are_read()
{
	about = "kernel accounts";
	made_up_root root;
	root.write("/proc/stat",
		"cpu  9999 9999 9999 9999 9999 0 0 0 0 0\ncpu0 100 10 20 500 5 3 7 40 50 0\ncpu1 1000 0 0 500 0 0 0 0 0 0\n"
		"cpu12 7777 0 0 0 0 0 0 0 0 0\nintr 5");
	root.write("/proc/self/cgroup", "4:cpu,cpuacct:/a/b\n3:memory:/a\n0::/x");
	root.write("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.stat", "nr_periods 9\nnr_throttled 3\nthrottled_time 2000000000");
	root.write("/sys/fs/cgroup/cpu,cpuacct/a/cpu.stat", "nr_periods 9\nnr_throttled 1\nthrottled_time 500000000");
	root.write("/sys/fs/cgroup/x/cpu.stat", "usage_usec 7\nnr_throttled 1\nthrottled_usec 250000");
	const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
	const bench::machine_watch::counts one = bench::machine_count(root.root(), {0});
	need(one.known && std::abs(one.busy_s - 140 * tick) < 1e-9, "CPU 0 was busy for 140 ticks");
	need(std::abs(one.steal_s - 40 * tick) < 1e-9, "40 were stolen");
	need(std::abs(one.throttled_s - 2.75) < 1e-9 && one.throttled_periods == 5, "throttled in both layouts, at all levels");
	need(std::abs(bench::machine_count(root.root(), {0, 1}).busy_s - 1140 * tick) < 1e-9, "CPU 1 too, and not CPU 12");
	made_up_root empty;
	need(!bench::machine_count(empty.root(), {0}).known, "no accounts, no knowledge");
}

static json_t *judged(double others, double steal, double throttled, double cycle_after, double seconds, double load)
{
	bench::machine_watch::counts from, to;
	from.known = to.known = true;
	from.wall_s = 100;
	to.wall_s = 100 + seconds;
	from.cycle_ns = 0.25;
	to.cycle_ns = cycle_after;
	from.load = load;
	to.ours_s = 0.5 * seconds;
	to.busy_s = to.ours_s + others * 4 * seconds;
	to.steal_s = steal * 4 * seconds;
	to.throttled_s = throttled * seconds;
	return bench::machine_judge(from, to, 4);
}

static void loads_are_judged()
{
	struct {
		const char *what, *note;
		double others, steal, throttled, cycle, seconds, load;
		bool loaded;
	} const cases[] = {
		{"an idle machine", nullptr, 0.01, 0.001, 0, 0.251, 10, 0.1, false},
		{"a neighbour", "Other programs took 25.0 %", 0.25, 0, 0, 0.25, 10, 4, true},
		{"a greedy hypervisor", "hypervisor kept 10.0 %", 0, 0.1, 0, 0.25, 10, 0, true},
		{"a quota", "quota stopped us for 50.0 %", 0, 0, 0.5, 0.25, 10, 0, true},
		{"a hot laptop", "cycle took 0.250 ns before and 0.400 ns after", 0, 0, 0, 0.4, 10, 0, true},
		{"a processor that warms up", "cycle took 0.250 ns before and 0.280 ns after", 0, 0, 0, 0.28, 10, 0, false},
		{"a load average that is our own", nullptr, 0, 0, 0, 0.25, 10, 8, false},
		{"a short time on a busy machine", "load average was 8.0 on 4 CPUs", 0, 0, 0, 0.25, 0.05, 8, true},
		{"a short time on an idle machine", nullptr, 0.5, 0, 0, 0.25, 0.05, 0.2, false},
	};
	for (const auto &one : cases) {
		about = one.what;
		json_t *found = judged(one.others, one.steal, one.throttled, one.cycle, one.seconds, one.load);
		need(json_is_true(json_object_get(found, "loaded")) == one.loaded,
			one.loaded ? "it is loaded" : "it is not loaded");
		need(json_array_size(json_object_get(found, "notes")) == (one.note ? 1 : 0), "as many notes as reasons");
		if (one.note)
			need_note(found, one.note);
		need(json_is_null(json_object_get(found, "others_share")) == (one.seconds < 0.1),
			"others are known if there was time to see them");
		json_t *machine = json_pack("{s:[s], s:b}", "notes", "first", "loaded", 0);
		bench::machine_merge(machine, found);
		need_note(machine, "first");
		need(json_is_true(json_object_get(machine, "loaded")) == one.loaded, "merged");
		need(json_array_size(json_object_get(machine, "notes")) == (one.note ? 2 : 1), "merged notes");
		bench::machine_merge(machine, found);
		need(json_array_size(json_object_get(machine, "notes")) == (one.note ? 2 : 1),
			"a later watch replaces an earlier one");
		json_decref(machine);
		json_decref(found);
	}
}

static uint64_t by_call()
{
	timespec t;
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

static uint64_t coarse()
{
	timespec t;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

static uint64_t stuck()
{
	return 5;
}

static uint64_t backwards()
{
	static uint64_t calls;
	return ++calls % 10 == 0 ? 1000 * calls - 5000 : 1000 * calls;
}

static void need_clock_note(uint64_t (*read)(), const char *source, const char *words)
{
	json_t *machine = json_object();
	for (const std::string &note : bench::clock_notes(bench::machine_clock(read, by_call), source, "hpet acpi_pm"))
		bench::machine_note(machine, note);
	need_note(machine, words);
	json_decref(machine);
}

static void bad_clocks_are_told()
{
	about = "bad clocks";
	need_clock_note(by_call, "", "system call");
	need_clock_note(coarse, "", "goes in steps of");
	need_clock_note(stuck, "", "stood still");
	need_clock_note(backwards, "", "run backwards");
	need_clock_note(bench::now_ns, "hpet", "does not trust the processor's own clock");
	const bench::clock_costs good = {20, 25, false, false};
	need(bench::clock_notes(good, "tsc", "tsc hpet").empty(), "nothing to say of a good one");
}

/* Every number of MACHINE that must be there and be sane, on a machine with CPUS CPUs that threads can be pinned to or not. */
static void check_machine(const json_t *machine, size_t cpus, bool pinned)
{
	for (const char *key : {"cpu_model", "class", "depth", "cores", "allowed", "can_pin", "virtual", "hypervisor", "smt",
		     "smt_how", "caches", "numa_nodes", "governor", "turbo", "frequency_mhz", "tsc_mhz", "quota", "kernel",
		     "clock", "cycle_ns", "cycle_ns_per_cpu", "l1_load_ns", "load_branch_ns", "lock_xadd_ns", "ping_pong",
		     "wake_ns", "clock_ns", "clock_step_ns", "clock_is_call", "sleep_overshoot_ns", "others_share", "steal_share",
		     "throttled_share", "load", "loaded", "perf", "notes"})
		need(json_object_get(machine, key), std::string("no ") + key);
	for (const char *key : {"cycle_ns", "l1_load_ns", "load_branch_ns", "lock_xadd_ns", "clock_ns"})
		need(number(machine, key) > 0 && std::isfinite(number(machine, key)), key);
	need(number(machine, "l1_load_ns") >= number(machine, "cycle_ns"), "a load takes a cycle at least");
	need(number(machine, "lock_xadd_ns") >= number(machine, "cycle_ns"), "so does an atomic addition");
	const json_t *wake = json_object_get(machine, "wake_ns");
	need(number(wake, "samples") > 0 && number(wake, "p50") > 0 && number(wake, "p99") >= number(wake, "p50"), "wakes");
	const json_t *trips = json_object_get(machine, "ping_pong"), *rows = json_object_get(trips, "round_trip_ns");
	const size_t n = pinned && cpus > 1 ? std::min<size_t>(cpus, 64) : 0;
	const bool sampled = json_is_true(json_object_get(trips, "sampled"));
	need(sampled || json_array_size(json_object_get(trips, "cpus")) == n, "CPUs of the matrix");
	need(json_array_size(rows) == json_array_size(json_object_get(trips, "cpus")), "a row for each");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		need(json_array_size(json_array_get(rows, i)) == json_array_size(rows), "a square");
		for (size_t j = 0; j < json_array_size(rows); j++) {
			const json_t *one = json_array_get(json_array_get(rows, i), j),
				     *mirrored = json_array_get(json_array_get(rows, j), i);
			need(json_equal(one, mirrored), "symmetric");
			need(i == j ? json_is_null(one) : sampled || json_number_value(one) >= number(machine, "l1_load_ns"),
				"every pair measured, and no faster than a load");
		}
	}
	if (cpus > 1)
		need(number(trips, "median_ns") > 0 && (number(trips, "unpinned_ns") > 0) == !pinned, "a round trip in any case");
	const json_t *perf = json_object_get(machine, "perf");
	need(json_is_true(json_object_get(perf, "available")) == json_is_null(json_object_get(perf, "why")),
		"perf counters, or why not");
	const std::string summary = bench::machine_summary(machine);
	const auto lines = std::count(summary.begin(), summary.end(), '\n');
	need(lines >= 2 && lines <= 4 && summary.back() == '\n', "two to four lines");
	need(summary.find(node_string(machine, "class")) != std::string::npos, "with the class");
	char *text = json_dumps(machine, 0);
	need(text && !strstr(text, "inf") && !strstr(text, "nan"), "JSON");
	free(text);
}

static void the_machine_is_described()
{
	bench::plan plan;
	plan.tier = bench::TIER_QUICK;
	about = "the short look";
	json_t *look = bench::machine_look(plan);
	check_machine(look, bench::machine_cpus().size(), bench::this_machine().can_pin);
	about = "the study";
	json_t *study = bench::study_machine(plan);
	check_machine(study, bench::machine_cpus().size(), bench::this_machine().can_pin);
	const char *key;
	json_t *value;
	json_object_foreach(study, key, value)
		need(json_object_get(look, key) || strcmp(key, "pair_slowdown") == 0,
			std::string("the short look has no ") + key);
	json_decref(look);
	json_decref(study);

	about = "after Ctrl-C";
	bench::interrupted = true;
	json_t *partial = bench::study_machine(plan);
	bench::interrupted = false;
	need(json_is_true(json_object_get(partial, "partial")) && json_object_get(partial, "class"), "partial, and said to be");
	json_decref(partial);
}

/* From here on no thread of this process can be pinned. False where no filter can be set. */
static bool refuse_affinity()
{
	sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const sock_fprog program = {sizeof filter / sizeof *filter, filter};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The look of a process under a condition, in that process; its exit status. */
static int look_under(const char *condition)
{
	about = condition;
	const bool pinned = strcmp(condition, "--one-cpu") == 0;
	if (pinned) {
		if (int error = bench::machine_pin(bench::machine_cpus().back())) {
			printf("cannot be pinned to one CPU: %s\n", strerror(error));
			return 77;
		}
	} else if (!refuse_affinity()) {
		puts("no filter of system calls can be set");
		return 77;
	}
	bench::plan plan;
	json_t *machine = bench::machine_look(plan);
	check_machine(machine, bench::machine_cpus().size(), pinned);
	if (pinned) {
		need_note(machine, "One CPU: threads take turns");
		need(strstr(node_string(machine, "class"), "1 core"), "the class says it");
	} else {
		need_note(machine, "Threads cannot be pinned");
		need(strstr(node_string(machine, "class"), "unpinned"), "the class says it");
	}
	json_decref(machine);
	return failed;
}

/* A fresh process each: what may be pinned is found out once. */
static void conditions_are_told(const char *program)
{
	for (const char *condition : {"--one-cpu", "--no-affinity"}) {
		about = condition;
		fflush(stdout);
		const pid_t child = fork();
		if (child == 0) {
			execl(program, program, condition, nullptr);
			_exit(1);
		}
		int status = 0;
		waitpid(child, &status, 0);
		need(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77),
			"the look under this condition");
	}
}

static void work_for(double seconds)
{
	const uint64_t until = bench::now_ns() + static_cast<uint64_t>(seconds * 1e9);
	while (bench::now_ns() < until)
		;
}

static void neighbours_are_noticed()
{
	about = "busy neighbours";
	std::vector<pid_t> hogs;
	bench::machine_watch watch;
	watch.begin();
	for (size_t i = 0; i < bench::machine_cpus().size(); i++) {
		const pid_t hog = fork();
		if (hog == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				work_for(1);
		}
		hogs.push_back(hog);
	}
	const timespec while_they_work = {0, 800000000};
	nanosleep(&while_they_work, nullptr);
	json_t *found = watch.end(); /* not waited for yet: so they are not ours */
	for (pid_t hog : hogs) {
		kill(hog, SIGKILL);
		waitpid(hog, nullptr, 0);
	}
	need(number(found, "others_share") > bench::OTHERS_LIMIT, "others took CPU time");
	need(json_is_true(json_object_get(found, "loaded")), "the machine is loaded");
	need_note(found, "Other programs took");
	json_decref(found);
}

static void touch_new_pages(size_t pages)
{
	const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), bytes = pages * page;
	void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages; i++)
		static_cast<volatile char *>(memory)[i * page] = 1;
	munmap(memory, bytes);
}

static void counters_count()
{
	about = "perf counters";
	need(bench::perf_why(ENOENT, "2").find("not visible") != std::string::npos, "ENOENT");
	need(bench::perf_why(EACCES, "4").find("perf_event_paranoid is 4") != std::string::npos, "EACCES");
	need(bench::perf_why(EPERM, "2").find("refused") != std::string::npos, "EPERM");
	need(bench::perf_why(ENOSYS, "").find("no perf_event_open") != std::string::npos, "ENOSYS");
	need(bench::perf_why(EIO, "").find("stand still") != std::string::npos, "EIO");
	if (!bench::perf_available()) {
		bench::perf_group none(bench::perf_hardware());
		need(none.stop().empty(), "what is not counted is nothing, not zero");
	}
	constexpr size_t PAGES = 64;
	bench::perf_group group(bench::perf_software());
	if (!group.open()) {
		printf("perf_event_open is refused (%s): counting was not tried\n", strerror(group.error()));
		return;
	}
	touch_new_pages(PAGES); /* before the start: not counted */
	group.start();
	touch_new_pages(PAGES);
	const std::vector<double> counts = group.stop();
	need(counts.size() == bench::perf_software().size(), "a count for each event");
	need(counts.size() > 1 && counts[1] >= double(PAGES) && counts[1] < FAULTS_MOST * double(PAGES),
		"a fault for each new page");
}

/* The way from a window's threads into a row's counters, with events that every kernel has. */
static void rows_have_counters()
{
	about = "counters of rows";
	enum { OPS = 64, THREADS = 2 };
	const std::vector<bench::perf_event> before = bench::perf_counted();
	bench::perf_count(bench::perf_software());
	if (!bench::perf_group(bench::perf_software()).open()) {
		bench::perf_count(before);
		return;
	}
	bench::loop loop;
	loop.threads = THREADS;
	loop.seconds = 0.001;
	loop.work = [&](unsigned, uint64_t ops) {
		for (uint64_t done = 0; done < ops; done += OPS)
			touch_new_pages(OPS);
	};
	uint64_t chunk = OPS;
	const bench::measurement made = bench::measured(bench::run_loop(loop, &chunk));
	bench::perf_count(before);
	double faults = -1;
	for (const auto &[name, value] : made.counters)
		if (name == "page_faults_per_op")
			faults = value;
	need(faults >= 1 && faults < FAULTS_MOST, "one page fault per operation, of both threads");
}

/* In a control group with a fifth of a CPU (test_quota.sh). */
static int look_under_quota()
{
	about = "a quota";
	bench::machine_pin(bench::machine_cpus().front());
	json_t *machine = json_object();
	bench::machine_facts(machine, "", bench::machine_cpus());
	need(std::abs(number(machine, "quota") - 0.2) < 1e-9, "a fifth of a CPU");
	need_note(machine, "grants 0.20 of");
	bench::machine_watch watch;
	watch.begin();
	work_for(1);
	json_t *found = watch.end();
	need(number(found, "throttled_share") > 0 && number(found, "throttled_periods") > 0, "work beyond it was stopped");
	need(json_is_true(json_object_get(found, "loaded")), "which is said");
	need_note(found, "CPU quota stopped us");
	json_decref(found);
	json_decref(machine);
	if (!failed)
		puts("a quota is seen, and so is that it stopped us");
	return failed;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--quota") == 0)
		return look_under_quota();
	if (argc > 1)
		return look_under(argv[1]);
	lists_are_read();
	files_are_told();
	kernel_accounts_are_read();
	loads_are_judged();
	bad_clocks_are_told();
	the_machine_is_described();
	conditions_are_told(argv[0]);
	neighbours_are_noticed();
	counters_count();
	rows_have_counters();
	if (!failed)
		puts("the machine is described, and what is odd about it is said");
	return failed;
}
