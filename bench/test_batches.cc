// SPDX-License-Identifier: MIT
// The parts of the studies of batches that no time decides: the search for a crossing, the floor that counts nothing, what the probes see.
#include <cstdio>
#include <cstdlib>
#include <set>

#include "batches.h"
#include "bisection.h"
#include "studies.h"

using namespace bench;

static int failed;

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "FAILED: %s\n", what);
	failed = 1;
}

enum { SIZE = 49 };

/* Searches a curve that is certainly above up to ABOVE, certainly below from BELOW on. Returns how many looks it took. */
static int search(int above, int below, bisection *found)
{
	std::map<int, side> looks;
	for (;;) {
		*found = bisect(looks, SIZE);
		if (found->done || looks.size() > SIZE)
			return static_cast<int>(looks.size());
		need(found->next >= 0 && found->next < SIZE && !looks.count(found->next), "each look is a new place of the grid");
		looks[found->next] = found->next <= above ? SIDE_ABOVE : found->next >= below ? SIDE_BELOW : SIDE_UNKNOWN;
	}
}

static void crossings_are_found_wherever_they_are()
{
	for (int above = -1; above < SIZE; above++)
		for (int below = above + 1; below <= SIZE && below <= above + 6; below++) {
			bisection found;
			const int looks = search(above, below, &found);
			need(found.above == above && found.below == below, "both ends of what is uncertain, exactly");
			need(looks <= 14, "by bisection, not by looking everywhere");
		}
}

static void noise_widens_the_range()
{
	/* Below at 10, but open again at 20: "from here on below" begins behind 20. */
	std::map<int, side> looks = {
		{5, SIDE_ABOVE}, {6, SIDE_UNKNOWN}, {10, SIDE_BELOW}, {20, SIDE_UNKNOWN}, {21, SIDE_BELOW}, {48, SIDE_BELOW}};
	const bisection found = bisect(looks, SIZE);
	need(found.done && found.above == 5 && found.below == 21, "one lucky look does not promise what comes after it");
	looks[30] = SIDE_ABOVE;
	const bisection later = bisect(looks, SIZE);
	need(!later.done && later.above == 30 && later.next > 30, "what is above later is looked at again");
}

static void nothing_is_counted_by_the_floor()
{
	need(no_choice().missing.empty(), "the floor runs");
	batch_options options = batch_of(no_choice(), 2, NO_WORK);
	const timed_batch timed = time_batch(options, 5000);
	need(timed.summary.done == 5000, "all items are done");
	need(timed.summary.counted == 0 && timed.summary.told == 0, "nothing is counted, nothing told");
	need(timed.summary.models_made == 1 && timed.summary.models_alive == 0, "its model is there once, and goes");
	need(registry_find(FAMILY_COUNTER, "nothing") == nullptr, "the floor is no choice");
}

static const choice *find(const char *name)
{
	for (const choice &each : batch_choices())
		if (each.name == name)
			return &each;
	need(false, name);
	exit(1);
}

static void pairs_do_the_same_items()
{
	uint64_t random = 1;
	batch_options with = batch_of(*find("mutex+mutex+under_lock"), 2, NO_WORK), without = batch_of(no_choice(), 2, NO_WORK);
	const struct pair both = time_pair(with, without, 3000, &random);
	need(with.synthetic_items == 3000 && without.synthetic_items == 3000, "as many items in both");
	need(both.summary.counted == 3000 && both.with_s > 0 && both.without_s > 0,
		"the pair's summary is of the batch with the choice");
}

static void claims_are_checked()
{
	batch_options options = batch_of(*find("mutex+mutex+under_lock"), 1, NO_WORK);
	batch_summary summary = {};
	summary.items = summary.counted = 10;
	summary.models_made = 1;
	need(broken_claim(options, summary).empty(), "a whole batch breaks nothing");
	summary.counted = 9;
	need(broken_claim(options, summary).find("counted 9 of 10") == 0, "a lost update breaks a claim");
	summary.counted = 10;
	summary.models_made = 2;
	need(broken_claim(options, summary).find("2 models made") == 0, "so does a second model");
	batch_options racy = batch_of(*find("naive+naive+plain_global"), 1, NO_WORK);
	summary.counted = 1;
	need(broken_claim(racy, summary).empty(), "who claims nothing breaks nothing");
}

/* What is missing cannot, and under ThreadSanitizer nor can what has data races: they are no fault of watching. */
static bool may_run(const choice &each)
{
#ifdef __SANITIZE_THREAD__
	if (!(each.initialiser->about.claims & INITIALISER_RACE_FREE) || !(each.counter->about.claims & COUNTER_RACE_FREE))
		return false;
#endif
	return each.missing.empty();
}

