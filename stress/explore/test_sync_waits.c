/* SPDX-License-Identifier: MIT */
/* Condition variables, semaphores, barriers, futexes, sleeps and clocks. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "test_sync_programs.h"

static pthread_mutex_t m, n;
static pthread_cond_t c;
static int ready, taken, order[4];

static void begin(void)
{
	must(!pthread_mutex_init(&m, NULL));
	must(!pthread_mutex_init(&n, NULL));
	must(!pthread_cond_init(&c, NULL));
	ready = taken = 0;
	for (int i = 0; i < 4; i++)
		order[i] = 0;
}

static struct timespec after_ms(clockid_t clock, long ms)
{
	struct timespec at;
	clock_gettime(clock, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

/* Condition variables --------------------------------------------------------------------------------------------------------------- */

static void *give(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	ready++;
	pthread_cond_signal(&c);
	pthread_mutex_unlock(&m);
	return NULL;
}

static void *take(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	while (!ready)
		must(!pthread_cond_wait(&c, &m));
	ready--;
	taken++;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void signal_hands_over(void)
{
	begin();
	pthread_t a = started(take), b = started(give);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(taken == 1);
	must(!pthread_cond_destroy(&c));
	must(!pthread_mutex_destroy(&m));
}

static void *wait_once(void *arg)
{
	int me = (int)(intptr_t)arg;
	pthread_mutex_lock(&m);
	ready++;
	pthread_cond_wait(&c, &m);
	order[taken++] = me;
	pthread_mutex_unlock(&m);
	return NULL;
}

/* Until a thread that changes *WHAT has done so, which it does under the mutex. */
static void await(const int *what, int value)
{
	for (bool reached = false; !reached; sched_yield()) {
		pthread_mutex_lock(&m);
		reached = *what == value;
		pthread_mutex_unlock(&m);
	}
}

/* The order in which they began to wait does not tell which wakes. */
static void signal_wakes_one_of_two(void)
{
	pthread_t threads[2];
	begin();
	for (intptr_t i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, wait_once, (void *)i);
		await(&ready, (int)i + 1);
	}
	for (int i = 0; i < 2; i++) {
		pthread_cond_signal(&c);
		await(&taken, i + 1);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	must(order[0] != order[1]);
	sees((unsigned)order[0]);
}

static void *wait_for_start(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	while (!ready)
		pthread_cond_wait(&c, &m);
	taken++;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void broadcast_wakes_all(void)
{
	begin();
	pthread_t a = started(wait_for_start), b = started(wait_for_start);
	pthread_mutex_lock(&m);
	ready = 1;
	pthread_cond_broadcast(&c);
	pthread_mutex_unlock(&m);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(taken == 2);
	must(!pthread_cond_destroy(&c));
}

static void *wait_in_time(void *arg)
{
	(void)arg;
	struct timespec at = after_ms(CLOCK_REALTIME, 50), now;
	int why = 0;
	pthread_mutex_lock(&m);
	while (!ready && why == 0)
		why = pthread_cond_timedwait(&c, &m, &at);
	must(why == 0 || why == ETIMEDOUT);
	sees(ready ? (why ? 2 : 1) : 0);
	pthread_mutex_unlock(&m);
	clock_gettime(CLOCK_REALTIME, &now);
	must(why == 0 || now.tv_sec > at.tv_sec || (now.tv_sec == at.tv_sec && now.tv_nsec >= at.tv_nsec));
	return NULL;
}

static void timed_wait_ends_either_way(void)
{
	begin();
	pthread_t a = started(wait_in_time), b = started(give);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(!pthread_cond_destroy(&c));
}

/* Tries again and again, without a limit to its patience. */
static void *poll_with_timeouts(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	while (!ready) {
		struct timespec at = after_ms(CLOCK_MONOTONIC, 10);
		int why = pthread_cond_clockwait(&c, &m, CLOCK_MONOTONIC, &at);
		must(why == 0 || why == ETIMEDOUT);
	}
	pthread_mutex_unlock(&m);
	return NULL;
}

static void timed_waits_in_a_loop(void)
{
	begin();
	pthread_t a = started(poll_with_timeouts), b = started(give);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void wait_times_out_alone(void)
{
	pthread_condattr_t attr;
	begin();
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c, &attr);
	struct timespec at = after_ms(CLOCK_MONOTONIC, 20), past = {1, 0}, wrong = {1, -1};
	pthread_mutex_lock(&m);
	must(pthread_cond_timedwait(&c, &m, &at) == ETIMEDOUT);
	must(pthread_cond_timedwait(&c, &m, &past) == ETIMEDOUT);
	must(pthread_cond_timedwait(&c, &m, &wrong) == EINVAL);
	pthread_mutex_unlock(&m);
}

static void *wait_if(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	if (!ready)
		pthread_cond_wait(&c, &m);
	must(ready);
	pthread_mutex_unlock(&m);
	return NULL;
}

static void if_without_spurious_wakeups(void)
{
	begin();
	pthread_t a = started(wait_if), b = started(give);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void *wait_blindly(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	pthread_cond_wait(&c, &m);
	pthread_mutex_unlock(&m);
	return NULL;
}

static void signal_before_wait(void)
{
	begin();
	pthread_t a = started(wait_blindly), b = started(give);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void never_signalled(void)
{
	begin();
	pthread_join(started(wait_blindly), NULL);
}

static void *wait_in_queue(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	ready = 1;
	pthread_cond_wait(&c, &m);
	pthread_mutex_unlock(&m);
	return NULL;
}

static void destroy_with_waiters(void)
{
	begin();
	pthread_t a = started(wait_in_queue);
	pthread_mutex_lock(&m);
	if (ready)
		must(pthread_cond_destroy(&c) == EBUSY);
	pthread_mutex_unlock(&m);
	pthread_detach(a);
	pthread_exit(NULL);
}

static void *wait_with_other_mutex(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&n);
	pthread_cond_wait(&c, &n);
	pthread_mutex_unlock(&n);
	return NULL;
}

static void two_mutexes(void)
{
	begin();
	pthread_t a = started(wait_blindly), b = started(wait_with_other_mutex);
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&m);
		pthread_mutex_lock(&n);
		pthread_cond_broadcast(&c);
		pthread_mutex_unlock(&n);
		pthread_mutex_unlock(&m);
	}
	pthread_detach(a);
	pthread_detach(b);
	pthread_exit(NULL);
}

static void wait_without_mutex(void)
{
	begin();
	pthread_cond_wait(&c, &m);
}

static cnd_t cnd;
static mtx_t mtx;

static int take_c11(void *arg)
{
	(void)arg;
	struct timespec at = after_ms(CLOCK_REALTIME, 10);
	mtx_lock(&mtx);
	int why = thrd_success;
	while (!ready && why == thrd_success)
		why = cnd_timedwait(&cnd, &mtx, &at);
	must(why == thrd_success || why == thrd_timedout);
	sees(why == thrd_timedout);
	while (!ready)
		must(cnd_wait(&cnd, &mtx) == thrd_success);
	mtx_unlock(&mtx);
	return 0;
}

static void cnd_hands_over(void)
{
	thrd_t a;
	ready = 0;
	must(cnd_init(&cnd) == thrd_success);
	must(mtx_init(&mtx, mtx_plain) == thrd_success);
	must(thrd_create(&a, take_c11, NULL) == thrd_success);
	mtx_lock(&mtx);
	ready = 1;
	must(cnd_signal(&cnd) == thrd_success);
	must(cnd_broadcast(&cnd) == thrd_success);
	mtx_unlock(&mtx);
	must(thrd_join(a, NULL) == thrd_success);
	cnd_destroy(&cnd);
	mtx_destroy(&mtx);
}

/* Semaphores ------------------------------------------------------------------------------------------------------------------------ */

static sem_t full, empty;
static int box;

static void *put(void *arg)
{
	(void)arg;
	for (int i = 1; i <= 2; i++) {
		must(!sem_wait(&empty));
		box = i;
		must(!sem_post(&full));
	}
	return NULL;
}

static void semaphores_hand_over(void)
{
	int value;
	must(!sem_init(&full, 0, 0));
	must(!sem_init(&empty, 0, 1));
	pthread_t a = started(put);
	for (int i = 1; i <= 2; i++) {
		must(!sem_wait(&full));
		must(box == i);
		must(!sem_post(&empty));
	}
	pthread_join(a, NULL);
	must(!sem_getvalue(&empty, &value) && value == 1);
	must(sem_trywait(&full) == -1 && errno == EAGAIN);
	must(!sem_trywait(&empty));
	must(!sem_destroy(&full));
	must(!sem_destroy(&empty));
}

static void *try_until_there(void *arg)
{
	(void)arg;
	while (sem_trywait(&full) != 0)
		must(errno == EAGAIN);
	must(box == 1);
	return NULL;
}

static void semaphore_polled(void)
{
	must(!sem_init(&full, 0, 0));
	box = 0;
	pthread_t a = started(try_until_there);
	box = 1;
	sem_post(&full);
	pthread_join(a, NULL);
}

static void *post_one(void *arg)
{
	(void)arg;
	sem_post(&full);
	return NULL;
}

static void semaphore_in_time(void)
{
	must(!sem_init(&full, 0, 0));
	pthread_t a = started(post_one);
	struct timespec at = after_ms(CLOCK_REALTIME, 5), monotonic = after_ms(CLOCK_MONOTONIC, 5);
	int first = sem_timedwait(&full, &at);
	must(first == 0 || errno == ETIMEDOUT);
	sees(first ? 1 : 0);
	int second = sem_clockwait(&full, CLOCK_MONOTONIC, &monotonic);
	must(second == 0 || errno == ETIMEDOUT);
	must(first || second);
	sees(second ? 3 : 2);
	pthread_join(a, NULL);
}

static void semaphore_overflows(void)
{
	must(!sem_init(&full, 0, SEM_VALUE_MAX));
	must(sem_post(&full) == -1 && errno == EOVERFLOW);
}

static void semaphore_destroyed_under_a_waiter(void)
{
	sem_init(&empty, 0, 0);
	sem_init(&full, 0, 1);
	pthread_t a = started(put);
	sem_destroy(&empty);
	pthread_detach(a);
	sem_wait(&empty);
}

/* Barriers -------------------------------------------------------------------------------------------------------------------------- */

static pthread_barrier_t barrier;
static int left[2], right[2], serials[2];

static void *meet_twice(void *arg)
{
	int *mine = arg == NULL ? left : right, *others = arg == NULL ? right : left;
	for (int round = 0; round < 2; round++) {
		mine[round] = 1;
		int told = pthread_barrier_wait(&barrier);
		must(told == 0 || told == PTHREAD_BARRIER_SERIAL_THREAD);
		must(others[round] == 1);
		if (told)
			serials[round]++;
	}
	return NULL;
}

static void barrier_meets(void)
{
	pthread_t a;
	for (int i = 0; i < 2; i++)
		left[i] = right[i] = serials[i] = 0;
	must(pthread_barrier_init(&barrier, NULL, 0) == EINVAL);
	must(!pthread_barrier_init(&barrier, NULL, 2));
	must(!pthread_create(&a, NULL, meet_twice, left));
	meet_twice(NULL);
	pthread_join(a, NULL);
	must(serials[0] == 1 && serials[1] == 1);
	must(!pthread_barrier_destroy(&barrier));
}

static void *meet_and_destroy(void *arg)
{
	(void)arg;
	if (pthread_barrier_wait(&barrier))
		must(!pthread_barrier_destroy(&barrier));
	return NULL;
}

static void barrier_is_destroyed_by_the_serial_thread(void)
{
	must(!pthread_barrier_init(&barrier, NULL, 2));
	pthread_t a = started(meet_and_destroy);
	meet_and_destroy(NULL);
	pthread_join(a, NULL);
}

static void *meet(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void barrier_of_too_many(void)
{
	pthread_barrier_init(&barrier, NULL, 3);
	pthread_t a = started(meet);
	meet(NULL);
	pthread_join(a, NULL);
}

/* Futexes --------------------------------------------------------------------------------------------------------------------------- */

static _Atomic int word;

static long futex(int operation, int value, const struct timespec *time)
{
	return syscall(SYS_futex, &word, operation, value, time, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Drepper's second mutex: 0 free, 1 locked, 2 locked with waiters. */
static void futex_lock(void)
{
	int is = 0;
	if (atomic_compare_exchange_strong_explicit(&word, &is, 1, memory_order_acquire, memory_order_relaxed))
		return;
	while (atomic_exchange_explicit(&word, 2, memory_order_acquire) != 0)
		futex(FUTEX_WAIT_PRIVATE, 2, NULL);
}

static void futex_unlock(bool wakes)
{
	if (atomic_exchange_explicit(&word, 0, memory_order_release) == 2 && wakes)
		futex(FUTEX_WAKE_PRIVATE, 1, NULL);
}

static void *add_with_futex(void *arg)
{
	futex_lock();
	taken++;
	futex_unlock(arg == NULL);
	return NULL;
}

static void futex_mutex_excludes(void)
{
	taken = 0;
	atomic_store_explicit(&word, 0, memory_order_relaxed);
	pthread_t a = started(add_with_futex);
	add_with_futex(NULL);
	pthread_join(a, NULL);
	must(taken == 2);
}

static void futex_mutex_forgets_to_wake(void)
{
	pthread_t a;
	taken = 0;
	atomic_store_explicit(&word, 0, memory_order_relaxed);
	pthread_create(&a, NULL, add_with_futex, &word);
	add_with_futex(&word);
	pthread_join(a, NULL);
}

static void *change_and_wake(void *arg)
{
	(void)arg;
	atomic_store_explicit(&word, 1, memory_order_relaxed);
	long woken = futex(FUTEX_WAKE, INT_MAX, NULL);
	must(woken == 0 || woken == 1);
	return NULL;
}

/* The word is relaxed: the kernel's own order must suffice for the sleeper not to be missed. */
static void futex_wait_is_never_missed(void)
{
	atomic_store_explicit(&word, 0, memory_order_relaxed);
	pthread_t a = started(change_and_wake);
	long why = futex(FUTEX_WAIT, 0, NULL);
	must(why == 0 || errno == EAGAIN);
	sees(why ? 1 : 0);
	pthread_join(a, NULL);
}

static void *wake_only(void *arg)
{
	(void)arg;
	futex(FUTEX_WAKE, 1, NULL);
	return NULL;
}

static void futex_wake_without_change(void)
{
	atomic_store_explicit(&word, 0, memory_order_relaxed);
	pthread_t a = started(wake_only);
	futex(FUTEX_WAIT, 0, NULL);
	pthread_join(a, NULL);
}

static void futex_in_time(void)
{
	struct timespec time = {0, 1000000}, at = after_ms(CLOCK_REALTIME, 3);
	atomic_store_explicit(&word, 0, memory_order_relaxed);
	pthread_t a = started(change_and_wake);
	long why = futex(FUTEX_WAIT, 0, &time);
	sees(why == 0 ? 0 : errno == ETIMEDOUT ? 1 : errno == EAGAIN ? 2 : 5);
	why = futex(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at);
	sees(why == 0 ? 0 : errno == ETIMEDOUT ? 3 : errno == EAGAIN ? 2 : 5);
	pthread_join(a, NULL);
}

static void *sleep_on_word(void *arg)
{
	must(futex(FUTEX_WAIT, 0, NULL) == 0 || errno == EAGAIN);
	*(int *)arg = 1;
	return NULL;
}

static void futex_wakes_two_of_three(void)
{
	pthread_t threads[3];
	static _Atomic int awake[3];
	atomic_store(&word, 0);
	for (int i = 0; i < 3; i++) {
		atomic_store(&awake[i], 0);
		pthread_create(&threads[i], NULL, sleep_on_word, (void *)&awake[i]);
	}
	long woken = 0;
	while (woken < 3)
		woken += futex(FUTEX_WAKE, 2, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/* Time ------------------------------------------------------------------------------------------------------------------------------ */

static _Atomic int flag;

static void *set_flag(void *arg)
{
	(void)arg;
	atomic_store(&flag, 1);
	return NULL;
}

static void sleep_orders_nothing(void)
{
	atomic_store(&flag, 0);
	pthread_t a = started(set_flag);
	sleep(100);
	sees((unsigned)atomic_load(&flag));
	pthread_join(a, NULL);
}

static void sleeps_pass_time(void)
{
	struct timespec start, end, second = {1, 0}, at = after_ms(CLOCK_MONOTONIC, 6000);
	clock_gettime(CLOCK_REALTIME, &start);
	must(!sleep(3) && !usleep(999999) && !nanosleep(&second, NULL) && !thrd_sleep(&second, NULL));
	must(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
	clock_gettime(CLOCK_REALTIME, &end);
	must(end.tv_sec >= start.tv_sec + 5 && end.tv_sec <= start.tv_sec + 7);
	must(select(0, NULL, NULL, NULL, &(struct timeval){1, 0}) == 0 && poll(NULL, 0, 1000) == 0);
	clock_gettime(CLOCK_REALTIME, &end);
	must(end.tv_sec >= start.tv_sec + 7);
}

static struct timespec other_time;

static void *look_at_clock(void *arg)
{
	(void)arg;
	sleep(5);
	clock_gettime(CLOCK_MONOTONIC, &other_time);
	return NULL;
}

static bool is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void time_follows_happens_before(void)
{
	struct timespec before, after;
	struct timeval day;
	must(!clock_gettime(CLOCK_MONOTONIC, &before));
	pthread_join(started(look_at_clock), NULL);
	must(!clock_gettime(CLOCK_MONOTONIC, &after));
	must(is_later(other_time, before) && is_later(after, other_time));
	must(after.tv_sec >= before.tv_sec + 5);
	must(!gettimeofday(&day, NULL));
	must(day.tv_sec <= time(NULL) && time(NULL) < day.tv_sec + 3600);
	must(timespec_get(&after, TIME_UTC) == TIME_UTC && after.tv_sec >= day.tv_sec);
}

static void looking_at_the_clock_passes_time(void)
{
	struct timespec end = after_ms(CLOCK_MONOTONIC, 10000), now;
	int looks = 0;
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		looks++;
	} while (is_later(end, now));
	must(looks < 1000);
}

static const struct sync_program programs[] = {
	{"signal_hands_over", signal_hands_over, 0, NULL, 0, true, false},
	{"signal_wakes_one_of_two", signal_wakes_one_of_two, 3, NULL, 0, false, true},
	{"broadcast_wakes_all", broadcast_wakes_all, 0, NULL, 0, false, false},
	{"timed_wait_ends_either_way", timed_wait_ends_either_way, 7, NULL, 0, false, false},
	{"timed_waits_in_a_loop", timed_waits_in_a_loop, 0, NULL, 0, false, false},
	{"wait_times_out_alone", wait_times_out_alone, 0, NULL, 0, false, false},
	{"if_without_spurious_wakeups", if_without_spurious_wakeups, 0, NULL, 0, false, false},
	{"if_with_spurious_wakeups", if_without_spurious_wakeups, 0, "ready", FINDING_ASSERTION, true, false},
	{"signal_before_wait", signal_before_wait, 0, "signalled when nobody waited", FINDING_LOST_WAKEUP, false, false},
	{"never_signalled", never_signalled, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"destroy_with_waiters", destroy_with_waiters, 0, "that has waiters", FINDING_MISUSE, false, false},
	{"two_mutexes", two_mutexes, 0, "with another mutex", FINDING_MISUSE, false, false},
	{"wait_without_mutex", wait_without_mutex, 0, "without holding", FINDING_MISUSE, false, false},
	{"cnd_hands_over", cnd_hands_over, 3, NULL, 0, false, false},
	{"semaphores_hand_over", semaphores_hand_over, 0, NULL, 0, false, false},
	{"semaphore_polled", semaphore_polled, 0, NULL, 0, false, false},
	{"semaphore_in_time", semaphore_in_time, 15, NULL, 0, false, false},
	{"semaphore_overflows", semaphore_overflows, 0, "beyond", FINDING_MISUSE, false, false},
	{"semaphore_destroyed", semaphore_destroyed_under_a_waiter, 0, "that was destroyed", FINDING_MISUSE, false, false},
	{"barrier_meets", barrier_meets, 0, NULL, 0, false, false},
	{"barrier_destroyed_by_one", barrier_is_destroyed_by_the_serial_thread, 0, NULL, 0, false, false},
	{"barrier_of_too_many", barrier_of_too_many, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"futex_mutex_excludes", futex_mutex_excludes, 0, NULL, 0, false, false},
	{"futex_mutex_forgets_to_wake", futex_mutex_forgets_to_wake, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"futex_wait_is_never_missed", futex_wait_is_never_missed, 3, NULL, 0, false, false},
	{"futex_wake_without_change", futex_wake_without_change, 0, "signalled when nobody waited", FINDING_LOST_WAKEUP, false,
		false},
	{"futex_in_time", futex_in_time, 15, NULL, 0, false, false},
	{"futex_wakes_two_of_three", futex_wakes_two_of_three, 0, NULL, 0, false, true},
	{"sleep_orders_nothing", sleep_orders_nothing, 3, NULL, 0, false, false},
	{"sleeps_pass_time", sleeps_pass_time, 0, NULL, 0, false, false},
	{"time_follows_happens_before", time_follows_happens_before, 0, NULL, 0, false, false},
	{"looking_at_the_clock_passes_time", looking_at_the_clock_passes_time, 0, NULL, 0, false, false},
};
SYNC_PROGRAMS(waits, programs);
