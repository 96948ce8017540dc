/* SPDX-License-Identifier: MIT */
/* Race detection by itself: accesses with clocks made by hand, and random traces held against an oracle that keeps everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "races.h"
#include "runtime_private.h"
#include "sync.h"

/* What race detection sees of the runtime: the calls of each thread. */
static struct runtime here;
struct runtime *runtime = &here;

void runtime_uncontrolled(const char *name)
{
	fail_msg("%s", name);
}

/* What synchronisation knows of racing addresses is not looked at here. */
void sync_forget(void)
{
}

enum { THREADS = 64, AT = 0x10000 };

static uint32_t clocks[THREADS][THREADS]; /* clocks[t][u]: events of u that t knows */

static int set_up(void **state)
{
	(void)state;
	memset(clocks, 0, sizeof clocks);
	memset(&here, 0, sizeof here);
	int why = races_start();
	if (!why)
		races_clear();
	return why;
}

/* Thread T makes an event that knows all that thread FROM knows (T itself: nothing new). */
static void event(unsigned t, unsigned from)
{
	for (unsigned u = 0; u < THREADS; u++)
		if (clocks[from][u] > clocks[t][u])
			clocks[t][u] = clocks[from][u];
	clocks[t][t]++;
}

/* One access, as words: 'r' 'w' plain, 'R' 'W' atomic, 'f' freeing. */
static bool access_as(unsigned t, char kind, uintptr_t address, size_t bytes, const void *site, struct race *race)
{
	return races_access(address, bytes, kind != 'r' && kind != 'R', kind == 'R' || kind == 'W', kind == 'f', t, clocks[t],
		clocks[t][t], site, race);
}

static bool does(unsigned t, char kind, uintptr_t address, size_t bytes)
{
	struct race race;
	return access_as(t, kind, address, bytes, (void *)(uintptr_t)(0x400000 + t), &race);
}

/* --- tables: two unordered accesses --------------------------------------------------------------------------------------------- */

static const struct pair {
	char first, second;
	unsigned at, bytes, second_at, second_bytes;
	bool race;
} pairs[] = {
	{'w', 'w', 0, 4, 0, 4, true},
	{'w', 'r', 0, 4, 0, 4, true},
	{'r', 'w', 0, 4, 0, 4, true},
	{'r', 'r', 0, 4, 0, 4, false},
	/* Atomic accesses race with plain ones only. */
	{'W', 'W', 0, 4, 0, 4, false},
	{'W', 'R', 0, 4, 0, 4, false},
	{'W', 'r', 0, 4, 0, 4, true},
	{'r', 'W', 0, 4, 0, 4, true},
	{'R', 'r', 0, 4, 0, 4, false},
	{'R', 'w', 0, 4, 0, 4, true},
	{'w', 'R', 0, 4, 0, 4, true},
	{'w', 'W', 0, 4, 0, 4, true},
	/* By byte. */
	{'w', 'w', 0, 4, 4, 4, false},
	{'w', 'w', 0, 1, 1, 1, false},
	{'w', 'w', 0, 8, 7, 1, true},
	{'w', 'w', 0, 4, 3, 4, true},
	{'w', 'r', 6, 4, 9, 1, true},
	{'w', 'r', 6, 4, 10, 1, false},
	{'w', 'r', 5, 8, 12, 8, true},
	{'w', 'r', 5, 8, 13, 8, false},
	/* Ranges: within a block, a block, several. */
	{'w', 'r', 0, 512, 511, 1, true},
	{'w', 'r', 0, 512, 512, 1, false},
	{'r', 'w', 100, 1, 0, 512, true},
	{'r', 'w', 512, 1, 0, 512, false},
	{'w', 'w', 0, 512, 0, 512, true},
	{'r', 'r', 0, 512, 0, 512, false},
	{'w', 'r', 3, 100000, 100002, 1, true},
	{'w', 'r', 3, 100000, 100003, 1, false},
	{'w', 'r', 3, 100000, 2, 1, false},
	{'r', 'w', 50000, 2, 1, 100000, true},
	{'r', 'w', 100001, 2, 1, 100000, false},
	/* Freeing is a write. */
	{'r', 'f', 32, 4, 0, 64, true},
	{'f', 'r', 0, 64, 32, 4, true},
	{'R', 'f', 32, 4, 0, 64, true},
	{'r', 'f', 64, 4, 0, 64, false},
};

