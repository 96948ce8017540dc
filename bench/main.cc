// SPDX-License-Identifier: MIT
// onceproof-bench: the price list. `onceproof bench` runs it and turns its JSON into a report. It starts itself again for every process
// of the plan and for every study (run.cc).
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <getopt.h>
#include <system_error>
#include <unistd.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "../stress/child.h"
#include "bench.h"
#include "compare.h"
#include "machine.h"
#include "names.h"
#include "peers/peers.h"
#include "store.h"

/* stress/implementation_build.h, which is C. */
extern "C" const struct registered *implementation_load(const char *path);

namespace bench
{

static const char USAGE[] =
	"usage: onceproof-bench [FILTER...] [--quick|--full] [--json FILE] [--threads LIST] [--shard I/N] [-q|-v]\n"
	"                       [--list] [--no-table] [--save NAME] [--processes N] [-- Google Benchmark flags]\n"
	"       onceproof-bench --compare A B [FILTER...] ...\n"
	"FILE gets Google Benchmark's JSON; '-' is stdout, to be used with --no-table.\n";
enum { THREADS_MAX = 256 };

/* "1,2,4" */
static std::vector<unsigned> parse_threads(const char *text)
{
	std::vector<unsigned> list;
	for (const char *at = text;; at++) {
		char *end;
		unsigned long n = strtoul(at, &end, 10);
		if (*at < '0' || *at > '9' || n < 1 || n > THREADS_MAX || (*end != ',' && *end != '\0')) {
			complain("--threads: '%s' is not a list of numbers from 1 to %d, such as 1,2,4", text, THREADS_MAX);
			exit(EXIT_USAGE);
		}
		if (std::find(list.begin(), list.end(), n) == list.end())
			list.push_back(static_cast<unsigned>(n));
		if (*end == '\0')
			break;
		at = end;
	}
	std::sort(list.begin(), list.end());
	return list;
}

static void set_quick(plan &plan)
{
	plan.name = "quick";
	plan.tier = TIER_QUICK;
	plan.window_s = 0.01;
	plan.processes = 9;
	plan.row_budget_s = 1;
	plan.budget_s = 75;
}

static void set_full(plan &plan)
{
	plan.name = "full";
	plan.window_s = 0.04;
	plan.processes = 15;
	plan.row_budget_s = 20;
	plan.budget_s = 660;
	plan.tier = TIER_FULL;
}

static unsigned parse_processes(const char *text)
{
	enum { PROCESSES_MAX = 1000 };
	char *end;
	const unsigned long n = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && n >= 1 && n <= PROCESSES_MAX)
		return static_cast<unsigned>(n);
	complain("--processes: '%s' is not a number from 1 to %d", text, PROCESSES_MAX);
	exit(EXIT_USAGE);
}

/* The time that a plan has grows with its processes: of the whole, and of each row. */
static void set_processes(plan &plan, unsigned processes)
{
	const double factor = std::max(1.0, static_cast<double>(processes) / plan.processes);
	plan.budget_s *= factor;
	plan.row_budget_s *= factor;
	plan.processes = processes;
}

/* A result that is kept must be good for a comparison; and that it cannot be kept is said now, not after the measuring. */
static void prepare_save(plan &plan)
{
	if (plan.save.empty())
		return;
	store_prepare(plan.save);
	if (plan.processes < SAVED_PROCESSES)
		set_processes(plan, SAVED_PROCESSES);
}

std::vector<unsigned> default_threads(enum tier tier)
{
	const unsigned cores = this_machine().cores;
	std::vector<unsigned> list;
	for (unsigned n = 1; n < cores; n *= 2)
		list.push_back(n);
	list.push_back(cores);
	if (tier == TIER_FULL)
		list.push_back(2 * cores);
	list.push_back(4 * cores);
	return list;
}

