/* SPDX-License-Identifier: MIT */
/* Buggy programs: locks forgotten, in the wrong order, by the wrong thread, or wrongly made. Compare correct_locks.c. */
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "suite.h"

static int data;
static pthread_mutex_t a, b, c;

static void open_locks(void)
{
	data = 0;
	must(!pthread_mutex_init(&a, NULL));
	must(!pthread_mutex_init(&b, NULL));
	must(!pthread_mutex_init(&c, NULL));
}

static void under_a(void)
{
	must(!pthread_mutex_lock(&a));
	data++;
	must(!pthread_mutex_unlock(&a));
}
static void under_b(void)
{
	must(!pthread_mutex_lock(&b));
	data++;
	must(!pthread_mutex_unlock(&b));
}
static void no_lock(void)
{
	data++;
}
static void two_locks_for_one_thing(void)
{
	open_locks();
	TOGETHER(under_a, under_b);
}
static void one_without_lock(void)
{
	open_locks();
	TOGETHER(under_a, no_lock);
}

/* Reads under the lock, adds outside, writes under the lock. */
static void read_add_write(void)
{
	must(!pthread_mutex_lock(&a));
	int seen = data;
	must(!pthread_mutex_unlock(&a));
	seen++;
	must(!pthread_mutex_lock(&a));
	data = seen;
	must(!pthread_mutex_unlock(&a));
}
static void two_sections(void)
{
	open_locks();
	TOGETHER(read_add_write, read_add_write);
	must(data == 2);
}

/* Looks in one section, takes in the next: the seat may be gone. */
static int seats;
static void book(void)
{
	must(!pthread_mutex_lock(&a));
	int is_free = seats > 0;
	must(!pthread_mutex_unlock(&a));
	if (is_free) {
		must(!pthread_mutex_lock(&a));
		seats--;
		must(!pthread_mutex_unlock(&a));
	}
}
static void check_then_act(void)
{
	open_locks();
	seats = 1;
	TOGETHER(book, book);
	must(seats >= 0);
}

static void try_and_forget(void)
{
	int error = pthread_mutex_trylock(&a);
	data++;
	if (!error)
		must(!pthread_mutex_unlock(&a));
}
static void trylock_ignored(void)
{
	open_locks();
	TOGETHER(try_and_forget, try_and_forget);
}

/* --- deadlocks ----------------------------------------------------------------------------------------------------------------------- */

static void nest(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
	must(!pthread_mutex_lock(outer));
	must(!pthread_mutex_lock(inner));
	data++;
	must(!pthread_mutex_unlock(inner));
	must(!pthread_mutex_unlock(outer));
}
static void a_then_b(void)
{
	nest(&a, &b);
}
static void b_then_a(void)
{
	nest(&b, &a);
}
static void b_then_c(void)
{
	nest(&b, &c);
}
static void c_then_a(void)
{
	nest(&c, &a);
}
static void abba(void)
{
	open_locks();
	TOGETHER(a_then_b, b_then_a);
}
static void circle_of_three(void)
{
	open_locks();
	TOGETHER(a_then_b, b_then_c, c_then_a);
}
static void lock_twice(void)
{
	must(!pthread_mutex_lock(&a));
	under_a();
	must(!pthread_mutex_unlock(&a));
}
static void waits_for_itself(void)
{
	open_locks();
	TOGETHER(lock_twice);
}
static int fails;
static void forget_on_error(void)
{
	must(!pthread_mutex_lock(&a));
	if (fails++ == 0)
		return;
	must(!pthread_mutex_unlock(&a));
}
static void unlock_missing_on_error(void)
{
	open_locks();
	fails = 0;
	TOGETHER(forget_on_error, forget_on_error);
}
static void lock_recursively(void)
{
	must(!pthread_mutex_lock(&a));
	must(!pthread_mutex_lock(&a));
	data++;
	must(!pthread_mutex_unlock(&a)); /* once too few */
}
static void recursive_unlocked_once(void)
{
	pthread_mutexattr_t attributes;
	open_locks();
	must(!pthread_mutexattr_init(&attributes));
	must(!pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE));
	must(!pthread_mutex_init(&a, &attributes));
	TOGETHER(lock_recursively, under_a);
}
static pthread_rwlock_t rwlock;
static void upgrade(void)
{
	must(!pthread_rwlock_rdlock(&rwlock));
	int seen = data;
	pthread_rwlock_wrlock(&rwlock); /* waits for its own reader */
	data = seen + 1;
	pthread_rwlock_unlock(&rwlock);
}
static void read_lock_upgraded(void)
{
	data = 0;
	must(!pthread_rwlock_init(&rwlock, NULL));
	TOGETHER(upgrade, upgrade);
}
/* The first joins the second, which waits for a word that the first would give afterwards. */
static pthread_t second;
static sem_t word;
static void *wait_for_word(void *arg)
{
	must(!sem_wait(&word));
	return arg;
}
static void join_then_post(void)
{
	must(!pthread_create(&second, NULL, wait_for_word, NULL));
	must(!pthread_join(second, NULL));
	must(!sem_post(&word));
}
static void join_before_post(void)
{
	must(!sem_init(&word, 0, 0));
	TOGETHER(join_then_post);
}
static pthread_once_t once;
static void load_again(void)
{
	pthread_once(&once, load_again);
}
static void load_once(void)
{
	must(!pthread_once(&once, load_again));
}
static void once_within_once(void)
{
	static const pthread_once_t fresh = PTHREAD_ONCE_INIT;
	once = fresh;
	TOGETHER(load_once);
}

