/* SPDX-License-Identifier: MIT */
/* The answer in words. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "facts_parts.h"
#include "markup.h"
#include "node.h"

/* The bug of each family that the project is about. */
struct race {
	enum family family;
	const char *promise;   /* the promise that it breaks, and that makes an implementation of the family a fix */
	const char *seen;      /* "The model was loaded more than once" */
	const char *operation; /* what a fix costs: the benchmark's operation */
	const char *priced;    /* what one operation of any fix is called */
	const char *whole;     /* a promise that the fix named in the headline keeps as well */
	const char *headline;  /* what that one's operation is called */
};
static const struct race races[] = {
	{FAMILY_INITIALISER, "exactly_once", "The model was loaded more than once", "get", "a get", "race_free", "a right get"},
	{FAMILY_COUNTER, "no_lost_update", "An increment was lost", "increment", "an increment that counts", "unique_steps",
		"an increment that returns its step"},
	{FAMILY_PROGRESS, "never_backwards", "The progress shown ran backwards", NULL, NULL, NULL, NULL},
};
enum { RACES = sizeof races / sizeof *races };

/* "2.4 % of", "1 in 41,000" */
static struct words share_of_words(double share)
{
	struct words words, share_text = share_words(share, 1);
	snprintf(words.text, sizeof words.text, "%.56s%s", share >= 1 ? "all" : share_text.text,
		strchr(share_text.text, '%') ? " of" : "");
	return words;
}

/* Says where the race was seen most often, or how it was forced. False if it was not seen. */
static bool tell_race(json_t *sentences, const json_t *report, const struct race *race)
{
	const json_t *best = NULL;
	double best_share = -1;
	size_t i, others = 0;
	const json_t *result;
	json_array_foreach(node_get(report, "results"), i, result) {
		if (subject_family(node_string(result, "subject")) != race->family ||
			strcmp(node_string(result, "verdict"), "bug") != 0 || !result_refutes(result, race->promise))
			continue;
		others++;
		double executions = node_number(result, "executions", 0);
		/* One forced execution always shows it; a rate of real threads says more. */
		bool sampled = strcmp(node_string(result, "engine"), "native") == 0;
		double share = sampled && executions > 0 ? result_refuting_count(result, race->promise) / executions : 0;
		/* The first lesson speaks for its family where it can: it is the bug as it ships. */
		const char *slash = strchr(node_string(result, "subject"), '/');
		if (share > 0 && slash && strcmp(slash, "/naive") == 0)
			share += 1;
		if (!best || share > best_share) {
			best = result;
			best_share = share;
		}
	}
	if (!best)
		return false;
	const char *subject = node_string(best, "subject"), *scenario = node_string(best, "scenario"),
		   *engine = node_string(best, "engine");
	char more[64] = "";
	if (others > 1)
		snprintf(more, sizeof more, "; %zu results in all show it", others);
	if (best_share > 0)
		node_append(sentences, json_sprintf("%s in %s executions: %s under %s, %s of %s runs of %s%s.", race->seen,
					       share_of_words(best_share > 1 ? best_share - 1 : best_share).text, subject, engine,
					       count_words(result_refuting_count(best, race->promise)).text,
					       count_words(node_number(best, "executions", 0)).text, scenario, more));
	else
		node_append(
			sentences, json_sprintf("%s: %s, scenario %s under %s%s.", race->seen, subject, scenario, engine, more));
	return true;
}

struct tally {
	size_t fixes, hold, undecided;   /* implementations; of their claimed promises those that no result decides */
	size_t upheld, unshown, refuted; /* claimed promises of all */
};

static void count_fixes(struct tally *tally, const json_t *facts, const struct race *race)
{
	size_t i;
	const json_t *subject;
	json_array_foreach(node_get(facts, "subjects"), i, subject) {
		if (subject_family(node_string(subject, "subject")) != race->family ||
			json_object_size(node_get(subject, "contracts")) == 0)
			continue;
		size_t broken = 0, shown = 0, undecided = 0;
		const char *promise;
		json_t *contract;
		json_object_foreach(node_get(subject, "contracts"), promise, contract) {
			if (strcmp(node_string(contract, "claim"), "claimed") != 0)
				continue;
			enum standing standing = facts_standing(subject, promise);
			shown += standing == STANDING_HOLDS;
			broken += standing == STANDING_BROKEN;
			undecided += standing == STANDING_UNSHOWN;
		}
		tally->upheld += shown;
		tally->unshown += undecided;
		tally->refuted += broken;
		if (facts_fix(subject, race->promise)) {
			tally->fixes++;
			tally->undecided += undecided;
			tally->hold += !broken && facts_standing(subject, race->promise) == STANDING_HOLDS;
		}
	}
}

