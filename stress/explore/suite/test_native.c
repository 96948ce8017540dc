/* SPDX-License-Identifier: MIT */
/* The correct programs are correct where they run as they are, with real threads, too (and under the sanitizers of a sanitized build). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "suite.h"

_Noreturn void suite_failed(const char *expression, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, expression);
	abort();
}

static void run_all(const struct suite_group *group)
{
	for (unsigned i = 0; i < group->count; i++)
		for (unsigned round = 0; round < (group->programs[i].keeps ? 1 : 20); round++)
			group->programs[i].body();
}

static void publication(void **state)
{
	(void)state;
	run_all(&suite_correct_publication);
}

static void locks(void **state)
{
	(void)state;
	run_all(&suite_correct_locks);
}

static void queues(void **state)
{
	(void)state;
	run_all(&suite_correct_queues);
}

static void threads(void **state)
{
	(void)state;
	run_all(&suite_correct_threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publication),
		cmocka_unit_test(locks),
		cmocka_unit_test(queues),
		cmocka_unit_test(threads),
	};
	return cmocka_run_group_tests_name("correct programs, natively", tests, NULL, NULL);
}
