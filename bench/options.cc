// SPDX-License-Identifier: MIT
// The command line of onceproof-bench.
#include "options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>

#include "../impl/support/say.h"
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
	plan.budget_s = 740;
	plan.tier = TIER_FULL;
}

static unsigned parse_processes(const char *text)
{
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

void prepare_save(plan &plan)
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

plan parse_options(int argc, char **argv, bool *list)
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
	if (goals) {
		plan.globs = goal_rows(plan.globs);
		if (plan.globs.empty()) {
			complain("bench: no goal has a row that matches; `onceproof bench --goals --list` shows those of all");
			exit(EXIT_USAGE);
		}
	}
	if (plan.threads.empty())
		plan.threads = default_threads(plan.tier);
	return plan;
}

void adopt_output_flags(plan &plan, std::vector<std::string> &flags, bool *list)
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

} // namespace bench
