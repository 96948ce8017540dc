/* SPDX-License-Identifier: MIT */
/* Every registered initialiser, one thread: what the contract says of open, get and close, as far as each one claims it. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initialiser.h"

/* A loader that counts, and fails when told to. */
struct books {
	int loads, failures, releases;
	int failing;   /* loads that are still to fail */
	int *instance; /* the last one made */
};

static void *load(void *arg, int *error)
{
	struct books *books = arg;
	if (books->failing > 0) {
		books->failing--;
		books->failures++;
		*error = ENOENT;
		return NULL;
	}
	books->loads++;
	books->instance = malloc(sizeof *books->instance);
	assert_non_null(books->instance);
	*books->instance = books->loads;
	*error = EINVAL; /* of no meaning beside an instance */
	return books->instance;
}

static void unload(void *arg, void *instance)
{
	struct books *books = arg;
	books->releases++;
	free(instance);
}

/* For initialisers with loader `link_time`. Loads before main, where cmocka's assertions cannot report. */
static int linked_loads;

static void *linked_load(void *arg, int *error)
{
	static int instance = 1;
	(void)arg;
	(void)error;
	linked_loads++;
	return &instance;
}

static void linked_unload(void *arg, void *instance)
{
	(void)arg;
	(void)instance;
}

const struct initialiser_loader initialiser_linked_loader = {linked_load, linked_unload, NULL};

/* One open initialiser with its books. */
struct bench {
	const struct initialiser_implementation *subject;
	struct initialiser *object;
	struct initialiser_loader loader;
	struct books books;
};

static void bench_open(struct bench *bench, const struct registered *entry)
{
	*bench = (struct bench){.subject = initialiser_of(entry)};
	size_t align = bench->subject->align > sizeof(void *) ? bench->subject->align : sizeof(void *);
	void *memory = NULL;
	assert_int_equal(posix_memalign(&memory, align, bench->subject->bytes), 0);
	memset(memory, 0xa5, bench->subject->bytes); /* open may not count on zeroes */
	bench->object = memory;
	bench->loader = (struct initialiser_loader){load, unload, &bench->books};
	assert_int_equal(bench->subject->open(bench->object, &bench->loader), 0);
}

static void bench_close(struct bench *bench)
{
	bench->subject->close(bench->object);
	free(bench->object);
}

static void *get(struct bench *bench, int expected_error)
{
	int error = -1;
	void *instance = bench->subject->get(bench->object, &error);
	assert_int_equal(error, expected_error);
	assert_true((instance == NULL) == (expected_error != 0));
	return instance;
}

static void describes_itself(const struct registered *entry)
{
	const struct initialiser_implementation *subject = initialiser_of(entry);
	assert_string_not_equal(subject->about.name, "");
	assert_true(subject->about.lesson && *subject->about.lesson);
	assert_int_equal(subject->about.claims & subject->about.missing, 0);
	assert_int_equal((subject->about.claims | subject->about.missing) & ~0xffu, 0);
	assert_true(subject->bytes > 0 && subject->align > 0 && subject->bytes % subject->align == 0);
	assert_true(subject->open && subject->get && subject->close && subject->loop_get);
}

static void loads_on_first_get(const struct registered *entry)
{
	struct bench bench;
	bench_open(&bench, entry);
	bool linked = bench.subject->loading == LOADER_LINK_TIME;
	assert_int_equal(bench.books.loads, 0);
	int *first = get(&bench, 0);
	assert_int_equal(*first, 1);
	assert_ptr_equal(get(&bench, 0), first);
	assert_ptr_equal(bench.subject->loop_get(bench.object, 128), first);
	assert_int_equal(bench.books.loads, linked ? 0 : 1);
	assert_int_equal(bench.books.releases, 0);
	bench_close(&bench);
	assert_int_equal(bench.books.releases, linked ? 0 : 1);
	assert_int_equal(linked_loads, 1);
}

static void closes_without_a_load(const struct registered *entry)
{
	struct bench bench;
	bench_open(&bench, entry);
	bench_close(&bench);
	assert_int_equal(bench.books.loads, 0);
	assert_int_equal(bench.books.releases, 0);
}

