/* SPDX-License-Identifier: MIT */
/* A scenario file: set-up, actors and check; onceproof.h brings the main(). Without onceproof it is a test of its own, with real threads. */
#include <onceproof.h>

#include "progress.h"

static void one_text(void)
{
	progress_step();
}

static void check(void)
{
	ONCEPROOF_EXPECT(progress_done() == 2, "two texts were done, %u were counted", progress_done());
}

ONCEPROOF_SCENARIO(two_texts, .set_up = progress_reset, .actors = {one_text, one_text}, .check = check);
