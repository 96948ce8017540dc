/* SPDX-License-Identifier: MIT */
/* The compilers and the other tools that build users' programs. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../impl/support/say.h"
#include "child.h"
#include "program_build.h"
#include "program_parts.h"

enum { TOOL_TIMEOUT_S = 300, TOOL_OUTPUT_BYTES = 1 << 20, ERRORS_SHOWN = 10 };

static void show_line(const char *line, size_t length)
{
	fputs("  ", stderr);
	for (size_t i = 0; i < length; i++)
		fputc((unsigned char)line[i] < ' ' && line[i] != '\t' ? '?' : line[i], stderr);
	fputc('\n', stderr);
}

static bool says_error(const char *line, size_t length)
{
	static const char *const marks[] = {"error", "undefined reference", "multiple definition", "cannot find"};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (memmem(line, length, marks[i], strlen(marks[i])))
			return true;
	return false;
}

/* The first lines that say what is wrong; all first lines if none does. */
static void show_errors(const char *text)
{
	for (int any = 0, shown = 0; any < 2 && !shown; any++)
		for (const char *line = text; *line && shown < ERRORS_SHOWN;) {
			size_t length = strcspn(line, "\n");
			if (length && (any || says_error(line, length))) {
				show_line(line, length);
				shown++;
			}
			line += length + (line[length] == '\n');
		}
}

/* Runs a tool. SUBJECT and FAILED make the complaint: "a.c: does not compile". */
int program_tool(const struct words *words, const char *subject, const char *failed, int verbosity)
{
	return program_tool_in(NULL, words, subject, failed, verbosity);
}

int program_tool_in(const char *folder, const struct words *words, const char *subject, const char *failed, int verbosity)
{
	struct child_options options = {
		.argv = words->at, .folder = folder, .timeout_s = TOOL_TIMEOUT_S, .output_max = TOOL_OUTPUT_BYTES};
	struct child_result result;
	if (verbosity > 0) {
		fputs("onceproof:", stderr);
		for (size_t i = 0; i < words->count; i++)
			fprintf(stderr, " %s", words->at[i]);
		fputc('\n', stderr);
	}
	int why = child_run(&options, &result), status = 0;
	if (why) {
		complain("%s: cannot be run: %s; is it installed? (CC names another compiler)", words->at[0], strerror(why));
		return EXIT_USAGE;
	}
	if (result.interrupted || result.timed_out) {
		complain(
			"%s: %s", subject, result.interrupted ? "interrupted while it was built" : "the compiler takes too long");
		status = EXIT_USAGE;
	} else if (result.status != 0) {
		complain("%s: %s:", subject, failed);
		if (!complaints_are_off())
			show_errors(result.err);
		status = EXIT_USAGE;
	}
	child_free(&result);
	return status;
}

static void split(struct words *words, const char *text)
{
	for (const char *at = text + strspn(text, " "); *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		words_add(words, "%.*s", (int)length, at);
		at += length;
	}
}

/* The C++ side of a C compiler's name: "…/gcc-12" is "…/g++-12". */
static char *cxx_of(const char *c)
{
	static const char *const sides[][2] = {{"clang", "clang++"}, {"gcc", "g++"}, {"cc", "c++"}};
	const char *base = strrchr(c, '/');
	base = base ? base + 1 : c;
	for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
		const char *at = strstr(base, sides[i][0]);
		char *text = NULL;
		size_t length = strlen(sides[i][0]);
		if (!at || at[length] == '+')
			continue;
		if (asprintf(&text, "%.*s%s%s", (int)(at - c), c, sides[i][1], at + length) < 0)
			text = NULL;
		return text;
	}
	return strdup(c);
}

/* "gcc (Debian 12.2.0-14) 12.2.0", "Debian clang version 14.0.6": the kind and the last number of the first line. */
static void name_of(const char *said, struct program_compiler *compiler)
{
	size_t length = strcspn(said, "\n");
	char line[256], version[40] = "";
	snprintf(line, sizeof line, "%.*s", (int)length, said);
	compiler->clang = strstr(line, "clang") != NULL;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
		if (*word >= '0' && *word <= '9')
			snprintf(version, sizeof version, "%.*s", (int)strspn(word, "0123456789."), word);
	snprintf(compiler->name, sizeof compiler->name, "%s %s", compiler->clang ? "clang" : "gcc", version);
}

