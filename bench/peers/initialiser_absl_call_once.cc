// SPDX-License-Identifier: MIT
// Peer    package=libabsl-dev module=absl_base
// absl::call_once: the state's load and compare are inlined, the rest is a call; waiters spin a little, then sleep by futex. The routine
// must not throw, so a failure is kept, as with pthread_once.
#include <absl/base/call_once.h>
#include <new>

#include "load.hpp"
#include "peer.h"

PEER_BEGIN

struct initialiser {
	absl::once_flag once;
	loaded made;                      // the instance is owned; written by the routine
	const initialiser_loader *loader; // borrowed
};

int initialiser_open(initialiser *it, const initialiser_loader *loader)
{
	new (it) initialiser{{}, {}, loader};
	return 0;
}

PEER_SLOW_PATH void load_slowly(initialiser *it)
{
	it->made = load(it->loader);
}

inline void *initialiser_get(initialiser *it, int *error)
{
	absl::call_once(it->once, load_slowly, it);
	*error = it->made.error;
	return it->made.instance;
}

void initialiser_close(initialiser *it)
{
	if (it->made.instance)
		it->loader->unload(it->loader->arg, it->made.instance);
	it->~initialiser();
}

const char *version()
{
	return PEER_VERSION;
}

PEER_END

#include "initialiser_export.hpp"
INITIALISER_PEER(peer_absl_call_once, made.about.lesson = "the flag's check is inlined, and a failure has nowhere to go",
	made.about.claims = PEER_INITIALISER_CLAIMS, made.about.missing = INITIALISER_RETRIES_FAILURE,
	made.about.calls = "_ZN4absl*base_internal12CallOnceImpl*");
PEER(initialiser_peer_absl_call_once, "Abseil", peer::version, nullptr);
