/* SPDX-License-Identifier: MIT */
#include "test_explore_programs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

unsigned explored_outcome; /* written by thread 0 when it is alone */

static atomic_uint shared, flag;
static unsigned plain;
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;

static void both(void *(*one)(void *), void *(*other)(void *))
{
	pthread_t a, b;
	pthread_create(&a, NULL, one, NULL);
	pthread_create(&b, NULL, other, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void *load_and_store(void *arg)
{
	atomic_store_explicit(&shared, atomic_load_explicit(&shared, memory_order_relaxed) + 1, memory_order_relaxed);
	return arg;
}

void explored_lost_update(void *arg)
{
	(void)arg;
	atomic_store_explicit(&shared, 0, memory_order_relaxed);
	both(load_and_store, load_and_store);
	explored_outcome = atomic_load_explicit(&shared, memory_order_relaxed) != 2;
}

static void *plain_increment(void *arg)
{
	plain++;
	return arg;
}

void explored_racing_update(void *arg)
{
	(void)arg;
	plain = 0;
	both(plain_increment, plain_increment);
	explored_outcome = plain != 2;
}

static void *locked_increment(void *arg)
{
	pthread_mutex_lock(&first);
	plain++;
	pthread_mutex_unlock(&first);
	return arg;
}

void explored_locked_update(void *arg)
{
	(void)arg;
	plain = 0;
	both(locked_increment, locked_increment);
	explored_outcome = plain != 2;
}

static void *there_and_back(void *arg)
{
	atomic_store(&shared, 1);
	atomic_store(&shared, 0);
	return arg;
}

static void *watch(void *arg)
{
	unsigned one = atomic_load(&shared), two = atomic_load(&shared);
	atomic_store(&flag, one == 1 && two == 0);
	return arg;
}

void explored_there_and_back(void *arg)
{
	(void)arg;
	atomic_store(&shared, 0);
	atomic_store(&flag, 0);
	both(there_and_back, watch);
	explored_outcome = atomic_load(&flag);
}

static void *publish(void *arg)
{
	atomic_store_explicit(&shared, 1, memory_order_relaxed);
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
	return arg;
}

static void *subscribe(void *arg)
{
	(void)arg;
	return atomic_load_explicit(&flag, memory_order_relaxed) && !atomic_load_explicit(&shared, memory_order_relaxed) ? &flag
															 : NULL;
}

void explored_passing(void *arg)
{
	(void)arg;
	pthread_t a, b;
	void *broken;
	atomic_store(&shared, 0);
	atomic_store(&flag, 0);
	pthread_create(&a, NULL, publish, NULL);
	pthread_create(&b, NULL, subscribe, NULL);
	pthread_join(a, NULL);
	pthread_join(b, &broken);
	explored_outcome = broken != NULL;
}

static void *one_two(void *arg)
{
	pthread_mutex_lock(&first);
	pthread_mutex_lock(&second);
	pthread_mutex_unlock(&second);
	pthread_mutex_unlock(&first);
	return arg;
}

static void *two_one(void *arg)
{
	pthread_mutex_lock(&second);
	pthread_mutex_lock(&first);
	pthread_mutex_unlock(&first);
	pthread_mutex_unlock(&second);
	return arg;
}

void explored_deadlock(void *arg)
{
	(void)arg;
	both(one_two, two_one);
	explored_outcome = 0;
}

static void *add(void *arg)
{
	atomic_fetch_add_explicit(&shared, 1, memory_order_relaxed);
	return arg;
}

void explored_three_updates(void *arg)
{
	(void)arg;
	pthread_t thread[3];
	atomic_store(&shared, 0);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, add, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	explored_outcome = atomic_load(&shared) != 3;
}

static void *three_stores(void *arg)
{
	for (unsigned i = 1; i <= 3; i++)
		atomic_store_explicit(&shared, i, memory_order_relaxed);
	return arg;
}

static void *three_loads(void *arg)
{
	unsigned seen = 0;
	for (unsigned i = 1; i <= 3; i++)
		seen += atomic_load_explicit(&shared, memory_order_relaxed) == i;
	plain = seen == 3;
	return arg;
}

static void *noise(void *arg)
{
	for (unsigned i = 0; i < 4; i++)
		atomic_fetch_add_explicit(&flag, 1, memory_order_relaxed);
	return arg;
}

void explored_combination(void *arg)
{
	(void)arg;
	pthread_t thread[3];
	void *(*const start[])(void *) = {three_stores, noise, three_loads};
	atomic_store_explicit(&shared, 0, memory_order_relaxed);
	atomic_store_explicit(&flag, 0, memory_order_relaxed);
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, start[i], NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	explored_outcome = plain;
}

static void *if_told(void *arg)
{
	if (atomic_load_explicit(&flag, memory_order_relaxed))
		plain++;
	return arg;
}

static void *tell(void *arg)
{
	plain++;
	atomic_store_explicit(&flag, 1, memory_order_relaxed);
	return arg;
}

void explored_late_race(void *arg)
{
	(void)arg;
	atomic_store_explicit(&flag, 0, memory_order_relaxed);
	plain = 0;
	both(if_told, tell);
	explored_outcome = 0;
}

static void *add_by_turn(void *turn)
{
	for (unsigned i = 0; i <= *(const unsigned *)turn % 2; i++)
		atomic_fetch_add_explicit(&shared, 1, memory_order_relaxed);
	return turn;
}

void explored_by_turn(void *turn)
{
	pthread_t thread[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, add_by_turn, turn);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	explored_outcome = 0;
}