static void unordered_pairs(void **state)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		const struct pair *p = &pairs[i];
		struct race race;
		set_up(state);
		assert_false(access_as(1, p->first, AT + p->at, p->bytes, (void *)0x401111, &race));
		bool raced = access_as(2, p->second, AT + p->second_at, p->second_bytes, (void *)0x402222, &race);
		if (raced != p->race)
			fail_msg("pair %zu: %c %u+%u, %c %u+%u", i, p->first, p->at, p->bytes, p->second, p->second_at,
				p->second_bytes);
		if (!raced)
			continue;
		assert_int_equal(race.thread, 1);
		assert_int_equal(race.write, p->first != 'r' && p->first != 'R');
		assert_int_equal(race.atomic, p->first == 'R' || p->first == 'W');
		assert_int_equal(race.freed, p->first == 'f');
		assert_int_equal(race.frame_count, 1);
		assert_ptr_equal(race.frame[0], (void *)0x401111);
		assert_true(race.address >= AT + p->at && race.address >= AT + p->second_at);
		assert_true(race.address + race.bytes <= AT + p->at + p->bytes);
		assert_true(race.address + race.bytes <= AT + p->second_at + p->second_bytes);
	}
}

static void ordered_pairs_do_not_race(void **state)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		const struct pair *p = &pairs[i];
		set_up(state);
		assert_false(does(1, p->first, AT + p->at, p->bytes));
		event(1, 1);
		event(2, 1);
		assert_false(does(2, p->second, AT + p->second_at, p->second_bytes));
	}
}

static void an_access_behind_the_event_is_not_ordered(void **state)
{
	(void)state;
	event(1, 1);
	assert_false(does(1, 'w', AT, 4)); /* after the event that the other knows */
	event(2, 1);
	assert_true(does(2, 'r', AT, 4));
}

/* --- what is kept --------------------------------------------------------------------------------------------------------------- */

static void a_later_access_does_not_hide_an_earlier_race(void **state)
{
	/* By the same thread: a read after the write. The second thread knows of neither, so both race. */
	assert_false(does(1, 'w', AT, 8));
	event(1, 1);
	assert_false(does(1, 'r', AT, 8));
	assert_true(does(2, 'r', AT, 8));
	/* An atomic store after a plain read. */
	set_up(state);
	assert_false(does(1, 'r', AT, 8));
	event(1, 1);
	assert_false(does(1, 'W', AT, 8));
	assert_true(does(2, 'W', AT, 8));
	/* A write to some of the bytes. */
	set_up(state);
	assert_false(does(1, 'w', AT, 8));
	event(1, 1);
	assert_false(does(1, 'w', AT, 4));
	assert_true(does(2, 'w', AT + 5, 1));
	/* By many other threads, all reading: the first one's read still races. */
	set_up(state);
	for (unsigned t = 1; t < THREADS; t++)
		assert_false(does(t, 'r', AT, 8));
	for (unsigned t = 2; t < THREADS; t++) {
		event(t, t);
		event(0, t);
	}
	struct race race;
	assert_true(access_as(0, 'w', AT, 8, (void *)1, &race));
	assert_int_equal(race.thread, 1);
	/* By a range over it. */
	set_up(state);
	assert_false(does(1, 'w', AT + 40, 8));
	event(1, 1);
	assert_false(does(1, 'r', AT, 512));
	assert_true(does(2, 'r', AT + 44, 1));
	/* That a block was freed, by a write to it. */
	set_up(state);
	assert_false(does(1, 'f', AT, 8));
	event(1, 1);
	assert_false(does(1, 'w', AT, 8));
	assert_true(access_as(2, 'r', AT, 8, (void *)1, &race));
	assert_true(race.freed);
}