static void the_news_of_every_point_has_an_age()
{
	uint64_t ages[64];
	for (const choice &each : batch_choices()) {
		if (!may_run(each))
			continue;
		for (uint64_t items : {10u, 1000u, 6400u}) {
			batch_options options = batch_of(each, 2, NO_WORK);
			options.synthetic_items = items;
			batch_summary summary = {};
			size_t count = 0;
			need(probe_ages(&options, &summary, ages, 64, &count) == 0, "the watched batch runs");
			need(summary.done == items, "watching loses no item");
			const uint64_t stride = items > 64 ? (items + 63) / 64 : 1;
			/* One that loses updates never tells the last ones. */
			const bool loses = !(each.counter->about.claims & COUNTER_NO_LOST_UPDATE);
			need(loses ? count <= items / stride : count == items / stride, "an age for each point that was told");
			bool sane = true;
			for (size_t i = 0; i < count; i++)
				sane &= ages[i] < 600ull * 1000000000;
			need(sane, "ages are times that passed in this batch");
		}
	}
}

/* A front end that is told only when all is over: the age of the first item's news is no less than what the later items took. */
static void late_news_is_old()
{
	batch_options options = batch_of(*find("atomic+sharded_store+sampler"), 1, 1000000);
	options.synthetic_items = 20;
	options.poll_us = 10000000;
	batch_summary summary = {};
	uint64_t ages[20];
	size_t count = 0;
	need(probe_ages(&options, &summary, ages, 20, &count) == 0 && count == 20, "all ages");
	need(count == 20 && ages[0] >= 19 * 1000000ull, "the first item ended before 19 waits of 1 ms, and was told after them");
	need(count == 20 && ages[19] <= ages[0], "the last item's news is younger");
}

static void first_use_meets_all_workers()
{
	for (const choice &each : batch_choices()) {
		if (!may_run(each))
			continue;
		choice only = no_choice();
		only.initialiser = each.initialiser;
		batch_options options = batch_of(only, 3, NO_WORK);
		batch_summary summary = {};
		uint64_t all_ns = 0;
		need(probe_first_use(&options, &summary, &all_ns) == 0, "the storm runs");
		need(summary.done == 3 && summary.items == 3, "one item for each worker");
		const bool once = each.initialiser->about.claims & INITIALISER_EXACTLY_ONCE;
		need(!once || summary.models_made == 1, "one model where that is claimed");
		need(!once || all_ns >= summary.load_ns, "nobody runs before the model is loaded");
	}
}

static void rows_stand_beside_their_floor()
{
	plan plan;
	plan.threads = {1, 2};
	std::vector<row> rows;
	add_pipeline_rows(rows, plan);
	std::set<std::string> names;
	for (const row &row : rows)
		need(names.insert(row.name).second, "each row once");
	for (const row &row : rows)
		need(row.floor.empty() || names.count(row.floor), "each floor is a row");
	for (const char *name : {"floor/batch_0/threads:1", "floor/batch_1us/threads:2", "floor/batch_10us/threads:2",
		     "floor/batch_100us/threads:2", "pipeline/once+tally+teller/item_1us/threads:2",
		     "pipeline/once+tally+teller/overhead_1us/threads:2"})
		need(names.count(name), name);
}

static void interrupted_studies_say_so()
{
	interrupted.store(true, std::memory_order_relaxed); // relaxed: one thread
	plan plan;
	plan.threads = {1, 2};
	for (json_t *(*study)(const struct plan &) : {study_crossings, study_first_use}) {
		json_t *found = study(plan);
		need(json_is_true(json_object_get(found, "partial")), "an interrupted study is partial");
		need(json_is_array(json_object_get(found, "choices")) && json_is_array(json_object_get(found, "sentences")),
			"and whole JSON");
		json_decref(found);
	}
	interrupted.store(false, std::memory_order_relaxed); // relaxed: one thread
}

int main()
{
	crossings_are_found_wherever_they_are();
	noise_widens_the_range();
	nothing_is_counted_by_the_floor();
	pairs_do_the_same_items();
	claims_are_checked();
	the_news_of_every_point_has_an_age();
	late_news_is_old();
	first_use_meets_all_workers();
	rows_stand_beside_their_floor();
	interrupted_studies_say_so();
	if (!failed)
		puts("crossings are found, floors count nothing, probes see what happened");
	return failed;
}
