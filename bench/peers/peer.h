/* SPDX-License-Identifier: MIT */
/* What a peer's file includes first, in C and in C++. A peer is other people's implementation behind a contract of impl/, written through
 * the same measured loops. It is a file of the same shape as those of impl/: same-named functions, then the export header, then what only
 * peers say of themselves.
 *
 * C++ forbids two types of one name in a program, and a peer's types have members with constructors: so their definitions stand between
 * PEER_BEGIN and PEER_END, which in C++ make them the file's own.
 */
#ifndef ONCEPROOF_BENCH_PEERS_PEER_H
#define ONCEPROOF_BENCH_PEERS_PEER_H

#include "../../impl/contract.h"

#ifdef __cplusplus
#define PEER_BEGIN     \
	namespace peer \
	{              \
	namespace      \
	{
#define PEER_END \
	}        \
	}
#define PEER_C extern "C"
#else
#define PEER_BEGIN
#define PEER_END
#define PEER_C extern
#endif

/* Beside the contract. Strings are borrowed and static. */
struct peer_about {
	const char *library;          /* "Concurrency Kit" */
	const char *(*version)(void); /* "0.7.1", as the library says it of itself, or else as its package does */
	const char *operation;        /* what one operation is, or what its number leaves out; NULL: what the contract says */
};

/* The version that pkg-config or the package manager knows; the build defines it for files whose library names none. */
#ifndef PEER_VERSION
#define PEER_VERSION "of an unknown version"
#endif

#define PEER_TEXT_OF(x) #x
#define PEER_TEXT(x) PEER_TEXT_OF(x)

/* What every initialiser here keeps, and what every counter that is one word or behind one lock keeps. Cancellation is not among what
 * their tests try. */
#define PEER_INITIALISER_CLAIMS                                                                                     \
	(INITIALISER_EXACTLY_ONCE | INITIALISER_SAME_INSTANCE | INITIALISER_FULLY_PUBLISHED | INITIALISER_NO_LEAK | \
		INITIALISER_READ_ONLY_GET | INITIALISER_RACE_FREE)
#define PEER_COUNTER_CLAIMS                                                                                    \
	(COUNTER_NO_LOST_UPDATE | COUNTER_UNIQUE_STEPS | COUNTER_LINEARIZABLE_VALUE | COUNTER_MONOTONE_VALUE | \
		COUNTER_EXACT_AT_REST | COUNTER_RACE_FREE)

/* Last statement of a peer's file. ID: "counter_peer_ck_ticket". */
#define PEER(id, ...)                              \
	PEER_C const struct peer_about about_##id; \
	const struct peer_about about_##id = {__VA_ARGS__}

#endif
