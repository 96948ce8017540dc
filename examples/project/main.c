/* SPDX-License-Identifier: MIT */
/* indexer TEXT...: prints the words of each text that say something. A thread for each text. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "words.h"

static void *index_text(void *text)
{
	char *rest = NULL;
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!words_skip(word))
			puts(word);
	fprintf(stderr, "done: %u\n", progress_step());
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t *threads = calloc((size_t)argc, sizeof *threads);
	if (!threads)
		return 1;
	for (int i = 1; i < argc; i++)
		if (pthread_create(&threads[i], NULL, index_text, argv[i]) != 0)
			return 1;
	for (int i = 1; i < argc; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return 0;
}
