/* SPDX-License-Identifier: MIT */
/* Bad on purpose: counts nothing, so that its loop has nothing to measure. */
#include "template.h"

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)c;
	(void)seat;
	return 0;
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(empty, .about.lesson = "");
