// SPDX-License-Identifier: MIT
// Peer    package=libboost-thread-dev header=boost/thread/once.hpp link=boost_thread
// boost::call_once: the state is looked at inside the library; waiters sleep on one condition variable that all flags share. A load that
// fails throws, and the next caller tries again.
#include <boost/thread/once.hpp>
#include <boost/version.hpp>
#include <new>
#include <string>

#include "load.hpp"
#include "peer.h"

PEER_BEGIN

struct initialiser {
	boost::once_flag once;
	void *instance;                   // owned; written by the routine
	const initialiser_loader *loader; // borrowed
};

int initialiser_open(initialiser *it, const initialiser_loader *loader)
{
	new (&it->once) boost::once_flag();
	it->instance = nullptr;
	it->loader = loader;
	return 0;
}

PEER_SLOW_PATH void load_slowly(initialiser *it)
{
	it->instance = load_or_throw(it->loader);
}

inline void *initialiser_get(initialiser *it, int *error)
{
	boost::call_once(it->once, load_slowly, it);
	*error = 0;
	return it->instance;
}

void initialiser_close(initialiser *it)
{
	if (it->instance)
		it->loader->unload(it->loader->arg, it->instance);
}

const char *version()
{
	static const std::string text = std::to_string(BOOST_VERSION / 100000) + "." +
					std::to_string(BOOST_VERSION / 100 % 1000) + "." + std::to_string(BOOST_VERSION % 100);
	return text.c_str();
}

PEER_END

#include "initialiser_export.hpp"
INITIALISER_PEER(peer_boost_call_once, made.about.lesson = "even the look at the flag is a call into the library",
	made.about.claims = PEER_INITIALISER_CLAIMS | INITIALISER_RETRIES_FAILURE,
	made.about.calls = "*load_slowly* _ZN5boost13thread_detail*once_region* __cxa_begin_catch "
			   "__cxa_end_catch __cxa_rethrow _Unwind_Resume __clang_call_terminate");
PEER(initialiser_peer_boost_call_once, "Boost", peer::version, nullptr);
