/* SPDX-License-Identifier: MIT */
/* A table of words that several threads need, loaded by the one that comes first: `cc words.c -pthread && ./a.out`, with onceproof's header
 * installed. `onceproof check words.c` runs it in every order that its threads can meet in. */
#include <onceproof/once.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
	size_t count;
	const char *word[4];
};

static struct words *load_words(void)
{
	static const struct words all = {3, {"one", "load", "only"}};
	struct words *made = (struct words *)malloc(sizeof *made);
	if (made)
		*made = all;
	return made; /* NULL: malloc() has set errno */
}

ONCE_DEFINE(struct words, the_words, load_words);

static void *worker(void *arg)
{
	const struct words *words = the_words();
	if (!words) {
		perror("the words cannot be loaded");
		return NULL;
	}
	*(size_t *)arg = strlen(words->word[words->count - 1]);
	return arg;
}

int main(void)
{
	enum { WORKERS = 2 };
	pthread_t threads[WORKERS];
	size_t lengths[WORKERS] = {0};
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&threads[i], NULL, worker, &lengths[i]) != 0)
			return 1;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	printf("%zu %zu\n", lengths[0], lengths[1]);
	free(the_words_reset());
	return 0;
}
