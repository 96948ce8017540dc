/* SPDX-License-Identifier: MIT */
/* Threads of pthread and C11: beginning, ending, waiting for the end, and what else can be said about them.
 *
 * A pthread_t of explored code is made of the thread's number, so it is the same in every execution.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "amend.h"
#include "sync.h"

static int create(pthread_t *handle, const pthread_attr_t *attr, void *(*start)(void *), void *arg, const void *site)
{
	int detached = PTHREAD_CREATE_JOINABLE;
	runtime_enter();
	if (attr)
		pthread_attr_getdetachstate(attr, &detached);
	/* The handle is written before the thread begins, as glibc does. */
	runtime_access(handle, sizeof *handle, true, site);
	unsigned child = runtime_create(start, arg, site);
	if (child == UINT32_MAX) {
		/* Another machine would have made it. */
		runtime_uncontrolled("more threads than the explorer has (64)");
		return EAGAIN;
	}
	*handle = sync_handle(child);
	runtime->thread[child].detached = detached == PTHREAD_CREATE_DETACHED;
	return 0;
}

static bool has_ended(void *arg, event_id *from)
{
	const struct thread *target = arg;
	*from = target->end;
	return target->ended;
}

static void describe_join(void *arg, char *text, size_t bytes)
{
	const struct thread *target = arg;
	snprintf(text, bytes, "waits for thread %u to end", target->id);
}

/* The thread that may be joined, or NULL after noting why not. */
static struct thread *joinable(pthread_t handle, int *why, const void *site)
{
	struct thread *target = sync_by_handle(handle);
	*why = target ? EINVAL : ESRCH;
	if (!target)
		sync_misuse(NULL, site, "joins something that is no thread");
	else if (target->detached)
		sync_misuse(NULL, site, "joins thread %u, which is detached", target->id);
	else if (target->joined)
		sync_misuse(NULL, site, "joins thread %u a second time", target->id);
	else if (target->id == runtime->current) {
		*why = EDEADLK;
		sync_misuse(NULL, site, "joins itself");
	} else
		return target;
	return NULL;
}

static int joined(struct thread *target, void **result, const void *site)
{
	if (result)
		sync_write(result, &target->result, sizeof *result, site);
	return 0;
}

/* Is the end of TARGET known to have happened before what the running thread does now? */
static bool end_is_known(const struct thread *target)
{
	const struct graph *g = runtime->graph;
	return target->ended && (runtime->quiet || graph_knows(g, runtime->current, target->id) >= g->done[target->id]);
}

/* Joins, or gives up: TRIES at once, else at a limit. */
static int join(pthread_t handle, void **result, bool tries, const struct sync_limit *limit, const void *site)
{
	int why;
	runtime_enter();
	struct thread *target = joinable(handle, &why, site);
	if (!target)
		return why;
	bool cancellable = !tries && sync_cancel_possible();
	if (cancellable)
		sync_cancel_point(site);
	enum sync_way way = SYNC_PLAIN;
	if (!end_is_known(target) && (limit || cancellable))
		way = sync_choose_way(target, limit, false, cancellable);
	if (way == SYNC_CANCELLED)
		sync_cancel_await(site);
	target->joined = true;
	if (way == SYNC_PLAIN)
		way = sync_wait(STEP_THREAD_JOIN, has_ended, target, limit, cancellable, describe_join, site);
	if (way == SYNC_PLAIN)
		return joined(target, result, site);
	target->joined = false;
	if (way == SYNC_CANCELLED)
		sync_cancel_act(site);
	return tries ? EBUSY : ETIMEDOUT;
}

static int join_until(pthread_t handle, void **result, clockid_t clock, const struct timespec *at, const void *site)
{
	struct sync_limit limit;
	int why = sync_limit(at, clock, &limit);
	return why ? why : join(handle, result, false, at ? &limit : NULL, site);
}

static int detach(pthread_t handle, const void *site)
{
	runtime_enter();
	struct thread *target = sync_by_handle(handle);
	if (!target) {
		sync_misuse(NULL, site, "detaches something that is no thread");
		return ESRCH;
	}
	if (target->detached || target->joined) {
		sync_misuse(NULL, site, "detaches thread %u, which is %s already", target->id,
			target->detached ? "detached" : "joined");
		return EINVAL;
	}
	target->detached = true;
	return 0;
}

void sync_thread_ends(struct thread *t)
{
	struct sync_thread *self = sync_thread(t->id);
	if (self->finished)
		return;
	self->finished = true;
	sync_locals_end();
	sync_keys_end();
	amend_thread_ends();
	sync_locks_end();
}

/* pthread --------------------------------------------------------------------------------------------------------------------------- */

