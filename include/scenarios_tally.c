/* SPDX-License-Identifier: MIT */
/* What <onceproof/tally.h> offers beside the contract of counters, for the explorer: the bound of the approximate value, tickets, values kept
 * in hand, and the value's completeness. Batches and blocks are small, so that a few increments reach their ends. */
#define TALLY_BATCH 2
#define TALLY_BLOCK 2
#include <onceproof.h>
#include <onceproof/tally.h>

enum { THREADS = 2, BATCHED = 3 * TALLY_BATCH };

static struct tally done;
static struct tally_seat *seat[THREADS];
static uint64_t ticket[THREADS][3];
static uint64_t made[THREADS]; /* plain */

static void set_up(void)
{
	done = (struct tally)TALLY_INITIALISER;
	for (int i = 0; i < THREADS; i++) {
		seat[i] = tally_join(&done);
		made[i] = 0;
	}
}

static void tear_down(void)
{
	tally_close(&done);
}

static void batch(unsigned self)
{
	for (unsigned i = 0; i < TALLY_BATCH; i++)
		tally_add_batched(seat[self]);
}

static void two_batches(void)
{
	batch(0);
	batch(0);
}

static void one_batch(void)
{
	batch(1);
}

/* Never more than a value asked afterwards, never backwards, never further than the bound from a value asked before. */
static void look(void)
{
	uint64_t before = tally_value(&done), about = tally_approximate(&done), again = tally_approximate(&done),
		 after = tally_value(&done);
	ONCEPROOF_EXPECT(about <= again, "the approximate value does not run backwards");
	ONCEPROOF_EXPECT(again <= after, "what was passed on is in a value asked afterwards");
	ONCEPROOF_EXPECT(before <= about + tally_approximate_error(&done), "the bound holds");
	ONCEPROOF_EXPECT(before <= after && after <= BATCHED, "the value only grows, to what was counted");
}

static void check_batches(void)
{
	ONCEPROOF_EXPECT(tally_value(&done) == BATCHED, "all are counted");
	ONCEPROOF_EXPECT(tally_approximate(&done) == BATCHED, "full batches are passed on");
}

ONCEPROOF_SCENARIO(
	approximate, .set_up = set_up, .actors = {two_batches, one_batch, look}, .check = check_batches, .tear_down = tear_down);

/* Whoever is passed a batch on may use what it stands for. */
static void make_a_batch(void)
{
	made[0] = 1;
	batch(0);
}

static void use_a_batch(void)
{
	if (tally_approximate(&done) >= TALLY_BATCH)
		ONCEPROOF_EXPECT(made[0] == 1, "what is passed on was made");
}

ONCEPROOF_SCENARIO(approximate_publishes, .set_up = set_up, .actors = {make_a_batch, use_a_batch}, .tear_down = tear_down);

static void make_a_step(void)
{
	made[1] = 1;
	tally_step(&done);
}

static void use_a_step(void)
{
	if (tally_approximate(&done) > 0)
		ONCEPROOF_EXPECT(made[1] == 1, "what a step counts was made");
}

ONCEPROOF_SCENARIO(steps_are_passed_on, .set_up = set_up, .actors = {make_a_step, use_a_step}, .tear_down = tear_down);

static void draw(unsigned self)
{
	for (int i = 0; i < 3; i++)
		ticket[self][i] = tally_ticket(seat[self]);
}

static void draw_0(void)
{
	draw(0);
}

static void draw_1(void)
{
	draw(1);
}

static void check_tickets(void)
{
	for (int i = 0; i < 2 * 3; i++)
		for (int k = 0; k < i; k++)
			ONCEPROOF_EXPECT(ticket[i / 3][i % 3] != ticket[k / 3][k % 3], "no ticket is given twice");
	ONCEPROOF_EXPECT(tally_value(&done) == 2 * 3, "each ticket is counted");
}

ONCEPROOF_SCENARIO(tickets, .set_up = set_up, .actors = {draw_0, draw_1}, .check = check_tickets, .tear_down = tear_down);

/* The first thread goes, and its seat, with half a block, may be taken by the second. */
static void draw_and_leave(void)
{
	ticket[0][0] = tally_ticket(seat[0]);
	tally_leave(seat[0]);
}

static void join_and_draw(void)
{
	struct tally_seat *mine = tally_join(&done);
	for (int i = 0; i < 3; i++)
		ticket[1][i] = tally_ticket(mine);
	tally_leave(mine);
}

static void check_handed_on(void)
{
	for (int i = 0; i < 3; i++)
		ONCEPROOF_EXPECT(ticket[1][i] != ticket[0][0], "no ticket is given twice");
	ONCEPROOF_EXPECT(ticket[1][0] < ticket[1][1] && ticket[1][1] < ticket[1][2], "a seat's tickets ascend");
	ONCEPROOF_EXPECT(tally_value(&done) == 4, "each ticket is counted");
}

ONCEPROOF_SCENARIO(tickets_handed_on, .set_up = set_up, .actors = {draw_and_leave, join_and_draw}, .check = check_handed_on,
	.tear_down = tear_down);

/* What happens before a value is in it: here by a flag that the counting thread releases. */
static int counted; /* atomic */

static void set_up_flag(void)
{
	set_up();
	counted = 0;
}

static void put_and_say(void)
{
	uint64_t own = tally_own(seat[0]);
	tally_put(seat[0], ++own);
	tally_put(seat[0], ++own);
	__atomic_store_n(&counted, 1, __ATOMIC_RELEASE);
}

static void hear_and_read(void)
{
	if (__atomic_load_n(&counted, __ATOMIC_ACQUIRE))
		ONCEPROOF_EXPECT(tally_value(&done) >= 2, "increments that happened before are in the value");
}

ONCEPROOF_SCENARIO(complete, .set_up = set_up_flag, .actors = {put_and_say, hear_and_read}, .tear_down = tear_down);
