/* SPDX-License-Identifier: MIT */
#include "forced.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A helper that is seen asleep this often in a row, without having run in between, is blocked. More than one look guards against a
 * passing sleep inside the C library or the kernel; the number is not a tuning knob. */
enum { LOOKS = 20, LOOK_PAUSE_US = 500 };

/* CPU time (not wall time: a loaded machine must not matter) after which a helper that neither parks nor ends is called spinning. */
enum { SPIN_LIMIT_MS = 300 };

static _Thread_local struct forced_thread *self;

static void mark_done(void *arg)
{
	struct forced_thread *t = arg;
	/* release: pairs with the acquire in forced_settle(); the script then reads what the helper wrote. */
	atomic_store_explicit(&t->state, FORCED_DONE, memory_order_release);
}

static void *helper_main(void *arg)
{
	struct forced_thread *t = arg;
	self = t;
	/* release: pairs with the acquire in forced_settle(). */
	atomic_store_explicit(&t->tid, (int)syscall(SYS_gettid), memory_order_release);
	pthread_cleanup_push(mark_done, t);
	t->run(t->arg);
	pthread_cleanup_pop(1);
	return NULL;
}

void forced_start(struct forced_thread *t, void (*run)(void *arg), void *arg)
{
	memset(t, 0, sizeof *t);
	t->run = run;
	t->arg = arg;
	int why = sem_init(&t->may_go, 0, 0) ? errno : pthread_create(&t->thread, NULL, helper_main, t);
	if (why) {
		fprintf(stderr, "onceproof: cannot start a thread: %s\n", strerror(why));
		_exit(2);
	}
}

void forced_park(void)
{
	struct forced_thread *t = self;
	if (!t)
		return;
	/* release: pairs with the acquire in forced_settle(); what the helper did before it parked is visible to the script. */
	atomic_store_explicit(&t->state, FORCED_PARKED, memory_order_release);
	while (sem_wait(&t->may_go) != 0 && errno == EINTR)
		continue;
	/* release: pairs with the acquire in forced_settle(), which until then knows that the helper is on its way. */
	atomic_fetch_add_explicit(&t->resumed, 1, memory_order_release);
}

void forced_release(struct forced_thread *t)
{
	/* relaxed: both are read by this thread only, in forced_settle(), until the semaphore orders them for the helper. */
	atomic_store_explicit(&t->state, FORCED_RUNNING, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->released, 1, memory_order_relaxed);
	sem_post(&t->may_go);
}

/* The scheduler's letter for a thread (R, S, D …) and its number of voluntary context switches so far. */
static char kernel_state(int tid, unsigned long *switches)
{
	char path[64], line[256], state = '?';
	snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
	FILE *file = fopen(path, "re");
	*switches = 0;
	if (!file)
		return state;
	while (fgets(line, sizeof line, file)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %lu", switches);
	}
	fclose(file);
	return state;
}

static long cpu_time_ms(pthread_t thread)
{
	clockid_t clock;
	struct timespec used;
	if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return 0;
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void join(struct forced_thread *t)
{
	if (!t->joined)
		pthread_join(t->thread, NULL);
	t->joined = true;
}

enum forced_state forced_settle(struct forced_thread *t)
{
	if (t->joined)
		return FORCED_DONE;
	unsigned long before = 0;
	long cpu_at_start = cpu_time_ms(t->thread);
	for (int looks = 0; looks < LOOKS;) {
		/* acquire: pairs with the releases in the helper. */
		int state = atomic_load_explicit(&t->state, memory_order_acquire);
		int tid = atomic_load_explicit(&t->tid, memory_order_acquire);
		unsigned resumed = atomic_load_explicit(&t->resumed, memory_order_acquire);
		/* relaxed: written by this thread. */
		bool on_its_way = !tid || resumed != atomic_load_explicit(&t->released, memory_order_relaxed);
		if (state == FORCED_DONE) {
			join(t);
			return FORCED_DONE;
		}
		if (state == FORCED_PARKED)
			return FORCED_PARKED;
		unsigned long switches;
		if (!on_its_way && kernel_state(tid, &switches) == 'S' && (looks == 0 || switches == before)) {
			before = switches;
			looks++;
		} else {
			looks = 0;
			if (!on_its_way && cpu_time_ms(t->thread) - cpu_at_start > SPIN_LIMIT_MS)
				return FORCED_SPINS;
		}
		usleep(LOOK_PAUSE_US);
	}
	return FORCED_ASLEEP;
}

void forced_cancel(struct forced_thread *t)
{
	pthread_cancel(t->thread);
	join(t);
}
