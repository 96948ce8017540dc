/* SPDX-License-Identifier: MIT */
/* The exhaustive search: exact numbers of executions where they are known, and the same set of graphs as brute force on random programs.
 * `test_explore_dpor N` takes other random programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dpor.h"
#include "test_programs.h"
#include "test_small.h"

static uint64_t seed;

struct outcome {
	uint64_t complete, blocked, abandoned, duplicates, diverged, deadlocks_twice;
	struct test_set graphs, deadlocks, orbits;
	double estimate, seconds;
	size_t most; /* nodes in the pool */
};

static void note(struct outcome *out, const struct search *s, const struct moment *at, enum ending how)
{
	out->diverged += s->diverged;
	if (s->repeated)
		return;
	out->complete += how == ENDING_COMPLETE;
	out->blocked += how == ENDING_BLOCKED;
	out->abandoned += how == ENDING_ABANDONED;
	if (how == ENDING_COMPLETE && !test_set_add(&out->graphs, graph_hash(at->graph)))
		out->duplicates++;
	if (how == ENDING_BLOCKED && small_deadlocked(at) && !test_set_add(&out->deadlocks, small_hash(at->graph)))
		out->deadlocks_twice++;
}

/* Which threads of P can be exchanged. */
static void find_twins(const struct small_program *p, uint8_t *twin)
{
	memset(twin, 0, GRAPH_THREADS_MAX);
	for (unsigned t = p->created; t < p->threads; t++)
		for (unsigned u = t; u-- > p->created;)
			if (memcmp(p->code[t], p->code[u], sizeof p->code[t]) == 0)
				twin[t] = (uint8_t)(1 + u);
}

/* A hash of all that the execution becomes if twins are exchanged. */
static uint64_t orbit(const struct graph *g, unsigned threads, const uint8_t *twin, uint8_t *as, unsigned t, uint32_t taken)
{
	if (t == threads)
		return stream_next(&(struct stream){small_hash_as(g, as)});
	uint64_t sum = 0;
	for (unsigned u = 0; u < threads; u++) {
		unsigned class_t = twin[t] ? twin[t] - 1u : t, class_u = twin[u] ? twin[u] - 1u : u;
		if (taken >> u & 1 || class_t != class_u)
			continue;
		as[t] = (uint8_t)u;
		sum += orbit(g, threads, twin, as, t + 1, taken | 1u << u);
	}
	return sum;
}

static uint64_t orbit_of(const struct small_program *p, const struct graph *g)
{
	uint8_t twin[GRAPH_THREADS_MAX], as[SMALL_THREADS];
	find_twins(p, twin);
	return orbit(g, p->threads, twin, as, 0, 0);
}

struct way {
	enum memory_model model;
	unsigned shard, shards;
	bool symmetry;
};

static struct outcome explore_way(const struct small_program *p, struct way way)
{
	struct outcome out = {0};
	struct graph *g = graph_new(way.model, true);
	struct search *s = test_open(&search_dpor);
	static struct moment at;
	at = (struct moment){.graph = g};
	find_twins(p, at.twin);
	s->shard = way.shard;
	s->shards = way.shards;
	if (way.symmetry)
		assert_int_equal(s->kind->option(s, "symmetry", "on"), 0);
	clock_t start = clock();
	for (; s->kind->begin(s, &at); at.execution++) {
		enum ending how = small_execute(p, g, s, &at);
		s->kind->end(s, &at, how);
		note(&out, s, &at, how);
		if (how == ENDING_COMPLETE && !s->repeated)
			test_set_add(&out.orbits, orbit_of(p, g));
	}
	out.seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	out.estimate = s->kind->estimate(s);
	out.most = ((struct dpor *)s)->pool_capacity;
	test_close(s);
	graph_free(g);
	return out;
}

static struct outcome explore(const struct small_program *p, enum memory_model model)
{
	return explore_way(p, (struct way){model, 1, 1, false});
}

static void outcome_free(struct outcome *out)
{
	test_set_free(&out->graphs);
	test_set_free(&out->deadlocks);
	test_set_free(&out->orbits);
}

/* --- programs ----------------------------------------------------------------------------------------------------------------------- */

