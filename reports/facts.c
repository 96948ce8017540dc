/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

#include "facts_parts.h"
#include "markup.h"
#include "node.h"
#include "result.h"

const struct standing_look standing_looks[] = {
	[STANDING_HOLDS] = {"✓", "holds", "holds"},
	[STANDING_AS_STATED] = {"✗", "broken as stated", "stated"},
	[STANDING_BROKEN] = {"!", "contract broken", "broken"},
	[STANDING_SEEN] = {"✗?", "seen to break", "seen"},
	[STANDING_UNSHOWN] = {"?", "unshown", "unshown"},
	[STANDING_NOT_OFFERED] = {"–", "not promised", "none"},
};

bool list_has(const json_t *list, const char *text)
{
	size_t i;
	const json_t *entry;
	json_array_foreach(list, i, entry) {
		if (json_is_string(entry) && strcmp(json_string_value(entry), text) == 0)
			return true;
	}
	return false;
}

enum family subject_family(const char *subject)
{
	enum family family = FAMILY_INITIALISER;
	for (; family < FAMILY_COUNT; family++) {
		size_t length = strlen(family_name(family));
		if (strncmp(subject, family_name(family), length) == 0 && (subject[length] == '/' || subject[length] == '\0'))
			break;
	}
	return family;
}

json_t *facts_subject(const json_t *facts, const char *subject)
{
	size_t i;
	json_t *entry;
	json_array_foreach(node_get(facts, "subjects"), i, entry) {
		if (strcmp(node_string(entry, "subject"), subject) == 0)
			return entry;
	}
	return NULL;
}

const char *const choice_anomalies[] = {[CHOICE_DUPLICATE] = "duplicate",
	[CHOICE_GAP] = "gap",
	[CHOICE_BACKWARDS] = "backwards",
	[CHOICE_MISSING_LAST] = "missing_last"};

enum standing facts_choice_standing(const json_t *facts, const json_t *choice, enum choice_question question)
{
	static const struct {
		const char *family, *promise;
	} asked[] = {{"initialiser", "exactly_once"}, {"counter", "exact_at_rest"}, {"progress", "no_duplicates"},
		{"progress", "no_gaps"}, {"progress", "never_backwards"}, {"progress", "last_is_total"}};
	static const char *const sums[] = {"loaded_twice", "miscounted"};
	double seen = question < CHOICE_DUPLICATE ? node_number(choice, sums[question], 0)
						  : node_number(node_get(choice, "anomalies"), choice_anomalies[question], 0);
	json_t *name = node_must(json_sprintf("%s/%s", asked[question].family, node_string(choice, asked[question].family)));
	const json_t *part = facts_subject(facts, json_string_value(name));
	json_decref(name);
	const char *claim = node_string(node_get(part, "claims"), asked[question].promise);
	if (!*claim)
		claim = node_string(node_get(node_get(part, "contracts"), asked[question].promise), "claim");
	/* Sampling in whole batches decides about progress what its own part offers; a part that skips by design says so. */
	if (strcmp(claim, "not_offered") == 0)
		return STANDING_NOT_OFFERED;
	/* What nobody claims is not upheld by batches that happened not to break it. */
	if (seen == 0)
		return strcmp(claim, "claimed") == 0 ? STANDING_HOLDS : STANDING_UNSHOWN;
	/* The pipeline has judged its batches: a claim may rest on another part that breaks first. */
	return strcmp(claim, "claimed") == 0 && node_number(choice, "broken", 0) > 0 ? STANDING_BROKEN : STANDING_AS_STATED;
}

json_t *facts_cost(const json_t *facts, const char *subject, const char *operation, int threads, const char *host)
{
	size_t i;
	json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		if (strcmp(node_string(row, "subject"), subject) == 0 && strcmp(node_string(row, "operation"), operation) == 0 &&
			(int)node_number(row, "threads", 0) == threads && strcmp(node_string(row, "host"), host) == 0)
			return row;
	}
	return NULL;
}

double result_refuting_count(const json_t *result, const char *promise)
{
	double count = 0;
	size_t i;
	const json_t *outcome;
	json_array_foreach(node_get(result, "outcomes"), i, outcome) {
		const json_t *refutes = node_get(outcome, "refutes");
		if (promise ? list_has(refutes, promise) : json_array_size(refutes) > 0)
			count += node_number(outcome, "count", 0);
	}
	return count;
}

