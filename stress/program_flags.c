/* SPDX-License-Identifier: MIT */
/* The user's flags: which go to the compiler, which to the linker, and which cannot be explored. */
#include <stdio.h>
#include <string.h>

#include "../impl/support/say.h"
#include "program_build.h"
#include "program_parts.h"

/* Flags that contradict what is done here. A name that ends in '*' stands for all that begin so. */
struct refusal {
	const char *flag, *why;
};
static const struct refusal refused[] = {
	{"-c", "a whole program is needed"},
	{"-S", "a whole program is needed"},
	{"-E", "a whole program is needed"},
	{"-M", "a whole program is needed"},
	{"-MM", "a whole program is needed"},
	{"-r", "a whole program is needed"},
	{"-shared", "a whole program is needed"},
	{"-o*", "the program is built in a temporary folder; leave the flag out"},
	{"-x*", "the language of a file is told by its name: .c, .cc, .cpp, .cxx"},
	{"-fno-sanitize=all", "without instrumentation nothing can be explored"},
	{"-fno-sanitize=thread", "without instrumentation nothing can be explored"},
	{NULL, NULL},
};

/* Flags of programs that can be run, but not explored. */
static const struct refusal unexplored[] = {
	{"-static", "threads share the C library as they do in a dynamic program; leave the flag out"},
	{"-static-pie", "threads share the C library as they do in a dynamic program; leave the flag out"},
	{"-stdlib=libc++", "C++ programs are explored with libstdc++; leave the flag out"},
	{"-m32", "only x86-64 programs are explored"},
	{"-mx32", "only x86-64 programs are explored"},
	{"-fopenmp*", "the threads of OpenMP's library are not under the explorer's control"},
	{"-fopenacc*", "the threads of its library are not under the explorer's control"},
	{"-ftree-parallelize-loops*", "the threads of its library are not under the explorer's control"},
	{"-fsplit-stack", "explored threads have stacks of their own"},
	{"-fsanitize=*", "the explorer stands where a sanitizer's runtime would; leave the flag out"},
	{NULL, NULL},
};

/* Flags whose value is the next word. */
static const char *const with_value[] = {"-I", "-D", "-U", "-L", "-l", "-include", "-imacros", "-isystem", "-iquote",
	"-idirafter", "-Xlinker", "-Xpreprocessor", "-Xassembler", "-Xclang", "-mllvm", "-T", "-u", "-z", "--param", "-target",
	"-MF", "-MT", "-MQ", "-framework", "-B", "-aux-info", "-dumpbase"};

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

static bool ends(const char *word, const char *with)
{
	size_t length = strlen(word), tail = strlen(with);
	return length > tail && strcmp(word + length - tail, with) == 0;
}

static bool matches(const char *word, const char *flag)
{
	size_t length = strlen(flag);
	return flag[length - 1] == '*' ? strncmp(word, flag, length - 1) == 0 : strcmp(word, flag) == 0;
}

static bool for_linker(const char *word)
{
	return begins(word, "-l") || begins(word, "-L") || begins(word, "-Wl,") || begins(word, "-Xlinker") ||
	       begins(word, "-fuse-ld") || strcmp(word, "-u") == 0 || strcmp(word, "-z") == 0 || strcmp(word, "-T") == 0 ||
	       strcmp(word, "-rdynamic") == 0 || begins(word, "-static-lib");
}

static bool is_object(const char *word)
{
	return word[0] != '-' && (ends(word, ".o") || ends(word, ".a") || ends(word, ".so") || strstr(word, ".so."));
}

/* The one of LIST that WORD is, or NULL. */
static const struct refusal *refusal(const struct refusal *list, const char *word)
{
	while (list->flag && !matches(word, list->flag))
		list++;
	return list->flag ? list : NULL;
}

static int refuse(const char *word)
{
	const struct refusal *it = refusal(refused, word);
	if (it) {
		complain("%s: unsupported flag: %s", word, it->why);
		return EXIT_USAGE;
	}
	if (word[0] != '-' && word[0] != '@' && !is_object(word)) {
		complain("%s: unsupported flag: behind -- come flags of the compiler, objects and libraries; C files come before "
			 "it",
			word);
		return EXIT_USAGE;
	}
	return 0;
}

static bool takes_value(const char *word)
{
	for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++)
		if (strcmp(word, with_value[i]) == 0)
			return true;
	return false;
}

int program_flags(char *const *flags, size_t count, struct program_flags *out)
{
	for (size_t i = 0; i < count; i++) {
		const char *word = flags[i];
		/* The one sanitizer that is asked for anyway. */
		if (strcmp(word, "-fsanitize=thread") == 0)
			continue;
		int status = refuse(word);
		if (status)
			return status;
		const struct refusal *it = refusal(unexplored, word);
		if (it && !*out->unexplored)
			snprintf(out->unexplored, sizeof out->unexplored, "%s: unsupported flag: %s", word, it->why);
		bool object = is_object(word);
		out->objects |= object;
		struct words *to = object || for_linker(word) ? &out->link : &out->compile;
		words_add(to, "%s", word);
		if (strcmp(word, "-pthread") == 0)
			words_add(&out->link, "%s", word);
		if (!takes_value(word))
			continue;
		if (++i == count) {
			complain("%s: unsupported flag: its value is missing", word);
			return EXIT_USAGE;
		}
		words_add(to, "%s", flags[i]);
	}
	return 0;
}

const char *program_unexplored(char *const *flags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct refusal *it = strcmp(flags[i], "-fsanitize=thread") == 0 ? NULL : refusal(unexplored, flags[i]);
		if (it)
			return it->why;
	}
	return NULL;
}
