/* SPDX-License-Identifier: MIT */
/* Heap, races and library functions on memory in explored programs: right use finds nothing, each error is found, and what racing memory
 * functions can read is seen; by a sampling search under both models and by the exhaustive one. Words on the command line select programs
 * by parts of their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "suite/run.h"
#include "test_memory_programs.h"

static int arguments;
static char **argument;
static unsigned seen;

void memory_sees(unsigned bit)
{
	seen |= 1u << bit;
}

static unsigned judge(const struct memory_program *program, const char *strategy, const struct explore_result *result)
{
	unsigned wrong = 0;
	bool found = !program->finds;
	if (program->sees && seen != program->sees)
		wrong += suite_complain(program->name, "%s: saw %#x, not %#x", strategy, seen, program->sees);
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct finding *f = &result->findings[i].finding;
		if (program->finds && f->kind == program->kind && strstr(f->message, program->finds))
			found = true;
		else if (!program->finds || f->kind == FINDING_ASSERTION)
			wrong += suite_complain(program->name, "%s: %s", strategy, f->message);
	}
	if (!found)
		wrong += suite_complain(program->name, "%s: does not find \"%s\"", strategy, program->finds);
	if (*result->caveat)
		wrong += suite_complain(program->name, "%s: %s", strategy, result->caveat);
	if (wrong)
		suite_print_findings(result);
	return wrong;
}

static unsigned check(const struct memory_program *program, const char *strategy, enum memory_model model, uint64_t executions)
{
	const struct explore_options options = {
		.model = model, .strategy = strategy, .seed = 7, .executions = executions, .shard = 1, .shards = 1};
	const struct suite_program plain = {.name = program->name, .body = program->body};
	struct explore_result result;
	seen = 0;
	if (suite_explore(&plain, &options, &result))
		return suite_complain(program->name, "cannot be explored");
	unsigned wrong = judge(program, strategy, &result);
	explore_free(&result);
	return wrong;
}

static unsigned for_each(const char *strategy, enum memory_model model, uint64_t executions)
{
	unsigned wrong = 0;
	for (unsigned i = 0; i < memory_program_count; i++)
		if (suite_selected(arguments, argument, memory_programs[i].name))
			wrong += check(&memory_programs[i], strategy, model, executions);
	return wrong;
}

static void random_schedules_of_sc(void **state)
{
	(void)state;
	assert_int_equal(for_each("random", MODEL_SC, 1000), 0);
}

static void random_schedules_of_rc11(void **state)
{
	(void)state;
	assert_int_equal(for_each("random", MODEL_RC11, 1000), 0);
}

static void all_executions(void **state)
{
	(void)state;
	assert_int_equal(for_each("dpor", MODEL_RC11, 100000), 0);
}

int main(int argc, char **argv)
{
	arguments = argc;
	argument = argv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_schedules_of_sc),
		cmocka_unit_test(random_schedules_of_rc11),
		cmocka_unit_test(all_executions),
	};
	return cmocka_run_group_tests_name("explored memory", tests, NULL, NULL);
}
