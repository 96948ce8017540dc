// SPDX-License-Identifier: MIT
// The increments per CPU of <onceproof/tally.h> in functions of which C++ has one copy in each file that calls them. test_tally_percpu.sh
// makes two files of this (SECOND) and lets linkers keep and drop; the program then steps through each increment, an instruction at a time,
// and sees the kernel send it to the abort handler: so descriptor, sequence and handler still belong together.
#include <onceproof/tally.h>

extern struct tally_percpu everywhere;

template <class T> struct worker {
	__attribute__((noinline)) static void step()
	{
		tally_percpu_add(&everywhere);
	}
};

inline __attribute__((noinline)) void two_steps()
{
	tally_percpu_add(&everywhere);
	tally_percpu_add(&everywhere);
}

// The linker may drop these: nobody calls them.
void unused_step();
void unused_step()
{
	tally_percpu_add(&everywhere);
}

void other_file();

#if defined(SECOND)
void other_file()
{
	worker<int>::step();
	worker<char>::step();
	two_steps();
}
#else
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>

struct tally_percpu everywhere = TALLY_PERCPU_INITIALISER;

enum { TRAP_FLAG = 0x100, RESTARTS = 3, STEPS = 100000 };
static volatile std::sig_atomic_t restarted, steps;

static void start_stepping(int, siginfo_t *, void *context)
{
	static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

// After each instruction. Where the kernel has just restarted a sequence, the C library's signature stands before the next instruction.
static void step(int, siginfo_t *, void *context)
{
	greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
	unsigned signature;
	std::memcpy(&signature, reinterpret_cast<const char *>(registers[REG_RIP]) - sizeof signature, sizeof signature);
	restarted = restarted + (signature == RSEQ_SIG);
	steps = steps + 1;
	if (restarted == RESTARTS || steps == STEPS)
		registers[REG_EFL] &= ~static_cast<greg_t>(TRAP_FLAG);
}

static uint64_t (*value)();

static void check(const char *name, void (*counts)(), uint64_t how_many)
{
	uint64_t before = value();
	restarted = steps = 0;
	raise(SIGUSR1);
	counts();
	uint64_t counted = value() - before;
	if (restarted == RESTARTS && counted == how_many && everywhere.elsewhere == 0)
		return;
	std::printf("%s: restarted %d times in %d steps, counted %llu, %llu elsewhere\n", name, static_cast<int>(restarted),
		static_cast<int>(steps), static_cast<unsigned long long>(counted),
		static_cast<unsigned long long>(everywhere.elsewhere));
	std::exit(1);
}

static void step_from_now_on()
{
	struct sigaction on_start, on_step;
	std::memset(&on_start, 0, sizeof on_start);
	on_start.sa_flags = SA_SIGINFO;
	on_step = on_start;
	on_start.sa_sigaction = start_stepping;
	on_step.sa_sigaction = step;
	if (sigaction(SIGUSR1, &on_start, NULL) != 0 || sigaction(SIGTRAP, &on_step, NULL) != 0)
		std::exit(2);
}

#if defined(COUNTER)
// Not the header's but counter/80_percpu.c's, in C: the implementation counts, and is looked at through the same eyes.
#include "counter/counter.h"

extern "C" const struct counter_implementation counter_percpu;
static struct counter *counter;

static void in_the_counter()
{
	counter_percpu.increment(counter, NULL);
}

int main()
{
	counter = static_cast<struct counter *>(std::calloc(1, counter_percpu.counter_bytes));
	if (!counter || counter_percpu.open(counter) != 0)
		return 77;
	value = [] { return counter_percpu.value(counter); };
	step_from_now_on();
	check("in the counter", in_the_counter, 1);
	counter_percpu.close(counter);
	std::free(counter);
	return 0;
}
#else
static void in_this_function()
{
	tally_percpu_add(&everywhere);
}

int main()
{
	if (tally_percpu_open(&everywhere) != 0)
		return 77;
	value = [] { return tally_percpu_value(&everywhere); };
	step_from_now_on();
	check("in a function of this file", in_this_function, 1);
	check("in a template's function", worker<int>::step, 1);
	check("in an inline function, twice", two_steps, 2);
	check("in the other file", other_file, 4);
	tally_percpu_close(&everywhere);
	return 0;
}
#endif
#endif
