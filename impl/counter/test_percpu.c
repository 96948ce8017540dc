/* SPDX-License-Identifier: MIT */
/* counter/percpu and counter/tally_percpu: what the registry-wide test cannot see, namely that the kernel really restarts an interrupted
 * increment. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_counter.h"

static int open_percpu(struct fixture *f, const char *name)
{
	fixture_make(f, counter_of(registry_find(FAMILY_COUNTER, name)));
	return f->it->open(f->c);
}

/* The state is the counter's name. */
static void refuses_without_rseq(void **state)
{
	char program[] = "/proc/self/exe", *argument = *state, tunables[] = "GLIBC_TUNABLES=glibc.pthread.rseq=0";
	char *argv[] = {program, argument, NULL}, *environment[] = {tunables, NULL};
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execve(program, argv, environment);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENOSYS);
}

#if defined(__x86_64__) && __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#include <ucontext.h>

enum { TRAP_FLAG = 0x100, RESTARTS = 5, STEPS = 100000 };

/* The linker names the bounds of a section whose name is a C identifier. */
extern const struct rseq_cs __start___rseq_cs[], __stop___rseq_cs[];

static volatile sig_atomic_t inside, restarted, steps;

static void start_stepping(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

/* After each instruction. A thread that a signal meets inside a sequence is sent to the abort handler before this looks at it. So a
 * sequence that is stepped through starts again for ever; after some restarts it is let go. */
static void step(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	(void)info;
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t ip = (uint64_t)registers[REG_RIP];
	for (const struct rseq_cs *cs = __start___rseq_cs; cs < __stop___rseq_cs; cs++) {
		inside += ip - cs->start_ip < cs->post_commit_offset;
		restarted += ip == cs->abort_ip;
	}
	if (restarted == RESTARTS || inside || ++steps == STEPS)
		registers[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

static void restarts_an_interrupted_increment(void **state)
{
	struct fixture f;
	int why = open_percpu(&f, *state);
	inside = restarted = steps = 0;
	if (why == ENOSYS)
		skip();
	assert_int_equal(why, 0);
	struct sigaction on_start = {.sa_sigaction = start_stepping, .sa_flags = SA_SIGINFO};
	struct sigaction on_step = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
	assert_int_equal(sigaction(SIGUSR1, &on_start, NULL), 0);
	assert_int_equal(sigaction(SIGTRAP, &on_step, NULL), 0);
	raise(SIGUSR1);
	count(&f, 0);
	assert_int_equal(inside, 0);
	assert_int_equal(restarted, RESTARTS);
	check_equal(&f, f.it->value(f.c), 1);
	f.it->close(f.c);
	fixture_free(&f);
}
#else
static void restarts_an_interrupted_increment(void **state)
{
	(void)state;
	skip();
}
#endif

int main(int argc, char **argv)
{
	struct fixture f;
	if (argc == 2)
		_exit(open_percpu(&f, argv[1])); /* the answer is all: nothing is tidied up */
	static char percpu[] = "percpu", tally_percpu[] = "tally_percpu";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(refuses_without_rseq, percpu),
		cmocka_unit_test_prestate(refuses_without_rseq, tally_percpu),
		cmocka_unit_test_prestate(restarts_an_interrupted_increment, percpu),
		cmocka_unit_test_prestate(restarts_an_interrupted_increment, tally_percpu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
