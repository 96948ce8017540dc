// SPDX-License-Identifier: MIT
// Does it matter? Whole batches against the cost of an item: what each choice adds to a batch that counts nothing, from which item cost on
// that is less than one in twenty, how old the news is that the front end shows, and how long first use takes.
//
// The crossing is found by bisection over a grid of item costs, for all choices in turns drawn at random. A step is taken only once the
// interval of the overhead lies wholly above or below the limit; a cost at which it stays on both is left open, and the search goes on
// around it. So what is told is a range: below `low` the choice costs more than the limit for certain (95 %), from `high` on less.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "batches.h"
#include "bisection.h"
#include "studies.h"

namespace bench
{

namespace
{

constexpr double LIMIT = 0.05;
constexpr double CHEAPEST_NS = 50, DEAREST_NS = 50e6;
constexpr double LONG_NS = 4e6; /* items from here on are few, or half of the time would go to them */
enum { PER_DECADE = 8, GRID = 6 * PER_DECADE + 1, PAIRS_LEAST = 6, PAIRS_ROUND = 3, AGES_MAX = 512 };

double grid_ns(int at)
{
	return CHEAPEST_NS * std::pow(10, static_cast<double>(at) / static_cast<double>(PER_DECADE));
}

/* What is known of a choice at one item cost. */
struct point {
	std::vector<double> overheads; /* of pairs */
	std::vector<double> each_ns;   /* wall time per item with the choice */
	std::vector<double> ages_ns;   /* of the front end's news */
	interval likely() const
	{
		return median_interval(overheads);
	}
};

side side_of(const point &point)
{
	if (point.overheads.size() < PAIRS_LEAST)
		return SIDE_UNKNOWN;
	const interval likely = point.likely();
	return likely.low > LIMIT ? SIDE_ABOVE : likely.high < LIMIT ? SIDE_BELOW : SIDE_UNKNOWN;
}

/* The search for one choice's crossing. */
struct search {
	const choice *chosen = nullptr;
	unsigned workers = 1;
	std::map<int, point> points; /* by place on the grid */
	std::string broken;
	bisection state = {-1, GRID, (GRID - 1) / 3, false};

