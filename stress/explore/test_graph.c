/* SPDX-License-Identifier: MIT */
/* The execution graph held against the definitions of the models (test_oracle.h), on random programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph_private.h"
#include "test_oracle.h"
#include "test_programs.h"

enum { PROGRAMS = 800 };

/* --- random programs ------------------------------------------------------------------------------------------------------------- */

static const uint8_t load_orders[] = {ORDER_RELAXED, ORDER_ACQUIRE, ORDER_SEQ_CST, ORDER_SEQ_CST, ORDER_SEQ_CST};
static const uint8_t store_orders[] = {ORDER_RELAXED, ORDER_RELEASE, ORDER_SEQ_CST, ORDER_SEQ_CST, ORDER_SEQ_CST};
static const uint8_t update_orders[] = {ORDER_RELAXED, ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST, ORDER_SEQ_CST};
static const uint8_t fence_orders[] = {
	ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST, ORDER_SEQ_CST, ORDER_SEQ_CST, ORDER_SEQ_CST};

#define PICK(r, from) ((from)[stream_below(r, sizeof(from) / sizeof *(from))])

static struct test_op random_access(struct stream *r, unsigned location, uint64_t value)
{
	struct test_op op = {.location = (uint8_t)location, .operand = value};
	uint32_t kind = stream_below(r, 16);
	if (kind < 8) {
		op.kind = TEST_LOAD;
		op.order = PICK(r, load_orders);
	} else if (kind < 15) {
		op.kind = TEST_STORE;
		op.order = PICK(r, store_orders);
	} else {
		op.kind = TEST_EXCHANGE;
		op.order = PICK(r, update_orders);
	}
	return op;
}

static void add_fence(struct stream *r, struct test_program *p, unsigned t)
{
	p->op[t][p->count[t]++] = (struct test_op){.kind = TEST_FENCE, .order = PICK(r, fence_orders)};
}

/* Most interesting shapes go round in a ring: each thread leaves one location and enters the next. Each of two to four threads gets one
 * to three accesses, mostly two and mostly that way; half of the programs have fences. */
static struct test_program random_program(uint64_t number)
{
	struct stream r = execution_random(7, number);
	struct test_program p = {.name = "random", .threads = 2 + stream_below(&r, 3)};
	p.locations = p.threads == 2 ? 2 : 2 + stream_below(&r, 2);
	bool fences = stream_below(&r, 2);
	for (unsigned t = 0, value = 1; t < p.threads; t++) {
		unsigned from = stream_below(&r, 6) ? t % p.locations : stream_below(&r, p.locations);
		unsigned to = stream_below(&r, 6) ? (t + 1) % p.locations : stream_below(&r, p.locations);
		if (fences && stream_below(&r, 6) == 0)
			add_fence(&r, &p, t);
		p.op[t][p.count[t]++] = random_access(&r, from, value++);
		if (fences && stream_below(&r, 3))
			add_fence(&r, &p, t);
		if (p.threads < 4 && stream_below(&r, 3) == 0)
			p.op[t][p.count[t]++] = random_access(&r, stream_below(&r, p.locations), value++);
		if (stream_below(&r, 4))
			p.op[t][p.count[t]++] = random_access(&r, to, value++);
	}
	return p;
}

/* --- against the definitions ------------------------------------------------------------------------------------------------------- */

struct judged {
	struct graph *g;
	struct test_set consistent, in_order;
	uint64_t candidates, wrong_verdicts, wrong_clocks;
	uint64_t only_order; /* candidates that only the model's order of all (seq_cst) events forbids */
};

