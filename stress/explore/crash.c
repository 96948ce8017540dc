/* SPDX-License-Identifier: MIT */
#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "isolate.h"
#include "process.h"
#include "runtime_private.h"

enum {
	SIGNAL_STACK_BYTES = 64 * 1024,
	NULL_BYTES = 64 * 1024, /* accesses below are to members of a null pointer */
	TICK_MS = 250,
	COMPUTES_S = 5,  /* CPU time of one stretch without any entry into the runtime */
	WAITS_S = 3,     /* the same by the clock on the wall, in a system call */
	CHILD_S = 5,     /* the same for a child whose own guard does not get through to it */
	WRITE_FAULT = 2, /* bit of a page fault's error code (Intel SDM, volume 3, 4.7) */
};

struct crash {
	int signal, code;
	uintptr_t address, site;
	bool write;
	/* The guard. */
	uintptr_t code_from, code_to;
	uint64_t limit_bytes;
	uint64_t seen_begun, seen_turns;
	uint32_t seen_steps;
	double since_s, since_cpu_s;
};

static struct crash *crash; /* set once, by crash_start */

/* Faults ------------------------------------------------------------------------------------------------------------------------------ */

static const char *signal_words(void)
{
	switch (crash->signal) {
	case SIGFPE:
		return crash->code == FPE_INTDIV ? "divides by zero (SIGFPE)" : "makes an arithmetic error (SIGFPE)";
	case SIGILL:
		return "reaches an illegal instruction (SIGILL; __builtin_trap or code that was declared unreachable)";
	case SIGTRAP:
		return "reaches a breakpoint (SIGTRAP)";
	case SIGABRT:
		return "is aborted by the C library (SIGABRT)";
	default:
		return NULL;
	}
}

static void describe(char *text, size_t bytes)
{
	const char *verb = crash->write ? "writes to" : "reads", *words = signal_words();
	if (words)
		snprintf(text, bytes, "%s", words);
	else if (fiber_is_guard(crash->address))
		snprintf(text, bytes, "overflows its stack");
	else if (crash->signal == SIGSEGV && crash->code == SI_KERNEL)
		snprintf(text, bytes, "uses an address that cannot exist (SIGSEGV)");
	else if (crash->address < NULL_BYTES)
		snprintf(text, bytes, "%s a null pointer (address 0x%lx, SIGSEGV)", verb, (unsigned long)crash->address);
	else
		snprintf(text, bytes, "%s invalid address 0x%lx (%s)", verb, (unsigned long)crash->address,
			crash->signal == SIGBUS ? "SIGBUS" : "SIGSEGV");
}

/* Where the handler lets the fiber go on, at the far end of its stack. */
static _Noreturn void crash_found(void)
{
	char text[128];
	describe(text, sizeof text);
	struct place place = runtime_place((const void *)crash->site, "%s", text);
	runtime_finding(FINDING_CRASH, &place, 1, "thread %u %s", runtime->current, text);
	runtime_stop(ENDING_FINDING);
}

static _Noreturn void guard_found(void)
{
	runtime_stop(ENDING_CUT);
}

static bool is_explored(uintptr_t address)
{
	return !crash->code_to || (address >= crash->code_from && address < crash->code_to);
}

/* Does a call end at ADDRESS, so that it is a return address and no other pointer to code? Near calls: relative, or through a register
 * or memory (Intel SDM, volume 2, CALL). */
static bool follows_call(uintptr_t address)
{
	const unsigned char *at = (const unsigned char *)address;
	if (address < crash->code_from + 7)
		return false;
	if (at[-5] == 0xe8)
		return true;
	for (int bytes = 2; bytes <= 7; bytes++)
		if (at[-bytes] == 0xff && (at[1 - bytes] & 0x38) == 0x10)
			return true;
	return false;
}

/* The instruction that faulted, as a return address; if it is not explored code, the innermost return address into explored code on the
 * stack, found without unwinding: the library has no frame pointers. */
static uintptr_t site_of(const ucontext_t *context)
{
	uintptr_t at = (uintptr_t)context->uc_mcontext.gregs[REG_RIP], sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
	if (crash->code_to && is_explored(at))
		return at + 1;
	uintptr_t low, high;
	fiber_stack(fiber_current(), &low, &high);
	if (sp < low && fiber_is_guard(sp))
		sp = low;
	if (crash->code_to && sp >= low && sp < high)
		for (const uintptr_t *word = (const uintptr_t *)(sp & ~7ul); (uintptr_t)word < high; word++)
			if (is_explored(*word) && follows_call(*word))
				return *word;
	return at + 1;
}

static _Unwind_Reason_Code look_for_explored(struct _Unwind_Context *context, void *arg)
{
	uintptr_t at = _Unwind_GetIP(context);
	if (!is_explored(at))
		return _URC_NO_REASON;
	*(const void **)arg = (const void *)at;
	return _URC_END_OF_STACK;
}

const void *crash_caller(const void *site)
{
	const void *found = site;
	if (crash && crash->code_to && !is_explored((uintptr_t)site))
		_Unwind_Backtrace(look_for_explored, &found);
	return found;
}

