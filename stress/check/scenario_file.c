/* SPDX-License-Identifier: MIT */
/* A scenario file: each of its scenarios is a program of its own, that of its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../../impl/support/say.h"
#include "../child.h"
#include "../program_parts.h"
#include "engines.h"

enum { SCENARIOS_MAX = 256, NAMES_BYTES_MAX = 64 * 1024, NAMES_S = 10 };

/* Lines of TEXT. */
static void split(const char *text, struct words *names)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, "\n"))
			words_add(names, "%.*s", (int)strcspn(at, "\n"), at);
}

/* What the file declares, asked of the file itself: built as it is and run with --list, before anything of the scenarios runs. */
static int names_of(const struct check_subject *subject, struct words *names)
{
	struct program_build built;
	int status = program_compile(&subject->source, PROGRAM_NATIVE, &built);
	if (status)
		return status;
	char *words[] = {built.program, (char *)"--list", NULL};
	const struct child_options options = {
		.argv = words, .timeout_s = NAMES_S, .output_max = NAMES_BYTES_MAX, .limits = check_limits()};
	struct child_result child;
	int why = child_run(&options, &child);
	if (why) {
		complain("%s: the built program cannot be run: %s", subject->name, strerror(why));
	} else {
		if (child.status == 0)
			split(child.out, names);
		if (!names->count || names->count > SCENARIOS_MAX)
			complain("%s: it names no scenarios: %s", subject->name,
				child.interrupted   ? "interrupted"
				: child.timed_out   ? "it did not answer --list; does it have a main of its own?"
				: names->count      ? "it names too many"
				: child.status == 0 ? "declare one with ONCEPROOF_SCENARIO"
						    : "with --list, it failed; does it have a main of its own?");
		child_free(&child);
	}
	program_build_close(&built);
	return names->count && names->count <= SCENARIOS_MAX ? 0 : EXIT_USAGE;
}

int check_scenario_file(const struct check_subject *subject, const struct check_plan *plan, json_t *results)
{
	/* Natively, many executions are one run: the engines make several of those. */
	static const char briefly[] = "--seconds=0.2";
	struct words names = {0};
	double until = check_clock() + plan->budget_s;
	int status = names_of(subject, &names);
	for (size_t i = 0; i < names.count && !status && !child_interrupted; i++) {
		char *arguments[] = {(char *)briefly, names.at[i]};
		struct check_subject one = *subject;
		struct check_plan its = *plan;
		double left = until - check_clock();
		one.scenario = names.at[i];
		one.arguments = arguments;
		one.argument_count = 2;
		/* What an earlier scenario leaves is for the later ones. */
		its.budget_s = left / (double)(names.count - i);
		if (its.budget_s < 1)
			its.budget_s = 1;
		status = check_program(&one, &its, results);
	}
	words_free(&names);
	return status;
}
