/* SPDX-License-Identifier: MIT */
/* A thread that returns the address of its local variable as its result.
 *
 * The variable lives on the thread's stack, which is gone once the thread has ended; main reads what happens to be there.
 *
 * Finds  use-after-free
 */
#include <pthread.h>
#include <stdlib.h>

struct outcome {
	int lines, errors;
};

static void *compile(void *arg)
{
#ifdef FIXED
	struct outcome *outcome = malloc(sizeof *outcome);
	if (!outcome)
		abort();
#else
	struct outcome here, *outcome = &here;
#endif
	outcome->lines = *(const int *)arg;
	outcome->errors = 0;
	return outcome;
}

int main(void)
{
	pthread_t thread;
	int lines = 120;
	void *result;
	pthread_create(&thread, NULL, compile, &lines);
	pthread_join(thread, &result);
	const struct outcome *outcome = result;
	int correct = outcome->lines == 120 && outcome->errors == 0;
#ifdef FIXED
	free(result);
#endif
	return correct ? 0 : 1;
}