/* Makes the interrupted fiber go on in FUNCTION, with what is on its stack forgotten. */
static void go_on_in(ucontext_t *context, void (*function)(void))
{
	uintptr_t low, high;
	fiber_stack(fiber_current(), &low, &high);
	/* As a call leaves it: 8 below a multiple of 16. */
	context->uc_mcontext.gregs[REG_RSP] = (greg_t)((high & ~15ul) - 64 - 8);
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)function;
	context->uc_mcontext.gregs[REG_EFL] &= ~0x400; /* the direction flag is clear between functions */
}

static void on_fault(int number, siginfo_t *info, void *arg)
{
	ucontext_t *context = arg;
	if (!runtime_on()) {
		/* The explorer itself: it ends by the signal. */
		signal(number, SIG_DFL);
		if (info->si_code <= 0)
			raise(number);
		return;
	}
	crash->signal = number;
	crash->code = info->si_code;
	crash->address = number == SIGSEGV || number == SIGBUS ? (uintptr_t)info->si_addr : 0;
	crash->write = (context->uc_mcontext.gregs[REG_ERR] & WRITE_FAULT) != 0;
	crash->site = site_of(context);
	go_on_in(context, crash_found);
}

/* Handlers run on a stack of their own: the fiber's may have overflowed. */
static int use_signal_stack(void)
{
	stack_t stack = {.ss_size = SIGNAL_STACK_BYTES};
	stack.ss_sp = mmap(NULL, SIGNAL_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp == MAP_FAILED)
		return errno;
	return sigaltstack(&stack, NULL) != 0 ? errno : 0;
}

int crash_start(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
	if (crash)
		return 0;
	struct crash *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return errno;
	int why = use_signal_stack();
	if (why)
		return why;
	crash = made;
	/* NODEFER: the handler is left by no return that the program sees, so the signal must not stay blocked. */
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], &action, NULL) != 0)
			return errno;
	return 0;
}

/* The guard --------------------------------------------------------------------------------------------------------------------------- */

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Resident memory, from the second number of /proc/self/statm; only functions that a handler may call. */
static uint64_t resident_bytes(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	uint64_t pages = 0;
	const char *at = strchr(text, ' ');
	for (at = at ? at + 1 : ""; *at >= '0' && *at <= '9'; at++)
		pages = pages * 10 + (uint64_t)(*at - '0');
	return pages * 4096;
}

/* Did anything happen since the last look? */
static bool moves(void)
{
	/* Accesses without a step count, too: the runtime itself decides when there are too many of those. */
	const struct inner_thread *own = inner_thread();
	uint64_t turns = process->turns + own->turns + ((uint64_t)own->rounds << 32);
	bool same =
		process->begun == crash->seen_begun && turns == crash->seen_turns && runtime->moment.steps == crash->seen_steps;
	crash->seen_begun = process->begun;
	crash->seen_turns = turns;
	crash->seen_steps = runtime->moment.steps;
	return !same;
}

/* Was a system call interrupted, rather than a thread that only waits for a processor? */
static bool in_system_call(const ucontext_t *context)
{
	static const unsigned char instruction[] = {0x0f, 0x05};
	const unsigned char *at = (const unsigned char *)context->uc_mcontext.gregs[REG_RIP];
	/* Behind the instruction, or at it if the call is to be made again. */
	return memcmp(at - 2, instruction, sizeof instruction) == 0 || memcmp(at, instruction, sizeof instruction) == 0;
}

static void on_tick(int number, siginfo_t *info, void *arg)
{
	(void)number;
	(void)info;
	int saved = errno;
	ucontext_t *context = arg;
	/* Between two calls: never in the middle of the runtime's own work. */
	bool give_up = false, at_rest = is_explored((uintptr_t)context->uc_mcontext.gregs[REG_RIP]);
	double now = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	if (isolate_waits()) {
		if (moves())
			crash->since_s = now;
		else if (now - crash->since_s > CHILD_S)
			isolate_end_child();
	} else if (!runtime_on() || moves()) {
		crash->since_s = now;
		crash->since_cpu_s = cpu;
	} else if (cpu - crash->since_cpu_s > COMPUTES_S && at_rest) {
		process_give_up("a thread computes without an end, or for more than %llu s, between two steps", COMPUTES_S);
		give_up = true;
	} else if (now - crash->since_s > WAITS_S && cpu - crash->since_cpu_s < 1 && in_system_call(context)) {
		process_give_up("a thread waits in a system call for more than %llu s", WAITS_S);
		give_up = true;
	}
	if (!give_up && runtime_on() && at_rest && resident_bytes() > crash->limit_bytes) {
		process_give_up("the program takes more than %llu MiB of memory", crash->limit_bytes >> 20);
		give_up = true;
	}
	if (give_up)
		go_on_in(context, guard_found);
	errno = saved;
}

static int start_ticking(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN};
	/* glibc names the member only from 2.37 on. */
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	timer_t timer;
	struct itimerspec every = {.it_interval = {0, TICK_MS * 1000000}, .it_value = {0, TICK_MS * 1000000}};
	return timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &every, NULL) != 0 ? errno : 0;
}

void crash_guard_child(void)
{
	if (crash && crash->limit_bytes)
		start_ticking();
}

int crash_guard(uintptr_t code_from, uintptr_t code_to, uint64_t limit_bytes)
{
	crash->code_from = code_from;
	crash->code_to = code_to;
	crash->limit_bytes = limit_bytes;
	struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	return sigaction(SIGRTMIN, &action, NULL) != 0 ? errno : start_ticking();
}
