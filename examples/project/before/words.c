/* SPDX-License-Identifier: MIT */
/* The bug: two threads that ask first at the same time both see no list, and both load it. One may even see it half loaded. */
#include "words.h"

#include <string.h>

static const char *words[4];
static bool loaded;
static unsigned loads;

static void load(void)
{
	static const char *const from[] = {"a", "and", "of", "the"};
	for (size_t i = 0; i < sizeof from / sizeof *from; i++)
		words[i] = from[i];
	loads++;
}

bool words_skip(const char *word)
{
	if (!loaded) {
		load();
		loaded = true;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

unsigned words_loads(void)
{
	return loads;
}
