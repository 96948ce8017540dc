/* SPDX-License-Identifier: MIT */
/* Every registered counter, held to the contract in counter.h and to what it says of itself. */
#include <pthread.h>
#include <semaphore.h>

#include "test_counter.h"

/* The linker sends the implementations' allocations here (-Wl,--wrap). */
static bool out_of_memory;
static _Atomic long live_blocks; /* allocated and not yet freed */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
void __wrap_free(void *block);

static void *counted(void *block)
{
	/* relaxed: read when nobody allocates. */
	if (block)
		atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
	return block;
}

void *__wrap_malloc(size_t bytes)
{
	return out_of_memory ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return out_of_memory ? NULL : counted(__real_calloc(count, bytes));
}

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
	return out_of_memory ? NULL : counted(__real_aligned_alloc(align, bytes));
}

void __wrap_free(void *block)
{
	/* relaxed: as in counted(). */
	if (block)
		atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
	__real_free(block);
}

static void states_its_promises(struct fixture *f)
{
	const struct implementation *about = &f->it->about;
	size_t promises;
	family_promises(FAMILY_COUNTER, &promises);
	check_equal(f, about->claims & about->missing, 0);
	check_equal(f, (about->claims | about->missing) >> promises, 0);
	check_equal(f, ((about->claims | about->missing) & COUNTER_UNIQUE_STEPS) != 0, f->it->steps);
	/* A ticket is what is returned in place of a step. */
	if (f->it->tickets)
		check_equal(f, (about->missing & COUNTER_UNIQUE_STEPS) != 0, true);
	assert_non_null(about->lesson);
	/* A value that is the count at one moment of the read cannot run backwards, and what loses nothing is exact at rest. */
	if (about->claims & COUNTER_LINEARIZABLE_VALUE)
		check_equal(f, (about->claims & COUNTER_MONOTONE_VALUE) != 0, true);
	if (about->claims & COUNTER_EXACT_AT_REST)
		check_equal(f, (about->claims & COUNTER_NO_LOST_UPDATE) != 0, true);
	f->it->close(f->c);
}

static void counts_alone(struct fixture *f)
{
	join(f, 0);
	check_equal(f, f->it->value(f->c), 0);
	for (uint64_t i = 1; i <= MANY; i++) {
		check_equal(f, count(f, 0), f->it->steps ? i : 0);
		check_equal(f, f->it->value(f->c), i);
	}
	f->it->loop_increment(f->c, f->seat[0], 640);
	check_equal(f, f->it->loop_value(f->c, 64), MANY + 640);
	f->it->loop_increment_call(f->c, f->seat[0], 640);
	check_equal(f, f->it->loop_read_every_100(f->c, f->seat[0], 7), MANY + 2 * 640 + 700);
	f->it->leave(f->c, f->seat[0]);
	f->it->close(f->c);
	/* Opened again it starts again. */
	check_equal(f, (uint64_t)f->it->open(f->c), 0);
	check_equal(f, f->it->value(f->c), 0);
	join(f, 0);
	count(f, 0);
	check_equal(f, f->it->value(f->c), 1);
	f->it->close(f->c);
}

static void takes_back(struct fixture *f)
{
	join(f, 0);
	join(f, 1);
	uint64_t expected = 0;
	for (uint64_t i = 0; i < MANY; i++) {
		count(f, i % 2);
		expected++;
		if (f->it->decrement && i % 3 == 0) {
			f->it->decrement(f->c, f->seat[(i + 1) % 2]);
			expected--;
		}
		if (f->it->reset && i == MANY / 2) {
			f->it->reset(f->c);
			expected = 0;
		}
		check_equal(f, f->it->value(f->c), expected);
	}
	f->it->close(f->c);
}

static void keeps_a_share_whose_owner_left(struct fixture *f)
{
	uint64_t total = 0;
	bool given[256 * SEATS + 1] = {false}; /* of the largest blocks of tickets one for each seat */
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < SEATS; i++)
			join(f, i);
		for (size_t i = 0; i < SEATS * 2; i++) {
			uint64_t step = count(f, i % SEATS);
			check_equal(f, f->it->value(f->c), ++total);
			if (!f->it->steps)
				continue;
			if (f->it->about.claims & COUNTER_UNIQUE_STEPS)
				check_equal(f, step, total);
			/* Whoever returns steps gives none twice to one thread. */
			check_equal(f, step >= 1 && step < sizeof given && !given[step], true);
			given[step] = true;
		}
		for (size_t i = SEATS; i-- > 0;)
			f->it->leave(f->c, f->seat[i]);
		check_equal(f, f->it->value(f->c), total);
	}
	f->it->close(f->c);
}