int explored_pthread_create(pthread_t *handle, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int explored_pthread_create(pthread_t *handle, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	if (!runtime_on())
		return pthread_create(handle, attr, start, arg);
	return create(handle, attr, start, arg, SYNC_SITE);
}

int explored_pthread_join(pthread_t handle, void **result);
int explored_pthread_join(pthread_t handle, void **result)
{
	return runtime_on() ? join(handle, result, false, NULL, SYNC_SITE) : pthread_join(handle, result);
}

int explored_pthread_tryjoin_np(pthread_t handle, void **result);
int explored_pthread_tryjoin_np(pthread_t handle, void **result)
{
	if (!runtime_on())
		return pthread_tryjoin_np(handle, result);
	struct sync_limit limit = {.timed = true};
	return join(handle, result, true, &limit, SYNC_SITE);
}

int explored_pthread_timedjoin_np(pthread_t handle, void **result, const struct timespec *at);
int explored_pthread_timedjoin_np(pthread_t handle, void **result, const struct timespec *at)
{
	if (!runtime_on())
		return pthread_timedjoin_np(handle, result, at);
	return join_until(handle, result, CLOCK_REALTIME, at, SYNC_SITE);
}

int explored_pthread_clockjoin_np(pthread_t handle, void **result, clockid_t clock, const struct timespec *at);
int explored_pthread_clockjoin_np(pthread_t handle, void **result, clockid_t clock, const struct timespec *at)
{
	if (!runtime_on())
		return pthread_clockjoin_np(handle, result, clock, at);
	return join_until(handle, result, clock, at, SYNC_SITE);
}

int explored_pthread_detach(pthread_t handle);
int explored_pthread_detach(pthread_t handle)
{
	return runtime_on() ? detach(handle, SYNC_SITE) : pthread_detach(handle);
}

_Noreturn void explored_pthread_exit(void *result);
void explored_pthread_exit(void *result)
{
	if (!runtime_on())
		pthread_exit(result);
	runtime_enter();
	sync_exit(result);
}

pthread_t explored_pthread_self(void);
pthread_t explored_pthread_self(void)
{
	return runtime_on() ? sync_handle(runtime->current) : pthread_self();
}

int explored_pthread_equal(pthread_t a, pthread_t b);
int explored_pthread_equal(pthread_t a, pthread_t b)
{
	return a == b;
}

int explored_pthread_getattr_np(pthread_t handle, pthread_attr_t *attr);
int explored_pthread_getattr_np(pthread_t handle, pthread_attr_t *attr)
{
	if (!runtime_on())
		return pthread_getattr_np(handle, attr);
	struct thread *target = sync_by_handle(handle);
	if (!target)
		return ESRCH;
	uintptr_t low, high;
	fiber_stack(target->id + 1, &low, &high);
	runtime_access(attr, sizeof *attr, true, SYNC_SITE);
	pthread_attr_init(attr);
	pthread_attr_setstack(attr, (void *)low, high - low);
	pthread_attr_setdetachstate(attr, target->detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
	runtime_wrote();
	return 0;
}

int explored_pthread_setname_np(pthread_t handle, const char *name);
int explored_pthread_setname_np(pthread_t handle, const char *name)
{
	if (!runtime_on())
		return pthread_setname_np(handle, name);
	struct thread *target = sync_by_handle(handle);
	size_t bytes = strlen(name) + 1;
	if (!target || bytes > sizeof sync_thread(0)->name)
		return target ? ERANGE : ESRCH;
	sync_read(name, bytes, SYNC_SITE);
	memcpy(sync_thread(target->id)->name, name, bytes);
	return 0;
}

int explored_pthread_getname_np(pthread_t handle, char *name, size_t bytes);
int explored_pthread_getname_np(pthread_t handle, char *name, size_t bytes)
{
	if (!runtime_on())
		return pthread_getname_np(handle, name, bytes);
	struct thread *target = sync_by_handle(handle);
	if (!target)
		return ESRCH;
	const char *is = sync_thread(target->id)->name;
	if (strlen(is) >= bytes)
		return ERANGE;
	sync_write(name, is, strlen(is) + 1, SYNC_SITE);
	return 0;
}

/* One kernel thread runs everything: where it may run and how urgently means nothing here, so asking for it succeeds. */
int explored_pthread_setaffinity_np(pthread_t handle, size_t bytes, const cpu_set_t *set);
int explored_pthread_setaffinity_np(pthread_t handle, size_t bytes, const cpu_set_t *set)
{
	return runtime_on() ? 0 : pthread_setaffinity_np(handle, bytes, set);
}

int explored_pthread_getaffinity_np(pthread_t handle, size_t bytes, cpu_set_t *set);
int explored_pthread_getaffinity_np(pthread_t handle, size_t bytes, cpu_set_t *set)
{
	if (!runtime_on())
		return pthread_getaffinity_np(handle, bytes, set);
	runtime_access(set, bytes, true, SYNC_SITE);
	memset(set, 0, bytes);
	CPU_SET_S(0, bytes, set);
	runtime_wrote();
	return 0;
}

int explored_pthread_setschedparam(pthread_t handle, int policy, const struct sched_param *param);
int explored_pthread_setschedparam(pthread_t handle, int policy, const struct sched_param *param)
{
	return runtime_on() ? 0 : pthread_setschedparam(handle, policy, param);
}

int explored_pthread_setschedprio(pthread_t handle, int priority);
int explored_pthread_setschedprio(pthread_t handle, int priority)
{
	return runtime_on() ? 0 : pthread_setschedprio(handle, priority);
}

int explored_pthread_getschedparam(pthread_t handle, int *policy, struct sched_param *param);
int explored_pthread_getschedparam(pthread_t handle, int *policy, struct sched_param *param)
{
	if (!runtime_on())
		return pthread_getschedparam(handle, policy, param);
	int other = SCHED_OTHER;
	struct sched_param none = {0};
	sync_write(policy, &other, sizeof other, SYNC_SITE);
	sync_write(param, &none, sizeof none, SYNC_SITE);
	return 0;
}

int explored_pthread_getcpuclockid(pthread_t handle, clockid_t *clock);
int explored_pthread_getcpuclockid(pthread_t handle, clockid_t *clock)
{
	if (!runtime_on())
		return pthread_getcpuclockid(handle, clock);
	clockid_t own = CLOCK_THREAD_CPUTIME_ID;
	sync_write(clock, &own, sizeof own, SYNC_SITE);
	return 0;
}

/* Signals are not under control. Signal 0 only asks whether the thread is there. */
int explored_pthread_kill(pthread_t handle, int sig);
int explored_pthread_kill(pthread_t handle, int sig)
{
	if (!runtime_on())
		return pthread_kill(handle, sig);
	if (!sync_by_handle(handle))
		return ESRCH;
	if (sig)
		runtime_uncontrolled("pthread_kill");
	return 0;
}

int explored_pthread_sigqueue(pthread_t handle, int sig, const union sigval value);
int explored_pthread_sigqueue(pthread_t handle, int sig, const union sigval value)
{
	if (!runtime_on())
		return pthread_sigqueue(handle, sig, value);
	runtime_uncontrolled("pthread_sigqueue");
	return sync_by_handle(handle) ? 0 : ESRCH;
}

int explored_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int explored_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)prepare;
	(void)parent;
	(void)child;
	if (runtime_on())
		runtime_uncontrolled("pthread_atfork");
	return 0;
}