static struct small_code *code(struct small_program *p, unsigned t)
{
	unsigned n = 0;
	while (p->code[t][n].kind != SMALL_END)
		n++;
	return &p->code[t][n];
}

static void access(
	struct small_program *p, unsigned t, enum small_kind kind, unsigned location, enum order order, uint64_t operand)
{
	*code(p, t) = (struct small_code){.kind = (uint8_t)kind,
		.location = (uint8_t)location,
		.order = (uint8_t)order,
		.order_failed = ORDER_RELAXED,
		.operand = operand};
}

static void jump(struct small_program *p, unsigned t, enum small_kind kind, uint64_t expected, unsigned target)
{
	*code(p, t) = (struct small_code){.kind = (uint8_t)kind, .expected = expected, .target = (uint8_t)target};
}

static struct small_program locks(unsigned threads, unsigned rounds, enum small_kind lock)
{
	struct small_program p = {.threads = threads};
	for (unsigned t = 0; t < threads; t++)
		for (unsigned i = 0; i < rounds; i++) {
			access(&p, t, lock, 0, ORDER_ACQUIRE, 0);
			access(&p, t, lock == SMALL_LOCK ? SMALL_UNLOCK : SMALL_STORE, 0, ORDER_RELEASE, 0);
		}
	return p;
}

static struct small_program adds(unsigned threads)
{
	struct small_program p = {.threads = threads};
	for (unsigned t = 0; t < threads; t++)
		access(&p, t, SMALL_ADD, 0, ORDER_RELAXED, 1);
	return p;
}

/* Location 0: the flag; 1: the lock. */
static struct small_program double_checked(unsigned threads)
{
	struct small_program p = {.threads = threads};
	for (unsigned t = 0; t < threads; t++) {
		access(&p, t, SMALL_LOAD, 0, ORDER_ACQUIRE, 0);
		jump(&p, t, SMALL_UNLESS, 0, 7);
		access(&p, t, SMALL_LOCK, 1, ORDER_ACQUIRE, 0);
		access(&p, t, SMALL_LOAD, 0, ORDER_RELAXED, 0);
		jump(&p, t, SMALL_UNLESS, 0, 6);
		access(&p, t, SMALL_STORE, 0, ORDER_RELEASE, 1);
		access(&p, t, SMALL_UNLOCK, 1, ORDER_RELEASE, 0);
	}
	return p;
}

static struct small_program cas_publish(unsigned threads)
{
	struct small_program p = {.threads = threads};
	for (unsigned t = 0; t < threads; t++) {
		access(&p, t, SMALL_LOAD, 0, ORDER_ACQUIRE, 0);
		jump(&p, t, SMALL_UNLESS, 0, 3);
		access(&p, t, SMALL_CAS, 0, ORDER_ACQ_REL, t + 1);
	}
	return p;
}

static struct small_program store_buffering(enum order order)
{
	struct small_program p = {.threads = 2};
	for (unsigned t = 0; t < 2; t++) {
		access(&p, t, SMALL_STORE, t, order, 1);
		access(&p, t, SMALL_LOAD, 1 - t, order, 0);
	}
	return p;
}

static struct small_program message_passing(enum order store, enum order load)
{
	struct small_program p = {.threads = 2};
	access(&p, 0, SMALL_STORE, 0, ORDER_RELAXED, 1);
	access(&p, 0, SMALL_STORE, 1, store, 1);
	access(&p, 1, SMALL_LOAD, 1, load, 0);
	access(&p, 1, SMALL_LOAD, 0, ORDER_RELAXED, 0);
	return p;
}

static struct small_program iriw(void)
{
	struct small_program p = {.threads = 4};
	for (unsigned t = 0; t < 2; t++) {
		access(&p, t, SMALL_STORE, t, ORDER_SEQ_CST, 1);
		access(&p, 2 + t, SMALL_LOAD, t, ORDER_SEQ_CST, 0);
		access(&p, 2 + t, SMALL_LOAD, 1 - t, ORDER_SEQ_CST, 0);
	}
	return p;
}

