/* SPDX-License-Identifier: MIT */
/* Other people's implementations behind the contracts of impl/; the build makes the table from the listing of this folder. */
#ifndef ONCEPROOF_BENCH_PEERS_PEERS_H
#define ONCEPROOF_BENCH_PEERS_PEERS_H

#include <string>
#include <vector>

#include <jansson.h>

#include "../../impl/counter/counter.h"
#include "../../impl/initialiser/initialiser.h"
#include "peer.h"

namespace bench
{

struct peer {
	const char *file; /* "counter_ck_mcs.c", in bench/peers */
	const implementation
		*about;        /* first member of its family's descriptor; of a missing peer: family and name, and no operation */
	const peer_about *own; /* null: missing */
	const char *package;   /* the Debian package that has it; "" where the compiler or the C library has */
	const char *missing;   /* why it cannot be measured; null: it can */
};

/* All peers, in the order of their files' names. Safe from any thread. */
const std::vector<peer> &peers();

/* "Abseil 20220623"; "" of a missing peer. */
std::string peer_version(const peer &peer);

/* What a row of it says: its version, and what its operation is where that needs words. "" of a missing peer. */
std::string peer_note(const peer &peer);

/* Of initialisers and counters of the registry that leave it to the C library: "glibc 2.36"; else "". */
std::string library_behind(const implementation &about);

/* A new JSON array for a run's context: {name ("counter/peer_ck_mcs"), version ("Concurrency Kit 0.7.1", or null), missing (why it is not
 * measured, or null)} of each peer, and of each implementation of the registry that has a library behind it. */
json_t *peers_json();

/* For the generated table: descriptors that stand for what is not there. */
const implementation *missing_initialiser(const char *name);
const implementation *missing_counter(const char *name);

} // namespace bench
#endif
