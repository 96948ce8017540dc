/* SPDX-License-Identifier: MIT */
/* Changes that are tried at run time: what was found is proved not to be, and what a change does not forbid can still happen. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "amend.h"
#include "explore.h"
#include "test_amend_programs.h"

extern const char __executable_start[];

static unsigned seen; /* outcomes, by bit */

static unsigned outcome(void *arg)
{
	(void)arg;
	seen |= 1u << amend_outcome;
	return amend_outcome;
}

static bool forbidden(void *arg, unsigned shown)
{
	(void)arg;
	return shown == 1;
}

static const char *label(void *arg, unsigned shown)
{
	(void)arg;
	return shown ? "bad" : "good";
}

static void explores(void (*body)(void *), struct explore_result *result)
{
	const struct explore_program program = {
		.body = body, .outcome = outcome, .forbidden = forbidden, .label = label, .outcome_count = 4};
	const struct explore_options options = {
		.model = MODEL_RC11, .strategy = "auto", .seed = 1, .executions = 20000, .shard = 1, .shards = 1};
	seen = 0;
	assert_int_equal(explore(&program, &options, result), 0);
}

/* As it is, BODY has a finding of KIND. */
static void breaks(void (*body)(void *), enum finding_kind kind)
{
	struct explore_result result;
	bool found = false;
	explores(body, &result);
	for (unsigned i = 0; i < result.finding_count; i++)
		found |= result.findings[i].finding.kind == kind;
	assert_true(found);
	explore_free(&result);
}

/* Everything was explored, nothing is found, OUTCOMES happened. */
static void holds(void (*body)(void *), unsigned outcomes)
{
	struct explore_result result;
	explores(body, &result);
	for (unsigned i = 0; i < result.finding_count; i++)
		fprintf(stderr, "%s\n", result.findings[i].finding.message);
	assert_int_equal(result.finding_count, 0);
	assert_string_equal(result.caveat, "");
	assert_true(result.exhausted);
	assert_int_equal(seen, outcomes);
	explore_free(&result);
}

static unsigned long long offset(const void *address)
{
	return (unsigned long long)((const char *)address - __executable_start);
}

/* Code from FROM to TO is under LOCK. */
static void lock_code(const char *lock, const char *from, const char *to)
{
	char text[96];
	snprintf(text, sizeof text, "%s=0x%llx-0x%llx", lock, offset(from), offset(to));
	assert_int_equal(amend_lock_text(text), 0);
}
#define LOCK(LOCK, NAME) lock_code(LOCK, amend_in_##NAME, amend_out_##NAME)

static const char *mutex(const pthread_mutex_t *m, const char *behind)
{
	static char text[32];
	snprintf(text, sizeof text, "@0x%llx%s", offset(m), behind);
	return text;
}

/* The sites of BODY's races: of reads in READ, of writes in WRITE, distinct ones in order of address. */
static void sites_of(void (*body)(void *), const void **read, unsigned *reads, const void **write, unsigned *writes)
{
	struct explore_result result;
	*reads = *writes = 0;
	explores(body, &result);
	for (unsigned i = 0; i < result.finding_count; i++)
		for (unsigned p = 0; p < result.findings[i].finding.place_count; p++) {
			const struct place *place = &result.findings[i].finding.place[p];
			if (result.findings[i].finding.kind != FINDING_DATA_RACE)
				continue;
			const void **sites = strncmp(place->role, "reads", 5) == 0 ? read : write;
			unsigned *count = sites == read ? reads : writes, at = 0;
			while (at < *count && sites[at] < place->frame[0])
				at++;
			if (at < *count && sites[at] == place->frame[0])
				continue;
			assert_true(*count < 4);
			memmove(sites + at + 1, sites + at, (*count - at) * sizeof *sites);
			sites[at] = place->frame[0];
			++*count;
		}
	explore_free(&result);
}

static void atomic(const void *site, const char *order, const void *second)
{
	char text[96];
	snprintf(text, sizeof text, second ? "0x%llx=%s,0x%llx" : "0x%llx=%s", offset(site), order, second ? offset(second) : 0);
	assert_int_equal(amend_atomic_text(text), 0);
}

