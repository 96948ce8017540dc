/* SPDX-License-Identifier: MIT */
/* A task whose result is read when the task is over.
 *
 * The state is set under the lock, the result outside of it, a moment later.
 *
 * Finds  data-race
 */
#include <pthread.h>
#include <stdbool.h>

struct task {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	int result;
};

static struct task task = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};

static void *run(void *arg)
{
	int result = 6 * 7;
#ifdef FIXED
	task.result = result;
#endif
	pthread_mutex_lock(&task.lock);
	task.is_over = true;
	pthread_cond_signal(&task.over);
	pthread_mutex_unlock(&task.lock);
#ifndef FIXED
	task.result = result;
#endif
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, run, NULL);
	pthread_mutex_lock(&task.lock);
	while (!task.is_over)
		pthread_cond_wait(&task.over, &task.lock);
	pthread_mutex_unlock(&task.lock);
	int result = task.result;
	pthread_join(thread, NULL);
	return result == 42 ? 0 : 1;
}
