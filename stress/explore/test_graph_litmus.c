/* SPDX-License-Identifier: MIT */
/* Litmus tests on the execution graph itself: small programs whose outcomes under RC11 and under sequential consistency are known.
 *
 * Each is enumerated through a full graph and a quick one. `weak` is the outcome that the test is about. Where the expectations come
 * from: [C11] the standard's own rules (5.1.2.4, 7.17.3); [Sewell] the names and shapes of "A Tutorial Introduction to the ARM and POWER
 * Relaxed Memory Models"; [RC11] Lahav et al., PLDI 2017, figures and sections named with the test; [count] what GenMC 0.10.3 counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "test_oracle.h"
#include "test_programs.h"

enum verdict { FORBIDDEN, ALLOWED };

struct litmus {
	struct test_program program;
	uint64_t weak; /* outcome, see test_outcome() */
	enum verdict rc11;
	unsigned graphs;   /* consistent ones under RC11; 0: not known from elsewhere */
	bool quick_misses; /* the quick graph does not reach all of them: see graph_rules.c */
};

#define PROGRAM2(NAME, N0, N1, ...)                                                                  \
	{                                                                                            \
		.name = NAME, .threads = 2, .locations = 2, .count = {N0, N1}, .op = { __VA_ARGS__ } \
	}
#define PROGRAM3(NAME, L, N0, N1, N2, ...)                                                               \
	{                                                                                                \
		.name = NAME, .threads = 3, .locations = L, .count = {N0, N1, N2}, .op = { __VA_ARGS__ } \
	}
#define FINALS2(NAME, N0, N1, ...)                                                                                   \
	{                                                                                                            \
		.name = NAME, .threads = 2, .locations = 2, .finals = true, .count = {N0, N1}, .op = { __VA_ARGS__ } \
	}
enum { X, Y, Z };

/* Store buffering: each stores, then loads what the other stored. Weak: both load 0. */
#define SB(NAME, W, R) PROGRAM2(NAME, 2, 2, {T_STORE(X, 1, W), T_LOAD(Y, R)}, {T_STORE(Y, 1, W), T_LOAD(X, R)})
#define SB_FENCES(NAME, F, G)                                                          \
	PROGRAM2(NAME, 3, 3, {T_STORE(X, 1, RELAXED), T_FENCE(F), T_LOAD(Y, RELAXED)}, \
		{T_STORE(Y, 1, RELAXED), T_FENCE(G), T_LOAD(X, RELAXED)})

/* Message passing: data, then flag; flag, then data. Weak: the flag without the data. */
#define MP(NAME, D, W, R) PROGRAM2(NAME, 2, 2, {T_STORE(X, 1, D), T_STORE(Y, 1, W)}, {T_LOAD(Y, R), T_LOAD(X, D)})
#define MP_FENCES(NAME, F, G)                                                              \
	PROGRAM2(NAME, 3, 3, {T_STORE(X, 1, RELAXED), T_FENCE(F), T_STORE(Y, 1, RELAXED)}, \
		{T_LOAD(Y, RELAXED), T_FENCE(G), T_LOAD(X, RELAXED)})

/* Load buffering: weak would be that each loads what the other stores later. */
#define LB(NAME, R, W) PROGRAM2(NAME, 2, 2, {T_LOAD(X, R), T_STORE(Y, 1, W)}, {T_LOAD(Y, R), T_STORE(X, 1, W)})

#define TWO_PLUS_TWO_W(NAME, O) FINALS2(NAME, 2, 2, {T_STORE(X, 1, O), T_STORE(Y, 2, O)}, {T_STORE(Y, 1, O), T_STORE(X, 2, O)})
#define R_SHAPE(NAME, O, L) FINALS2(NAME, 2, 2, {T_STORE(X, 1, O), T_STORE(Y, 1, O)}, {T_STORE(Y, 2, O), T_LOAD(X, L)})
#define S_SHAPE(NAME, W, R) FINALS2(NAME, 2, 2, {T_STORE(X, 2, W), T_STORE(Y, 1, W)}, {T_LOAD(Y, R), T_STORE(X, 1, W)})

