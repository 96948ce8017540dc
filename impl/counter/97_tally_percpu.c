/* SPDX-License-Identifier: MIT */
/* counter/97_tally_percpu: the header's tally with a line for each CPU.
 *
 * Lesson    for a thousand threads on eight CPUs eight lines are enough: no seats, no join, and a value that costs the same whoever comes
 *           and goes. The price is a handful of instructions that the kernel restarts when it has interrupted them.
 * Compare   80_percpu.c
 * Protocol  a slot is written only by the thread that runs on its CPU, inside a restartable sequence whose last instruction adds.
 * Promise   as 95. x86-64 with glibc's rseq registration. Elsewhere open says ENOSYS; the header then counts on a shared word.
 * Cost      increment: ten plain instructions. value: one line per CPU. Memory: two lines per CPU.
 */
#include <onceproof/tally.h>

#include "counter.h"

struct counter {
	struct tally_percpu tally;
};

struct counter_seat {
	char unused;
};

static int counter_open(struct counter *c)
{
	return tally_percpu_open(&c->tally);
}

static void counter_close(struct counter *c)
{
	tally_percpu_close(&c->tally);
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	tally_percpu_add(&c->tally);
	return 0;
}

static uint64_t counter_value(struct counter *c)
{
	return tally_percpu_value(&c->tally);
}

#include "counter_export.h"
COUNTER_EXPORT(tally_percpu, .about.lesson = "a line for each CPU instead of each thread",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_ATOMIC | FEATURE_INLINE_ASM);
