/* SPDX-License-Identifier: MIT */
/* Mutexes, read-write locks, spin locks, once. */
#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#include "test_sync_programs.h"

static pthread_mutex_t m, n;
static int count;

static struct timespec in_a_second(void)
{
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec++;
	return at;
}

static void make_mutex(pthread_mutex_t *mutex, int type, int robust)
{
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, type);
	pthread_mutexattr_setrobust(&attr, robust);
	must(!pthread_mutex_init(mutex, &attr));
	pthread_mutexattr_destroy(&attr);
}

static void *add(void *arg)
{
	(void)arg;
	must(!pthread_mutex_lock(&m));
	count++;
	must(!pthread_mutex_unlock(&m));
	return NULL;
}

static void excludes(int type)
{
	make_mutex(&m, type, PTHREAD_MUTEX_STALLED);
	count = 0;
	pthread_t a = started(add), b = started(add);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count == 2);
	must(!pthread_mutex_destroy(&m));
}

static void normal_excludes(void)
{
	excludes(PTHREAD_MUTEX_NORMAL);
}

static void adaptive_excludes(void)
{
	excludes(PTHREAD_MUTEX_ADAPTIVE_NP);
}

static void *nest(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		must(!pthread_mutex_lock(&m));
	must(!pthread_mutex_trylock(&m));
	count++;
	for (int i = 0; i < 4; i++)
		must(!pthread_mutex_unlock(&m));
	must(pthread_mutex_unlock(&m) == EPERM);
	return NULL;
}

static void recursive_nests(void)
{
	m = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	count = 0;
	pthread_t a = started(nest), b = started(nest);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count == 2);
}

static void *not_mine(void *arg)
{
	(void)arg;
	must(pthread_mutex_unlock(&m) == EPERM);
	return NULL;
}

static void errorcheck_checks(void)
{
	make_mutex(&m, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED);
	must(pthread_mutex_unlock(&m) == EPERM);
	must(!pthread_mutex_lock(&m));
	must(pthread_mutex_lock(&m) == EDEADLK);
	must(pthread_mutex_trylock(&m) == EBUSY);
	pthread_join(started(not_mine), NULL);
	must(!pthread_mutex_unlock(&m));
	must(!pthread_mutex_destroy(&m));
}

static void *try_it(void *arg)
{
	(void)arg;
	int why = pthread_mutex_trylock(&m);
	must(why == 0 || why == EBUSY);
	sees(why ? 1 : 0);
	if (why)
		return NULL;
	count++;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void trylock_tries(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	count = 0;
	pthread_t a = started(try_it), b = started(add);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count >= 1);
}

static void *try_until_mine(void *arg)
{
	(void)arg;
	while (pthread_mutex_trylock(&m) != 0)
		sched_yield();
	count++;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void trylock_in_a_loop(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	count = 0;
	pthread_t a = started(try_until_mine), b = started(try_until_mine);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count == 2);
}

static void *try_thrice(void *arg)
{
	(void)arg;
	unsigned failed = 0;
	while (failed < 3 && pthread_mutex_trylock(&m) != 0)
		failed++;
	sees(failed);
	if (failed < 3)
		pthread_mutex_unlock(&m);
	return NULL;
}

