/* SPDX-License-Identifier: MIT */
/* The counter's contract: count finished items, and say how many there are.
 *
 * A counter belongs to a batch; each thread that counts takes a seat first. Every implementation file defines `struct counter`,
 * `struct counter_seat` and the functions below, in this order, all static.
 *
 *   int      counter_open(struct counter *c)        zero; 0 or an errno value (ENOSYS: this machine lacks what it needs)
 *   void     counter_close(struct counter *c)       frees what open and join took; no thread may be using it
 *   int      counter_join(c, seat)                  the calling thread takes a seat; 0 or an errno value
 *   void     counter_leave(c, seat)                 gives the seat up; what it counted stays counted
 *   uint64_t counter_increment(c, seat)             counts one; returns the step (1..N) where `steps` is offered, else 0; with `tickets`
 *                                                   a number that is unique, and there may be gaps
 *   uint64_t counter_value(c)                       how many were counted, from any thread
 * optional (a NULL pointer in the descriptor means: not offered):
 *   void     counter_decrement(c, seat)             takes one back
 *   void     counter_reset(c)                       back to zero, also while others count
 *   uint64_t counter_watch(c, seen)                 sleeps until the value is no longer SEEN and returns it
 *
 * A seat is used by one thread at a time. The set-up of a test may join a seat on behalf of the thread that will use it, so join must
 * not depend on which thread calls it; increment, decrement and leave may.
 */
#ifndef ONCEPROOF_COUNTER_H
#define ONCEPROOF_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../contract.h"

#ifdef __cplusplus
extern "C" {
#endif

struct counter;      /* complete in each implementation's file */
struct counter_seat; /* likewise */

enum counter_promise {
	COUNTER_NO_LOST_UPDATE = 1u << 0,
	COUNTER_UNIQUE_STEPS = 1u << 1,
	COUNTER_LINEARIZABLE_VALUE = 1u << 2,
	COUNTER_MONOTONE_VALUE = 1u << 3,
	COUNTER_EXACT_AT_REST = 1u << 4,
	COUNTER_RACE_FREE = 1u << 5,
};

struct counter_implementation {
	struct implementation about;
	bool steps; /* increment returns the step */
	bool tickets; /* with `steps`: what it returns is no step, but a number that no other increment returns; there may be gaps */
	size_t counter_bytes, counter_align;
	size_t seat_bytes, seat_align;
	int (*open)(struct counter *c);
	void (*close)(struct counter *c);
	int (*join)(struct counter *c, struct counter_seat *seat);
	void (*leave)(struct counter *c, struct counter_seat *seat);
	uint64_t (*increment)(struct counter *c, struct counter_seat *seat);
	uint64_t (*value)(struct counter *c);
	void (*decrement)(struct counter *c, struct counter_seat *seat);
	void (*reset)(struct counter *c);
	uint64_t (*watch)(struct counter *c, uint64_t seen);
	/* Measured loops, compiled beside the operations so that they inline. OPS is a multiple of 64. */
	void (*loop_increment)(struct counter *c, struct counter_seat *seat, uint64_t ops);
	/* One call of a function per increment, into which the compiler cannot see. */
	void (*loop_increment_call)(struct counter *c, struct counter_seat *seat, uint64_t ops);
	/* ROUNDS times: 100 increments, then one value(), which the last of them returns. */
	uint64_t (*loop_read_every_100)(struct counter *c, struct counter_seat *seat, uint64_t rounds);
	uint64_t (*loop_value)(struct counter *c, uint64_t ops);
};

/* The descriptor behind a registry entry of the counter family. */
static inline const struct counter_implementation *counter_of(const struct registered *entry)
{
	return (const struct counter_implementation *)(const void *)entry->about;
}

#ifdef __cplusplus
}
#endif
#endif
