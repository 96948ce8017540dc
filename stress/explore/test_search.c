/* SPDX-License-Identifier: MIT */
/* The searches on small programs: what they enumerate is counted against closed forms, what they sample against their definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schedule.h"
#include "searches.h"
#include "test_programs.h"

/* --- programs -------------------------------------------------------------------------------------------------------------------- */

static const struct test_program lost_update = {
	.name = "lost update",
	.threads = 2,
	.locations = 1,
	.finals = true,
	.count = {2, 2},
	.op = {{T_LOAD(0, RELAXED), {.kind = TEST_STORE_SUM, .operand = 1, .order = ORDER_RELAXED}},
		{T_LOAD(0, RELAXED), {.kind = TEST_STORE_SUM, .operand = 1, .order = ORDER_RELAXED}}},
};

static bool update_is_lost(const struct test_run *run)
{
	return (test_outcome(run) & 0xf) == 1;
}

/* Store buffering: both loads return 0, under rc11 only. */
static const struct test_program buffering = {
	.name = "store buffering",
	.threads = 2,
	.locations = 2,
	.count = {2, 2},
	.op = {{T_STORE(0, 1, RELAXED), T_LOAD(1, RELAXED)}, {T_STORE(1, 1, RELAXED), T_LOAD(0, RELAXED)}},
};

/* Message passing with too weak orders: the flag is seen and the data is not; 2 in the first digit means nothing here. */
static const struct test_program passing = {
	.name = "message passing",
	.threads = 2,
	.locations = 2,
	.count = {2, 2},
	.op = {{T_STORE(0, 1, RELAXED), T_STORE(1, 1, RELAXED)}, {T_LOAD(1, RELAXED), T_LOAD(0, RELAXED)}},
};

/* The reorder program of the SCT benchmarks: several setters write a, then b; the checker must find a written whenever b is not older:
 * it fails if it reads a == 0 and then b == 1. */
static const struct test_program reorder = {
	.name = "reorder",
	.threads = 5,
	.locations = 2,
	.count = {2, 2, 2, 2, 2},
	.op = {{T_STORE(0, 1, SEQ_CST), T_STORE(1, 1, SEQ_CST)}, {T_STORE(0, 1, SEQ_CST), T_STORE(1, 1, SEQ_CST)},
		{T_STORE(0, 1, SEQ_CST), T_STORE(1, 1, SEQ_CST)}, {T_STORE(0, 1, SEQ_CST), T_STORE(1, 1, SEQ_CST)},
		{T_LOAD(0, SEQ_CST), T_LOAD(1, SEQ_CST)}},
};

static bool reordered(const struct test_run *run)
{
	return test_outcome(run) == 0x01;
}

/* Stores to one location can be in another order than the one in which they were made, also between two others. */
static const struct test_program late_stores = {
	.name = "late stores",
	.threads = 2,
	.locations = 1,
	.finals = true,
	.count = {3, 3},
	.op = {{T_STORE(0, 1, RELAXED), T_STORE(0, 2, RELAXED), T_STORE(0, 3, RELAXED)},
		{T_STORE(0, 4, RELAXED), T_LOAD(0, RELAXED), T_STORE(0, 5, RELAXED)}},
};

/* A combination lock: the reader looks for the next of six stores only if it saw the one before. */
#define T_LOAD_BEHIND(v)                                                                              \
	{                                                                                             \
		.kind = TEST_LOAD, .order = ORDER_RELAXED, .guard = TEST_IF_EQUAL, .guard_value = (v) \
	}
static const struct test_program combination = {
	.name = "combination",
	.threads = 2,
	.locations = 1,
	.count = {6, 6},
	.op = {{T_STORE(0, 1, RELAXED), T_STORE(0, 2, RELAXED), T_STORE(0, 3, RELAXED), T_STORE(0, 4, RELAXED),
		       T_STORE(0, 5, RELAXED), T_STORE(0, 6, RELAXED)},
		{T_LOAD(0, RELAXED), T_LOAD_BEHIND(1), T_LOAD_BEHIND(2), T_LOAD_BEHIND(3), T_LOAD_BEHIND(4), T_LOAD_BEHIND(5)}},
};

static bool opens(const struct test_run *run)
{
	return test_outcome(run) == 0x123456;
}

