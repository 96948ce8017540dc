/* SPDX-License-Identifier: MIT */
/* Exhaustive search explores as few executions as there are: counts that can be derived by hand, held exactly.
 *
 * `test_optimality --table` prints the table of the documentation instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "litmus.h"
#include "optimality.h"
#include "run.h"

static int arguments;
static char **argument;

static int explore_all(const struct explore_program *program, enum memory_model model, bool symmetry, uint64_t expected,
	struct explore_result *result)
{
	/* A search that is far from optimal need not run to its end to be told so. */
	const struct explore_options options = {.model = model,
		.strategy = "dpor",
		.seed = 1,
		.executions = 20 * expected + 1000,
		.shard = 1,
		.shards = 1,
		.symmetry = symmetry,
		.time_limit_s = 60};
	memset(result, 0, sizeof *result);
	return explore(program, &options, result);
}

static int explore_row(const struct countable *row, enum memory_model model, bool symmetry, struct explore_result *result)
{
	const struct explore_program program = {.body = row->body, .arg = (void *)(uintptr_t)row};
	return explore_all(&program, model, symmetry, row->executions, result);
}

static unsigned check_plain(const struct countable *row, const char *name, enum memory_model model)
{
	struct explore_result result;
	if (explore_row(row, model, false, &result))
		return suite_complain(name, "cannot be explored");
	unsigned wrong = 0;
	if (result.executions != row->executions || !result.exhausted)
		wrong += suite_complain(name, "%llu complete executions instead of %llu (%s)%s",
			(unsigned long long)result.executions, (unsigned long long)row->executions, row->why,
			result.exhausted ? "" : ", not exhausted");
	if (result.distinct != result.executions)
		wrong += suite_complain(name, "%llu distinct ones among %llu executions", (unsigned long long)result.distinct,
			(unsigned long long)result.executions);
	if (result.finding_count) {
		wrong += suite_complain(name, "is correct, but has findings");
		suite_print_findings(&result);
	}
	explore_free(&result);
	return wrong;
}

static unsigned check_symmetric(const struct countable *row, const char *name, enum memory_model model)
{
	struct explore_result result;
	if (explore_row(row, model, true, &result))
		return suite_complain(name, "cannot be explored");
	unsigned wrong = 0;
	if (!result.executions || result.executions > row->executions || !result.exhausted || result.finding_count)
		wrong += suite_complain(name, "with symmetry: %llu executions, %u findings",
			(unsigned long long)result.executions, result.finding_count);
	if (row->symmetric && result.executions != row->symmetric)
		wrong += suite_complain(name, "with symmetry %llu executions instead of %llu",
			(unsigned long long)result.executions, (unsigned long long)row->symmetric);
	explore_free(&result);
	return wrong;
}

static unsigned for_each(unsigned (*check)(const struct countable *row, const char *name, enum memory_model model))
{
	unsigned wrong = 0;
	for (unsigned i = 0; i < countable_count; i++)
		for (unsigned model = MODEL_SC; model <= MODEL_RC11; model++) {
			const struct countable *row = &countables[i];
			char name[64];
			snprintf(name, sizeof name, "%s %ux%u %s", row->name, row->threads, row->rounds,
				model == MODEL_SC ? "sc" : "rc11");
			if (suite_selected(arguments, argument, name))
				wrong += check(row, name, model);
		}
	return wrong;
}

static void every_execution_is_explored_once(void **state)
{
	(void)state;
	assert_int_equal(for_each(check_plain), 0);
}

static bool uses_symmetry(void)
{
	struct search *s = search_open(search_find("dpor"), 1, 1, 1);
	bool uses = s && search_option(s, "symmetry", "on") == 0;
	search_close(s);
	return uses;
}

static void identical_workers_are_explored_in_one_order(void **state)
{
	(void)state;
	if (!uses_symmetry())
		skip();
	assert_int_equal(for_each(check_symmetric), 0);
}

static void print(const char *name, enum memory_model model, uint64_t expected, const struct explore_result *result,
	const struct explore_result *symmetric)
{
	printf("%-22s %-4s %8llu %10llu %8llu %9llu %9.3f", name, model == MODEL_SC ? "sc" : "rc11", (unsigned long long)expected,
		(unsigned long long)result->executions, (unsigned long long)result->blocked, (unsigned long long)result->distinct,
		result->seconds * 1e3);
	if (symmetric)
		printf(" %9llu %8llu", (unsigned long long)symmetric->executions, (unsigned long long)symmetric->blocked);
	putchar('\n');
}

static int print_table(void)
{
	static const char *const litmus[] = {"SB+sc", "SB+rlx", "MP+rel+acq", "MP+rlx", "IRIW+sc"};
	printf("%-22s %-4s %8s %10s %8s %9s %9s %9s %8s\n", "program", "", "optimal", "executions", "blocked", "distinct", "ms",
		"symmetric", "blocked");
	for (unsigned i = 0; i < countable_count; i++) {
		const struct countable *row = &countables[i];
		struct explore_result plain, symmetric;
		char name[64];
		snprintf(name, sizeof name, "%s %ux%u", row->name, row->threads, row->rounds);
		if (explore_row(row, MODEL_RC11, false, &plain) || explore_row(row, MODEL_RC11, true, &symmetric))
			return (int)suite_complain(name, "cannot be explored");
		print(name, MODEL_RC11, row->executions, &plain, &symmetric);
		explore_free(&plain);
		explore_free(&symmetric);
	}
	for (size_t i = 0; i < sizeof litmus / sizeof *litmus; i++) {
		const struct litmus *test = litmus_find(litmus[i]);
		const struct explore_program program = {.body = litmus_body, .arg = (void *)(uintptr_t)test};
		struct explore_result result;
		if (explore_all(&program, MODEL_RC11, false, 100, &result))
			return (int)suite_complain(litmus[i], "cannot be explored");
		print(litmus[i], MODEL_RC11, test->expected[MODEL_RC11].executions, &result, NULL);
		explore_free(&result);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--table"))
		return print_table();
	arguments = argc;
	argument = argv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_execution_is_explored_once),
		cmocka_unit_test(identical_workers_are_explored_in_one_order),
	};
	return cmocka_run_group_tests_name("explore optimality", tests, NULL, NULL);
}
