/* SPDX-License-Identifier: MIT */
/* Shared by the two translation units of test_tally. */
#ifndef ONCEPROOF_TEST_TALLY_H
#define ONCEPROOF_TEST_TALLY_H

#include <onceproof/tally.h>

/* In the other translation unit: takes a seat of TALLY, counts COUNT times, gives it up; the tickets it was given go to TICKETS. */
void other_counts(struct tally *tally, uint64_t count, uint64_t *tickets);
void other_offers(struct teller *teller, uint64_t done);
/* There TALLY_HAS_PERCPU is 0. 0 where all is right. */
int other_counts_without_rseq(void);

#endif
