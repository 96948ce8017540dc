/* SPDX-License-Identifier: MIT */
/* A user's program under ThreadSanitizer: a few runs at full speed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../impl/support/say.h"
#include "../../reports/node.h"
#include "../../reports/result.h"
#include "../child.h"
#include "engines.h"

enum { RUNS = 5, REPORTS_BYTES_MAX = 4 << 20, OUTPUT_BYTES_MAX = 64 * 1024 };

/* What was written to FD; the caller frees it. */
static char *read_all(int fd)
{
	struct stat info;
	size_t bytes = fstat(fd, &info) == 0 && info.st_size > 0 ? (size_t)info.st_size : 0;
	if (bytes > REPORTS_BYTES_MAX)
		bytes = REPORTS_BYTES_MAX;
	char *text = calloc(bytes + 1, 1);
	for (size_t done = 0; text && done < bytes;) {
		ssize_t got = pread(fd, text + done, bytes - done, (off_t)done);
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return text;
}

/* Could ThreadSanitizer not start at all? Its own words, or NULL. */
static const char *not_started(const struct child_result *child)
{
	static const char *const signs[] = {"unexpected memory mapping", "failed to intercept", "is not supported", "cannot run"};
	const char *fatal = strstr(child->err, "FATAL: ThreadSanitizer");
	for (size_t i = 0; fatal && i < sizeof signs / sizeof *signs; i++)
		if (strstr(fatal, signs[i]))
			return "ThreadSanitizer could not start (the system does not allow its memory layout)";
	return NULL;
}

struct runs {
	unsigned done, hung;
	size_t findings;
	char trouble[128]; /* why it decides nothing; empty: it does */
	const char *lacks; /* as child_result.contained */
};

static int run_once(
	const struct check_subject *subject, const struct program_build *built, double limit_s, json_t *result, struct runs *runs)
{
	char to[40];
	int fd = memfd_create("reports", MFD_CLOEXEC);
	if (fd < 0) {
		complain("%s: %s", subject->name, strerror(errno));
		return EXIT_USAGE;
	}
	snprintf(to, sizeof to, "ONCEPROOF_TSAN_TO=%d", fd);
	char *settings[] = {to,
		(char *)"TSAN_OPTIONS=halt_on_error=0:report_thread_leaks=0:exitcode=0:report_signal_unsafe=0:symbolize=0:"
			"history_size=4:suppressions=",
		NULL};
	char **command = check_command(built->program, subject);
	const struct child_options options = {.argv = command,
		.environment = settings,
		.timeout_s = limit_s,
		.output_max = OUTPUT_BYTES_MAX,
		.fixed_addresses = true,
		.limits = check_limits(),
		.input = subject->input,
		.pass_fd = fd};
	struct child_result child;
	int why = child_run(&options, &child);
	free(command);
	if (why && runs->done) {
		/* Where nothing hides its changes to files, it may have removed itself. */
		snprintf(runs->trouble, sizeof runs->trouble, "after %u run%s it can no longer be run: %s", runs->done,
			runs->done == 1 ? "" : "s", strerror(why));
		close(fd);
		return 0;
	}
	if (why) {
		complain("%s: the built program cannot be run: %s", subject->name, strerror(why));
		close(fd);
		return EXIT_USAGE;
	}
	char *text = read_all(fd);
	runs->findings += text ? check_told(built->program, text, result) : 0;
	runs->done++;
	runs->hung += child.timed_out;
	runs->lacks = child.contained;
	if (not_started(&child))
		snprintf(runs->trouble, sizeof runs->trouble, "%s", not_started(&child));
	else if (child.stopped)
		snprintf(runs->trouble, sizeof runs->trouble, "a limit ended it: %s", child.stopped);
	else if (!child.timed_out && text && !*text && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGKILL)
		snprintf(runs->trouble, sizeof runs->trouble, "a run was killed");
	free(text);
	close(fd);
	child_free(&child);
	return 0;
}

/* What the tool cannot see is no finding of the program. */
static const char *blind(const struct program_build *built)
{
	if (built->fences)
		return "ThreadSanitizer does not model atomic_thread_fence, which the program uses: its reports decide nothing";
	if (built->call_once && !built->clang)
		return "gcc's ThreadSanitizer does not know call_once, which the program uses: its reports decide nothing";
	return NULL;
}

static void judge(const struct program_build *built, const struct runs *runs, json_t *result)
{
	char why[256];
	node_set(result, "executions", json_integer(runs->done));
	if (runs->findings && blind(built)) {
		check_note(result, blind(built));
		json_array_clear(node_get(result, "findings"));
		result_judge(result, "skipped", "clean", blind(built));
	} else if (runs->findings) {
		snprintf(why, sizeof why, "%zu finding%s in %u run%s", runs->findings, runs->findings == 1 ? "" : "s", runs->done,
			runs->done == 1 ? "" : "s");
		result_judge(result, "bug", "clean", why);
	} else if (*runs->trouble) {
		result_judge(result, "inconclusive", "clean", runs->trouble);
	} else if (runs->hung) {
		result_judge(result, "inconclusive", "clean", "it did not end within its time");
	} else {
		snprintf(why, sizeof why, "no report in %u runs at full speed", runs->done);
		result_judge(result, "not-found", "clean", why);
	}
}

int check_run_tsan(const struct check_subject *subject, const struct check_plan *plan, double limit_s, json_t *result)
{
	struct program_build built;
	struct runs runs = {0};
	double until = check_clock() + limit_s;
	int status = program_compile(&subject->source, PROGRAM_TSAN, &built);
	if (status && plan->engines & CHECK_EXPLORE) {
		/* The explorer's build went well: the sanitizer's runtime is what is missing. */
		result_judge(result, "skipped", "clean",
			"the program cannot be built with -fsanitize=thread; the reason stands on stderr");
		return 0;
	}
	if (status)
		return status;
	node_set(result, "compiler", node_text(built.compiler));
	while (!status && runs.done < RUNS && !runs.findings && !runs.hung && !*runs.trouble && !child_interrupted) {
		double left = until - check_clock();
		if (runs.done && left < 0.2)
			break;
		status = run_once(subject, &built, left > 1 ? left : 1, result, &runs);
	}
	if (!status)
		judge(&built, &runs, result);
	if (runs.lacks)
		check_note_lacks(result, runs.lacks);
	program_build_close(&built);
	return status;
}
