/* SPDX-License-Identifier: MIT */
/* The host's side of the programs, and what their tests share. */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void suite_failed(const char *expression, const char *file, int line)
{
	if (runtime_on()) {
		struct place place = runtime_place(__builtin_return_address(0), "asserts %s", expression);
		runtime_finding(FINDING_ASSERTION, &place, 1, "assertion failed: %s (%s:%d)", expression, file, line);
		runtime_stop(ENDING_FINDING);
	}
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, expression);
	abort();
}

static void call(void *arg)
{
	const struct suite_program *program = arg;
	program->body();
}

int suite_explore(const struct suite_program *program, const struct explore_options *options, struct explore_result *result)
{
	const struct explore_program explored = {.body = call, .arg = (void *)(uintptr_t)program};
	memset(result, 0, sizeof *result);
	return explore(&explored, options, result);
}

bool suite_selected(int argc, char **argv, const char *name)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return false;
}

unsigned suite_complain(const char *name, const char *format, ...)
{
	va_list list;
	fprintf(stderr, "%s: ", name);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	return 1;
}

void suite_print_findings(const struct explore_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct explored_finding *f = &result->findings[i];
		fprintf(stderr, "\t%s: %s (first in execution %llu, %llu times)\n", finding_kind_name(f->finding.kind),
			f->finding.message, (unsigned long long)f->first, (unsigned long long)f->executions);
		for (unsigned j = 0; j < f->finding.place_count; j++)
			fprintf(stderr, "\t\tthread %u %s\n", f->finding.place[j].thread, f->finding.place[j].role);
	}
}
