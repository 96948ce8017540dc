/* SPDX-License-Identifier: MIT */
/* Buggy programs: memory and threads whose lives are confused. Compare correct_threads.c. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static int data;
static pthread_mutex_t mutex;
static int *block;
static _Atomic(int *) shared;

static int *make_block(void)
{
	int *p = malloc(4 * sizeof *p);
	must(p);
	memset(p, 0, 4 * sizeof *p);
	return p;
}

/* --- memory -------------------------------------------------------------------------------------------------------------------------------- */

static void use_shared(void)
{
	int *p = atomic_load_explicit(&shared, memory_order_acquire);
	if (p)
		must(p[1] == 0);
}
static void free_shared(void)
{
	free(atomic_exchange_explicit(&shared, NULL, memory_order_acq_rel));
}
static void freed_in_use(void)
{
	atomic_init(&shared, make_block());
	TOGETHER(use_shared, free_shared);
}

static void free_if_there(void)
{
	int *p = atomic_load(&shared);
	if (p) {
		atomic_store(&shared, NULL);
		free(p);
	}
}
static void freed_twice(void)
{
	atomic_init(&shared, make_block());
	TOGETHER(free_if_there, free_if_there);
}

/* Each drops its reference, then looks by itself whether it was the last. */
static _Atomic int references;
static void let_go_and_look(void)
{
	atomic_fetch_sub(&references, 1);
	if (atomic_load(&references) == 0)
		free(block);
}
static void reference_count_looked_at(void)
{
	block = make_block();
	atomic_init(&references, 2);
	TOGETHER(let_go_and_look, let_go_and_look);
}
static void use_and_let_go_relaxed(void)
{
	must(block[0] == 0);
	if (atomic_fetch_sub_explicit(&references, 1, memory_order_relaxed) == 1)
		free(block);
}
static void reference_count_relaxed(void)
{
	block = make_block();
	atomic_init(&references, 2);
	TOGETHER(use_and_let_go_relaxed, use_and_let_go_relaxed);
}
/* Nobody is the last, since a load and a store lose one. */
static void let_go_torn(void)
{
	int left = atomic_load(&references) - 1;
	atomic_store(&references, left);
	if (!left) {
		free(block);
		block = NULL;
	}
}
static void reference_count_torn(void)
{
	block = make_block();
	atomic_init(&references, 2);
	TOGETHER(let_go_torn, let_go_torn);
	block = NULL;
}

static void grow(void)
{
	must(!pthread_mutex_lock(&mutex));
	block = realloc(block, 64 * sizeof *block);
	must(!pthread_mutex_unlock(&mutex));
}
static void read_old(void)
{
	must(!pthread_mutex_lock(&mutex));
	int *p = block;
	must(!pthread_mutex_unlock(&mutex));
	must(p[0] == 0); /* outside of the lock: may have moved */
}
static void realloc_in_use(void)
{
	must(!pthread_mutex_init(&mutex, NULL));
	block = make_block();
	TOGETHER(grow, read_old);
	free(block);
	block = NULL;
}

static void replace_and_lose(void)
{
	int *p = make_block();
	atomic_store(&shared, p); /* what was there is lost */
}
static void lost_block(void)
{
	atomic_init(&shared, NULL);
	TOGETHER(replace_and_lose, replace_and_lose);
	free(atomic_exchange(&shared, NULL));
}
static void lose_local(void)
{
	int *p = make_block();
	p[0] = 1;
}
static void local_block(void)
{
	TOGETHER(lose_local);
}

/* A hazard pointer that is said without order: the writer may not see it in time. */
static _Atomic(int *) hazard;
static void hazard_reader(void)
{
	int *p = atomic_load_explicit(&shared, memory_order_acquire);
	atomic_store_explicit(&hazard, p, memory_order_release);
	if (p && atomic_load_explicit(&shared, memory_order_acquire) == p)
		must(p[1] == 0);
	atomic_store_explicit(&hazard, NULL, memory_order_release);
}
static void hazard_writer(void)
{
	int *old = atomic_exchange_explicit(&shared, NULL, memory_order_acq_rel);
	if (atomic_load_explicit(&hazard, memory_order_acquire) != old)
		free(old);
	else
		block = old;
}
static void hazard_unordered(void)
{
	block = NULL;
	atomic_init(&shared, make_block());
	atomic_init(&hazard, NULL);
	TOGETHER(hazard_reader, hazard_writer);
	free(block);
	block = NULL;
}

/* Overlapping copies and strings that end too late are races, too. */
static char text[16];
static void write_text(void)
{
	strcpy(text, "hello");
}
static void read_text(void)
{
	must(strlen(text) <= 5);
}
static void string_race(void)
{
	memset(text, 0, sizeof text);
	TOGETHER(write_text, read_text);
}
static void clear_text(void)
{
	memset(text, 'x', 8);
}
static void copy_text(void)
{
	char mine[8];
	memcpy(mine, text, sizeof mine);
	must(mine[0] == mine[7]);
}
static void memory_race(void)
{
	memset(text, 0, sizeof text);
	TOGETHER(clear_text, copy_text);
}
/* A function with a buffer of its own. */
static const char *number_name(int number)
{
	static char name[8];
	snprintf(name, sizeof name, "%d", number);
	return name;
}
static void name_1(void)
{
	must(number_name(1)[0] == '1');
}
static void name_2(void)
{
	must(number_name(2)[0] == '2');
}
static void static_buffer(void)
{
	TOGETHER(name_1, name_2);
}

