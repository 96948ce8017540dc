/* SPDX-License-Identifier: MIT */
/* Children: whatever they do, the parent gets an answer and leaves nothing behind. */
#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "test_child.h"

static struct child_result run(const char *script, struct child_options options)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	struct child_result result;
	options.argv = argv;
	assert_int_equal(child_run(&options, &result), 0);
	return result;
}

static void captures_both_streams_and_the_status(void **state)
{
	(void)state;
	struct child_result result = run("echo out; echo err >&2; exit 7", (struct child_options){0});
	assert_string_equal(result.out, "out\n");
	assert_string_equal(result.err, "err\n");
	assert_int_equal(WEXITSTATUS(result.status), 7);
	child_free(&result);
}

static bool hear(void *arg, const char *line)
{
	char *heard = arg;
	if (strncmp(line, "progress ", 9) != 0)
		return false;
	snprintf(heard + strlen(heard), 64 - strlen(heard), "%s,", line + 9);
	return true;
}

/* Lines that the listener takes are gone, whatever arrives with them or in between; all else is kept. */
static void a_listener_takes_its_lines(void **state)
{
	(void)state;
	char heard[64] = "";
	struct child_result result =
		run("printf 'progress 1\\nprogress 2\\nerror: '; echo progress 3; echo progress 4; printf 'progress 5'; exec >&-",
			(struct child_options){.heard = hear, .heard_arg = heard});
	assert_string_equal(heard, "");
	child_free(&result);
	result = run("{ printf 'progress 1\\nprogress 2\\nerror: '; echo one; echo progress 3; printf 'progress 4'; } >&2",
		(struct child_options){.heard = hear, .heard_arg = heard});
	assert_string_equal(heard, "1,2,3,");
	assert_string_equal(result.err, "error: one\nprogress 4");
	child_free(&result);
}

static void a_missing_program_is_an_error(void **state)
{
	(void)state;
	char *const argv[] = {(char *)"/nonexistent/program", NULL};
	struct child_result result;
	assert_int_equal(child_run(&(struct child_options){.argv = argv}, &result), ENOENT);
	assert_null(result.out);
}

/* The process whose number was printed must end: an orphan that nobody has reaped yet counts as ended. */
static void assert_ends(const char *printed)
{
	pid_t pid = (pid_t)atoi(printed);
	assert_true(pid > 0);
	for (int i = 0; i < 500 && kill(pid, 0) == 0; i++) {
		char path[64], line[256] = "";
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		FILE *file = fopen(path, "r");
		bool ended = !file || !fgets(line, sizeof line, file) || strstr(line, ") Z");
		if (file)
			fclose(file);
		if (ended)
			return;
		usleep(10000);
	}
	assert_int_equal(kill(pid, 0), -1);
}

static void a_hang_ends_with_its_whole_group(void **state)
{
	(void)state;
	struct child_result result = run("sleep 1000 & echo $!; sleep 1000", (struct child_options){.timeout_s = 0.3});
	assert_true(result.timed_out);
	assert_ends(result.out);
	child_free(&result);
}

static void a_crash_is_told_from_an_exit(void **state)
{
	(void)state;
	struct child_result result = run("kill -SEGV $$", (struct child_options){0});
	assert_true(WIFSIGNALED(result.status));
	assert_int_equal(WTERMSIG(result.status), SIGSEGV);
	child_free(&result);
}

static void endless_output_is_cut_and_does_not_block(void **state)
{
	(void)state;
	struct child_result result = run("head -c 1000000 /dev/zero | tr '\\0' x", (struct child_options){.output_max = 1000});
	assert_int_equal(result.out_length, 1000);
	assert_int_equal(WEXITSTATUS(result.status), 0);
	child_free(&result);
}

static void what_stays_behind_does_not_hold_us(void **state)
{
	(void)state;
	struct child_result result = run("sleep 1000 & echo $!; exit 0", (struct child_options){.timeout_s = 60});
	assert_false(result.timed_out);
	assert_ends(result.out);
	child_free(&result);
}

static void environment_and_fixed_addresses_arrive(void **state)
{
	(void)state;
	char *const settings[] = {(char *)"ONCEPROOF_TEST=yes", NULL};
	struct child_result result = run("echo $ONCEPROOF_TEST; cat /proc/self/personality",
		(struct child_options){.environment = settings, .fixed_addresses = true});
	/* Where the system refuses, the child says so and runs all the same. */
	if (result.addresses_kept)
		assert_true(strncmp(result.out, "yes\n", 4) == 0);
	else
		assert_string_equal(result.out, "yes\n00040000\n");
	child_free(&result);
}

