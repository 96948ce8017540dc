/* SPDX-License-Identifier: MIT */
/* What the counters' tests share: a fixture for each registered counter, and a check that names the counter. Include once. */
#ifndef ONCEPROOF_TEST_COUNTER_H
#define ONCEPROOF_TEST_COUNTER_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../initialiser/initialiser.h"
#include "counter.h"

enum { SEATS = 4, MANY = 1000 };

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

/* An object and its seats, filled with rubbish: the contract promises no cleared memory. */
struct fixture {
	const struct counter_implementation *it;
	struct counter *c;
	struct counter_seat *seat[SEATS];
};

static inline void *rubbish(size_t align, size_t bytes)
{
	align = align < sizeof(void *) ? sizeof(void *) : align;
	size_t rounded = (bytes + align - 1) / align * align;
	void *memory = aligned_alloc(align, rounded);
	assert_non_null(memory);
	return memset(memory, 0xa5, rounded);
}

static inline void fixture_make(struct fixture *f, const struct counter_implementation *it)
{
	f->it = it;
	f->c = rubbish(it->counter_align, it->counter_bytes);
	for (size_t i = 0; i < SEATS; i++)
		f->seat[i] = rubbish(it->seat_align, it->seat_bytes);
}

static inline void fixture_free(struct fixture *f)
{
	free(f->c);
	for (size_t i = 0; i < SEATS; i++)
		free(f->seat[i]);
}

/* Runs TEST on an open counter of each implementation; those that this machine lacks something for are named and passed over. */
static inline void for_each(void (*test)(struct fixture *f))
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
static inline void check_equal_at(const struct fixture *f, const char *what, uint64_t got, uint64_t want, int line)
{
	if (got == want)
		return;
	print_error(
		"counter/%s: %s is %llu, not %llu\n", f->it->about.name, what, (unsigned long long)got, (unsigned long long)want);
	_fail(__FILE__, line);
}

static inline void join(struct fixture *f, size_t seat)
{
	check_equal(f, (uint64_t)f->it->join(f->c, f->seat[seat]), 0);
}

static inline uint64_t count(struct fixture *f, size_t seat)
{
	return f->it->increment(f->c, f->seat[seat]);
}

/* cmocka's entry: the state is the test to run on each counter. */
static inline void each(void **state)
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

#endif
