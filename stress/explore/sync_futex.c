/* SPDX-License-Identifier: MIT */
/* syscall() of explored code: futex waits and wakes are modelled, a few harmless calls answered, the rest named as uncontrolled.
 *
 * The kernel looks at the word and joins the queue under one lock (of the queue's hash bucket), and a wake takes the same lock; so does
 * the model. Value of a queue: FUTEX_LOCKED, or how often it was used. The lock is a real one of the machine, so it orders; a program that
 * relies on that order alone is told less than it could be.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sync.h"
#include "sync_clock.h"

#define FUTEX_LOCKED 1u

/* A queue's location cannot be the word's own, which holds the program's value: it is named by the address behind. */
static struct sync_object *queue_of(const uint32_t *word)
{
	return sync_object((const void *)((uint64_t)word + 1), SYNC_FUTEX, NULL);
}

static enum applied apply_lock(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value | FUTEX_LOCKED;
	return value & FUTEX_LOCKED ? APPLIED_BLOCK : APPLIED_WRITE;
}

static enum applied apply_unlock(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = (value & ~(uint64_t)FUTEX_LOCKED) + 2;
	return APPLIED_WRITE;
}

/* A wake locks and unlocks in one step. */
static enum applied apply_wake(const struct operation *op, uint64_t value, uint64_t *written)
{
	(void)op;
	*written = value + 2;
	return value & FUTEX_LOCKED ? APPLIED_BLOCK : APPLIED_WRITE;
}

static void perform(struct sync_object *o, enum step_tag tag, enum order order,
	enum applied (*apply)(const struct operation *, uint64_t, uint64_t *), bool waits, const void *site)
{
	struct operation op = sync_operation(o, tag, order, apply, site);
	op.waits = waits;
	sync_perform(o, &op, NULL);
}

static uint32_t read_word(const uint32_t *word, const void *site)
{
	struct operation op = {.kind = EVENT_READ,
		.tag = STEP_FUTEX_WAIT,
		.order = ORDER_RELAXED,
		.bytes = 4,
		.address = (uint64_t)word,
		.location = UINT32_MAX,
		.site = site};
	return (uint32_t)runtime_atomic(&op, NULL);
}

static long wait(const uint32_t *word, uint32_t value, const struct sync_limit *limit, const void *site)
{
	struct sync_object *o = queue_of(word);
	perform(o, STEP_FUTEX_WAIT, ORDER_ACQUIRE, apply_lock, true, site);
	bool same = read_word(word, site) == value;
	enum sync_way way = same ? sync_choose_way(o, limit, runtime->spurious, false) : SYNC_PLAIN;
	perform(o, STEP_FUTEX_WAIT, ORDER_RELEASE, apply_unlock, false, site);
	if (!same) {
		errno = EAGAIN;
		return -1;
	}
	if (way == SYNC_PLAIN) {
		sync_queue_join(o, "futex");
		way = sync_queue_wait(o, STEP_FUTEX_WOKEN, limit, false, site);
	}
	if (way != SYNC_TIME_OUT)
		return 0;
	errno = ETIMEDOUT;
	return -1;
}

/* COUNT over WOKEN: how many sets of waiters there are to wake; saturating. */
static unsigned combinations(unsigned count, unsigned woken)
{
	uint64_t sets = 1;
	for (unsigned i = 1; i <= woken; i++) {
		sets = sets * (count - woken + i) / i;
		if (sets > UINT_MAX)
			return UINT_MAX;
	}
	return (unsigned)sets;
}

/* Wakes the set of WOKEN waiters with number CHOSEN, in the order of their indices (combinatorial number system). */
static void wake_set(struct sync_object *o, unsigned woken, unsigned chosen)
{
	for (unsigned n = 0; woken; n++) {
		unsigned left = o->queued - n;
		/* Sets that take the waiter at N come first. */
		unsigned with = combinations(left - 1, woken - 1);
		if (chosen >= with) {
			chosen -= with;
			continue;
		}
		sync_queue_wake(o, n--);
		woken--;
	}
}

static long wake(const uint32_t *word, int most, const void *site)
{
	struct sync_object *o = queue_of(word);
	perform(o, STEP_FUTEX_WAKE, ORDER_ACQ_REL, apply_wake, true, site);
	o->unheard += !o->queued;
	unsigned woken = most < 0 ? 0 : most < o->queued ? (unsigned)most : o->queued;
	if (woken == 0)
		return 0;
	wake_set(o, woken, runtime_choose(combinations(o->queued, woken)));
	return woken;
}

static long refuse(const char *name)
{
	runtime_uncontrolled(name);
	errno = ENOSYS;
	return -1;
}

static long futex(const long *args, const void *site)
{
	const uint32_t *word = (const uint32_t *)args[0];
	const struct timespec *time = (const struct timespec *)args[3];
	int operation = (int)args[1] & FUTEX_CMD_MASK;
	clockid_t clock = (int)args[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	struct sync_limit limit = {0};
	bool whole = (uint32_t)args[5] == FUTEX_BITSET_MATCH_ANY;
	switch (operation) {
	case FUTEX_WAIT:
		if (time) {
			uint64_t now = sync_now();
			limit.timed = true;
			limit.deadline_ns = now + (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
			limit.passed = limit.deadline_ns == now;
		}
		return wait(word, (uint32_t)args[2], time ? &limit : NULL, site);
	case FUTEX_WAIT_BITSET:
		if (!whole)
			return refuse("futex with a bit set");
		if (sync_limit(time, clock, &limit) != 0) {
			errno = EINVAL;
			return -1;
		}
		return wait(word, (uint32_t)args[2], time ? &limit : NULL, site);
	case FUTEX_WAKE_BITSET:
		if (!whole)
			return refuse("futex with a bit set");
		return wake(word, (int)args[2], site);
	case FUTEX_WAKE:
		return wake(word, (int)args[2], site);
	default:
		return refuse("futex operation other than wait and wake");
	}
}

static const char *name_of(long number)
{
	if (number < 0 || number >= SYNC_SYSCALLS_MAX)
		return "syscall";
	char *name = sync_state->syscall_name[number];
	if (!*name)
		snprintf(name, sizeof sync_state->syscall_name[number], "syscall %ld", number);
	return name;
}

long explored_syscall(long number, ...);
long explored_syscall(long number, ...)
{
	long a[6];
	va_list args;
	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!runtime_on())
		return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	runtime_enter();
	switch (number) {
	case SYS_futex:
		return futex(a, SYNC_SITE);
	case SYS_gettid:
		return sync_kernel_id();
	case SYS_sched_yield:
		runtime_yield(STEP_YIELD, SYNC_SITE);
		return 0;
	case SYS_getpid:
		return getpid();
	case SYS_tgkill:
		/* Signals are not under control. Signal 0 only asks whether the thread is there. */
		if (a[0] != getpid() || a[2] != 0)
			return refuse("tgkill");
		if (sync_kernel_knows(a[1]))
			return 0;
		errno = ESRCH;
		return -1;
	case SYS_getcpu:
		return sync_getcpu((unsigned *)a[0], (unsigned *)a[1], SYNC_SITE);
	case SYS_clock_gettime:
		return sync_clock_gettime((clockid_t)a[0], (struct timespec *)a[1], SYNC_SITE);
	case SYS_nanosleep:
		return sync_nanosleep((const struct timespec *)a[0], SYNC_SITE);
	default:
		runtime_uncontrolled(name_of(number));
		return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}