/* --- threads ------------------------------------------------------------------------------------------------------------------------------- */

static _Atomic int seen;
static void *note_number(void *arg)
{
	atomic_fetch_add(&seen, *(int *)arg);
	return NULL;
}
static void loop_variable(void)
{
	pthread_t thread[2];
	int i;
	atomic_init(&seen, 0);
	for (i = 0; i < 2; i++)
		must(!pthread_create(&thread[i], NULL, note_number, &i));
	for (int j = 0; j < 2; j++)
		must(!pthread_join(thread[j], NULL));
}

static void *write_data(void *arg)
{
	data = 1;
	return arg;
}
static void read_before_join(void)
{
	pthread_t thread;
	data = 0;
	must(!pthread_create(&thread, NULL, write_data, NULL));
	int early = data;
	must(!pthread_join(thread, NULL));
	must(early <= data);
}
static void write_after_create(void)
{
	pthread_t thread;
	must(!pthread_create(&thread, NULL, write_data, NULL));
	data = 2;
	must(!pthread_join(thread, NULL));
}

static sem_t started;
static void *post_then_write(void *arg)
{
	must(!sem_post(&started));
	data = 1;
	return arg;
}
static void detached_outlives(void)
{
	pthread_t thread;
	data = 0;
	must(!sem_init(&started, 0, 0));
	must(!pthread_create(&thread, NULL, post_then_write, NULL));
	must(!pthread_detach(thread));
	must(!sem_wait(&started));
	data = 2;
}

static void *read_and_free(void *arg)
{
	int *p = arg;
	must(p[0] == 0);
	free(p);
	return NULL;
}
static void argument_freed_by_both(void)
{
	pthread_t thread;
	int *p = make_block();
	must(!pthread_create(&thread, NULL, read_and_free, p));
	must(!pthread_join(thread, NULL));
	free(p);
}

static void joined_twice(void)
{
	pthread_t thread;
	must(!pthread_create(&thread, NULL, write_data, NULL));
	must(!pthread_join(thread, NULL));
	pthread_join(thread, NULL);
}

/* No handler lets the lock go that a cancelled thread holds. */
static void *cancelled_with_lock(void *arg)
{
	must(!pthread_mutex_lock(&mutex));
	pthread_testcancel();
	must(!pthread_mutex_unlock(&mutex));
	return arg;
}
static void cancelled_while_holding(void)
{
	pthread_t thread;
	must(!pthread_mutex_init(&mutex, NULL));
	must(!pthread_create(&thread, NULL, cancelled_with_lock, NULL));
	must(!pthread_cancel(thread));
	must(!pthread_join(thread, NULL));
	must(!pthread_mutex_lock(&mutex));
	must(!pthread_mutex_unlock(&mutex));
}

static pthread_key_t key;
static void forget_value(void)
{
	must(!pthread_setspecific(key, make_block()));
}
static void key_without_destructor(void)
{
	must(!pthread_key_create(&key, NULL));
	TOGETHER(forget_value);
	must(!pthread_key_delete(key));
}

/* Bits of one word are one memory location. */
static struct {
	unsigned low : 3, high : 3;
} bits;
static void set_low(void)
{
	bits.low = 5;
}
static void set_high(void)
{
	bits.high = 6;
}
static void bit_fields(void)
{
	memset(&bits, 0, sizeof bits);
	TOGETHER(set_low, set_high);
}

static void forget(void)
{
	atomic_init(&shared, NULL);
	atomic_init(&hazard, NULL);
	block = NULL;
}

static const struct suite_program programs[] = {
	{"freed_in_use", freed_in_use, .kind = FINDING_USE_AFTER_FREE},
	{"freed_twice", freed_twice, .kind = FINDING_DOUBLE_FREE},
	{"reference_count_looked_at", reference_count_looked_at, .kind = FINDING_DOUBLE_FREE},
	{"reference_count_relaxed", reference_count_relaxed, .kind = FINDING_USE_AFTER_FREE},
	{"reference_count_torn", reference_count_torn, .kind = FINDING_LEAK},
	{"realloc_in_use", realloc_in_use, .kind = FINDING_USE_AFTER_FREE},
	{"lost_block", lost_block, .kind = FINDING_LEAK},
	{"local_block", local_block, .kind = FINDING_LEAK},
	{"hazard_unordered", hazard_unordered, .kind = FINDING_USE_AFTER_FREE},
	{"string_race", string_race, .kind = FINDING_DATA_RACE},
	{"memory_race", memory_race, .kind = FINDING_DATA_RACE},
	{"static_buffer", static_buffer, .kind = FINDING_DATA_RACE},
	{"loop_variable", loop_variable, .kind = FINDING_DATA_RACE},
	{"read_before_join", read_before_join, .kind = FINDING_DATA_RACE},
	{"write_after_create", write_after_create, .kind = FINDING_DATA_RACE},
	{"detached_outlives", detached_outlives, .kind = FINDING_DATA_RACE},
	{"argument_freed_by_both", argument_freed_by_both, .kind = FINDING_DOUBLE_FREE},
	{"joined_twice", joined_twice, .kind = FINDING_MISUSE},
	{"cancelled_while_holding", cancelled_while_holding, .kind = FINDING_DEADLOCK},
	{"key_without_destructor", key_without_destructor, .kind = FINDING_LEAK},
	{"bit_fields", bit_fields, .kind = FINDING_DATA_RACE},
};
SUITE_GROUP(buggy_threads, programs, forget);