static void raise_interrupt(int number)
{
	(void)number;
	raise(SIGTERM);
}

/* Contained children ----------------------------------------------------------------------------------------------------------------- */

static const char *self; /* this program, which is also the hostile one: its first argument says how */
static bool spaces;      /* namespaces are to be had here */

/* A process with the word NAME among its arguments, outside of any namespace. */
static bool runs(const char *name)
{
	bool found = false;
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc && (entry = readdir(proc)) != NULL;) {
		char path[300], text[4096];
		snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
		FILE *file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
		size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
		if (file)
			fclose(file);
		text[length] = '\0';
		for (size_t at = 0; at < length && atoi(entry->d_name) != getpid(); at += strlen(text + at) + 1)
			found |= strcmp(text + at, name) == 0;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* A word that only the processes of one case carry. */
static const char *marker(void)
{
	static char word[64];
	static int number;
	snprintf(word, sizeof word, "case-%d-%d", (int)getpid(), number++);
	return word;
}

static struct child_limits usual(void)
{
	return (struct child_limits){.memory_bytes = (uint64_t)1 << 30,
		.processes = 200,
		.file_bytes = 64 << 20,
		.output_bytes = 64 << 20,
		.contain = true};
}

/* Runs this program as the hostile one. It must leave nothing behind. */
static struct child_result hostile_with(
	const char *how, const struct child_limits *limits, const char *argument, const char *folder)
{
	const char *word = marker();
	char *const argv[] = {(char *)self, (char *)"--hostile", (char *)how, (char *)word, (char *)argument, NULL};
	struct child_result result;
	const struct child_options options = {
		.argv = argv, .timeout_s = 60, .output_max = 4096, .limits = limits, .folder = folder};
	assert_int_equal(child_run(&options, &result), 0);
	for (int i = 0; i < 500 && runs(word); i++)
		usleep(10000);
	assert_false(runs(word));
	return result;
}

static struct child_result hostile(const char *how)
{
	const struct child_limits limits = usual();
	return hostile_with(how, &limits, NULL, NULL);
}

static void assert_well(struct child_result *result)
{
	if (result->status != 0 || result->stopped || result->timed_out)
		print_error("status %x, stopped by %s, %s\n%s%s", (unsigned)result->status, result->stopped, result->contained,
			result->out, result->err);
	assert_int_equal(result->status, 0);
	assert_null(result->stopped);
	assert_false(result->timed_out);
	child_free(result);
}

static void assert_stopped(struct child_result result, const char *by)
{
	if (!result.stopped)
		print_error("status %x, not stopped by %s, %s\n%s%s", (unsigned)result.status, by, result.contained, result.out,
			result.err);
	assert_non_null(result.stopped);
	assert_string_equal(result.stopped, by);
	assert_true(WIFSIGNALED(result.status));
	child_free(&result);
}

static void containment_is_complete_or_says_what_it_lacks(void **state)
{
	(void)state;
	struct child_result result = hostile("nothing");
	spaces = !result.contained;
	print_message("contained: %s\n", result.contained ? result.contained : "in namespaces of its own");
	assert_well(&result);
}

/* It sees the files, may change them, and nothing of that lasts. */
static void changes_to_files_do_not_last(void **state)
{
	(void)state;
	char folder[] = "/tmp/onceproof test.XXXXXX", path[64], text[8] = "";
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/kept", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("kept", file);
	fclose(file);
	const struct child_limits limits = usual();
	struct child_result result = hostile_with("remove", &limits, folder, folder);
	bool can_write = !result.contained || !strstr(result.contained, "cannot write");
	if (!result.contained || !strstr(result.contained, "files last")) {
		assert_int_equal(WEXITSTATUS(result.status), can_write ? 0 : 3);
		file = fopen(path, "r");
		assert_non_null(file);
		assert_int_equal(fread(text, 1, sizeof text, file), 4);
		assert_string_equal(text, "kept");
		fclose(file);
	}
	child_free(&result);
	unlink(path);
	rmdir(folder);
}

static void nobody_else_is_signalled(void **state)
{
	(void)state;
	/* Harmless where it gets through: this process is asked whether it is there. */
	struct child_result result = hostile("reach");
	assert_well(&result);
	if (!spaces)
		skip();
	for (const char *const *how =
			(const char *const[]){"kill-parent", "stop-parent", "kill-all", "kill-group", "trace-parent", NULL};
		*how; how++) {
		result = hostile(*how);
		assert_false(result.timed_out);
		assert_false(WIFEXITED(result.status) && WEXITSTATUS(result.status) == 77);
		child_free(&result);
	}
}

static void memory_is_limited(void **state)
{
	(void)state;
	struct child_limits limits = usual();
	limits.memory_bytes = 64 << 20;
	assert_stopped(hostile_with("memory", &limits, NULL, NULL), "memory");
	assert_stopped(hostile_with("memory-of-many", &limits, NULL, NULL), "memory");
	if (spaces)
		assert_stopped(hostile_with("memory-in-files", &limits, NULL, NULL), "memory");
	/* What many share counts once. */
	limits.memory_bytes = 256 << 20;
	struct child_result result = hostile_with("shared", &limits, NULL, NULL);
	assert_well(&result);
}

static void processes_are_limited(void **state)
{
	(void)state;
	struct child_limits limits = usual();
	limits.processes = 50;
	assert_stopped(hostile_with("bomb", &limits, NULL, NULL), "processes");
	assert_stopped(hostile_with("threads", &limits, NULL, NULL), "processes");
}

static void output_is_limited(void **state)
{
	(void)state;
	struct child_result result = hostile("output");
	assert_int_equal(result.out_length, 4096);
	assert_stopped(result, "output");
}

static void files_and_time_are_limited(void **state)
{
	(void)state;
	struct child_limits limits = usual();
	struct child_result result = hostile_with("file", &limits, "/dev/shm/onceproof-test-child", NULL);
	assert_stopped(result, "size of a file");
	unlink("/dev/shm/onceproof-test-child");
	limits.cpu_s = 0.1;
	assert_stopped(hostile_with("loop", &limits, NULL, NULL), "time of the processor");
	char *const argv[] = {(char *)self, (char *)"--hostile", (char *)"stubborn", (char *)marker(), NULL};
	limits = usual();
	assert_int_equal(child_run(&(struct child_options){.argv = argv, .timeout_s = 0.3, .limits = &limits}, &result), 0);
	assert_true(result.timed_out);
	assert_false(runs(argv[3]));
	child_free(&result);
}

/* Those who left the group and hold the pipes are gone with the call. */
static void daemons_are_gone(void **state)
{
	(void)state;
	struct child_result result = hostile("daemon");
	assert_string_equal(result.out, "started\n");
	assert_well(&result);
	result = hostile("close-all");
	assert_well(&result);
}

static void nothing_is_left_in_the_system(void **state)
{
	(void)state;
	char name[64];
	snprintf(name, sizeof name, "/onceproof-test-%d", (int)getpid());
	const struct child_limits limits = usual();
	struct child_result result = hostile_with("objects", &limits, name, NULL);
	if (spaces) {
		char path[80];
		int key = atoi(result.out);
		snprintf(path, sizeof path, "/dev/shm%s", name);
		assert_int_equal(access(path, F_OK), -1);
		snprintf(path, sizeof path, "/dev/shm/sem.%s", name + 1);
		assert_int_equal(access(path, F_OK), -1);
		assert_int_equal(shmget(key, 0, 0), -1);
	}
	assert_well(&result);
	shm_unlink(name);
	sem_unlink(name);
}

static void programs_find_what_they_need(void **state)
{
	(void)state;
	for (const char *const *how = (const char *const[]){"loopback", "places", "terminal", NULL}; *how; how++) {
		struct child_result result = hostile(*how);
		if (result.contained && strstr(result.contained, "cannot write") && strcmp(*how, "places") == 0)
			child_free(&result);
		else
			assert_well(&result);
	}
}

static void surroundings_do_not_blind_it(void **state)
{
	(void)state;
	setenv("TSAN_OPTIONS", "report_bugs=0", 1);
	setenv("VALGRIND_OPTS", "--error-exitcode=0", 1);
	char *const argv[] = {(char *)"/usr/bin/env", NULL};
	char *const settings[] = {(char *)"TSAN_OPTIONS=own=1", NULL};
	const struct child_limits limits = usual();
	struct child_result result;
	assert_int_equal(
		child_run(&(struct child_options){.argv = argv, .environment = settings, .limits = &limits}, &result), 0);
	assert_non_null(strstr(result.out, "TSAN_OPTIONS=own=1\n"));
	assert_null(strstr(result.out, "report_bugs"));
	assert_null(strstr(result.out, "VALGRIND_OPTS"));
	assert_well(&result);
	unsetenv("TSAN_OPTIONS");
	unsetenv("VALGRIND_OPTS");
}

/* Killed itself, the parent takes all with it. */
static void nothing_outlives_a_killed_parent(void **state)
{
	(void)state;
	const char *word = marker();
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char *const argv[] = {(char *)self, (char *)"--hostile", (char *)"stubborn", (char *)word, NULL};
		const struct child_limits limits = usual();
		struct child_result result;
		child_run(&(struct child_options){.argv = argv, .timeout_s = 60, .limits = &limits}, &result);
		_exit(0);
	}
	for (int i = 0; i < 1000 && !runs(word); i++)
		usleep(10000);
	assert_true(runs(word));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 1000 && runs(word); i++)
		usleep(10000);
	assert_false(runs(word));
}