/* The cheapest (or dearest) of the right implementations on one thread, of those that claim PROMISE; NULL if none was timed. */
static const json_t *priced_row(const json_t *facts, const struct race *race, const char *promise, bool dearest)
{
	const json_t *best = NULL, *row, *costs = node_get(facts, "costs");
	const char *host = node_string(json_array_get(costs, 0), "host");
	size_t i;
	json_array_foreach(costs, i, row) {
		/* One sentence, one machine: the first. */
		if (strcmp(node_string(row, "host"), host) != 0 || strcmp(node_string(row, "operation"), race->operation) != 0 ||
			(int)node_number(row, "threads", 0) != 1 || !node_get(row, "ratio"))
			continue;
		const json_t *subject = facts_subject(facts, node_string(row, "subject"));
		if (!subject || subject_family(node_string(row, "subject")) != race->family ||
			!facts_right(subject, race->promise) || !facts_fix(subject, promise))
			continue;
		double ratio = node_number(row, "ratio", 0), so_far = node_number(best, "ratio", 0);
		if (!best || (dearest ? ratio > so_far : ratio < so_far))
			best = row;
	}
	return best;
}

/* The floor is the least that is possible: what is measured within a tenth of it, or below because the floor was disturbed, is the same. */
static struct words whole_ratio(double ratio)
{
	struct words same = {"1×"};
	return ratio < 1.1 ? same : ratio_words(ratio);
}

/* Do the machines' own accounts say that nobody else used them? Threads that sleep for a lock do not make a machine busy. */
static bool all_quiet(const json_t *facts)
{
	const json_t *machines = node_get(facts, "machines"), *machine;
	size_t i;
	json_array_foreach(machines, i, machine)
		if (json_is_true(node_get(machine, "loaded")) ||
			!json_is_number(node_get(node_get(machine, "measured"), "others_share")))
			return false;
	return json_array_size(machines) > 0;
}

/* A price on a busy machine is worth less; says so where many repetitions were interrupted. */
static void tell_disturbance(json_t *sentences, const json_t *facts, const json_t *report)
{
	if (all_quiet(facts))
		return;
	size_t rows = 0, cut = 0, i;
	const json_t *row;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "benchmarks"), i, row) {
		if (*node_string(row, "aggregate_name") || node_number(row, "oversubscribed", 0) > 0 ||
			!node_get(row, "preempted"))
			continue;
		rows++;
		/* Interrupted, and for more than a twentieth of its window. */
		cut += node_number(row, "preempted", 0) > 0 && node_number(row, "cpu_ns_per_op", 0) > 0 &&
		       node_number(row, "cpu_ns_per_op", 0) <
			       0.95 * node_number(row, "wall_ns_per_op", 0) * node_number(row, "threads", 1);
	}
	if (cut * 10 > rows)
		node_append(sentences,
			json_sprintf("The machine was busy: %zu of %zu measuring windows were disturbed, so read the prices "
				     "as rough.",
				cut, rows));
}

/* What being right costs, one thread, against the floor. Adds to HEADLINE (which may be empty) and to the sentences. */
static void tell_price(json_t *sentences, char *headline, size_t bytes, const json_t *facts, const struct race *race)
{
	const json_t *whole = priced_row(facts, race, race->whole, false);
	const json_t *cheapest = priced_row(facts, race, race->promise, false),
		     *dearest = priced_row(facts, race, race->promise, true);
	size_t used = strlen(headline);
	const char *label = facts_machine_label(facts, node_string(cheapest, "host"));
	if (whole)
		snprintf(headline + used, bytes - used, "%s%s %s%s", used ? ", " : "", race->headline, used ? "" : "costs ",
			whole_ratio(node_number(whole, "ratio", 0)).text);
	if (whole && !used)
		strncat(headline, " the floor", bytes - strlen(headline) - 1);
	if (cheapest)
		node_append(sentences, json_sprintf("On one thread%s%s, %s costs from %s (%s, %s) to %s (%s, %s) the floor.",
					       *label ? " of machine " : "", label, race->priced,
					       ratio_words(node_number(cheapest, "ratio", 0)).text,
					       node_string(cheapest, "subject"), time_words(node_number(cheapest, "ns", 0)).text,
					       ratio_words(node_number(dearest, "ratio", 0)).text,
					       node_string(dearest, "subject"), time_words(node_number(dearest, "ns", 0)).text));
}

/* Of prices of implementations that nothing is known of. */
static json_t *count_headline(const json_t *facts, bool partial)
{
	double count = (double)json_array_size(node_get(facts, "costs"));
	return node_must(json_sprintf(
		"%s%s price%s.", partial ? "Only a part was measured. " : "", count_words(count).text, count == 1 ? "" : "s"));
}

