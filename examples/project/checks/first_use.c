/* SPDX-License-Identifier: MIT */
/* A whole program: two threads ask first, at the same time. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>

#include "words.h"

static void *ask(void *word)
{
	assert(words_skip(word));
	return NULL;
}

int main(void)
{
	char words[2][4] = {"and", "the"};
	pthread_t threads[2];
	for (size_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, ask, words[i]);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert(words_loads() == 1);
	return 0;
}
