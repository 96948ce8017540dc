/* SPDX-License-Identifier: MIT */
/* Every synchronisation object: right use finds nothing and shows all that can happen, each misuse is found, by a sampling search and by
 * the exhaustive one. Words on the command line select programs by parts of their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "suite/run.h"
#include "test_sync_programs.h"

static const struct sync_programs *const groups[] = {&sync_locks, &sync_waits, &sync_threads, &sync_jumping, &sync_unwinding};
static int arguments;
static char **argument;
static unsigned seen;
pthread_key_t sync_host_key;

void sees(unsigned bit)
{
	seen |= 1u << bit;
}

int explored_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));

static unsigned judge(const struct sync_program *program, const char *strategy, const struct explore_result *result)
{
	unsigned wrong = 0;
	if (seen != program->sees)
		wrong += suite_complain(program->name, "%s: saw %#x, not %#x", strategy, seen, program->sees);
	bool found = false;
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct finding *f = &result->findings[i].finding;
		if (program->finds && f->kind == program->kind && strstr(f->message, program->finds))
			found = true;
		else if (!program->finds || f->kind == FINDING_ASSERTION)
			wrong++; /* misuse may have other consequences, right use has none */
	}
	if (program->finds && !found)
		wrong += suite_complain(program->name, "%s: does not find \"%s\" in %llu executions", strategy, program->finds,
			(unsigned long long)result->executions);
	if (*result->caveat)
		wrong += suite_complain(program->name, "%s: %s", strategy, result->caveat);
	if (!result->executions)
		wrong += suite_complain(program->name, "%s: no execution came to its end", strategy);
	if (wrong) {
		suite_complain(program->name, "%s: findings are", strategy);
		suite_print_findings(result);
	}
	return wrong;
}

static unsigned check(const struct sync_program *program, const char *strategy, enum memory_model model, uint64_t executions)
{
	const struct explore_options options = {.model = model,
		.strategy = strategy,
		.seed = 7,
		.executions = executions,
		.shard = 1,
		.shards = 1,
		.spurious = program->spurious};
	const struct suite_program plain = {.name = program->name, .body = program->body};
	struct explore_result result;
	seen = 0;
	if (suite_explore(&plain, &options, &result))
		return suite_complain(program->name, "cannot be explored");
	unsigned wrong = judge(program, strategy, &result);
	if (executions > 100000 && result.executions + result.blocked > 2000)
		wrong += suite_complain(program->name, "far too many: %llu executions, %llu blocked",
			(unsigned long long)result.executions, (unsigned long long)result.blocked);
	if (executions > 100000 && !result.exhausted && !program->finds)
		wrong += suite_complain(program->name, "not exhausted in %llu executions, %llu blocked, %llu cut",
			(unsigned long long)result.executions, (unsigned long long)result.blocked,
			(unsigned long long)result.cut);
	explore_free(&result);
	return wrong;
}

static unsigned for_each(const char *strategy, enum memory_model model, uint64_t executions, bool exhausts)
{
	unsigned wrong = 0;
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
		for (unsigned i = 0; i < groups[g]->count; i++) {
			const struct sync_program *program = &groups[g]->programs[i];
			if (suite_selected(arguments, argument, program->name) && !(exhausts && program->endless))
				wrong += check(program, strategy, model, executions);
		}
	return wrong;
}

static void random_schedules_of_sc(void **state)
{
	(void)state;
	assert_int_equal(for_each("random", MODEL_SC, 1000, false), 0);
}

static void random_schedules_of_rc11(void **state)
{
	(void)state;
	assert_int_equal(for_each("random", MODEL_RC11, 1000, false), 0);
}

static void all_executions(void **state)
{
	(void)state;
	assert_int_equal(for_each("dpor", MODEL_RC11, 1000000, true), 0);
}

int main(int argc, char **argv)
{
	if (explored_pthread_key_create(&sync_host_key, NULL) != 0)
		return 1;
	arguments = argc;
	argument = argv;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_schedules_of_sc),
		cmocka_unit_test(random_schedules_of_rc11),
		cmocka_unit_test(all_executions),
	};
	return cmocka_run_group_tests_name("explored synchronisation", tests, NULL, NULL);
}
