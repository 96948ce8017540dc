/* SPDX-License-Identifier: MIT */
/* A user's program as it is, some times at full speed: what only real runs show, and the answer for programs that no other engine can run. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "engines.h"

enum { RUNS = 20, OUTPUT_BYTES_MAX = 64 * 1024, STATUS_MAX = 256 };

struct runs {
	unsigned done, hung, status[STATUS_MAX]; /* how often each exit status */
	int signal;                              /* of the first run that was ended by one; 0: none */
	char words[512];                         /* what that run said last */
	char trouble[128];                       /* why a run says nothing; empty: none did */
	const char *lacks;                       /* as child_result.contained */
};

/* Sent by somebody, the program itself among them: no mistake in memory ends it so. */
static bool from_outside(int number)
{
	return number == SIGKILL || number == SIGTERM || number == SIGINT || number == SIGHUP;
}

/* The last line of TEXT that is not empty. */
static void last_line(const char *text, char *line, size_t bytes)
{
	*line = '\0';
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (*at != '\n')
			snprintf(line, bytes, "%.*s", (int)strcspn(at, "\n"), at);
}

static int run_once(const struct check_subject *subject, const char *program, double limit_s, struct runs *runs)
{
	char **command = check_command(program, subject);
	const struct child_options options = {.argv = command,
		.timeout_s = limit_s,
		.output_max = OUTPUT_BYTES_MAX,
		.limits = check_limits(),
		.input = subject->input};
	struct child_result child;
	int why = child_run(&options, &child);
	free(command);
	if (why && runs->done) {
		/* Where nothing hides its changes to files, it may have removed itself. */
		snprintf(runs->trouble, sizeof runs->trouble, "after %u run%s it can no longer be run: %s", runs->done,
			runs->done == 1 ? "" : "s", strerror(why));
		return 0;
	}
	if (why) {
		complain("%s: the built program cannot be run: %s", subject->name, strerror(why));
		return EXIT_USAGE;
	}
	runs->done++;
	runs->lacks = child.contained;
	if (child.stopped)
		snprintf(runs->trouble, sizeof runs->trouble, "a limit ended it: %s", child.stopped);
	else if (!child.timed_out && WIFSIGNALED(child.status) && from_outside(WTERMSIG(child.status)))
		snprintf(runs->trouble, sizeof runs->trouble, "a run was killed by signal %d (%s)", WTERMSIG(child.status),
			strsignal(WTERMSIG(child.status)));
	else if (child.timed_out)
		runs->hung++;
	else if (WIFEXITED(child.status))
		runs->status[WEXITSTATUS(child.status)]++;
	else if (!runs->signal && !child.interrupted) {
		runs->signal = WTERMSIG(child.status);
		last_line(child.err, runs->words, sizeof runs->words);
	}
	child_free(&child);
	return 0;
}

/* "file.c:12: function: Assertion `x' failed." of glibc's assert: its place and the rest; the place is the program's own word for it. */
static bool failed_assertion(const char *words, char *file, size_t bytes, int *line, char *function, size_t function_bytes)
{
	const char *mark = strstr(words, ": Assertion `"), *at = mark;
	if (!mark)
		return false;
	while (at > words && at[-1] != ' ')
		at--;
	snprintf(function, function_bytes, "%.*s", (int)(mark - at), at);
	/* In front of the function stands "FILE:LINE: ", in front of that the program's name and ": ". */
	const char *colon = at > words + 2 ? at - 2 : words, *number = colon;
	while (number > words && number[-1] >= '0' && number[-1] <= '9')
		number--;
	const char *from = words, *name = number > words ? number - 1 : words;
	for (const char *it = words; it < name; it++)
		if (it[0] == ':' && it[1] == ' ')
			from = it + 2;
	*line = atoi(number);
	snprintf(file, bytes, "%.*s", (int)(name - from), from);
	return *line > 0 && *file;
}

static void add_crash(const struct runs *runs, json_t *result)
{
	char message[768], file[256], function[128];
	int line;
	if (runs->signal == SIGABRT && failed_assertion(runs->words, file, sizeof file, &line, function, sizeof function)) {
		snprintf(message, sizeof message, "%s", strstr(runs->words, "Assertion"));
		finding_add_location(
			result_add_finding(result, "assertion", message, FAMILY_PIPELINE, 0), file, line, function, "", NULL);
		return;
	}
	snprintf(message, sizeof message, "signal %d (%s) ended a run%s%s", runs->signal, strsignal(runs->signal),
		*runs->words ? ": " : "", runs->words);
	result_add_finding(result, "crash", message, FAMILY_PIPELINE, 0);
}

static unsigned kinds_of_status(const struct runs *runs)
{
	unsigned kinds = 0;
	for (unsigned i = 0; i < STATUS_MAX; i++)
		kinds += runs->status[i] > 0;
	return kinds;
}

static void judge(const struct runs *runs, json_t *result)
{
	char why[256];
	node_set(result, "executions", json_integer(runs->done));
	if (runs->signal)
		add_crash(runs, result);
	for (unsigned i = 1; i < STATUS_MAX && runs->status[0]; i++) {
		snprintf(why, sizeof why, "the exit status is not always the same: %u in %u of %u runs, else 0", i,
			runs->status[i], runs->done);
		if (runs->status[i])
			result_add_finding(result, "forbidden-outcome", why, FAMILY_PIPELINE, 0);
	}
	size_t found = json_array_size(node_get(result, "findings"));
	if (found) {
		snprintf(why, sizeof why, "%zu finding%s in %u runs at full speed", found, found == 1 ? "" : "s", runs->done);
		result_judge(result, "bug", "clean", why);
	} else if (*runs->trouble) {
		result_judge(result, "inconclusive", "clean", runs->trouble);
	} else if (runs->hung) {
		snprintf(why, sizeof why, "a run did not end within its time (number %u)", runs->done);
		result_judge(result, "inconclusive", "clean", why);
	} else {
		snprintf(why, sizeof why, "nothing in %u runs at full speed", runs->done);
		result_judge(result, "not-found", "clean", why);
	}
	if (!runs->status[0] && !runs->signal && kinds_of_status(runs) == 1)
		check_note(
			result, "the program never ended with exit status 0: does it need arguments (--arg) or input (--input)?");
}

int check_run_native(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result)
{
	struct program_build built;
	struct runs runs = {0};
	double until = check_clock() + limit_s;
	(void)plan;
	int status = program_compile(&subject->source, PROGRAM_NATIVE, &built);
	if (status)
		return status;
	node_set(result, "compiler", node_text(built.compiler));
	while (!status && runs.done < RUNS && !runs.signal && !runs.hung && !*runs.trouble && !child_interrupted) {
		double left = until - check_clock();
		if (runs.done && left < 0.1)
			break;
		status = run_once(subject, built.program, left > 1 ? left : 1, &runs);
	}
	if (!status)
		judge(&runs, result);
	if (runs.lacks)
		check_note_lacks(result, runs.lacks);
	program_build_close(&built);
	return status;
}
