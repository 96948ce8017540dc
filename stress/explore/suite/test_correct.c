/* SPDX-License-Identifier: MIT */
/* No false alarm: correct programs have no findings under rc11, and the small ones are proved. Words on the command line select
 * programs by parts of their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

static const struct suite_group *const groups[] = {
	&suite_correct_publication, &suite_correct_locks, &suite_correct_queues, &suite_correct_threads};
static int arguments;
static char **argument;

static void forget(void)
{
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
		if (groups[g]->forget)
			groups[g]->forget();
}

static unsigned for_each(unsigned (*check)(const struct suite_program *program))
{
	unsigned wrong = 0;
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
		for (unsigned i = 0; i < groups[g]->count; i++)
			if (suite_selected(arguments, argument, groups[g]->programs[i].name)) {
				forget();
				wrong += check(&groups[g]->programs[i]);
			}
	return wrong;
}

static unsigned expect_nothing(
	const struct suite_program *program, const struct explore_options *options, struct explore_result *result)
{
	if (suite_explore(program, options, result))
		return suite_complain(program->name, "cannot be explored");
	unsigned wrong = 0;
	if (result->finding_count && program->gap) {
		suite_complain(program->name, "is still accused by %s: %s", options->strategy, program->gap);
	} else if (result->finding_count) {
		wrong += suite_complain(program->name, "is correct, but %s finds:", options->strategy);
		suite_print_findings(result);
	}
	if (result->cut || result->diverged)
		wrong += suite_complain(program->name, "%s: %llu executions cut, %llu diverged", options->strategy,
			(unsigned long long)result->cut, (unsigned long long)result->diverged);
	if (!result->executions)
		wrong += suite_complain(program->name, "%s completes no execution", options->strategy);
	return wrong;
}

static unsigned check_auto(const struct suite_program *program)
{
	const struct explore_options options = {.model = MODEL_RC11,
		.strategy = "auto",
		.seed = 1,
		.executions = 3000,
		.shard = 1,
		.shards = 1,
		.symmetry = true,
		.spurious = true,
		.time_limit_s = 60};
	struct explore_result result;
	unsigned wrong = expect_nothing(program, &options, &result);
	explore_free(&result);
	return wrong;
}

static void correct_programs_have_no_findings(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_auto), 0);
}

static unsigned check_proof(const struct suite_program *program)
{
	if (!program->proved)
		return 0;
	const struct explore_options options = {.model = MODEL_RC11,
		.strategy = "dpor",
		.seed = 1,
		.executions = 300000,
		.shard = 1,
		.shards = 1,
		.symmetry = true,
		.time_limit_s = 60};
	struct explore_result result;
	unsigned wrong = expect_nothing(program, &options, &result);
	if (!result.exhausted || *result.caveat)
		wrong += suite_complain(program->name, "is not proved in %llu executions (%llu blocked): %s",
			(unsigned long long)result.executions, (unsigned long long)result.blocked, result.caveat);
	explore_free(&result);
	return wrong;
}

static void small_ones_are_proved(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_proof), 0);
}

int main(int argc, char **argv)
{
	arguments = argc;
	argument = argv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(correct_programs_have_no_findings),
		cmocka_unit_test(small_ones_are_proved),
	};
	return cmocka_run_group_tests_name("explore correct programs", tests, NULL, NULL);
}
