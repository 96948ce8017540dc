// SPDX-License-Identifier: MIT
#include "compare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <stdexcept>
#include <unordered_map>

#include "names.h"

namespace bench
{

namespace
{

/* The logarithms of a row's values, one per process: changes are factors. */
struct sample {
	std::vector<double> a, b;
};

/* What there is to know of one test, on the scale of logarithms. */
struct tested {
	std::vector<double> differences; /* b - a of all pairs, ascending */
	std::vector<double> table;       /* p by U */
};

} // namespace

static std::vector<double> logs(const std::map<unsigned, double> &values)
{
	std::vector<double> found;
	for (const auto &each : values)
		found.push_back(std::log(each.second));
	return found;
}

static std::vector<double> differences(const std::vector<double> &a, const std::vector<double> &b)
{
	std::vector<double> found;
	for (double x : a)
		for (double y : b)
			found.push_back(y - x);
	return found;
}

/* For how many U, from 0 up, the p value is at most LEVEL. */
static size_t significant(const std::vector<double> &table, double level)
{
	return static_cast<size_t>(std::upper_bound(table.begin(), table.end(), level) - table.begin());
}

static tested test_of(const sample &sample)
{
	tested test = {differences(sample.a, sample.b), mann_whitney_table(sample.a.size(), sample.b.size())};
	std::sort(test.differences.begin(), test.differences.end());
	return test;
}

/* Estimate and 95 % interval of the shift: the median of all differences, and what the test does not reject (J. L. Hodges,
 * E. L. Lehmann, "Estimates of Location Based on Rank Tests", 1963). */
static interval likely_shift(const tested &test)
{
	const size_t cut = significant(test.table, 0.05), last = test.differences.size() - 1;
	return cut ? interval{test.differences[cut - 1], test.differences[last - (cut - 1)]}
		   : interval{test.differences.front(), test.differences.back()};
}

/* p value of "B differs from A by at most TOLERANCE": B is moved towards A by it first. */
static double p_beyond(const sample &sample, double estimate, double tolerance)
{
	if (std::fabs(estimate) <= tolerance)
		return 1;
	std::vector<double> moved = sample.b;
	for (double &value : moved)
		value -= estimate > 0 ? tolerance : -tolerance;
	/* Moving can leave them on A's other side as a whole; then nothing speaks against the tolerance. */
	const std::vector<double> left = differences(sample.a, moved);
	const auto above = std::count_if(left.begin(), left.end(), [](double value) { return value > 0; });
	const auto below = std::count_if(left.begin(), left.end(), [](double value) { return value < 0; });
	return (above > below) == (estimate > 0) ? mann_whitney(sample.a, moved) : 1;
}

/* The smallest slowdown, on the scale of logarithms, that a test at LEVEL reports in 19 of 20 comparisons, where both sides are drawn
 * from what these two scatter around their medians by. In each resample the test fires from one shift on: that at which the CUT-th
 * smallest difference passes the tolerance. */
static double visible_shift(const sample &sample, const tested &test, double tolerance, double level)
{
	enum { RESAMPLES = 200 };
	const size_t cut = significant(test.table, level), n = sample.a.size(), m = sample.b.size();
	if (!cut)
		return 0;
	/* Values lie closer to their own median than to the true one. */
	const double all = static_cast<double>(n + m), wider = std::sqrt(all / (all - 2));
	std::vector<double> scatter, a(n), b(m), needed(RESAMPLES);
	for (const std::vector<double> *side : {&sample.a, &sample.b}) {
		const double middle = median(*side);
		for (double value : *side)
			scatter.push_back((value - middle) * wider);
	}
	draws draws(1);
	for (double &one : needed) {
		for (double &value : a)
			value = scatter[draws.below(scatter.size())];
		for (double &value : b)
			value = scatter[draws.below(scatter.size())];
		std::vector<double> found = differences(a, b);
		std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(cut - 1), found.end());
		one = tolerance - found[cut - 1];
	}
	return percentiles(std::move(needed), 0.9).high;
}

