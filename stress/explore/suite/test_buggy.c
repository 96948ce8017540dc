/* SPDX-License-Identifier: MIT */
/* Every buggy program is found out within a thousand executions, for the right reason, and always alike. Words on the command line
 * select programs by parts of their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

static const struct suite_group *const groups[] = {
	&suite_buggy_publication, &suite_buggy_locks, &suite_buggy_queues, &suite_buggy_threads};
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

static const struct explore_options auto_options = {.model = MODEL_RC11,
	.strategy = "auto",
	.seed = 1,
	.executions = 1000,
	.shard = 1,
	.shards = 1,
	.symmetry = true,
	.spurious = true,
	.time_limit_s = 60};

static unsigned check_found(const struct suite_program *program)
{
	struct explore_result result;
	if (suite_explore(program, &auto_options, &result))
		return suite_complain(program->name, "cannot be explored");
	unsigned found = 0;
	for (unsigned i = 0; i < result.finding_count; i++)
		found += result.findings[i].finding.kind == program->kind;
	if (!found && program->gap) {
		suite_complain(program->name, "not found yet: %s", program->gap);
		found = 1;
	} else if (!found) {
		suite_complain(program->name,
			"no %s in %llu executions (%llu blocked, %llu cut), but:", finding_kind_name(program->kind),
			(unsigned long long)result.executions, (unsigned long long)result.blocked,
			(unsigned long long)result.cut);
		suite_print_findings(&result);
	}
	explore_free(&result);
	return !found;
}

static void buggy_programs_are_found_out(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_found), 0);
}

static unsigned check_alike(const struct suite_program *program)
{
	struct explore_result one, two;
	unsigned wrong = 0;
	if (suite_explore(program, &auto_options, &one) || suite_explore(program, &auto_options, &two))
		return suite_complain(program->name, "cannot be explored");
	bool alike = one.executions == two.executions && one.blocked == two.blocked && one.distinct == two.distinct &&
		     one.finding_count == two.finding_count;
	for (unsigned i = 0; alike && i < one.finding_count; i++)
		alike = one.findings[i].first == two.findings[i].first &&
			one.findings[i].executions == two.findings[i].executions &&
			!strcmp(one.findings[i].finding.message, two.findings[i].finding.message);
	if (!alike) {
		wrong = suite_complain(program->name, "one seed, two results:");
		suite_print_findings(&one);
		suite_complain(program->name, "and then");
		suite_print_findings(&two);
	}
	explore_free(&one);
	explore_free(&two);
	return wrong;
}

static void one_seed_gives_one_result(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_alike), 0);
}

int main(int argc, char **argv)
{
	arguments = argc;
	argument = argv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buggy_programs_are_found_out),
		cmocka_unit_test(one_seed_gives_one_result),
	};
	return cmocka_run_group_tests_name("explore buggy programs", tests, NULL, NULL);
}
