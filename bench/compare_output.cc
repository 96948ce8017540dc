// SPDX-License-Identifier: MIT
// What a comparison found, for people, for a job summary and for programs; and the command itself.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstring>
#include <getopt.h>
#include <stdexcept>

#include "../impl/support/file.h"
#include "../impl/support/say.h"
#include "compare.h"

namespace bench
{

/* So many rows are shown; a longer list is read by nobody, and --all has it. */
enum { SHOWN = 30 };

static std::string format(const char *how, ...) __attribute__((format(printf, 1, 2)));
static std::string format(const char *how, ...)
{
	char text[512];
	va_list list;
	va_start(list, how);
	vsnprintf(text, sizeof text, how, list);
	va_end(list);
	return text;
}

static const char *word_of(enum change change)
{
	static const char *const words[] = {"same", "slower", "faster", "untested"};
	return words[change];
}

static std::string percent(double share)
{
	const double size = std::fabs(share * 100);
	return format(size < 0.995 ? "%+.2f %%" : size < 9.95 ? "%+.1f %%" : "%+.0f %%", share * 100);
}

static std::string unsigned_percent(double share)
{
	return percent(std::fabs(share)).substr(1);
}

static std::string value(const compared_row &row, double value)
{
	const char *digits = std::fabs(value) < 1000 ? "%.3g" : "%.0f";
	return (row.ratio ? "x" : "") + format(digits, value) + (row.ratio ? "" : " ns");
}

/* "processes in the slower of two modes (1.0 and 2.4): 2 of 10, then 9 of 10" */
static std::string modes_of(const compared_row &row)
{
	if (row.modes.empty())
		return "";
	return format("two modes, %s and %s: %zu of %zu processes in the slower one, then %zu of %zu",
		value(row, row.modes[0].centre).c_str(), value(row, row.modes[1].centre).c_str(), row.mix_a.slow, row.mix_a.all,
		row.mix_b.slow, row.mix_b.all);
}

static std::string remarks(const compared_row &row)
{
	const std::string modes = modes_of(row);
	return row.note + (row.note.empty() || modes.empty() ? "" : "; ") + modes;
}

static bool changed(const compared_row &row)
{
	return row.change == CHANGE_SLOWER || row.change == CHANGE_FASTER;
}

/* What is shown: the changed rows, the largest changes first; or all of them in their order. */
static std::vector<const compared_row *> shown(const comparison &found, bool every_row)
{
	std::vector<const compared_row *> rows;
	for (const compared_row &row : found.rows)
		if (every_row || changed(row))
			rows.push_back(&row);
	if (!every_row)
		std::stable_sort(rows.begin(), rows.end(),
			[](auto x, auto y) { return std::fabs(std::log1p(x->estimate)) > std::fabs(std::log1p(y->estimate)); });
	return rows;
}

static std::string plural(size_t count, const char *thing)
{
	const std::string many = std::string(thing) == "process" ? "es" : "s";
	return std::to_string(count) + " " + thing + (count == 1 ? "" : many);
}

/* The share Q of the tested rows can see a change of this size. */
static double visible_to(const comparison &found, double q)
{
	std::vector<double> visible;
	for (const compared_row &row : found.rows)
		if (row.change != CHANGE_UNTESTED)
			visible.push_back(row.visible);
	std::sort(visible.begin(), visible.end());
	return visible.empty() ? 0 : visible[static_cast<size_t>(std::ceil(q * static_cast<double>(visible.size()))) - 1];
}

static std::string summary_line(const comparison &found)
{
	const std::string missing = found.tested == found.rows.size()
					    ? ""
					    : format(" (%s not tested)", plural(found.rows.size() - found.tested, "row").c_str());
	if (!found.tested)
		return "none of " + plural(found.rows.size(), "row") + " could be tested";
	if (!found.slower && !found.faster)
		return "no change beyond noise in " + plural(found.tested, "row") + missing;
	return format("%zu of %s changed: %zu slower, %zu faster", found.slower + found.faster,
		       plural(found.tested, "row").c_str(), found.slower, found.faster) +
	       missing;
}

/* What the comparison could see, and how often it cries wolf. */
static std::string power_line(const comparison &found)
{
	if (!found.tested)
		return "";
	std::string line =
		format("smallest slowdown that is seen (19 times of 20): %s in half of the rows, %s in 9 of 10; tolerance %s",
			unsigned_percent(visible_to(found, 0.5)).c_str(), unsigned_percent(visible_to(found, 0.9)).c_str(),
			unsigned_percent(found.at_least).c_str());
	if (found.wobble > 0)
		line += format(", up to %s where unchanged rows differ by more from save to save",
			unsigned_percent(found.wobble).c_str());
	return line + format("; false alarms: at most %.0f %% of comparisons have one", found.alpha * 100);
}

/* How well two results agree, apart from any test. */
static std::string agreement_line(const comparison &found)
{
	size_t ratios = 0, close = 0;
	for (const compared_row &row : found.rows) {
		if (!row.ratio || row.median_a <= 0 || row.median_b <= 0)
			continue;
		ratios++;
		close += std::fabs(row.median_b / row.median_a - 1) <= 0.05;
	}
	return ratios == 0 ? ""
			   : format("medians agree within 5 %% in %zu of %zu rows with a floor (%.0f %%)", close, ratios,
				     100 * static_cast<double>(close) / static_cast<double>(ratios));
}

/* Missing rows in a sentence. */
static std::string only_line(const std::vector<std::string> &names, const std::string &in)
{
	return names.empty() ? ""
			     : plural(names.size(), "row") + " only in " + in + ": " + names.front() +
				       (names.size() > 1 ? ", ..." : "");
}

static std::vector<std::string> sentences(const comparison &found)
{
	std::vector<std::string> all = found.notes;
	for (const std::string &line : {only_line(found.only_a, found.a.from), only_line(found.only_b, found.b.from)})
		if (!line.empty())
			all.push_back(line);
	for (const std::string &row : found.broken)
		all.push_back("newly broken: " + row);
	if (found.inconclusive)
		all.push_back("inconclusive: " + found.why);
	return all;
}

static std::string describe_side(const saved &side)
{
	return side.from + " (" + (side.date.empty() ? "" : side.date + ", ") + "plan " + side.plan + ", " +
	       plural(side.processes, "process") + ", " + side.compiler + ")";
}

std::string comparison_text(const comparison &found, bool every_row)
{
	std::string text = "A: " + describe_side(found.a) + "\nB: " + describe_side(found.b) + "\n";
	const std::vector<const compared_row *> rows = shown(found, every_row);
	size_t widest = 3, left = every_row ? rows.size() : size_t{SHOWN};
	for (const compared_row *row : rows)
		widest = std::max(widest, row->name.size());
	const int width = static_cast<int>(widest);
	if (!rows.empty()) {
		text += format("\n%-*s %11s %11s %9s  %-21s %9s", width, "row", "A", "B", "change", "95 % interval", "p");
		text += every_row ? format(" %9s %9s  %s\n", "alarm", "visible", "verdict") : "\n";
	}
	for (const compared_row *row : rows) {
		if (left-- == 0) {
			text += format("... and %zu more; --all shows them\n", rows.size() - SHOWN);
			break;
		}
		text += format("%-*s %11s %11s %9s  %-21s %9.2g", width, row->name.c_str(), value(*row, row->median_a).c_str(),
			value(*row, row->median_b).c_str(), percent(row->estimate).c_str(),
			(percent(row->likely.low) + " .. " + percent(row->likely.high)).c_str(), row->corrected);
		if (every_row)
			text += format(" %8.3f%% %9s  %s", row->alarm * 100,
				row->change == CHANGE_UNTESTED ? "-" : unsigned_percent(row->visible).c_str(),
				word_of(row->change));
		const std::string remark = remarks(*row);
		text += (remark.empty() ? "" : "  " + remark) + "\n";
	}
	text += "\n";
	for (const std::string &line : sentences(found))
		text += line + "\n";
	text += summary_line(found) + "\n";
	for (const std::string &line : {agreement_line(found), power_line(found)})
		text += line + (line.empty() ? "" : "\n");
	return text;
}

/* Text in a cell of a Markdown table. */
static std::string cell(const std::string &text)
{
	std::string safe;
	for (char c : text) {
		if (strchr("|\\`*_<>[]&", c))
			safe += '\\';
		safe += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
	}
	return safe;
}

std::string comparison_markdown(const comparison &found)
{
	std::string text = "### Benchmarks: " + cell(found.a.from) + " against " + cell(found.b.from) + "\n\n" +
			   cell(summary_line(found)) + ".\n\n";
	const std::vector<const compared_row *> rows = shown(found, false);
	if (!rows.empty())
		text += "| row | before | after | change | 95 % interval | p | |\n|---|--:|--:|--:|---|--:|---|\n";
	for (size_t i = 0; i < rows.size() && i < SHOWN; i++) {
		const compared_row &row = *rows[i];
		text += "| `" + row.name + "` | " + value(row, row.median_a) + " | " + value(row, row.median_b) + " | " +
			percent(row.estimate) + " | " + percent(row.likely.low) + " to " + percent(row.likely.high) + " | " +
			format("%.2g", row.corrected) + " | " + cell(remarks(row)) + " |\n";
	}
	if (rows.size() > SHOWN)
		text += format("\n%zu more are not shown.\n", rows.size() - SHOWN);
	text += "\n";
	for (const std::string &line : sentences(found))
		text += "- " + cell(line) + "\n";
	const std::string power = power_line(found);
	return text + (power.empty() ? "" : "- " + cell(power) + "\n");
}

static json_t *real(double value)
{
	return json_real(std::isfinite(value) ? value : 0);
}

static json_t *side_json(const saved &side)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:b, s:b}", "name", side.from.c_str(), "date", side.date.c_str(),
		"onceproof_version", side.version.c_str(), "plan", side.plan.c_str(), "compiler", side.compiler.c_str(),
		"processes", static_cast<int>(side.processes), "partial", side.partial, "loaded", side.loaded);
}