/* "Two races, seen." Counts the races whose family was tested at all. */
static void tell_races(char *text, size_t bytes, size_t seen, size_t tested)
{
	struct words all = number_words(tested), part = number_words(seen);
	all.text[0] = (char)(all.text[0] - ('a' <= all.text[0] && all.text[0] <= 'z' ? 32 : 0));
	part.text[0] = (char)(part.text[0] - ('a' <= part.text[0] && part.text[0] <= 'z' ? 32 : 0));
	if (tested && seen == tested)
		snprintf(text, bytes, "%s race%s, seen. ", all.text, tested == 1 ? "" : "s");
	else if (tested && seen)
		snprintf(text, bytes, "%s of %s races seen. ", part.text, number_words(tested).text);
	else if (tested)
		snprintf(text, bytes, "No race was seen. ");
}

/* "All 36 fixes hold. ", and not more than that: what no result decides is no promise kept. */
static void tell_fixes(char *text, size_t bytes, const struct tally *tally)
{
	const bool all = tally->hold == tally->fixes, one = tally->hold == 1;
	if (tally->fixes == 0)
		return;
	if (all)
		snprintf(text, bytes, "%s%zu fix%s %s", one ? "" : "All ", tally->fixes, one ? "" : "es",
			tally->undecided ? ""
			: one            ? "holds"
					 : "hold");
	else
		snprintf(text, bytes, "%zu of %zu fixes %s", tally->hold, tally->fixes,
			tally->undecided ? ""
			: one            ? "holds"
					 : "hold");
	size_t used = strlen(text);
	if (tally->undecided)
		snprintf(text + used, bytes - used, "%s what %s for; %zu of their %spromises %s undecided",
			one ? "keeps" : "keep", one ? "it is" : "they are", tally->undecided, all ? "other " : "",
			tally->undecided == 1 ? "is" : "are");
	strncat(text, ". ", bytes - strlen(text) - 1);
}

void facts_headline(json_t *facts, const json_t *report)
{
	json_t *sentences = node_must(json_array());
	struct tally tally = {0};
	size_t seen = 0, tested = 0;
	for (size_t i = 0; i < RACES; i++) {
		bool here = false;
		size_t k;
		const json_t *result;
		json_array_foreach(node_get(report, "results"), k, result)
			here = here || subject_family(node_string(result, "subject")) == races[i].family;
		bool told = tell_race(sentences, report, &races[i]);
		/* A progress that runs backwards is what the second race looks like from outside, not a third one. */
		if (races[i].family != FAMILY_PROGRESS) {
			tested += here;
			seen += told;
		}
		count_fixes(&tally, facts, &races[i]);
	}
	/* What whole pipelines claim stands in the same tables. */
	const struct race pipeline = {.family = FAMILY_PIPELINE, .promise = ""};
	count_fixes(&tally, facts, &pipeline);
	char races_text[192] = "", fixes[160] = "", prices[256] = "";
	tell_races(races_text, sizeof races_text, seen, tested);
	tell_fixes(fixes, sizeof fixes, &tally);
	if (tally.upheld + tally.unshown + tally.refuted)
		node_append(sentences,
			json_sprintf(
				"Of %zu promises that are claimed, %zu are upheld, %zu refuted, and %zu undecided (marked ?): "
				"nothing that was run could show them.",
				tally.upheld + tally.unshown + tally.refuted, tally.upheld, tally.refuted, tally.unshown));
	for (size_t i = 0; i < RACES; i++)
		if (races[i].operation)
			tell_price(sentences, prices, sizeof prices, facts, &races[i]);
	facts_short_sentences(sentences, node_get(facts, "shorts"));
	tell_disturbance(sentences, facts, report);
	size_t broken = json_array_size(node_get(facts, "broken"));
	bool partial = json_is_true(node_get(report, "partial"));
	char contracts[96] = "";
	if (broken)
		snprintf(contracts, sizeof contracts, "%zu contract%s broken. ", broken, broken == 1 ? "" : "s");
	if (prices[0] >= 'a')
		prices[0] = (char)(prices[0] - 32);
	bool empty = !broken && !*races_text && !*fixes && !*prices;
	size_t batches = json_array_size(node_get(report, "batches"));
	json_t *headline = node_must(json_sprintf("%s%s%s%s%s%s", contracts, partial ? "Only a part was measured. " : "",
		races_text, fixes, prices, *prices ? "." : ""));
	if (empty && batches)
		node_set(facts, "headline",
			json_sprintf("%zu batch%s run%s.", batches, batches == 1 ? "" : "es", partial ? ", partial" : ""));
	else if (empty && json_array_size(node_get(facts, "costs")))
		node_set(facts, "headline", count_headline(facts, partial));
	else if (empty)
		node_set(facts, "headline",
			node_text(partial ? "Nothing was measured before the end." : "This report holds no results."));
	else
		node_set(facts, "headline", json_incref(headline));
	json_decref(headline);
	node_set(facts, "sentences", sentences);
	node_set(facts, "tone",
		node_text(broken                                                                ? "broken"
			  : partial                                                             ? "partial"
			  : empty && !batches && json_array_size(node_get(facts, "costs")) == 0 ? "empty"
												: "holds"));
}
