/* SPDX-License-Identifier: MIT */
/* The call of the user's loader, for peers in C++. */
#ifndef ONCEPROOF_BENCH_PEERS_LOAD_HPP
#define ONCEPROOF_BENCH_PEERS_LOAD_HPP

#include <cerrno>

#include "../../impl/initialiser/initialiser.h"

namespace peer
{

/* As SLOW_PATH in impl/initialiser/load.h: a routine of its own, so that no get has it in it. */
#if defined(__clang__)
#define PEER_SLOW_PATH __attribute__((noinline, cold))
#else
#define PEER_SLOW_PATH __attribute__((noinline, noclone, cold))
#endif

/* How a failed load leaves an initialiser that wants an exception. */
struct load_failed {
	int error;
};

struct loaded {
	void *instance;
	int error; /* 0 where there is an instance */
};

inline loaded load(const initialiser_loader *loader)
{
	int error = 0;
	void *instance = loader->load(loader->arg, &error);
	return {instance, instance ? 0 : error ? error : EIO};
}

/* Throws load_failed. */
inline void *load_or_throw(const initialiser_loader *loader)
{
	const loaded made = load(loader);
	if (!made.instance)
		throw load_failed{made.error};
	return made.instance;
}

} // namespace peer
#endif
