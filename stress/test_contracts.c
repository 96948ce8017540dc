/* SPDX-License-Identifier: MIT */
/* Contracts: every combination of claim, verdict and kind of evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../reports/result.h"
#include "contracts.h"
#include "scenario.h"

/* A result on a subject outside the registry that checks exactly_once, claimed or missing. */
static json_t *result(const char *engine, const char *verdict, bool claimed, bool refuted)
{
	json_t *it = result_new("initialiser/made_up", "first_use", engine, "gcc 1");
	uint32_t bit = 1u;
	json_object_set_new(it, "checks", promise_names(FAMILY_INITIALISER, bit));
	json_object_set_new(it, "claimed", promise_names(FAMILY_INITIALISER, claimed ? bit : 0));
	json_object_set_new(it, "missing", promise_names(FAMILY_INITIALISER, claimed ? 0 : bit));
	if (refuted)
		result_add_finding(it, "forbidden-outcome", "two loads", FAMILY_INITIALISER, bit);
	else if (strcmp(verdict, "bug") == 0)
		result_add_finding(it, "data-race", "another promise", FAMILY_INITIALISER, 1u << 7);
	json_object_set_new(it, "executions", json_integer(100));
	result_judge(it, verdict, claimed ? "clean" : "bug", "test");
	return it;
}

static void expect(json_t *results, const char *status, const char *by, bool broken, size_t seen)
{
	json_t *contracts = contracts_from(results);
	assert_int_equal(json_array_size(contracts), 1);
	json_t *it = json_array_get(contracts, 0);
	assert_string_equal(json_string_value(json_object_get(it, "status")), status);
	if (by)
		assert_string_equal(json_string_value(json_object_get(it, "by")), by);
	else
		assert_true(json_is_null(json_object_get(it, "by")));
	assert_int_equal(json_is_true(json_object_get(it, "broken")), broken);
	assert_int_equal(json_array_size(json_object_get(it, "seen")), seen);
	assert_int_equal(contracts_broken(contracts), broken ? 1 : 0);
	json_decref(contracts);
	json_decref(results);
}

static json_t *list(json_t *a, json_t *b)
{
	json_t *results = json_array();
	json_array_append_new(results, a);
	if (b)
		json_array_append_new(results, b);
	return results;
}

static void claimed_and_sampled(void **state)
{
	(void)state;
	expect(list(result("native", "not-found", true, false), NULL), "upheld", "native first_use", false, 0);
}

static void claimed_and_refuted_by_any_engine(void **state)
{
	(void)state;
	expect(list(result("native", "bug", true, true), result("explore", "proved", true, false)), "refuted", "native first_use",
		true, 0);
	expect(list(result("explore", "proved", true, false), result("tsan", "bug", true, true)), "refuted", "tsan first_use",
		true, 0);
}

static void claimed_and_undecided(void **state)
{
	(void)state;
	expect(list(result("native", "inconclusive", true, false), result("tsan", "skipped", true, false)), "unshown", NULL,
		false, 0);
}

static void claimed_with_another_bug_beside(void **state)
{
	(void)state;
	expect(list(result("tsan", "bug", true, false), NULL), "upheld", "tsan first_use", false, 0);
	expect(list(result("sequential", "bug", true, false), NULL), "unshown", NULL, false, 0);
}

static void a_crash_upholds_nothing(void **state)
{
	(void)state;
	json_t *crashed = result("native", "bug", true, false);
	json_object_set_new(crashed, "executions", json_integer(0));
	expect(list(crashed, NULL), "unshown", NULL, false, 0);
}

static void a_refutation_counts_wherever_it_was_seen(void **state)
{
	(void)state;
	json_t *elsewhere = result("native", "bug", true, true);
	json_object_set_new(elsewhere, "checks", json_array());
	expect(list(elsewhere, NULL), "refuted", "native first_use", true, 0);
}

static bool as_expected(uint32_t missing, uint32_t claims, uint32_t refutes, bool any_finding)
{
	json_t *it = result_new("initialiser/made_up", "first_use", "native", "gcc 1");
	json_object_set_new(it, "claims", promise_names(FAMILY_INITIALISER, claims));
	if (any_finding)
		result_add_finding(it, "crash", "boom", FAMILY_INITIALISER, refutes);
	result_judge(it, "bug", missing ? "bug" : "clean", "test");
	bool expected = json_is_true(json_object_get(it, "as_expected"));
	json_decref(it);
	return expected;
}