static void reports_failure(const struct registered *entry)
{
	struct bench bench;
	bench_open(&bench, entry);
	if (bench.subject->loading == LOADER_RUN_TIME) {
		bench.books.failing = 2;
		get(&bench, ENOENT);
		if (bench.subject->about.claims & INITIALISER_RETRIES_FAILURE) {
			get(&bench, ENOENT);
			assert_int_equal(bench.books.failures, 2);
			assert_int_equal(*(int *)get(&bench, 0), 1);
		} else {
			get(&bench, ENOENT); /* kept, and told again */
			assert_int_equal(bench.books.failures, 1);
		}
	}
	bench_close(&bench);
	assert_int_equal(bench.books.releases, bench.books.loads);
}

static void loads_anew_when_reopened(const struct registered *entry)
{
	struct bench bench;
	bench_open(&bench, entry);
	if (bench.subject->rearmable) {
		assert_int_equal(*(int *)get(&bench, 0), 1);
		bench.subject->close(bench.object);
		assert_int_equal(bench.books.releases, 1);
		assert_int_equal(bench.subject->open(bench.object, &bench.loader), 0);
		assert_int_equal(*(int *)get(&bench, 0), 2);
	}
	bench_close(&bench);
	assert_int_equal(bench.books.releases, bench.books.loads);
}

/* Two open objects do not know each other, also where a thread remembers what it saw. */
static void keeps_objects_apart(const struct registered *entry)
{
	if (initialiser_of(entry)->about.instances != INSTANCES_MANY)
		return;
	struct bench one, other;
	bench_open(&one, entry);
	bench_open(&other, entry);
	for (int round = 0; round < 2; round++) {
		void *first = get(&one, 0), *second = get(&other, 0);
		assert_ptr_equal(first, one.books.instance);
		assert_ptr_equal(second, other.books.instance);
	}
	assert_int_equal(one.books.loads, 1);
	assert_int_equal(other.books.loads, 1);
	bench_close(&one);
	bench_close(&other);
	assert_int_equal(one.books.releases + other.books.releases, 2);
}

/* A loader that needs another object of the same implementation. */
static void *load_through(void *arg, int *error)
{
	struct bench *inner = arg;
	return inner->subject->get(inner->object, error);
}

static void unload_nothing(void *arg, void *instance)
{
	(void)arg;
	(void)instance;
}

static void loads_inside_a_load(const struct registered *entry)
{
	if (initialiser_of(entry)->about.instances != INSTANCES_MANY)
		return;
	struct bench outer, inner;
	bench_open(&outer, entry);
	bench_open(&inner, entry);
	outer.loader = (struct initialiser_loader){load_through, unload_nothing, &inner};
	void *through = get(&outer, 0);
	assert_ptr_equal(through, inner.books.instance);
	assert_ptr_equal(get(&inner, 0), through);
	assert_ptr_equal(get(&outer, 0), through);
	assert_int_equal(inner.books.loads, 1);
	bench_close(&outer);
	bench_close(&inner);
}

static void for_every_initialiser(void **state)
{
	void (*const check)(const struct registered *entry) = *(void (**)(const struct registered *)) * state;
	size_t seen = 0;
	for (size_t i = 0; i < onceproof_registry_count; i++) {
		const struct registered *entry = &onceproof_registry[i];
		if (entry->about->family != FAMILY_INITIALISER)
			continue;
		print_message("%s\n", entry->file);
		check(entry);
		seen++;
	}
	assert_true(seen > 0);
}

int main(void)
{
	static void (*checks[])(const struct registered *entry) = {describes_itself, loads_on_first_get, closes_without_a_load,
		reports_failure, loads_anew_when_reopened, keeps_objects_apart, loads_inside_a_load};
	static const char *const names[] = {"describes itself", "loads on first get", "closes without a load", "reports failure",
		"loads anew when reopened", "keeps objects apart", "loads inside a load"};
	struct CMUnitTest tests[sizeof checks / sizeof *checks];
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		tests[i] = (struct CMUnitTest){names[i], for_every_initialiser, NULL, NULL, &checks[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
