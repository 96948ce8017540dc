/* SPDX-License-Identifier: MIT */
/* Every registered progress implementation, one after another: what each must do in one thread, and what it claims in several. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../initialiser/initialiser.h"
#include "progress.h"

enum { ITEMS = 100, WORKERS = 4, ITEMS_PER_WORKER = 50000, BATCH = WORKERS * ITEMS_PER_WORKER, RECORD = 2 * BATCH };

/* The registry comes with every family, and an initialiser that loads before main with it. */
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

/* A counter and a front end. Nothing in them orders threads, so that the implementation must. */
struct bench {
	struct progress_sink sink;
	struct progress_source source;
	uint64_t total;               /* what every call of tell must bring */
	_Atomic uint64_t counted;     /* all threads */
	_Atomic uint64_t told_count;  /* all threads; a call's place in the record */
	_Atomic uint64_t wrong_total; /* all threads */
	_Atomic int workers_left;     /* workers count down, the front end looks */
	uint64_t told[RECORD];        /* each place is written by one call, read when all have ended */
};

static uint64_t increment(void *arg)
{
	struct bench *b = arg;
	/* relaxed, here and below: each word stands alone; pthread_join orders the reading of the record. */
	return atomic_fetch_add_explicit(&b->counted, 1, memory_order_relaxed) + 1;
}

static uint64_t increment_without_step(void *arg)
{
	increment(arg);
	return 0;
}

static uint64_t value(void *arg)
{
	struct bench *b = arg;
	return atomic_load_explicit(&b->counted, memory_order_relaxed);
}

static void tell(void *arg, uint64_t done, uint64_t total)
{
	struct bench *b = arg;
	uint64_t place = atomic_fetch_add_explicit(&b->told_count, 1, memory_order_relaxed);
	if (place < RECORD)
		b->told[place] = done;
	if (total != b->total)
		atomic_fetch_add_explicit(&b->wrong_total, 1, memory_order_relaxed);
}

static struct bench *bench_new(uint64_t total)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->sink = (struct progress_sink){tell, b};
	b->source = (struct progress_source){increment, value, b};
	b->total = total;
	return b;
}

static uint64_t told_count(const struct bench *b)
{
	return atomic_load_explicit(&b->told_count, memory_order_relaxed);
}

/* Memory for an object, with junk in it: open must not rely on zeros. */
static struct progress *object_new(const struct progress_implementation *it)
{
	size_t bytes = (it->bytes + it->align - 1) / it->align * it->align;
	void *object = aligned_alloc(it->align < sizeof(void *) ? sizeof(void *) : it->align, bytes);
	assert_non_null(object);
	memset(object, 0xa5, bytes);
	return object;
}

/* Runs CHECK on every registered progress implementation; there must be some. */
static void with_each(void (*check)(const struct progress_implementation *it))
{
	size_t seen = 0;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		if (onceproof_registry[i].about->family != FAMILY_PROGRESS)
			continue;
		print_message("  %s\n", onceproof_registry[i].file);
		check(progress_of(&onceproof_registry[i]));
		seen++;
	}
	assert_true(seen > 0);
}

/* In one thread nothing runs backwards or repeats and the last is the total, whatever is claimed: an implementation is broken by
 * concurrency alone. Numbers may be skipped only where no_gaps is not offered, or by a front end that did not look. */
static void assert_told_in_one_thread(const struct bench *b, uint64_t total, bool gaps_allowed)
{
	uint64_t count = told_count(b), last = 0;
	assert_in_range(count, 1, total);
	for (uint64_t i = 0; i < count; i++) {
		assert_true(b->told[i] > last);
		if (!gaps_allowed)
			assert_int_equal(b->told[i], last + 1);
		last = b->told[i];
	}
	assert_int_equal(last, total);
	assert_int_equal(atomic_load_explicit(&b->wrong_total, memory_order_relaxed), 0);
}

static void one_thread_tells_each_step(const struct progress_implementation *it)
{
	struct progress *p = object_new(it);
	for (int round = 0; round < 2; round++) { /* the second on the memory of the first */
		struct bench *b = bench_new(ITEMS);
		if (it->needs == PROGRESS_NEEDS_VALUE)
			b->source.increment = increment_without_step;
		assert_int_equal(it->open(p, &b->sink, ITEMS), 0);
		for (uint64_t i = 1; i <= ITEMS; i++) {
			uint64_t told = told_count(b);
			it->step(p, &b->source);
			assert_int_equal(value(b), i); /* exactly one increment */
			if (it->polled)
				assert_int_equal(told_count(b), told); /* workers tell nothing */
			it->poll(p, &b->source);
			it->poll(p, &b->source); /* nothing new */
		}
		it->finish(p, &b->source);
		assert_told_in_one_thread(b, ITEMS, !((it->about.claims | it->about.missing) & PROGRESS_NO_GAPS));
		it->close(p);
		free(b);
	}
	free(p);
}

static void finish_tells_the_rest(const struct progress_implementation *it)
{
	struct progress *p = object_new(it);
	struct bench *b = bench_new(ITEMS);
	assert_int_equal(it->open(p, &b->sink, ITEMS), 0);
	for (uint64_t i = 0; i < ITEMS; i++)
		it->step(p, &b->source);
	it->finish(p, &b->source);
	assert_told_in_one_thread(b, ITEMS, !(it->about.claims & PROGRESS_NO_GAPS));
	it->close(p);
	free(b);
	free(p);
}

