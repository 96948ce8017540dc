/* SPDX-License-Identifier: MIT */
/* Another file of the same program uses the same tally; and is built as where there are no restartable sequences. */
#define TALLY_HAS_PERCPU 0
#include "test_tally.h"

void other_counts(struct tally *tally, uint64_t count, uint64_t *tickets)
{
	struct tally_seat *seat = tally_join(tally);
	for (uint64_t i = 0; seat && i < count; i++)
		tickets[i] = tally_ticket(seat);
	if (seat)
		tally_leave(seat);
}

void other_offers(struct teller *teller, uint64_t done)
{
	teller_offer(teller, done);
}

int other_counts_without_rseq(void)
{
	struct tally_percpu tally = TALLY_PERCPU_INITIALISER;
	if (tally_percpu_open(&tally) != ENOSYS)
		return 1;
	tally_percpu_add(&tally);
	tally_percpu_add(&tally);
	int wrong = tally_percpu_value(&tally) != 2;
	tally_percpu_close(&tally);
	return wrong;
}