/* Thread 0 creates the others, which are those of P, and waits for them. */
static struct small_program created(const struct small_program *p)
{
	struct small_program q = {.threads = p->threads + 1, .created = true};
	for (unsigned t = 0; t < p->threads; t++) {
		memcpy(q.code[t + 1], p->code[t], sizeof p->code[t]);
		*code(&q, 0) = (struct small_code){.kind = SMALL_CREATE, .operand = t + 1};
	}
	for (unsigned t = 0; t < p->threads; t++)
		*code(&q, 0) = (struct small_code){.kind = SMALL_JOIN, .operand = t + 1};
	return q;
}

/* --- exact numbers ---------------------------------------------------------------------------------------------------------------- */

static void expect(const char *name, struct small_program p, enum memory_model model, uint64_t complete)
{
	struct outcome out = explore(&p, model);
	printf("%-28s %-4s %8llu complete %8llu blocked %4llu abandoned  %7.3f s  %9.0f/s  pool %zu\n", name,
		model == MODEL_SC ? "sc" : "rc11", (unsigned long long)out.complete, (unsigned long long)out.blocked,
		(unsigned long long)out.abandoned, out.seconds, (double)(out.complete + out.blocked) / (out.seconds + 1e-9),
		out.most);
	if (out.complete != complete || out.duplicates || out.diverged || out.deadlocks_twice)
		fail_msg("%s: %llu expected, duplicates %llu, diverged %llu", name, (unsigned long long)complete,
			(unsigned long long)out.duplicates, (unsigned long long)out.diverged);
	outcome_free(&out);
	if (p.created || p.threads >= 5)
		return;
	expect(name, created(&p), model, complete);
}

static uint64_t factorial(unsigned n)
{
	return n ? n * factorial(n - 1) : 1;
}

static void test_locks(void **state)
{
	(void)state;
	for (unsigned t = 2; t <= 5; t++)
		expect("lock once", locks(t, 1, SMALL_LOCK), MODEL_RC11, factorial(t));
	expect("lock 2 x 2", locks(2, 2, SMALL_LOCK), MODEL_RC11, 6);
	expect("lock 2 x 3", locks(2, 3, SMALL_LOCK), MODEL_RC11, 20);
	expect("lock 3 x 2", locks(3, 2, SMALL_LOCK), MODEL_RC11, 90);
	expect("lock 3 x 3", locks(3, 3, SMALL_LOCK), MODEL_RC11, 1680);
	expect("lock 3 x 3", locks(3, 3, SMALL_LOCK), MODEL_SC, 1680);
	for (unsigned t = 2; t <= 4; t++)
		expect("spin lock once", locks(t, 1, SMALL_SPIN_LOCK), MODEL_RC11, factorial(t));
}

static void test_updates(void **state)
{
	(void)state;
	for (unsigned t = 2; t <= 6; t++)
		expect("fetch_add", adds(t), MODEL_RC11, factorial(t));
	expect("fetch_add", adds(4), MODEL_SC, 24);
	const uint64_t published[] = {4, 12, 32};
	for (unsigned t = 2; t <= 4; t++)
		expect("compare-and-swap publishes", cas_publish(t), MODEL_RC11, published[t - 2]);
}

static void test_double_checked(void **state)
{
	(void)state;
	const uint64_t graphs[] = {4, 15, 64, 325};
	for (unsigned t = 2; t <= 5; t++)
		expect("double-checked lock", double_checked(t), MODEL_RC11, graphs[t - 2]);
}

static void test_litmus(void **state)
{
	(void)state;
	expect("SB seq_cst", store_buffering(ORDER_SEQ_CST), MODEL_RC11, 3);
	expect("SB relaxed", store_buffering(ORDER_RELAXED), MODEL_RC11, 4);
	expect("SB relaxed", store_buffering(ORDER_RELAXED), MODEL_SC, 3);
	expect("MP release/acquire", message_passing(ORDER_RELEASE, ORDER_ACQUIRE), MODEL_RC11, 3);
	expect("MP relaxed", message_passing(ORDER_RELAXED, ORDER_RELAXED), MODEL_RC11, 4);
	expect("IRIW seq_cst", iriw(), MODEL_RC11, 15);
}

/* --- shards ----------------------------------------------------------------------------------------------------------------------- */