static json_t *modes_json(const compared_row &row)
{
	auto share = [](const mix &side) {
		return side.all ? static_cast<double>(side.slow) / static_cast<double>(side.all) : 0;
	};
	return json_pack("{s:f, s:f, s:f, s:f}", "fast", row.modes[0].centre, "slow", row.modes[1].centre, "slow_share_a",
		share(row.mix_a), "slow_share_b", share(row.mix_b));
}

static json_t *row_json(const compared_row &row)
{
	json_t *one = json_object();
	json_object_set_new(one, "name", json_string(row.name.c_str()));
	json_object_set_new(one, "quantity", json_string(row.ratio ? "ratio_to_floor" : "wall_ns_per_op"));
	if (row.ratio)
		json_object_set_new(one, "floor", json_string(row.floor.c_str()));
	json_object_set_new(one, "verdict", json_string(word_of(row.change)));
	json_object_set_new(one, "processes_a", json_integer(static_cast<json_int_t>(row.n_a)));
	json_object_set_new(one, "processes_b", json_integer(static_cast<json_int_t>(row.n_b)));
	const struct {
		const char *key;
		double number;
	} numbers[] = {{"median_a", row.median_a}, {"median_b", row.median_b}, {"change", row.estimate}, {"low", row.likely.low},
		{"high", row.likely.high}, {"p", row.p}, {"p_corrected", row.corrected}, {"tolerance", row.tolerance},
		{"false_alarm_rate", row.alarm}, {"smallest_visible", row.visible}};
	for (const auto &each : numbers)
		json_object_set_new(one, each.key, real(each.number));
	if (!row.modes.empty())
		json_object_set_new(one, "modes", modes_json(row));
	if (!row.note.empty())
		json_object_set_new(one, "note", json_string(row.note.c_str()));
	return one;
}

