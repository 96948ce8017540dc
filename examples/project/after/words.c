/* SPDX-License-Identifier: MIT */
/* The fix: who asks first loads it, and who asks meanwhile waits. */
#include "words.h"

#include <pthread.h>
#include <string.h>

static const char *words[4];
static pthread_once_t loaded = PTHREAD_ONCE_INIT;
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
	pthread_once(&loaded, load);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

unsigned words_loads(void)
{
	return loads;
}
