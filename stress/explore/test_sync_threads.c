/* SPDX-License-Identifier: MIT */
/* Threads, their ends, keys, cancellation. */
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "test_sync_programs.h"

char sync_both[16]; /* test_sync_unwinding.c */
unsigned sync_both_length;

static pthread_mutex_t m;
static pthread_cond_t c;
static sem_t s;
static int count, log_length;
static char entries[16];

static void note(void *what)
{
	entries[log_length++] = *(char *)what;
}

static void begin(void)
{
	pthread_mutex_init(&m, NULL);
	pthread_cond_init(&c, NULL);
	sem_init(&s, 0, 0);
	count = log_length = 0;
	memset(entries, 0, sizeof entries);
}

/* Ends ------------------------------------------------------------------------------------------------------------------------------ */

static void *return_five(void *arg)
{
	(void)arg;
	return (void *)5;
}

static void *exit_six(void *arg)
{
	(void)arg;
	pthread_exit((void *)6);
}

static void results_come_back(void)
{
	void *result;
	must(!pthread_join(started(return_five), &result) && result == (void *)5);
	must(!pthread_join(started(exit_six), &result) && result == (void *)6);
}

static void *count_up(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	count++;
	pthread_mutex_unlock(&m);
	return NULL;
}

static void join_orders(void)
{
	begin();
	pthread_t a = started(count_up), b = started(count_up);
	must(!pthread_equal(a, b) && !pthread_equal(a, pthread_self()));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count == 2);
}

static void *post(void *arg)
{
	(void)arg;
	sem_post(&s);
	return NULL;
}

static void detached_threads_run(void)
{
	pthread_t thread;
	pthread_attr_t attr;
	begin();
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	must(!pthread_create(&thread, &attr, post, NULL));
	must(!pthread_detach(started(post)));
	sem_wait(&s);
	sem_wait(&s);
}

static void main_leaves_first(void)
{
	begin();
	pthread_detach(started(count_up));
	pthread_exit(NULL);
}

static void tryjoin_tries(void)
{
	void *result = NULL;
	pthread_t a = started(return_five);
	int why = pthread_tryjoin_np(a, &result);
	must(why == 0 || why == EBUSY);
	sees(why ? 1 : 0);
	if (why)
		must(!pthread_join(a, &result));
	must(result == (void *)5);
}

static void tryjoin_of_what_has_ended(void)
{
	begin();
	pthread_t a = started(post), b = started(return_five);
	pthread_join(b, NULL);
	sem_wait(&s);
	struct timespec at = {INT_MAX, 0};
	int why = pthread_timedjoin_np(a, NULL, &at);
	must(why == 0 || why == ETIMEDOUT);
	sees(why ? 1 : 0);
	if (why)
		pthread_join(a, NULL);
}