static void sum_shards(const struct small_program *p, unsigned shards, bool symmetry)
{
	struct outcome whole = explore_way(p, (struct way){MODEL_RC11, 1, 1, symmetry}), sum = {0};
	for (unsigned shard = 1; shard <= shards; shard++) {
		struct outcome part = explore_way(p, (struct way){MODEL_RC11, shard, shards, symmetry});
		sum.complete += part.complete;
		sum.blocked += part.blocked;
		sum.abandoned += part.abandoned;
		for (uint64_t i = 0; i < part.graphs.room; i++)
			if (part.graphs.slot[i] && !test_set_add(&sum.graphs, part.graphs.slot[i]))
				sum.duplicates++;
		assert_int_equal(part.diverged, 0);
		/* None does nearly everything. */
		if (shards > 1 && whole.complete > 1000)
			assert_true(part.complete * 4 < whole.complete * 3);
		outcome_free(&part);
	}
	assert_int_equal(sum.complete, whole.complete);
	assert_int_equal(sum.blocked, whole.blocked);
	assert_int_equal(sum.abandoned, whole.abandoned);
	assert_int_equal(sum.duplicates, 0);
	assert_true(test_set_within(&whole.graphs, &sum.graphs));
	outcome_free(&whole);
	outcome_free(&sum);
}

static void test_shards(void **state)
{
	(void)state;
	const struct small_program programs[] = {locks(3, 3, SMALL_LOCK), double_checked(4), adds(2), iriw()};
	for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
		for (unsigned shards = 2; shards <= 5; shards++)
			for (unsigned symmetry = 0; symmetry < 2; symmetry++)
				sum_shards(&programs[i], shards, symmetry);
}

/* The number of items does not grow with the number of executions, and the estimate ends as the truth. */
static void test_memory_and_estimate(void **state)
{
	(void)state;
	struct small_program p = locks(3, 4, SMALL_LOCK);
	struct outcome out = explore(&p, MODEL_RC11);
	assert_int_equal(out.complete, 34650);
	assert_true(out.most <= 2048);
	double executions = (double)(out.complete + out.blocked + out.abandoned);
	assert_true(out.estimate > executions * 0.999 && out.estimate < executions * 1.001);
	outcome_free(&out);
}

/* --- against brute force ------------------------------------------------------------------------------------------------------------ */

static struct outcome brute(const struct small_program *p, enum memory_model model)
{
	struct outcome out = {0};
	struct graph *g = graph_new(model, true);
	struct search *s = test_open(&small_brute);
	static struct moment at;
	at = (struct moment){.graph = g};
	for (; s->kind->begin(s, &at); at.execution++)
		if (small_execute(p, g, s, &at) == ENDING_COMPLETE) {
			out.complete++;
			test_set_add(&out.graphs, graph_hash(g));
			test_set_add(&out.orbits, orbit_of(p, g));
		}
	const struct test_set *deadlocks = small_brute_deadlocks(s);
	for (uint64_t i = 0; i < deadlocks->room; i++)
		if (deadlocks->slot[i])
			test_set_add(&out.deadlocks, deadlocks->slot[i]);
	test_close(s);
	graph_free(g);
	return out;
}

struct mix {
	unsigned kinds; /* bits of enum small_kind */
	unsigned length, threads, locations;
	bool created;
};

static const enum order load_orders[] = {ORDER_RELAXED, ORDER_ACQUIRE, ORDER_SEQ_CST};
static const enum order store_orders[] = {ORDER_RELAXED, ORDER_RELEASE, ORDER_SEQ_CST};
static const enum order update_orders[] = {ORDER_RELAXED, ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST};
static const enum order fence_orders[] = {ORDER_ACQUIRE, ORDER_RELEASE, ORDER_ACQ_REL, ORDER_SEQ_CST, ORDER_SEQ_CST};

