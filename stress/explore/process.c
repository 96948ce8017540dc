/* SPDX-License-Identifier: MIT */
/* The end of a process: exit and its handlers, failing asserts, abort, raised signals; and the calls that would leave it (fork, exec). */
#include "process.h"

#undef NDEBUG /* the declaration of what a failed assert calls */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "isolate.h"
#include "memory.h"
#include "runtime.h"
#include "sync.h"

#define TAKEN __attribute__((visibility("default")))
#define SITE __builtin_return_address(0)

struct process *process; /* set once, by process_start */

int process_start(void)
{
	if (process)
		return 0;
	struct process *made = memory_map(sizeof *made);
	char *output = memory_map(PROCESS_OUTPUT_MAX);
	if (!made || !output)
		return ENOMEM;
	made->output = output;
	made->status = -1;
	process = made;
	return 0;
}

/* Calls out of control ----------------------------------------------------------------------------------------------------------------- */

static const char *const waits_for_signal[] = {"pause", "sigsuspend", "sigwait", "sigwaitinfo", "sigtimedwait", NULL};

static bool one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* The explored code goes on to the function NAME, which nobody stands in for; '+' before it: all that it does stays within the process. */
void process_note_call(const char *name);
void process_note_call(const char *name)
{
	if (!runtime_on())
		return;
	runtime_enter();
	if (process)
		process->turns++;
	bool told = name[0] == '+', assembly = strncmp(name, "inline assembly", 15) == 0;
	/* What it keeps for itself must not reach the next execution, whatever else it does. */
	if (!assembly && isolate_need(name + told) && told) {
		process_effect(NULL);
		return;
	}
	runtime_uncontrolled(name + told);
	/* No signal comes, so it would not return. */
	if (one_of(name, waits_for_signal))
		runtime_stop(ENDING_CUT);
}

/* explored_note_call: the name comes in %r11; all other registers and the flags stay as they are, because what follows may be a function
 * with any arguments or a piece of inline assembly. The stubs that call it are written by stress/program_build.c. */
__asm__(".text\n"
	".globl explored_note_call\n"
	".type explored_note_call, @function\n"
	"explored_note_call:\n"
	"	pushfq\n"
	"	pushq %rbp\n"
	"	movq %rsp, %rbp\n"
	"	pushq %rax\n	pushq %rcx\n	pushq %rdx\n	pushq %rsi\n"
	"	pushq %rdi\n	pushq %r8\n	pushq %r9\n	pushq %r10\n"
	"	subq $512, %rsp\n"
	"	andq $-16, %rsp\n"
	"	fxsave (%rsp)\n"
	"	movq %r11, %rdi\n"
	"	call process_note_call\n"
	"	fxrstor (%rsp)\n"
	"	leaq -64(%rbp), %rsp\n"
	"	popq %r10\n	popq %r9\n	popq %r8\n	popq %rdi\n"
	"	popq %rsi\n	popq %rdx\n	popq %rcx\n	popq %rax\n"
	"	popq %rbp\n"
	"	popfq\n"
	"	ret\n"
	".size explored_note_call, . - explored_note_call\n");

/* C++: the library uses an object in a way that is not seen. */

TAKEN void explored_reads(const void *at, size_t bytes, const void *site);
void explored_reads(const void *at, size_t bytes, const void *site)
{
	if (!runtime_on())
		return;
	runtime_enter();
	runtime_access(at, bytes, false, site);
}

/* The standard streams (cxx/plain/standard.cc); the list ends with its own address. */
extern const void *const explored_cxx_standard[] __attribute__((weak));

void process_note_object(void *object, uint64_t changes, const void *site);
void process_note_object(void *object, uint64_t changes, const void *site)
{
	if (!runtime_on())
		return;
	runtime_enter();
	if (process)
		process->turns++;
	for (const void *const *stream = explored_cxx_standard; stream && *stream != explored_cxx_standard; stream++)
		if (object == *stream)
			return;
	runtime_access(object, sizeof(void *), changes != 0, site);
	runtime_wrote();
}

/* explored_note_object: the object comes in %rdi, which keeps it, and in %r11 whether it is changed. The caller is a stub, and its caller
 * the explored code. */
