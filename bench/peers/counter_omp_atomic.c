/* SPDX-License-Identifier: MIT */
/* Peer    package=libomp-dev header=omp.h flags=-fopenmp
 * OpenMP's atomic construct, with capture, since a step is wanted: the compiler makes a fetch_add of it.
 */
#include "peer.h"

struct counter {
	uint64_t value; /* written and read by every thread, in atomic constructs alone */
};

#include "word_counter.h"

static int counter_open(struct counter *c)
{
	c->value = 0;
	return 0;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	uint64_t step;
#pragma omp atomic capture
	step = ++c->value;
	return step;
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
COUNTER_EXPORT(peer_omp_atomic, .about.lesson = "a pragma for fetch_add", .about.claims = PEER_COUNTER_CLAIMS, .steps = true);
PEER(counter_peer_omp_atomic, "OpenMP", version, "atomic capture");