/* Do the clocks say what the relations say? */
static bool clocks_agree(const struct graph *g)
{
	struct oracle o;
	oracle_look(&o, g);
	for (event_id a = 1; a <= g->count; a++) {
		const struct event *e = &g->events[a];
		for (event_id b = 1; b <= g->count; b++) {
			if (e->kind == EVENT_INITIAL || a == b)
				continue;
			bool happened = happened_before(g, b)[1 + e->thread] >= e->number;
			if (happened != (o.hb.row[a] >> b & 1) || graph_before(g, a, b) != (o.prefix.row[a] >> b & 1))
				return false;
		}
	}
	return true;
}

static void judge(void *arg)
{
	struct judged *j = arg;
	bool expected = oracle_consistent(j->g, j->g->model);
	j->only_order += !expected && !j->g->private->broken;
	j->candidates++;
	j->wrong_verdicts += expected != graph_consistent(j->g);
	if (j->candidates % 8 == 0) // slow
		j->wrong_clocks += !clocks_agree(j->g);
	if (!expected)
		return;
	test_set_add(&j->consistent, graph_hash(j->g));
	if (j->g->model == MODEL_SC || oracle_in_order(j->g))
		test_set_add(&j->in_order, graph_hash(j->g));
}

/* Every graph that the candidates of PROGRAM hold, judged. */
static struct judged judge_candidates(const struct test_program *program, enum memory_model model, unsigned rotate)
{
	struct judged j = {.g = graph_new(model, true)};
	assert_non_null(j.g);
	oracle_candidates(program, j.g, rotate, judge, &j);
	graph_free(j.g);
	return j;
}

struct enumerated {
	struct test_set graphs;
	uint64_t executions, inconsistent;
};

static struct enumerated enumerate(const struct test_program *program, enum memory_model model, bool full)
{
	struct enumerated e = {0};
	struct graph *g = graph_new(model, full);
	struct search *s = test_open(&test_enumerate_graphs);
	static struct test_run run;
	assert_non_null(g);
	for (;; e.executions++) {
		enum ending how = test_execute(&run, program, g, s, e.executions);
		if (how == ENDING_CUT)
			break;
		if (how == ENDING_ABANDONED)
			continue;
		assert_int_equal(how, ENDING_COMPLETE);
		if (test_set_add(&e.graphs, graph_hash(g)))
			e.inconsistent += !oracle_consistent(g, model);
	}
	test_close(s);
	graph_free(g);
	return e;
}

/* The rules of a full graph, as it grows and as a whole, are the models' definitions; those of a quick graph
 * let everything through for which the order of adding can follow that of seq_cst events, and nothing else. */
static void check_random_programs(enum memory_model model)
{
	uint64_t graphs = 0, quick_graphs = 0, candidates = 0, only_order = 0;
	for (uint64_t number = 0; number < PROGRAMS; number++) {
		struct test_program program = random_program(number);
		struct judged all = judge_candidates(&program, model, (unsigned)number);
		assert_int_equal(all.wrong_verdicts, 0);
		assert_int_equal(all.wrong_clocks, 0);
		struct enumerated full = enumerate(&program, model, true), quick = enumerate(&program, model, false);
		assert_int_equal(full.inconsistent, 0);
		assert_int_equal(quick.inconsistent, 0);
		assert_int_equal(full.graphs.count, all.consistent.count);
		assert_true(test_set_within(&full.graphs, &all.consistent));
		assert_int_equal(quick.graphs.count, all.in_order.count);
		assert_true(test_set_within(&quick.graphs, &all.in_order));
		graphs += full.graphs.count;
		quick_graphs += quick.graphs.count;
		candidates += all.candidates;
		only_order += all.only_order;
		test_set_free(&all.consistent);
		test_set_free(&all.in_order);
		test_set_free(&full.graphs);
		test_set_free(&quick.graphs);
	}
	printf("%u programs: %lu candidates, %lu of them forbidden by the order of seq_cst events alone; %lu consistent graphs, "
	       "of which a "
	       "quick graph reaches %lu\n",
		PROGRAMS, candidates, only_order, graphs, quick_graphs);
	assert_true(only_order > PROGRAMS / 2);
}