static json_t *rows_json(const std::vector<compared_row> &rows)
{
	json_t *list = json_array();
	for (const compared_row &row : rows)
		json_array_append_new(list, row_json(row));
	return list;
}

static json_t *strings_json(const std::vector<std::string> &strings)
{
	json_t *list = json_array();
	for (const std::string &string : strings)
		json_array_append_new(list, json_string(string.c_str()));
	return list;
}

json_t *comparison_json(const comparison &found)
{
	json_t *root = json_object();
	json_object_set_new(root, "a", side_json(found.a));
	json_object_set_new(root, "b", side_json(found.b));
	json_object_set_new(root, "alpha", real(found.alpha));
	json_object_set_new(root, "at_least", real(found.at_least));
	json_object_set_new(root, "tested", json_integer(static_cast<json_int_t>(found.tested)));
	json_object_set_new(root, "slower", json_integer(static_cast<json_int_t>(found.slower)));
	json_object_set_new(root, "faster", json_integer(static_cast<json_int_t>(found.faster)));
	json_object_set_new(root, "machine_changed", json_boolean(found.machine_changed));
	json_object_set_new(root, "inconclusive", found.inconclusive ? json_string(found.why.c_str()) : json_null());
	json_object_set_new(root, "notes", strings_json(found.notes));
	json_object_set_new(root, "only_a", strings_json(found.only_a));
	json_object_set_new(root, "only_b", strings_json(found.only_b));
	json_object_set_new(root, "broken", strings_json(found.broken));
	json_object_set_new(root, "rows", rows_json(found.rows));
	json_object_set_new(root, "floors", rows_json(found.floors));
	return root;
}