/* --- livelock ------------------------------------------------------------------------------------------------------------------------ */

/* Both hold one and try the other, for ever in step. */
static void polite(pthread_mutex_t *mine, pthread_mutex_t *other)
{
	for (;;) {
		must(!pthread_mutex_lock(mine));
		if (!pthread_mutex_trylock(other))
			break;
		must(!pthread_mutex_unlock(mine));
	}
	data++;
	must(!pthread_mutex_unlock(other));
	must(!pthread_mutex_unlock(mine));
}
static void polite_a(void)
{
	polite(&a, &b);
}
static void polite_b(void)
{
	polite(&b, &a);
}
static void too_polite(void)
{
	open_locks();
	TOGETHER(polite_a, polite_b);
}
static void try_for_ever(void)
{
	while (pthread_mutex_trylock(&a))
		sched_yield();
	must(!pthread_mutex_unlock(&a));
}
static void never_unlocked(void)
{
	open_locks();
	must(!pthread_mutex_lock(&a));
	TOGETHER(try_for_ever);
}

/* --- misuse -------------------------------------------------------------------------------------------------------------------------- */

static void unlock_a(void)
{
	pthread_mutex_unlock(&a);
}
static void unlocked_by_another(void)
{
	open_locks();
	must(!pthread_mutex_lock(&a));
	TOGETHER(unlock_a);
}
static void unlocked_twice(void)
{
	open_locks();
	must(!pthread_mutex_lock(&a));
	unlock_a();
	unlock_a();
}
static void lock_a(void)
{
	must(!pthread_mutex_lock(&a));
}
static void ends_with_lock(void)
{
	open_locks();
	TOGETHER(lock_a);
}
static void destroyed_while_held(void)
{
	open_locks();
	must(!pthread_mutex_lock(&a));
	pthread_mutex_destroy(&a);
}
static void used_after_destroy(void)
{
	open_locks();
	must(!pthread_mutex_destroy(&a));
	pthread_mutex_lock(&a);
}
static void destroy_a(void)
{
	pthread_mutex_destroy(&a);
}
static void destroyed_in_use(void)
{
	open_locks();
	TOGETHER(under_a, destroy_a);
}
static void rw_unlock(void)
{
	pthread_rwlock_unlock(&rwlock);
}
static void rwlock_unlocked_unheld(void)
{
	must(!pthread_rwlock_init(&rwlock, NULL));
	rw_unlock();
}
static pthread_spinlock_t spin;
static void spin_unlocked_unheld(void)
{
	must(!pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
	pthread_spin_unlock(&spin);
}

/* --- reading and writing ----------------------------------------------------------------------------------------------------------- */

static void write_under_read_lock(void)
{
	must(!pthread_rwlock_rdlock(&rwlock));
	data++;
	must(!pthread_rwlock_unlock(&rwlock));
}
static void written_under_read_lock(void)
{
	data = 0;
	must(!pthread_rwlock_init(&rwlock, NULL));
	TOGETHER(write_under_read_lock, write_under_read_lock);
}
static sem_t semaphore;
static void semaphore_actor(void)
{
	must(!sem_wait(&semaphore));
	data++;
	must(!sem_post(&semaphore));
}
static void semaphore_of_two(void)
{
	data = 0;
	must(!sem_init(&semaphore, 0, 2));
	TOGETHER(semaphore_actor, semaphore_actor);
}

/* --- hand-made locks ----------------------------------------------------------------------------------------------------------------- */

static _Atomic int taken;
static void tas_relaxed_unlock(void)
{
	while (atomic_exchange_explicit(&taken, 1, memory_order_acquire))
		continue;
	data++;
	atomic_store_explicit(&taken, 0, memory_order_relaxed);
}
static void released_relaxed(void)
{
	data = 0;
	atomic_init(&taken, 0);
	TOGETHER(tas_relaxed_unlock, tas_relaxed_unlock);
}
static void tas_relaxed_lock(void)
{
	while (atomic_exchange_explicit(&taken, 1, memory_order_relaxed))
		continue;
	data++;
	atomic_store_explicit(&taken, 0, memory_order_release);
}
static void acquired_relaxed(void)
{
	data = 0;
	atomic_init(&taken, 0);
	TOGETHER(tas_relaxed_lock, tas_relaxed_lock);
}
static void look_then_take(void)
{
	while (atomic_load_explicit(&taken, memory_order_acquire))
		continue;
	atomic_store_explicit(&taken, 1, memory_order_relaxed);
	data++;
	atomic_store_explicit(&taken, 0, memory_order_release);
}
static void test_then_set(void)
{
	data = 0;
	atomic_init(&taken, 0);
	TOGETHER(look_then_take, look_then_take);
}

static unsigned plain_next;
static _Atomic unsigned serving, next_ticket;
static void plain_ticket_actor(void)
{
	unsigned mine = plain_next++;
	while (atomic_load_explicit(&serving, memory_order_acquire) != mine)
		continue;
	data++;
	atomic_store_explicit(&serving, mine + 1, memory_order_release);
}
static void ticket_plain(void)
{
	data = 0;
	plain_next = 0;
	atomic_init(&serving, 0);
	TOGETHER(plain_ticket_actor, plain_ticket_actor);
}
/* Two may draw the same ticket. */
static _Atomic int inside;
static void torn_ticket_actor(void)
{
	unsigned mine = atomic_load_explicit(&next_ticket, memory_order_relaxed);
	atomic_store_explicit(&next_ticket, mine + 1, memory_order_relaxed);
	while (atomic_load_explicit(&serving, memory_order_acquire) != mine)
		continue;
	must(atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed) == 0);
	atomic_fetch_sub_explicit(&inside, 1, memory_order_relaxed);
	atomic_store_explicit(&serving, mine + 1, memory_order_release);
}
static void ticket_torn(void)
{
	atomic_init(&next_ticket, 0);
	atomic_init(&serving, 0);
	atomic_init(&inside, 0);
	TOGETHER(torn_ticket_actor, torn_ticket_actor);
}