static void counters_are_apart(struct fixture *f)
{
	struct fixture other;
	fixture_make(&other, f->it);
	int why = f->it->open(other.c);
	if (f->it->about.instances == INSTANCES_ONE_PER_PROCESS) {
		check_equal(f, (uint64_t)why, EBUSY);
	} else {
		check_equal(f, (uint64_t)why, 0);
		join(f, 0);
		join(&other, 0);
		count(f, 0);
		count(f, 0);
		count(&other, 0);
		check_equal(f, f->it->value(f->c), 2);
		check_equal(f, f->it->value(other.c), 1);
		f->it->close(other.c);
	}
	fixture_free(&other);
	f->it->close(f->c);
}

static void *count_a_few(void *arg)
{
	struct fixture *f = arg;
	for (unsigned i = 0; i < 3; i++)
		count(f, 0);
	return NULL;
}

static void keeps_a_share_whose_thread_ended(struct fixture *f)
{
	join(f, 0);
	for (uint64_t round = 1; round <= 20; round++) {
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, count_a_few, f), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		check_equal(f, f->it->value(f->c), 3 * round);
	}
	f->it->close(f->c);
}

/* A thread that uses a counter, then waits before it ends. */
struct user {
	struct fixture *f;
	sem_t used, may_end;
};

static void *use(void *arg)
{
	struct user *user = arg;
	struct fixture *f = user->f;
	for (size_t i = 0; i < SEATS; i++)
		join(f, i);
	for (size_t i = 0; i < SEATS; i++)
		count(f, i);
	f->it->leave(f->c, f->seat[1]);
	sem_post(&user->used);
	sem_wait(&user->may_end);
	return NULL;
}

static void close_frees_everything(struct fixture *f)
{
	f->it->close(f->c);
	/* relaxed, both loads: nobody else allocates here. */
	long before = atomic_load_explicit(&live_blocks, memory_order_relaxed);
	for (unsigned round = 0; round < 6; round++) {
		struct user user = {.f = f};
		pthread_t thread;
		sem_init(&user.used, 0, 0);
		sem_init(&user.may_end, 0, 0);
		check_equal(f, (uint64_t)f->it->open(f->c), 0);
		assert_int_equal(pthread_create(&thread, NULL, use, &user), 0);
		sem_wait(&user.used);
		/* What belongs to a thread goes with the thread, whether it ends before the close or after it. */
		if (round % 2)
			f->it->close(f->c);
		sem_post(&user.may_end);
		assert_int_equal(pthread_join(thread, NULL), 0);
		if (round % 2 == 0)
			f->it->close(f->c);
		check_equal(f, (uint64_t)atomic_load_explicit(&live_blocks, memory_order_relaxed), (uint64_t)before);
	}
}

static void *count_without_memory(void *arg)
{
	struct fixture *f = arg;
	out_of_memory = true;
	count(f, 0);
	out_of_memory = false;
	count(f, 0);
	return NULL;
}

static void says_when_memory_is_out(struct fixture *f)
{
	join(f, 0);
	out_of_memory = true;
	int why = f->it->join(f->c, f->seat[1]);
	out_of_memory = false;
	check_equal(f, why == 0 || why == ENOMEM, true);
	/* A seat that was given must work. */
	count(f, why == 0);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, count_without_memory, f), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	check_equal(f, f->it->value(f->c), 3);
	f->it->close(f->c);
	out_of_memory = true;
	why = f->it->open(f->c);
	out_of_memory = false;
	check_equal(f, why == 0 || why == ENOMEM, true);
	if (why == 0)
		f->it->close(f->c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_EACH(states_its_promises),
		ON_EACH(counts_alone),
		ON_EACH(takes_back),
		ON_EACH(keeps_a_share_whose_owner_left),
		ON_EACH(counters_are_apart),
		ON_EACH(keeps_a_share_whose_thread_ended),
		ON_EACH(close_frees_everything),
		ON_EACH(says_when_memory_is_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
