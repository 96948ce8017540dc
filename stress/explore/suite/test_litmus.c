/* SPDX-License-Identifier: MIT */
/* Litmus tests: what the explorer shows is exactly what the memory models allow.
 *
 * Three answers are held against each other: the table (litmus.def), the axioms by brute force (axioms.c), and the explorer on the
 * compiled code. Words on the command line select tests by parts of their names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "litmus.h"
#include "run.h"

static const char *const model_name[] = {[MODEL_SC] = "sc", [MODEL_RC11] = "rc11"};
static unsigned seen[LITMUS_OUTCOMES];
static int arguments;
static char **argument;

static void word_of(const struct litmus *test, unsigned outcome, char word[LITMUS_REGISTERS + 1])
{
	for (unsigned i = 0; i < test->registers; i++, outcome /= LITMUS_VALUES)
		word[i] = (char)('0' + outcome % LITMUS_VALUES);
	word[test->registers] = 0;
}

static bool is_listed(const char *words, const char *word)
{
	const char *at = strstr(words, word);
	/* All words are of one length, so a match that begins at a word ends with it. */
	while (at && at != words && at[-1] != ' ')
		at = strstr(at + 1, word);
	return at;
}

static unsigned words_in(const char *words)
{
	unsigned count = *words != 0;
	for (; *words; words++)
		count += *words == ' ';
	return count;
}

/* Compares SEEN with the table. ALL: every outcome of the table must be there. Returns the number of complaints. */
static unsigned compare(const struct litmus *test, enum memory_model model, const char *who, bool all)
{
	const char *expected = test->expected[model].outcomes;
	char word[LITMUS_REGISTERS + 1];
	unsigned wrong = 0, found = 0;
	for (unsigned outcome = 0; outcome < 1u << (3 * test->registers); outcome++) {
		if (!seen[outcome])
			continue;
		word_of(test, outcome, word);
		found++;
		if (!is_listed(expected, word))
			wrong += suite_complain(test->name, "%s shows %s, which %s forbids", who, word, model_name[model]);
	}
	if (all && found != words_in(expected))
		wrong += suite_complain(test->name, "%s shows %u outcomes where %s allows %u (%s)", who, found, model_name[model],
			words_in(expected), expected);
	return wrong;
}

static unsigned note_outcome(void *arg)
{
	seen[litmus_outcome(arg)]++;
	return 0;
}

static const char *no_label(void *arg, unsigned outcome)
{
	(void)arg;
	(void)outcome;
	return "";
}

static unsigned run(const struct litmus *test, enum memory_model model, const char *strategy, uint64_t executions,
	struct explore_result *result)
{
	const struct explore_program program = {.body = litmus_body,
		.outcome = note_outcome,
		.label = no_label,
		.outcome_count = 1,
		.arg = (void *)(uintptr_t)test};
	const struct explore_options options = {.model = model,
		.strategy = strategy,
		.seed = 1,
		.executions = executions,
		.shard = 1,
		.shards = 1,
		.time_limit_s = 30};
	memset(seen, 0, sizeof seen);
	memset(result, 0, sizeof *result);
	unsigned wrong = 0;
	if (explore(&program, &options, result))
		wrong = suite_complain(test->name, "cannot be explored by %s", strategy);
	else if (result->finding_count) {
		wrong = suite_complain(test->name, "%s has findings", strategy);
		suite_print_findings(result);
	}
	return wrong;
}

static unsigned for_each(unsigned (*check)(const struct litmus *test, enum memory_model model))
{
	unsigned wrong = 0;
	for (unsigned i = 0; i < litmus_test_count; i++)
		for (unsigned model = MODEL_SC; model <= MODEL_RC11; model++)
			if (suite_selected(arguments, argument, litmus_tests[i].name))
				wrong += check(&litmus_tests[i], model);
	return wrong;
}

static unsigned check_axioms(const struct litmus *test, enum memory_model model)
{
	unsigned executions = axioms_outcomes(test, model, seen);
	unsigned wrong = compare(test, model, "the axioms", true);
	if (executions != test->expected[model].executions)
		wrong += suite_complain(test->name, "the axioms of %s allow %u executions, not %u", model_name[model], executions,
			test->expected[model].executions);
	return wrong;
}

static void the_table_is_what_the_axioms_say(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_axioms), 0);
}

static unsigned check_exhaustive(const struct litmus *test, enum memory_model model)
{
	struct explore_result result;
	unsigned wrong = run(test, model, "dpor", 0, &result);
	wrong += compare(test, model, "dpor", true);
	if (!result.exhausted)
		wrong += suite_complain(
			test->name, "dpor did not explore everything under %s: %s", model_name[model], result.caveat);
	if (result.executions != test->expected[model].executions)
		wrong += suite_complain(test->name, "%llu executions under %s instead of %u",
			(unsigned long long)result.executions, model_name[model], test->expected[model].executions);
	if (result.blocked)
		wrong += suite_complain(
			test->name, "%llu blocked executions although nothing waits", (unsigned long long)result.blocked);
	explore_free(&result);
	return wrong;
}

static void exhaustive_search_shows_every_outcome_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_exhaustive), 0);
}

static unsigned check_samplers(const struct litmus *test, enum memory_model model)
{
	static const char *const samplers[] = {"random", "pct", "pos", "surw", "rff", "bound"};
	unsigned wrong = 0;
	for (size_t i = 0; i < sizeof samplers / sizeof *samplers; i++) {
		struct explore_result result;
		wrong += run(test, model, samplers[i], 200, &result);
		wrong += compare(test, model, samplers[i], false);
		explore_free(&result);
	}
	return wrong;
}

static void samplers_show_nothing_that_is_forbidden(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_samplers), 0);
}

static bool has_seq_cst(const struct litmus *test)
{
	for (unsigned t = 0; t < test->threads; t++)
		for (const struct litmus_operation *o = test->operations[t]; o->kind; o++)
			if (o->order == ORDER_SEQ_CST)
				return true;
	return false;
}

static unsigned check_random_finds(const struct litmus *test, enum memory_model model)
{
	struct explore_result result;
	/* The rarest outcome of four threads is one of some hundreds of schedules. */
	unsigned wrong = run(test, model, "random", 2000, &result);
	/* Sampling may take less than the whole of RC11 where the seq_cst operations are ordered as they are performed (graph.h). */
	bool all = model == MODEL_SC || !has_seq_cst(test);
	wrong += compare(test, model, "random", all);
	explore_free(&result);
	return wrong;
}

static void random_search_shows_every_outcome_in_the_end(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_random_finds), 0);
}

int main(int argc, char **argv)
{
	arguments = argc;
	argument = argv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_what_the_axioms_say),
		cmocka_unit_test(exhaustive_search_shows_every_outcome_and_no_other),
		cmocka_unit_test(samplers_show_nothing_that_is_forbidden),
		cmocka_unit_test(random_search_shows_every_outcome_in_the_end),
	};
	return cmocka_run_group_tests_name("explore litmus", tests, NULL, NULL);
}