static void test_random_programs_rc11(void **state)
{
	(void)state;
	check_random_programs(MODEL_RC11);
}

static void test_random_programs_sc(void **state)
{
	(void)state;
	check_random_programs(MODEL_SC);
}

/* --- parts ------------------------------------------------------------------------------------------------------------------------- */

static uint32_t locate(struct graph *g, uint64_t address)
{
	return graph_location(g, address, 8, &(uint64_t){0});
}

/* Creation and awaiting carry happens-before; numbers and clocks are those of threads. */
static void test_create_and_await(void **state)
{
	(void)state;
	struct graph *g = graph_new(MODEL_RC11, true);
	uint32_t x = locate(g, 8);
	event_id out[4];
	graph_begin(g, 0, 0);
	event_id first = graph_write(g, 0, x, ORDER_RELAXED, 1, g->locations[x].last);
	event_id create = graph_plain(g, 0, EVENT_CREATE);
	graph_write(g, 0, x, ORDER_RELAXED, 2, first);
	graph_begin(g, 1, create);
	assert_int_equal(graph_knows(g, 1, 0), 3);
	assert_int_equal(graph_clock(g, 1)[0], 3);
	assert_int_equal(graph_sources(g, 1, x, ORDER_RELAXED, false, out, 4), 2); // 2 and 1, not the initial 0
	event_id read = graph_read(g, 1, x, ORDER_RELAXED, first);
	event_id end = graph_plain(g, 1, EVENT_END);
	assert_int_equal(graph_knows(g, 0, 1), 0);
	event_id await = graph_await(g, 0, end);
	assert_int_equal(graph_knows(g, 0, 1), 3);
	assert_true(graph_before(g, read, await));
	assert_false(graph_before(g, await, end));
	assert_int_equal(graph_at(g, 1, 2), read);
	assert_int_equal(graph_at(g, 1, 4), 0);
	assert_int_equal(graph_prefix(g, read)[0], 3);
	assert_true(graph_consistent(g));
	graph_free(g);
}

/* psc_F's plain happens-before: creation orders two seq_cst fences, and no access does. */
static void test_create_between_fences(void **state)
{
	(void)state;
	struct graph *g = graph_new(MODEL_RC11, true);
	for (unsigned created = 0; created < 2; created++) {
		graph_clear(g);
		uint32_t x = locate(g, 8), z = locate(g, 16);
		event_id x0 = g->locations[x].initial, z0 = g->locations[z].initial, create;
		graph_write(g, 0, x, ORDER_RELAXED, 1, x0);
		graph_fence(g, 0, ORDER_SEQ_CST);
		create = graph_plain(g, 0, EVENT_CREATE);
		graph_begin(g, 1, created ? create : 0);
		graph_fence(g, 1, ORDER_SEQ_CST);
		graph_read(g, 1, z, ORDER_RELAXED, z0);
		graph_write(g, 2, z, ORDER_RELAXED, 1, z0);
		graph_fence(g, 2, ORDER_SEQ_CST);
		assert_true(graph_consistent(g));
		graph_read(g, 2, x, ORDER_RELAXED, x0);
		assert_int_equal(graph_consistent(g), !created);
		assert_int_equal(oracle_consistent(g, MODEL_RC11), !created);
	}
	graph_free(g);
}