#define WRC(NAME, W, R) \
	PROGRAM3(NAME, 2, 1, 2, 2, {T_STORE(X, 1, W)}, {T_LOAD(X, R), T_STORE(Y, 1, W)}, {T_LOAD(Y, R), T_LOAD(X, R)})
#define RWC(NAME, W, R) \
	PROGRAM3(NAME, 2, 1, 2, 2, {T_STORE(X, 1, W)}, {T_LOAD(X, R), T_LOAD(Y, R)}, {T_STORE(Y, 1, W), T_LOAD(X, R)})
#define ISA2(NAME, W, R)                                                                                         \
	PROGRAM3(NAME, 3, 2, 2, 2, {T_STORE(X, 1, RELAXED), T_STORE(Y, 1, W)}, {T_LOAD(Y, R), T_STORE(Z, 1, W)}, \
		{T_LOAD(Z, R), T_LOAD(X, RELAXED)})
#define IRIW(NAME, W, R)                                                           \
	{                                                                          \
		.name = NAME, .threads = 4, .locations = 2, .count = {1, 1, 2, 2}, \
		.op = { {T_STORE(X, 1, W)},                                        \
			{T_STORE(Y, 1, W)},                                        \
			{T_LOAD(X, R), T_LOAD(Y, R)},                              \
			{T_LOAD(Y, R), T_LOAD(X, R)} }                             \
	}
#define IRIW_FENCES(NAME, F)                                                       \
	{                                                                          \
		.name = NAME, .threads = 4, .locations = 2, .count = {1, 1, 3, 3}, \
		.op = { {T_STORE(X, 1, RELAXED)},                                  \
			{T_STORE(Y, 1, RELAXED)},                                  \
			{T_LOAD(X, RELAXED), T_FENCE(F), T_LOAD(Y, RELAXED)},      \
			{T_LOAD(Y, RELAXED), T_FENCE(F), T_LOAD(X, RELAXED)} }     \
	}

