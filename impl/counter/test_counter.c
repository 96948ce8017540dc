/* SPDX-License-Identifier: MIT */
/* Every registered counter, held to the contract in counter.h and to what it says of itself. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../initialiser/initialiser.h"
#include "counter.h"

enum { SEATS = 4, MANY = 1000, THREADS = 2, STEPS_MAX = 200000, SIGNALS = 500, FULL_SPEED = 64 * 20000 };

/* The registry also links the initialiser that loads before main; it gets an address to hold. */
static void *load_nothing(void *arg, int *error)
{
	*error = 0;
	return arg;
}

static void unload_nothing(void *arg, void *instance)
{
	(void)arg;
	(void)instance;
}

const struct initialiser_loader initialiser_linked_loader = {load_nothing, unload_nothing, (void *)(uintptr_t)1};

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

/* An object and its seats, filled with rubbish: the contract promises no cleared memory. */
struct fixture {
	const struct counter_implementation *it;
	struct counter *c;
	struct counter_seat *seat[SEATS];
};

static void *rubbish(size_t align, size_t bytes)
{
	size_t rounded = (bytes + align - 1) / align * align;
	void *memory = aligned_alloc(align < sizeof(void *) ? sizeof(void *) : align, rounded);
	assert_non_null(memory);
	return memset(memory, 0xa5, rounded);
}

static void fixture_make(struct fixture *f, const struct counter_implementation *it)
{
	f->it = it;
	f->c = rubbish(it->counter_align, it->counter_bytes);
	for (size_t i = 0; i < SEATS; i++)
		f->seat[i] = rubbish(it->seat_align, it->seat_bytes);
}

static void fixture_free(struct fixture *f)
{
	free(f->c);
	for (size_t i = 0; i < SEATS; i++)
		free(f->seat[i]);
}

/* Runs TEST on an open counter of each implementation; those that this machine lacks something for are named and passed over. */
static void for_each(void (*test)(struct fixture *f))
{
	size_t seen = 0;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		if (onceproof_registry[i].about->family != FAMILY_COUNTER)
			continue;
		struct fixture f;
		fixture_make(&f, counter_of(&onceproof_registry[i]));
		int why = f.it->open(f.c);
		if (why == ENOSYS) {
			print_message("counter/%s: %s; passed over\n", f.it->about.name, strerror(why));
		} else {
			assert_int_equal(why, 0);
			test(&f);
			seen++;
		}
		fixture_free(&f);
	}
	assert_true(seen > 0);
}

#define check_equal(f, got, want) check_equal_at(f, #got, got, want, __LINE__)
static void check_equal_at(const struct fixture *f, const char *what, uint64_t got, uint64_t want, int line)
{
	if (got == want)
		return;
	print_error(
		"counter/%s: %s is %llu, not %llu\n", f->it->about.name, what, (unsigned long long)got, (unsigned long long)want);
	_fail(__FILE__, line);
}

static void join(struct fixture *f, size_t seat)
{
	check_equal(f, (uint64_t)f->it->join(f->c, f->seat[seat]), 0);
}

static uint64_t count(struct fixture *f, size_t seat)
{
	return f->it->increment(f->c, f->seat[seat]);
}

static void states_its_promises(struct fixture *f)
{
	const struct implementation *about = &f->it->about;
	size_t promises;
	family_promises(FAMILY_COUNTER, &promises);
	check_equal(f, about->claims & about->missing, 0);
	check_equal(f, (about->claims | about->missing) >> promises, 0);
	check_equal(f, ((about->claims | about->missing) & COUNTER_UNIQUE_STEPS) != 0, f->it->steps);
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
	bool given[64 * SEATS * 3 + 1] = {false};
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

/* One thread of the concurrent tests. */
struct worker {
	struct fixture *f;
	size_t seat;
	unsigned rounds;   /* how often it takes its seat */
	uint64_t plan;     /* increments in each round, at most */
	uint64_t counted;  /* written by the worker, read after the join */
	uint64_t backward; /* likewise: values read that were smaller than the one before */
	uint64_t *steps;   /* likewise: what increment returned */
	_Atomic bool done;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct timespec start, now;
	uint64_t last = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned round = 0; round < w->rounds; round++) {
		if (w->f->it->join(w->f->c, w->f->seat[w->seat]))
			break;
		for (uint64_t i = 0; i < w->plan; i++) {
			uint64_t step = count(w->f, w->seat);
			if (w->steps)
				w->steps[w->counted] = step;
			w->counted++;
			uint64_t value = w->f->it->value(w->f->c);
			w->backward += value < last;
			last = value;
			/* Fair locks on a busy machine can take a time slice per increment: then fewer are enough. */
			clock_gettime(CLOCK_MONOTONIC, &now);
			if (now.tv_sec - start.tv_sec > 1)
				break;
		}
		w->f->it->leave(w->f->c, w->f->seat[w->seat]);
	}
	/* release: pairs with the acquire in signal_until_done(). */
	atomic_store_explicit(&w->done, true, memory_order_release);
	return NULL;
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

/* Signals interrupt restartable sequences wherever they are, much more often than the scheduler does. */
static void signal_until_done(struct worker *w)
{
	/* acquire: pairs with the release in work(). The thread is not joined yet, so its name stays valid. */
	for (unsigned i = 0; i < SIGNALS && !atomic_load_explicit(&w->done, memory_order_acquire); i++)
		pthread_kill(w->thread, SIGUSR1);
}

static void check_steps(struct fixture *f, const struct worker *workers, uint64_t total)
{
	bool *given = calloc(total + 1, sizeof *given);
	assert_non_null(given);
	for (size_t i = 0; i < THREADS; i++)
		for (uint64_t n = 0; n < workers[i].counted; n++) {
			uint64_t step = workers[i].steps[n];
			check_equal(f, step >= 1 && step <= total && !given[step], true);
			given[step] = true;
		}
	free(given);
}

static void run_workers(struct fixture *f, unsigned rounds, uint64_t plan)
{
	static uint64_t steps[THREADS][STEPS_MAX];
	struct worker workers[THREADS] = {0};
	uint64_t total = 0;
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].f = f;
		workers[i].seat = i;
		workers[i].rounds = rounds;
		workers[i].plan = plan;
		workers[i].steps = rounds * plan <= STEPS_MAX ? steps[i] : NULL;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		signal_until_done(&workers[i]);
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		total += workers[i].counted;
	}
	uint32_t claims = f->it->about.claims;
	for (size_t i = 0; i < THREADS; i++)
		if (claims & COUNTER_MONOTONE_VALUE)
			check_equal(f, workers[i].backward, 0);
	if (claims & COUNTER_EXACT_AT_REST)
		check_equal(f, f->it->value(f->c), total);
	if (claims & COUNTER_UNIQUE_STEPS)
		check_steps(f, workers, total);
	f->it->close(f->c);
}

