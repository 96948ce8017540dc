// SPDX-License-Identifier: MIT
#include "store.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <jansson.h>
#include <memory>
#include <stdexcept>
#include <sys/stat.h>
#include <unordered_map>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "statistics.h"

namespace bench
{

static bool is_path(const std::string &name)
{
	const std::string ending = ".json";
	return name.find('/') != std::string::npos ||
	       (name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0);
}

static void check_name(const std::string &name)
{
	enum { LONGEST = 100 };
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	if (!name.empty() && name.size() <= LONGEST && name[0] != '.' && name[0] != '-' &&
		name.find_first_not_of(allowed) == std::string::npos)
		return;
	throw std::runtime_error("'" + name + "' is no name for a saved result: take up to " + std::to_string(LONGEST) +
				 " letters, digits, '.', '_' and '-', a letter or digit first, or a path that ends in .json");
}

/* Folder of the saved results, or "" where the environment names no place. */
static std::string store_folder()
{
	/* Relative paths are invalid there, by the XDG Base Directory Specification. */
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	if (data && data[0] == '/')
		return std::string(data) + "/onceproof/bench";
	if (home && home[0] == '/')
		return std::string(home) + "/.local/share/onceproof/bench";
	return "";
}

std::string store_path(const std::string &name)
{
	if (is_path(name))
		return name;
	check_name(name);
	const std::string folder = store_folder();
	if (folder.empty())
		throw std::runtime_error(
			"no place for saved results: neither HOME nor XDG_DATA_HOME is set to an absolute path; set "
			"one, or give a path, such as ./" +
			name + ".json");
	return folder + "/" + name + ".json";
}

/* The folder of PATH. */
static std::string folder_of(const std::string &path)
{
	const size_t slash = path.rfind('/');
	return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/* One word of a shell's, whatever is in it. */
static std::string quoted(const std::string &word)
{
	std::string text = "'";
	for (char c : word)
		text += c == '\'' ? "'\\''" : std::string(1, c);
	return text + "'";
}

/* NAME is what the user gave, PATH what it stands for. */
static std::runtime_error cannot_write(const std::string &name, const std::string &path, int error)
{
	std::string advice = "set XDG_DATA_HOME to a folder that can be written to, or give a path that ends in .json";
	if (error == ENOSPC || error == EDQUOT)
		advice = "make room there, or save elsewhere";
	else if (error == EISDIR)
		advice = "that is a folder: give the name of a file in it";
	else if (is_path(name) && error == ENOENT)
		advice = "make the folder first (mkdir -p " + quoted(folder_of(path)) +
			 "), or give a plain name: its place is made for it";
	else if (is_path(name))
		advice = "give a path in a folder that can be written to, or a plain name: its place is made for it";
	return std::runtime_error("--save: " + path + ": cannot be written: " + strerror(error) + "; " + advice);
}

std::string store_prepare(const std::string &name)
{
	const std::string path = store_path(name);
	if (!is_path(name))
		if (int error = make_directories(folder_of(path).c_str()))
			throw cannot_write(name, folder_of(path), error);
	struct stat about;
	if (stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode))
		throw cannot_write(name, path, EISDIR);
	struct draft draft;
	if (int error = draft_open(&draft, path.c_str()))
		throw cannot_write(name, path, error);
	draft_abandon(&draft);
	return path;
}

void store_save(const std::string &name, const std::string &json)
{
	const std::string path = store_prepare(name);
	struct draft draft;
	int error = draft_open(&draft, path.c_str());
	if (!error) {
		fwrite(json.data(), 1, json.size(), draft.stream); /* commit sees what went wrong here */
		error = draft_commit(&draft);
	}
	if (error)
		throw cannot_write(name, path, error);
}

void store_keep_latest(const std::string &json)
{
	try {
		store_save("latest", json);
	} catch (const std::runtime_error &) {
		/* A read-only home, none at all: builders in containers have that, and nobody asked. */
	}
}

/* What a context says of KEY, which is in its machine or beside it, as text; else "". */
static std::string context_text(const json_t *context, const char *key)
{
	const json_t *value = json_object_get(json_object_get(context, "machine"), key);
	if (!value || json_is_null(value))
		value = json_object_get(context, key);
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_number(value))
		return std::to_string(std::lround(json_number_value(value)));
	return json_is_true(value) ? "true" : json_is_false(value) ? "false" : "";
}

static unsigned number_of(const std::string &text)
{
	return static_cast<unsigned>(strtoul(text.c_str(), nullptr, 10));
}

static void read_context(saved &saved, const json_t *context)
{
	auto text = [context](const char *key) { return context_text(context, key); };
	saved.version = text("onceproof_version");
	saved.plan = text("plan");
	saved.window_ms = text("window_ms");
	saved.compiler = text("compiler");
	saved.cpu_model = text("cpu_model");
	saved.clock = text("clock");
	saved.date = text("date");
	const std::string usable = text("cores_usable");
	saved.cores = number_of(usable.empty() ? text("cores") : usable);
	saved.partial = text("partial") == "true";
	saved.loaded = text("loaded") == "true";
}

namespace
{

/* Repetitions of a row, by process. */
struct repetitions {
	std::map<unsigned, std::vector<double>> ns, ratio;
};

} // namespace

static std::string member(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	return text ? text : "";
}