static plan parse(int argc, char **argv, bool *list)
{
	plan plan;
	enum {
		QUICK = 256,
		FULL,
		JSON,
		THREADS,
		SHARD,
		LIST,
		NO_TABLE,
		LOAD,
		PROCESS,
		HINTS,
		BUDGET,
		STUDY,
		GOALS,
		SAVE,
		PROCESSES
	};
	static const option options[] = {{"quick", no_argument, nullptr, QUICK}, {"full", no_argument, nullptr, FULL},
		{"json", required_argument, nullptr, JSON}, {"threads", required_argument, nullptr, THREADS},
		{"shard", required_argument, nullptr, SHARD}, {"verbose", no_argument, nullptr, 'v'},
		{"quiet", no_argument, nullptr, 'q'}, {"list", no_argument, nullptr, LIST},
		{"no-table", no_argument, nullptr, NO_TABLE}, {"load", required_argument, nullptr, LOAD},
		{"process", required_argument, nullptr, PROCESS}, {"hints", required_argument, nullptr, HINTS},
		{"budget", required_argument, nullptr, BUDGET}, {"study", required_argument, nullptr, STUDY},
		{"goals", no_argument, nullptr, GOALS}, {"save", required_argument, nullptr, SAVE},
		{"processes", required_argument, nullptr, PROCESSES}, {"help", no_argument, nullptr, 'h'}, {}};
	bool goals = false;
	unsigned processes = 0;
	for (int key; (key = getopt_long(argc, argv, "qvh", options, nullptr)) != -1;) {
		switch (key) {
		case QUICK:
			set_quick(plan);
			break;
		case FULL:
			set_full(plan);
			break;
		case JSON:
			plan.outputs.push_back(optarg);
			break;
		case NO_TABLE:
			plan.table = false;
			break;
		case THREADS:
			plan.threads = parse_threads(optarg);
			break;
		case SHARD:
			if (sscanf(optarg, "%9u/%9u", &plan.shard, &plan.shards) != 2 || plan.shard < 1 ||
				plan.shard > plan.shards) {
				complain("--shard: '%s' is not I/N with 1 <= I <= N", optarg);
				exit(EXIT_USAGE);
			}
			break;
		case LOAD:
			/* A user's implementation, as a shared object: rows are made of the registry. */
			if (!implementation_load(optarg))
				exit(EXIT_USAGE);
			plan.loads.push_back(optarg);
			break;
		case GOALS:
			goals = true;
			break;
		case SAVE:
			plan.save = optarg;
			break;
		case PROCESSES:
			processes = parse_processes(optarg);
			break;
		/* From the parent to its children. */
		case PROCESS:
			plan.child = true;
			plan.process = static_cast<unsigned>(strtoul(optarg, nullptr, 10));
			break;
		case HINTS:
			plan.hints = atoi(optarg);
			break;
		case BUDGET:
			plan.process_budget_s = atof(optarg);
			break;
		case STUDY:
			plan.study = optarg;
			break;
		case LIST:
			*list = true;
			break;
		case 'q':
			plan.quiet = true;
			break;
		case 'v':
			plan.verbose = true;
			break;
		case 'h':
			fputs(USAGE, stdout);
			exit(EXIT_HOLDS);
		default:
			fputs(USAGE, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (processes)
		set_processes(plan, processes);
	plan.globs.assign(argv + optind, argv + argc);
	if (goals)
		plan.globs = goal_rows();
	if (plan.threads.empty())
		plan.threads = default_threads(plan.tier);
	return plan;
}

static std::vector<std::string> split(const std::string &path)
{
	std::vector<std::string> parts(1);
	for (char c : path)
		if (c == '/')
			parts.emplace_back();
		else
			parts.back() += c;
	return parts;
}

/* The rows of the plan, and every floor that they are compared with. */
static std::vector<row> select_rows(const plan &plan)
{
	std::vector<row> all, chosen;
	add_floor_rows(all, plan);
	add_initialiser_rows(all, plan);
	add_counter_rows(all, plan);
	add_latency_rows(all, plan);
	add_progress_rows(all, plan);
	add_pipeline_rows(all, plan);
	finish_rows_of_subjects(all);
	/* With more threads than cores it is the counters that differ; the rest can wait for a longer plan. */
	for (row &row : all)
		if (row.oversubscribed() && row.tier == TIER_QUICK && split(row.name)[2] != "increment" &&
			split(row.name)[0] != "floor")
			row.tier = TIER_DEFAULT;
	std::vector<bool> wanted(all.size());
	size_t matched = 0;
	for (size_t i = 0; i < all.size(); i++)
		if (plan.globs.empty() ? all[i].tier <= plan.tier : name_matches(plan.globs, all[i].name))
			wanted[i] = matched++ % plan.shards == plan.shard - 1;
	for (size_t i = 0; i < all.size(); i++)
		for (size_t f = 0; wanted[i] && f < all.size(); f++)
			if (all[f].name == all[i].floor || all[f].name == all[i].least)
				wanted[f] = true;
	for (size_t i = 0; i < all.size(); i++)
		if (wanted[i])
			chosen.push_back(all[i]);
	return chosen;
}

static void interrupt(int)
{
	interrupted.store(true, std::memory_order_relaxed); // relaxed: a flag alone
}

static std::string dumped(const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
	if (!text)
		throw std::bad_alloc();
	std::string copy(text);
	free(text);
	return copy + "\n";
}

static int write_text(const std::string &path, const std::string &text)
{
	if (path == "-")
		return fwrite(text.data(), 1, text.size(), stdout) == text.size() && fflush(stdout) == 0 ? 0 : errno;
	struct draft draft;
	int error = draft_open(&draft, path.c_str());
	if (error)
		return error;
	fwrite(text.data(), 1, text.size(), draft.stream); /* commit sees what went wrong here */
	return draft_commit(&draft);
}

/* Google Benchmark's own switch for the output file means ours, so that the names in it are ours too. */
static void adopt_output_flags(plan &plan, std::vector<std::string> &flags, bool *list)
{
	auto taken = [&](const std::string &flag) {
		const std::string out = "--benchmark_out=";
		if (flag.compare(0, out.size(), out) == 0)
			plan.outputs.push_back(flag.substr(out.size()));
		else if (flag == "--benchmark_list_tests" || flag == "--benchmark_list_tests=true")
			*list = true;
		else
			return flag == "--benchmark_out_format=json" || flag == "--benchmark_format=json";
		return true;
	};
	flags.erase(std::remove_if(flags.begin(), flags.end(), taken), flags.end());
	/* More processes say more than more repetitions in one. */
	auto repetitions = [&](const std::string &flag) {
		const std::string option = "--benchmark_repetitions=";
		if (flag.compare(0, option.size(), option) != 0)
			return false;
		set_processes(plan, static_cast<unsigned>(std::clamp(atoi(flag.c_str() + option.size()), 1, 1000)));
		return true;
	};
	flags.erase(std::remove_if(flags.begin(), flags.end(), repetitions), flags.end());
}

/* Says which claims were refuted; how many rows. */
static size_t complain_of_broken(const std::vector<row> &rows)
{
	size_t broken = 0;
	for (const row &row : rows)
		for (const measurement &one : row.measurements)
			if (!one.broken.empty()) {
				complain("%s: %s", row.name.c_str(), one.broken.c_str());
				broken++;
				break;
			}
	return broken;
}

/* What the processes before found out: how many operations lie between two looks at the stop flag, and rows that take too long. */
static void take_hints(std::vector<row> &rows, int fd)
{
	json_t *hints = fd >= 0 ? json_loadfd(fd, 0, nullptr) : nullptr;
	json_t *chunks = json_object_get(hints, "chunks"), *name;
	size_t i;
	for (row &row : rows)
		if (json_t *chunk = json_object_get(chunks, row.name.c_str())) {
			row.chunk = static_cast<uint64_t>(json_integer_value(chunk));
			row.rehearsed = row.chunk > 0;
		}
	json_array_foreach(json_object_get(hints, "left_out"), i, name) {
		rows.erase(std::remove_if(
				   rows.begin(), rows.end(), [&](const row &row) { return row.name == json_string_value(name); }),
			rows.end());
	}
	json_decref(hints);
}

/* Windows shrink rather than rows lose repetitions, where there are more rows than time. The first process also rehearses. */
static void fit_window(plan &plan, const std::vector<row> &rows)
{
	const double shortest_s = 0.003,
		     share = plan.process == 0 ? 0.35 : 0.7; /* the rest is for setting up, and for storms and batches */
	double windows = 0;
	for (const row &row : rows)
		windows += row.skipped.empty() ? row.oversubscribed() ? 2 : 1 : 0;
	if (plan.process_budget_s > 0 && windows > 0)
		plan.window_s = std::max(std::min(plan.window_s, share * plan.process_budget_s / windows), shortest_s);
}

/* One process of a plan, or one study: what it found goes to stdout. */
static void end_stuck(int)
{
	_exit(EXIT_STUCK);
}

static int run_as_child(plan &plan, const std::vector<std::string> &flags)
{
	struct sigaction action = {};
	action.sa_handler = interrupt;
	sigaction(SIGINT, &action, nullptr);
	sigaction(SIGTERM, &action, nullptr);
	action.sa_handler = end_stuck;
	sigaction(SIGALRM, &action, nullptr);
	std::string text;
	if (plan.study.empty()) {
		std::vector<row> rows = select_rows(plan);
		take_hints(rows, plan.hints);
		fit_window(plan, rows);
		if (rows.empty())
			return write_text("-", "{}\n") == 0 ? EXIT_HOLDS : EXIT_USAGE;
		text = run_rows(rows, plan, flags);
		if (text.empty()) {
			complain("bench: no row matches --benchmark_filter");
			return EXIT_USAGE;
		}
	} else {
		for (const study *study : studies())
			if (plan.study == study->name) {
				json_t *found = study->measure(plan);
				text = dumped(found);
				json_decref(found);
			}
	}
	return write_text("-", text) == 0 ? EXIT_HOLDS : EXIT_USAGE;
}

/* The studies of the plan: those that the filter names, whatever they take; without a filter those that it has time for. */
static std::vector<const study *> select_studies(const plan &plan)
{
	std::vector<const study *> chosen;
	for (const study *study : studies())
		if (plan.globs.empty() ? study->tier <= plan.tier && plan.shard == 1
				       : std::find(plan.globs.begin(), plan.globs.end(), study->name) != plan.globs.end())
			chosen.push_back(study);
	return chosen;
}

/* What a child is told of the plan. */
static std::vector<std::string> words_for_children(const plan &plan)
{
	std::vector<std::string> words;
	if (plan.tier != TIER_DEFAULT)
		words.push_back(plan.tier == TIER_QUICK ? "--quick" : "--full");
	std::string threads;
	for (unsigned n : plan.threads)
		threads += (threads.empty() ? "" : ",") + std::to_string(n);
	words.push_back("--threads=" + threads);
	words.push_back("--shard=" + std::to_string(plan.shard) + "/" + std::to_string(plan.shards));
	for (const std::string &path : plan.loads)
		words.push_back("--load=" + path);
	words.insert(words.end(), plan.globs.begin(), plan.globs.end());
	return words;
}

static void add_context(json_t *context, const plan &plan, const collected &collected)
{
	const machine &machine = this_machine();
	auto add = [&](const char *key, const std::string &value) {
		json_object_set_new(context, key, json_string(value.c_str()));
	};
	json_object_set_new(context, "format", json_integer(SAVED_FORMAT));
	add("onceproof_version", ONCEPROOF_VERSION);
	add("partial", collected.partial ? "true" : "false");
	add("plan", plan.name);
	json_object_set_new(context, "dropped", json_integer(collected.dropped));
	add("window_ms", std::to_string(std::lround(plan.window_s * 1e3)));
	add("cpu_model", machine.cpu_model);
	add("cores_usable", std::to_string(machine.cores));
	add("quota", machine.quota > 0 ? std::to_string(machine.quota) : "none");
	add("kernel", machine.kernel);
	add("clock", machine.clock);
	add("compiler", machine.compiler);
	json_object_set_new(context, "peers", peers_json());
	json_object_set_new(context, "processes", json_integer(collected.processes));
}

/* Under the name asked for; and what is whole as the latest. */
static void keep(const std::string &text, const plan &plan, const collected &collected)
{
	const bool filtered = !plan.globs.empty() || plan.shards > 1 || !plan.loads.empty();
	if (!plan.save.empty() && collected.partial)
		complain("bench: '%s' was not saved, because measuring was interrupted; what was there before is as it was",
			plan.save.c_str());
	else if (!plan.save.empty())
		store_save(plan.save, text);
	if (!collected.partial && !filtered)
		store_keep_latest(text);
}

/* To the files asked for and to stdout: whichever cannot be written, the others have what took minutes to measure. An exit status. */
static int deliver(const std::vector<row> &rows, const plan &plan, const collected &collected)
{
	const bool nothing = json_object_size(collected.studies.get()) == 0 &&
			     std::all_of(rows.begin(), rows.end(), [](const row &row) { return row.measurements.empty(); });
	if (collected.partial && nothing) {
		complain("bench: interrupted before anything was measured; nothing is written");
		if (!plan.save.empty())
			complain("bench: '%s' was not saved; what was there before is as it was", plan.save.c_str());
		return EXIT_INCONCLUSIVE;
	}
	const std::string text = dumped(result_json(rows, collected).get());
	bool written = true;
	for (const std::string &path : plan.outputs)
		if (int error = write_text(path, text)) {
			complain("%s: cannot write the benchmarks: %s", path.c_str(), strerror(error));
			written = false;
		}
	try {
		keep(text, plan, collected);
	} catch (const std::runtime_error &error) {
		complain("bench: %s", error.what());
		written = false;
	}
	if (plan.table)
		print_table(rows, collected);
	if (plan.table && (fflush(stdout) != 0 || ferror(stdout))) {
		complain("standard output: %s", strerror(errno));
		written = false;
	}
	const bool broken = complain_of_broken(rows) > 0;
	if (!written)
		return EXIT_USAGE;
	if (broken)
		return EXIT_BROKEN;
	return collected.partial ? EXIT_INCONCLUSIVE : EXIT_HOLDS;
}

static int run_as_parent(const plan &plan, const std::vector<std::string> &flags, bool list)
{
	std::vector<row> rows = select_rows(plan);
	const std::vector<const study *> chosen = select_studies(plan);
	if (rows.empty() && chosen.empty()) {
		complain("bench: no row matches the filter; `onceproof bench --list` shows all rows");
		return EXIT_USAGE;
	}
	if (list) {
		for (const row &row : rows)
			printf("%s\n", row.name.c_str());
		for (const study *study : chosen)
			printf("%s\n", study->name);
		return EXIT_HOLDS;
	}
	child_catch_interrupts();
	if (!plan.outputs.empty() || !plan.save.empty())
		signal(SIGPIPE, SIG_IGN); /* who reads the table may go; what was measured is kept */
	machine_watch watch;
	watch.begin();
	std::shared_ptr<json_t> machine(machine_look(plan), json_decref);
	if (plan.table && !plan.quiet) {
		print_header(plan, machine.get());
		fflush(stdout);
	}
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	if (length <= 0)
		throw std::runtime_error("cannot find its own program: /proc is not there");
	collected collected = run_processes(
		std::string(self, static_cast<size_t>(length)), words_for_children(plan), flags, rows, chosen, plan);
	add_context(collected.context.get(), plan, collected);
	/* The study looks closer. */
	if (json_t *studied = json_object_get(collected.studies.get(), "machine"))
		machine.reset(json_incref(studied), json_decref);
	json_object_del(collected.studies.get(), "machine");
	const std::shared_ptr<json_t> watched(watch.end(), json_decref);
	machine_merge(machine.get(), watched.get());
	json_object_set(collected.context.get(), "machine", machine.get());
	return deliver(rows, plan, collected);
}

static int run(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--compare") == 0)
		return compare_main(argc - 1, argv + 1);
	int words = argc; /* ours; the others are Google Benchmark's */
	for (int i = 1; i < argc && words == argc; i++)
		if (strcmp(argv[i], "--") == 0)
			words = i;
	std::vector<std::string> flags(argv + std::min(words + 1, argc), argv + argc);
	bool list = false;
	plan plan = parse(words, argv, &list);
	if (plan.child || !plan.study.empty())
		return run_as_child(plan, flags);
	adopt_output_flags(plan, flags, &list);
	if (!list)
		prepare_save(plan);
	return run_as_parent(plan, flags, list);
}

} // namespace bench

/* A closed standard stream must not become a file or pipe of ours: reading and writing it fails as before. */
static void hold_standard_streams()
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	hold_standard_streams();
	try {
		return bench::run(argc, argv);
	} catch (const std::exception &error) {
		if (*error.what()) /* else a child has said it */
			complain("bench: %s", error.what());
		return EXIT_USAGE;
	}
}