__asm__(".text\n"
	".globl explored_note_object\n"
	".type explored_note_object, @function\n"
	"explored_note_object:\n"
	"	pushfq\n"
	"	pushq %rbp\n"
	"	movq %rsp, %rbp\n"
	"	pushq %rax\n	pushq %rcx\n	pushq %rdx\n	pushq %rsi\n"
	"	pushq %rdi\n	pushq %r8\n	pushq %r9\n	pushq %r10\n"
	"	subq $512, %rsp\n"
	"	andq $-16, %rsp\n"
	"	fxsave (%rsp)\n"
	"	movq %r11, %rsi\n"
	"	movq 24(%rbp), %rdx\n"
	"	call process_note_object\n"
	"	fxrstor (%rsp)\n"
	"	leaq -64(%rbp), %rsp\n"
	"	popq %r10\n	popq %r9\n	popq %r8\n	popq %rdi\n"
	"	popq %rsi\n	popq %rdx\n	popq %rcx\n	popq %rax\n"
	"	popq %rbp\n"
	"	popfq\n"
	"	ret\n"
	".size explored_note_object, . - explored_note_object\n");

/* Exit ------------------------------------------------------------------------------------------------------------------------------- */

/* The first thread that gets here ends the process; others wait for ever, as the C library makes them wait. */
static enum applied first_to_exit(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = 1;
	return value ? APPLIED_BLOCK : APPLIED_WRITE;
}

static bool never(void *arg, event_id *from)
{
	(void)arg;
	*from = 0;
	return false;
}

static void describe_exit(void *arg, char *text, size_t bytes)
{
	(void)arg;
	snprintf(text, bytes, "has called exit");
}

static _Noreturn void leave(int status, const void *site)
{
	static const uint64_t scenario_cell = 0;
	runtime_enter();
	struct operation op = {.kind = EVENT_UPDATE,
		.tag = STEP_OTHER,
		.order = ORDER_RELAXED,
		.order_failed = ORDER_RELAXED,
		.waits = true,
		.chain = true,
		.bytes = 4,
		.address = process ? (uintptr_t)&process->exit_cell : (uintptr_t)&scenario_cell,
		.apply = first_to_exit,
		.site = site};
	if (!runtime->quiet)
		runtime_perform(&op, 0, NULL, describe_exit, NULL);
	if (process)
		process->status = status & 0xff;
	runtime->exited = true;
	/* An exhaustive search builds one graph for all orders in which nothing distinguishes them. What others do is not ordered
	 * behind the exit: they may do it before, so they go on as far as they can. */
	if (runtime->graph->full && runtime->alive > 1)
		runtime_wait(STEP_OTHER, site, never, describe_exit, NULL);
	runtime_stop(ENDING_COMPLETE);
}

static void run_handlers(struct process_handlers *handlers, int status)
{
	/* A handler may register another. */
	while (handlers->count) {
		struct process_handler handler = handlers->at[--handlers->count];
		if (handler.plain)
			handler.plain();
		else if (handler.with_arg)
			handler.with_arg(handler.arg);
		else
			handler.with_status(status, handler.arg);
	}
}

/* Destructors of the thread's own variables, handlers, then destructors of the program: the last one first. */
static void end_program(int status)
{
	sync_locals_end();
	run_handlers(&process->at_exit, status);
	const struct process_table *table = process->ends;
	while ((uintptr_t)table->from != END_OF_TABLES)
		table++;
	while (table-- != process->ends)
		for (void (*const *end)(int, char **, char **) = table->to; end-- != table->from;)
			((void (*)(void)) * end)();
}

TAKEN _Noreturn void explored_exit(int status);
_Noreturn void explored_exit(int status)
{
	if (!runtime_on())
		exit(status);
	runtime_enter();
	if (process)
		end_program(status);
	leave(status, SITE);
}

TAKEN _Noreturn void explored_quick_exit(int status);
_Noreturn void explored_quick_exit(int status)
{
	if (!runtime_on())
		quick_exit(status);
	runtime_enter();
	if (process)
		run_handlers(&process->at_quick_exit, status);
	leave(status, SITE);
}

TAKEN _Noreturn void explored__exit(int status);
_Noreturn void explored__exit(int status)
{
	if (!runtime_on())
		_exit(status);
	leave(status, SITE);
}

TAKEN _Noreturn void explored__Exit(int status);
_Noreturn void explored__Exit(int status)
{
	if (!runtime_on())
		_exit(status);
	leave(status, SITE);
}

_Noreturn void process_main(int (*program)(int, char **, char **), int argc, char **argv, char **environment)
{
	for (const struct process_table *table = process->begins; (uintptr_t)table->from != END_OF_TABLES; table++)
		for (void (*const *begin)(int, char **, char **) = table->from; begin < table->to; begin++)
			(*begin)(argc, argv, environment);
	int status = program(argc, argv, environment);
	end_program(status);
	leave(status, (const void *)program);
}

