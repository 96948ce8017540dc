/* SPDX-License-Identifier: MIT */
/* What could stand at the cursor of a shell: `onceproof --complete WORD...`, where the last word (often empty) is the one at the cursor.
 *
 * Prints the words that fit, one a line, each with a tab and a description; where files fit, a line ":files" with their patterns, and
 * ":folders" for folders. The shells' scripts in completion/ show them. Commands, options and values come from what the commands say to
 * --help, so that nothing has to be told twice.
 */
#include "complete.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/contract.h"
#include "../stress/child.h"
#include "cli.h"

enum { HELP_TIMEOUT_S = 10, NAME_MAX_BYTES = 64, SAYS_MAX_BYTES = 400 };

/* An option as its line in --help has it: "  -j, --jobs=N   processes at once". */
struct option_line {
	char name[NAME_MAX_BYTES], letter, value[NAME_MAX_BYTES], says[SAYS_MAX_BYTES];
};

static void offer(const char *current, const char *before, const char *word, const char *says)
{
	char whole[2 * NAME_MAX_BYTES];
	snprintf(whole, sizeof whole, "%s%s", before, word);
	if (strncmp(whole, current, strlen(current)) == 0)
		printf("%s\t%s\n", whole, says);
}

/* What the command says to --help, each option on one line. NULL if it says nothing. */
static char *help_of(const char *command)
{
	char *const argv[] = {"/proc/self/exe", (char *)command, "--help", NULL};
	char *const environment[] = {"ARGP_HELP_FMT=rmargin=500,opt-doc-col=40,header-col=1", NULL};
	struct child_options options = {.argv = argv, .environment = environment, .timeout_s = HELP_TIMEOUT_S};
	struct child_result result;
	if (child_run(&options, &result) != 0)
		return NULL;
	char *help = strdup(result.out);
	child_free(&result);
	return help;
}

/* Reads a line of --help; false if it is not that of an option with a long name. */
static bool read_option(const char *line, size_t length, struct option_line *out)
{
	const char *dashes = memmem(line, length, "--", 2), *end = line + length, *at = line + strspn(line, " ");
	*out = (struct option_line){0};
	if (!dashes || at == line || *at != '-' || dashes - at > 4)
		return false;
	if (at[1] != '-')
		out->letter = at[1];
	size_t name = strspn(dashes + 2, "abcdefghijklmnopqrstuvwxyz-0123456789");
	snprintf(out->name, sizeof out->name, "--%.*s", (int)name, dashes + 2);
	at = dashes + 2 + name;
	if (at < end && (*at == '=' || *at == '[')) {
		at += *at == '[' ? 2 : 1;
		size_t value = strcspn(at, " ]\n");
		snprintf(out->value, sizeof out->value, "%.*s", (int)value, at);
		at += value;
	}
	at += strspn(at, " ]");
	if (at < end)
		snprintf(out->says, sizeof out->says, "%.*s", (int)(end - at), at);
	return true;
}

/* Finds an option, by "--name" or "-x". */
static bool find_option(const char *help, const char *word, size_t length, struct option_line *out)
{
	for (const char *line = help; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (read_option(line, strcspn(line, "\n"), out) &&
			((strlen(out->name) == length && strncmp(out->name, word, length) == 0) ||
				(length == 2 && word[0] == '-' && word[1] == out->letter)))
			return true;
	return false;
}

/* Takes everything in parentheses out of TEXT. */
static void without_parentheses(char *text)
{
	char *to = text;
	int depth = 0;
	for (const char *from = text; *from; from++) {
		depth += *from == '(';
		if (!depth && !(*from == ' ' && from[1] == '('))
			*to++ = *from;
		depth -= *from == ')' && depth > 0;
	}
	*to = '\0';
}

/* The next value of a description such as "clean (default) or bug: then …" or "a: this; b: that"; NULL at the end of the list. */
static char *next_value(char **at)
{
	char *word = *at + strspn(*at, " ,");
	if (strncmp(word, "or ", 3) == 0)
		word += 3;
	size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz-0123456789");
	char *end = word + length;
	if (!length || !*word)
		return NULL;
	if (*end == ':') { /* an explanation follows, and perhaps another value behind it */
		char *more = strchr(end, ';');
		*at = more ? more + 1 : end + strlen(end);
	} else if (*end == ',' || strncmp(end, " or ", 4) == 0) {
		*at = end + 1;
	} else if (!*end) {
		*at = end;
	} else {
		return NULL;
	}
	*end = '\0';
	return word;
}

/* The values that an option's description lists, behind the last comma of CURRENT where it takes a list. */
static void offer_values(const struct option_line *option, const char *before, const char *current)
{
	char first[NAME_MAX_BYTES] = "", text[SAYS_MAX_BYTES], prefix[2 * NAME_MAX_BYTES];
	const char *comma = strcmp(option->value, "LIST") == 0 ? strrchr(current, ',') : NULL;
	size_t count = 0;
	snprintf(prefix, sizeof prefix, "%.*s", (int)(comma ? (size_t)(comma - current) + 1 : strlen(before)),
		comma ? current : before);
	snprintf(text, sizeof text, "%s", option->says);
	without_parentheses(text);
	char *at = text;
	for (char *word; (word = next_value(&at)) != NULL; count++) {
		/* One word alone is the beginning of a sentence. */
		if (count == 0) {
			snprintf(first, sizeof first, "%s", word);
			continue;
		}
		if (count == 1)
			offer(current, prefix, first, "");
		offer(current, prefix, word, "");
	}
}

static void offer_implementations(enum family family, const char *before, const char *current)
{
	for (size_t i = 0; i < onceproof_registry_count; i++)
		if (onceproof_registry[i].about->family == family)
			offer(current, before, onceproof_registry[i].about->name, onceproof_registry[i].about->lesson);
}

static void offer_subjects(const char *current)
{
	char name[2 * NAME_MAX_BYTES];
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct implementation *about = onceproof_registry[i].about;
		snprintf(name, sizeof name, "%s/%s", family_name(about->family), about->name);
		offer(current, "", name, about->lesson);
	}
}

