/* SPDX-License-Identifier: MIT */
/* Where users' files find onceproof's own headers: behind all that they name themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program_parts.h"

/* Does a line of FILE include a header that ends in NAME? */
static bool includes(const char *file, const char *name)
{
	FILE *stream = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	while (stream && !found && getline(&line, &room, stream) >= 0) {
		const char *at = line + strspn(line, " \t");
		found = *at == '#' && strstr(at, "include") && strstr(at, name);
	}
	free(line);
	if (stream)
		fclose(stream);
	return found;
}

void program_includes(const char *file, const char *helpers, struct words *words)
{
	static const char *const families[] = {"initialiser", "counter", "progress"};
	words_add(words, "-idirafter");
	words_add(words, "%s/include", helpers);
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		char name[32];
		snprintf(name, sizeof name, "%s_export.h", families[i]);
		/* Names like "load.h" are for files that need them: elsewhere they would stand in for a header that is missing. */
		if (!includes(file, name))
			continue;
		words_add(words, "-idirafter");
		words_add(words, "%s/include/onceproof/%s", helpers, families[i]);
	}
}
