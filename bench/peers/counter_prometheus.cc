// SPDX-License-Identifier: MIT
// Peer    package=prometheus-cpp-dev module=prometheus-cpp-core
// prometheus::Counter, what a service counts its work with so that others can watch: a compare-and-exchange loop on a double, behind a
// call. Exact up to 2^53.
#include <new>
#include <prometheus/counter.h>

#include "peer.h"

PEER_BEGIN

struct counter {
	prometheus::Counter value;
};

#include "word_counter.h"

int counter_open(counter *c)
{
	new (c) counter;
	return 0;
}

inline uint64_t counter_increment(counter *c, counter_seat *)
{
	c->value.Increment();
	return 0;
}

inline uint64_t counter_value(counter *c)
{
	return static_cast<uint64_t>(c->value.Value());
}

const char *version()
{
	return PEER_VERSION;
}

PEER_END

#include "counter_export.hpp"
COUNTER_PEER(peer_prometheus, made.about.lesson = "a compare-and-exchange loop on a double",
	made.about.claims = PEER_COUNTER_CLAIMS & ~COUNTER_UNIQUE_STEPS,
	made.about.calls = "_ZN10prometheus7Counter* _ZNK10prometheus7Counter*");
PEER(counter_peer_prometheus, "prometheus-cpp", peer::version, "a double");
