/* SPDX-License-Identifier: MIT */
/* A registry that calls its listeners while it holds its lock.
 *
 * A listener that asks the registry something locks the same mutex again, and waits for itself. It happens only if the event comes
 * behind the registration.
 *
 * Finds  deadlock
 */
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*listener)(void);
static int events;

static int registry_events(void)
{
	pthread_mutex_lock(&lock);
	int n = events;
	pthread_mutex_unlock(&lock);
	return n;
}

static void on_event(void)
{
	(void)registry_events();
}

static void *emit(void *arg)
{
	pthread_mutex_lock(&lock);
	events++;
#ifdef FIXED
	void (*call)(void) = listener;
	pthread_mutex_unlock(&lock);
	if (call)
		call();
#else
	if (listener)
		listener();
	pthread_mutex_unlock(&lock);
#endif
	return arg;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, emit, NULL);
	pthread_mutex_lock(&lock);
	listener = on_event;
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	return 0;
}