bool result_refutes(const json_t *result, const char *promise)
{
	size_t i;
	const json_t *finding;
	json_array_foreach(node_get(result, "findings"), i, finding) {
		if (list_has(node_get(finding, "refutes"), promise))
			return true;
	}
	return result_refuting_count(result, promise) > 0;
}

enum standing facts_standing(const json_t *subject, const char *promise)
{
	const json_t *contract = node_get(node_get(subject, "contracts"), promise);
	const char *claim = contract ? node_string(contract, "claim") : node_string(node_get(subject, "claims"), promise);
	const char *status = node_string(contract, "status");
	bool claimed = strcmp(claim, "claimed") == 0, missing = strcmp(claim, "missing") == 0;
	if (!claimed && !missing)
		return STANDING_NOT_OFFERED;
	if (strcmp(status, "upheld") == 0)
		return claimed ? STANDING_HOLDS : STANDING_BROKEN;
	if (strcmp(status, "refuted") == 0)
		return claimed ? STANDING_BROKEN : STANDING_AS_STATED;
	if (missing && json_array_size(node_get(contract, "seen")) > 0)
		return STANDING_SEEN;
	size_t i;
	const json_t *result;
	json_array_foreach(node_get(subject, "results"), i, result) {
		if (missing && result_refutes(result, promise))
			return STANDING_SEEN;
	}
	return STANDING_UNSHOWN;
}

bool facts_wrong(const json_t *subject)
{
	const char *promise;
	json_t *contract;
	json_object_foreach(node_get(subject, "contracts"), promise, contract) {
		enum standing standing = facts_standing(subject, promise);
		static const char *const essential[] = {
			"exactly_once", "same_instance", "fully_published", "no_lost_update", "never_backwards", "race_free"};
		for (size_t i = 0; i < sizeof essential / sizeof *essential; i++)
			if (strcmp(promise, essential[i]) == 0 &&
				(standing == STANDING_AS_STATED || standing == STANDING_SEEN || standing == STANDING_BROKEN))
				return true;
	}
	/* What was timed and went wrong was seen, too. */
	size_t i;
	const json_t *cost;
	json_array_foreach(node_get(subject, "costs"), i, cost) {
		if (node_number(cost, "lost", 0) > 0 || node_number(cost, "extra_loads", 0) > 0)
			return true;
	}
	return false;
}

bool facts_fix(const json_t *subject, const char *promise)
{
	return strcmp(node_string(node_get(subject, "claims"), promise), "claimed") == 0 ||
	       strcmp(node_string(node_get(node_get(subject, "contracts"), promise), "claim"), "claimed") == 0;
}

bool facts_right(const json_t *subject, const char *promise)
{
	if (!facts_fix(subject, promise) || strcmp(node_string(node_get(subject, "claims"), "race_free"), "missing") == 0)
		return false;
	const char *name;
	json_t *contract;
	json_object_foreach(node_get(subject, "contracts"), name, contract) {
		if (facts_standing(subject, name) == STANDING_BROKEN)
			return false;
	}
	return true;
}

/* Adds SUBJECT to the list if it is new; returns it, borrowed. INDEX maps names to entries. */
static json_t *add_subject(json_t *subjects, json_t *index, const char *name)
{
	json_t *subject = json_object_get(index, name);
	if (subject)
		return subject;
	subject = node_append(subjects, json_object());
	node_set(index, name, json_incref(subject));
	enum family family = subject_family(name);
	const char *slash = strchr(name, '/');
	node_set(subject, "subject", node_text(name));
	node_set(subject, "family", node_text(family < FAMILY_COUNT ? family_name(family) : "other"));
	node_set(subject, "name", node_text(family < FAMILY_COUNT && slash ? slash + 1 : name));
	node_set(subject, "claims", json_object());
	node_set(subject, "contracts", json_object());
	node_set(subject, "results", json_array());
	node_set(subject, "costs", json_array());
	return subject;
}