static void random_access(struct small_program *p, unsigned t, struct stream *random, const struct mix *mix)
{
	enum small_kind kind;
	do
		kind = 1 + stream_below(random, SMALL_JOIN);
	while (!(mix->kinds >> kind & 1));
	unsigned location = stream_below(random, mix->locations);
	enum order order = kind == SMALL_LOAD || kind == SMALL_AWAIT        ? load_orders[stream_below(random, 3)]
			   : kind == SMALL_STORE || kind == SMALL_STORE_TWO ? store_orders[stream_below(random, 3)]
			   : kind == SMALL_FENCE                            ? fence_orders[stream_below(random, 5)]
									    : update_orders[stream_below(random, 5)];
	struct small_code *c = code(p, t);
	access(p, t, kind, location, order, 1 + stream_below(random, 2));
	c->expected = stream_below(random, 3);
	c->order_failed = (uint8_t)load_orders[stream_below(random, 3)];
	c->second = (uint8_t)((location + 1) % mix->locations);
	if (kind == SMALL_CHOOSE)
		c->operand = 2;
	if (kind == SMALL_IF || kind == SMALL_UNLESS)
		c->target = (uint8_t)(c - p->code[t] + 1 + stream_below(random, 3));
	/* Locks lie apart from the rest and are given back at the end, or at once. */
	if (kind == SMALL_LOCK || kind == SMALL_SPIN_LOCK) {
		c->location = (uint8_t)(mix->locations + (kind == SMALL_SPIN_LOCK));
		c->order = ORDER_ACQUIRE;
	}
}

static void unlock(struct small_program *p, unsigned t, unsigned location, enum small_kind lock)
{
	access(p, t, lock == SMALL_LOCK ? SMALL_UNLOCK : SMALL_STORE, location, ORDER_RELEASE, 0);
}

static struct small_program random_program(struct stream *random, const struct mix *mix)
{
	struct small_program p = {.threads = mix->threads};
	for (unsigned t = 0; t < p.threads; t++) {
		bool held[2] = {false, false};
		for (unsigned i = 0; i < mix->length; i++) {
			struct small_code *c = code(&p, t);
			random_access(&p, t, random, mix);
			if (c->kind != SMALL_LOCK && c->kind != SMALL_SPIN_LOCK)
				continue;
			enum small_kind kind = c->kind;
			unsigned location = c->location;
			bool spins = kind == SMALL_SPIN_LOCK;
			if (held[spins])
				*c = (struct small_code){0};
			if (held[spins])
				unlock(&p, t, location, kind);
			held[spins] = !held[spins];
		}
		for (unsigned i = 0; i < 2; i++)
			if (held[i])
				unlock(&p, t, mix->locations + i, i ? SMALL_SPIN_LOCK : SMALL_LOCK);
	}
	return mix->created ? created(&p) : p;
}

static void print_program(const struct small_program *p)
{
	static const char *const names[] = {"end", "load", "store", "store2", "add", "exchange", "cas", "fence", "lock",
		"spinlock", "unlock", "await", "if", "unless", "choose", "create", "join"};
	for (unsigned t = 0; t < p->threads; t++) {
		printf("  T%u:", t);
		for (unsigned i = 0; p->code[t][i].kind; i++) {
			const struct small_code *c = &p->code[t][i];
			printf(" %s(%u o%u v%u e%u t%u)", names[c->kind], c->location, c->order, (unsigned)c->operand,
				(unsigned)c->expected, c->target);
		}
		printf("\n");
	}
}

/* --- symmetry -------------------------------------------------------------------------------------------------------------------- */

static void expect_symmetric(const char *name, struct small_program p, enum memory_model model, uint64_t complete)
{
	struct outcome out = explore_way(&p, (struct way){model, 1, 1, true});
	printf("%-28s %-4s %8llu complete %8llu blocked, twins in one order\n", name, model == MODEL_SC ? "sc" : "rc11",
		(unsigned long long)out.complete, (unsigned long long)out.blocked);
	assert_int_equal(out.complete, complete);
	assert_int_equal(out.duplicates, 0);
	assert_int_equal(out.diverged, 0);
	outcome_free(&out);
	if (p.created)
		return;
	p = created(&p);
	expect_symmetric(name, p, model, complete);
}

static void test_symmetric_numbers(void **state)
{
	(void)state;
	for (unsigned model = MODEL_SC; model <= MODEL_RC11; model++) {
		for (unsigned t = 2; t <= 5; t++)
			expect_symmetric("lock once", locks(t, 1, SMALL_LOCK), model, 1);
		expect_symmetric("lock 2 x 3", locks(2, 3, SMALL_LOCK), model, 10);
		expect_symmetric("lock 3 x 3", locks(3, 3, SMALL_LOCK), model, 280);
		expect_symmetric("spin lock once", locks(4, 1, SMALL_SPIN_LOCK), model, 1);
		expect_symmetric("fetch_add", adds(5), model, 1);
	}
}