static void the_same_race_is_seen_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(does(1, 'w', AT, 4), i > 0);
		assert_true(does(2, 'r', AT, 4));
	}
}

static void bytes_one_by_one_keep_their_instructions(void **state)
{
	(void)state;
	struct race race;
	for (unsigned i = 0; i < 8; i++) /* a loop: one instruction */
		assert_false(access_as(1, 'w', AT + i, 1, (void *)0x401000, &race));
	assert_false(access_as(1, 'w', AT + 8, 1, (void *)0x401001, &race)); /* two members */
	assert_false(access_as(1, 'w', AT + 9, 1, (void *)0x401002, &race));
	assert_true(access_as(2, 'r', AT + 7, 1, NULL, &race));
	assert_ptr_equal(race.frame[0], (void *)0x401000);
	assert_true(access_as(2, 'r', AT + 9, 1, NULL, &race));
	assert_ptr_equal(race.frame[0], (void *)0x401002);
}

static void a_new_execution_knows_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_false(does(1, 'w', AT, 4));
		assert_false(does(1, 'w', AT + 4096, 2048));
		races_clear();
		assert_false(does(2, 'w', AT, 4));
		assert_false(does(2, 'w', AT + 4096, 2048));
		races_clear();
	}
}

static void many_addresses(void **state)
{
	(void)state;
	enum { COUNT = 200000 };
	for (int execution = 0; execution < 3; execution++) {
		races_clear();
		for (uintptr_t i = 0; i < COUNT; i++)
			assert_false(does(1, 'w', AT + (i * 7919 % COUNT) * 24, 4));
		for (uintptr_t i = 0; i < COUNT; i++) {
			assert_true(does(2, 'r', AT + i * 24 + 3, 1));
			assert_false(does(2, 'w', AT + i * 24 + 4, 1));
		}
	}
}

static void a_gigabyte_at_once(void **state)
{
	(void)state;
	assert_false(does(1, 'w', 0x300000000000, (size_t)1 << 30));
	assert_true(does(2, 'r', 0x300000000000 + 123456789, 1));
	assert_false(does(2, 'r', 0x300000000000 + (UINT64_C(1) << 30), 1));
}

static void calls_are_told(void **state)
{
	(void)state;
	const void *calls[40];
	for (uintptr_t i = 0; i < 40; i++)
		calls[i] = (void *)(0x500000 + i);
	here.thread[1].calls = calls;
	struct race race;
	for (unsigned depth = 0; depth <= 40; depth = depth < 15 ? depth + 1 : depth + 5) {
		here.thread[1].depth = depth;
		races_clear();
		assert_false(access_as(1, 'w', AT, 4, (void *)0x401111, &race));
		assert_true(access_as(2, 'w', AT, 4, (void *)0x402222, &race));
		assert_int_equal(race.frame_count, depth + 1 < FRAMES_MAX ? depth + 1 : FRAMES_MAX);
		assert_ptr_equal(race.frame[0], (void *)0x401111);
		for (unsigned i = 1; i < race.frame_count; i++)
			assert_ptr_equal(race.frame[i], calls[depth - i]);
	}
	/* Deeper than what is kept. */
	static const void *deep[CALLS_MAX];
	for (uintptr_t i = 0; i < CALLS_MAX; i++)
		deep[i] = (void *)(0x700000 + i);
	here.thread[1].calls = deep;
	here.thread[1].depth = CALLS_MAX + 1000;
	races_clear();
	assert_false(access_as(1, 'w', AT, 4, (void *)0x401111, &race));
	assert_true(access_as(2, 'w', AT, 4, (void *)0x402222, &race));
	assert_ptr_equal(race.frame[1], deep[CALLS_MAX - 1]);
	/* Another call at the same depth is another context. */
	here.thread[1].calls = calls;
	here.thread[1].depth = 2;
	for (uintptr_t i = 0; i < 300000; i++) { /* more of them than are kept */
		calls[1] = (void *)(0x600000 + i);
		races_clear();
		access_as(1, 'w', AT, 4, (void *)0x401111, &race);
		assert_true(access_as(2, 'w', AT, 4, (void *)0x402222, &race));
		assert_int_equal(race.frame_count, 3);
		assert_ptr_equal(race.frame[1], calls[1]);
		assert_ptr_equal(race.frame[2], calls[0]);
	}
}

