/* SPDX-License-Identifier: MIT */
/* A progress counter that every worker increments without protection.
 *
 * Two workers read the same count, both add one, and one of the two steps is lost: the display never reaches 100 %.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdio.h>

enum { WORKERS = 3, FILES_EACH = 2 };

static int files_done;
#ifdef FIXED
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#endif

static void convert_file(void)
{
#ifdef FIXED
	pthread_mutex_lock(&lock);
#endif
	files_done++;
	printf("%d/%d files\n", files_done, WORKERS * FILES_EACH);
#ifdef FIXED
	pthread_mutex_unlock(&lock);
#endif
}

static void *worker(void *arg)
{
	for (int i = 0; i < FILES_EACH; i++)
		convert_file();
	return arg;
}

int main(void)
{
	pthread_t threads[WORKERS];
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
