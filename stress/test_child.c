/* SPDX-License-Identifier: MIT */
/* Children: whatever they do, the parent gets an answer and leaves nothing behind. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"

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

int main(void)
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
	return cmocka_run_group_tests(tests, NULL, NULL);
}