/* All threads and many locations at once: rows and the table of locations grow while events are there, and stay right. */
static void test_growth(void **state)
{
	(void)state;
	struct graph *g = graph_new(MODEL_RC11, true);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++) {
			for (uint64_t l = 0; l < 20; l++) {
				uint32_t own = locate(g, 0x1000 + 8 * (t * 20 + l));
				graph_write(g, t, own, ORDER_RELAXED, t, g->locations[own].last);
			}
			uint32_t baton = locate(g, 8);
			graph_update(g, t, baton, ORDER_ACQ_REL, g->locations[baton].last, t);
			for (unsigned u = 0; u < GRAPH_THREADS_MAX; u++)
				assert_int_equal(graph_knows(g, t, u), u <= t ? 21 : 0);
		}
		assert_int_equal(g->location_count, GRAPH_THREADS_MAX * 20 + 1);
		for (unsigned t = 0; t < GRAPH_THREADS_MAX; t++)
			for (uint64_t l = 0; l < 20; l++) {
				uint32_t found = graph_find(g, 0x1000 + 8 * (t * 20 + l), 8);
				assert_int_equal(g->events[g->locations[found].last].thread, t);
				assert_int_equal(graph_floor(g, GRAPH_THREADS_MAX - 1, found), g->locations[found].last);
			}
		assert_int_equal(graph_find(g, 0x1000, 4), UINT32_MAX);
		assert_true(graph_consistent(g));
		graph_clear(g);
		assert_int_equal(graph_find(g, 0x1000, 8), UINT32_MAX);
		assert_int_equal(graph_knows(g, GRAPH_THREADS_MAX - 1, 0), 0);
	}
	graph_free(g);
}

/* A thread that the graph has not met, and whose clock is wider than the rows, may ask before it acts. */
static void test_unknown_thread(void **state)
{
	(void)state;
	for (unsigned full = 0; full < 2; full++) {
		struct graph *g = graph_new(MODEL_RC11, full);
		uint32_t x = locate(g, 8);
		event_id out[4], s = graph_write(g, 0, x, ORDER_SEQ_CST, 1, g->locations[x].last);
		assert_int_equal(graph_sources(g, 40, x, ORDER_SEQ_CST, false, out, 4), full ? 2 : 1);
		assert_int_equal(out[0], s);
		assert_int_equal(graph_sources(g, 50, x, ORDER_RELAXED, true, out, 4), 2);
		assert_int_equal(graph_places(g, 60, x, ORDER_SEQ_CST, out, 4), full ? 2 : 1);
		assert_int_equal(g->count, 2);
		graph_free(g);
	}
}

/* Modification order is kept whatever is put in the middle, and however often. */
static void test_ranks(void **state)
{
	(void)state;
	struct graph *g = graph_new(MODEL_RC11, false);
	uint32_t x = locate(g, 8);
	for (unsigned i = 0; i < 1000; i++) {
		event_id after = g->locations[x].initial;
		for (unsigned skip = i * 7 % 5; skip && g->events[after].after; skip--)
			after = g->events[after].after;
		graph_write(g, i % 2, x, ORDER_RELAXED, i, after);
	}
	unsigned stores = 1;
	for (event_id s = g->locations[x].first; g->events[s].after; s = g->events[s].after, stores++) {
		assert_true(g->events[s].rank < g->events[g->events[s].after].rank);
		assert_int_equal(g->events[g->events[s].after].before, s);
	}
	assert_int_equal(stores, 1001);
	graph_free(g);
}

/* What no function offers but a record may hold: the graph takes it and says that it is wrong. */
static void test_records_that_are_wrong(void **state)
{
	(void)state;
	struct graph *g = graph_new(MODEL_RC11, true);
	for (unsigned way = 0; way < 4; way++) {
		graph_clear(g);
		uint32_t x = locate(g, 8);
		event_id initial = g->locations[x].initial;
		event_id update = graph_update(g, 0, x, ORDER_RELAXED, initial, 1);
		assert_true(graph_consistent(g));
		if (way == 0)
			graph_update(g, 1, x, ORDER_RELAXED, initial, 2);
		else if (way == 1)
			graph_write(g, 1, x, ORDER_RELAXED, 2, initial);
		else if (way == 2)
			graph_read(g, 0, x, ORDER_RELAXED, initial);
		else
			graph_read(g, 0, x, ORDER_RELAXED, update);
		assert_int_equal(graph_consistent(g), way == 3);
	}
	graph_free(g);
}

