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
#include <system_error>
#include <unistd.h>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "../stress/child.h"
#include "bench.h"
#include "compare.h"
#include "machine.h"
#include "names.h"
#include "options.h"
#include "peers/peers.h"
#include "store.h"
#include "stuck.h"

namespace bench
{

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

/* Every row there is with the plan's threads. */
static std::vector<row> all_rows(const plan &plan)
{
	std::vector<row> all;
	add_floor_rows(all, plan);
	add_initialiser_rows(all, plan);
	add_counter_rows(all, plan);
	add_latency_rows(all, plan);
	add_progress_rows(all, plan);
	add_pipeline_rows(all, plan);
	finish_rows_of_subjects(all);
	return all;
}

/* What a filter could have meant: rows, and studies. */
static std::vector<std::string> names_of_all_rows(const plan &plan)
{
	std::vector<std::string> names;
	for (const row &row : all_rows(plan))
		names.push_back(row.name);
	for (const study *study : studies())
		names.push_back(study->name);
	return names;
}

/* The rows of the plan, and every floor that they are compared with. */
static std::vector<row> select_rows(const plan &plan)
{
	std::vector<row> all = all_rows(plan), chosen;
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
	stuck_hurry();
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

/* What the processes before found out: how many operations lie between two looks at the stop flag, rows that take too long, and
 * how much of the time is left for windows. */
static void take_hints(std::vector<row> &rows, plan &plan)
{
	json_t *hints = plan.hints >= 0 ? json_loadfd(plan.hints, 0, nullptr) : nullptr;
	json_t *chunks = json_object_get(hints, "chunks"), *name;
	if (json_is_number(json_object_get(hints, "window_share")))
		plan.window_share = json_number_value(json_object_get(hints, "window_share"));
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
	const double shortest_s = 0.003, share = plan.process == 0 ? plan.window_share / 2 : plan.window_share;
	double windows = 0;
	for (const row &row : rows)
		windows += row.skipped.empty() ? repetitions_of(row, plan) * (row.oversubscribed() ? 2 : 1) : 0;
	if (plan.process_budget_s > 0 && windows > 0)
		plan.window_s = std::max(std::min(plan.window_s, share * plan.process_budget_s / windows), shortest_s);
}

/* One process of a plan, or one study: what it found goes to stdout. */
static int run_as_child(plan &plan, const std::vector<std::string> &flags)
{
	struct sigaction action = {};
	action.sa_handler = interrupt;
	sigaction(SIGINT, &action, nullptr);
	sigaction(SIGTERM, &action, nullptr);
	std::string text;
	if (plan.study.empty()) {
		std::vector<row> rows = select_rows(plan);
		take_hints(rows, plan);
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
		complain("bench: no row matches%s; `onceproof bench --list` shows all rows",
			unmatched(plan.globs, names_of_all_rows(plan)).c_str());
		return EXIT_USAGE;
	}
	if (list) {
		for (const row &row : rows)
			printf("%s\n", row.name.c_str());
		for (const study *study : chosen)
			printf("%s\n", study->name);
		if (fflush(stdout) == 0 && !ferror(stdout))
			return EXIT_HOLDS;
		complain("standard output: %s", strerror(errno));
		return EXIT_USAGE;
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
	plan plan = parse_options(words, argv, &list);
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