static sample sample_of(const saved_row &a, const saved_row &b, bool ratio)
{
	return {logs(ratio ? a.ratio : a.ns), logs(ratio ? b.ratio : b.ns)};
}

static std::vector<double> exponentials(std::vector<double> values)
{
	for (double &value : values)
		value = std::exp(value);
	return values;
}

/* Two modes of both sides together count where a side has processes in both: else their distance is the change itself. */
static void find_mixes(compared_row &row, const sample &sample)
{
	std::vector<double> both = sample.a;
	both.insert(both.end(), sample.b.begin(), sample.b.end());
	const std::vector<mode> modes = find_modes(exponentials(both));
	if (modes.size() < 2)
		return;
	const double between = (std::log(modes[0].centre) + std::log(modes[1].centre)) / 2;
	auto count = [between](const std::vector<double> &side) {
		return mix{static_cast<size_t>(
				   std::count_if(side.begin(), side.end(), [between](double value) { return value > between; })),
			side.size()};
	};
	auto mixed = [](const mix &side) {
		return std::min(side.slow, side.all - side.slow) >= std::max<size_t>(2, side.all / 5);
	};
	row.mix_a = count(sample.a);
	row.mix_b = count(sample.b);
	if (mixed(row.mix_a) || mixed(row.mix_b))
		row.modes = modes;
}

/* All of a row but what depends on the other rows. */
static compared_row describe(const saved_row &a, const saved_row &b, const sample &sample, bool ratio)
{
	compared_row row;
	row.name = a.name;
	row.floor = b.floor;
	row.ratio = ratio;
	row.n_a = sample.a.size();
	row.n_b = sample.b.size();
	if (!row.n_a || !row.n_b) {
		const std::string &why = row.n_a ? b.skipped : a.skipped;
		row.note = why.empty() ? "not measured" : why;
		return row;
	}
	row.median_a = std::exp(median(sample.a));
	row.median_b = std::exp(median(sample.b));
	const tested test = test_of(sample);
	const interval shift = likely_shift(test);
	row.estimate = std::expm1(median(test.differences));
	row.likely = {std::expm1(shift.low), std::expm1(shift.high)};
	const std::string &untrue = b.implausible.empty() ? a.implausible : b.implausible;
	if (!untrue.empty())
		row.note = "implausible: " + untrue;
	find_mixes(row, sample);
	return row;
}

namespace
{

/* A family of tests that are corrected together. */
struct family_of_tests {
	std::vector<compared_row> rows;
	std::vector<sample> samples;     /* of each, like those below */
	std::vector<double> time_shifts; /* of times, on the scale of logarithms */
	std::vector<unsigned> threads;
	std::vector<bool> in; /* can be tested */
	size_t size = 0;      /* how many are */

	void add(const saved_row &a, const saved_row &b, bool by_time)
	{
		const bool ratio = !by_time && !a.ratio.empty() && !b.ratio.empty() && a.floor == b.floor;
		const sample times = sample_of(a, b, false);
		samples.push_back(sample_of(a, b, ratio));
		rows.push_back(describe(a, b, samples.back(), ratio));
		time_shifts.push_back(median(differences(times.a, times.b)));
		threads.push_back(a.threads);
	}
};

} // namespace

/* Which rows can be tested: those whose numbers of processes could ever reach the level that the correction leaves them. That depends on
 * numbers of processes alone, so it biases nothing. */
static void choose(family_of_tests &family, double alpha)
{
	std::vector<std::pair<double, size_t>> least;
	for (size_t i = 0; i < family.rows.size(); i++)
		if (family.rows[i].n_a && family.rows[i].n_b && family.rows[i].note.empty())
			least.emplace_back(mann_whitney_table(family.rows[i].n_a, family.rows[i].n_b)[0], i);
	std::sort(least.begin(), least.end());
	family.in.assign(family.rows.size(), false);
	/* Rows with the same numbers of processes are all in or all out. */
	for (size_t k = least.size(); k > 0 && !family.size; k--)
		if (least[k - 1].first * static_cast<double>(k) <= alpha &&
			(k == least.size() || least[k - 1].first < least[k].first))
			family.size = k;
	for (size_t k = 0; k < family.size; k++)
		family.in[least[k].second] = true;
	for (size_t k = family.size; k < least.size(); k++)
		family.rows[least[k].second].note = "too few processes for so many rows";
}