static void copy_text(json_t *to, const json_t *from, const char *key)
{
	if (*node_string(from, key))
		node_set(to, key, json_incref(node_get(from, key)));
}

static void add_description(json_t *subject, const json_t *entry)
{
	copy_text(subject, entry, "file");
	copy_text(subject, entry, "lesson");
	copy_text(subject, entry, "source");
	const char *claim;
	json_t *names;
	json_object_foreach(node_get(entry, "promises"), claim, names) {
		size_t i;
		const json_t *name;
		json_array_foreach(names, i, name) {
			if (json_is_string(name))
				node_set(json_object_get(subject, "claims"), json_string_value(name), node_text(claim));
		}
	}
}

/* A file of prices alone does not say what its implementations promise. This program knows that of those of its own version. */
static void describe_timed(json_t *subjects, json_t *index, const json_t *report)
{
	size_t i;
	const json_t *row;
	if (json_array_size(node_get(report, "implementations")) > 0 ||
		strcmp(node_string(node_get(report, "host"), "onceproof"), ONCEPROOF_VERSION) != 0)
		return;
	json_array_foreach(node_get(node_get(report, "benchmarks"), "benchmarks"), i, row) {
		char subject[256], operation[256];
		int threads;
		if (!row_name_split(node_string(row, "name"), subject, operation, sizeof subject, &threads) ||
			node_get(index, subject))
			continue;
		enum family family = subject_family(subject);
		const struct registered *known = family < FAMILY_COUNT ? registry_find(family, strchr(subject, '/') + 1) : NULL;
		if (!known || known->number == REGISTERED_BY_USER)
			continue;
		json_t *entry = node_must(json_pack("{s:s, s:s, s:{s:o, s:o}}", "file", known->file, "lesson",
			known->about->lesson ? known->about->lesson : "", "promises", "claimed",
			promise_names(family, known->about->claims), "missing", promise_names(family, known->about->missing)));
		add_description(add_subject(subjects, index, subject), entry);
		json_decref(entry);
	}
}

static json_t *gather_subjects(const json_t *report)
{
	json_t *found = node_must(json_array()), *index = node_must(json_object());
	size_t i;
	json_t *entry;
	describe_timed(found, index, report);
	json_array_foreach(node_get(report, "implementations"), i, entry)
		add_description(add_subject(found, index, node_string(entry, "subject")), entry);
	json_array_foreach(node_get(report, "contracts"), i, entry) {
		json_t *contracts = json_object_get(add_subject(found, index, node_string(entry, "subject")), "contracts");
		/* Two rows for one promise come from a merge of versions whose claims differ; the one that is broken speaks. */
		const json_t *known = node_get(contracts, node_string(entry, "promise"));
		if (!known || strcmp(node_string(entry, "status"), "refuted") == 0)
			node_set(contracts, node_string(entry, "promise"), json_incref(entry));
	}
	json_array_foreach(node_get(report, "results"), i, entry)
		node_append(
			json_object_get(add_subject(found, index, node_string(entry, "subject")), "results"), json_incref(entry));
	/* By family; within one, in the order of `list`. */
	json_t *sorted = node_must(json_array());
	for (int family = 0; family <= FAMILY_COUNT; family++) {
		json_array_foreach(found, i, entry) {
			if ((int)subject_family(node_string(entry, "subject")) == family)
				node_append(sorted, json_incref(entry));
		}
	}
	json_decref(found);
	json_decref(index);
	return sorted;
}

/* "; seen: A; B", or "": everything that BATCH was seen to do, also what it may. */
static json_t *batch_seen(const json_t *batch)
{
	json_t *words = node_text("");
	size_t i, count = 0;
	const json_t *one;
	json_array_foreach(node_get(batch, "seen"), i, one) {
		if (!json_is_string(one))
			continue;
		json_t *longer = node_must(
			json_sprintf("%s%s%s", json_string_value(words), count++ ? "; " : "; seen: ", json_string_value(one)));
		json_decref(words);
		words = longer;
	}
	return words;
}