static void counts_with_threads(struct fixture *f)
{
	run_workers(f, 1, STEPS_MAX);
}

static void counts_while_seats_change_hands(struct fixture *f)
{
	run_workers(f, 500, 2);
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

/* A thread that does nothing but count. */
struct hammer {
	struct fixture *f;
	size_t seat;
	uint64_t counted; /* written by the thread, read after the join */
	pthread_t thread;
};

static void *count_only(void *arg)
{
	struct hammer *h = arg;
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		h->f->it->loop_increment(h->f->c, h->f->seat[h->seat], 64);
		h->counted += 64;
		/* The time limit is for fair locks, as above. */
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (h->counted < FULL_SPEED && now.tv_sec - start.tv_sec <= 1);
	return NULL;
}

static void counts_at_full_speed(struct fixture *f)
{
	struct hammer hammers[THREADS] = {0};
	uint64_t total = 0;
	for (size_t i = 0; i < THREADS; i++) {
		join(f, i);
		hammers[i].f = f;
		hammers[i].seat = i;
		assert_int_equal(pthread_create(&hammers[i].thread, NULL, count_only, &hammers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(hammers[i].thread, NULL), 0);
		total += hammers[i].counted;
	}
	if (f->it->about.claims & COUNTER_EXACT_AT_REST)
		check_equal(f, f->it->value(f->c), total);
	f->it->close(f->c);
}

struct watcher {
	struct fixture *f;
	uint64_t seen[3];
};

static void *watch(void *arg)
{
	struct watcher *w = arg;
	for (size_t i = 0; i < 3; i++)
		w->seen[i] = w->f->it->watch(w->f->c, i ? w->seen[i - 1] : 0);
	return NULL;
}

static void wakes_watchers(struct fixture *f)
{
	if (f->it->watch) {
		struct watcher w = {.f = f};
		pthread_t thread;
		join(f, 0);
		assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
		/* Counts until the watcher has seen three changes. The scenario `watched` has a single change, which nothing makes up for. */
		uint64_t counted = 0;
		while (pthread_tryjoin_np(thread, NULL) == EBUSY) {
			count(f, 0);
			counted++;
			sched_yield();
		}
		check_equal(f, w.seen[0] >= 1 && w.seen[0] < w.seen[1] && w.seen[1] < w.seen[2] && w.seen[2] <= counted, true);
		check_equal(f, f->it->watch(f->c, counted + 1), counted);
		f->it->reset(f->c);
		check_equal(f, f->it->watch(f->c, counted), 0);
		/* There and back again is no news: whoever wakes up looks again. */
		assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
		for (unsigned i = 0; pthread_tryjoin_np(thread, NULL) == EBUSY; i++) {
			count(f, 0);
			if (i < 20 * MANY)
				f->it->decrement(f->c, f->seat[0]);
			else
				sched_yield();
		}
		check_equal(f, w.seen[0] != 0 && w.seen[1] != w.seen[0] && w.seen[2] != w.seen[1], true);
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

/* cmocka's entry: the state is the test to run on each counter. */
static void each(void **state)
{
	for_each(*(void (**)(struct fixture *)) * state);
}

/* One row of the list of tests; a pointer to a function fits no void pointer, so the row is what the state points to. */
#define ON_EACH(test)                                                  \
	{                                                              \
#test, each, NULL, NULL, &(void (*)(struct fixture *)) \
		{                                                      \
			test                                           \
		}                                                      \
	}

int main(void)
{
	signal(SIGUSR1, nothing);
	const struct CMUnitTest tests[] = {
		ON_EACH(states_its_promises),
		ON_EACH(counts_alone),
		ON_EACH(takes_back),
		ON_EACH(keeps_a_share_whose_owner_left),
		ON_EACH(counters_are_apart),
		ON_EACH(counts_with_threads),
		ON_EACH(counts_while_seats_change_hands),
		ON_EACH(counts_at_full_speed),
		ON_EACH(keeps_a_share_whose_thread_ended),
		ON_EACH(wakes_watchers),
		ON_EACH(close_frees_everything),
		ON_EACH(says_when_memory_is_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