/* Two threads of N stores each to one location: every order of them is another execution. */
static struct test_program stores(unsigned first, unsigned second)
{
	struct test_program program = {.name = "stores", .threads = 2, .locations = 1, .count = {first, second}};
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < program.count[t]; i++)
			program.op[t][i] = (struct test_op){.kind = TEST_STORE, .operand = 1, .order = ORDER_RELAXED};
	return program;
}

static const struct test_program locks = {
	.name = "locks",
	.threads = 3,
	.locations = 2,
	.finals = true,
	.count = {4, 4, 4},
	.op = {{T_LOCK(0), T_LOAD(1, RELAXED), {.kind = TEST_STORE_SUM, .location = 1, .operand = 1, .order = ORDER_RELAXED},
		       T_UNLOCK(0)},
		{T_LOCK(0), T_LOAD(1, RELAXED), {.kind = TEST_STORE_SUM, .location = 1, .operand = 1, .order = ORDER_RELAXED},
			T_UNLOCK(0)},
		{T_LOCK(0), T_LOAD(1, RELAXED), {.kind = TEST_STORE_SUM, .location = 1, .operand = 1, .order = ORDER_RELAXED},
			T_UNLOCK(0)}},
};

/* --- running --------------------------------------------------------------------------------------------------------------------- */

static struct search *opened(const char *name, uint64_t seed)
{
	struct search *s = search_open(search_find(name), seed, 1, 1);
	assert_non_null(s);
	s->steps_hint = 8;
	s->threads_hint = 2;
	return s;
}

static struct graph *graph_of(enum memory_model model, const struct search *s)
{
	struct graph *g = graph_new(model, s->kind->full_graph);
	assert_non_null(g);
	return g;
}

/* In which thread each step was, three bits each: an execution of at most 20 steps as a number. */
static uint64_t threads_in_order(const struct graph *g)
{
	uint64_t order = 1;
	for (event_id id = 1; id <= g->count; id++)
		if (g->events[id].kind != EVENT_INITIAL)
			order = order << 3 | g->events[id].thread;
	return order;
}

/* The number, from 1, of the first execution with a complete end that is BAD; 0: not among LIMIT. */
static unsigned first_bad(const char *name, uint64_t seed, enum memory_model model, const struct test_program *program,
	bool (*bad)(const struct test_run *), unsigned limit)
{
	struct search *s = opened(name, seed);
	struct graph *g = graph_of(model, s);
	struct test_run run = {0};
	unsigned found = 0;
	for (unsigned i = 0; i < limit && !found; i++) {
		enum ending how = test_execute(&run, program, g, s, i);
		if (how == ENDING_COMPLETE && bad(&run))
			found = i + 1;
	}
	graph_free(g);
	search_close(s);
	return found;
}

/* --- all searches ----------------------------------------------------------------------------------------------------------------- */

static void each_search_finds_a_lost_update(void **state)
{
	(void)state;
	for (unsigned i = 0; i < search_kind_count; i++)
		for (uint64_t seed = 1; seed <= 10; seed++) {
			unsigned first = first_bad(search_kinds[i]->name, seed, MODEL_SC, &lost_update, update_is_lost, 40);
			if (!first)
				fail_msg("%s with seed %u", search_kinds[i]->name, (unsigned)seed);
		}
}

static bool both_zero(const struct test_run *run)
{
	return test_outcome(run) == 0;
}

static bool flag_without_data(const struct test_run *run)
{
	return test_outcome(run) == 0x10;
}

/* Older stores are read under rc11, and never under sc. */
static void each_search_shows_weak_behaviour_under_rc11_only(void **state)
{
	(void)state;
	for (unsigned i = 0; i < search_kind_count; i++) {
		const char *name = search_kinds[i]->name;
		if (!first_bad(name, 3, MODEL_RC11, &buffering, both_zero, 100) ||
			!first_bad(name, 3, MODEL_RC11, &passing, flag_without_data, 200))
			fail_msg("%s misses a weak behaviour", name);
		if (first_bad(name, 3, MODEL_SC, &buffering, both_zero, 100) ||
			first_bad(name, 3, MODEL_SC, &passing, flag_without_data, 100))
			fail_msg("%s shows a weak behaviour under sc", name);
	}
}