/* A sentence for each contract that is broken. FACTS knows the machines; NULL: they are named as in the rows. */
static json_t *gather_broken(const json_t *report, const json_t *subjects, const json_t *costs, const json_t *facts)
{
	json_t *broken = node_must(json_array());
	size_t i;
	const json_t *subject, *result, *batch, *cost;
	json_array_foreach(subjects, i, subject) {
		const char *promise;
		json_t *contract;
		json_object_foreach(node_get(subject, "contracts"), promise, contract) {
			if (facts_standing(subject, promise) != STANDING_BROKEN)
				continue;
			bool claimed = strcmp(node_string(contract, "claim"), "claimed") == 0;
			node_append(broken,
				json_sprintf("%s %s %s%s.", node_string(subject, "subject"),
					claimed ? "claims" : "says that it lacks", promise,
					claimed ? ", and it is refuted"
						: ", yet it is proved to hold: the claim is wrong, or the check is blind"));
		}
	}
	json_array_foreach(node_get(report, "results"), i, result) {
		if (json_is_false(node_get(result, "as_expected")))
			node_append(
				broken, json_sprintf("%s, scenario %s under %s (%s): %s where %s was expected.",
						node_string(result, "subject"), node_string(result, "scenario"),
						node_string(result, "engine"), node_string(result, "compiler"),
						node_string(result, "verdict"),
						strcmp(node_string(result, "expected"), "bug") == 0 ? "a bug" : "a clean run"));
	}
	json_array_foreach(node_get(report, "batches"), i, batch) {
		if (!json_is_false(node_get(batch, "as_stated")))
			continue;
		json_t *seen = batch_seen(batch);
		node_append(broken, json_sprintf("The batch with %s, %s and %s did not keep what its parts claim%s.",
					    node_string(batch, "initialiser"), node_string(batch, "counter"),
					    node_string(batch, "progress"), json_string_value(seen)));
		json_decref(seen);
	}
	json_array_foreach(costs, i, cost) {
		const char *host = facts_machine_label(facts, node_string(cost, "host"));
		if (*node_string(cost, "broken"))
			node_append(
				broken, json_sprintf("%s, timed in %s with %.0f thread%s%s%s: %s.", node_string(cost, "subject"),
						node_string(cost, "operation"), node_number(cost, "threads", 0),
						node_number(cost, "threads", 0) > 1 ? "s" : "", *host ? " on " : "", host,
						node_string(cost, "broken")));
	}
	return broken;
}

size_t facts_broken(const json_t *report)
{
	json_t *subjects = gather_subjects(report), *costs = facts_costs(report);
	json_t *broken = gather_broken(report, subjects, costs, NULL);
	size_t count = json_array_size(broken);
	json_decref(broken);
	json_decref(costs);
	json_decref(subjects);
	return count;
}

json_t *facts_gather(const json_t *report)
{
	json_t *facts = node_must(json_object());
	json_t *subjects = gather_subjects(report);
	node_set(facts, "subjects", subjects);
	const json_t *host = node_get(report, "host");
	node_set(facts, "cores", json_real(node_number(host, "cores_usable", node_number(host, "cores_online", 0))));
	node_set(facts, "costs", facts_costs(report));
	node_set(facts, "machines", facts_machines(report));
	node_set(facts, "distributions", facts_distributions(report));
	node_set(facts, "goals", facts_goals(report));
	node_set(facts, "shorts", facts_shorts(facts));
	node_set(facts, "why", facts_why(facts));
	size_t i;
	json_t *row;
	json_array_foreach(node_get(facts, "costs"), i, row) {
		json_t *subject = facts_subject(facts, node_string(row, "subject"));
		if (subject)
			node_append(json_object_get(subject, "costs"), json_incref(row));
	}
	node_set(facts, "choices", facts_choices(report));
	json_array_foreach(node_get(facts, "choices"), i, row) {
		bool flawed = false;
		for (int question = CHOICE_LOADS; question <= CHOICE_MISSING_LAST; question++) {
			enum standing standing = facts_choice_standing(facts, row, (enum choice_question)question);
			flawed = flawed || standing == STANDING_AS_STATED || standing == STANDING_BROKEN;
		}
		node_set(row, "flawed", json_boolean(flawed));
	}
	node_set(facts, "broken", gather_broken(report, subjects, node_get(facts, "costs"), facts));
	facts_headline(facts, report);
	return facts;
}
