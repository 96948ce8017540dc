// SPDX-License-Identifier: MIT
// The parent of a run: one process after the other measures all rows, so that what differs from process to process (where code and data
// lie) is sampled too, and slow changes of the machine meet all rows alike.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unordered_map>

#include "../impl/support/say.h"
#include "../stress/child.h"
#include "bench.h"

namespace bench
{

namespace
{

/* "process 2 of 10, about 41 s left: 12/340 counter/mutex/increment/threads:2" on a terminal, rewritten in place. */
class progress_line
{
      public:
	progress_line(const plan &plan, size_t rows) : plan_(plan), rows_(rows), shown_(!plan.quiet && isatty(STDERR_FILENO))
	{
	}
	~progress_line()
	{
		if (shown_)
			fputs("\r\033[K", stderr);
	}
	void begin(unsigned process)
	{
		process_ = process;
		done_ = 0;
		seen_.clear();
	}
	/* The row that began last. */
	const std::string &current() const
	{
		return current_;
	}
	void step(const char *what)
	{
		seen_.insert(what); /* floors are repeated */
		done_ = seen_.size();
		current_ = what;
		if (shown_) {
			char text[256];
			snprintf(text, sizeof text, "process %u of %u%s: %zu/%zu %s", process_ + 1, plan_.processes,
				left().c_str(), done_, rows_, what);
			/* A line that wraps could not be taken back. */
			fprintf(stderr, "\r\033[K%.*s", columns() - 1, text);
			fflush(stderr);
		}
		if (plan_.verbose)
			fprintf(stderr, "%u: %s\n", process_, what);
	}
	void study(const char *what)
	{
		if (shown_) {
			fprintf(stderr, "\r\033[K%s ...", what);
			fflush(stderr);
		}
	}

      private:
	const plan &plan_;
	size_t rows_, done_ = 0;
	unsigned process_ = 0;
	std::string current_;
	std::set<std::string> seen_;
	bool shown_;
	uint64_t start_ = now_ns();

