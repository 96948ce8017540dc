/* SPDX-License-Identifier: MIT */
/* Forced orders: a script moves one thread at a time. Threads park inside the callbacks that the user supplies anyway (a loader, a
 * sink, a counter source), so the implementation under test is not touched and nothing waits for a while and hopes.
 *
 * The script's thread starts a helper and waits until it settles: it has parked, has ended, or sleeps in the kernel. While every
 * other thread is parked, a helper that sleeps waits for one of them, which is what "blocked" means. It is looked at again and
 * again, and must not have run in between, before it is called asleep.
 */
#ifndef ONCEPROOF_FORCED_H
#define ONCEPROOF_FORCED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

enum forced_state {
	FORCED_RUNNING,
	FORCED_PARKED, /* inside forced_park() */
	FORCED_DONE,   /* its function returned, or it was cancelled */
	FORCED_ASLEEP, /* blocked in the kernel, not by forced_park(): it waits for another thread */
	FORCED_SPINS,  /* neither within the watchdog: it burns CPU, perhaps for ever; decides nothing */
};

struct forced_thread {
	void (*run)(void *arg);
	void *arg;
	pthread_t thread;
	sem_t may_go;              /* posted by forced_release */
	_Atomic int tid;           /* 0 until the helper runs */
	_Atomic int state;         /* FORCED_RUNNING, FORCED_PARKED or FORCED_DONE */
	_Atomic unsigned released; /* forced_release calls so far */
	_Atomic unsigned resumed;  /* how many of them the helper has noticed */
	bool joined;               /* the script's own */
};

/* Starts a helper that calls run(arg). The struct lives until the process ends. */
void forced_start(struct forced_thread *t, void (*run)(void *arg), void *arg);

/* Called on the helper's thread, from a callback: stops here until forced_release. A cancellation point. A call from a thread that
 * is no helper returns at once. */
void forced_park(void);

/* Lets a parked helper go on; returns at once. */
void forced_release(struct forced_thread *t);

/* Waits until the helper settles and says how; one that is done has ended, key destructors included. Repeats the look at a sleeping
 * helper so that a passing sleep is not taken for a block. */
enum forced_state forced_settle(struct forced_thread *t);

/* Cancels a helper and joins it. */
void forced_cancel(struct forced_thread *t);

#endif
