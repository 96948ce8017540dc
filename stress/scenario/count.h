/* SPDX-License-Identifier: MIT */
/* What the counters' scenarios share: calls through the descriptor, and a place for what each actor saw. */
#ifndef ONCEPROOF_SCENARIO_COUNT_H
#define ONCEPROOF_SCENARIO_COUNT_H

#include "../scenario.h"

/* What one actor saw; a line of its own, so that writing it down does not slow the other actors. */
struct count_seen {
	_Alignas(64) uint64_t value[2]; /* written by one actor, read by the check */
	uint64_t counted;               /* likewise: increments that it made, where it can fail to */
};

static inline const struct counter_implementation *count_subject(const struct execution *x)
{
	return (const void *)x->subject;
}

/* Opens the object and joins a seat for each of the first SEATS actors. 0 or an errno value, and then nothing is left open. */
static inline int count_open(const struct execution *x, unsigned seats)
{
	const struct counter_implementation *subject = count_subject(x);
	int why = subject->open(x->object);
	if (why)
		return why;
	for (unsigned i = 0; i < seats; i++) {
		why = subject->join(x->object, x->seat[i]);
		if (why) {
			subject->close(x->object);
			return why;
		}
	}
	return 0;
}

/* The actor's own increment. */
static inline uint64_t count_one(const struct execution *x, unsigned actor)
{
	return count_subject(x)->increment(x->object, x->seat[actor]);
}

static inline uint64_t count_value(const struct execution *x)
{
	return count_subject(x)->value(x->object);
}

/* The value at rest; the object is closed. */
static inline uint64_t count_close(const struct execution *x)
{
	uint64_t value = count_value(x);
	count_subject(x)->close(x->object);
	return value;
}

#endif
