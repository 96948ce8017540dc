/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../impl/support/say.h"
#include "program_parts.h"

static void *checked(void *memory)
{
	if (memory)
		return memory;
	complain("out of memory");
	exit(EXIT_USAGE);
}

void words_add(struct words *words, const char *format, ...)
{
	if (words->count + 2 > words->room) {
		words->room = words->room ? words->room * 2 : 16;
		words->at = checked(realloc(words->at, words->room * sizeof *words->at));
	}
	char *word = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&word, format, args) < 0)
		word = NULL;
	va_end(args);
	words->at[words->count++] = checked(word);
	words->at[words->count] = NULL;
}

void words_append(struct words *to, const struct words *from)
{
	for (size_t i = 0; i < from->count; i++)
		words_add(to, "%s", from->at[i]);
}

bool words_have(const struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->at[i], word) == 0)
			return true;
	return false;
}

void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->at[i]);
	free(words->at);
	*words = (struct words){0};
}