static void *asks_about_itself(void *arg)
{
	char name[16];
	pthread_attr_t attr;
	void *low;
	size_t bytes;
	(void)arg;
	must(!pthread_setname_np(pthread_self(), "worker"));
	must(!pthread_getname_np(pthread_self(), name, sizeof name) && !strcmp(name, "worker"));
	must(!pthread_getattr_np(pthread_self(), &attr));
	must(!pthread_attr_getstack(&attr, &low, &bytes));
	must((char *)&attr >= (char *)low && (char *)&attr < (char *)low + bytes);
	must(pthread_setname_np(pthread_self(), "a name that is too long") == ERANGE);
	must(sched_getcpu() == 0);
	must(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
	must(syscall(SYS_tgkill, getpid(), 1, 0) == -1 && errno == ESRCH);
	errno = 7;
	sched_yield();
	must(errno == 7);
	return NULL;
}

static void threads_know_themselves(void)
{
	pthread_t a = started(asks_about_itself), b = started(asks_about_itself);
	must(!pthread_kill(a, 0));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void join_twice(void)
{
	pthread_t a = started(return_five);
	pthread_join(a, NULL);
	must(pthread_join(a, NULL) == EINVAL);
}

static void join_detached(void)
{
	pthread_t a = started(return_five);
	pthread_detach(a);
	must(pthread_join(a, NULL) == EINVAL);
}

static void join_itself(void)
{
	must(pthread_join(pthread_self(), NULL) == EDEADLK);
}

static pthread_t first;
static void *join_first(void *arg)
{
	(void)arg;
	sem_wait(&s);
	pthread_join(first, NULL);
	return NULL;
}

static void *joins_back(void *arg)
{
	pthread_t *other = arg;
	sem_wait(&s);
	pthread_join(*other, NULL);
	return NULL;
}

static void threads_join_each_other(void)
{
	static pthread_t second;
	begin();
	pthread_create(&first, NULL, joins_back, &second);
	second = started(join_first);
	sem_post(&s);
	sem_post(&s);
	pthread_exit(NULL);
}

/* Keys ------------------------------------------------------------------------------------------------------------------------------ */

static pthread_key_t key, stubborn;
static tss_t tss;

static void *use_key(void *arg)
{
	(void)arg;
	must(!pthread_getspecific(key));
	must(!pthread_setspecific(key, strdup("x")));
	must(!strcmp(pthread_getspecific(key), "x"));
	return NULL;
}

static void destroy_value(void *value)
{
	must(!strcmp(value, "x"));
	must(!pthread_getspecific(key));
	free(value);
	pthread_mutex_lock(&m);
	count++;
	pthread_mutex_unlock(&m);
}

static void keys_have_destructors(void)
{
	begin();
	must(!pthread_key_create(&key, destroy_value));
	pthread_t a = started(use_key), b = started(use_key);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	must(count == 2);
	must(!pthread_key_delete(key));
	must(pthread_setspecific(key, &key) == EINVAL && !pthread_getspecific(key));
	must(pthread_key_delete(key) == EINVAL);
	must(!pthread_key_create(&key, NULL) && !pthread_setspecific(key, &key) && !pthread_key_delete(key));
	must(!pthread_key_create(&stubborn, NULL) && stubborn == key && !pthread_getspecific(stubborn));
}

static void set_again(void *value)
{
	count++;
	pthread_setspecific(stubborn, value);
}

static void *use_stubborn(void *arg)
{
	(void)arg;
	pthread_setspecific(stubborn, &count);
	pthread_exit(NULL);
}

static void destructors_are_not_called_for_ever(void)
{
	begin();
	must(!pthread_key_create(&stubborn, set_again));
	pthread_join(started(use_stubborn), NULL);
	must(count == PTHREAD_DESTRUCTOR_ITERATIONS);
}

static void keys_run_out(void)
{
	pthread_key_t keys[PTHREAD_KEYS_MAX];
	int made = 0;
	while (made < PTHREAD_KEYS_MAX && pthread_key_create(&keys[made], NULL) == 0)
		made++;
	must(made == PTHREAD_KEYS_MAX - 1); /* the host has one */
	must(pthread_key_create(&key, NULL) == EAGAIN);
	must(!pthread_key_delete(keys[7]));
	must(!pthread_key_create(&key, NULL) && key == keys[7]);
}

/* The host made this key; its values are an execution's all the same. */
static void key_of_the_host(void)
{
	must(!pthread_getspecific(sync_host_key));
	must(!pthread_setspecific(sync_host_key, &count));
	must(pthread_getspecific(sync_host_key) == &count);
}

static int use_tss(void *arg)
{
	must(!tss_get(tss));
	must(tss_set(tss, arg) == thrd_success);
	must(tss_get(tss) == arg);
	return 0;
}

static void tss_has_destructors(void)
{
	static char x = 'x';
	thrd_t a;
	begin();
	must(tss_create(&tss, note) == thrd_success);
	thrd_create(&a, use_tss, &x);
	must(!tss_get(tss));
	must(thrd_join(a, NULL) == thrd_success);
	must(!strcmp(entries, "x"));
	tss_delete(tss);
}

/* Cancellation ---------------------------------------------------------------------------------------------------------------------- */

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static void *wait_for_count(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	pthread_cleanup_push(unlock, &m);
	while (!count)
		pthread_cond_wait(&c, &m);
	pthread_cleanup_pop(1);
	return (void *)1;
}

static void cancelled_wait_locks_again(void)
{
	void *result;
	begin();
	pthread_t a = started(wait_for_count);
	must(!pthread_cancel(a));
	pthread_mutex_lock(&m);
	count = 1;
	pthread_cond_signal(&c);
	pthread_mutex_unlock(&m);
	must(!pthread_join(a, &result));
	must(result == PTHREAD_CANCELED || result == (void *)1);
	sees(result == PTHREAD_CANCELED ? 0 : 1);
	must(!pthread_mutex_trylock(&m));
	pthread_mutex_unlock(&m);
}

static void *wait_once(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&m);
	pthread_cleanup_push(unlock, &m);
	pthread_cond_wait(&c, &m);
	pthread_cleanup_pop(1);
	return (void *)1;
}

static void cancelled_wait_does_not_return(void)
{
	void *result;
	begin();
	pthread_t a = started(wait_once);
	must(!pthread_cancel(a));
	must(!pthread_join(a, &result) && result == PTHREAD_CANCELED);
}

static void look_at_count(void *arg)
{
	(void)arg;
	must(count == 1);
}

static void *wait_for_semaphore(void *arg)
{
	(void)arg;
	pthread_cleanup_push(look_at_count, NULL);
	sem_wait(&s);
	pthread_cleanup_pop(0);
	return NULL;
}

static void what_was_before_the_cancellation_is_seen(void)
{
	begin();
	pthread_t a = started(wait_for_semaphore);
	count = 1;
	must(!pthread_cancel(a));
	pthread_join(a, NULL);
}

static _Atomic int asked;
static void *ask(void *arg)
{
	(void)arg;
	atomic_store(&asked, 1);
	return NULL;
}

static void *work_a_little(void *arg)
{
	(void)arg;
	pthread_testcancel();
	return (void *)1;
}

static void cancelled_only_sometimes(void)
{
	void *result;
	atomic_store(&asked, 0);
	pthread_t a = started(work_a_little), b = started(ask);
	if (atomic_load(&asked))
		must(!pthread_cancel(a));
	must(!pthread_join(a, &result));
	sees(result == PTHREAD_CANCELED ? 0 : 1);
	pthread_join(b, NULL);
}

static void *wait_for_ever(void *arg)
{
	(void)arg;
	sem_wait(&s);
	return (void *)1;
}

static void cancelled_in_sem_wait(void)
{
	void *result;
	begin();
	pthread_t a = started(wait_for_ever);
	must(!pthread_cancel(a));
	must(!pthread_join(a, &result) && result == PTHREAD_CANCELED);
}

static void *join_cancelled(void *arg)
{
	(void)arg;
	pthread_join(first, NULL);
	return (void *)1;
}

static void cancelled_in_join(void)
{
	void *result;
	begin();
	first = started(wait_for_ever);
	pthread_t b = started(join_cancelled);
	must(!pthread_cancel(b));
	must(!pthread_join(b, &result) && result == PTHREAD_CANCELED);
	sem_post(&s);
	must(!pthread_join(first, &result) && result == (void *)1);
}

static void *work_until_cancelled(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_testcancel();
		usleep(100);
	}
	return NULL;
}

