/* SPDX-License-Identifier: MIT */
/* Time, which is virtual: it passes with events and with sleeps, and nothing waits for it.
 *
 * A sleep orders nothing: other threads may do anything or nothing meanwhile, as on a busy machine. So it is a yield, and the thread's
 * own time goes on. What a clock says is a function of what happened before the reading (happens-before), and thus the same in every
 * execution with the same graph: a microsecond for each event that the thread knows of, and all sleeps before them.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/select.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "channels.h"
#include "process.h"
#include "runtime_private.h"
#include "sync.h"
#include "sync_clock.h"

/* Where the clocks stand when an execution begins: 2026-01-01 00:00 UTC, and a thousand seconds after start-up. */
static const uint64_t REAL_TIME_NS = 1767225600u * 1000000000ull, MONOTONIC_NS = 1000u * 1000000000ull;
enum { EVENT_NS = 1000, READS_PER_DOUBLING = 8, DOUBLINGS_MAX = 17 };

uint64_t sync_clock_base(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		return REAL_TIME_NS;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return 0;
	default:
		return MONOTONIC_NS;
	}
}

/* All sleeps of T before its event NUMBER. */
static uint64_t slept(const struct sync_thread *t, uint32_t number)
{
	uint32_t low = 0, high = t->naps;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (t->nap[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? t->nap[low - 1].sum_ns : 0;
}

uint64_t sync_now(void)
{
	const struct graph *g = runtime->graph;
	const uint32_t *clock = graph_clock(g, runtime->current);
	const struct sync_thread *self = sync_self();
	uint64_t now = 0;
	for (unsigned t = 0; t < runtime->moment.threads; t++) {
		bool own = t == runtime->current;
		uint64_t events = own || runtime->quiet ? g->done[t] : clock[t];
		const struct sync_thread *other = sync_thread(t);
		now += events * EVENT_NS;
		if (!own)
			now += slept(other, (uint32_t)events);
	}
	return now + (self->naps ? self->nap[self->naps - 1].sum_ns : 0);
}

static void sleeps(uint64_t ns)
{
	struct sync_thread *self = sync_self();
	/* Whoever knows of the next event knows of this sleep. */
	uint32_t number = runtime->graph->done[runtime->current] + 1;
	uint64_t sum = self->naps ? self->nap[self->naps - 1].sum_ns : 0;
	if (__builtin_add_overflow(sum, ns, &sum))
		sum = UINT64_MAX / 4;
	bool same = self->naps && (self->nap[self->naps - 1].number == number || self->naps == SYNC_NAPS_MAX);
	self->naps += !same;
	self->nap[self->naps - 1] = (struct sync_nap){.number = number, .sum_ns = sum};
}

void sync_time_to(uint64_t until_ns)
{
	uint64_t now = sync_now();
	if (until_ns > now && until_ns < UINT64_MAX / 4)
		sleeps(until_ns - now);
	runtime->virtual_ns = sync_now();
}

/* Reads the clock. Looking takes time: a thread that only looks, until it is late enough, sees the time pass, faster and faster. */
static uint64_t look(void)
{
	struct sync_thread *self = sync_self();
	uint32_t doublings = self->clock_reads++ / READS_PER_DOUBLING;
	/* What it shows may be the same in the next turn of a loop, and another in a later one. */
	runtime_effect();
	sleeps((uint64_t)EVENT_NS << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX));
	return sync_now();
}

static struct timespec as_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
}

int sync_clock_gettime(clockid_t clock, struct timespec *time, const void *site)
{
	struct timespec now = as_timespec(look() + sync_clock_base(clock));
	sync_write(time, &now, sizeof now, site);
	return 0;
}

/* Other threads may move now. They must if none has since the thread slept last: sleeps in a loop wait for somebody. */
static void rest(const void *site)
{
	struct sync_thread *self = sync_self();
	uint32_t others = runtime->moment.steps - runtime->graph->done[runtime->current];
	if (self->rested && self->others == others) {
		runtime_yield(STEP_SLEEP, site);
	} else if (!runtime->quiet && !runtime->graph->full) {
		struct operation op = {.kind = EVENT_LOCAL,
			.tag = STEP_SLEEP,
			.thread = (uint16_t)runtime->current,
			.location = UINT32_MAX,
			.site = site};
		runtime_schedule(&op);
	}
	self->rested = true;
	self->others = runtime->moment.steps - runtime->graph->done[runtime->current];
}