namespace
{

/* A row's change and how uncertain it is, one standard deviation, on the scale of logarithms. */
struct shift {
	double size, error;
};

} // namespace

/* What unchanged rows differ by from one save to the next, beyond what their processes scatter by: the standard deviation tau of shifts
 * with which half of the rows lie nearer to the middle than half of a normal distribution does. Assumes that fewer than half changed.
 * Taken from the more precise half of the rows: the others can tell little of it, and their intervals are wider than they need be. */
static double save_to_save(const family_of_tests &family, const std::function<bool(size_t)> &in_class)
{
	enum { ENOUGH = 20 };
	static const double HALF = 0.4549; /* median of the chi-squared distribution with one degree of freedom */
	std::vector<shift> shifts;
	for (size_t i = 0; i < family.rows.size(); i++) {
		if (!family.in[i] || !in_class(i))
			continue;
		const compared_row &row = family.rows[i];
		const double width = std::log1p(row.likely.high) - std::log1p(row.likely.low);
		shifts.push_back({std::log1p(row.estimate), width / (2 * 1.96)});
	}
	if (shifts.size() < ENOUGH)
		return 0;
	std::sort(shifts.begin(), shifts.end(), [](const shift &x, const shift &y) { return x.error < y.error; });
	shifts.resize((shifts.size() + 1) / 2);
	std::vector<double> sizes;
	for (const shift &each : shifts)
		sizes.push_back(each.size);
	const double middle = median(sizes);
	auto spread_with = [&](double tau) {
		std::vector<double> squares;
		for (const shift &each : shifts)
			squares.push_back((each.size - middle) * (each.size - middle) /
					  std::max(each.error * each.error + tau * tau, 1e-18));
		return median(squares);
	};
	if (spread_with(0) <= HALF)
		return 0;
	double low = 0, high = 10;
	for (int i = 0; i < 60; i++) {
		const double half = (low + high) / 2;
		(spread_with(half) > HALF ? low : high) = half;
	}
	/* As large as it may well be: it was estimated from so many rows. */
	return high * (1 + 2 / std::sqrt(static_cast<double>(shifts.size())));
}

/* How many standard deviations a normal value exceeds, in either direction, with probability P. */
static double deviations(double p)
{
	double low = 0, high = 10;
	for (int i = 0; i < 60; i++) {
		const double half = (low + high) / 2;
		(std::erfc(half / std::sqrt(2.0)) > p ? low : high) = half;
	}
	return high;
}

/* Each row's tolerance. Rows of one thread and rows of several do not wobble alike. */
static void tolerate(family_of_tests &family, double at_least, double alpha)
{
	const double far = family.size ? deviations(alpha / static_cast<double>(family.size)) : 0;
	const double alone = save_to_save(family, [&](size_t i) { return family.threads[i] == 1; });
	const double several = save_to_save(family, [&](size_t i) { return family.threads[i] != 1; });
	const double all = save_to_save(family, [](size_t) { return true; });
	for (size_t i = 0; i < family.rows.size(); i++) {
		const double own = family.threads[i] == 1 ? alone : several;
		family.rows[i].tolerance = std::max(at_least, std::expm1(far * (own > 0 ? own : all)));
	}
}

/* Tests all rows of a family, corrects, and works out what they could have shown. */
static void decide(family_of_tests &family, double alpha)
{
	std::vector<double> p;
	std::vector<size_t> at;
	const double level = family.size ? alpha / static_cast<double>(family.size) : 0;
	for (size_t i = 0; i < family.rows.size(); i++) {
		compared_row &row = family.rows[i];
		if (!family.in[i])
			continue;
		const double tolerance = std::log1p(row.tolerance);
		const tested test = test_of(family.samples[i]);
		const size_t cut = significant(test.table, level);
		row.p = p_beyond(family.samples[i], std::log1p(row.estimate), tolerance);
		row.alarm = cut ? test.table[cut - 1] : 0;
		row.visible = std::expm1(visible_shift(family.samples[i], test, tolerance, level));
		row.change = CHANGE_NONE;
		p.push_back(row.p);
		at.push_back(i);
	}
	const std::vector<double> corrected = holm(p);
	for (size_t k = 0; k < at.size(); k++) {
		compared_row &row = family.rows[at[k]];
		row.corrected = corrected[k];
		if (row.corrected <= alpha)
			row.change = row.estimate > 0 ? CHANGE_SLOWER : CHANGE_FASTER;
	}
}