/* The turns of a loop that counts are not alike. */
static void trylock_a_few_times(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_t a = started(try_thrice), b = started(add);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void *lock_in_time(void *arg)
{
	(void)arg;
	struct timespec at = in_a_second(), now;
	int why = pthread_mutex_timedlock(&m, &at);
	must(why == 0 || why == ETIMEDOUT);
	sees(why ? 1 : 0);
	if (why) {
		clock_gettime(CLOCK_REALTIME, &now);
		must(now.tv_sec >= at.tv_sec);
		return NULL;
	}
	count++;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void timedlock_ends_either_way(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	count = 0;
	pthread_t a = started(lock_in_time), b = started(add);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void *lock_late(void *arg)
{
	(void)arg;
	struct timespec past = {0, 0}, wrong = {0, 1000000000}, at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec = (at.tv_nsec + 1000) % 1000000000;
	must(pthread_mutex_timedlock(&m, &past) == ETIMEDOUT);
	must(pthread_mutex_timedlock(&m, &wrong) == EINVAL);
	must(pthread_mutex_clocklock(&m, CLOCK_MONOTONIC, &at) == ETIMEDOUT);
	return NULL;
}

static void timedlock_of_a_held_mutex_times_out(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	must(!pthread_mutex_lock(&m));
	pthread_join(started(lock_late), NULL);
	must(!pthread_mutex_unlock(&m));
}

static void *die_with_it(void *arg)
{
	(void)arg;
	int why = pthread_mutex_lock(&m);
	must(why == 0 || why == EOWNERDEAD);
	count = 1;
	return NULL;
}

static void robust_passes_on(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
	count = 0;
	pthread_t a = started(die_with_it);
	int why = pthread_mutex_lock(&m);
	must(why == 0 || why == EOWNERDEAD);
	must(count == (why != 0));
	sees(why ? 1 : 0);
	if (why)
		must(!pthread_mutex_consistent(&m));
	must(!pthread_mutex_unlock(&m));
	pthread_join(a, NULL);
	must(pthread_mutex_lock(&m) == (why ? 0 : EOWNERDEAD));
	if (!why)
		must(!pthread_mutex_consistent(&m));
	must(!pthread_mutex_unlock(&m));
}

static void robust_is_lost(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST);
	pthread_join(started(die_with_it), NULL);
	must(pthread_mutex_lock(&m) == EOWNERDEAD);
	must(!pthread_mutex_unlock(&m));
	must(pthread_mutex_lock(&m) == ENOTRECOVERABLE);
	must(pthread_mutex_trylock(&m) == ENOTRECOVERABLE);
	must(pthread_mutex_consistent(&m) == EINVAL);
}

static void use_on_stack(void)
{
	pthread_mutex_t here = PTHREAD_MUTEX_INITIALIZER;
	must(!pthread_mutex_lock(&here));
	must(!pthread_mutex_unlock(&here));
	must(!pthread_mutex_destroy(&here));
}

static void destroyed_and_made_anew(void)
{
	for (int i = 0; i < 3; i++)
		use_on_stack();
}

/* What was there before says nothing. */
static void one_after_another_at_a_place(void)
{
	static union {
		sem_t s;
		pthread_mutex_t m;
		pthread_rwlock_t l;
	} u;
	must(!sem_init(&u.s, 0, 3));
	u.m = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	must(!pthread_mutex_trylock(&u.m));
	u.l = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
	must(!pthread_rwlock_trywrlock(&u.l));
	must(!pthread_rwlock_unlock(&u.l));
}

static mtx_t mtx;
static int add_c11(void *arg)
{
	must(mtx_lock(&mtx) == thrd_success);
	count++;
	must(mtx_unlock(&mtx) == thrd_success);
	return *(int *)arg;
}

static void mtx_excludes(void)
{
	thrd_t a, b;
	int seven = 7, minus = -3, result;
	must(mtx_init(&mtx, mtx_plain) == thrd_success);
	count = 0;
	must(thrd_create(&a, add_c11, &seven) == thrd_success);
	must(thrd_create(&b, add_c11, &minus) == thrd_success);
	must(thrd_join(a, &result) == thrd_success && result == 7);
	must(thrd_join(b, &result) == thrd_success && result == -3);
	must(count == 2);
	mtx_destroy(&mtx);
}

static int try_c11(void *arg)
{
	(void)arg;
	struct timespec at = in_a_second();
	int first = mtx_trylock(&mtx);
	must(first == thrd_success || first == thrd_busy);
	int second = mtx_timedlock(&mtx, &at);
	must(second == thrd_success || second == thrd_timedout);
	sees(first == thrd_success ? 0 : 1);
	sees(second == thrd_success ? 2 : 3);
	if (first == thrd_success)
		mtx_unlock(&mtx);
	if (second == thrd_success)
		mtx_unlock(&mtx);
	thrd_exit(5);
}

static void mtx_tries(void)
{
	thrd_t a;
	int result;
	must(mtx_init(&mtx, mtx_timed | mtx_recursive) == thrd_success);
	must(thrd_create(&a, try_c11, NULL) == thrd_success);
	mtx_lock(&mtx);
	mtx_unlock(&mtx);
	must(thrd_join(a, &result) == thrd_success && result == 5);
}

/* Misuse of mutexes ----------------------------------------------------------------------------------------------------------------- */

static void unlock_not_locked(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_mutex_unlock(&m);
}

static void *unlock_it(void *arg)
{
	(void)arg;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void unlock_by_another(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_mutex_lock(&m);
	pthread_join(started(unlock_it), NULL);
}

static void lock_destroyed(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_mutex_destroy(&m);
	pthread_mutex_lock(&m);
}

static void destroy_locked(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_mutex_lock(&m);
	pthread_mutex_destroy(&m);
	pthread_mutex_unlock(&m);
}

static void *keep_it(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	return NULL;
}

static void ends_with_a_lock(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_join(started(keep_it), NULL);
}

static void relock_own(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_mutex_lock(&m);
	pthread_mutex_lock(&m);
}

static void *lock_n_then_m(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&n);
	pthread_mutex_lock(&m);
	pthread_mutex_unlock(&m);
	pthread_mutex_unlock(&n);
	return NULL;
}

static void locks_in_two_orders(void)
{
	make_mutex(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	make_mutex(&n, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED);
	pthread_t a = started(lock_n_then_m);
	pthread_mutex_lock(&m);
	pthread_mutex_lock(&n);
	pthread_mutex_unlock(&n);
	pthread_mutex_unlock(&m);
	pthread_join(a, NULL);
}

static void *make_late(void *arg)
{
	(void)arg;
	pthread_mutex_init(&n, NULL);
	return NULL;
}

static void init_races_with_lock(void)
{
	memset(&n, 0, sizeof n);
	pthread_t a = started(make_late);
	pthread_mutex_lock(&n);
	pthread_mutex_unlock(&n);
	pthread_join(a, NULL);
}

/* Read-write locks ------------------------------------------------------------------------------------------------------------------ */

static pthread_rwlock_t rw;
static pthread_barrier_t both_in;

static void *read_together(void *arg)
{
	(void)arg;
	must(!pthread_rwlock_rdlock(&rw));
	must(!pthread_rwlock_rdlock(&rw));
	pthread_barrier_wait(&both_in);
	must(pthread_rwlock_trywrlock(&rw) == EBUSY);
	must(!pthread_rwlock_unlock(&rw));
	must(!pthread_rwlock_unlock(&rw));
	return NULL;
}

static void readers_share(void)
{
	must(!pthread_rwlock_init(&rw, NULL));
	must(!pthread_barrier_init(&both_in, NULL, 2));
	pthread_t a = started(read_together);
	read_together(NULL);
	pthread_join(a, NULL);
	must(!pthread_rwlock_destroy(&rw));
	must(!pthread_barrier_destroy(&both_in));
}

static void *write_alone(void *arg)
{
	(void)arg;
	must(!pthread_rwlock_wrlock(&rw));
	must(pthread_rwlock_rdlock(&rw) == EDEADLK);
	count += 2;
	must(!pthread_rwlock_unlock(&rw));
	return NULL;
}

static void *read_sum(void *arg)
{
	(void)arg;
	must(!pthread_rwlock_rdlock(&rw));
	sees((unsigned)count / 2);
	must(!pthread_rwlock_unlock(&rw));
	return NULL;
}

static void writers_exclude(void)
{
	rw = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
	count = 0;
	pthread_t a = started(write_alone), b = started(write_alone), c = started(read_sum);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	pthread_join(c, NULL);
	must(count == 4);
}

static void *write_for_a_while(void *arg)
{
	(void)arg;
	pthread_rwlock_wrlock(&rw);
	pthread_rwlock_unlock(&rw);
	return NULL;
}

static void rwlock_tries_and_times(void)
{
	pthread_rwlock_init(&rw, NULL);
	pthread_t a = started(write_for_a_while);
	struct timespec at = in_a_second();
	int tried = pthread_rwlock_tryrdlock(&rw), timed = pthread_rwlock_timedwrlock(&rw, &at);
	must(tried == 0 || tried == EBUSY);
	must(timed == 0 || timed == ETIMEDOUT);
	must(!(tried == 0 && timed == 0));
	sees(tried == 0 ? 0 : timed == 0 ? 1 : 2);
	if (tried == 0 || timed == 0)
		pthread_rwlock_unlock(&rw);
	pthread_join(a, NULL);
}

static void rwlock_unlock_unlocked(void)
{
	pthread_rwlock_init(&rw, NULL);
	pthread_rwlock_unlock(&rw);
}

static void *unlock_rw(void *arg)
{
	(void)arg;
	pthread_rwlock_unlock(&rw);
	return NULL;
}

static void rwlock_unlock_by_another(void)
{
	pthread_rwlock_init(&rw, NULL);
	pthread_rwlock_wrlock(&rw);
	pthread_join(started(unlock_rw), NULL);
	pthread_rwlock_unlock(&rw);
}

static void rwlock_destroy_locked(void)
{
	pthread_rwlock_init(&rw, NULL);
	pthread_rwlock_rdlock(&rw);
	pthread_rwlock_destroy(&rw);
	pthread_rwlock_unlock(&rw);
}

static void *write_as_reader(void *arg)
{
	(void)arg;
	pthread_rwlock_rdlock(&rw);
	count++;
	pthread_rwlock_unlock(&rw);
	return NULL;
}

static void readers_that_write_race(void)
{
	pthread_rwlock_init(&rw, NULL);
	count = 0;
	pthread_t a = started(write_as_reader);
	write_as_reader(NULL);
	pthread_join(a, NULL);
}

/* Spin locks ------------------------------------------------------------------------------------------------------------------------ */

static pthread_spinlock_t spin;

static void *spin_add(void *arg)
{
	(void)arg;
	pthread_spin_lock(&spin);
	count++;
	pthread_spin_unlock(&spin);
	return NULL;
}

static void spin_excludes(void)
{
	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	count = 0;
	pthread_t a = started(spin_add);
	int why = pthread_spin_trylock(&spin);
	must(why == 0 || why == EBUSY);
	sees(why ? 1 : 0);
	if (!why) {
		count++;
		pthread_spin_unlock(&spin);
	}
	pthread_join(a, NULL);
	must(count == (why ? 1 : 2));
	must(!pthread_spin_destroy(&spin));
}

static void spin_never_initialised(void)
{
	memset((void *)&spin, 0, sizeof spin);
	pthread_spin_lock(&spin);
	pthread_spin_unlock(&spin);
}

static void spin_relock_own(void)
{
	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	pthread_spin_lock(&spin);
	pthread_spin_lock(&spin);
}

static void spin_unlock_unlocked(void)
{
	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	pthread_spin_unlock(&spin);
}

/* Once ------------------------------------------------------------------------------------------------------------------------------ */

static pthread_once_t once;
static once_flag flag;

static void load(void)
{
	count++;
}

static void *use_once(void *arg)
{
	(void)arg;
	must(!pthread_once(&once, load));
	must(count == 1);
	return NULL;
}

static void once_is_once(void)
{
	once = PTHREAD_ONCE_INIT;
	count = 0;
	pthread_t a = started(use_once), b = started(use_once);
	use_once(NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count == 1);
	once = PTHREAD_ONCE_INIT;
	must(!pthread_once(&once, load));
	must(count == 2);
}

static void *use_call_once(void *arg)
{
	(void)arg;
	call_once(&flag, load);
	must(count == 1);
	return NULL;
}

static void call_once_is_once(void)
{
	flag = (once_flag)ONCE_FLAG_INIT;
	count = 0;
	pthread_t a = started(use_call_once);
	use_call_once(NULL);
	pthread_join(a, NULL);
}

static void fail_first(void)
{
	if (count++ == 0)
		pthread_exit(NULL);
}

static void *use_failing(void *arg)
{
	(void)arg;
	pthread_once(&once, fail_first);
	return (void *)1;
}

static void once_left_by_exit(void)
{
	once = PTHREAD_ONCE_INIT;
	count = 0;
	void *one, *other;
	pthread_t a = started(use_failing), b = started(use_failing);
	pthread_join(a, &one);
	pthread_join(b, &other);
	must(count == 2);
	must(!one != !other);
	sees(one ? 1 : 0);
}

static void load_again(void)
{
	pthread_once(&once, load_again);
}

static void once_inside_itself(void)
{
	once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load_again);
}

static const struct sync_program programs[] = {
	{"normal_excludes", normal_excludes, 0, NULL, 0, false, false},
	{"adaptive_excludes", adaptive_excludes, 0, NULL, 0, false, false},
	{"recursive_nests", recursive_nests, 0, NULL, 0, false, false},
	{"errorcheck_checks", errorcheck_checks, 0, NULL, 0, false, false},
	{"trylock_tries", trylock_tries, 3, NULL, 0, false, false},
	{"trylock_in_a_loop", trylock_in_a_loop, 0, NULL, 0, false, false},
	{"trylock_a_few_times", trylock_a_few_times, 15, NULL, 0, false, false},
	{"timedlock_ends_either_way", timedlock_ends_either_way, 3, NULL, 0, false, false},
	{"timedlock_of_a_held_mutex_times_out", timedlock_of_a_held_mutex_times_out, 0, NULL, 0, false, false},
	{"robust_passes_on", robust_passes_on, 3, NULL, 0, false, false},
	{"robust_is_lost", robust_is_lost, 0, NULL, 0, false, false},
	{"destroyed_and_made_anew", destroyed_and_made_anew, 0, NULL, 0, false, false},
	{"one_after_another_at_a_place", one_after_another_at_a_place, 0, NULL, 0, false, false},
	{"mtx_excludes", mtx_excludes, 0, NULL, 0, false, false},
	{"mtx_tries", mtx_tries, 15, NULL, 0, false, false},
	{"unlock_not_locked", unlock_not_locked, 0, "not locked", FINDING_MISUSE, false, false},
	{"unlock_by_another", unlock_by_another, 0, "unlocks a mutex that thread 0 holds", FINDING_MISUSE, false, false},
	{"lock_destroyed", lock_destroyed, 0, "locks a mutex that was destroyed", FINDING_MISUSE, false, false},
	{"destroy_locked", destroy_locked, 0, "destroys a mutex that is locked", FINDING_MISUSE, false, false},
	{"ends_with_a_lock", ends_with_a_lock, 0, "ends while it holds a mutex", FINDING_MISUSE, false, false},
	{"relock_own", relock_own, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"locks_in_two_orders", locks_in_two_orders, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"init_races_with_lock", init_races_with_lock, 0, "nothing orders the two", FINDING_DATA_RACE, false, false},
	{"readers_share", readers_share, 0, NULL, 0, false, false},
	{"writers_exclude", writers_exclude, 7, NULL, 0, false, false},
	{"rwlock_tries_and_times", rwlock_tries_and_times, 7, NULL, 0, false, false},
	{"rwlock_unlock_unlocked", rwlock_unlock_unlocked, 0, "does not hold", FINDING_MISUSE, false, false},
	{"rwlock_unlock_by_another", rwlock_unlock_by_another, 0, "thread 0 holds", FINDING_MISUSE, false, false},
	{"rwlock_destroy_locked", rwlock_destroy_locked, 0, "that is locked", FINDING_MISUSE, false, false},
	{"readers_that_write_race", readers_that_write_race, 0, "nothing orders the two", FINDING_DATA_RACE, false, false},
	{"spin_excludes", spin_excludes, 3, NULL, 0, false, false},
	{"spin_never_initialised", spin_never_initialised, 0, "never initialised", FINDING_MISUSE, false, false},
	{"spin_relock_own", spin_relock_own, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"spin_unlock_unlocked", spin_unlock_unlocked, 0, "not locked", FINDING_MISUSE, false, false},
	{"once_is_once", once_is_once, 0, NULL, 0, false, false},
	{"call_once_is_once", call_once_is_once, 0, NULL, 0, false, false},
	{"once_left_by_exit", once_left_by_exit, 3, NULL, 0, false, false},
	{"once_inside_itself", once_inside_itself, 0, "nobody can move", FINDING_DEADLOCK, false, false},
};
SYNC_PROGRAMS(locks, programs);