/* The schedules of the first executions of a search, as one number. */
static uint64_t fingerprint(const char *name, uint64_t seed, enum memory_model model, const struct test_program *program)
{
	struct search *s = opened(name, seed);
	struct graph *g = graph_of(model, s);
	struct test_run run = {0};
	uint64_t hash = 0;
	for (unsigned i = 0; i < 60; i++) {
		enum ending how = test_execute(&run, program, g, s, i);
		hash = (hash ^ threads_in_order(g) ^ test_outcome(&run) << 40 ^ (uint64_t)how) * 0x9e3779b97f4a7c15u;
	}
	graph_free(g);
	search_close(s);
	return hash;
}

static void the_same_seed_gives_the_same_schedules(void **state)
{
	(void)state;
	for (unsigned i = 0; i < search_kind_count; i++) {
		const char *name = search_kinds[i]->name;
		uint64_t one = fingerprint(name, 5, MODEL_RC11, &locks);
		assert_int_equal(one, fingerprint(name, 5, MODEL_RC11, &locks));
		/* What enumerates needs no randomness. */
		if (search_kinds[i]->exhausts)
			assert_int_equal(one, fingerprint(name, 6, MODEL_RC11, &locks));
		else
			assert_int_not_equal(one, fingerprint(name, 6, MODEL_RC11, &locks));
	}
}

/* Execution I of an independent search is the same whatever went before. */
static void independent_executions_need_no_others(void **state)
{
	(void)state;
	enum { I = 37 };
	struct test_run run = {0};
	for (unsigned k = 0; k < search_kind_count; k++) {
		if (!search_kinds[k]->independent)
			continue;
		struct search *all = opened(search_kinds[k]->name, 9), *one = opened(search_kinds[k]->name, 9);
		struct graph *g = graph_of(MODEL_RC11, all);
		for (unsigned i = 0; i <= I; i++) {
			test_execute(&run, &locks, g, all, i);
			if (all->repeated)
				test_execute(&run, &locks, g, all, i);
		}
		uint64_t expected = threads_in_order(g);
		test_execute(&run, &locks, g, one, I);
		if (one->repeated)
			test_execute(&run, &locks, g, one, I);
		assert_int_equal(threads_in_order(g), expected);
		graph_free(g);
		search_close(all);
		search_close(one);
	}
}

/* --- bound ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t choose(uint64_t n, uint64_t k)
{
	uint64_t ways = 1;
	for (uint64_t i = 0; i < k; i++)
		ways = ways * (n - i) / (i + 1);
	return k > n ? 0 : ways;
}

/* Orders of two threads' N and M steps with at most BOUND preemptions. An order of K blocks that the thread who moved last (thread 0, at
 * the start) begins interrupts somebody K-2 times: the switch to the last block leaves a thread that has ended. If the other begins,
 * once more. */
static uint64_t orders_within(uint64_t n, uint64_t m, uint64_t bound)
{
	uint64_t orders = 0;
	for (uint64_t blocks = 2; blocks <= n + m; blocks++) {
		uint64_t first = (blocks + 1) / 2, second = blocks / 2;
		if (blocks - 2 <= bound)
			orders += choose(n - 1, first - 1) * choose(m - 1, second - 1);
		if (blocks - 1 <= bound)
			orders += choose(m - 1, first - 1) * choose(n - 1, second - 1);
	}
	return orders;
}

struct tally {
	unsigned counted, repeated, twice;
	bool exhausted;
};

/* Runs a bounded search to its end. */
static struct tally enumerate(
	struct search *s, enum memory_model model, const struct test_program *program, struct test_set *seen)
{
	struct tally tally = {0};
	struct graph *g = graph_of(model, s);
	struct test_run run = {0};
	for (unsigned i = 0; i < 1000000; i++) {
		enum ending how = test_execute(&run, program, g, s, i);
		tally.exhausted = how == ENDING_CUT;
		if (tally.exhausted)
			break;
		assert_true(how == ENDING_COMPLETE || how == ENDING_BLOCKED);
		assert_false(s->diverged);
		bool fresh = s->repeated || test_set_add(seen, threads_in_order(g) ^ test_outcome(&run) << 44);
		tally.repeated += s->repeated;
		tally.counted += !s->repeated;
		tally.twice += !fresh;
	}
	graph_free(g);
	return tally;
}

