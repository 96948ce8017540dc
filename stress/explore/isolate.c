/* SPDX-License-Identifier: MIT */
#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crash.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "runtime_private.h"
#include "sync.h"

enum { WHY_MAX = 64, WORDS_MAX = 4096 };

struct isolate {
	bool on;
	char why[WHY_MAX];
	pid_t parent, child; /* child: of the running execution; 0: none */
	bool done;           /* the child came to its end; it says how: */
	enum ending how;
	/* For a new start. */
	char **argv;
	int output, error;
};

static struct isolate *isolate; /* set once; in scenarios it stays NULL */

static int ready(void)
{
	if (!isolate)
		isolate = memory_map(sizeof *isolate);
	return isolate ? 0 : ENOMEM;
}

int isolate_start(const char *why)
{
	int error = memory_share();
	if (!error)
		error = ready();
	if (error)
		return error;
	isolate->on = true;
	snprintf(isolate->why, sizeof isolate->why, "%s", why);
	return 0;
}

void isolate_prepare(char **argv, int output, int error)
{
	if (ready() != 0)
		return;
	isolate->parent = getpid();
	isolate->argv = argv;
	isolate->output = output;
	isolate->error = error;
}

bool isolate_on(void)
{
	return isolate && isolate->on;
}

const char *isolate_why(void)
{
	return isolate ? isolate->why : "";
}

/* Nothing was told yet: whoever waits for the answer sees no difference. The standard input is a file in memory that stays open. */
static void start_anew(const char *name)
{
	char *words[WORDS_MAX], why[WHY_MAX + 16];
	size_t count = 0, own = 1;
	snprintf(why, sizeof why, "--isolate=%.*s", WHY_MAX - 1, name);
	words[count++] = isolate->argv[0];
	words[count++] = why;
	words[count++] = (char *)"--same-input";
	for (; isolate->argv[own] && count < WORDS_MAX - 1; own++)
		words[count++] = isolate->argv[own];
	words[count] = NULL;
	if (isolate->argv[own])
		return;
	int nowhere = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (dup2(isolate->output, STDOUT_FILENO) < 0 || dup2(isolate->error, STDERR_FILENO) < 0)
		return;
	execv("/proc/self/exe", words);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
}

bool isolate_need(const char *name)
{
	if (!isolate || !process)
		return false;
	if (!isolate->on && isolate->argv && getpid() == isolate->parent)
		start_anew(name);
	/* One of several processes of a search: the first one comes to this execution itself (parallel.c). */
	if (!isolate->on && isolate->argv && getpid() != isolate->parent)
		syscall(SYS_exit_group, 1);
	return isolate->on;
}

bool isolate_is_child(void)
{
	return isolate_on() && getpid() != isolate->parent;
}

/* The child: one execution, then nothing of what a process does at its end. */
static _Noreturn void be_child(enum ending (*perform)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == isolate->parent) {
		crash_guard_child();
		isolate->how = perform();
		isolate->done = true;
	}
	syscall(SYS_exit_group, 0);
	__builtin_trap();
}

/* The library ended the child, or a signal did that no handler survived. */
static enum ending ended_early(int status)
{
	runtime->running = false;
	if (process->stop)
		return ENDING_CUT;
	if (WIFEXITED(status)) {
		runtime_uncontrolled("an end of the process inside of a library");
		process->status = WEXITSTATUS(status);
		return ENDING_COMPLETE;
	}
	/* Not the program's doing. */
	if (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM) {
		process_give_up("the process of an execution was ended from outside (signal %llu)", (uint64_t)WTERMSIG(status));
		return ENDING_CUT;
	}
	const struct thread *thread = runtime_thread();
	const void *site = thread->depth && thread->depth <= CALLS_MAX ? thread->calls[thread->depth - 1] : NULL;
	struct place place = runtime_place(site, "is ended by the signal %s", strsignal(WTERMSIG(status)));
	runtime_finding(
		FINDING_CRASH, &place, 1, "thread %u is ended by the signal %s", runtime->current, strsignal(WTERMSIG(status)));
	return ENDING_FINDING;
}

enum ending isolate_execute(enum ending (*perform)(void))
{
	/* As many as the last execution had: a child parks its own, at a cost each time. */
	if (fiber_lend(runtime->moment.threads) != 0)
		return ENDING_CUT;
	sync_clear(); /* its memory is made by the first call */
	isolate->done = false;
	pid_t child = _Fork();
	if (child == 0)
		be_child(perform);
	if (child < 0) {
		process_give_up("a process for an execution cannot be made (error %llu)", (uint64_t)errno);
		return ENDING_CUT;
	}
	isolate->child = child;
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	isolate->child = 0;
	files_empty();
	return isolate->done ? isolate->how : ended_early(status);
}

bool isolate_waits(void)
{
	return isolate && isolate->on && isolate->child && getpid() == isolate->parent;
}

void isolate_end_child(void)
{
	process_give_up("an execution stays inside of a library function for more than %llu s", 5);
	kill(isolate->child, SIGKILL);
}
