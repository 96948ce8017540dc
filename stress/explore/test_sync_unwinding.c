/* SPDX-License-Identifier: MIT */
/* Cleanup handlers; compiled twice, with -fexceptions and without, because pthread_cleanup_push() differs. */
#include <string.h>

#include "test_sync_programs.h"

static int log_length;
static char entries[16];
static pthread_key_t key;

static void note(void *what)
{
	entries[log_length++] = *(const char *)what;
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

static void handlers_are_popped(void)
{
	begin();
	pthread_key_create(&key, note);
	outer(NULL);
	must(!strcmp(entries, "bbc"));
}

static void exit_again(void *result)
{
	note((void *)"x");
	pthread_exit(result);
}

static void *exit_in_handler(void *arg)
{
	pthread_cleanup_push(note, (void *)"a");
	pthread_cleanup_push(exit_again, arg);
	pthread_exit(NULL);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void handler_may_exit_too(void)
{
	pthread_t thread;
	void *result;
	begin();
	pthread_create(&thread, NULL, exit_in_handler, &key);
	must(!pthread_join(thread, &result) && result == &key);
	must(!strcmp(entries, "xa"));
}

static void *cancelled(void *arg)
{
	(void)arg;
	pthread_cleanup_push(note, (void *)"a");
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
	{UNWINDING_NAME "handlers_are_popped", handlers_are_popped, 0, NULL, 0, false, false},
	{UNWINDING_NAME "handler_may_exit_too", handler_may_exit_too, 0, NULL, 0, false, false},
	{UNWINDING_NAME "handlers_run_on_cancellation", handlers_run_on_cancellation, 0, NULL, 0, false, false},
};
const struct sync_programs UNWINDING = {"unwinding", programs, sizeof programs / sizeof *programs};