static const struct litmus tests[] = {
	/* [Sewell], [count]. Release and acquire never order a store before a later load. */
	{SB("SB relaxed", RELAXED, RELAXED), 0x00, ALLOWED, 4, false},
	{SB("SB release acquire", RELEASE, ACQUIRE), 0x00, ALLOWED, 4, false},
	{SB("SB seq_cst", SEQ_CST, SEQ_CST), 0x00, FORBIDDEN, 3, false},
	{SB("SB seq_cst stores only", SEQ_CST, ACQUIRE), 0x00, ALLOWED, 4, false},
	{SB("SB seq_cst loads only", RELEASE, SEQ_CST), 0x00, ALLOWED, 4, false},
	{SB_FENCES("SB seq_cst fences", SEQ_CST, SEQ_CST), 0x00, FORBIDDEN, 3, false},
	{SB_FENCES("SB one seq_cst fence", SEQ_CST, ACQ_REL), 0x00, ALLOWED, 4, false},
	/* An exchange of another location in between orders nothing: read-modify-writes are no fences. */
	{{.name = "SB exchanges",
		 .threads = 2,
		 .locations = 2,
		 .count = {2, 2},
		 .op = {{T_ADD(X, 1, ACQ_REL), T_LOAD(Y, ACQUIRE)}, {T_ADD(Y, 1, ACQ_REL), T_LOAD(X, ACQUIRE)}}},
		0x0000, ALLOWED, 4, false},

	/* [Sewell], [count]. */
	{MP("MP relaxed", RELAXED, RELAXED, RELAXED), 0x10, ALLOWED, 4, false},
	{MP("MP release acquire", RELAXED, RELEASE, ACQUIRE), 0x10, FORBIDDEN, 3, false},
	{MP("MP release, relaxed load", RELAXED, RELEASE, RELAXED), 0x10, ALLOWED, 4, false},
	{MP("MP relaxed store, acquire", RELAXED, RELAXED, ACQUIRE), 0x10, ALLOWED, 4, false},
	{MP("MP seq_cst flag", RELAXED, SEQ_CST, SEQ_CST), 0x10, FORBIDDEN, 3, false},
	{MP_FENCES("MP fences", RELEASE, ACQUIRE), 0x10, FORBIDDEN, 3, false},
	{MP_FENCES("MP fences the wrong way", ACQUIRE, RELEASE), 0x10, ALLOWED, 4, false},
	{PROGRAM2("MP release, acquire fence", 2, 3, {T_STORE(X, 1, RELAXED), T_STORE(Y, 1, RELEASE)},
		 {T_LOAD(Y, RELAXED), T_FENCE(ACQUIRE), T_LOAD(X, RELAXED)}),
		0x10, FORBIDDEN, 3, false},
	{PROGRAM2("MP release fence, acquire", 3, 2, {T_STORE(X, 1, RELAXED), T_FENCE(RELEASE), T_STORE(Y, 1, RELAXED)},
		 {T_LOAD(Y, ACQUIRE), T_LOAD(X, RELAXED)}),
		0x10, FORBIDDEN, 3, false},
	/* [RC11] 2.2: seq_cst order need not follow reads-from that does not synchronise. */
	{MP("MP seq_cst data, relaxed flag", SEQ_CST, RELAXED, RELAXED), 0x10, ALLOWED, 4, true},
	/* Release sequences: an update of a released flag hands it on, [C11] 5.1.2.4p10; the thread's own later store does not, C23. */
	{PROGRAM3("MP through an update", 2, 2, 1, 2, {T_STORE(X, 1, RELAXED), T_STORE(Y, 1, RELEASE)}, {T_ADD(Y, 1, RELAXED)},
		 {T_LOAD(Y, ACQUIRE), T_LOAD(X, RELAXED)}),
		0x120, FORBIDDEN, 0, false},
	{PROGRAM2("MP past a release", 3, 2, {T_STORE(X, 1, RELAXED), T_STORE(Y, 1, RELEASE), T_STORE(Y, 2, RELAXED)},
		 {T_LOAD(Y, ACQUIRE), T_LOAD(X, RELAXED)}),
		0x20, ALLOWED, 0, false},

	/* [RC11] 3.4: program order and reads-from are acyclic. */
	{LB("LB relaxed", RELAXED, RELAXED), 0x11, FORBIDDEN, 3, false},
	{LB("LB acquire release", ACQUIRE, RELEASE), 0x11, FORBIDDEN, 3, false},

	/* Coherence, [C11] 5.1.2.4p15-18. */
	{PROGRAM2("CoRR", 1, 2, {T_STORE(X, 1, RELAXED)}, {T_LOAD(X, RELAXED), T_LOAD(X, RELAXED)}), 0x10, FORBIDDEN, 3, false},
	{{.name = "CoRR two writers",
		 .threads = 4,
		 .locations = 1,
		 .count = {1, 1, 2, 2},
		 .op = {{T_STORE(X, 1, RELAXED)}, {T_STORE(X, 2, RELAXED)}, {T_LOAD(X, RELAXED), T_LOAD(X, RELAXED)},
			 {T_LOAD(X, RELAXED), T_LOAD(X, RELAXED)}}},
		0x1221, FORBIDDEN, 0, false},
	{{.name = "CoWW",
		 .threads = 1,
		 .locations = 1,
		 .finals = true,
		 .count = {2},
		 .op = {{T_STORE(X, 1, RELAXED), T_STORE(X, 2, RELAXED)}}},
		0x1, FORBIDDEN, 1, false},
	{{.name = "CoRW",
		 .threads = 2,
		 .locations = 1,
		 .finals = true,
		 .count = {2, 1},
		 .op = {{T_LOAD(X, RELAXED), T_STORE(X, 1, RELAXED)}, {T_STORE(X, 2, RELAXED)}}},
		0x22, FORBIDDEN, 3, false},
	{{.name = "CoWR",
		 .threads = 2,
		 .locations = 1,
		 .finals = true,
		 .count = {2, 1},
		 .op = {{T_STORE(X, 1, RELAXED), T_LOAD(X, RELAXED)}, {T_STORE(X, 2, RELAXED)}}},
		0x21, FORBIDDEN, 3, false},

	/* [Sewell]: causality through a third thread. */
	{WRC("WRC relaxed", RELAXED, RELAXED), 0x110, ALLOWED, 8, false},
	{WRC("WRC release acquire", RELEASE, ACQUIRE), 0x110, FORBIDDEN, 7, false},
	{ISA2("ISA2 relaxed", RELAXED, RELAXED), 0x110, ALLOWED, 8, false},
	{ISA2("ISA2 release acquire", RELEASE, ACQUIRE), 0x110, FORBIDDEN, 7, false},
	{RWC("RWC release acquire", RELEASE, ACQUIRE), 0x100, ALLOWED, 8, false},
	{RWC("RWC seq_cst", SEQ_CST, SEQ_CST), 0x100, FORBIDDEN, 7, false},
	/* [RC11] figure 3, RWC+syncs: fences restore it, which C11 as published did not say. */
	{PROGRAM3("RWC seq_cst fences", 2, 1, 3, 3, {T_STORE(X, 1, RELAXED)},
		 {T_LOAD(X, RELAXED), T_FENCE(SEQ_CST), T_LOAD(Y, RELAXED)},
		 {T_STORE(Y, 1, RELAXED), T_FENCE(SEQ_CST), T_LOAD(X, RELAXED)}),
		0x100, FORBIDDEN, 7, false},

	/* By the definition of psc: a seq_cst load against a seq_cst fence. It may not pass over a store that happened before the fence; it
	 * may if the fence's thread only saw it. */
	{PROGRAM3("RWC half fence, seen", 2, 1, 3, 2, {T_STORE(X, 1, RELAXED)},
		 {T_LOAD(X, RELAXED), T_FENCE(SEQ_CST), T_LOAD(Y, RELAXED)}, {T_STORE(Y, 1, SEQ_CST), T_LOAD(X, SEQ_CST)}),
		0x100, ALLOWED, 8, false},
	{PROGRAM3("RWC half fence, happened", 2, 1, 3, 2, {T_STORE(X, 1, RELEASE)},
		 {T_LOAD(X, ACQUIRE), T_FENCE(SEQ_CST), T_LOAD(Y, RELAXED)}, {T_STORE(Y, 1, SEQ_CST), T_LOAD(X, SEQ_CST)}),
		0x100, FORBIDDEN, 7, false},
	{PROGRAM2("SB half fence, read again", 4, 2,
		 {T_STORE(X, 1, RELAXED), T_LOAD(X, RELAXED), T_FENCE(SEQ_CST), T_LOAD(Y, RELAXED)},
		 {T_STORE(Y, 1, SEQ_CST), T_LOAD(X, SEQ_CST)}),
		0x100, FORBIDDEN, 3, false},
	/* By the definition of psc_F: fences are ordered by a relaxed store that is read, though that synchronises nothing. */
	{PROGRAM3("ISA2 between fences", 3, 3, 2, 3, {T_STORE(X, 1, RELAXED), T_FENCE(SEQ_CST), T_STORE(Z, 1, RELEASE)},
		 {T_LOAD(Z, ACQUIRE), T_STORE(Y, 1, RELAXED)}, {T_LOAD(Y, RELAXED), T_FENCE(SEQ_CST), T_LOAD(X, RELAXED)}),
		0x110, FORBIDDEN, 7, false},
	{PROGRAM3("ISA2 between weaker fences", 3, 3, 2, 3, {T_STORE(X, 1, RELAXED), T_FENCE(ACQ_REL), T_STORE(Z, 1, RELEASE)},
		 {T_LOAD(Z, ACQUIRE), T_STORE(Y, 1, RELAXED)}, {T_LOAD(Y, RELAXED), T_FENCE(ACQ_REL), T_LOAD(X, RELAXED)}),
		0x110, ALLOWED, 8, false},

	/* [Sewell], [count]. */
	{IRIW("IRIW relaxed", RELAXED, RELAXED), 0x1010, ALLOWED, 16, false},
	{IRIW("IRIW release acquire", RELEASE, ACQUIRE), 0x1010, ALLOWED, 16, false},
	{IRIW("IRIW seq_cst", SEQ_CST, SEQ_CST), 0x1010, FORBIDDEN, 15, false},
	/* [RC11] figure 3: an acquire load of a seq_cst store is not part of the order. */
	{IRIW("IRIW seq_cst stores, acquire", SEQ_CST, ACQUIRE), 0x1010, ALLOWED, 16, false},
	{IRIW_FENCES("IRIW seq_cst fences", SEQ_CST), 0x1010, FORBIDDEN, 15, false},
	{IRIW_FENCES("IRIW acq_rel fences", ACQ_REL), 0x1010, ALLOWED, 16, false},

	/* [Sewell]: finals x, y. */
	{TWO_PLUS_TWO_W("2+2W relaxed", RELAXED), 0x11, ALLOWED, 4, false},
	{TWO_PLUS_TWO_W("2+2W release", RELEASE), 0x11, ALLOWED, 4, false},
	{TWO_PLUS_TWO_W("2+2W seq_cst", SEQ_CST), 0x11, FORBIDDEN, 3, false},
	{FINALS2("2+2W seq_cst fences", 3, 3, {T_STORE(X, 1, RELAXED), T_FENCE(SEQ_CST), T_STORE(Y, 2, RELAXED)},
		 {T_STORE(Y, 1, RELAXED), T_FENCE(SEQ_CST), T_STORE(X, 2, RELAXED)}),
		0x11, FORBIDDEN, 3, false},
	{R_SHAPE("R relaxed", RELAXED, RELAXED), 0x012, ALLOWED, 4, false},
	{R_SHAPE("R release acquire", RELEASE, ACQUIRE), 0x012, ALLOWED, 4, false},
	{R_SHAPE("R seq_cst", SEQ_CST, SEQ_CST), 0x012, FORBIDDEN, 3, false},
	{FINALS2("R seq_cst fences", 3, 3, {T_STORE(X, 1, RELAXED), T_FENCE(SEQ_CST), T_STORE(Y, 1, RELAXED)},
		 {T_STORE(Y, 2, RELAXED), T_FENCE(SEQ_CST), T_LOAD(X, RELAXED)}),
		0x012, FORBIDDEN, 3, false},
	{S_SHAPE("S relaxed", RELAXED, RELAXED), 0x121, ALLOWED, 4, false},
	{S_SHAPE("S release acquire", RELEASE, ACQUIRE), 0x121, FORBIDDEN, 3, false},

	/* [RC11] figure 1, Z6.U: seq_cst accesses mixed with release and acquire; C11 forbade it, no compiler for POWER could. Outcome:
	 * the addition returned 1, the load behind it 3, the last load 0. */
	{PROGRAM3("Z6.U", 2, 2, 2, 2, {T_STORE(X, 1, SEQ_CST), T_STORE(Y, 1, RELEASE)},
		 {T_ADD(Y, 1, SEQ_CST), T_LOAD(Y, RELAXED)}, {T_STORE(Y, 3, SEQ_CST), T_LOAD(X, SEQ_CST)}),
		0x130, ALLOWED, 0, true},
};