static void a_read_and_a_write_become_one_update(void **state)
{
	(void)state;
	const void *read[5], *write[5];
	unsigned reads, writes;
	breaks(amend_counts, FINDING_FORBIDDEN_OUTCOME);
	sites_of(amend_counts, read, &reads, write, &writes);
	assert_int_equal(reads, 1);
	assert_int_equal(writes, 1);
	atomic(read[0], "relaxed", write[0]);
	holds(amend_counts, 1);
}

/* The flag alone is made atomic: data is published by its orders. */
static void a_plain_flag_becomes_atomic(void **state)
{
	(void)state;
	const void *read[5], *write[5];
	unsigned reads, writes;
	breaks(amend_publishes, FINDING_DATA_RACE);
	sites_of(amend_publishes, read, &reads, write, &writes);
	assert_int_equal(reads, 2);
	assert_int_equal(writes, 2);
	/* In order of address: data is written first, the flag is read first. */
	atomic(write[1], "release", NULL);
	breaks(amend_publishes, FINDING_DATA_RACE); /* an atomic store and a plain load */
	atomic(read[0], "acquire", NULL);
	holds(amend_publishes, 1);
}

/* The plain read of the program's threads that comes right before the write at SITE, in the witness of a race of AMEND_READS. */
static const void *amend_first_of(const void *site)
{
	struct explore_result result;
	const void *before = NULL, *found = NULL;
	explores(amend_reads, &result);
	for (unsigned f = 0; f < result.finding_count; f++)
		for (unsigned i = 0; i < result.findings[f].recorded_count; i++) {
			const struct recorded *r = &result.findings[f].recorded[i];
			if (r->frame[0] == site && before)
				found = before;
			before = !r->write && r->thread ? r->frame[0] : NULL;
		}
	explore_free(&result);
	assert_non_null(found);
	return found;
}

/* An atomic store races with a plain load as before. */
static void half_a_change_is_none(void **state)
{
	(void)state;
	const void *read[5], *write[5];
	unsigned reads, writes;
	sites_of(amend_flags, read, &reads, write, &writes);
	assert_int_equal(writes, 1);
	atomic(write[0], "seq_cst", NULL);
	breaks(amend_flags, FINDING_DATA_RACE);
	atomic(read[0], "seq_cst", NULL);
	holds(amend_flags, 1 | 1 << 2);
}

/* Nor does an update make others' loads atomic. */
static void an_update_races_with_plain_loads(void **state)
{
	(void)state;
	const void *read[5], *write[5];
	unsigned reads, writes;
	sites_of(amend_reads, read, &reads, write, &writes);
	assert_int_equal(reads, 1);
	assert_int_equal(writes, 1);
	/* The read of the update races with nothing; it is the call in front of the write's. */
	const void *first = amend_first_of(write[0]);
	atomic(first, "relaxed", write[0]);
	breaks(amend_reads, FINDING_DATA_RACE);
}

/* Relaxed accesses are no stronger than that: both threads can read what was there before. */
static void weak_orders_stay_weak(void **state)
{
	(void)state;
	const void *read[5], *write[5];
	unsigned reads, writes;
	sites_of(amend_buffers, read, &reads, write, &writes);
	assert_int_equal(reads, 2);
	assert_int_equal(writes, 2);
	for (unsigned i = 0; i < 2; i++) {
		atomic(write[i], "relaxed", NULL);
		atomic(read[i], "relaxed", NULL);
	}
	holds(amend_buffers, 1 | 1 << 2 | 1 << 3);
}

/* Halves with another event between them are no update: nothing is proved. */
static void halves_that_stand_apart_prove_nothing(void **state)
{
	(void)state;
	struct explore_result result;
	breaks(amend_apart, FINDING_FORBIDDEN_OUTCOME);
	explores(amend_apart, &result);
	const void *load = NULL, *store = NULL;
	for (unsigned i = 0; i < result.findings[0].recorded_count; i++) {
		const struct recorded *r = &result.findings[0].recorded[i];
		load = r->tag == STEP_LOAD && r->thread ? r->frame[0] : load;
		store = r->tag == STEP_STORE && r->thread ? r->frame[0] : store;
	}
	explore_free(&result);
	assert_non_null(load);
	assert_non_null(store);
	atomic(load, "seq_cst", store);
	explores(amend_apart, &result);
	assert_non_null(strstr(result.caveat, "halves"));
	explore_free(&result);
}

