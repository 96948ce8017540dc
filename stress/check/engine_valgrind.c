/* SPDX-License-Identifier: MIT */
/* A user's program under helgrind or drd. They inform: atomics are plain accesses to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "../engine.h"
#include "engines.h"

enum { OUTPUT_BYTES_MAX = 64 * 1024, REPORT_BYTES_MAX = 8 << 20, FIXED_WORDS = 10 };

/* What was written to FD, or NULL; the caller frees it. */
static char *read_report(int fd)
{
	char *text = calloc(REPORT_BYTES_MAX + 1, 1);
	size_t length = 0;
	for (ssize_t got; text && length < REPORT_BYTES_MAX; length += (size_t)got)
		if ((got = pread(fd, text + length, REPORT_BYTES_MAX - length, (off_t)length)) <= 0)
			break;
	return text;
}

static int run(const struct check_subject *subject, const struct program_build *built, double limit_s, json_t *result)
{
	char tool[32], to[32], why[256];
	int fd = memfd_create("report", MFD_CLOEXEC);
	const char *name = node_string(result, "engine");
	char **command = calloc(subject->argument_count + FIXED_WORDS, sizeof *command);
	if (!command || fd < 0) {
		complain("%s: %s", subject->name, strerror(errno));
		free(command);
		return EXIT_USAGE;
	}
	snprintf(tool, sizeof tool, "--tool=%s", name);
	snprintf(to, sizeof to, "--xml-fd=%d", fd);
	const char *const fixed[] = {"valgrind", tool, "--xml=yes", to, "--error-exitcode=0", "--child-silent-after-fork=yes",
		"--vgdb=no", "--command-line-only=yes", built->program};
	size_t n = sizeof fixed / sizeof *fixed;
	for (size_t i = 0; i < n; i++)
		command[i] = (char *)fixed[i];
	for (size_t i = 0; i < subject->argument_count; i++)
		command[n + i] = subject->arguments[i];
	const struct child_options options = {.argv = command,
		.timeout_s = limit_s,
		.output_max = OUTPUT_BYTES_MAX,
		.limits = check_limits(),
		.pass_fd = fd,
		.input = subject->input};
	struct child_result child;
	int failed = child_run(&options, &child);
	free(command);
	if (failed) {
		close(fd);
		snprintf(why, sizeof why, "valgrind cannot be run: %s (Debian package: valgrind)", strerror(failed));
		result_judge(result, "skipped", "clean", why);
		return 0;
	}
	char *text = read_report(fd);
	close(fd);
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
	if (child.contained)
		check_note_lacks(result, child.contained);
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
