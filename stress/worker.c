/* SPDX-License-Identifier: MIT */
/* The worker: one scenario on one subject in a process of its own, so that a crash, a hang or a sanitizer's report belongs to exactly
 * one result. Prints one JSON object on stdout: {outcomes: [count by index], executions, seconds, cpus, peak_bytes, out_of_time,
 * skip, reports}. Exit status: 0 done, 2 misuse, 77 skipped (`skip` says why).
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "described.h"
#include "native/run.h"
#include "tsan/reports.h"

struct arguments {
	bool describe;
	const char *subject, *scenario;
	struct run_options run;
};

static const struct argp_option options[] = {
	{"executions", 'n', "N", 0, "executions to run (default 1000000)", 0},
	{"seed", 's', "N", 0, "seed of strides, padding and casting (default 1)", 0},
	{"time-limit", 't', "SECONDS", 0, "stop between rounds after this time", 0},
	{"line-up", 'l', "spin|pthread", 0, "how actors are lined up (default spin)", 0},
	{"describe", 'd', NULL, 0, "say what the last implementation of the registry is, as JSON (described.h)", 0},
	{"no-pin", 'p', NULL, 0, "let the scheduler place the threads", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	char *end = NULL;
	switch (key) {
	case 'n':
		a->run.executions = strtoull(arg, &end, 10);
		break;
	case 's':
		a->run.seed = strtoull(arg, &end, 10);
		break;
	case 't':
		a->run.time_limit_s = strtod(arg, &end);
		break;
	case 'l':
		a->run.line_up = strcmp(arg, "pthread") == 0 ? LINE_UP_PTHREAD : LINE_UP_SPIN;
		break;
	case 'd':
		a->describe = true;
		break;
	case 'p':
		a->run.pin = false;
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			a->subject = arg;
		else if (state->arg_num == 1)
			a->scenario = arg;
		else
			argp_usage(state);
		break;
	case ARGP_KEY_END:
		if (!a->scenario && !a->describe)
			argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (end && (end == arg || *end))
		argp_error(state, "'%s' is not a number", arg);
	return 0;
}

static const struct registered *find_subject(const char *subject)
{
	const char *slash = strchr(subject, '/');
	for (int family = 0; slash && family < FAMILY_COUNT; family++) {
		const char *name = family_name((enum family)family);
		if (strlen(name) == (size_t)(slash - subject) && strncmp(name, subject, strlen(name)) == 0)
			return registry_find((enum family)family, slash + 1);
	}
	return NULL;
}

static json_int_t peak_bytes(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_SELF, &usage) == 0 ? (json_int_t)usage.ru_maxrss * 1024 : 0;
}

static int finish(const struct scenario *scenario, const struct run_result *result, const char *skip)
{
	json_t *outcomes = json_array();
	for (unsigned i = 0; i < scenario->outcome_count; i++)
		json_array_append_new(outcomes, json_integer((json_int_t)result->counts[i]));
	json_t *out = json_pack("{s:o, s:I, s:f, s:i, s:I, s:b, s:s?, s:o}", "outcomes", outcomes, "executions",
		(json_int_t)result->executions, "seconds", result->seconds, "cpus", (int)result->cpus, "peak_bytes", peak_bytes(),
		"out_of_time", result->out_of_time, "skip", skip, "reports", tsan_reports());
	if (!out || json_dumpf(out, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF || fflush(stdout) != 0) {
		fprintf(stderr, "onceproof-worker: cannot write the result: %s\n", strerror(errno));
		_Exit(2);
	}
	/* A script may leave threads that are blocked for ever: that can be its very result. */
	_Exit(skip ? 77 : 0);
}

int main(int argc, char **argv)
{
	struct arguments a = {.run = {.executions = 1000000, .seed = 1, .pin = true}};
	const struct argp argp = {
		options, parse, "SUBJECT SCENARIO", "Runs one scenario on one implementation.", NULL, NULL, NULL};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &a);

	if (a.describe) {
		json_t *text = describe(&onceproof_registry[onceproof_registry_count - 1]);
		return text && json_dumpf(text, stdout, JSON_COMPACT) == 0 && fflush(stdout) == 0 ? 0 : 2;
	}
	const struct registered *subject = find_subject(a.subject);
	if (!subject) {
		fprintf(stderr, "onceproof-worker: no implementation '%s'\n", a.subject);
		return 2;
	}
	const struct scenario *scenario = scenario_find(subject->about->family, a.scenario);
	if (!scenario || !scenario_applies(scenario, subject->about)) {
		fprintf(stderr, "onceproof-worker: no scenario '%s' for %s\n", a.scenario, a.subject);
		return 2;
	}
	struct run_result result = {.executions = 1};
	if (scenario->script) {
		struct execution x;
		int why = execution_allocate(&x, scenario, subject->about);
		unsigned outcome = why ? SCENARIO_SKIPPED : scenario->script(&x);
		if (outcome == SCENARIO_SKIPPED)
			return finish(scenario, &result,
				why ? strerror(why) : "the forced order cannot be decided for this implementation");
		result.counts[outcome] = 1;
		return finish(scenario, &result, NULL);
	}
	int why = run_actors(scenario, subject->about, &a.run, &result);
	if (why) {
		fprintf(stderr, "onceproof-worker: cannot start: %s\n", strerror(why));
		return 2;
	}
	return finish(scenario, &result, result.refused ? strerror(result.refused) : NULL);
}
