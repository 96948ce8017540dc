/* SPDX-License-Identifier: MIT */
/* What the two files of test_once share: one accessor, and what each does with it. */
#ifndef ONCEPROOF_TEST_ONCE_H
#define ONCEPROOF_TEST_ONCE_H

#include <onceproof/once.h>

struct shared {
	int loads;
};

ONCE_DECLARE(struct shared, the_shared);

/* In the other file. */
struct shared *other_get(void);
struct shared *other_reset(void);
/* Called by the loader of the_shared: gets it again. What errno said. */
int other_reenters(void);

#endif