/* A scenario never exits, so its handlers would never run. */
static int add_handler(struct process_handlers *handlers, struct process_handler handler)
{
	if (handlers->count == PROCESS_HANDLERS_MAX)
		return -1;
	handlers->at[handlers->count++] = handler;
	return 0;
}

TAKEN int explored_atexit(void (*handler)(void));
int explored_atexit(void (*handler)(void))
{
	if (!runtime_on() || !process)
		return 0;
	return add_handler(&process->at_exit, (struct process_handler){.plain = handler});
}

/* How C++ has the destructors of static variables called (Itanium C++ ABI, 3.3.6.3). */
TAKEN int explored___cxa_atexit(void (*handler)(void *), void *arg, void *module);
int explored___cxa_atexit(void (*handler)(void *), void *arg, void *module)
{
	(void)module;
	if (!runtime_on() || !process)
		return 0;
	return add_handler(&process->at_exit, (struct process_handler){.with_arg = handler, .arg = arg});
}

TAKEN int explored_at_quick_exit(void (*handler)(void));
int explored_at_quick_exit(void (*handler)(void))
{
	if (!runtime_on() || !process)
		return 0;
	return add_handler(&process->at_quick_exit, (struct process_handler){.plain = handler});
}

TAKEN int explored_on_exit(void (*handler)(int, void *), void *arg);
int explored_on_exit(void (*handler)(int, void *), void *arg)
{
	if (!runtime_on() || !process)
		return 0;
	return add_handler(&process->at_exit, (struct process_handler){.with_status = handler, .arg = arg});
}

/* A scenario file's check names what came of the execution. It is no step: it is only counted. */
TAKEN void explored_onceproof_tell_outcome(const char *label);
void explored_onceproof_tell_outcome(const char *label)
{
	if (runtime_on() && process)
		snprintf(process->outcome, sizeof process->outcome, "%s", label);
}

/* Asserts and abort ----------------------------------------------------------------------------------------------------------------- */

TAKEN _Noreturn void explored___assert_fail(const char *what, const char *file, unsigned line, const char *function);
_Noreturn void explored___assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
	if (!runtime_on())
		__assert_fail(what, file, line, function);
	runtime_enter();
	struct place place = runtime_place(SITE, "fails");
	runtime_finding(
		FINDING_ASSERTION, &place, 1, "assertion '%s' fails at %s:%u in %s", what, file, line, function ? function : "?");
	runtime_stop(ENDING_FINDING);
}

TAKEN _Noreturn void explored___assert(const char *what, const char *file, int line);
_Noreturn void explored___assert(const char *what, const char *file, int line)
{
	explored___assert_fail(what, file, (unsigned)line, NULL);
}

TAKEN _Noreturn void explored___assert_perror_fail(int error, const char *file, unsigned line, const char *function);
_Noreturn void explored___assert_perror_fail(int error, const char *file, unsigned line, const char *function)
{
	explored___assert_fail(strerror(error), file, line, function);
}

static _Noreturn void crashed(const char *how, const void *site)
{
	runtime_enter();
	struct place place = runtime_place(site, "%s", how);
	runtime_finding(FINDING_CRASH, &place, 1, "thread %u %s", runtime->current, how);
	runtime_stop(ENDING_FINDING);
}

TAKEN _Noreturn void explored_terminated(const char *why);
_Noreturn void explored_terminated(const char *why)
{
	if (!runtime_on())
		abort();
	runtime_enter();
	struct place place = runtime_place(crash_caller(SITE), "ends the program");
	runtime_finding(FINDING_CRASH, &place, 1, "thread %u ends the program: %s", runtime->current, why);
	runtime_stop(ENDING_FINDING);
}

TAKEN _Noreturn void explored_abort(void);
_Noreturn void explored_abort(void)
{
	if (!runtime_on())
		abort();
	crashed("calls abort()", crash_caller(SITE));
}

TAKEN _Noreturn void explored___stack_chk_fail(void);
_Noreturn void explored___stack_chk_fail(void)
{
	if (!runtime_on())
		abort();
	crashed("has written past the end of a local array (stack protector)", SITE);
}

/* Signals ---------------------------------------------------------------------------------------------------------------------------- */

/* A signal that the program sends to itself ends it: handlers are not under the explorer's control. */
static int raised(int signal, const void *site)
{
	char how[64];
	switch (signal) {
	case 0:
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
		return 0;
	case SIGABRT:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
		snprintf(how, sizeof how, "raises %s", strsignal(signal));
		crashed(how, site);
	default:
		leave(128 + signal, site);
	}
}

