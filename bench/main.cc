// SPDX-License-Identifier: MIT
// onceproof-bench: the price list. `onceproof bench` runs it and turns its JSON into a report.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fnmatch.h>
#include <getopt.h>
#include <system_error>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "bench.h"

/* stress/implementation_build.h, which is C. */
extern "C" const struct registered *implementation_load(const char *path);

namespace bench
{

static const char USAGE[] =
	"usage: onceproof-bench [FILTER...] [--quick|--full] [--json FILE] [--threads LIST] [--shard I/N] [-q|-v]\n"
	"                       [--list] [--no-table] [-- Google Benchmark flags]\n"
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
	plan.repetitions = 3;
	plan.row_budget_s = 0.5;
}

static void set_full(plan &plan)
{
	plan.name = "full";
	plan.window_s = 0.06;
	plan.repetitions = 15;
	plan.row_budget_s = 20;
	plan.tier = TIER_FULL;
}

static plan parse(int argc, char **argv, bool *list)
{
	plan plan;
	enum { QUICK = 256, FULL, JSON, THREADS, SHARD, LIST, NO_TABLE, LOAD };
	static const option options[] = {{"quick", no_argument, nullptr, QUICK}, {"full", no_argument, nullptr, FULL},
		{"json", required_argument, nullptr, JSON}, {"threads", required_argument, nullptr, THREADS},
		{"shard", required_argument, nullptr, SHARD}, {"verbose", no_argument, nullptr, 'v'},
		{"quiet", no_argument, nullptr, 'q'}, {"list", no_argument, nullptr, LIST},
		{"no-table", no_argument, nullptr, NO_TABLE}, {"load", required_argument, nullptr, LOAD}, {"help", no_argument, nullptr, 'h'}, {}};
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
	plan.globs.assign(argv + optind, argv + argc);
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

/* Globs match part by part; one with fewer parts than the name matches everything below. */
static bool matches(const std::vector<std::string> &globs, const std::string &name)
{
	const std::vector<std::string> parts = split(name);
	for (const std::string &glob : globs) {
		const std::vector<std::string> wanted = split(glob);
		bool all = wanted.size() <= parts.size();
		for (size_t i = 0; all && i < wanted.size(); i++)
			all = fnmatch(wanted[i].c_str(), parts[i].c_str(), 0) == 0;
		if (all)
			return true;
	}
	return globs.empty();
}

/* The rows of the plan, and every floor that they are compared with. */
static std::vector<row> select(const plan &plan)
{
	std::vector<row> all, chosen;
	add_floor_rows(all, plan);
	add_initialiser_rows(all, plan);
	add_counter_rows(all, plan);
	add_progress_rows(all, plan);
	add_pipeline_rows(all, plan);
	std::vector<bool> wanted(all.size());
	size_t matched = 0;
	for (size_t i = 0; i < all.size(); i++)
		if (matches(plan.globs, all[i].name))
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

static int write_json(const std::string &path, const std::string &text)
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
	for (const std::string &flag : flags) {
		const std::string repetitions = "--benchmark_repetitions=";
		if (flag.compare(0, repetitions.size(), repetitions) == 0)
			plan.repetitions = static_cast<unsigned>(std::max(1, atoi(flag.c_str() + repetitions.size())));
	}
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

static int run(int argc, char **argv)
{
	int words = argc; /* ours; the others are Google Benchmark's */
	for (int i = 1; i < argc && words == argc; i++)
		if (strcmp(argv[i], "--") == 0)
			words = i;
	std::vector<std::string> flags(argv + std::min(words + 1, argc), argv + argc);
	bool list = false;
	plan plan = parse(words, argv, &list);
	adopt_output_flags(plan, flags, &list);
	std::vector<row> rows = select(plan);
	if (rows.empty()) {
		complain("bench: no row matches the filter; `onceproof bench --list` shows all rows");
		return EXIT_USAGE;
	}
	if (list) {
		for (const row &row : rows)
			printf("%s\n", row.name.c_str());
		return EXIT_HOLDS;
	}
	struct sigaction action = {};
	action.sa_handler = interrupt;
	sigaction(SIGINT, &action, nullptr);
	sigaction(SIGTERM, &action, nullptr);
	if (plan.table && !plan.quiet) {
		print_header(plan);
		fflush(stdout);
	}
	const std::string json = run_rows(rows, plan, flags);
	if (json.empty()) {
		complain("bench: no row matches --benchmark_filter");
		return EXIT_USAGE;
	}
	const bool partial = interrupted.load(std::memory_order_relaxed);
	if (plan.table)
		print_table(rows, partial);
	if (plan.table && (fflush(stdout) != 0 || ferror(stdout))) {
		complain("standard output: %s", strerror(errno));
		return EXIT_USAGE;
	}
	for (const std::string &path : plan.outputs)
		if (int error = write_json(path, json)) {
			complain("%s: cannot write the benchmarks: %s", path.c_str(), strerror(error));
			return EXIT_USAGE;
		}
	if (complain_of_broken(rows))
		return EXIT_BROKEN;
	return partial ? EXIT_INCONCLUSIVE : EXIT_HOLDS;
}

} // namespace bench

int main(int argc, char **argv)
{
	try {
		return bench::run(argc, argv);
	} catch (const std::exception &error) {
		complain("bench: %s", error.what());
		return EXIT_USAGE;
	}
}