/* Sleeps until the virtual time UNTIL. */
static void sleep_to(uint64_t until_ns, const void *site)
{
	sync_time_to(until_ns);
	rest(site);
	sync_cancel_poll(site);
}

static bool is_time(const struct timespec *time)
{
	return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

static uint64_t later(uint64_t seconds, uint64_t ns)
{
	uint64_t sum;
	if (__builtin_mul_overflow(seconds, 1000000000u, &sum) || __builtin_add_overflow(sum, ns + sync_now(), &sum))
		return UINT64_MAX / 4 - 1;
	return sum;
}

int sync_nanosleep(const struct timespec *time, const void *site)
{
	sync_read(time, sizeof *time, site);
	if (!is_time(time)) {
		errno = EINVAL;
		return -1;
	}
	sleep_to(later((uint64_t)time->tv_sec, (uint64_t)time->tv_nsec), site);
	return 0;
}

static int clock_sleep(clockid_t clock, int flags, const struct timespec *time, const void *site)
{
	sync_read(time, sizeof *time, site);
	if (!is_time(time))
		return EINVAL;
	struct sync_limit limit;
	if (flags & TIMER_ABSTIME)
		sync_limit(time, clock, &limit);
	else
		limit.deadline_ns = later((uint64_t)time->tv_sec, (uint64_t)time->tv_nsec);
	sleep_to(limit.deadline_ns, site);
	return 0;
}

/* Sleeps ---------------------------------------------------------------------------------------------------------------------------- */

SYNC_KEEPS_REGISTERS(nanosleep);
int kept_nanosleep(const struct timespec *time, struct timespec *left);
int kept_nanosleep(const struct timespec *time, struct timespec *left)
{
	if (!runtime_on())
		return nanosleep(time, left);
	runtime_enter();
	return sync_nanosleep(time, SYNC_SITE);
}

SYNC_KEEPS_REGISTERS(clock_nanosleep);
int kept_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left);
int kept_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	if (!runtime_on())
		return clock_nanosleep(clock, flags, time, left);
	runtime_enter();
	return clock_sleep(clock, flags, time, SYNC_SITE);
}

SYNC_KEEPS_REGISTERS(sleep);
unsigned kept_sleep(unsigned seconds);
unsigned kept_sleep(unsigned seconds)
{
	if (!runtime_on())
		return sleep(seconds);
	runtime_enter();
	sleep_to(later(seconds, 0), SYNC_SITE);
	return 0;
}

SYNC_KEEPS_REGISTERS(usleep);
int kept_usleep(useconds_t us);
int kept_usleep(useconds_t us)
{
	if (!runtime_on())
		return usleep(us);
	runtime_enter();
	sleep_to(later(0, (uint64_t)us * 1000), SYNC_SITE);
	return 0;
}

SYNC_KEEPS_REGISTERS(thrd_sleep);
int kept_thrd_sleep(const struct timespec *time, struct timespec *left);
int kept_thrd_sleep(const struct timespec *time, struct timespec *left)
{
	if (!runtime_on())
		return thrd_sleep(time, left);
	runtime_enter();
	return sync_nanosleep(time, SYNC_SITE) == 0 ? 0 : -2;
}

/* select and poll with nothing to look at are sleeps. */
SYNC_KEEPS_REGISTERS(select);
int kept_select(int count, fd_set *reads, fd_set *writes, fd_set *others, struct timeval *time);
int kept_select(int count, fd_set *reads, fd_set *writes, fd_set *others, struct timeval *time)
{
	bool sleeps_only = !reads && !writes && !others;
	if (!runtime_on() || (sleeps_only ? !time : !process)) {
		if (runtime_on())
			runtime_uncontrolled("select");
		return select(count, reads, writes, others, time);
	}
	runtime_enter();
	if (time && (time->tv_sec || time->tv_usec || sleeps_only))
		sleep_to(later((uint64_t)time->tv_sec, (uint64_t)time->tv_usec * 1000), SYNC_SITE);
	return sleeps_only ? 0 : channel_select(count, reads, writes, others, time ? 0 : -1, SYNC_SITE);
}

