/* SPDX-License-Identifier: MIT */
#include "contracts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "scenario.h"

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

static bool names(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
		if (json_string_value(item) && strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

static bool refutes(const json_t *result, const char *promise)
{
	size_t i;
	json_t *finding;
	json_array_foreach(json_object_get(result, "findings"), i, finding)
		if (names(json_object_get(finding, "refutes"), promise))
			return true;
	return false;
}

static bool deterministic(const json_t *result)
{
	const char *engine = text(result, "engine");
	return strcmp(engine, "sequential") == 0 || strcmp(engine, "explore") == 0;
}

/* How much a verdict says for a promise: nothing, sampled, proved. */
static int weight(const json_t *result)
{
	const char *verdict = text(result, "verdict");
	if (strcmp(verdict, "proved") == 0)
		return 2;
	/* A bug that refutes another promise was seen in some executions; the others were judged for this one. A script has no others,
	 * and a crash ends with nothing judged. */
	bool judged = json_integer_value(json_object_get(result, "executions")) > 0;
	bool sampled_beside = strcmp(verdict, "bug") == 0 && strcmp(text(result, "engine"), "sequential") != 0 && judged;
	return strcmp(verdict, "not-found") == 0 || sampled_beside ? 1 : 0;
}

/* Did RESULTS look at SCENARIO of SUBJECT to the end: proved by the explorer, or for a script run? */
static bool looked_at(const json_t *results, const char *subject, const struct scenario *scenario)
{
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result)
		if (strcmp(text(result, "subject"), subject) == 0 && strcmp(text(result, "scenario"), scenario->name) == 0 &&
			(weight(result) == 2 || (scenario->script && weight(result) == 1)))
			return true;
	return false;
}

/* A missing promise is proved to hold when every scenario that could break it was looked at to its end. Subjects outside the registry
 * have no list of scenarios: their results are all there is. */
static bool proved_throughout(const json_t *results, const char *subject, const char *promise)
{
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct implementation *about = onceproof_registry[i].about;
		char name[128];
		size_t count, bit = 0;
		snprintf(name, sizeof name, "%s/%s", family_name(about->family), about->name);
		const struct promise_info *promises = family_promises(about->family, &count);
		while (bit < count && strcmp(promises[bit].name, promise) != 0)
			bit++;
		if (strcmp(name, subject) != 0)
			continue;
		for (size_t g = 0; g < scenario_group_count; g++)
			for (size_t s = 0; s < scenario_groups[g]->count; s++) {
				const struct scenario *it = &scenario_groups[g]->list[s];
				uint32_t checks = it->checks;
				for (unsigned o = 0; o < it->outcome_count; o++)
					checks |= it->outcomes[o].refutes;
				if (scenario_applies(it, about) && checks >> bit & 1 && !looked_at(results, subject, it))
					return false;
			}
	}
	return true;
}

static json_t *contract(const json_t *results, const char *subject, const char *promise, bool claimed)
{
	const char *status = "unshown";
	json_t *by = json_null(), *seen = json_array();
	int best = 0;
	bool broken = false;
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result) {
		if (strcmp(text(result, "subject"), subject) != 0 ||
			(!names(json_object_get(result, "checks"), promise) && !refutes(result, promise)))
			continue;
		json_t *here = json_sprintf("%s %s", text(result, "engine"), text(result, "scenario"));
		if (refutes(result, promise)) {
			if (claimed || deterministic(result)) {
				/* The first refutation stays named; nothing outweighs it. */
				if (best < 3)
					json_decref(by), by = json_incref(here);
				best = 3;
				status = "refuted";
				broken = claimed;
			} else {
				json_array_append(seen, here);
			}
		} else if (best < 3 && weight(result) > best &&
			   (claimed || (weight(result) == 2 && proved_throughout(results, subject, promise)))) {
			best = weight(result);
			json_decref(by), by = json_incref(here);
			status = "upheld";
			broken = !claimed;
		}
		json_decref(here);
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:o}", "subject", subject, "promise", promise, "claim",
		claimed ? "claimed" : "missing", "status", status, "by", by, "broken", broken, "seen", seen);
}

static bool has_contract(const json_t *contracts, const char *subject, const char *promise)
{
	size_t i;
	json_t *it;
	json_array_foreach(contracts, i, it)
		if (strcmp(text(it, "subject"), subject) == 0 && strcmp(text(it, "promise"), promise) == 0)
			return true;
	return false;
}

static void add_from_results(json_t *contracts, const json_t *results, const char *key, bool claimed)
{
	size_t i, j;
	json_t *result, *promise;
	json_array_foreach(results, i, result)
		json_array_foreach(json_object_get(result, key), j, promise)
			if (!has_contract(contracts, text(result, "subject"), json_string_value(promise)))
				json_array_append_new(contracts,
					contract(results, text(result, "subject"), json_string_value(promise), claimed));
}

static bool occurs(const json_t *results, const char *subject)
{
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result)
		if (strcmp(text(result, "subject"), subject) == 0)
			return true;
	return false;
}

json_t *contracts_from(const json_t *results)
{
	json_t *contracts = json_array();
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct implementation *about = onceproof_registry[i].about;
		char subject[128];
		snprintf(subject, sizeof subject, "%s/%s", family_name(about->family), about->name);
		if (!occurs(results, subject))
			continue;
		size_t count;
		const struct promise_info *promises = family_promises(about->family, &count);
		for (size_t p = 0; p < count; p++)
			if ((about->claims | about->missing) >> p & 1)
				json_array_append_new(
					contracts, contract(results, subject, promises[p].name, about->claims >> p & 1));
	}
	/* Subjects outside the registry (batches of the pipeline) carry their claims in their results. */
	add_from_results(contracts, results, "claimed", true);
	add_from_results(contracts, results, "missing", false);
	return contracts;
}

size_t contracts_broken(const json_t *contracts)
{
	size_t broken = 0, i;
	json_t *it;
	json_array_foreach(contracts, i, it)
		broken += json_is_true(json_object_get(it, "broken"));
	return broken;
}
