/* SPDX-License-Identifier: MIT */
/* A whole program under the engines, in order of cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "engines.h"

const char *check_engine_name(uint32_t engine)
{
	switch (engine) {
	case CHECK_EXPLORE:
		return "explore";
	case CHECK_TSAN:
		return "tsan";
	case CHECK_NATIVE:
		return "native";
	case CHECK_HELGRIND:
		return "helgrind";
	case CHECK_DRD:
		return "drd";
	default:
		return NULL;
	}
}

double check_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

const struct child_limits *check_limits(void)
{
	static const struct child_limits limits = {.memory_bytes = (uint64_t)4 << 30,
		.processes = 512,
		.file_bytes = (uint64_t)1 << 30,
		.output_bytes = (uint64_t)256 << 20,
		.contain = true};
	return &limits;
}

char **check_command(const char *program, const struct check_subject *subject)
{
	char **command = calloc(subject->argument_count + 2, sizeof *command);
	if (!command) {
		complain("out of memory");
		exit(EXIT_USAGE);
	}
	command[0] = (char *)program;
	for (size_t i = 0; i < subject->argument_count; i++)
		command[i + 1] = subject->arguments[i];
	return command;
}

/* What each kind of finding refutes in a program. */
static const struct {
	const char *promise, *kinds;
} promised[] = {
	{"race_free", "data-race"},
	{"no_deadlock", "deadlock livelock lost-wakeup"},
	{"no_crash", "crash use-after-free double-free misuse"},
	{"asserts_hold", "assertion"},
	{"same_status", "forbidden-outcome nondeterminism"},
	{"no_leak", "leak"},
};

const char *check_program_promises(void)
{
	return "race_free, no_deadlock, no_crash, asserts_hold, same_status, no_leak";
}

/* Is the text NAME of LENGTH one of the words of LIST? */
static bool has_word(const char *list, const char *name, size_t length)
{
	for (const char *at = list; *at; at += strcspn(at, " ,"), at += strspn(at, " ,"))
		if (strcspn(at, " ,") == length && strncmp(at, name, length) == 0)
			return true;
	return false;
}

bool check_program_promises_valid(const char *list, char *wrong, size_t bytes)
{
	for (const char *at = list + strspn(list, " ,"); *at; at += strcspn(at, " ,"), at += strspn(at, " ,")) {
		size_t length = strcspn(at, " ,");
		if (has_word(check_program_promises(), at, length))
			continue;
		snprintf(wrong, bytes, "%.*s", (int)length, at);
		return false;
	}
	return true;
}

bool check_promised(const struct check_plan *plan, const char *kind)
{
	for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
		if (!has_word(promised[i].kinds, kind, strlen(kind)))
			continue;
		if (!plan->promises)
			return strcmp(promised[i].promise, "no_leak") != 0;
		return has_word(plan->promises, promised[i].promise, strlen(promised[i].promise));
	}
	return true;
}

void check_note(json_t *result, const char *text)
{
	json_t *notes = node_get(result, "notes"), *it;
	size_t i;
	if (!notes) {
		notes = node_must(json_array());
		node_set(result, "notes", notes);
	}
	json_array_foreach(notes, i, it)
		if (strcmp(json_string_value(it), text) == 0)
			return;
	node_append(notes, node_text(text));
}

void check_note_lacks(json_t *result, const char *contained)
{
	char text[256];
	snprintf(text, sizeof text, "this system does not let the program be contained fully: %s", contained);
	check_note(result, text);
}

static const char *engine_share(uint32_t engine, double left, double *limit)
{
	/* The explorer says most, so it may take most of the time; what it leaves is for the others. */
	*limit = engine == CHECK_EXPLORE ? left * 0.6 : engine == CHECK_TSAN ? left * 0.6 : left;
	return check_engine_name(engine);
}

/* Is nothing more to be learned after RESULT? */
static bool final(uint32_t engine, const json_t *result)
{
	const char *verdict = node_string(result, "verdict");
	return strcmp(verdict, "bug") == 0 || json_is_true(node_get(result, "nothing_ran")) ||
	       (engine == CHECK_EXPLORE && strcmp(verdict, "proved") == 0);
}

int check_program(const struct check_subject *subject, const struct check_plan *plan, json_t *results)
{
	static int (*const runs[])(const struct check_subject *, const struct check_plan *, double, json_t *) = {
		check_run_explore, check_run_tsan, check_run_native, check_run_valgrind, check_run_valgrind};
	double started = check_clock();
	int status = 0;
	bool ended = false;
	for (size_t i = 0; i < sizeof runs / sizeof *runs && !ended && !status && !child_interrupted; i++) {
		uint32_t engine = 1u << i;
		if (!(plan->engines & engine))
			continue;
		double limit, left = plan->budget_s - (check_clock() - started), before = check_clock();
		const char *name = engine_share(engine, left > 1 ? left : 1, &limit);
		if (plan->began)
			plan->began(plan->arg, subject->name, subject->scenario, name);
		json_t *result = result_new(subject->name, subject->scenario, name, "");
		status = runs[i](subject, plan, limit, result);
		if (!status) {
			node_set(result, "seconds", json_real(check_clock() - before));
			ended = final(engine, result);
			if (plan->ended)
				plan->ended(plan->arg, result);
			node_append(results, json_incref(result));
		}
		json_decref(result);
	}
	return status;
}