static void an_interrupt_lets_it_end_in_order(void **state)
{
	(void)state;
	char *const argv[] = {(char *)self, (char *)"--hostile", (char *)"polite", (char *)marker(), NULL};
	const struct child_limits limits = usual();
	struct child_result result;
	struct itimerval soon = {.it_value = {.tv_usec = 300000}};
	child_catch_interrupts();
	signal(SIGALRM, raise_interrupt);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(
		child_run(&(struct child_options){.argv = argv, .timeout_s = 60, .grace_s = 30, .limits = &limits}, &result), 0);
	assert_true(result.interrupted);
	assert_string_equal(result.out, "ends in order\n");
	child_free(&result);
	child_interrupted = 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_both_streams_and_the_status),
		cmocka_unit_test(a_listener_takes_its_lines),
		cmocka_unit_test(a_missing_program_is_an_error),
		cmocka_unit_test(a_hang_ends_with_its_whole_group),
		cmocka_unit_test(a_crash_is_told_from_an_exit),
		cmocka_unit_test(endless_output_is_cut_and_does_not_block),
		cmocka_unit_test(what_stays_behind_does_not_hold_us),
		cmocka_unit_test(environment_and_fixed_addresses_arrive),
	};
	const struct CMUnitTest contained[] = {
		cmocka_unit_test(containment_is_complete_or_says_what_it_lacks),
		cmocka_unit_test(changes_to_files_do_not_last),
		cmocka_unit_test(nobody_else_is_signalled),
		cmocka_unit_test(memory_is_limited),
		cmocka_unit_test(processes_are_limited),
		cmocka_unit_test(output_is_limited),
		cmocka_unit_test(files_and_time_are_limited),
		cmocka_unit_test(daemons_are_gone),
		cmocka_unit_test(nothing_is_left_in_the_system),
		cmocka_unit_test(programs_find_what_they_need),
		cmocka_unit_test(surroundings_do_not_blind_it),
		cmocka_unit_test(nothing_outlives_a_killed_parent),
		cmocka_unit_test(an_interrupt_lets_it_end_in_order),
	};
	if (argc > 3 && strcmp(argv[1], "--hostile") == 0)
		return hostile_main(argv[2], argv[4]);
	self = realpath("/proc/self/exe", NULL);
	/* Each in a process of its own, which can never have namespaces again. */
	const char *const refusals[] = {"--refused", "--refused-landlock"};
	for (size_t i = 0; i < 2 && argc > 1; i++)
		if (strcmp(argv[1], refusals[i]) == 0)
			return refuse_namespaces(i == 0) ? cmocka_run_group_tests_name(refusals[i], contained, NULL, NULL) : 0;
	int failed = cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests_name("contained", contained, NULL, NULL);
	fflush(NULL);
	for (size_t i = 0; i < 2; i++) {
		char *const again[] = {argv[0], (char *)refusals[i], NULL};
		pid_t pid = fork();
		if (pid == 0)
			execv(argv[0], again);
		int status = 1;
		failed += pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
	}
	return failed != 0;
}
