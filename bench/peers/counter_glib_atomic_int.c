/* SPDX-License-Identifier: MIT */
/* Peer    package=libglib2.0-dev module=glib-2.0
 * g_atomic_int_add() of GLib: a sequentially consistent fetch_add of 32 bits, so it counts to 4,294,967,295 and then from 0.
 */
#include <glib.h>
#include <stdio.h>

#include "peer.h"

struct counter {
	gint value; /* written and read by every thread, through g_atomic_int_ alone */
};

#include "word_counter.h"

static int counter_open(struct counter *c)
{
	g_atomic_int_set(&c->value, 0);
	return 0;
}

static uint64_t counter_increment(struct counter *c, struct counter_seat *seat)
{
	(void)seat;
	return (guint)g_atomic_int_add(&c->value, 1) + 1u;
}

static uint64_t counter_value(struct counter *c)
{
	return (guint)g_atomic_int_get(&c->value);
}

static const char *version(void)
{
	static char text[32];
	snprintf(text, sizeof text, "%u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
	return text;
}

#include "../../impl/counter/counter_export.h"
COUNTER_EXPORT(peer_glib_atomic_int, .about.lesson = "fetch_add of 32 bits", .about.claims = PEER_COUNTER_CLAIMS, .steps = true);
PEER(counter_peer_glib_atomic_int, "GLib", version, "32 bits");