static void cancelled_in_a_loop(void)
{
	void *result;
	pthread_t a = started(work_until_cancelled);
	must(!pthread_cancel(a));
	must(!pthread_join(a, &result) && result == PTHREAD_CANCELED);
}

static void *work_undisturbed(void *arg)
{
	int was;
	(void)arg;
	must(!pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was) && was == PTHREAD_CANCEL_ENABLE);
	pthread_testcancel();
	sleep(1);
	sem_wait(&s);
	count = 1;
	must(!pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &was) && was == PTHREAD_CANCEL_DISABLE);
	pthread_testcancel();
	return (void *)1;
}

static void cancellation_waits_until_it_may(void)
{
	void *result;
	begin();
	pthread_t a = started(work_undisturbed);
	sem_post(&s);
	must(!pthread_cancel(a));
	must(!pthread_join(a, &result));
	must(count == 1);
	sees(result == PTHREAD_CANCELED ? 0 : 1);
}

static void *cancel_itself(void *arg)
{
	int was;
	(void)arg;
	must(!pthread_cancel(pthread_self()));
	count = 1;
	must(!pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &was));
	count = 2;
	return NULL;
}

static void asynchronous_cancellation_is_at_once(void)
{
	void *result;
	begin();
	must(!pthread_join(started(cancel_itself), &result));
	must(result == PTHREAD_CANCELED && count == 1);
}

