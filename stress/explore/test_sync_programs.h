/* SPDX-License-Identifier: MIT */
/* Programs of test_sync.c: explored code, one function each. A program gives its statics their first values itself. */
#ifndef ONCEPROOF_EXPLORE_TEST_SYNC_PROGRAMS_H
#define ONCEPROOF_EXPLORE_TEST_SYNC_PROGRAMS_H

#include "suite/suite.h"

struct sync_program {
	const char *name;
	void (*body)(void);
	unsigned sees;     /* bits: what must be seen in some execution, and nothing else */
	const char *finds; /* part of the message of the one finding; NULL: there is none */
	enum finding_kind kind;
	bool spurious; /* with spurious wake-ups */
	bool endless;  /* not to be explored exhaustively */
};

struct sync_programs {
	const char *name;
	const struct sync_program *programs;
	unsigned count;
};
extern const struct sync_programs sync_locks, sync_waits, sync_threads, sync_jumping, sync_unwinding;
#define SYNC_PROGRAMS(NAME, TABLE) const struct sync_programs sync_##NAME = {#NAME, TABLE, sizeof TABLE / sizeof *TABLE}

/* What the handlers of both compilations of test_sync_unwinding.c did. */
extern char sync_both[16];
extern unsigned sync_both_length;

/* Made by the host. */
extern pthread_key_t sync_host_key;

/* Something can happen: bit BIT of what is seen. The host remembers. */
void sees(unsigned bit);

/* Starts FUNCTION(NULL) in a thread. */
static inline pthread_t started(void *(*function)(void *))
{
	pthread_t thread;
	must(!pthread_create(&thread, NULL, function, NULL));
	return thread;
}

#endif
