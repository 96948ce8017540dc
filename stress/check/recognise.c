/* SPDX-License-Identifier: MIT */
/* What a user's files are. Their text tells: a look at it costs nothing, and the build that follows tells whether it was true. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../impl/support/say.h"
#include "../program_parts.h"
#include "check.h"

const char *check_kind_words(enum check_kind kind)
{
	switch (kind) {
	case CHECK_PROGRAM:
		return "a whole program";
	case CHECK_SCENARIO_FILE:
		return "a scenario file";
	case CHECK_IMPLEMENTATION:
		return "an implementation";
	case CHECK_EXECUTABLE:
		return "an executable";
	}
	return "";
}

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Lines are looked at as they stand, outside of comments. */
struct seen {
	unsigned exports;
	bool comment, header, own_main;
};

static void look_at(const char *line, struct seen *seen)
{
	bool was_comment = seen->comment;
	for (const char *at = line; *at; at++) {
		if (!seen->comment && at[0] == '/' && at[1] == '/')
			break;
		if (!seen->comment && at[0] == '/' && at[1] == '*')
			seen->comment = true;
		else if (seen->comment && at[0] == '*' && at[1] == '/')
			seen->comment = false;
	}
	if (was_comment)
		return;
	seen->exports +=
		begins(line, "INITIALISER_EXPORT(") || begins(line, "COUNTER_EXPORT(") || begins(line, "PROGRESS_EXPORT(");
	const char *word = line + strspn(line, " \t");
	seen->own_main |= begins(word, "#define") && strstr(word, "ONCEPROOF_OWN_MAIN");
	seen->header |= begins(word, "#include") && strstr(word, "onceproof.h");
}

static int look_into(const char *path, struct seen *seen)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	if (!file) {
		complain("%s: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	seen->comment = false;
	errno = 0;
	while (getline(&line, &room, file) >= 0)
		look_at(line, seen);
	int why = ferror(file) ? errno : 0;
	free(line);
	fclose(file);
	if (why)
		complain("%s: %s", path, strerror(why));
	return why ? EXIT_USAGE : 0;
}

int check_recognise(const struct check_subject *subject, enum check_kind *kind)
{
	struct seen seen = {0};
	for (size_t i = 0; i < subject->source.file_count; i++) {
		int status = program_check_file(subject->source.files[i]);
		if (!status)
			status = look_into(subject->source.files[i], &seen);
		if (status)
			return status;
	}
	if (seen.exports > 1) {
		complain("%s: has %u export lines: one implementation at a time", subject->name, seen.exports);
		return EXIT_USAGE;
	}
	*kind = seen.exports ? CHECK_IMPLEMENTATION : seen.header && !seen.own_main ? CHECK_SCENARIO_FILE : CHECK_PROGRAM;
	return 0;
}
