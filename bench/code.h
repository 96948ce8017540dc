/* SPDX-License-Identifier: MIT */
/* How much code an operation is: by the symbol table of the file that it was linked into, and by running it one instruction at a time. */
#ifndef ONCEPROOF_BENCH_CODE_H
#define ONCEPROOF_BENCH_CODE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench
{

/* What the linker put there for one source file. Functions and variables that the file shares with others (templates, inline functions)
 * are not counted: they have no place of their own. */
struct file_sizes {
	bool known = false;
	std::string file;            /* "40_atomic.c"; empty: the function is global, and alone is counted */
	uint64_t code_bytes = 0;     /* all functions but the measured loops */
	uint64_t static_bytes = 0;   /* variables with static storage that can be written */
	uint64_t thread_bytes = 0;   /* thread-local variables */
	uint64_t function_bytes = 0; /* the function asked for, without parts that the compiler moved away as cold */
};

/* Sizes of the source file that FUNCTION, an address of code in this process, came from. Unknown where the file that it was linked into
 * has no symbol table (stripped). */
file_sizes sizes_of_file(const void *function);

/* The instructions that one call executes, in user space. */
struct code_path {
	uint64_t instructions = 0; /* 0: not known */
	uint64_t own_bytes = 0;    /* of different instructions of the file's own code, by the addresses given to walk() */
	uint64_t all_bytes = 0;    /* of all different instructions, in libraries too */
};

/* Runs CALL, which calls the function at ENTRY, and watches it from there until it returns, with the processor's trap flag: x86-64 alone.
 * Not known elsewhere, under a debugger or an emulator that does not trap, and for restartable sequences, which no trap lets finish. A call
 * must not start threads, and the process must not be using SIGTRAP. One thread at a time. */
code_path walk(const void *entry, const std::function<void()> &call);

} // namespace bench
#endif
