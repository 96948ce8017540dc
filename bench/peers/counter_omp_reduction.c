/* SPDX-License-Identifier: MIT */
/* Peer    package=libomp-dev header=omp.h flags=-fopenmp
 * OpenMP's reduction: each thread of a team adds to a copy of its own, and the copies are added up when the region ends.
 *
 * Our loops bring their own threads, so each runs a region of one thread: what it adds to is the private copy that it would have in a team,
 * and what a team's members do when the region ends, adding their copy to the sum atomically, is done behind it. A region has a thousand
 * additions or more, which share its start; starting a team is left out. Until a region ends nobody can read anything of it.
 */
/* clang tells OpenMP's runtime where a region stands by the file's whole path, which no -ffile-prefix-map shortens. */
#line 12 "bench/peers/counter_omp_reduction.c"
#include <omp.h>
#include <pthread.h>

#include "peer.h"

struct counter {
	uint64_t value; /* of the regions that ended; written and read by every thread, in atomic constructs alone */
};

#include "word_counter.h"

static pthread_once_t set_up = PTHREAD_ONCE_INIT;

/* Before the first region. */
static void counter_set_up(void)
{
#if defined(__clang__)
	/* LLVM's runtime would bind every thread that runs a region to the CPUs of the first one. */
	kmp_set_defaults("KMP_AFFINITY=disabled");
#endif
}

static int counter_open(struct counter *c)
{
	pthread_once(&set_up, counter_set_up);
	c->value = 0;
	return 0;
}

static void counter_end_region(struct counter *c, uint64_t counted)
{
#pragma omp atomic
	c->value += counted;
}

/* A region with one increment: what nobody would write, for those who ask for a single operation. */
static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	uint64_t counted = 0;
#pragma omp parallel reduction(+ : counted) num_threads(1)
	counted++;
	counter_end_region(c, counted);
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	uint64_t value;
#pragma omp atomic read
	value = c->value;
	return value;
}

static const char *version(void)
{
	return PEER_TEXT(_OPENMP);
}

#include "../../impl/counter/counter_export.h"

/* What a member of a team does. */
static inline __attribute__((always_inline)) uint64_t counter_add_up(uint64_t counted, uint64_t ops)
{
	MEASURE_UNROLL
	for (uint64_t i = 0; i < ops; i++) {
		counted++;
		/* More than measure_keep(): the next addition is to what this one gave, so that all of them are made. */
		__asm__ volatile("" : "+r"(counted) : : "memory");
	}
	return counted;
}

/* One region with many increments. */
static void counter_run_region(struct counter *c, uint64_t ops)
{
	uint64_t counted = 0;
#pragma omp parallel reduction(+ : counted) num_threads(1)
	counted = counter_add_up(counted, ops);
	counter_end_region(c, counted);
}

/* The loops that are measured, instead of the generated ones, which make a region of each increment: one region for all of it, and where
 * the value is asked for, one for each answer. */
static void counter_loop_reduction(struct counter *c, struct counter_seat *seat, uint64_t ops)
{
	(void)seat;
	counter_run_region(c, ops);
}

static uint64_t counter_loop_reduction_read(struct counter *c, struct counter_seat *seat, uint64_t rounds)
{
	(void)seat;
	uint64_t last = 0;
	for (uint64_t round = 0; round < rounds; round++) {
		counter_run_region(c, 100);
		last = counter_value(c);
		measure_keep(last);
	}
	return last;
}

#pragma GCC diagnostic ignored "-Woverride-init"
COUNTER_EXPORT(peer_omp_reduction, .about.lesson = "a copy per thread, added up when the region ends",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_LINEARIZABLE_VALUE, .about.calls = "GOMP_parallel __kmpc_*",
	.loop_increment = counter_loop_reduction, .loop_read_every_100 = counter_loop_reduction_read);
PEER(counter_peer_omp_reduction, "OpenMP", version,
	"an addition, with its share of a region's start; nothing to read before the region ends");