/* Of the twins 0 and 1, one reads a store that depends on the other one, which has read a newer one. */
static void test_against_modification_order(void **state)
{
	(void)state;
	struct small_program p = {.threads = 4};
	for (unsigned t = 0; t < 2; t++) {
		access(&p, t, SMALL_LOAD, 0, ORDER_RELAXED, 0);
		access(&p, t, SMALL_STORE, 1, ORDER_RELAXED, 1);
	}
	access(&p, 2, SMALL_LOAD, 1, ORDER_RELAXED, 0);
	access(&p, 2, SMALL_STORE, 0, ORDER_RELAXED, 1);
	access(&p, 3, SMALL_STORE, 0, ORDER_RELAXED, 2);
	for (unsigned model = MODEL_SC; model <= MODEL_RC11; model++) {
		struct outcome want = brute(&p, model), got = explore_way(&p, (struct way){model, 1, 1, true});
		assert_true(test_set_within(&want.orbits, &got.orbits));
		assert_int_equal(got.duplicates, 0);
		outcome_free(&want);
		outcome_free(&got);
	}
}

/* Threads that run the same code, but are not treated alike: everything is explored as without symmetry. */
static void test_no_twins(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		struct small_program p = adds(2), q = created(&p);
		unsigned n = way == 0 ? 1 : way == 1 ? 3 : 2;
		/* Behind the first creation, the first join, all creations, all joins. */
		n = way == 3 ? 4 : n;
		memmove(&q.code[0][n + 1], &q.code[0][n], (SMALL_CODE - n - 1) * sizeof q.code[0][0]);
		q.code[0][n] = (struct small_code){.kind = SMALL_LOAD, .order = ORDER_RELAXED};
		for (unsigned model = MODEL_SC; model <= MODEL_RC11; model++) {
			struct outcome want = brute(&q, model), got = explore_way(&q, (struct way){model, 1, 1, true});
			assert_int_equal(got.duplicates, 0);
			assert_true(test_set_within(&got.graphs, &want.graphs));
			if (way < 2)
				assert_int_equal(got.complete, want.graphs.count);
			else
				assert_int_equal(got.complete * 2, want.graphs.count);
			outcome_free(&want);
			outcome_free(&got);
		}
	}
}

struct totals {
	uint64_t programs, graphs, blocked, abandoned, deadlocks, wrong, orbits, all;
};

static void compare(const struct small_program *p, enum memory_model model, const char *name, unsigned number, struct totals *all)
{
	struct outcome want = brute(p, model), got = explore(p, model);
	bool same = test_set_within(&want.graphs, &got.graphs) && test_set_within(&got.graphs, &want.graphs) &&
		    test_set_within(&want.deadlocks, &got.deadlocks) && test_set_within(&got.deadlocks, &want.deadlocks);
	bool wrong = !same || got.duplicates || got.diverged || got.deadlocks_twice;
	if (wrong && all->wrong++ < 3) {
		printf("%s %u under %s: %llu graphs, found %llu, twice %llu, diverged %llu; deadlocks %llu, found %llu, twice "
		       "%llu\n",
			name, number, model == MODEL_SC ? "sc" : "rc11", (unsigned long long)want.graphs.count,
			(unsigned long long)got.graphs.count, (unsigned long long)got.duplicates,
			(unsigned long long)got.diverged, (unsigned long long)want.deadlocks.count,
			(unsigned long long)got.deadlocks.count, (unsigned long long)got.deadlocks_twice);
		print_program(p);
	}
	all->programs++;
	all->graphs += got.complete;
	all->blocked += got.blocked;
	all->abandoned += got.abandoned;
	all->deadlocks += got.deadlocks.count;
	outcome_free(&want);
	outcome_free(&got);
}