static void bound_enumerates_exactly_what_it_says(void **state)
{
	(void)state;
	static const unsigned sizes[][2] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {3, 5}};
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct test_program program = stores(sizes[i][0], sizes[i][1]);
		for (unsigned bound = 0; bound <= 4; bound++) {
			struct test_set seen = {0};
			struct search *s = opened("bound", 0);
			char value[2] = {(char)('0' + bound), '\0'}, text[160];
			assert_int_equal(search_option(s, "preemptions", value), 0);
			struct tally tally = enumerate(s, MODEL_SC, &program, &seen);
			assert_true(tally.exhausted);
			assert_int_equal(tally.counted, orders_within(sizes[i][0], sizes[i][1], bound));
			assert_int_equal(tally.twice, 0);
			search_bound_text(s, text, sizeof text);
			uint64_t all = choose(sizes[i][0] + sizes[i][1], sizes[i][0]);
			/* A level that finds nothing beyond it is needed to know that there is nothing. */
			if (tally.counted < all)
				assert_non_null(strstr(text, "at most"));
			search_close(s);
			test_set_free(&seen);
		}
	}
}

static void without_a_limit_bound_enumerates_everything(void **state)
{
	(void)state;
	struct test_program program = stores(4, 5);
	struct test_set seen = {0};
	struct search *s = opened("bound", 0);
	struct tally tally = enumerate(s, MODEL_SC, &program, &seen);
	char text[160];
	assert_int_equal(tally.counted, choose(9, 4));
	search_bound_text(s, text, sizeof text);
	assert_string_equal(text, "");
	search_close(s);
	test_set_free(&seen);
}

/* What the plain enumeration of everything shows under rc11, bound shows too. */
static void bound_agrees_with_enumeration_under_rc11(void **state)
{
	(void)state;
	static const struct test_program *const programs[] = {&lost_update, &buffering, &passing};
	for (unsigned i = 0; i < 3; i++) {
		struct test_set by_bound = {0}, by_all = {0};
		struct search *s = opened("bound", 0), *all = test_open(&test_enumerate);
		struct tally one = enumerate(s, MODEL_RC11, programs[i], &by_bound);
		struct tally two = enumerate(all, MODEL_RC11, programs[i], &by_all);
		assert_int_equal(one.counted, two.counted);
		assert_true(test_set_within(&by_all, &by_bound));
		search_close(s);
		test_close(all);
		test_set_free(&by_bound);
		test_set_free(&by_all);
	}
}

static void no_older_store_beyond_the_limit(void **state)
{
	(void)state;
	struct search *s = opened("bound", 0);
	struct graph *g = graph_of(MODEL_RC11, s);
	struct test_run run = {0};
	char text[160];
	assert_int_equal(search_option(s, "stale", "0"), 0);
	unsigned count = 0;
	while (test_execute(&run, &buffering, g, s, count++) != ENDING_CUT)
		assert_false(both_zero(&run));
	search_bound_text(s, text, sizeof text);
	assert_string_equal(text, "at most 0 older stores");
	graph_free(g);
	search_close(s);
}

static void delay_bounding_grows_more_slowly(void **state)
{
	(void)state;
	unsigned counted[2];
	static const char *const manner[] = {"preemptions", "delays"};
	for (unsigned i = 0; i < 2; i++) {
		struct search *s = opened("bound", 0);
		struct test_set seen = {0};
		assert_int_equal(search_option(s, manner[i], "1"), 0);
		counted[i] = enumerate(s, MODEL_SC, &reorder, &seen).counted;
		search_close(s);
		test_set_free(&seen);
	}
	/* With five threads of two steps one delay can be at each of the 9 steps but the last thread's: 1 + 8. */
	assert_int_equal(counted[1], 9);
	assert_true(counted[0] > 20 * counted[1]);
}

static void the_shards_of_bound_are_a_partition(void **state)
{
	(void)state;
	struct test_program program = stores(4, 4);
	for (unsigned shards = 1; shards <= 5; shards++) {
		struct test_set seen = {0};
		unsigned sum = 0;
		for (unsigned shard = 1; shard <= shards; shard++) {
			struct search *s = search_open(&search_bound, 0, shard, shards);
			struct tally tally = enumerate(s, MODEL_SC, &program, &seen);
			assert_true(tally.exhausted);
			assert_int_equal(tally.twice, 0);
			sum += tally.counted;
			search_close(s);
		}
		assert_int_equal(sum, choose(8, 4));
		assert_int_equal(seen.count, choose(8, 4));
		test_set_free(&seen);
	}
}