	/* Of the terminal, as it is now. */
	static int columns()
	{
		winsize size = {};
		const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
		return known ? size.ws_col : 80;
	}
	/* After a twentieth of the first process it can be told. */
	std::string left() const
	{
		const double all = static_cast<double>(plan_.processes) * static_cast<double>(rows_);
		const double so_far = static_cast<double>(process_) * static_cast<double>(rows_) + static_cast<double>(done_);
		if (so_far * 20 < static_cast<double>(rows_))
			return "";
		const double elapsed = static_cast<double>(now_ns() - start_) * 1e-9;
		const double left = std::min(elapsed / so_far * (all - so_far), plan_.budget_s - elapsed);
		return ", about " + std::to_string(std::lround(std::ceil(std::max(left, 0.0)))) + " s left";
	}
};

/* What is put together of the children. */
struct gathering {
	std::vector<row> &rows;
	std::unordered_map<std::string, row *> by_name;
	std::unordered_map<std::string, double> spent_s; /* by row, in all processes */
	std::set<std::string> hung;                      /* rows that a process did not get out of */
	json_t *hints;                                   /* owned: {chunks {name: operations}, left_out[] names} */
	collected result;
	progress_line *line;
};

struct child_output {
	std::string out;
	int status;
	bool interrupted;
	bool stuck; /* in one of its rows */
};

} // namespace

static std::shared_ptr<json_t> owned(json_t *object)
{
	return std::shared_ptr<json_t>(object, json_decref);
}

/* "@name" is a row that begins; other lines are for people. */
static bool hear(void *arg, const char *line)
{
	if (line[0] != '@')
		return false;
	static_cast<progress_line *>(arg)->step(line + 1);
	return true;
}

/* Runs PROGRAM as a child with WORDS; what it complains of is passed on. Throws std::runtime_error when it cannot be started. */
static child_output run_child(const std::string &program, const std::vector<std::string> &words, progress_line *line, int hints)
{
	std::vector<std::string> all = {program};
	all.insert(all.end(), words.begin(), words.end());
	std::vector<char *> argv;
	for (std::string &word : all)
		argv.push_back(word.data());
	argv.push_back(nullptr);
	child_options options = {};
	options.argv = argv.data();
	options.output_max = size_t{256} << 20;
	options.grace_s = 30; /* a window in progress ends at once; a batch may take this long */
	options.heard = hear;
	options.heard_arg = line;
	options.pass_fd = hints;
	child_result child;
	if (int error = child_run(&options, &child))
		throw std::runtime_error(program + ": " + std::strerror(error) + "; was the whole project built?");
	child_output output = {std::string(child.out, child.out_length), child.status, child.interrupted,
		WIFEXITED(child.status) && WEXITSTATUS(child.status) == EXIT_STUCK};
	if (child.err_length)
		fwrite(child.err, 1, child.err_length, stderr);
	child_free(&child);
	if (WIFSIGNALED(output.status) && !output.interrupted)
		throw std::runtime_error(
			std::string("a measuring process was ended by signal ") + strsignal(WTERMSIG(output.status)));
	if (WIFEXITED(output.status) && WEXITSTATUS(output.status) == EXIT_USAGE)
		throw std::runtime_error("");
	return output;
}

/* A descriptor to read the hints from, or -1. */
static int hints_file(json_t *hints)
{
	int fd = memfd_create("onceproof-bench-hints", MFD_CLOEXEC);
	char *text = fd >= 0 ? json_dumps(hints, JSON_COMPACT) : nullptr;
	if (!text || write(fd, text, std::strlen(text)) != static_cast<ssize_t>(std::strlen(text)) ||
		lseek(fd, 0, SEEK_SET) != 0) {
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	std::free(text);
	return fd;
}

/* Members of a repetition that are no counters of the row's own. */
static bool is_own_counter(const std::string &key)
{
	static const std::set<std::string> common = {"family_index", "per_family_instance_index", "repetitions",
		"repetition_index", "threads", "iterations", "real_time", "cpu_time", "ops", "wall_ns_per_op", "cpu_ns_per_op",
		"oversubscribed", "preempted", "pinned", "window_ms", "spent_s"};
	return common.count(key) == 0;
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static measurement measurement_of(json_t *told, unsigned process)
{
	measurement one;
	one.process = process;
	one.told = std::shared_ptr<json_t>(json_incref(told), json_decref);
	one.ns_per_op = number(told, "wall_ns_per_op");
	one.cpu_ns_per_op = number(told, "cpu_ns_per_op");
	one.ops = static_cast<uint64_t>(number(told, "ops"));
	one.preempted = static_cast<uint64_t>(number(told, "preempted"));
	one.pinned = number(told, "pinned") != 0;
	one.window_s = number(told, "window_ms") * 1e-3;
	if (const char *broken = json_string_value(json_object_get(told, "broken")))
		one.broken = broken;
	const char *key;
	json_t *value;
	json_object_foreach(told, key, value) {
		if (json_is_number(value) && is_own_counter(key))
			one.counters.emplace_back(key, json_number_value(value));
	}
	size_t i;
	json_array_foreach(json_object_get(told, "buckets"), i, value)
		one.buckets.emplace_back(json_number_value(json_array_get(value, 0)),
			static_cast<uint64_t>(json_number_value(json_array_get(value, 1))));
	return one;
}

/* Rows that take too long get no further repetition once they have three. */
static void leave_out_slow_rows(gathering &all, const plan &plan)
{
	const size_t enough = 3;
	json_t *left_out = json_array();
	for (const row &row : all.rows)
		if (all.hung.count(row.name) || (row.name.compare(0, 6, "floor/") != 0 && row.measurements.size() >= enough &&
							all.spent_s[row.name] > plan.row_budget_s))
			json_array_append_new(left_out, json_string(row.name.c_str()));
	json_object_set_new(all.hints, "left_out", left_out);
}

static void take(gathering &all, const std::string &text, unsigned process)
{
	json_error_t error;
	std::shared_ptr<json_t> root = owned(json_loads(text.c_str(), 0, &error));
	if (!root)
		throw std::runtime_error(std::string("what a measuring process found cannot be read: ") + error.text);
	size_t i;
	json_t *told;
	json_array_foreach(json_object_get(root.get(), "benchmarks"), i, told) {
		const char *name = json_string_value(json_object_get(told, "run_name"));
		auto found = all.by_name.find(name ? name : "");
		if (found == all.by_name.end())
			continue;
		row &row = *found->second;
		if (json_is_true(json_object_get(told, "error_occurred"))) {
			const char *why = json_string_value(json_object_get(told, "error_message"));
			const std::string prefix = "skipped: ";
			if (why && std::string(why).compare(0, prefix.size(), prefix) == 0)
				row.skipped = why + prefix.size();
			continue;
		}
		all.spent_s[row.name] += number(told, "spent_s");
		json_object_del(told, "spent_s");
		row.measurements.push_back(measurement_of(told, process));
	}
	if (!all.result.context)
		all.result.context = owned(json_incref(json_object_get(root.get(), "context")));
	json_t *chunks = json_object_get(root.get(), "chunks");
	/* The first tells all of them, unless it was stuck in a row; who comes then tells the others. */
	if (chunks && !json_object_get(all.hints, "chunks"))
		json_object_set(all.hints, "chunks", chunks);
	else
		json_object_update_missing(json_object_get(all.hints, "chunks"), chunks);
}

static void make_studies(gathering &all, const std::string &program, const std::vector<std::string> &words,
	const std::vector<const study *> &studies)
{
	for (const study *study : studies) {
		if (child_interrupted)
			break;
		all.line->study(study->what);
		std::vector<std::string> own = {std::string("--study=") + study->name};
		own.insert(own.end(), words.begin(), words.end());
		child_output output = run_child(program, own, all.line, 0);
		json_error_t error;
		json_t *found = json_loads(output.out.c_str(), 0, &error);
		if (found)
			json_object_set_new(all.result.studies.get(), study->name, found);
		else
			complain("bench: %s: nothing was found out", study->what);
	}
}

/* The row in which the process ended itself. */
static void leave_out_hung_row(gathering &all)
{
	auto found = all.by_name.find(all.line->current());
	if (found == all.by_name.end())
		return;
	row &row = *found->second;
	row.skipped = "it did not end within " + std::to_string(ROW_SECONDS_MAX) + " s";
	complain("bench: %s: %s", row.name.c_str(), row.skipped.c_str());
	row.measurements.clear();
	all.hung.insert(row.name);
}

/* Was ROW to be measured in the process that had the hints? */
static bool was_wanted(const gathering &all, const row &row)
{
	size_t i;
	json_t *name;
	json_array_foreach(json_object_get(all.hints, "left_out"), i, name)
		if (row.name == json_string_value(name))
			return false;
	return row.skipped.empty();
}

/* What a process that took ELAPSED_S spends on all its rows beside their windows: setting up, storms, batches. The rows that it had no
 * time for spend as much as the others. */
static double beside_windows_s(const gathering &all, unsigned process, double elapsed_s)
{
	size_t wanted = 0, measured = 0;
	double windows_s = 0;
	for (const row &row : all.rows) {
		bool here = false;
		for (const measurement &one : row.measurements)
			if (one.process == process) {
				windows_s += one.window_s;
				here = true;
			}
		if (here && process == 0)
			windows_s += REHEARSAL_S;
		wanted += was_wanted(all, row);
		measured += here;
	}
	return measured ? std::max(0.0, elapsed_s - windows_s) * static_cast<double>(wanted) / static_cast<double>(measured) : 0;
}

/* Tells the next process which share of BUDGET_S is left for windows. */
static void fit_windows(gathering &all, const plan &plan, double beside_s, double budget_s)
{
	const double least = 0.15, spare = 0.03;
	const double share = std::clamp(1 - spare - beside_s / budget_s, least, plan.window_share);
	json_object_set_new(all.hints, "window_share", json_real(share));
}

/* How many repetitions are missing. Floors are repeated; whatever is there more than once per process is not missing, and behind
 * Google Benchmark's own filter what is never there was not asked for. */
static unsigned count_dropped(const std::vector<row> &rows, const plan &plan, bool filtered)
{
	unsigned dropped = 0;
	for (const row &row : rows) {
		std::set<unsigned> seen;
		for (const measurement &one : row.measurements)
			seen.insert(one.process);
		if (row.skipped.empty() && !(filtered && seen.empty()))
			dropped += plan.processes - static_cast<unsigned>(seen.size());
	}
	return dropped;
}

/* WORDS end with "--" and Google Benchmark's flags. */
static void measure_rows(gathering &all, const std::string &program, const std::vector<std::string> &words, const plan &plan)
{
	const uint64_t start = now_ns();
	const auto is_filter = [](const std::string &word) { return word.compare(0, 19, "--benchmark_filter=") == 0; };
	const bool filtered = std::any_of(words.begin(), words.end(), is_filter);
	double beside_s = 0; /* 0: not known yet */
	for (unsigned process = 0; process < plan.processes; process++) {
		const double left_s = plan.budget_s - static_cast<double>(now_ns() - start) * 1e-9;
		if (child_interrupted || left_s <= 0)
			break;
		all.line->begin(process);
		leave_out_slow_rows(all, plan);
		/* The first also finds out what helps the others. */
		const double budget_s = left_s / (plan.processes - process) * (process ? 1 : 2);
		if (beside_s > 0)
			fit_windows(all, plan, beside_s, budget_s);
		const int hints = hints_file(all.hints);
		std::vector<std::string> own = {"--process=" + std::to_string(process), "--budget=" + std::to_string(budget_s)};
		if (hints >= 0)
			own.push_back("--hints=" + std::to_string(hints));
		own.insert(own.end(), words.begin(), words.end());
		const uint64_t began = now_ns();
		child_output output = {};
		try {
			output = run_child(program, own, all.line, hints < 0 ? 0 : hints);
			if (!output.out.empty())
				take(all, output.out, process);
		} catch (const std::runtime_error &error) {
			if (process == 0)
				throw;
			/* Out of memory, perhaps; what the others found took minutes and stays good. */
			complain("bench: process %u, %s: %s", process + 1, all.line->current().c_str(),
				*error.what() ? error.what() : "it could not go on");
			all.result.partial = true;
		}
		if (hints >= 0)
			close(hints);
		if (all.result.partial)
			break;
		if (output.stuck && !child_interrupted)
			leave_out_hung_row(all);
		else if (!filtered)
			beside_s = beside_windows_s(all, process, static_cast<double>(now_ns() - began) * 1e-9);
		if (!output.stuck && !output.interrupted)
			all.result.processes++;
	}
	all.result.dropped = count_dropped(all.rows, plan, filtered);
}

collected run_processes(const std::string &program, const std::vector<std::string> &words, const std::vector<std::string> &flags,
	std::vector<row> &rows, const std::vector<const study *> &studies, const plan &plan)
{
	size_t measured = 0;
	for (const row &row : rows)
		measured += row.skipped.empty();
	progress_line line(plan, measured);
	gathering all = {rows, {}, {}, {}, json_object(), {}, &line};
	const std::shared_ptr<json_t> kept = owned(all.hints);
	all.result.studies = owned(json_object());
	for (row &row : rows)
		all.by_name[row.name] = &row;
	make_studies(all, program, words, studies);
	std::vector<std::string> words_and_flags = words;
	words_and_flags.push_back("--");
	words_and_flags.insert(words_and_flags.end(), flags.begin(), flags.end());
	if (!rows.empty())
		measure_rows(all, program, words_and_flags, plan);
	all.result.partial |= child_interrupted != 0;
	if (!all.result.context)
		all.result.context = owned(json_object());
	return all.result;
}

} // namespace bench