static pthread_once_t once;

static void load_slowly(void)
{
	count++;
	pthread_testcancel();
	count += 10;
}

static void *use_once(void *arg)
{
	(void)arg;
	pthread_once(&once, load_slowly);
	return (void *)1;
}

static void once_survives_cancellation(void)
{
	void *result, *other;
	begin();
	once = PTHREAD_ONCE_INIT;
	pthread_t a = started(use_once), b = started(use_once);
	must(!pthread_cancel(a));
	must(!pthread_join(a, &result));
	must(!pthread_join(b, &other) && other == (void *)1);
	must(count == 11 || (count == 12 && result == PTHREAD_CANCELED));
	sees(count == 11 ? 0 : 1);
}

static const struct sync_program programs[] = {
	{"results_come_back", results_come_back, 0, NULL, 0, false, false},
	{"join_orders", join_orders, 0, NULL, 0, false, false},
	{"detached_threads_run", detached_threads_run, 0, NULL, 0, false, false},
	{"main_leaves_first", main_leaves_first, 0, NULL, 0, false, false},
	{"tryjoin_tries", tryjoin_tries, 3, NULL, 0, false, false},
	{"tryjoin_of_what_has_ended", tryjoin_of_what_has_ended, 3, NULL, 0, false, false},
	{"threads_know_themselves", threads_know_themselves, 0, NULL, 0, false, false},
	{"join_twice", join_twice, 0, "a second time", FINDING_MISUSE, false, false},
	{"join_detached", join_detached, 0, "which is detached", FINDING_MISUSE, false, false},
	{"join_itself", join_itself, 0, "joins itself", FINDING_MISUSE, false, false},
	{"threads_join_each_other", threads_join_each_other, 0, "nobody can move", FINDING_DEADLOCK, false, false},
	{"keys_have_destructors", keys_have_destructors, 0, NULL, 0, false, false},
	{"destructors_are_not_called_for_ever", destructors_are_not_called_for_ever, 0, NULL, 0, false, false},
	{"keys_run_out", keys_run_out, 0, NULL, 0, false, false},
	{"key_of_the_host", key_of_the_host, 0, NULL, 0, false, false},
	{"tss_has_destructors", tss_has_destructors, 0, NULL, 0, false, false},
	{"cancelled_wait_locks_again", cancelled_wait_locks_again, 3, NULL, 0, false, false},
	{"cancelled_wait_does_not_return", cancelled_wait_does_not_return, 0, NULL, 0, false, false},
	{"what_was_before_the_cancellation_is_seen", what_was_before_the_cancellation_is_seen, 0, NULL, 0, false, false},
	{"cancelled_only_sometimes", cancelled_only_sometimes, 3, NULL, 0, false, false},
	{"cancelled_in_sem_wait", cancelled_in_sem_wait, 0, NULL, 0, false, false},
	{"cancelled_in_join", cancelled_in_join, 0, NULL, 0, false, false},
	{"cancelled_in_a_loop", cancelled_in_a_loop, 0, NULL, 0, false, false},
	{"cancellation_waits_until_it_may", cancellation_waits_until_it_may, 3, NULL, 0, false, false},
	{"asynchronous_cancellation_is_at_once", asynchronous_cancellation_is_at_once, 0, NULL, 0, false, false},
	{"once_survives_cancellation", once_survives_cancellation, 3, NULL, 0, false, false},
};
SYNC_PROGRAMS(threads, programs);