/* To PATH as a whole, or to its end, or to stdout. */
static void write_out(const std::string &path, const std::string &text, bool append)
{
	int error = 0;
	if (path == "-" || append) {
		FILE *stream = path == "-" ? stdout : fopen(path.c_str(), "a");
		if (!stream || fwrite(text.data(), 1, text.size(), stream) != text.size() || fflush(stream) != 0)
			error = errno;
		if (stream && stream != stdout && fclose(stream) != 0 && !error)
			error = errno;
	} else {
		struct draft draft;
		error = draft_open(&draft, path.c_str());
		if (!error) {
			fwrite(text.data(), 1, text.size(), draft.stream); /* commit sees what went wrong here */
			error = draft_commit(&draft);
		}
	}
	if (error)
		throw std::runtime_error(
			(path == "-" ? "standard output" : path) + ": cannot write the comparison: " + strerror(error));
}

static std::string json_text(const comparison &found)
{
	json_t *root = json_object();
	json_object_set_new(root, "comparisons", comparison_json(found));
	char *dumped = json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(10));
	json_decref(root);
	if (!dumped)
		throw std::bad_alloc();
	std::string text(dumped);
	free(dumped);
	return text + "\n";
}

int compare_command(const compare_options &options)
{
	const comparison found = compare(read_saved(options.a), read_saved(options.b), options);
	if (options.table)
		write_out("-", comparison_text(found, options.every_row), false);
	for (const std::string &path : options.outputs)
		write_out(path, json_text(found), false);
	if (!options.markdown.empty())
		write_out(options.markdown, comparison_markdown(found), true);
	if (!found.broken.empty())
		return EXIT_BROKEN;
	if (found.inconclusive)
		return EXIT_INCONCLUSIVE;
	return found.slower || (options.fail_on_change && found.faster) ? EXIT_BROKEN : EXIT_HOLDS;
}

static double parse_share(const char *text)
{
	char *end;
	const double percent = strtod(text, &end);
	if (end != text && (*end == '\0' || strcmp(end, "%") == 0) && percent >= 0 && percent <= 1000)
		return percent / 100;
	throw std::runtime_error(std::string("--at-least: '") + text + "' is no percentage from 0 to 1000, such as 2%");
}

/* One of two words. */
static bool second_word(const char *option, const char *text, const char *first, const char *second)
{
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		throw std::runtime_error(std::string(option) + ": '" + text + "' is neither " + first + " nor " + second);
	return strcmp(text, second) == 0;
}

int compare_main(int argc, char **argv)
{
	static const char usage[] =
		"usage: onceproof-bench --compare A B [FILTER...] [--all] [--at-least PERCENT] [--by ratio|time]\n"
		"                       [--fail-on slower|change] [--json FILE] [--markdown FILE] [--no-table]\n"
		"A and B are names given to --save, 'latest', or files.\n";
	enum { ALL = 256, AT_LEAST, BY, FAIL_ON, JSON, MARKDOWN, NO_TABLE };
	static const option words[] = {{"all", no_argument, nullptr, ALL}, {"at-least", required_argument, nullptr, AT_LEAST},
		{"by", required_argument, nullptr, BY}, {"fail-on", required_argument, nullptr, FAIL_ON},
		{"json", required_argument, nullptr, JSON}, {"markdown", required_argument, nullptr, MARKDOWN},
		{"no-table", no_argument, nullptr, NO_TABLE}, {}};
	compare_options options;
	for (int key; (key = getopt_long(argc, argv, "", words, nullptr)) != -1;) {
		switch (key) {
		case ALL:
			options.every_row = true;
			break;
		case AT_LEAST:
			options.at_least = parse_share(optarg);
			break;
		case BY:
			options.by_time = second_word("--by", optarg, "ratio", "time");
			break;
		case FAIL_ON:
			options.fail_on_change = second_word("--fail-on", optarg, "slower", "change");
			break;
		case JSON:
			options.outputs.push_back(optarg);
			break;
		case MARKDOWN:
			options.markdown = optarg;
			break;
		case NO_TABLE:
			options.table = false;
			break;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind < 2) {
		complain("bench --compare: two saved results are needed, such as `onceproof bench --compare before latest`");
		return EXIT_USAGE;
	}
	options.a = argv[optind];
	options.b = argv[optind + 1];
	options.globs.assign(argv + optind + 2, argv + argc);
	return compare_command(options);
}

} // namespace bench