SYNC_KEEPS_REGISTERS(poll);
int kept_poll(struct pollfd *files, nfds_t count, int ms);
int kept_poll(struct pollfd *files, nfds_t count, int ms)
{
	if (!runtime_on() || (!count && ms < 0) || (count && !process)) {
		if (runtime_on())
			runtime_uncontrolled("poll");
		return poll(files, count, ms);
	}
	runtime_enter();
	if (ms > 0 || !count)
		sleep_to(later(0, (uint64_t)ms * 1000000), SYNC_SITE);
	return count ? channel_poll(files, count, ms, SYNC_SITE) : 0;
}

int explored_sched_yield(void);
int explored_sched_yield(void)
{
	if (!runtime_on())
		return sched_yield();
	runtime_yield(STEP_YIELD, SYNC_SITE);
	return 0;
}

void explored_thrd_yield(void);
void explored_thrd_yield(void)
{
	if (runtime_on())
		runtime_yield(STEP_YIELD, SYNC_SITE);
	else
		thrd_yield();
}

/* Clocks ---------------------------------------------------------------------------------------------------------------------------- */

int explored_clock_gettime(clockid_t clock, struct timespec *time);
int explored_clock_gettime(clockid_t clock, struct timespec *time)
{
	if (!runtime_on())
		return clock_gettime(clock, time);
	runtime_enter();
	return sync_clock_gettime(clock, time, SYNC_SITE);
}

int explored_gettimeofday(struct timeval *time, void *zone);
int explored_gettimeofday(struct timeval *time, void *zone)
{
	if (!runtime_on())
		return gettimeofday(time, zone);
	runtime_enter();
	struct timespec now = as_timespec(look() + REAL_TIME_NS);
	struct timeval value = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	sync_write(time, &value, sizeof value, SYNC_SITE);
	return 0;
}

time_t explored_time(time_t *time_at);
time_t explored_time(time_t *time_at)
{
	if (!runtime_on())
		return time(time_at);
	runtime_enter();
	time_t now = as_timespec(look() + REAL_TIME_NS).tv_sec;
	if (time_at)
		sync_write(time_at, &now, sizeof now, SYNC_SITE);
	return now;
}

int explored_timespec_get(struct timespec *time, int base);
int explored_timespec_get(struct timespec *time, int base)
{
	if (!runtime_on())
		return timespec_get(time, base);
	runtime_enter();
	if (base != TIME_UTC)
		return 0;
	sync_clock_gettime(CLOCK_REALTIME, time, SYNC_SITE);
	return base;
}

clock_t explored_clock(void);
clock_t explored_clock(void)
{
	if (!runtime_on())
		return clock();
	runtime_enter();
	return (clock_t)(look() / 1000);
}

/* Who runs where -------------------------------------------------------------------------------------------------------------------- */

enum { KERNEL_ID_FIRST = 100000 };

pid_t sync_kernel_id(void)
{
	return KERNEL_ID_FIRST + (pid_t)runtime->current;
}

bool sync_kernel_knows(long id)
{
	return id >= KERNEL_ID_FIRST && id - KERNEL_ID_FIRST < (long)runtime->moment.threads &&
	       runtime->thread[id - KERNEL_ID_FIRST].exists;
}

int sync_getcpu(unsigned *cpu, unsigned *node, const void *site)
{
	/* One processor, which all share: what is kept per processor is contended. */
	unsigned zero = 0;
	if (cpu)
		sync_write(cpu, &zero, sizeof zero, site);
	if (node)
		sync_write(node, &zero, sizeof zero, site);
	return 0;
}

pid_t explored_gettid(void);
pid_t explored_gettid(void)
{
	return runtime_on() ? sync_kernel_id() : gettid();
}

int explored_sched_getcpu(void);
int explored_sched_getcpu(void)
{
	return runtime_on() ? 0 : sched_getcpu();
}

int explored_getcpu(unsigned *cpu, unsigned *node);
int explored_getcpu(unsigned *cpu, unsigned *node)
{
	if (!runtime_on())
		return getcpu(cpu, node);
	runtime_enter();
	return sync_getcpu(cpu, node, SYNC_SITE);
}