static void a_bug_is_as_stated_only_in_what_is_missing(void **state)
{
	(void)state;
	assert_true(as_expected(1, 2, 1, true));
	assert_false(as_expected(1, 2, 3, true)); /* it breaks what is claimed, too */
	assert_false(as_expected(1, 2, 2, true));
	assert_false(as_expected(1, 2, 0, true)); /* a crash breaks no promise by name */
	assert_false(as_expected(0, 2, 1, true));
}

static void stronger_evidence_is_named(void **state)
{
	(void)state;
	expect(list(result("native", "not-found", true, false), result("explore", "proved", true, false)), "upheld",
		"explore first_use", false, 0);
}

static void missing_needs_deterministic_evidence(void **state)
{
	(void)state;
	expect(list(result("native", "bug", false, true), result("tsan", "bug", false, true)), "unshown", NULL, false, 2);
	expect(list(result("native", "bug", false, true), result("sequential", "bug", false, true)), "refuted",
		"sequential first_use", false, 1);
	expect(list(result("explore", "bug", false, true), NULL), "refuted", "explore first_use", false, 0);
}

static void missing_but_proved_breaks_the_contract(void **state)
{
	(void)state;
	expect(list(result("native", "not-found", false, false), NULL), "unshown", NULL, false, 0);
	expect(list(result("explore", "proved", false, false), NULL), "upheld", "explore first_use", true, 0);
	/* One scenario that proves it does not outweigh another that refutes it. */
	expect(list(result("explore", "proved", false, false), result("sequential", "bug", false, true)), "refuted",
		"sequential first_use", false, 0);
}

/* counter/load_store loses updates, but not where one thread counts alone: only all scenarios together would be a proof. */
static void one_scenario_proves_no_missing_promise(void **state)
{
	(void)state;
	const struct registered *subject = registry_find(FAMILY_COUNTER, "load_store");
	json_t *results = json_array();
	size_t count = 0;
	for (size_t g = 0; g < scenario_group_count; g++)
		for (size_t i = 0; i < scenario_groups[g]->count; i++) {
			const struct scenario *it = &scenario_groups[g]->list[i];
			if (!scenario_applies(it, subject->about))
				continue;
			json_t *made = result_new("counter/load_store", it->name, it->script ? "sequential" : "explore", "gcc 1");
			json_object_set_new(made, "checks", promise_names(FAMILY_COUNTER, it->checks));
			result_judge(made, it->script ? "not-found" : "proved", "bug", "test");
			json_array_append_new(results, made);
			count++;
		}
	assert_true(count > 3);
	for (int all = 1; all >= 0; all--) {
		json_t *contracts = contracts_from(results), *it;
		size_t i;
		json_array_foreach(contracts, i, it)
			if (strcmp(json_string_value(json_object_get(it, "promise")), "no_lost_update") == 0) {
				assert_string_equal(json_string_value(json_object_get(it, "claim")), "missing");
				assert_string_equal(json_string_value(json_object_get(it, "status")), all ? "upheld" : "unshown");
				assert_int_equal(json_is_true(json_object_get(it, "broken")), all);
			}
		json_decref(contracts);
		/* One that checks it was not looked at. */
		json_t *first = json_array_get(results, 0);
		result_judge(first, "not-found", "bug", "test");
	}
	json_decref(results);
}

static void registered_subjects_list_every_promise(void **state)
{
	(void)state;
	json_t *results = json_array();
	json_array_append_new(results, result_new("counter/naive", "two_increments", "native", "gcc 1"));
	json_t *contracts = contracts_from(results);
	assert_int_equal(json_array_size(contracts), 6); /* all of the counter's promises are missing there */
	json_decref(contracts);
	json_decref(results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claimed_and_sampled),
		cmocka_unit_test(claimed_and_refuted_by_any_engine),
		cmocka_unit_test(claimed_and_undecided),
		cmocka_unit_test(claimed_with_another_bug_beside),
		cmocka_unit_test(a_crash_upholds_nothing),
		cmocka_unit_test(a_refutation_counts_wherever_it_was_seen),
		cmocka_unit_test(a_bug_is_as_stated_only_in_what_is_missing),
		cmocka_unit_test(stronger_evidence_is_named),
		cmocka_unit_test(missing_needs_deterministic_evidence),
		cmocka_unit_test(missing_but_proved_breaks_the_contract),
		cmocka_unit_test(one_scenario_proves_no_missing_promise),
		cmocka_unit_test(registered_subjects_list_every_promise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