static void an_empty_batch_tells_nothing(const struct progress_implementation *it)
{
	struct progress *p = object_new(it);
	struct bench *b = bench_new(0);
	assert_int_equal(it->open(p, &b->sink, 0), 0);
	it->poll(p, &b->source);
	it->finish(p, &b->source);
	assert_int_equal(told_count(b), 0);
	assert_int_equal(value(b), 0);
	it->close(p);
	free(b);
	free(p);
}

static void the_measured_loop_steps(const struct progress_implementation *it)
{
	struct progress *p = object_new(it);
	struct bench *b = bench_new(128);
	assert_int_equal(it->open(p, &b->sink, 128), 0);
	it->loop_step(p, &b->source, 128);
	it->finish(p, &b->source);
	assert_int_equal(value(b), 128);
	assert_told_in_one_thread(b, 128, !(it->about.claims & PROGRESS_NO_GAPS));
	it->close(p);
	free(b);
	free(p);
}

static void claims_are_consistent(const struct progress_implementation *it)
{
	size_t count;
	family_promises(FAMILY_PROGRESS, &count);
	assert_int_equal(it->about.claims & it->about.missing, 0);
	assert_true((it->about.claims | it->about.missing) >> count == 0);
	assert_true((it->about.claims | it->about.missing) & PROGRESS_RACE_FREE);
	assert_true(it->about.lesson && it->about.lesson[0]);
}

#if defined(__SANITIZE_THREAD__)
enum { UNDER_TSAN = 1 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { UNDER_TSAN = 1 };
#else
enum { UNDER_TSAN = 0 };
#endif
#else
enum { UNDER_TSAN = 0 };
#endif

struct crew {
	const struct progress_implementation *it;
	struct progress *p;
	struct bench *b;
};

static void *work(void *arg)
{
	struct crew *crew = arg;
	for (int i = 0; i < ITEMS_PER_WORKER; i++)
		crew->it->step(crew->p, &crew->b->source);
	/* relaxed: only ends the front end's loop; pthread_join orders the rest. */
	atomic_fetch_sub_explicit(&crew->b->workers_left, 1, memory_order_relaxed);
	return NULL;
}

static void assert_claims(const struct progress_implementation *it, const struct bench *b)
{
	uint64_t count = told_count(b), highest = 0;
	bool *seen = calloc(BATCH + 1, sizeof *seen);
	assert_non_null(seen);
	assert_in_range(count, 1, BATCH); /* an implementation tells a step once at most */
	for (uint64_t i = 0; i < count; i++) {
		uint64_t told = b->told[i];
		assert_in_range(told, 1, BATCH);
		if (it->about.claims & PROGRESS_NEVER_BACKWARDS)
			assert_true(told >= highest);
		if (it->about.claims & PROGRESS_NO_DUPLICATES)
			assert_false(seen[told]);
		if (it->about.claims & PROGRESS_NO_GAPS)
			assert_true(told <= highest + 1);
		seen[told] = true;
		highest = told > highest ? told : highest;
	}
	if (it->about.claims & PROGRESS_LAST_IS_TOTAL)
		assert_int_equal(b->told[count - 1], BATCH);
	free(seen);
}

static void many_threads_keep_the_claims(const struct progress_implementation *it)
{
	/* A race that is there on purpose must not turn a sanitized build of this test red; stress/ looks for it. */
	if (UNDER_TSAN && it->about.missing & PROGRESS_RACE_FREE)
		return;
	struct progress *p = object_new(it);
	struct bench *b = bench_new(BATCH);
	struct crew crew = {it, p, b};
	pthread_t thread[WORKERS];
	atomic_store_explicit(&b->workers_left, WORKERS, memory_order_relaxed); /* relaxed: pthread_create orders it */
	assert_int_equal(it->open(p, &b->sink, BATCH), 0);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, work, &crew), 0);
	while (atomic_load_explicit(&b->workers_left, memory_order_relaxed) > 0) /* relaxed: see work() */
		it->poll(p, &b->source);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	it->finish(p, &b->source);
	it->close(p);
	assert_int_equal(value(b), BATCH);
	assert_claims(it, b);
	free(b);
	free(p);
}

static void test_one_thread_tells_each_step(void **state)
{
	(void)state;
	with_each(one_thread_tells_each_step);
}

static void test_finish_tells_the_rest(void **state)
{
	(void)state;
	with_each(finish_tells_the_rest);
}

static void test_an_empty_batch_tells_nothing(void **state)
{
	(void)state;
	with_each(an_empty_batch_tells_nothing);
}

static void test_the_measured_loop_steps(void **state)
{
	(void)state;
	with_each(the_measured_loop_steps);
}

static void test_claims_are_consistent(void **state)
{
	(void)state;
	with_each(claims_are_consistent);
}

static void test_many_threads_keep_the_claims(void **state)
{
	(void)state;
	with_each(many_threads_keep_the_claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims_are_consistent),
		cmocka_unit_test(test_one_thread_tells_each_step),
		cmocka_unit_test(test_finish_tells_the_rest),
		cmocka_unit_test(test_an_empty_batch_tells_nothing),
		cmocka_unit_test(test_the_measured_loop_steps),
		cmocka_unit_test(test_many_threads_keep_the_claims),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