	/* A cost counts once its side is certain, or PAIRS_MOST could not make it so. */
	void look(size_t pairs_most)
	{
		std::map<int, side> looks;
		for (const auto &each : points) {
			const side side = side_of(each.second);
			if (side != SIDE_UNKNOWN || each.second.overheads.size() >= pairs_most)
				looks[each.first] = side;
		}
		state = bisect(looks, GRID);
	}
};

/* How many items a batch has so that it lasts long against its start, and every worker has some. */
uint64_t items_of(double item_ns, unsigned workers, double start_s, double plumbing_s)
{
	const double batch_s = 0.006, start_share = 20;
	const double each_s = (item_ns * 1e-9 + plumbing_s) / workers;
	const double wanted = std::ceil(std::max(batch_s, start_share * start_s) / each_s);
	const uint64_t rounds = item_ns < LONG_NS ? 4 : 2;
	const uint64_t items = static_cast<uint64_t>(std::min(wanted, 1e6));
	return std::max(items / workers, rounds) * workers;
}

/* Everything that a study of batches needs, and its clock. */
struct lab {
	uint64_t end_ns = 0;
	uint64_t random = 1;
	std::map<unsigned, batch_cost> costs; /* of a batch that counts nothing, by workers */
	bool over() const
	{
		return now_ns() > end_ns || interrupted.load(std::memory_order_relaxed); // relaxed: a flag alone
	}
	const batch_cost &cost(unsigned workers)
	{
		auto found = costs.find(workers);
		if (found != costs.end())
			return found->second;
		batch_options none = batch_of(no_choice(), workers, NO_WORK);
		return costs[workers] = rehearse(none);
	}
	uint64_t items(double item_ns, unsigned workers)
	{
		const batch_cost &known = cost(workers);
		return items_of(item_ns, workers, known.start_s, known.each_s * workers);
	}
};

void add_pairs(lab &lab, search &search, int at, int pairs)
{
	const double item_ns = grid_ns(at);
	const uint64_t items = lab.items(item_ns, search.workers);
	batch_options with = batch_of(*search.chosen, search.workers, std::llround(item_ns));
	batch_options without = batch_of(no_choice(), search.workers, std::llround(item_ns));
	point &point = search.points[at];
	for (int i = 0; i < pairs && !lab.over(); i++) {
		const pair both = time_pair(with, without, items, &lab.random);
		point.overheads.push_back(both.overhead());
		point.each_ns.push_back(both.with_s * 1e9 / static_cast<double>(items));
		if (search.broken.empty())
			search.broken = broken_claim(with, both.summary);
	}
}

/* In a batch of its own: watching costs a little, and times without it are told beside. */
void add_ages(lab &lab, search &search, int at)
{
	const double item_ns = grid_ns(at);
	batch_options with = batch_of(*search.chosen, search.workers, std::llround(item_ns));
	with.synthetic_items = lab.items(item_ns, search.workers);
	uint64_t ages[AGES_MAX];
	size_t count = 0;
	batch_summary summary = {};
	if (probe_ages(&with, &summary, ages, AGES_MAX, &count) == 0)
		search.points[at].ages_ns.insert(search.points[at].ages_ns.end(), ages, ages + count);
}

template <typename T> void shuffle(std::vector<T> &list, uint64_t *random)
{
	for (size_t i = list.size(); i > 1; i--)
		std::swap(list[i - 1], list[draw(random) % i]);
}

/* One turn of one search: more pairs where it stands, and on when they say enough or more would say no more. */
void advance(lab &lab, search &search, size_t pairs_most)
{
	add_pairs(lab, search, search.state.next, PAIRS_ROUND);
	const point &point = search.points[search.state.next];
	if (side_of(point) != SIDE_UNKNOWN || point.overheads.size() >= pairs_most)
		search.look(pairs_most);
}

/* All searches in turns. */
void find_crossings(lab &lab, std::vector<std::unique_ptr<search>> &searches, size_t pairs_most)
{
	for (;;) {
		std::vector<search *> open;
		for (auto &search : searches)
			if (!search->state.done)
				open.push_back(search.get());
		if (open.empty() || lab.over())
			return;
		shuffle(open, &lab.random);
		for (search *search : open)
			if (!lab.over())
				advance(lab, *search, pairs_most);
	}
}

/* A few pairs and ages at each decade of item cost, in turns: the curve that the crossings lie on. */
void draw_curves(lab &lab, std::vector<std::unique_ptr<search>> &searches, int rounds)
{
	for (int round = 0; round < rounds; round++) {
		std::vector<std::pair<search *, int>> all;
		for (auto &search : searches)
			for (int at = 0; at < GRID; at += PER_DECADE)
				all.emplace_back(search.get(), at);
		shuffle(all, &lab.random);
		for (auto &each : all) {
			const bool is_long = grid_ns(each.second) > LONG_NS;
			if (lab.over() || (round > 0 && is_long))
				continue;
			add_pairs(lab, *each.first, each.second, is_long ? PAIRS_ROUND : PAIRS_LEAST);
			add_ages(lab, *each.first, each.second);
		}
	}
}

double quantile(std::vector<double> values, double q)
{
	std::sort(values.begin(), values.end());
	return values[std::min(values.size() - 1, static_cast<size_t>(q * static_cast<double>(values.size())))];
}

json_t *point_json(int at, const point &point)
{
	json_t *made = json_pack("{s:f, s:f, s:f, s:i}", "item_ns", grid_ns(at), "items_per_s", 1e9 / median(point.each_ns),
		"overhead", median(point.overheads), "pairs", static_cast<int>(point.overheads.size()));
	const interval likely = point.likely();
	const bool known = point.overheads.size() >= PAIRS_LEAST;
	json_object_set_new(made, "low", known ? json_real(likely.low) : json_null());
	json_object_set_new(made, "high", known ? json_real(likely.high) : json_null());
	if (!point.ages_ns.empty())
		json_object_set_new(made, "progress_latency_ns",
			json_pack("{s:f, s:f, s:i}", "p50", quantile(point.ages_ns, 0.5), "p99", quantile(point.ages_ns, 0.99),
				"count", static_cast<int>(point.ages_ns.size())));
	return made;
}

/* Where the curve of the medians passes the limit between the costs that are known to lie above and below; in ns. */
double crossing_of(const search &search)
{
	double before_ns = 0, before = 0;
	for (const auto &each : search.points) {
		if (each.first < search.state.above || each.first > search.state.below || each.second.overheads.empty())
			continue;
		const double ns = grid_ns(each.first), overhead = median(each.second.overheads);
		if (overhead < LIMIT && before_ns > 0 && before > LIMIT) {
			const double share = (before - LIMIT) / (before - overhead);
			return before_ns * std::pow(ns / before_ns, share);
		}
		if (overhead < LIMIT)
			return ns;
		before_ns = ns;
		before = overhead;
	}
	return grid_ns(std::min(search.state.below, GRID - 1));
}

std::string length_text(double ns)
{
	char text[32];
	if (ns < 1e3)
		snprintf(text, sizeof text, "%.0f ns", ns);
	else if (ns < 1e6)
		snprintf(text, sizeof text, "%.3g us", ns / 1e3);
	else
		snprintf(text, sizeof text, "%.3g ms", ns / 1e6);
	return text;
}

/* "always below", "crosses" …; the words that a reader gets. */
std::string sentence_of(const search &search, double item_ns, const char *found)
{
	const std::string who =
		search.chosen->name + ", " + std::to_string(search.workers) + (search.workers == 1 ? " worker: " : " workers: ");
	const std::string limit = std::to_string(std::lround(LIMIT * 100)) + " %";
	if (std::string(found) == "below")
		return who + "adds less than " + limit + " at every item cost from " + length_text(CHEAPEST_NS) + " on";
	if (std::string(found) == "above")
		return who + "adds more than " + limit + " even to items of " + length_text(DEAREST_NS);
	const std::string from =
		search.state.above < 0 ? "less than " + length_text(CHEAPEST_NS) : length_text(grid_ns(search.state.above));
	const std::string to =
		search.state.below >= GRID ? "more than " + length_text(DEAREST_NS) : length_text(grid_ns(search.state.below));
	return who + "adds less than " + limit + " from items of about " + length_text(item_ns) + " on (between " + from +
	       " and " + to + ")" + (search.state.done ? "" : "; the time ended before it was known more closely");
}

json_t *search_json(const search &search, json_t *sentences)
{
	json_t *points = json_array();
	for (const auto &each : search.points)
		if (!each.second.overheads.empty())
			json_array_append_new(points, point_json(each.first, each.second));
	json_t *made =
		json_pack("{s:s, s:i}", "choice", search.chosen->name.c_str(), "threads", static_cast<int>(search.workers));
	if (json_array_size(points) > 0) {
		const char *found = search.state.done && search.state.below == 0          ? "below"
				    : search.state.done && search.state.above == GRID - 1 ? "above"
				    : search.state.done                                   ? "between"
											  : "open";
		const double item_ns = crossing_of(search);
		json_object_set_new(made, "found", json_string(found));
		json_object_set_new(made, "item_ns", json_real(item_ns));
		json_object_set_new(made, "low", json_real(grid_ns(std::max(search.state.above, 0))));
		json_object_set_new(made, "high", json_real(grid_ns(std::min(search.state.below, GRID - 1))));
		json_array_append_new(sentences, json_string(sentence_of(search, item_ns, found).c_str()));
	}
	json_object_set_new(made, "points", points);
	if (!search.broken.empty())
		json_object_set_new(made, "broken", json_string(search.broken.c_str()));
	return made;
}

/* With how many workers: as many as run at once, and, where there is time, one alone. */
std::vector<unsigned> team_sizes(const plan &plan)
{
	std::vector<unsigned> sizes;
	unsigned most = 1;
	for (unsigned threads : plan.threads)
		if (threads <= this_machine().cores)
			most = std::max(most, threads);
	sizes.push_back(most);
	if (plan.tier == TIER_FULL && most > 1)
		sizes.push_back(1);
	return sizes;
}

} // namespace

json_t *study_crossings(const plan &plan)
{
	const bool full = plan.tier == TIER_FULL;
	lab lab;
	lab.end_ns = now_ns() + static_cast<uint64_t>(plan.tier == TIER_QUICK ? 10e9 : full ? 120e9 : 30e9);
	std::vector<std::unique_ptr<search>> searches;
	json_t *missing = json_array();
	for (const choice &each : batch_choices()) {
		if (!each.missing.empty()) {
			json_array_append_new(
				missing, json_pack("{s:s, s:s}", "choice", each.name.c_str(), "why", each.missing.c_str()));
			continue;
		}
		for (unsigned workers : team_sizes(plan)) {
			auto made = std::make_unique<search>();
			made->chosen = &each;
			made->workers = workers;
			searches.push_back(std::move(made));
		}
	}
	draw_curves(lab, searches, full ? 4 : 1);
	find_crossings(lab, searches, full ? 45 : 18);
	bool partial = false;
	json_t *choices = json_array(), *sentences = json_array();
	for (const auto &search : searches) {
		partial |= !search->state.done;
		json_array_append_new(choices, search_json(*search, sentences));
	}
	json_t *found = json_pack("{s:f, s:s, s:o, s:o, s:o}", "limit", LIMIT, "against",
		"a batch that counts nothing and tells nothing", "choices", choices, "missing", missing, "sentences", sentences);
	if (partial)
		json_object_set_new(found, "partial", json_true());
	return found;
}

} // namespace bench
