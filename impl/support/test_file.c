/* SPDX-License-Identifier: MIT */
/* Files that are whole or not there: rights, links, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static char directory[] = "file-test-XXXXXX";

static void put(const char *path, const char *text)
{
	struct draft draft;
	assert_int_equal(draft_open(&draft, path), 0);
	assert_true(fputs(text, draft.stream) >= 0);
	assert_int_equal(draft_commit(&draft), 0);
}

static void expect(const char *path, const char *text)
{
	char got[64] = "";
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	got[fread(got, 1, sizeof got - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

static unsigned entries(void)
{
	unsigned count = 0;
	DIR *dir = opendir(".");
	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void a_draft_replaces_or_leaves(void **state)
{
	(void)state;
	unsigned before = entries();
	put("plain", "one");
	struct draft draft;
	assert_int_equal(draft_open(&draft, "plain"), 0);
	fputs("never", draft.stream);
	expect("plain", "one");
	draft_abandon(&draft);
	expect("plain", "one");
	put("plain", "two");
	expect("plain", "two");
	assert_int_equal(entries(), before + 1);
	assert_int_equal(draft_open(&draft, "nowhere/plain"), ENOENT);
	assert_int_equal(entries(), before + 1);
}

static void a_link_stays_one(void **state)
{
	(void)state;
	struct stat info;
	assert_int_equal(mkdir("deep", 0777), 0);
	put("deep/there", "old");
	assert_int_equal(symlink("deep/there", "to-file"), 0);
	assert_int_equal(symlink("deep/not-yet", "to-nothing"), 0);
	assert_int_equal(symlink("../to-nothing", "deep/to-link"), 0);
	assert_int_equal(symlink("gone/not-yet", "to-no-directory"), 0);
	assert_int_equal(symlink("round", "round"), 0);
	put("to-file", "new");
	expect("deep/there", "new");
	put("to-nothing", "made");
	expect("deep/not-yet", "made");
	assert_int_equal(unlink("deep/not-yet"), 0);
	put("deep/to-link", "far");
	expect("deep/not-yet", "far");
	static const char *const links[] = {"to-file", "to-nothing", "deep/to-link"};
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		assert_int_equal(lstat(links[i], &info), 0);
		assert_true(S_ISLNK(info.st_mode));
	}
	struct draft draft;
	assert_int_equal(draft_open(&draft, "to-no-directory"), ENOENT);
	assert_int_equal(draft_open(&draft, "round"), ELOOP);
}

static atomic_bool over;

/* Makes files of the widest rights, as any other part of a program may; one that came out wider than the umask gives it away. */
static void *make_files(void *arg)
{
	uintptr_t wide = 0;
	(void)arg;
	while (!atomic_load_explicit(&over, memory_order_relaxed)) { /* relaxed: a request to end */
		struct stat info;
		int fd = open("other", O_WRONLY | O_CREAT | O_EXCL, 0666);
		wide += fstat(fd, &info) != 0 || (info.st_mode & 0777) != 0640;
		close(fd);
		unlink("other");
	}
	return (void *)wide;
}

/* The rights are those of any new file, and nobody else's files get others meanwhile. */
static void rights_follow_the_umask(void **state)
{
	(void)state;
	struct stat info;
	mode_t before = umask(027);
	pthread_t other;
	assert_int_equal(pthread_create(&other, NULL, make_files, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		struct draft draft;
		assert_int_equal(draft_open(&draft, "mine"), 0);
		draft_abandon(&draft);
	}
	atomic_store_explicit(&over, true, memory_order_relaxed); /* relaxed: as above */
	void *wide;
	pthread_join(other, &wide);
	assert_int_equal((uintptr_t)wide, 0);
	put("mine", "text");
	assert_int_equal(stat("mine", &info), 0);
	assert_int_equal(info.st_mode & 0777, 0640);
	umask(before);
}

static void what_cannot_be_renamed_is_written_directly(void **state)
{
	(void)state;
	struct draft draft;
	assert_int_equal(draft_open(&draft, "/dev/null"), 0);
	assert_int_equal(draft.aside[0], '\0');
	assert_int_equal(draft_commit(&draft), 0);
}

static int enter(void **state)
{
	(void)state;
	return mkdtemp(directory) ? chdir(directory) : -1;
}

static int leave(void **state)
{
	(void)state;
	static const char *const made[] = {"plain", "mine", "deep/there", "deep/not-yet", "deep/to-link", "to-file", "to-nothing",
		"to-no-directory", "round"};
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		unlink(made[i]);
	return rmdir("deep") || chdir("..") ? -1 : rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_draft_replaces_or_leaves),
		cmocka_unit_test(a_link_stays_one),
		cmocka_unit_test(rights_follow_the_umask),
		cmocka_unit_test(what_cannot_be_renamed_is_written_directly),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
