/* SPDX-License-Identifier: MIT */
/* Looking for a change, in a process of its own: it ends when its time is over, whatever it is at, and an interrupt does not wait for it. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../reports/node.h"
#include "../child.h"
#include "engines.h"

enum { POLL_MS = 50, TEXT_BYTES_MAX = 16 << 20 };

/* The changes of each finding of RESULT, in order: a new array. */
static json_t *fixes_of(const json_t *result)
{
	json_t *all = node_must(json_array()), *finding;
	size_t i;
	json_array_foreach(node_get(result, "findings"), i, finding) {
		json_t *fixes = node_get(finding, "fixes");
		node_append(all, fixes ? json_incref(fixes) : json_null());
	}
	return all;
}

/* What the other process wrote until its end; NULL: it was over time, was interrupted, or wrote nothing. The caller frees it. */
static char *listen(int from, double until)
{
	size_t length = 0, room = 65536;
	char *text = malloc(room);
	while (text && check_clock() < until && !child_interrupted) {
		struct pollfd polled = {.fd = from, .events = POLLIN};
		if (poll(&polled, 1, POLL_MS) <= 0)
			continue;
		if (length + 1 == room) {
			char *more = room < TEXT_BYTES_MAX ? realloc(text, room *= 2) : NULL;
			if (!more)
				break;
			text = more;
		}
		ssize_t got = read(from, text + length, room - 1 - length);
		if (got <= 0) {
			text[length] = '\0';
			return text;
		}
		length += (size_t)got;
	}
	free(text);
	return NULL;
}

static _Noreturn void look(const struct check_subject *subject, const struct check_plan *plan, const json_t *result,
	json_t *finding, double limit_s, int to)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	check_fix(subject, plan, result, finding, limit_s);
	FILE *out = fdopen(to, "w");
	json_t *all = fixes_of(result);
	if (out && json_dumpf(all, out, JSON_COMPACT) == 0)
		fflush(out);
	_exit(0);
}

void check_fix_bounded(
	const struct check_subject *subject, const struct check_plan *plan, const json_t *result, json_t *finding, double limit_s)
{
	struct private_folder folder;
	int ends[2];
	const char *old = getenv("TMPDIR");
	char *before = old ? strdup(old) : NULL;
	if (private_folder_make(&folder) != 0)
		return;
	fflush(NULL);
	if (pipe(ends) != 0) {
		private_folder_remove(&folder);
		return;
	}
	/* What it makes lies where this process removes it. */
	setenv("TMPDIR", folder.path, 1);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		look(subject, plan, result, finding, limit_s, ends[1]);
	}
	if (before)
		setenv("TMPDIR", before, 1);
	else
		unsetenv("TMPDIR");
	free(before);
	close(ends[1]);
	char *text = pid > 0 ? listen(ends[0], check_clock() + limit_s + 0.5) : NULL;
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && !child_interrupted)
			continue;
	}
	json_t *all = text ? json_loads(text, 0, NULL) : NULL, *fixes;
	size_t i;
	json_array_foreach(all, i, fixes) {
		json_t *to = json_array_get(node_get(result, "findings"), i);
		if (json_is_array(fixes) && to)
			node_set(to, "fixes", json_incref(fixes));
	}
	json_decref(all);
	free(text);
	close(ends[0]);
	private_folder_remove(&folder);
}
