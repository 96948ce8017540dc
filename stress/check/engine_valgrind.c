/* SPDX-License-Identifier: MIT */
/* A user's program under helgrind or drd. They inform: atomics are plain accesses to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "../engine.h"
#include "engines.h"

enum { OUTPUT_BYTES_MAX = 64 * 1024, REPORT_BYTES_MAX = 8 << 20, FIXED_WORDS = 8 };

/* The text of the file PATH, or NULL; the caller frees it. */
static char *read_report(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file ? calloc(REPORT_BYTES_MAX + 1, 1) : NULL;
	if (text)
		text[fread(text, 1, REPORT_BYTES_MAX, file)] = '\0';
	if (file)
		fclose(file);
	return text;
}

static int run(const struct check_subject *subject, const struct program_build *built, double limit_s, json_t *result)
{
	char tool[32], to[4200], why[256];
	const char *name = node_string(result, "engine");
	char **command = calloc(subject->argument_count + FIXED_WORDS, sizeof *command);
	if (!command) {
		complain("%s: %s", subject->name, strerror(ENOMEM));
		return EXIT_USAGE;
	}
	snprintf(tool, sizeof tool, "--tool=%s", name);
	/* In the program's own folder, which is private; what it writes below it lasts. */
	snprintf(to, sizeof to, "--xml-file=%s/report.xml", built->folder.path);
	const char *const fixed[] = {
		"valgrind", tool, "--xml=yes", to, "--error-exitcode=0", "--child-silent-after-fork=yes", built->program};
	size_t n = sizeof fixed / sizeof *fixed;
	for (size_t i = 0; i < n; i++)
		command[i] = (char *)fixed[i];
	for (size_t i = 0; i < subject->argument_count; i++)
		command[n + i] = subject->arguments[i];
	/* Not contained: the report has to last. */
	struct child_limits limits = *check_limits();
	limits.contain = false;
	const struct child_options options = {.argv = command,
		.timeout_s = limit_s,
		.output_max = OUTPUT_BYTES_MAX,
		.limits = &limits,
		.input = subject->input};
	struct child_result child;
	int failed = child_run(&options, &child);
	free(command);
	if (failed) {
		snprintf(why, sizeof why, "valgrind cannot be run: %s (Debian package: valgrind)", strerror(failed));
		result_judge(result, "skipped", "clean", why);
		return 0;
	}
	char *text = read_report(to + strlen("--xml-file="));
	size_t found = text ? valgrind_findings(result, NULL, NULL, text) : 0;
	free(text);
	node_set(result, "executions", json_integer(1));
	if (found)
		snprintf(why, sizeof why, "%zu report%s of %s in one run, which takes atomics for plain accesses", found,
			found == 1 ? "" : "s", name);
	else if (child.timed_out || child.stopped)
		snprintf(why, sizeof why, "%s: %s", name, child.stopped ? child.stopped : "it did not end within its time");
	else
		snprintf(why, sizeof why, "no report of %s in one run", name);
	result_judge(result, found ? "bug" : child.timed_out || child.stopped ? "inconclusive" : "not-found", "clean", why);
	child_free(&child);
	return 0;
}

int check_run_valgrind(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result)
{
	struct program_build built;
	(void)plan;
	int status = program_compile(&subject->source, PROGRAM_NATIVE, &built);
	if (status)
		return status;
	node_set(result, "compiler", node_text(built.compiler));
	status = run(subject, &built, limit_s, result);
	program_build_close(&built);
	return status;
}
