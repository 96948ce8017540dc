/* SPDX-License-Identifier: MIT */
/* The C++ library of an explored program. What the program uses of libstdc++ becomes part of it: taken from the compiler's own archive, so
 * that its threads, locks, memory and output are the explorer's too, behind the functions that are made for that (explore/cxx/). Its own
 * accesses to memory are not seen; what programs could notice of that is listed in explore/library.txt.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "child.h"
#include "program_parts.h"

enum { ASK_TIMEOUT_S = 60 };

/* Where the compiler has its archive; NULL after a complaint. The caller frees it. */
static char *find_archive(const struct program_library *library)
{
	static const char name[] = "libstdc++.a";
	struct words words = {0};
	words_append(&words, library->compiler);
	words_add(&words, "-print-file-name=%s", name);
	struct child_options options = {.argv = words.at, .timeout_s = ASK_TIMEOUT_S, .output_max = 1 << 16};
	struct child_result result;
	char *path = NULL;
	if (child_run(&options, &result) == 0) {
		result.out[strcspn(result.out, "\n")] = '\0';
		path = strchr(result.out, '/') && access(result.out, R_OK) == 0 ? strdup(result.out) : NULL;
		child_free(&result);
	}
	words_free(&words);
	if (!path)
		complain("%s: C++ programs are explored with libstdc++.a, and %s has none; install it (Debian: libstdc++-12-dev "
			 "or "
			 "another version)",
			library->subject, library->compiler->at[0]);
	return path;
}

/* The parts of ours that are always there; a name of each. */
static const char *const always[] = {"explored_cxx_begins", "explored_cxx_standard", "_Znwm", "__cxa_guard_acquire",
	"_ZN9__gnu_cxx27__verbose_terminate_handlerEv"};

/* Functions that are called by another name, explored_cxx_NAME, by the program and not by the library itself. */
static const char *const wrapped[] = {"__cxa_end_catch", "__once_proxy", "_ZSt11_Hash_bytesPKvmm"};

static bool is_wrapped(const char *name)
{
	for (size_t i = 0; i < sizeof wrapped / sizeof *wrapped; i++)
		if (strcmp(wrapped[i], name) == 0)
			return true;
	return false;
}

int program_covered(const char *helpers, struct program_covered *out)
{
	char path[PATH_MAX], *line = NULL, name[256], kind[16];
	size_t room = 0;
	snprintf(path, sizeof path, "%s/explore_covered.txt", helpers);
	FILE *file = fopen(path, "re");
	if (!file) {
		complain("%s: %s; is onceproof installed completely?", path, strerror(errno));
		return EXIT_USAGE;
	}
	while (getline(&line, &room, file) > 0)
		if (line[0] != '#' && sscanf(line, "%255s %15s", name, kind) == 2)
			words_add(strcmp(kind, "changes") == 0 ? &out->changes : &out->fine, "%s", name);
	free(line);
	fclose(file);
	return 0;
}

/* The length of the longest prefix of NAME in the list. */
static size_t longest(const struct words *prefixes, const char *name)
{
	size_t most = 0;
	for (size_t i = 0; i < prefixes->count; i++) {
		size_t length = strlen(prefixes->at[i]);
		if (length > most && strncmp(prefixes->at[i], name, length) == 0)
			most = length;
	}
	return most;
}

enum program_call program_call(const struct program_covered *covered, const char *name)
{
	if (is_wrapped(name))
		return CALL_WRAPPED;
	size_t fine = longest(&covered->fine, name), changes = longest(&covered->changes, name);
	if (!fine && !changes)
		return CALL_OTHER;
	if (fine > changes)
		return CALL_FINE;
	return strncmp(name, "_ZNK", 4) == 0 ? CALL_READS : CALL_CHANGES;
}

/* The parts that the program asks for, and those that they ask for. */
static int gather(const struct program_library *library, const char *archive)
{
	struct words words = {0};
	const struct words *const wanted[] = {&library->own->called, &library->own->mentioned};
	words_add(&words, "ld");
	words_add(&words, "-r");
	words_add(&words, "--gc-sections");
	/* What both archives have is the first one's. */
	words_add(&words, "-z");
	words_add(&words, "muldefs");
	words_add(&words, "-o");
	words_add(&words, "%s/library.o", library->folder);
	/* Parts of ours that the library itself needs, too. */
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		words_add(&words, "--undefined=%s", always[i]);
	for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++)
		for (size_t i = 0; i < wanted[w]->count; i++)
			words_add(&words, "--undefined=%s%s", is_wrapped(wanted[w]->at[i]) ? "explored_cxx_" : "",
				wanted[w]->at[i]);
	words_add(&words, "%s/explore_cxx.a", library->helpers);
	words_add(&words, "%s", archive);
	int status = program_tool(&words, library->subject, "its parts of libstdc++ cannot be joined", library->verbosity);
	words_free(&words);
	return status;
}

int program_library(const struct program_library *library, struct program_object *whole)
{
	char *archive = find_archive(library);
	int status = archive ? gather(library, archive) : EXIT_USAGE;
	free(archive);
	if (status)
		return status;
	struct words words = {0};
	words_add(&words, "ld");
	words_add(&words, "-r");
	/* What both have is the program's: its instances of templates are instrumented, its operator new is meant. */
	words_add(&words, "-z");
	words_add(&words, "muldefs");
	words_add(&words, "-o");
	words_add(&words, "%s/whole.o", library->folder);
	words_add(&words, "%s/own.o", library->folder);
	words_add(&words, "%s/library.o", library->folder);
	status = program_tool(&words, library->subject, "does not link with libstdc++", library->verbosity);
	char why[256];
	if (!status && program_object(words.at[5], whole, why, sizeof why) != 0) {
		complain("%s: the compiled program cannot be read: %s", library->subject, why);
		status = EXIT_USAGE;
	}
	words_free(&words);
	return status;
}