/* One repetition. */
static void read_line(const json_t *line, saved_row &row, repetitions &all, const std::string &from)
{
	row.broken = member(line, "broken");
	row.implausible = member(line, "implausible");
	row.floor = member(line, "floor");
	row.threads = static_cast<unsigned>(json_integer_value(json_object_get(line, "threads")));
	if (json_is_true(json_object_get(line, "error_occurred"))) {
		row.skipped = member(line, "error_message");
		return;
	}
	const json_t *process = json_object_get(line, "process");
	const double ns = json_number_value(json_object_get(line, "real_time"));
	const double ratio = json_number_value(json_object_get(line, "ratio_to_floor"));
	if (!json_is_number(process))
		throw std::runtime_error(from +
					 ": its repetitions do not say which process made them: an earlier version wrote it, "
					 "or another program; save it again with `onceproof bench --save`");
	const double index = json_number_value(process);
	if (!(index >= 0 && index < double{PROCESSES_MAX}) || !(ns > 0) || !std::isfinite(ns) || member(line, "time_unit") != "ns")
		throw std::runtime_error(
			from + ": '" + row.name +
			"' has a repetition that cannot be: its time is no number above 0, or its process none from 0 to " +
			std::to_string(PROCESSES_MAX - 1));
	all.ns[static_cast<unsigned>(index)].push_back(ns);
	if (ratio > 0 && std::isfinite(ratio))
		all.ratio[static_cast<unsigned>(index)].push_back(ratio);
}

static void read_rows(saved &saved, const json_t *lines)
{
	std::unordered_map<std::string, size_t> at;
	std::vector<repetitions> all;
	size_t i;
	const json_t *line;
	json_array_foreach(lines, i, line) {
		const std::string name = member(line, "run_name");
		if (member(line, "run_type") != "iteration" || name.empty())
			continue;
		auto added = at.emplace(name, saved.rows.size());
		if (added.second) {
			saved.rows.emplace_back();
			saved.rows.back().name = name;
			all.emplace_back();
		}
		read_line(line, saved.rows[added.first->second], all[added.first->second], saved.from);
	}
	for (size_t r = 0; r < saved.rows.size(); r++) {
		for (const auto &each : all[r].ns)
			saved.rows[r].ns[each.first] = median(each.second);
		for (const auto &each : all[r].ratio)
			saved.rows[r].ratio[each.first] = median(each.second);
		for (const auto &each : all[r].ns)
			saved.processes = std::max(saved.processes, each.first + 1);
	}
}

/* The parsed file. */
static std::shared_ptr<json_t> load(const std::string &name, const std::string &path)
{
	struct stat about;
	if (stat(path.c_str(), &about) != 0) {
		const int error = errno;
		throw std::runtime_error(
			name + ": " +
			(error == ENOENT ? "there is no such saved result (" + path + ")" : path + ": " + strerror(error)) +
			"; make it with `onceproof bench --save " + name + "`");
	}
	if (S_ISDIR(about.st_mode))
		throw std::runtime_error(path + ": is a folder; give the file of a saved result");
	if (S_ISREG(about.st_mode) && about.st_size == 0)
		throw std::runtime_error(path + ": is empty; save it again with `onceproof bench --save`");
	json_error_t error;
	std::shared_ptr<json_t> root(json_load_file(path.c_str(), JSON_REJECT_DUPLICATES, &error), json_decref);
	if (!root)
		throw std::runtime_error(path + ": is no result that can be read: " + error.text + " (line " +
					 std::to_string(error.line) + "); save it again with `onceproof bench --save`");
	return root;
}

/* Who wrote the result of CONTEXT, whose format is not ours, and what to do. */
static std::string of_another_format(const json_t *context)
{
	const json_t *format = json_object_get(context, "format");
	const bool newer = json_integer_value(format) > SAVED_FORMAT,
		   same = member(context, "onceproof_version") == ONCEPROOF_VERSION;
	return std::string(": was written by onceproof ") + member(context, "onceproof_version") + ", " +
	       (newer ? "a later" : "an earlier") +
	       (same ? " build of this version (its format is " : " version (its format is ") +
	       (json_is_integer(format) ? std::to_string(json_integer_value(format)) : "not numbered") +
	       ", that of this program " + std::to_string(SAVED_FORMAT) + "); " +
	       (newer ? "compare it with a program as new as that, or " : "") + "save it again with `onceproof bench --save`";
}

saved read_saved(const std::string &name)
{
	const std::string path = store_path(name);
	const std::shared_ptr<json_t> root = load(name, path);
	/* `onceproof bench --json` puts the same object into a report. */
	const json_t *benchmarks = root.get();
	if (json_is_object(json_object_get(benchmarks, "benchmarks")))
		benchmarks = json_object_get(benchmarks, "benchmarks");
	const json_t *context = json_object_get(benchmarks, "context"), *lines = json_object_get(benchmarks, "benchmarks");
	saved saved;
	saved.from = name;
	if (!json_is_object(context) || !json_is_array(lines) || member(context, "onceproof_version").empty())
		throw std::runtime_error(
			path + ": is no result of `onceproof bench`; make one with `onceproof bench --save NAME`");
	const json_t *format = json_object_get(context, "format");
	if (!json_is_integer(format) || json_integer_value(format) != SAVED_FORMAT)
		throw std::runtime_error(path + of_another_format(context));
	read_context(saved, context);
	read_rows(saved, lines);
	if (saved.processes == 0)
		throw std::runtime_error(path + ": has no measured row; save it again with `onceproof bench --save`");
	return saved;
}

} // namespace bench
