/* SPDX-License-Identifier: MIT */
/* Bad on purpose: increments through a pointer, so that its loop would measure the call. */
#include "template.h"

static uint64_t add(struct counter *c)
{
	return ++c->value;
}

uint64_t (*volatile bad_pointer)(struct counter *c) = add;

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	return bad_pointer(c);
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(pointer, .about.lesson = "");