/* Asking changes nothing, although candidates are tried. */
static void test_asking_leaves_no_trace(void **state)
{
	(void)state;
	struct graph *g = graph_new(MODEL_RC11, true);
	uint32_t x = locate(g, 8), y = locate(g, 16);
	event_id out[8];
	graph_write(g, 0, x, ORDER_SEQ_CST, 1, g->locations[x].last);
	graph_fence(g, 0, ORDER_SEQ_CST);
	graph_write(g, 1, y, ORDER_SEQ_CST, 1, g->locations[y].last);
	struct graph before = *g;
	struct thread_clocks clocks = g->private->thread[1];
	uint64_t hash = graph_hash(g);
	assert_int_equal(graph_sources(g, 1, x, ORDER_SEQ_CST, false, out, 8), 2);
	assert_int_equal(graph_sources(g, 1, x, ORDER_SEQ_CST, true, out, 8), 2);
	assert_int_equal(graph_places(g, 1, x, ORDER_SEQ_CST, out, 8), 2);
	assert_memory_equal(&before, g, sizeof before);
	assert_memory_equal(&clocks, &g->private->thread[1], sizeof clocks);
	assert_int_equal(graph_hash(g), hash);
	assert_int_equal(g->events[g->locations[x].initial].reader, 0);
	graph_free(g);
}

/* Two orders of adding one execution have one hash; another source has another. */
static void test_hash(void **state)
{
	(void)state;
	uint64_t hash[3];
	struct graph *g = graph_new(MODEL_RC11, false);
	for (unsigned way = 0; way < 3; way++) {
		graph_clear(g);
		uint32_t x = locate(g, way == 1 ? 800 : 8), y = locate(g, 16);
		event_id initial = g->locations[x].initial;
		if (way == 1)
			graph_read(g, 1, x, ORDER_RELAXED, initial);
		event_id store = graph_write(g, 0, x, ORDER_RELAXED, 1, initial);
		graph_write(g, 0, y, ORDER_RELAXED, 1, g->locations[y].last);
		if (way != 1)
			graph_read(g, 1, x, ORDER_RELAXED, way ? store : initial);
		hash[way] = graph_hash(g);
	}
	assert_int_equal(hash[0], hash[1]);
	assert_int_not_equal(hash[0], hash[2]);
	graph_free(g);
}

static void test_explain(void **state)
{
	(void)state;
	char text[200], small[8];
	struct graph *g = graph_new(MODEL_RC11, false);
	uint32_t x = locate(g, 8);
	event_id one = graph_write(g, 1, x, ORDER_RELAXED, 1, g->locations[x].last);
	event_id stale = graph_read(g, 0, x, ORDER_RELAXED, g->locations[x].initial);
	event_id fresh = graph_read(g, 0, x, ORDER_RELAXED, one);
	event_id two = graph_write(g, 1, x, ORDER_RELAXED, 2, one);
	event_id older = graph_read(g, 0, x, ORDER_RELAXED, one);
	graph_explain(g, stale, text, sizeof text);
	assert_string_equal(
		text, "returns the initial value 0 although thread 1 stored 1 later: nothing orders this load behind that store");
	graph_explain(g, fresh, text, sizeof text); // 2 came only afterwards
	assert_string_equal(text, "");
	graph_explain(g, older, text, sizeof text);
	assert_string_equal(
		text, "returns thread 1's 1 although thread 1 stored 2 later: nothing orders this load behind that store");
	graph_explain(g, two, text, sizeof text);
	assert_string_equal(text, "");
	graph_explain(g, older, small, sizeof small);
	assert_string_equal(small, "returns");
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_await),
		cmocka_unit_test(test_create_between_fences),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_unknown_thread),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_records_that_are_wrong),
		cmocka_unit_test(test_asking_leaves_no_trace),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_random_programs_rc11),
		cmocka_unit_test(test_random_programs_sc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
