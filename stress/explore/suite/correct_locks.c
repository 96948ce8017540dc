/* SPDX-License-Identifier: MIT */
/* Correct programs: locks, those of the library and hand-made ones. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "suite.h"

static int data; /* plain: guarded by the lock that the program shows */
static pthread_mutex_t a, b;

static void mutex_actor(void)
{
	must(!pthread_mutex_lock(&a));
	data++;
	must(!pthread_mutex_unlock(&a));
}
static void mutex(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(mutex_actor, mutex_actor, mutex_actor);
	must(data == 3);
	must(!pthread_mutex_destroy(&a));
}

static void init_mutex(pthread_mutex_t *mutex_of, int type)
{
	pthread_mutexattr_t attributes;
	must(!pthread_mutexattr_init(&attributes));
	must(!pthread_mutexattr_settype(&attributes, type));
	must(!pthread_mutex_init(mutex_of, &attributes));
	must(!pthread_mutexattr_destroy(&attributes));
}

static void recursive_actor(void)
{
	must(!pthread_mutex_lock(&a));
	mutex_actor();
	data++;
	must(!pthread_mutex_unlock(&a));
}
static void recursive_mutex(void)
{
	data = 0;
	init_mutex(&a, PTHREAD_MUTEX_RECURSIVE);
	TOGETHER(recursive_actor, recursive_actor);
	must(data == 4);
	must(!pthread_mutex_destroy(&a));
}

/* An error-checking mutex says so instead of waiting for itself. */
static void checking_actor(void)
{
	must(!pthread_mutex_lock(&a));
	must(pthread_mutex_lock(&a) == EDEADLK);
	data++;
	must(!pthread_mutex_unlock(&a));
}
static void errorcheck_mutex(void)
{
	data = 0;
	init_mutex(&a, PTHREAD_MUTEX_ERRORCHECK);
	TOGETHER(checking_actor, checking_actor);
	must(data == 2);
	must(!pthread_mutex_destroy(&a));
}

static void try_actor(void)
{
	int error;
	while ((error = pthread_mutex_trylock(&a))) {
		must(error == EBUSY);
		sched_yield();
	}
	data++;
	must(!pthread_mutex_unlock(&a));
}
static void trylock_loop(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(try_actor, try_actor);
	must(data == 2);
	must(!pthread_mutex_destroy(&a));
}

static void try_once(void)
{
	if (!pthread_mutex_trylock(&a)) {
		data++;
		must(!pthread_mutex_unlock(&a));
	}
}
static void trylock_once(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(try_once, try_once, mutex_actor);
	must(data >= 1 && data <= 3);
	must(!pthread_mutex_destroy(&a));
}

static void timed_actor(void)
{
	struct timespec until;
	must(!clock_gettime(CLOCK_REALTIME, &until));
	until.tv_sec++;
	int error = pthread_mutex_timedlock(&a, &until);
	must(!error || error == ETIMEDOUT);
	if (!error) {
		data++;
		must(!pthread_mutex_unlock(&a));
	}
}
static void timedlock(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(timed_actor, mutex_actor);
	must(data == 1 || data == 2);
	must(!pthread_mutex_destroy(&a));
}

/* Always a before b. */
static void both_actor(void)
{
	must(!pthread_mutex_lock(&a));
	must(!pthread_mutex_lock(&b));
	data++;
	must(!pthread_mutex_unlock(&b));
	must(!pthread_mutex_unlock(&a));
}
static void lock_order(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	must(!pthread_mutex_init(&b, NULL));
	TOGETHER(both_actor, both_actor);
	must(data == 2);
	must(!pthread_mutex_destroy(&a));
	must(!pthread_mutex_destroy(&b));
}

/* The other order is fine for who lets go instead of waiting. */
static void back_off_actor(void)
{
	for (;;) {
		must(!pthread_mutex_lock(&b));
		if (!pthread_mutex_trylock(&a))
			break;
		must(!pthread_mutex_unlock(&b));
		sched_yield();
	}
	data++;
	must(!pthread_mutex_unlock(&a));
	must(!pthread_mutex_unlock(&b));
}
static void back_off(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	must(!pthread_mutex_init(&b, NULL));
	TOGETHER(both_actor, back_off_actor);
	must(data == 2);
	must(!pthread_mutex_destroy(&a));
	must(!pthread_mutex_destroy(&b));
}