/* The value of an option. BEFORE: what stands in front of it in the same word, "--engine=" or nothing. */
static void offer_value(const struct option_line *option, const char *before, const char *current)
{
	static const enum family families[] = {FAMILY_INITIALISER, FAMILY_COUNTER, FAMILY_PROGRESS};
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (strcmp(option->name + 2, family_name(families[i])) == 0) {
			offer_implementations(families[i], before, current);
			puts(":files *.c");
			return;
		}
	if (strcmp(option->value, "FILE") == 0 || strcmp(option->value, "TARGET") == 0)
		puts(":files");
	else if (strcmp(option->value, "DIR") == 0)
		puts(":folders");
	else
		offer_values(option, before, current);
}

static void offer_options(const char *help, const char *current)
{
	struct option_line option;
	for (const char *line = help; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (read_option(line, strcspn(line, "\n"), &option))
			offer(current, "", option.name, option.says);
}

/* What is no option: files, or subjects, as the usage lines say. */
static void offer_arguments(const char *help, const char *current)
{
	const char *end = strchr(help, '\n');
	while (end && strncmp(end + 1, "  or:", 5) == 0)
		end = strchr(end + 1, '\n');
	char *usage = strndup(help, end ? (size_t)(end - help) : strlen(help));
	if (usage && strstr(usage, "FILTER"))
		offer_subjects(current);
	if (usage && strstr(usage, "FILE.c"))
		puts(":files *.c *.cc *.cpp *.cxx");
	else if (usage && (strstr(usage, "WITNESS") || strstr(usage, ".json")))
		puts(":files *.json");
	else if (usage && strstr(usage, "MANIFEST"))
		puts(":files");
	free(usage);
}

static void offer_commands(const char *current)
{
	for (size_t i = 0; i < command_count; i++)
		offer(current, "", commands[i]->name, commands[i]->summary);
	offer(current, "", "test", "run the project's own tests (in the source tree)");
	offer(current, "", "--help", "list the commands");
	offer(current, "", "--version", "print the version");
}

int complete(int argc, char **argv)
{
	const char *current = argc > 0 ? argv[argc - 1] : "", *command = argv[0];
	struct option_line option;
	if (argc < 2) {
		offer_commands(current);
		return EXIT_HOLDS;
	}
	for (int i = 1; i < argc - 1; i++)
		if (strcmp(argv[i], "--") == 0) { /* flags of a compiler; files at most */
			puts(":files");
			return EXIT_HOLDS;
		}
	if (strcmp(command, "test") == 0) {
		offer(current, "", "--full", "long soaks and repeats, too");
		return EXIT_HOLDS;
	}
	char *help = help_of(command);
	if (!help)
		return EXIT_HOLDS;
	const char *previous = argc > 2 ? argv[argc - 2] : "",
		   *equals = strncmp(current, "--", 2) == 0 ? strchr(current, '=') : NULL;
	char before[NAME_MAX_BYTES];
	if (equals && find_option(help, current, (size_t)(equals - current), &option)) {
		snprintf(before, sizeof before, "%.*s", (int)(equals - current) + 1, current);
		offer_value(&option, before, current);
	} else if (previous[0] == '-' && !strchr(previous, '=') && find_option(help, previous, strlen(previous), &option) &&
		   option.value[0]) {
		offer_value(&option, "", current);
	} else if (current[0] == '-') {
		offer_options(help, current);
	} else {
		offer_arguments(help, current);
	}
	free(help);
	return EXIT_HOLDS;
}