/* Is NAME an executable in a folder of PATH? */
static bool on_path(const char *name)
{
	for (const char *at = getenv("PATH"); at && *at; at += strcspn(at, ":"), at += *at == ':') {
		char *file = NULL;
		if (asprintf(&file, "%.*s/%s", (int)strcspn(at, ":"), at, name) < 0)
			return false;
		bool there = access(file, X_OK) == 0;
		free(file);
		if (there)
			return true;
	}
	return false;
}

/* The compiler that built onceproof; where it was installed on a machine that does not have that one: what is there. */
static const char *default_compiler(void)
{
	static const char *const others[] = {"cc", "gcc", "clang"};
	static const char *found;
	if (!found && access(ONCEPROOF_CC, X_OK) == 0)
		found = ONCEPROOF_CC;
	for (size_t i = 0; !found && i < sizeof others / sizeof *others; i++)
		if (on_path(others[i])) {
			found = others[i];
			fprintf(stderr, "onceproof: %s is not here; using %s (CC names another compiler)\n", ONCEPROOF_CC, found);
		}
	return found ? found : ONCEPROOF_CC;
}

int program_compiler(const char *named, bool cxx, struct program_compiler *out)
{
	const char *given = named ? named : getenv(cxx ? "CXX" : "CC");
	bool chosen = given && given[strspn(given, " ")];
	*out = (struct program_compiler){0};
	if (!chosen)
		given = getenv("CC");
	if (!given || !given[strspn(given, " ")])
		given = default_compiler();
	split(&out->words, given);
	if (cxx && (named || !chosen)) {
		char *other = cxx_of(out->words.at[0]);
		if (other) {
			free(out->words.at[0]);
			out->words.at[0] = other;
		}
	}
	struct words words = {0};
	words_append(&words, &out->words);
	words_add(&words, "--version");
	struct child_options options = {.argv = words.at, .timeout_s = TOOL_TIMEOUT_S, .output_max = TOOL_OUTPUT_BYTES};
	struct child_result result;
	int why = child_run(&options, &result);
	if (why) {
		complain("%s: cannot be run: %s; %s names the compiler", words.at[0], strerror(why), cxx ? "CXX" : "CC");
	} else {
		name_of(result.out, out);
		child_free(&result);
	}
	words_free(&words);
	return why ? EXIT_USAGE : 0;
}

void program_add_file(struct words *words, const char *file)
{
	char here[PATH_MAX];
	/* clang 14 writes assembly that it cannot read for a file in the folder ".": it gives the file two numbers, and declares one. */
	while (file[0] == '.' && file[1] == '/')
		for (file++; *file == '/';)
			file++;
	if (file[0] == '-' && getcwd(here, sizeof here))
		words_add(words, "%s/%s", here, file);
	else
		words_add(words, "%s%s", file[0] == '-' ? "./" : "", file);
}

bool program_found(const char *name)
{
	const char *path = getenv("PATH");
	for (const char *at = path ? path : "";; at++) {
		size_t length = strcspn(at, ":");
		char *file = NULL;
		bool there = asprintf(&file, "%.*s/%s", (int)length, at, name) > 0 && access(file, X_OK) == 0;
		free(file);
		at += length;
		if (there || !*at)
			return there;
	}
}

bool program_is_cxx(const char *file)
{
	static const char *const ends[] = {".cc", ".cpp", ".cxx", ".C"};
	size_t length = strlen(file);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (length > strlen(ends[i]) && strcmp(file + length - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

int program_check_file(const char *file)
{
	size_t length = strlen(file);
	if (!program_is_cxx(file) && (length < 3 || strcmp(file + length - 2, ".c") != 0)) {
		complain("%s: is neither C (.c) nor C++ (.cc, .cpp, .cxx)%s", file,
			length > 2 && (file[length - 1] == 's' || file[length - 1] == 'S') ? "; assembly cannot be looked into"
											   : "");
		return EXIT_USAGE;
	}
	if (access(file, R_OK) != 0) {
		complain("%s: %s", file, strerror(errno));
		return EXIT_USAGE;
	}
	return 0;
}