/* Hand over hand: the second lock is taken before the first is let go. */
static int stations[2];
static void hand_over_hand_actor(void)
{
	must(!pthread_mutex_lock(&a));
	stations[0]++;
	must(!pthread_mutex_lock(&b));
	must(!pthread_mutex_unlock(&a));
	stations[1]++;
	must(!pthread_mutex_unlock(&b));
}
static void hand_over_hand(void)
{
	stations[0] = stations[1] = 0;
	must(!pthread_mutex_init(&a, NULL));
	must(!pthread_mutex_init(&b, NULL));
	TOGETHER(hand_over_hand_actor, hand_over_hand_actor);
	must(stations[0] == 2 && stations[1] == 2);
	must(!pthread_mutex_destroy(&a));
	must(!pthread_mutex_destroy(&b));
}

/* A robust mutex survives its owner. */
static void dying_owner(void)
{
	int error = pthread_mutex_lock(&a);
	must(!error || error == EOWNERDEAD);
	if (error)
		must(!pthread_mutex_consistent(&a));
	data++;
}
static void heir(void)
{
	int error = pthread_mutex_lock(&a);
	must(!error || error == EOWNERDEAD);
	if (error)
		must(!pthread_mutex_consistent(&a));
	data++;
	must(!pthread_mutex_unlock(&a));
}
static void robust_mutex(void)
{
	pthread_mutexattr_t attributes;
	data = 0;
	must(!pthread_mutexattr_init(&attributes));
	must(!pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
	must(!pthread_mutex_init(&a, &attributes));
	must(!pthread_mutexattr_destroy(&attributes));
	TOGETHER(dying_owner, heir);
	heir();
	must(data == 3);
	must(!pthread_mutex_destroy(&a));
}

static pthread_mutex_t fixed = PTHREAD_MUTEX_INITIALIZER;
static void fixed_actor(void)
{
	must(!pthread_mutex_lock(&fixed));
	data++;
	must(!pthread_mutex_unlock(&fixed));
}
static void static_mutex(void)
{
	data = 0;
	TOGETHER(fixed_actor, fixed_actor);
	must(data == 2);
}

static mtx_t standard;
static void mtx_actor(void)
{
	must(mtx_lock(&standard) == thrd_success);
	data++;
	must(mtx_unlock(&standard) == thrd_success);
}
static void mtx_try_actor(void)
{
	while (mtx_trylock(&standard) != thrd_success)
		thrd_yield();
	data++;
	must(mtx_unlock(&standard) == thrd_success);
}
static void c11_mutex(void)
{
	data = 0;
	must(mtx_init(&standard, mtx_plain) == thrd_success);
	TOGETHER(mtx_actor, mtx_try_actor);
	must(data == 2);
	mtx_destroy(&standard);
}

static sem_t semaphore;
static void semaphore_actor(void)
{
	must(!sem_wait(&semaphore));
	data++;
	must(!sem_post(&semaphore));
}
static void semaphore_as_lock(void)
{
	data = 0;
	must(!sem_init(&semaphore, 0, 1));
	TOGETHER(semaphore_actor, semaphore_actor);
	must(data == 2);
	must(!sem_destroy(&semaphore));
}

static pthread_spinlock_t spin;
static void spin_actor(void)
{
	must(!pthread_spin_lock(&spin));
	data++;
	must(!pthread_spin_unlock(&spin));
}
static void spin_lock(void)
{
	data = 0;
	must(!pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
	TOGETHER(spin_actor, spin_actor);
	must(data == 2);
	must(!pthread_spin_destroy(&spin));
}

/* --- readers and writers ---------------------------------------------------------------------------------------------------------- */

static pthread_rwlock_t rwlock;
static int left, right;
static void rw_writer(void)
{
	must(!pthread_rwlock_wrlock(&rwlock));
	left++;
	right++;
	must(!pthread_rwlock_unlock(&rwlock));
}
static void rw_reader(void)
{
	must(!pthread_rwlock_rdlock(&rwlock));
	must(left == right);
	must(!pthread_rwlock_unlock(&rwlock));
}
static void read_write_lock(void)
{
	left = right = 0;
	must(!pthread_rwlock_init(&rwlock, NULL));
	TOGETHER(rw_writer, rw_reader, rw_reader);
	must(left == 1);
	must(!pthread_rwlock_destroy(&rwlock));
}
static void two_writers(void)
{
	left = right = 0;
	must(!pthread_rwlock_init(&rwlock, NULL));
	TOGETHER(rw_writer, rw_writer, rw_reader);
	must(left == 2);
	must(!pthread_rwlock_destroy(&rwlock));
}

static void rw_try_reader(void)
{
	if (!pthread_rwlock_tryrdlock(&rwlock)) {
		must(left == right);
		must(!pthread_rwlock_unlock(&rwlock));
	}
}
static void rw_try_writer(void)
{
	if (!pthread_rwlock_trywrlock(&rwlock)) {
		left++;
		right++;
		must(!pthread_rwlock_unlock(&rwlock));
	}
}
static void read_write_try(void)
{
	left = right = 0;
	must(!pthread_rwlock_init(&rwlock, NULL));
	TOGETHER(rw_try_writer, rw_try_reader);
	must(left == right);
	must(!pthread_rwlock_destroy(&rwlock));
}

/* --- hand-made locks -------------------------------------------------------------------------------------------------------------- */

static _Atomic int taken;
static void tas_actor(void)
{
	while (atomic_exchange_explicit(&taken, 1, memory_order_acquire))
		continue;
	data++;
	atomic_store_explicit(&taken, 0, memory_order_release);
}
static void tas_lock(void)
{
	data = 0;
	atomic_init(&taken, 0);
	TOGETHER(tas_actor, tas_actor);
	must(data == 2);
}

static void ttas_actor(void)
{
	do {
		while (atomic_load_explicit(&taken, memory_order_relaxed))
			sched_yield();
	} while (atomic_exchange_explicit(&taken, 1, memory_order_acquire));
	data++;
	atomic_store_explicit(&taken, 0, memory_order_release);
}
static void ttas_lock(void)
{
	data = 0;
	atomic_init(&taken, 0);
	TOGETHER(ttas_actor, ttas_actor);
	must(data == 2);
}

static _Atomic unsigned next_ticket, serving;
static void ticket_actor(void)
{
	unsigned mine = atomic_fetch_add_explicit(&next_ticket, 1, memory_order_relaxed);
	while (atomic_load_explicit(&serving, memory_order_acquire) != mine)
		continue;
	data++;
	atomic_store_explicit(&serving, mine + 1, memory_order_release);
}
static void ticket_lock(void)
{
	data = 0;
	atomic_init(&next_ticket, 0);
	atomic_init(&serving, 0);
	TOGETHER(ticket_actor, ticket_actor, ticket_actor);
	must(data == 3);
}

/* MCS (Mellor-Crummey and Scott, 1991): each waiter spins on its own node. */
struct node {
	_Atomic(struct node *) next;
	_Atomic int waits;
};
static _Atomic(struct node *) tail;
static void mcs_actor(void)
{
	struct node mine, *before, *behind, *expected = &mine;
	atomic_init(&mine.next, NULL);
	atomic_init(&mine.waits, 1);
	before = atomic_exchange_explicit(&tail, &mine, memory_order_acq_rel);
	if (before) {
		atomic_store_explicit(&before->next, &mine, memory_order_release);
		while (atomic_load_explicit(&mine.waits, memory_order_acquire))
			continue;
	}
	data++;
	behind = atomic_load_explicit(&mine.next, memory_order_acquire);
	if (!behind) {
		if (atomic_compare_exchange_strong_explicit(&tail, &expected, NULL, memory_order_release, memory_order_relaxed))
			return;
		while (!(behind = atomic_load_explicit(&mine.next, memory_order_acquire)))
			continue;
	}
	atomic_store_explicit(&behind->waits, 0, memory_order_release);
}
static void mcs_lock(void)
{
	data = 0;
	atomic_init(&tail, NULL);
	TOGETHER(mcs_actor, mcs_actor);
	must(data == 2);
}

/* CLH (Craig; Landin and Hagersten): each waiter spins on the node of the one before it. */
struct clh_node {
	_Atomic int held;
};
static struct clh_node clh_nodes[3];
static _Atomic(struct clh_node *) clh_tail;
static void clh_pass(struct clh_node *mine)
{
	atomic_store_explicit(&mine->held, 1, memory_order_relaxed);
	struct clh_node *before = atomic_exchange_explicit(&clh_tail, mine, memory_order_acq_rel);
	while (atomic_load_explicit(&before->held, memory_order_acquire))
		continue;
	data++;
	atomic_store_explicit(&mine->held, 0, memory_order_release);
}
static void clh_actor_0(void)
{
	clh_pass(&clh_nodes[0]);
}
static void clh_actor_1(void)
{
	clh_pass(&clh_nodes[1]);
}
static void clh_lock(void)
{
	data = 0;
	for (int i = 0; i < 3; i++)
		atomic_init(&clh_nodes[i].held, 0);
	atomic_init(&clh_tail, &clh_nodes[2]);
	TOGETHER(clh_actor_0, clh_actor_1);
	must(data == 2);
}

/* Drepper, Futexes Are Tricky (2011), mutex 2: free 0, held 1, held and waited for 2. */
static long futex(_Atomic int *word, int operation, int value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}
static void futex_actor(void)
{
	int seen = 0;
	if (!atomic_compare_exchange_strong_explicit(&taken, &seen, 1, memory_order_acquire, memory_order_relaxed)) {
		if (seen != 2)
			seen = atomic_exchange_explicit(&taken, 2, memory_order_acquire);
		while (seen) {
			futex(&taken, FUTEX_WAIT_PRIVATE, 2);
			seen = atomic_exchange_explicit(&taken, 2, memory_order_acquire);
		}
	}
	data++;
	if (atomic_fetch_sub_explicit(&taken, 1, memory_order_release) != 1) {
		atomic_store_explicit(&taken, 0, memory_order_release);
		futex(&taken, FUTEX_WAKE_PRIVATE, 1);
	}
}
static void futex_mutex(void)
{
	data = 0;
	atomic_init(&taken, 0);
	TOGETHER(futex_actor, futex_actor);
	must(data == 2);
}

/* A block that is copied as a whole under its lock. */
static char text[32];
static void copy_in(void)
{
	must(!pthread_mutex_lock(&a));
	memcpy(text, "twenty-seven letters and six", 28);
	data = 28;
	must(!pthread_mutex_unlock(&a));
}
static void copy_out(void)
{
	char mine[32] = "";
	must(!pthread_mutex_lock(&a));
	memcpy(mine, text, sizeof mine);
	int length = data;
	must(!pthread_mutex_unlock(&a));
	must(strlen(mine) == (size_t)length);
}
static void copy_under_lock(void)
{
	data = 0;
	memset(text, 0, sizeof text);
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(copy_in, copy_out);
	must(!pthread_mutex_destroy(&a));
}

/* Counting and telling in one critical section. */
static int told;
static void count_and_tell(void)
{
	must(!pthread_mutex_lock(&a));
	int step = ++data;
	must(step > told);
	told = step;
	must(!pthread_mutex_unlock(&a));
}
static void teller_under_lock(void)
{
	data = told = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(count_and_tell, count_and_tell, count_and_tell);
	must(told == 3);
	must(!pthread_mutex_destroy(&a));
}

/* The error path unlocks as well. */
static int fail_or_count(int fails)
{
	int result = -1;
	must(!pthread_mutex_lock(&a));
	if (fails)
		goto out;
	data++;
	result = 0;
out:
	must(!pthread_mutex_unlock(&a));
	return result;
}
static void failing(void)
{
	must(fail_or_count(1) == -1);
}
static void succeeding(void)
{
	must(fail_or_count(0) == 0);
}
static void error_path(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(failing, succeeding);
	must(data == 1);
	must(!pthread_mutex_destroy(&a));
}

/* Loops that take a lock each turn. */
static int over;
static void sets_over(void)
{
	must(!pthread_mutex_lock(&a));
	data = 5;
	over = 1;
	must(!pthread_mutex_unlock(&a));
}
static void polls_under_lock(void)
{
	for (bool ends = false; !ends; sched_yield()) {
		must(!pthread_mutex_lock(&a));
		ends = over;
		must(!ends || data == 5);
		must(!pthread_mutex_unlock(&a));
	}
}
static void polls_by_trying(void)
{
	for (;;) {
		if (pthread_mutex_trylock(&a))
			continue;
		int seen = over;
		must(!pthread_mutex_unlock(&a));
		if (seen)
			return;
		usleep(10);
	}
}
static void polling(void)
{
	data = over = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(polls_under_lock, sets_over, polls_under_lock);
}
static void polling_by_trying(void)
{
	data = over = 0;
	must(!pthread_mutex_init(&a, NULL));
	TOGETHER(polls_by_trying, sets_over);
}
static pthread_rwlock_t polled;
static void reads_until_over(void)
{
	int seen;
	do {
		must(!pthread_rwlock_rdlock(&polled));
		seen = over;
		must(!pthread_rwlock_unlock(&polled));
	} while (!seen);
}
static void writes_over(void)
{
	must(!pthread_rwlock_wrlock(&polled));
	over = 1;
	must(!pthread_rwlock_unlock(&polled));
}
static void polling_as_reader(void)
{
	over = 0;
	must(!pthread_rwlock_init(&polled, NULL));
	TOGETHER(reads_until_over, writes_over, reads_until_over);
}

/* Works until it is told to stop: there is no end to what can happen before. */
static atomic_int stop_asked, turns_made;
static void works_until_told(void)
{
	while (!stop_asked)
		turns_made++;
}
static void tells(void)
{
	stop_asked = 1;
}
static void told_to_stop(void)
{
	stop_asked = turns_made = 0;
	TOGETHER(works_until_told, tells, works_until_told);
}

static const struct suite_program programs[] = {
	{"polling", polling, .proved = true},
	{"polling_by_trying", polling_by_trying, .proved = true},
	{"polling_as_reader", polling_as_reader, .proved = true},
	{"told_to_stop", told_to_stop, .proved = false} /* each turn is another execution */,
	{"mutex", mutex, .proved = true},
	{"recursive_mutex", recursive_mutex, .proved = true},
	{"errorcheck_mutex", errorcheck_mutex, .proved = true},
	{"trylock_loop", trylock_loop, .proved = true},
	{"trylock_once", trylock_once, .proved = true},
	{"timedlock", timedlock, .proved = true},
	{"lock_order", lock_order, .proved = true},
	{"back_off", back_off, .proved = true} /* up to a bound: each turn is news */,
	{"hand_over_hand", hand_over_hand, .proved = true},
	{"robust_mutex", robust_mutex, .proved = true},
	{"static_mutex", static_mutex, .proved = true},
	{"c11_mutex", c11_mutex, .proved = true},
	{"semaphore_as_lock", semaphore_as_lock, .proved = true},
	{"spin_lock", spin_lock, .proved = true},
	{"read_write_lock", read_write_lock, .proved = true},
	{"two_writers", two_writers, .proved = true},
	{"read_write_try", read_write_try, .proved = true},
	{"tas_lock", tas_lock, .proved = true},
	{"ttas_lock", ttas_lock, .proved = true},
	{"ticket_lock", ticket_lock, .proved = true},
	{"mcs_lock", mcs_lock, .proved = true},
	{"clh_lock", clh_lock, .proved = true},
	{"futex_mutex", futex_mutex, .proved = true},
	{"copy_under_lock", copy_under_lock, .proved = true},
	{"teller_under_lock", teller_under_lock, .proved = true},
	{"error_path", error_path, .proved = true},
};
SUITE_GROUP(correct_locks, programs, NULL);