static void count_and_tell_apart(int *told)
{
	must(!pthread_mutex_lock(&a));
	int step = ++data;
	must(!pthread_mutex_unlock(&a));
	must(!pthread_mutex_lock(&b));
	must(step > *told);
	*told = step;
	must(!pthread_mutex_unlock(&b));
}
static int told;
static void count_then_tell(void)
{
	count_and_tell_apart(&told);
}
static void told_in_another_section(void)
{
	open_locks();
	told = 0;
	TOGETHER(count_then_tell, count_then_tell);
}

static const struct suite_program programs[] = {
	{"two_locks_for_one_thing", two_locks_for_one_thing, .kind = FINDING_DATA_RACE},
	{"one_without_lock", one_without_lock, .kind = FINDING_DATA_RACE},
	{"two_sections", two_sections, .kind = FINDING_ASSERTION},
	{"check_then_act", check_then_act, .kind = FINDING_ASSERTION},
	{"trylock_ignored", trylock_ignored, .kind = FINDING_DATA_RACE},
	{"abba", abba, .kind = FINDING_DEADLOCK},
	{"circle_of_three", circle_of_three, .kind = FINDING_DEADLOCK},
	{"waits_for_itself", waits_for_itself, .kind = FINDING_DEADLOCK},
	{"unlock_missing_on_error", unlock_missing_on_error, .kind = FINDING_DEADLOCK},
	{"recursive_unlocked_once", recursive_unlocked_once, .kind = FINDING_DEADLOCK},
	{"read_lock_upgraded", read_lock_upgraded, .kind = FINDING_DEADLOCK},
	{"join_before_post", join_before_post, .kind = FINDING_DEADLOCK},
	{"once_within_once", once_within_once, .kind = FINDING_DEADLOCK},
	{"too_polite", too_polite, .kind = FINDING_LIVELOCK,
		.gap = "a livelock in which every turn locks and unlocks takes a look at whole states that come back"},
	{"never_unlocked", never_unlocked, .kind = FINDING_LIVELOCK},
	{"unlocked_by_another", unlocked_by_another, .kind = FINDING_MISUSE},
	{"unlocked_twice", unlocked_twice, .kind = FINDING_MISUSE},
	{"ends_with_lock", ends_with_lock, .kind = FINDING_MISUSE},
	{"destroyed_while_held", destroyed_while_held, .kind = FINDING_MISUSE},
	{"used_after_destroy", used_after_destroy, .kind = FINDING_MISUSE},
	{"destroyed_in_use", destroyed_in_use, .kind = FINDING_MISUSE},
	{"rwlock_unlocked_unheld", rwlock_unlocked_unheld, .kind = FINDING_MISUSE},
	{"spin_unlocked_unheld", spin_unlocked_unheld, .kind = FINDING_MISUSE},
	{"written_under_read_lock", written_under_read_lock, .kind = FINDING_DATA_RACE},
	{"semaphore_of_two", semaphore_of_two, .kind = FINDING_DATA_RACE},
	{"released_relaxed", released_relaxed, .kind = FINDING_DATA_RACE},
	{"acquired_relaxed", acquired_relaxed, .kind = FINDING_DATA_RACE},
	{"test_then_set", test_then_set, .kind = FINDING_DATA_RACE},
	{"ticket_plain", ticket_plain, .kind = FINDING_DATA_RACE},
	{"ticket_torn", ticket_torn, .kind = FINDING_ASSERTION},
	{"told_in_another_section", told_in_another_section, .kind = FINDING_ASSERTION},
};
SUITE_GROUP(buggy_locks, programs, NULL);