/* Twins in one order lose no class of graphs that exchanges make of each other. */
static void compare_symmetric(
	const struct small_program *p, enum memory_model model, const char *name, unsigned number, struct totals *all)
{
	struct outcome want = brute(p, model), got = explore_way(p, (struct way){model, 1, 1, true});
	bool same = test_set_within(&want.orbits, &got.orbits) && test_set_within(&got.graphs, &want.graphs);
	bool wrong = !same || got.duplicates || got.diverged || (want.deadlocks.count != 0) != (got.deadlocks.count != 0);
	if (wrong && all->wrong++ < 3) {
		printf("%s %u under %s: %llu orbits of %llu graphs, found %llu of %llu, twice %llu\n", name, number,
			model == MODEL_SC ? "sc" : "rc11", (unsigned long long)want.orbits.count,
			(unsigned long long)want.graphs.count, (unsigned long long)got.orbits.count,
			(unsigned long long)got.graphs.count, (unsigned long long)got.duplicates);
		print_program(p);
	}
	all->programs++;
	all->graphs += got.complete;
	all->orbits += want.orbits.count;
	all->all += want.graphs.count;
	outcome_free(&want);
	outcome_free(&got);
}

static void compare_many_symmetric(const char *name, struct mix mix, unsigned others, unsigned programs)
{
	struct totals all = {0};
	for (unsigned i = 0; i < programs; i++) {
		struct stream random = execution_random(mix.kinds + seed, i);
		struct small_program p = random_program(&random, &mix);
		/* The last ones are like thread 0 where OTHERS leaves that; sometimes the first. */
		for (unsigned t = 0; t + others < p.threads; t++) {
			unsigned to = i % 2 ? t : p.threads - 1 - t, from = i % 2 ? 0 : p.threads - 1;
			memcpy(p.code[to], p.code[from], sizeof p.code[to]);
		}
		p = i % 3 == 2 ? created(&p) : p;
		compare_symmetric(&p, MODEL_RC11, name, i, &all);
		compare_symmetric(&p, MODEL_SC, name, i, &all);
	}
	printf("%-28s %llu programs: %llu graphs instead of %llu, %llu needed, %llu wrong\n", name,
		(unsigned long long)all.programs, (unsigned long long)all.graphs, (unsigned long long)all.all,
		(unsigned long long)all.orbits, (unsigned long long)all.wrong);
	assert_int_equal(all.wrong, 0);
	/* Few orbits are met twice: where depth and modification order say different things, and free choices. */
	assert_true((all.graphs - all.orbits) * 5 <= all.graphs);
}

static void compare_many(const char *name, struct mix mix, unsigned programs)
{
	struct totals all = {0};
	for (unsigned i = 0; i < programs; i++) {
		struct stream random = execution_random(mix.kinds + seed, i);
		struct mix this = mix;
		this.created = i % 3 == 2;
		struct small_program p = random_program(&random, &this);
		compare(&p, MODEL_RC11, name, i, &all);
		compare(&p, MODEL_SC, name, i, &all);
	}
	printf("%-28s %llu programs: %llu graphs, %llu blocked, %llu abandoned, %llu deadlocks, %llu wrong\n", name,
		(unsigned long long)all.programs, (unsigned long long)all.graphs, (unsigned long long)all.blocked,
		(unsigned long long)all.abandoned, (unsigned long long)all.deadlocks, (unsigned long long)all.wrong);
	assert_int_equal(all.wrong, 0);
}

enum {
	BIT_LOAD = 1 << SMALL_LOAD,
	BIT_STORE = 1 << SMALL_STORE,
	BIT_TWO = 1 << SMALL_STORE_TWO,
	BIT_ADD = 1 << SMALL_ADD,
	BIT_EXCHANGE = 1 << SMALL_EXCHANGE,
	BIT_CAS = 1 << SMALL_CAS,
	BIT_FENCE = 1 << SMALL_FENCE,
	BIT_LOCK = 1 << SMALL_LOCK,
	BIT_SPIN = 1 << SMALL_SPIN_LOCK,
	BIT_AWAIT = 1 << SMALL_AWAIT,
	BIT_BRANCH = 1 << SMALL_IF | 1 << SMALL_UNLESS,
	BIT_CHOOSE = 1 << SMALL_CHOOSE,
};

static void test_random_accesses(void **state)
{
	(void)state;
	compare_many("loads, stores", (struct mix){BIT_LOAD | BIT_STORE, 3, 3, 2, false}, 150);
	compare_many("loads, stores, fences", (struct mix){BIT_LOAD | BIT_STORE | BIT_FENCE, 5, 2, 2, false}, 200);
}