struct seen {
	struct test_set graphs, outcomes;
	uint64_t inconsistent, blocked;
};

static struct seen enumerate(const struct test_program *program, enum memory_model model, bool full)
{
	struct seen seen = {0};
	struct graph *g = graph_new(model, full);
	struct search *s = test_open(&test_enumerate_graphs);
	static struct test_run run;
	assert_non_null(g);
	for (uint64_t n = 0;; n++) {
		enum ending how = test_execute(&run, program, g, s, n);
		if (how == ENDING_CUT)
			break;
		seen.blocked += how == ENDING_BLOCKED;
		seen.inconsistent += g->count <= ORACLE_EVENTS && !oracle_consistent(g, model);
		if (how != ENDING_COMPLETE)
			continue;
		test_set_add(&seen.graphs, graph_hash(g));
		test_set_add(&seen.outcomes, test_outcome(&run));
	}
	test_close(s);
	graph_free(g);
	return seen;
}

static void forget(struct seen *seen)
{
	test_set_free(&seen->graphs);
	test_set_free(&seen->outcomes);
}

static bool check_litmus(const struct litmus *l)
{
	struct seen full = enumerate(&l->program, MODEL_RC11, true), quick = enumerate(&l->program, MODEL_RC11, false);
	struct seen sc = enumerate(&l->program, MODEL_SC, true), quick_sc = enumerate(&l->program, MODEL_SC, false);
	bool weak = test_set_has(&full.outcomes, l->weak);
	bool right = weak == (l->rc11 == ALLOWED) && !test_set_has(&sc.outcomes, l->weak);
	right &= !l->graphs || full.graphs.count == l->graphs;
	right &= test_set_within(&quick.graphs, &full.graphs) && (quick.graphs.count < full.graphs.count) == l->quick_misses;
	right &= test_set_within(&sc.graphs, &full.graphs) && test_set_within(&quick_sc.graphs, &sc.graphs);
	right &= quick_sc.graphs.count == sc.graphs.count;
	right &= !full.inconsistent && !quick.inconsistent && !sc.inconsistent && !quick_sc.inconsistent;
	if (!right)
		printf("%s: weak outcome %s, %lu graphs (quick: %lu; sc: %lu, quick: %lu)\n", l->program.name,
			weak ? "seen" : "not seen", full.graphs.count, quick.graphs.count, sc.graphs.count,
			quick_sc.graphs.count);
	forget(&full);
	forget(&quick);
	forget(&sc);
	forget(&quick_sc);
	return right;
}

