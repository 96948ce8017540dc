/* SPDX-License-Identifier: MIT */
/* counter/98_tally_tickets: a number for each increment, drawn by the block.
 *
 * Lesson    a thread that has drawn a block needs no second count for it: a ticket is its own count and an offset that stands for the
 *           whole block. What a block leaves over stays in the seat, so that a thread that goes takes no numbers along.
 * Compare   90_block_tickets.c
 * Protocol  blocks come from a shared word; the offset and the end of the block are the seat's.
 * Promise   as 95. No ticket twice, but not dense (unique_steps is missing: not 1..N), and in no order.
 * Cost      increment: one store, two loads and a branch; a locked instruction on a shared line every TALLY_BLOCK.
 */
#include <onceproof/tally.h>

#include "counter.h"

struct counter {
	struct tally tally;
};

struct counter_seat {
	struct tally_seat *seat; /* borrowed; used by the thread in it */
};

static int counter_open(struct counter *c)
{
	c->tally = (struct tally)TALLY_INITIALISER;
	return 0;
}

static void counter_close(struct counter *c)
{
	tally_close(&c->tally);
}

static int counter_join(struct counter *c, struct counter_seat *seat)
{
	seat->seat = tally_join(&c->tally);
	return seat->seat ? 0 : ENOMEM;
}

static void counter_leave(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	tally_leave(seat->seat);
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	return tally_ticket(seat->seat);
}

static uint64_t counter_value(struct counter *c)
{
	return tally_value(&c->tally);
}

/* In a loop: the count in a variable. */
#define COUNTER_HAND
struct counter_hand {
	struct tally_seat *seat;
	uint64_t own;
};

static inline struct counter_hand counter_take_in_hand(struct counter_seat *seat)
{
	return (struct counter_hand){seat->seat, tally_own(seat->seat)};
}

static inline uint64_t counter_increment_in_hand(struct counter *c, struct counter_hand *hand)
{
	(void)c;
	return tally_put_ticket(hand->seat, ++hand->own);
}

#include "counter_export.h"
COUNTER_EXPORT(tally_tickets, .about.lesson = "unique numbers by the block, and still one store per increment",
	.about.claims = COUNTER_NO_LOST_UPDATE | COUNTER_MONOTONE_VALUE | COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE,
	.about.missing = COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE, .about.features = FEATURE_ATOMIC,
	.about.calls = "tally_draw_", .steps = true, .tickets = true);
