// SPDX-License-Identifier: MIT
// Peer    package=g++
// std::call_once of libstdc++: hands the routine over through thread-local pointers, then calls pthread_once. A load that fails throws,
// and the next caller tries again.
#include <mutex>
#include <new>

#include "load.hpp"
#include "peer.h"

PEER_BEGIN

struct initialiser {
	std::once_flag once;
	void *instance;                   // owned; written by the routine
	const initialiser_loader *loader; // borrowed
};

int initialiser_open(initialiser *it, const initialiser_loader *loader)
{
	new (it) initialiser{{}, nullptr, loader};
	return 0;
}

PEER_SLOW_PATH void load_slowly(initialiser *it)
{
	it->instance = load_or_throw(it->loader);
}

inline void *initialiser_get(initialiser *it, int *error)
{
	std::call_once(it->once, load_slowly, it);
	*error = 0;
	return it->instance;
}

void initialiser_close(initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
	it->~initialiser();
}

const char *version()
{
	return PEER_TEXT(_GLIBCXX_RELEASE);
}

PEER_END

#include "initialiser_export.hpp"
INITIALISER_PEER(peer_std_call_once, made.about.lesson = "the standard library of C++ calls pthread_once for us",
	made.about.claims = PEER_INITIALISER_CLAIMS | INITIALISER_RETRIES_FAILURE,
	made.about.calls =
		"pthread_once __cxa_begin_catch __cxa_end_catch _Unwind_Resume _ZSt20__throw_system_errori __once_proxy");
PEER(initialiser_peer_std_call_once, "libstdc++", peer::version, nullptr);