/* Refuses what says nothing beside each other; says what is to be known of the rest. */
static void check_pair(comparison &found)
{
	const saved &a = found.a, &b = found.b;
	if (a.cpu_model != b.cpu_model || a.cores != b.cores)
		throw std::runtime_error("'" + a.from + "' and '" + b.from + "' come from different machines (" + a.cpu_model +
					 ", " + std::to_string(a.cores) + " CPUs; " + b.cpu_model + ", " +
					 std::to_string(b.cores) +
					 " CPUs): measure both on one, or put them side by side with `onceproof merge`");
	auto differ = [&](const char *what, const std::string &x, const std::string &y) {
		if (x != y)
			found.notes.push_back(std::string(what) + ": " + (x.empty() ? "unknown" : x) + " in " + a.from + ", " +
					      (y.empty() ? "unknown" : y) + " in " + b.from);
	};
	differ("version of onceproof", a.version, b.version);
	differ("compiler", a.compiler, b.compiler);
	differ("plan", a.plan, b.plan);
	differ("window in ms", a.window_ms, b.window_ms);
	differ("clock", a.clock, b.clock);
	for (const saved *side : {&a, &b}) {
		if (side == &b && b.from == a.from)
			break; /* one result against itself: it is all said */
		if (side->partial)
			found.notes.push_back(side->from + " is partial: measuring was interrupted");
		if (side->loaded)
			found.notes.push_back("the machine was loaded while " + side->from + " was measured");
	}
}

/* Do the floors, all by themselves, say that the machine runs at another pace? */
static void judge_floors(comparison &found, family_of_tests &floors)
{
	size_t slower = 0, faster = 0;
	std::vector<double> shifts;
	for (const compared_row &row : floors.rows) {
		slower += row.change == CHANGE_SLOWER;
		faster += row.change == CHANGE_FASTER;
		if (row.change != CHANGE_UNTESTED)
			shifts.push_back(row.estimate);
	}
	found.machine_changed = floors.size && std::max(slower, faster) * 2 > floors.size;
	if (!found.machine_changed)
		return;
	char text[160];
	snprintf(text, sizeof text, "the machine changed: %zu of %zu floors run at another pace (%+.1f %% in the middle)",
		std::max(slower, faster), floors.size, 100 * median(shifts));
	found.notes.push_back(text);
}

/* A ratio also changes when its floor does. The row changed only if its time went the same way, by half as much or more; that cannot be
 * told where the machine as a whole changed its pace, and then the ratio is the better witness. */
static void acquit_rows_of_moved_floors(comparison &found, const std::vector<double> &time_shifts)
{
	for (size_t i = 0; i < found.rows.size(); i++) {
		compared_row &row = found.rows[i];
		const double shift = std::log1p(row.estimate);
		if (row.change != CHANGE_SLOWER && row.change != CHANGE_FASTER)
			continue;
		if (row.ratio && !found.machine_changed && time_shifts[i] / shift < 0.5) {
			row.change = CHANGE_NONE;
			row.note = "its floor changed, not the row";
		} else if (!row.ratio && found.machine_changed) {
			row.change = CHANGE_UNTESTED;
			row.note = "a time, and the machine changed";
		}
	}
}

static void count_changes(comparison &found)
{
	std::vector<double> shifts;
	for (const compared_row &row : found.rows) {
		found.tested += row.change != CHANGE_UNTESTED;
		found.slower += row.change == CHANGE_SLOWER;
		found.faster += row.change == CHANGE_FASTER;
		if (row.change != CHANGE_UNTESTED)
			shifts.push_back(row.estimate);
		if (row.change != CHANGE_UNTESTED && row.tolerance > found.at_least)
			found.wobble = std::max(found.wobble, row.tolerance);
	}
	found.middle = median(shifts);
}