static void test_random_updates(void **state)
{
	(void)state;
	compare_many("updates", (struct mix){BIT_ADD | BIT_CAS | BIT_EXCHANGE, 2, 3, 2, false}, 200);
	compare_many("four threads, updates", (struct mix){BIT_LOAD | BIT_ADD | BIT_CAS, 2, 4, 2, false}, 20);
	compare_many("loads, stores, updates",
		(struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CAS | BIT_EXCHANGE, 3, 3, 2, false}, 200);
	compare_many("loads, stores, updates, fences",
		(struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CAS | BIT_EXCHANGE | BIT_FENCE, 4, 2, 2, false}, 200);
}

static void test_random_waits(void **state)
{
	(void)state;
	compare_many("locks", (struct mix){BIT_LOAD | BIT_STORE | BIT_LOCK, 3, 3, 1, false}, 150);
	compare_many("two locks", (struct mix){BIT_LOAD | BIT_STORE | BIT_LOCK | BIT_SPIN, 4, 3, 1, false}, 100);
	compare_many("locks, updates", (struct mix){BIT_ADD | BIT_CAS | BIT_LOCK | BIT_SPIN, 4, 2, 1, false}, 100);
	compare_many("four threads, locks", (struct mix){BIT_LOAD | BIT_STORE | BIT_LOCK, 2, 4, 1, false}, 20);
	compare_many("awaits", (struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_AWAIT, 3, 3, 2, false}, 200);
}

static void test_random_branches(void **state)
{
	(void)state;
	compare_many("branches", (struct mix){BIT_LOAD | BIT_STORE | BIT_CAS | BIT_BRANCH, 4, 3, 2, false}, 150);
	compare_many("all",
		(struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CAS | BIT_FENCE | BIT_LOCK | BIT_SPIN | BIT_AWAIT | BIT_BRANCH |
				     BIT_CHOOSE | BIT_TWO,
			5, 2, 2, false},
		400);
	compare_many("choices", (struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CHOOSE | BIT_BRANCH, 4, 2, 2, false}, 200);
	compare_many("two stores at once", (struct mix){BIT_LOAD | BIT_TWO | BIT_ADD, 3, 2, 2, false}, 150);
	compare_many("two stores at once, threads", (struct mix){BIT_LOAD | BIT_STORE | BIT_TWO, 3, 3, 3, false}, 60);
}

static void test_random_symmetric(void **state)
{
	(void)state;
	compare_many_symmetric("twins", (struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CAS, 3, 2, 2, false}, 0, 100);
	compare_many_symmetric("triplets", (struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CAS, 2, 3, 2, false}, 0, 100);
	compare_many_symmetric(
		"twins with locks", (struct mix){BIT_LOAD | BIT_STORE | BIT_LOCK | BIT_SPIN, 4, 3, 1, false}, 0, 60);
	compare_many_symmetric(
		"twins and another", (struct mix){BIT_LOAD | BIT_STORE | BIT_CAS | BIT_BRANCH, 3, 3, 2, false}, 1, 150);
	compare_many_symmetric("twins and others", (struct mix){BIT_LOAD | BIT_STORE, 2, 4, 2, false}, 2, 40);
	compare_many_symmetric("twins of all kinds",
		(struct mix){BIT_LOAD | BIT_STORE | BIT_ADD | BIT_CAS | BIT_FENCE | BIT_LOCK | BIT_SPIN | BIT_AWAIT | BIT_BRANCH |
				     BIT_CHOOSE | BIT_TWO,
			4, 3, 2, false},
		1, 150);
}

int main(int argc, char **argv)
{
	seed = argc > 1 ? strtoull(argv[1], NULL, 10) << 32 : 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_litmus),
		cmocka_unit_test(test_updates),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_double_checked),
		cmocka_unit_test(test_symmetric_numbers),
		cmocka_unit_test(test_against_modification_order),
		cmocka_unit_test(test_no_twins),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_memory_and_estimate),
		cmocka_unit_test(test_random_accesses),
		cmocka_unit_test(test_random_updates),
		cmocka_unit_test(test_random_waits),
		cmocka_unit_test(test_random_branches),
		cmocka_unit_test(test_random_symmetric),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