/* C11 ------------------------------------------------------------------------------------------------------------------------------- */

int explored_thrd_create(thrd_t *handle, thrd_start_t start, void *arg);
int explored_thrd_create(thrd_t *handle, thrd_start_t start, void *arg)
{
	if (!runtime_on())
		return thrd_create(handle, start, arg);
	/* An int comes back in the low half of what a pointer comes back in (System V x86-64 ABI, 3.2.3); thrd_join() takes that. */
	void *(*as_pthread)(void *) = (void *(*)(void *))(void (*)(void))start;
	int why = create(handle, NULL, as_pthread, arg, SYNC_SITE);
	return why == 0 ? thrd_success : thrd_error;
}

int explored_thrd_join(thrd_t handle, int *result);
int explored_thrd_join(thrd_t handle, int *result)
{
	if (!runtime_on())
		return thrd_join(handle, result);
	void *got;
	if (join(handle, NULL, false, NULL, SYNC_SITE) != 0)
		return thrd_error;
	got = sync_by_handle(handle)->result;
	int number = (int)(intptr_t)got;
	if (result)
		sync_write(result, &number, sizeof number, SYNC_SITE);
	return thrd_success;
}

int explored_thrd_detach(thrd_t handle);
int explored_thrd_detach(thrd_t handle)
{
	if (!runtime_on())
		return thrd_detach(handle);
	return detach(handle, SYNC_SITE) == 0 ? thrd_success : thrd_error;
}

_Noreturn void explored_thrd_exit(int result);
void explored_thrd_exit(int result)
{
	if (!runtime_on())
		thrd_exit(result);
	runtime_enter();
	sync_exit((void *)(intptr_t)result);
}

thrd_t explored_thrd_current(void);
thrd_t explored_thrd_current(void)
{
	return explored_pthread_self();
}

int explored_thrd_equal(thrd_t a, thrd_t b);
int explored_thrd_equal(thrd_t a, thrd_t b)
{
	return a == b;
}