/* What keeps "nothing changed", or "this changed", from being said. */
static void judge_whole(comparison &found)
{
	enum { TOGETHER = 10 };
	const size_t most = std::max(found.slower, found.faster);
	auto unsure = [&found](const std::string &why) {
		found.inconclusive = true;
		if (found.why.empty())
			found.why = why;
	};
	if (most >= TOGETHER && most * 2 > found.tested) {
		char text[200];
		snprintf(text, sizeof text,
			"%zu of %zu rows changed together (%+.1f %% in the middle): look for what they share, such "
			"as the compiler, its options or the machine",
			most, found.tested, 100 * found.middle);
		found.notes.push_back(text);
		if (found.machine_changed)
			unsure("most rows changed, and so did the machine: save both again");
	}
	if (!found.tested)
		unsure("no row has enough processes on both sides: save with `onceproof bench --save`, which takes " +
			std::to_string(SAVED_PROCESSES) + " or more, or compare fewer rows with a filter");
	else if (found.tested * 2 < found.rows.size())
		unsure("fewer than half of the rows could be tested");
	if (found.a.loaded || found.b.loaded)
		unsure("the machine was loaded: save again when it is idle");
	if ((found.a.partial || found.b.partial) && !found.slower)
		unsure("a partial result cannot show that nothing changed: save it again");
}

/* Pairs the rows of both sides by name: floors, and what the filter chooses. */
static void pair_rows(comparison &found, const compare_options &options, family_of_tests &rows, family_of_tests &floors)
{
	std::unordered_map<std::string, const saved_row *> of_b;
	for (const saved_row &row : found.b.rows)
		of_b[row.name] = &row;
	for (const saved_row &row : found.a.rows) {
		const bool floor = row.name.compare(0, 6, "floor/") == 0;
		if (!floor && !name_matches(options.globs, row.name))
			continue;
		auto other = of_b.find(row.name);
		if (other == of_b.end()) {
			found.only_a.push_back(row.name);
			continue;
		}
		(floor ? floors : rows).add(row, *other->second, options.by_time);
		if (row.broken.empty() && !other->second->broken.empty())
			found.broken.push_back(row.name + ": " + other->second->broken);
		of_b.erase(other);
	}
	for (const saved_row &row : found.b.rows)
		if (of_b.count(row.name) && name_matches(options.globs, row.name))
			found.only_b.push_back(row.name);
}

/* " ('once': did you mean ...)", or "". */
static std::string meant_by(const compare_options &options, const saved &side)
{
	std::vector<std::string> names;
	for (const saved_row &row : side.rows)
		names.push_back(row.name);
	const std::string likely = unmatched(options.globs, names);
	return likely.empty() ? "" : ":" + likely;
}

comparison compare(const saved &a, const saved &b, const compare_options &options)
{
	comparison found;
	found.a = a;
	found.b = b;
	found.at_least = options.at_least;
	found.alpha = options.alpha;
	check_pair(found);
	family_of_tests rows, floors;
	pair_rows(found, options, rows, floors);
	if (rows.rows.empty())
		throw std::runtime_error("'" + a.from + "' and '" + b.from + "' have no row in common" +
					 (options.globs.empty() ? "" : " that the filter chooses" + meant_by(options, a)) +
					 "; save both with the same filter and threads");
	choose(floors, options.alpha);
	for (compared_row &row : floors.rows)
		row.tolerance = options.at_least;
	decide(floors, options.alpha);
	judge_floors(found, floors);
	choose(rows, options.alpha);
	tolerate(rows, options.at_least, options.alpha);
	decide(rows, options.alpha);
	found.rows = std::move(rows.rows);
	found.floors = std::move(floors.rows);
	acquit_rows_of_moved_floors(found, rows.time_shifts);
	count_changes(found);
	judge_whole(found);
	return found;
}

} // namespace bench
