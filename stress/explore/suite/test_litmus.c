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

/* Random tests ---------------------------------------------------------------------------------------------------------------------- */

enum { RANDOM_TESTS = 600, WRITES_MAX = 4 };

struct draft {
	struct litmus test;
	struct stream random;
	unsigned writes;
};

static enum order draw_order(struct draft *d, bool reads, bool writes)
{
	static const enum order all[] = {ORDER_RELAXED, ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST};
	for (;;) {
		enum order order = all[stream_below(&d->random, 5)];
		if ((order == ORDER_ACQUIRE && !reads) || (order == ORDER_RELEASE && !writes) ||
			(order == ORDER_ACQ_REL && !(reads && writes)))
			continue;
		return order;
	}
}

static struct litmus_operation draw_operation(struct draft *d, unsigned locations)
{
	static const enum litmus_kind kinds[] = {LITMUS_READ, LITMUS_READ, LITMUS_READ, LITMUS_WRITE, LITMUS_WRITE, LITMUS_WRITE,
		LITMUS_FENCE, LITMUS_EXCHANGE, LITMUS_ADD, LITMUS_SWAP};
	for (;;) {
		enum litmus_kind kind = kinds[stream_below(&d->random, sizeof kinds / sizeof *kinds)];
		bool fence = kind == LITMUS_FENCE, reads = kind != LITMUS_WRITE && !fence, writes = kind != LITMUS_READ && !fence;
		if ((reads && d->test.registers == LITMUS_REGISTERS) || (writes && d->writes == WRITES_MAX))
			continue;
		struct litmus_operation o = {.kind = kind, .location = stream_below(&d->random, locations)};
		o.order = fence ? draw_order(d, true, true) : draw_order(d, reads, writes);
		if (fence && o.order == ORDER_RELAXED)
			continue;
		o.target = reads ? d->test.registers++ : 0;
		d->writes += writes;
		o.operand = kind == LITMUS_ADD ? 1 : 1 + stream_below(&d->random, 3);
		o.expected = stream_below(&d->random, 2);
		return o;
	}
}

static void draw_test(struct draft *d, uint64_t number)
{
	*d = (struct draft){.random = execution_random(1, number)};
	d->test.name = "a random test";
	d->test.threads = 2 + stream_below(&d->random, 2);
	unsigned locations = 2 + stream_below(&d->random, 2);
	for (unsigned t = 0; t < d->test.threads; t++) {
		unsigned count = 1 + stream_below(&d->random, d->test.threads == 2 ? 4 : 3);
		for (unsigned i = 0; i < count; i++) {
			if (d->test.registers == LITMUS_REGISTERS && d->writes == WRITES_MAX)
				break;
			d->test.operations[t][i] = draw_operation(d, locations);
		}
	}
	for (unsigned l = 0; l < locations && d->test.registers < LITMUS_REGISTERS; l++)
		d->test.operations[LITMUS_THREADS][l] = (struct litmus_operation){
			.kind = LITMUS_READ, .target = d->test.registers++, .location = l, .order = ORDER_RELAXED};
}

static void print_test(const struct litmus *test)
{
	static const char *const kinds[] = {"", "R", "W", "F", "X", "A", "C"};
	static const char *const names[] = {[ORDER_RELAXED] = "relaxed",
		[ORDER_ACQUIRE] = "acquire",
		[ORDER_RELEASE] = "release",
		[ORDER_ACQ_REL] = "acq_rel",
		[ORDER_SEQ_CST] = "seq_cst"};
	for (unsigned t = 0; t <= LITMUS_THREADS; t++)
		for (const struct litmus_operation *o = test->operations[t]; o->kind; o++)
			fprintf(stderr, "\tthread %u: %s(%u, %c, expects %u, writes %u, %s)\n", t, kinds[o->kind], o->target,
				"xyz"[o->location], o -> expected, o -> operand, names[o->order]);
}

/* The explorer shows what the axioms allow, in as many executions, whatever the axioms say. */
static unsigned check_random_test(uint64_t number, enum memory_model model)
{
	static unsigned allowed[LITMUS_OUTCOMES];
	struct draft d;
	draw_test(&d, number);
	unsigned executions = axioms_outcomes(&d.test, model, allowed), wrong = 0;
	struct explore_result result;
	wrong += run(&d.test, model, "dpor", 0, &result);
	for (unsigned o = 0; o < 1u << (3 * d.test.registers) && !wrong; o++)
		if (allowed[o] != seen[o])
			wrong += suite_complain(d.test.name, "outcome %o in %u executions instead of %u", o, seen[o], allowed[o]);
	if (result.executions != executions || !result.exhausted)
		wrong += suite_complain(
			d.test.name, "%llu executions instead of %u", (unsigned long long)result.executions, executions);
	explore_free(&result);
	wrong += run(&d.test, model, "random", 100, &result);
	for (unsigned o = 0; o < 1u << (3 * d.test.registers); o++)
		if (seen[o] && !allowed[o])
			wrong += suite_complain(d.test.name, "random search shows %o, which is forbidden", o);
	explore_free(&result);
	if (wrong) {
		suite_complain(d.test.name, "number %llu, under %s:", (unsigned long long)number, model_name[model]);
		print_test(&d.test);
	}
	return wrong;
}

static void random_tests_show_what_the_axioms_allow(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (uint64_t i = 0; i < RANDOM_TESTS && wrong < 5; i++)
		for (unsigned model = MODEL_SC; model <= MODEL_RC11; model++)
			wrong += check_random_test(i, model);
	assert_int_equal(wrong, 0);
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
		cmocka_unit_test(random_tests_show_what_the_axioms_allow),
	};
	return cmocka_run_group_tests_name("explore litmus", tests, NULL, NULL);
}
