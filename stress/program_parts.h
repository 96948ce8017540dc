/* SPDX-License-Identifier: MIT */
/* What the parts of program_build share: lists of words, flags, assembly, the object file. */
#ifndef ONCEPROOF_PROGRAM_PARTS_H
#define ONCEPROOF_PROGRAM_PARTS_H

#include <stdbool.h>
#include <stddef.h>

/* A list of owned strings, NULL-terminated for exec. Out of memory ends the process with a message. */
struct words {
	char **at;
	size_t count, room;
};
void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_append(struct words *to, const struct words *from);
bool words_have(const struct words *words, const char *word);
void words_free(struct words *words);

/* A compiler and what it says of itself. */
struct program_compiler {
	struct words words; /* its command line so far */
	bool clang;
	char name[64]; /* "gcc 12.2.0" */
};
/* NAMED, or else CC (for C++ CXX, or CC's C++ side), or else the compiler that built onceproof. 0, or EXIT_USAGE after a complaint. */
int program_compiler(const char *named, bool cxx, struct program_compiler *out);

/* Is FILE C++, by its name? */
bool program_is_cxx(const char *file);
/* 0, or EXIT_USAGE after a complaint: a language that is not known, a file that cannot be read. */
int program_check_file(const char *file);

/* Adds the options by which FILE finds <onceproof.h>, and an implementation its family's headers, in the folder libexec/onceproof HELPERS. */
void program_includes(const char *file, const char *helpers, struct words *words);

/* Adds FILE to a compiler's command line: as a file also where its name begins with '-'. */
void program_add_file(struct words *words, const char *file);

/* Runs a tool. SUBJECT and FAILED make the complaint: "a.c: does not compile"; the tool's own errors follow it. VERBOSITY 1 shows the
 * command. 0, or EXIT_USAGE. */
int program_tool(const struct words *words, const char *subject, const char *failed, int verbosity);
/* The same in FOLDER; NULL: the current one. */
int program_tool_in(const char *folder, const struct words *words, const char *subject, const char *failed, int verbosity);

/* The user's flags, told apart. */
struct program_flags {
	struct words compile, link;
	bool objects;         /* object files or archives are among them */
	char unexplored[160]; /* why the program can be run, but not explored: "FLAG: unsupported flag: …"; "": it can */
};
/* 0, or EXIT_USAGE after a complaint about a flag that cannot be explored. */
int program_flags(char *const *flags, size_t count, struct program_flags *out);

/* Looks through the assembly FROM of the C file SOURCE and writes it to TO with a report in front of each piece of inline assembly that
 * could matter: a call of explored_asm_N, whose names ("inline assembly at a.c:10 (mfence)") are added to NAMES; the first N is
 * NAMES->count as it was. Pieces outside of functions cannot report: they are added to NOTES. 0, or an errno value. */
int program_assembly(const char *from, const char *to, const char *source, struct words *names, struct words *notes);

/* What is in a relocatable object. */
struct program_object {
	struct words defined;      /* global names; local ones do not matter */
	struct words called;       /* undefined names that are called */
	struct words mentioned;    /* undefined names that are only read or pointed to */
	struct words weak;         /* those of both that may be missing */
	struct words data, bss;    /* sections of static data */
	struct words code;         /* sections of code */
	struct words begins, ends; /* tables of constructors and of destructors, in the order of the linker: by priority */
	bool instrumented;
	bool fences; /* atomic_thread_fence */
};
/* 0, or -1 with the reason in WHY. */
int program_object(const char *path, struct program_object *out, char *why, size_t bytes);
void program_object_free(struct program_object *object);

/* What a C++ program uses of libstdc++, joined with it. All pointers are borrowed. */
struct program_library {
	const char *folder;            /* of the build: own.o is there, whole.o will be */
	const char *helpers, *subject; /* SUBJECT: of complaints */
	const struct words *compiler;
	const struct program_object *own; /* what is in own.o */
	int verbosity;
};
/* How the calls of the library's functions are treated (explore/covered.txt): prefixes of names. */
struct program_covered {
	struct words fine, changes;
};
/* Reads the list among HELPERS. 0, or EXIT_USAGE after a complaint. */
int program_covered(const char *helpers, struct program_covered *out);
enum program_call { CALL_FINE, CALL_CHANGES, CALL_READS, CALL_WRAPPED, CALL_OTHER };
/* NAME of a function of C++: WRAPPED: explored_cxx_NAME stands in front of it (explore/cxx/plain/), READS: the object that is its first
 * argument, OTHER: not covered. */
enum program_call program_call(const struct program_covered *covered, const char *name);
/* WHOLE: what is in whole.o. 0, or EXIT_USAGE after a complaint. */
int program_library(const struct program_library *library, struct program_object *whole);

#endif
