/* SPDX-License-Identifier: MIT */
/* Programs of test_memory.c: explored code, one function each. A program gives its statics their first values itself. */
#ifndef ONCEPROOF_EXPLORE_TEST_MEMORY_PROGRAMS_H
#define ONCEPROOF_EXPLORE_TEST_MEMORY_PROGRAMS_H

#include "suite/suite.h"

struct memory_program {
	const char *name;
	void (*body)(void);
	unsigned sees;     /* bits: what must be seen in some execution, and nothing else; 0: not looked at */
	const char *finds; /* part of the message of a finding; NULL: there is none of any kind */
	enum finding_kind kind;
};
extern const struct memory_program memory_programs[];
extern const unsigned memory_program_count;

/* Something can happen: bit BIT of what is seen. The host remembers. */
void memory_sees(unsigned bit);

#endif