static void test_table(void **state)
{
	(void)state;
	unsigned wrong = 0;
	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++)
		wrong += !check_litmus(&tests[i]);
	assert_int_equal(wrong, 0);
}

/* --- counts ---------------------------------------------------------------------------------------------------------------------- */

/* GRAPHS complete ones, under both models, quick and full. */
static void check_count(const struct test_program *program, unsigned graphs)
{
	for (unsigned way = 0; way < 4; way++) {
		struct seen seen = enumerate(program, way & 1 ? MODEL_RC11 : MODEL_SC, way & 2);
		if (seen.graphs.count != graphs || seen.inconsistent)
			fail_msg("%s: %lu graphs instead of %u, %lu inconsistent", program->name, seen.graphs.count, graphs,
				seen.inconsistent);
		forget(&seen);
	}
}

/* T additions, T!. */
static void test_additions(void **state)
{
	(void)state;
	static const unsigned factorial[] = {1, 1, 2, 6, 24, 120};
	struct test_program p = {.name = "fetch_add", .locations = 1};
	for (p.threads = 1; p.threads <= 5; p.threads++) {
		p.count[p.threads - 1] = 1;
		p.op[p.threads - 1][0] = (struct test_op)T_ADD(X, 1, RELAXED);
		check_count(&p, factorial[p.threads]);
	}
}

