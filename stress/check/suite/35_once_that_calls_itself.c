/* SPDX-License-Identifier: MIT */
/* An initialiser that logs, and a logger that needs the initialiser.
 *
 * The call of pthread_once inside of its own function waits for that function to end. It happens only with the verbose flag, which
 * another thread may have set by then.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool verbose;
static int level;

static int log_level(void);

static void init(void)
{
	level = 2;
#ifdef FIXED
	if (atomic_load(&verbose))
		printf("initialised, level %d\n", level);
#else
	if (atomic_load(&verbose))
		printf("initialised, level %d\n", log_level());
#endif
}

static int log_level(void)
{
	pthread_once(&once, init);
	return level;
}

static void *worker(void *arg)
{
	(void)log_level();
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, worker, NULL);
	atomic_store(&verbose, 1);
	pthread_join(thread, NULL);
	return 0;
}
