/* SPDX-License-Identifier: MIT */
/* Peer    package=liburcu-dev module=liburcu
 * uatomic_add_return() of userspace RCU: inline assembly where the library has it, else the compiler's builtins. Its split counters are
 * internal to its hash table and offered to nobody.
 */
#define _LGPL_SOURCE /* the inlined form, as the library's own users have it */
#include <urcu/uatomic.h>

#include "peer.h"

struct counter {
	unsigned long value; /* written and read by every thread, through uatomic_ alone */
};

#include "word_counter.h"

static int counter_open(struct counter *c)
{
	uatomic_set(&c->value, 0);
	return 0;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	return uatomic_add_return(&c->value, 1);
}

static uint64_t counter_value(struct counter *c)
{
	return uatomic_read(&c->value);
}

static const char *version(void)
{
	return PEER_VERSION;
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(
	peer_urcu_uatomic, .about.lesson = "fetch_add by another name", .about.claims = PEER_COUNTER_CLAIMS, .steps = true);
PEER(counter_peer_urcu_uatomic, "userspace RCU", version, NULL);