/* --- against an oracle ------------------------------------------------------------------------------------------------------------ */

enum { KEPT = 1 << 12 };

struct kept {
	uintptr_t address;
	size_t bytes;
	unsigned thread;
	uint32_t epoch;
	char kind;
	const void *site;
};

static struct kept kept[KEPT];
static unsigned kept_count;

static bool writes(char kind)
{
	return kind != 'r' && kind != 'R';
}

static bool is_atomic(char kind)
{
	return kind == 'R' || kind == 'W';
}

static bool is_race(const struct kept *a, const struct kept *b)
{
	return a->thread != b->thread && a->address < b->address + b->bytes && b->address < a->address + a->bytes &&
	       (writes(a->kind) || writes(b->kind)) && !(is_atomic(a->kind) && is_atomic(b->kind)) &&
	       clocks[b->thread][a->thread] <= a->epoch;
}

/* Is what was reported one of the races of access B? The site may be that of any of the same thread and kind. */
static bool is_true(const struct race *race, const struct kept *b)
{
	for (unsigned i = 0; i < kept_count; i++) {
		const struct kept *a = &kept[i];
		if (is_race(a, b) && a->thread == race->thread && writes(a->kind) == race->write &&
			is_atomic(a->kind) == race->atomic && (a->kind == 'f') == race->freed && race->frame[0] == a->site)
			return true;
	}
	return false;
}

static bool one_access(struct stream *random, unsigned threads, unsigned blocks)
{
	static const size_t sizes[] = {1, 2, 4, 8, 8, 4, 1, 3, 16, 40, 512, 700, 1500};
	static const char kinds[] = "rrrrwwwRWf";
	struct kept b = {.thread = stream_below(random, threads),
		.kind = kinds[stream_below(random, sizeof kinds - 1)],
		.bytes = sizes[stream_below(random, stream_below(random, 4) ? 8 : 13)]};
	uintptr_t places = stream_below(random, 3) ? 24 : 512 * blocks;
	b.address = AT + stream_below(random, (uint32_t)places);
	if (b.bytes >= 512 && stream_below(random, 2))
		b.address &= ~(uintptr_t)511;
	b.epoch = clocks[b.thread][b.thread];
	b.site = (void *)(uintptr_t)(0x400000 + stream_below(random, 3) + 16 * b.thread);
	bool expected = false;
	for (unsigned i = 0; i < kept_count && !expected; i++)
		expected = is_race(&kept[i], &b);
	struct race race;
	bool raced = access_as(b.thread, b.kind, b.address, b.bytes, b.site, &race);
	if (raced != expected)
		fail_msg("access %u: thread %u does %c at %lu of %zu bytes: %s", kept_count, b.thread, b.kind,
			(unsigned long)(b.address - AT), b.bytes, raced ? "no race, but reported" : "a race is missed");
	if (raced && !is_true(&race, &b))
		fail_msg("access %u: what is reported is no race", kept_count);
	kept[kept_count++] = b;
	return raced;
}