/* T threads that lock and unlock K times: (TK)!/(K!)^T. */
static void test_locks(void **state)
{
	(void)state;
	static const struct {
		unsigned threads, times, graphs;
	} sizes[] = {{2, 1, 2}, {3, 1, 6}, {4, 1, 24}, {2, 2, 6}, {2, 3, 20}, {3, 2, 90}};
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct test_program p = {.name = "lock", .threads = sizes[i].threads, .locations = 1};
		for (unsigned t = 0; t < p.threads; t++)
			for (unsigned k = 0; k < sizes[i].times; k++) {
				p.op[t][p.count[t]++] = (struct test_op)T_LOCK(X);
				p.op[t][p.count[t]++] = (struct test_op)T_UNLOCK(X);
			}
		check_count(&p, sizes[i].graphs);
	}
}

/* Whoever finds nothing makes an instance and publishes it by compare-and-swap; losers use the winner's: T 2^(T-1). */
static void test_cas_publish(void **state)
{
	(void)state;
	static const unsigned graphs[] = {0, 0, 4, 12, 32};
	for (unsigned threads = 2; threads <= 4; threads++) {
		struct test_program p = {.name = "CAS publish", .threads = threads, .locations = 1};
		for (unsigned t = 0; t < threads; t++) {
			p.count[t] = 2;
			p.op[t][0] = (struct test_op)T_LOAD(X, ACQUIRE);
			p.op[t][1] = (struct test_op){.kind = TEST_CAS,
				.location = X,
				.order = ORDER_ACQ_REL,
				.order_failed = ORDER_ACQUIRE,
				.operand = t + 1,
				.guard = TEST_IF_EQUAL};
		}
		check_count(&p, graphs[threads]);
	}
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_additions),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_cas_publish),
	};
	return cmocka_run_group_tests(all, NULL, NULL);
}