TAKEN int explored_raise(int signal);
int explored_raise(int signal)
{
	return runtime_on() ? raised(signal, SITE) : raise(signal);
}

/* Nothing happens outside. A program ends here, because it would go on as it never does: an answer that is made up must not lead to a
 * finding. */
static int refused(const char *name, const void *site)
{
	runtime_enter();
	runtime_uncontrolled(name);
	if (runtime_on() && process)
		leave(0, site);
	errno = ENOSYS;
	return -1;
}

TAKEN int explored_kill(pid_t process_id, int signal);
int explored_kill(pid_t process_id, int signal)
{
	if (!runtime_on())
		return kill(process_id, signal);
	if (process_id == getpid())
		return raised(signal, SITE);
	return refused("kill", SITE);
}

/* Default and ignored are what signals are anyway: none comes from outside. */
TAKEN void (*explored_signal(int number, void (*handler)(int)))(int);
void (*explored_signal(int number, void (*handler)(int)))(int)
{
	if (!runtime_on())
		return signal(number, handler);
	if (handler != SIG_DFL && handler != SIG_IGN)
		runtime_uncontrolled("signal (handlers are never called)");
	return SIG_DFL;
}

TAKEN int explored_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int explored_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	if (!runtime_on())
		return sigaction(number, action, before);
	if (action && action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN)
		runtime_uncontrolled("sigaction (handlers are never called)");
	if (before) {
		runtime_access(before, sizeof *before, true, SITE);
		memset(before, 0, sizeof *before);
		runtime_wrote();
	}
	return 0;
}

TAKEN unsigned explored_alarm(unsigned seconds);
unsigned explored_alarm(unsigned seconds)
{
	if (!runtime_on())
		return alarm(seconds);
	/* A watchdog, which does not bark: no time passes. A handler for it is told of above. */
	(void)seconds;
	return 0;
}

TAKEN useconds_t explored_ualarm(useconds_t first, useconds_t each);
useconds_t explored_ualarm(useconds_t first, useconds_t each)
{
	return runtime_on() ? 0 : ualarm(first, each);
}

/* Other processes and the network ---------------------------------------------------------------------------------------------------- */

/* Functions that would make a second process or speak to one. In scenarios, which need none of them, they fail. */
#define REFUSED(type, name, ...)                             \
	TAKEN type explored_##name(__VA_ARGS__);             \
	type explored_##name(__VA_ARGS__)                    \
	{                                                    \
		return (type)(intptr_t)refused(#name, SITE); \
	}
#define ANY void *a, void *b, void *c, void *d, void *e, void *f
#pragma GCC diagnostic ignored "-Wunused-parameter"
REFUSED(int, fork, void)
REFUSED(int, _Fork, void)
REFUSED(int, vfork, void)
REFUSED(int, clone, ANY)
REFUSED(int, daemon, ANY)
REFUSED(int, system, ANY)
REFUSED(int, execv, ANY)
REFUSED(int, execve, ANY)
REFUSED(int, execvp, ANY)
REFUSED(int, execvpe, ANY)
REFUSED(int, execl, ANY)
REFUSED(int, execlp, ANY)
REFUSED(int, execle, ANY)
REFUSED(int, fexecve, ANY)
REFUSED(int, socket, ANY)
REFUSED(int, socketpair, ANY)
REFUSED(int, bind, ANY)
REFUSED(int, listen, ANY)
REFUSED(int, accept, ANY)
REFUSED(int, accept4, ANY)
REFUSED(int, connect, ANY)
REFUSED(int, getaddrinfo, ANY)
REFUSED(int, ptrace, ANY)
REFUSED(int, epoll_wait, ANY)
REFUSED(int, epoll_pwait, ANY)
REFUSED(int, ppoll, ANY)
REFUSED(int, pselect, ANY)
REFUSED(int, setitimer, ANY)
REFUSED(int, timer_create, ANY)
REFUSED(int, sigqueue, ANY)
REFUSED(int, wait, ANY)
REFUSED(int, waitpid, ANY)

/* These say "failed" by a null pointer or by the error itself. */
TAKEN void *explored_popen(const char *command, const char *mode);
void *explored_popen(const char *command, const char *mode)
{
	refused("popen", SITE);
	return NULL;
}

TAKEN int explored_posix_spawn(ANY);
int explored_posix_spawn(ANY)
{
	refused("posix_spawn", SITE);
	return ENOSYS;
}

TAKEN int explored_posix_spawnp(ANY);
int explored_posix_spawnp(ANY)
{
	refused("posix_spawnp", SITE);
	return ENOSYS;
}