/* By count, shards of a search that is cut short are the beginning of the whole, without overlap. */
static void shards_by_count_are_the_beginning_of_the_whole(void **state)
{
	(void)state;
	enum { EACH = 7, SHARDS = 3 };
	struct test_program program = stores(4, 4);
	struct test_set whole = {0}, parts = {0};
	struct graph *g = graph_new(MODEL_SC, false);
	struct test_run run = {0};
	for (unsigned shard = 0; shard <= SHARDS; shard++) {
		struct search *s = shard ? search_open(&search_bound, 0, shard, SHARDS) : opened("bound", 0);
		assert_int_equal(search_option(s, "split", "count"), 0);
		for (unsigned counted = 0; counted < (shard ? EACH : EACH * SHARDS);) {
			assert_int_equal(test_execute(&run, &program, g, s, 0), ENDING_COMPLETE);
			counted += !s->repeated;
			if (!s->repeated)
				assert_true(test_set_add(shard ? &parts : &whole, threads_in_order(g)));
		}
		search_close(s);
	}
	assert_int_equal(parts.count, EACH * SHARDS);
	assert_true(test_set_within(&parts, &whole));
	graph_free(g);
	test_set_free(&whole);
	test_set_free(&parts);
}

static void options_are_checked(void **state)
{
	(void)state;
	struct search *bound = opened("bound", 0), *pct = opened("pct", 0), *pos = opened("pos", 0);
	assert_int_not_equal(search_option(bound, "preemptions", "x"), 0);
	assert_int_not_equal(search_option(bound, "preemptions", ""), 0);
	assert_int_not_equal(search_option(bound, "preemptions", "-1"), 0);
	assert_int_not_equal(search_option(bound, "depth", "1"), 0);
	assert_int_not_equal(search_option(pct, "depth", "0"), 0);
	assert_int_not_equal(search_option(pct, "depth", "100"), 0);
	assert_int_equal(search_option(pct, "depth", "2"), 0);
	assert_int_not_equal(search_option(pos, "depth", "2"), 0);
	assert_null(search_find("nobody"));
	search_close(bound);
	search_close(pct);
	search_close(pos);
}

/* --- samplers --------------------------------------------------------------------------------------------------------------------- */

static void near(double value, double expected, double tolerance)
{
	if (value < expected - tolerance || value > expected + tolerance)
		fail_msg("%g is not %g", value, expected);
}

/* 1 - (1 - 1/(n k^(d-1)))^m, with k a quarter more than the hint, plus one. */
static void pct_states_its_bound(void **state)
{
	(void)state;
	struct search *s = opened("pct", 1);
	struct graph *g = graph_of(MODEL_SC, s);
	struct test_run run = {0};
	assert_int_equal(search_option(s, "depth", "2"), 0);
	for (unsigned i = 0; i < 10; i++)
		test_execute(&run, &lost_update, g, s, i);
	double miss = 1;
	for (int i = 0; i < 10; i++)
		miss *= 1 - 1.0 / (2 * 11);
	near(search_pct_chance(s, 2), 1 - miss, 1e-12);
	assert_true(search_pct_chance(s, 1) == 0);
	assert_true(search_pct_chance(s, 3) == 0);
	graph_free(g);
	search_close(s);
}

/* The theorem itself: a bug of depth 2 shows at least as often as promised. A sample of fixed seeds, so this cannot fail by chance. */
static void pct_keeps_its_promise(void **state)
{
	(void)state;
	enum { EXECUTIONS = 4000 };
	struct search *s = opened("pct", 7);
	struct graph *g = graph_of(MODEL_SC, s);
	struct test_run run = {0};
	unsigned shown = 0;
	s->steps_hint = 4;
	assert_int_equal(search_option(s, "depth", "2"), 0);
	for (unsigned i = 0; i < EXECUTIONS; i++) {
		test_execute(&run, &lost_update, g, s, i);
		shown += update_is_lost(&run);
	}
	/* n = 2, k = 4 + 1 + 1. */
	assert_true(shown >= EXECUTIONS / (2 * 6));
	assert_true(shown < EXECUTIONS / 2);
	graph_free(g);
	search_close(s);
}