/* Accesses between random events: a thread alone, or learning what another knew at its last event. */
static void random_traces(void **state)
{
	static uint32_t published[THREADS][THREADS];
	unsigned events = 0, races = 0, accesses = 0;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct stream random = execution_random(3, seed);
		unsigned threads = 2 + stream_below(&random, seed % 10 ? 4 : 62), length = 20 + stream_below(&random, 300);
		set_up(state);
		kept_count = 0;
		memset(published, 0, sizeof published);
		/* In some traces almost everything is ordered, so that an access long ago is the one that races. */
		unsigned often = 1 + stream_below(&random, 8);
		for (unsigned i = 0; i < length; i++) {
			if (stream_below(&random, 8) >= often) {
				races += one_access(&random, threads, 3);
				accesses++;
				continue;
			}
			unsigned t = stream_below(&random, threads), u = stream_below(&random, threads);
			for (unsigned v = 0; v < THREADS; v++)
				if (published[u][v] > clocks[t][v] && v != t)
					clocks[t][v] = published[u][v];
			clocks[t][t]++;
			memcpy(published[t], clocks[t], sizeof clocks[t]);
			events++;
		}
	}
	/* The traces are worth something: there are plenty of both. */
	assert_in_range(races, accesses / 10, accesses - accesses / 10);
	assert_true(events > accesses / 4);
}

/* --- racing addresses ------------------------------------------------------------------------------------------------------------- */

static void promoted_addresses_outlive_executions(void **state)
{
	(void)state;
	races_forget_promoted();
	assert_false(races_any_promoted());
	assert_false(races_promoted(AT, 8));
	races_promote(AT + 2, 4);
	races_clear();
	assert_true(races_any_promoted());
	assert_true(races_promoted(AT + 7, 1)); /* by granule */
	assert_false(races_promoted(AT + 8, 8));
	assert_false(races_promoted(AT - 8, 8));
	assert_true(races_promoted(AT - 8, 9));
	assert_true(races_promoted(0, (size_t)1 << 40));
	assert_false(races_promoted(AT + 8, (size_t)1 << 40));
	races_promote(AT + 4096, 100000);
	for (uintptr_t i = 0; i < 100000; i++)
		assert_true(races_promoted(AT + 4096 + i, 1));
	assert_false(races_promoted(AT + 4095, 1));
	races_forget_promoted();
	assert_false(races_promoted(0, (size_t)1 << 40));
}

/* --- speed ------------------------------------------------------------------------------------------------------------------------ */

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Prints ns per access; for people only. */
static void measure(const char *name, unsigned addresses, unsigned accesses_per_event, unsigned executions)
{
	const void *calls[3] = {(void *)1, (void *)2, (void *)3};
	struct race race;
	here.thread[1].calls = calls;
	here.thread[1].depth = 3;
	memset(clocks, 0, sizeof clocks);
	double start = seconds();
	for (unsigned e = 0; e < executions; e++) {
		races_clear();
		for (unsigned n = 0; n < accesses_per_event; n++)
			for (uintptr_t i = 0; i < addresses; i++)
				access_as(1, 'w', AT + i * 8, 4, (void *)0x400000, &race);
	}
	printf("%-46s %6.2f ns\n", name, (seconds() - start) * 1e9 / ((double)executions * accesses_per_event * addresses));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--measure")) {
		set_up(NULL);
		measure("again, one address", 1, 100000, 1000);
		measure("again, 64 addresses", 64, 10000, 100);
		measure("first of an execution, 4 addresses", 4, 1, 5000000);
		measure("first of an execution, 4096 addresses", 4096, 1, 10000);
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(unordered_pairs, set_up),
		cmocka_unit_test_setup(ordered_pairs_do_not_race, set_up),
		cmocka_unit_test_setup(an_access_behind_the_event_is_not_ordered, set_up),
		cmocka_unit_test_setup(a_later_access_does_not_hide_an_earlier_race, set_up),
		cmocka_unit_test_setup(the_same_race_is_seen_again, set_up),
		cmocka_unit_test_setup(bytes_one_by_one_keep_their_instructions, set_up),
		cmocka_unit_test_setup(a_new_execution_knows_nothing, set_up),
		cmocka_unit_test_setup(many_addresses, set_up),
		cmocka_unit_test_setup(a_gigabyte_at_once, set_up),
		cmocka_unit_test_setup(calls_are_told, set_up),
		cmocka_unit_test_setup(random_traces, set_up),
		cmocka_unit_test_setup(promoted_addresses_outlive_executions, set_up),
	};
	return cmocka_run_group_tests_name("races", tests, NULL, NULL);
}