static void sections_of_a_mutex_become_one(void **state)
{
	(void)state;
	breaks(amend_checks, FINDING_FORBIDDEN_OUTCOME);
	LOCK(mutex(&amend_mutex, ""), checks);
	holds(amend_checks, 1);
}

/* A loop gives the lock back between its turns: what others see then can still be seen, and nothing else. */
static void each_turn_of_a_loop_is_a_section(void **state)
{
	(void)state;
	breaks(amend_turns, FINDING_DATA_RACE);
	LOCK("0", turns);
	LOCK("0", looks);
	holds(amend_turns, 1 | 1 << 2);
}

static void calls_are_part_of_a_section(void **state)
{
	(void)state;
	breaks(amend_calls, FINDING_FORBIDDEN_OUTCOME);
	LOCK("1", calls);
	breaks(amend_calls, FINDING_DATA_RACE); /* one side alone helps nobody */
	LOCK("1", sees);
	holds(amend_calls, 1);
}

static void a_section_ends_with_its_function(void **state)
{
	(void)state;
	LOCK("2", returns);
	LOCK("2", joined);
	holds(amend_returns, 1);
}

static void sections_side_by_side_are_two(void **state)
{
	(void)state;
	LOCK("3", neighbour);
	LOCK("3", next);
	LOCK("3", between);
	holds(amend_neighbours, 1 | 1 << 2);
}

static void a_mutex_is_taken_first(void **state)
{
	(void)state;
	breaks(amend_crosses, FINDING_DEADLOCK);
	LOCK(mutex(&amend_mutex, "!"), crosses);
	holds(amend_crosses, 1);
}

/* While a thread waits on a condition variable, the section that it waits in is open. */
static void a_wait_opens_the_section(void **state)
{
	(void)state;
	breaks(amend_waits, FINDING_LOST_WAKEUP);
	LOCK(mutex(&amend_mutex, ""), waits);
	LOCK(mutex(&amend_mutex, ""), wakes);
	LOCK(mutex(&amend_mutex, ""), later);
	holds(amend_waits, 1);
}

/* A section that was to take a lock first and does not take it at all proves nothing. */
static void a_lock_that_is_not_taken_is_told(void **state)
{
	(void)state;
	struct explore_result result;
	LOCK(mutex(&amend_other, "!"), wakes);
	explores(amend_waits, &result);
	assert_non_null(strstr(result.caveat, "take first"));
	explore_free(&result);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	static const char *const atomics[] = {"", "0x10", "0x10=", "0x10=plain", "0x10=none", "=relaxed", "0x10=relaxed,",
		"0x10=relaxed,7", "0x10=relaxed,0x20,", "10=relaxed"};
	static const char *const locks[] = {"", "0", "0=", "0=0x10", "0=0x10-", "0=0x20-0x10", "0=0x10-0x20,", "4=0x10-0x20",
		"@=0x10-0x20", "0=0x10-0x20;0x30-0x40"};
	for (size_t i = 0; i < sizeof atomics / sizeof *atomics; i++)
		assert_int_equal(amend_atomic_text(atomics[i]), EINVAL);
	for (size_t i = 0; i < sizeof locks / sizeof *locks; i++)
		assert_int_equal(amend_lock_text(locks[i]), EINVAL);
}

int main(void)
{
	/* Changes stay: each test has code of its own. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(a_read_and_a_write_become_one_update),
		cmocka_unit_test(a_plain_flag_becomes_atomic),
		cmocka_unit_test(half_a_change_is_none),
		cmocka_unit_test(an_update_races_with_plain_loads),
		cmocka_unit_test(weak_orders_stay_weak),
		cmocka_unit_test(halves_that_stand_apart_prove_nothing),
		cmocka_unit_test(sections_of_a_mutex_become_one),
		cmocka_unit_test(each_turn_of_a_loop_is_a_section),
		cmocka_unit_test(calls_are_part_of_a_section),
		cmocka_unit_test(a_section_ends_with_its_function),
		cmocka_unit_test(sections_side_by_side_are_two),
		cmocka_unit_test(a_mutex_is_taken_first),
		cmocka_unit_test(a_wait_opens_the_section),
		cmocka_unit_test(a_lock_that_is_not_taken_is_told),
	};
	return cmocka_run_group_tests_name("changes tried at run time", tests, NULL, NULL);
}