static void nothing_is_stated_beyond_the_theorem(void **state)
{
	(void)state;
	struct search *s = opened("pct", 1);
	struct graph *g = graph_of(MODEL_SC, s);
	struct test_run run = {0};
	s->steps_hint = 1; /* too small: executions are longer */
	for (unsigned i = 0; i < 10; i++)
		test_execute(&run, &locks, g, s, i);
	for (unsigned depth = 1; depth <= 3; depth++)
		assert_true(search_pct_chance(s, depth) <= 0);
	graph_free(g);
	search_close(s);
}

/* SURW: each order of the interesting steps is equally likely, whatever surrounds them. */
static void surw_is_uniform_over_the_interesting_orders(void **state)
{
	(void)state;
	enum { EXECUTIONS = 6000, ORDERS = 10 };
	/* Two shared stores against three, and private steps of one thread only. */
	struct test_program program = stores(2, 3);
	program.locations = 2;
	for (unsigned i = 3; i < 10; i++)
		program.op[1][i] = (struct test_op){.kind = TEST_STORE, .location = 1, .operand = 1, .order = ORDER_RELAXED};
	program.count[1] = 10;
	struct search *s = opened("surw", 11);
	struct graph *g = graph_of(MODEL_SC, s);
	struct test_run run = {0};
	unsigned count[64] = {0}, orders = 0;
	for (unsigned i = 0; i <= EXECUTIONS; i++) {
		test_execute(&run, &program, g, s, i);
		if (s->repeated)
			continue;
		unsigned order = 1;
		for (event_id id = 1; id <= g->count; id++)
			if (g->events[id].kind == EVENT_WRITE && g->events[id].location == 0)
				order = order << 1 | g->events[id].thread;
		count[order]++;
	}
	for (unsigned i = 0; i < 64; i++) {
		orders += count[i] != 0;
		if (count[i])
			near(count[i], (double)EXECUTIONS / ORDERS, 0.15 * EXECUTIONS / ORDERS);
	}
	assert_int_equal(orders, ORDERS);
	graph_free(g);
	search_close(s);
}

/* POS: what races with the step that was made draws anew. So a store meets each of four others with a chance of one half; without
 * that, it would come last in one of five executions. */
static void pos_draws_anew_where_steps_race(void **state)
{
	(void)state;
	enum { EXECUTIONS = 8000 };
	struct test_program program = stores(4, 1);
	struct search *s = opened("pos", 5);
	struct graph *g = graph_of(MODEL_SC, s);
	struct test_run run = {0};
	unsigned last = 0;
	for (unsigned i = 0; i < EXECUTIONS; i++) {
		test_execute(&run, &program, g, s, i);
		last += g->events[g->count].thread == 1;
	}
	near(last, EXECUTIONS / 16.0, EXECUTIONS / 160.0);
	graph_free(g);
	search_close(s);
}

static unsigned mean_to_open(const char *name)
{
	unsigned sum = 0;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		unsigned first = first_bad(name, seed, MODEL_SC, &combination, opens, 100000);
		assert_int_not_equal(first, 0);
		sum += first;
	}
	print_message("combination of 6: %s needs %u executions in the mean\n", name, sum / 20);
	return sum / 20;
}

/* Pairs that were new once are kept and put together: that is what feedback is for. */
static void feedback_puts_pairs_together(void **state)
{
	(void)state;
	assert_true(mean_to_open("rff") * 3 < mean_to_open("pos"));
}

/* For scale: published means for a reordering by three threads are 6 (feedback) to 185 (PCT). */
static void samplers_find_a_reordering_soon(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned within;
	} expected[] = {{"rff", 30}, {"pos", 20}, {"pct", 120}, {"surw", 20}};
	for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
		unsigned sum = 0;
		for (uint64_t seed = 1; seed <= 20; seed++) {
			unsigned first = first_bad(expected[i].name, seed, MODEL_SC, &reorder, reordered, 4000);
			assert_int_not_equal(first, 0);
			sum += first;
		}
		print_message("reorder of 4 setters: %s needs %u executions in the mean\n", expected[i].name, sum / 20);
		assert_true(sum / 20 <= expected[i].within);
	}
}

/* --- replay ----------------------------------------------------------------------------------------------------------------------- */

/* schedule_take() looks at the runtime's graph; here there is no other runtime. */
static struct runtime stand_in;

