/* SPDX-License-Identifier: MIT */
/* Cleanup handlers; compiled twice, with -fexceptions and without, because pthread_cleanup_push() differs. */
#include <string.h>
#include <unistd.h>

#include "test_sync_programs.h"

static int log_length;
static char entries[16];
static pthread_key_t key;

static void note(void *what)
{
	entries[log_length++ % 16] = *(const char *)what;
	sync_both[sync_both_length++ % 16] = *(const char *)what;
}

static void begin(void)
{
	log_length = 0;
	memset(entries, 0, sizeof entries);
}

__attribute__((noinline)) static void inner(void *how)
{
	pthread_cleanup_push(note, (void *)"a");
	pthread_cleanup_push(note, (void *)"b");
	if (how)
		pthread_exit(how);
	pthread_cleanup_pop(1);
	pthread_cleanup_pop(0);
}

void INNER(void *how);
void INNER(void *how)
{
	inner(how);
}

void OTHER_INNER(void *how);

static void *outer_of_both_kinds(void *how)
{
	pthread_cleanup_push(note, (void *)"c");
	OTHER_INNER(how);
	pthread_cleanup_pop(1);
	return how;
}

static void *outer(void *how)
{
	pthread_setspecific(key, "k");
	pthread_cleanup_push(note, (void *)"c");
	inner(NULL);
	inner(how);
	pthread_cleanup_pop(1);
	return how;
}

static void handlers_run_innermost_first(void)
{
	pthread_t thread;
	void *result;
	begin();
	pthread_key_create(&key, note);
	pthread_create(&thread, NULL, outer, &key);
	must(!pthread_join(thread, &result) && result == &key);
	must(!strcmp(entries, "bback"));
}

/* A handler of one kind outside, two of the other inside, which write to their own file's entries. */
static void handlers_of_both_kinds(void)
{
	pthread_t thread;
	begin();
	sync_both_length = 0;
	pthread_create(&thread, NULL, outer_of_both_kinds, &key);
	pthread_join(thread, NULL);
	must(sync_both_length == 3 && sync_both[0] == 'b' && sync_both[1] == 'a' && sync_both[2] == 'c');
}

static void handlers_are_popped(void)
{
	begin();
	pthread_key_create(&key, note);
	outer(NULL);
	must(!strcmp(entries, "bbc"));
}

/* The way out is not left again at a cancellation point. */
static void note_slowly(void *what)
{
	pthread_testcancel();
	usleep(1);
	note(what);
}

static void *cancelled(void *arg)
{
	(void)arg;
	pthread_cleanup_push(note_slowly, (void *)"a");
	pthread_cancel(pthread_self());
	pthread_testcancel();
	pthread_cleanup_pop(0);
	return NULL;
}

static void handlers_run_on_cancellation(void)
{
	void *result;
	begin();
	must(!pthread_join(started(cancelled), &result) && result == PTHREAD_CANCELED);
	must(!strcmp(entries, "a"));
}

static const struct sync_program programs[] = {
	{UNWINDING_NAME "handlers_run_innermost_first", handlers_run_innermost_first, 0, NULL, 0, false, false},
	{UNWINDING_NAME "handlers_of_both_kinds", handlers_of_both_kinds, 0, NULL, 0, false, false},
	{UNWINDING_NAME "handlers_are_popped", handlers_are_popped, 0, NULL, 0, false, false},
	{UNWINDING_NAME "handlers_run_on_cancellation", handlers_run_on_cancellation, 0, NULL, 0, false, false},
};
const struct sync_programs UNWINDING = {"unwinding", programs, sizeof programs / sizeof *programs};