static void taken(struct graph *g, struct schedule *schedule)
{
	stand_in.graph = g;
	runtime = &stand_in;
	assert_true(schedule_take(schedule));
	runtime = NULL;
}

/* Whatever a search did is repeated by its schedule, strictly, to the last event. */
static void replay_repeats(const char *name, enum memory_model model, const struct test_program *program)
{
	struct search *s = opened(name, 21);
	struct graph *g = graph_of(model, s), *again = graph_new(model, false);
	struct test_run run = {0}, second = {0};
	for (unsigned i = 0; i < 200; i++) {
		enum ending how = test_execute(&run, program, g, s, i);
		if (how == ENDING_CUT || how == ENDING_ABANDONED)
			continue;
		struct schedule schedule;
		taken(g, &schedule);
		struct search *replay = search_replay(&schedule, true);
		assert_non_null(replay);
		assert_int_equal(test_execute(&second, program, again, replay, 0), how);
		assert_int_equal(search_replay_diverged(replay), UINT32_MAX);
		if (how == ENDING_COMPLETE) {
			assert_int_equal(graph_hash(again), graph_hash(g));
			assert_int_equal(test_outcome(&second), test_outcome(&run));
		}
		search_close(replay);
		schedule_free(&schedule);
	}
	graph_free(g);
	graph_free(again);
	search_close(s);
}

static void a_schedule_repeats_its_execution(void **state)
{
	(void)state;
	static const struct test_program *const programs[] = {&lost_update, &buffering, &passing, &locks, &reorder, &late_stores};
	for (unsigned k = 0; k < search_kind_count; k++)
		for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++) {
			replay_repeats(search_kinds[k]->name, MODEL_SC, programs[i]);
			replay_repeats(search_kinds[k]->name, MODEL_RC11, programs[i]);
		}
}

/* A schedule of another program: strictly, it is given up where it does not fit, and that step is told. */
static void replay_says_where_it_diverges(void **state)
{
	(void)state;
	struct search *s = opened("random", 2);
	struct graph *g = graph_of(MODEL_SC, s);
	struct test_run run = {0};
	struct schedule schedule;
	test_execute(&run, &lost_update, g, s, 0);
	taken(g, &schedule);
	struct test_program changed = lost_update;
	changed.op[1][1] = (struct test_op)T_ADD(0, 1, RELAXED);
	struct search *strict = search_replay(&schedule, true), *lenient = search_replay(&schedule, false);
	assert_int_equal(test_execute(&run, &changed, g, strict, 0), ENDING_ABANDONED);
	uint32_t at = search_replay_diverged(strict);
	assert_true(at < schedule.count);
	assert_int_equal(schedule.steps[at].thread, 1);
	assert_int_equal(schedule.steps[at].tag, STEP_STORE);
	assert_int_equal(test_execute(&run, &changed, g, lenient, 0), ENDING_COMPLETE);
	assert_int_equal(search_replay_diverged(lenient), at);
	search_close(strict);
	search_close(lenient);
	search_close(s);
	schedule_free(&schedule);
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_search_finds_a_lost_update),
		cmocka_unit_test(each_search_shows_weak_behaviour_under_rc11_only),
		cmocka_unit_test(the_same_seed_gives_the_same_schedules),
		cmocka_unit_test(independent_executions_need_no_others),
		cmocka_unit_test(bound_enumerates_exactly_what_it_says),
		cmocka_unit_test(without_a_limit_bound_enumerates_everything),
		cmocka_unit_test(bound_agrees_with_enumeration_under_rc11),
		cmocka_unit_test(no_older_store_beyond_the_limit),
		cmocka_unit_test(delay_bounding_grows_more_slowly),
		cmocka_unit_test(the_shards_of_bound_are_a_partition),
		cmocka_unit_test(shards_by_count_are_the_beginning_of_the_whole),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(pct_states_its_bound),
		cmocka_unit_test(pct_keeps_its_promise),
		cmocka_unit_test(nothing_is_stated_beyond_the_theorem),
		cmocka_unit_test(surw_is_uniform_over_the_interesting_orders),
		cmocka_unit_test(pos_draws_anew_where_steps_race),
		cmocka_unit_test(feedback_puts_pairs_together),
		cmocka_unit_test(samplers_find_a_reordering_soon),
		cmocka_unit_test(a_schedule_repeats_its_execution),
		cmocka_unit_test(replay_says_where_it_diverges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
